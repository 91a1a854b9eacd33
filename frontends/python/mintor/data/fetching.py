# SPDX-License-Identifier: Apache-2.0
"""One batch of a dataset, in whichever process.

Takes a task: numbers of samples, or nothing where a dataset is read in its own order; gives the
batch, or END. Keeps true: a StopIteration out of a dataset is an error, never the end.
"""
import itertools

END = "end"


class Fetcher:
    """Reads a dataset. `collate` takes the list of a batch's samples, or one sample where
    `batch_size` is None.
    """

    def __init__(self, dataset, is_iterable, batch_size, drop_last, collate):
        self._dataset, self._collate = dataset, collate
        self._batch_size, self._drop_last = batch_size, drop_last
        self._samples = iter(dataset) if is_iterable else None

    def __call__(self, task):
        """The batch of a task, or END."""
        if self._samples is not None:
            return self._next_samples()
        try:
            if not isinstance(task, list):
                return self._collate(self._dataset[task])
            if hasattr(self._dataset, "__getitems__"):
                return self._collate(self._dataset.__getitems__(task))
            return self._collate([self._dataset[one] for one in task])
        except StopIteration as error:
            raise RuntimeError("the dataset raised StopIteration") from error

    def _next_samples(self):
        if self._batch_size is None:
            found = list(itertools.islice(self._samples, 1))
            return self._collate(found[0]) if found else END
        found = list(itertools.islice(self._samples, self._batch_size))
        if not found or self._drop_last and len(found) < self._batch_size:
            return END
        return self._collate(found)
