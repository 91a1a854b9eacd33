# SPDX-License-Identifier: Apache-2.0
"""DataLoader: batches of a dataset.

Takes a dataset and how it is read; gives an iterator over batches. Keeps true: arguments that do
not go together are errors when it is made; each iteration draws a seed from the generator, with
and without workers, then the sampler draws.
"""
import itertools

from mintor.data import collate
from mintor.data import samplers
from mintor.data.datasets import IterableDataset
from mintor.data.fetching import END, Fetcher
from mintor.data.prefetching import Prefetching
from mintor.data.worker import Work


def _same(value):
    return value


def _started(work, context):
    """The workers; what they need is imported when some are wanted."""
    # pylint: disable=import-outside-toplevel
    if context == "thread":
        from mintor.data.threads import Threads
        return Threads(work)
    from mintor.data.processes import Processes
    return Processes(work, context)


def _only_without(given, names, what):
    for name in names:
        if given[name]:
            raise ValueError(f"DataLoader: {name} does not go with {what}")


class DataLoader:
    """Batches of a dataset, made by workers while the program computes.

    `dataset`: with `__getitem__` and `__len__`, or an IterableDataset (anything that has `__iter__`
    and no `__getitem__` counts as one). `batch_size`: samples a batch; None gives samples one by
    one. `shuffle`: a new order in each epoch. `sampler`: numbers of samples in order;
    `batch_sampler`: lists of them. `num_workers`: 0 reads in this process. `collate_fn`: makes a
    batch of a list of samples (default_collate). `drop_last`: leaves a short last batch out.
    `timeout`: seconds to wait for a worker, 0 for ever. `worker_init_fn`: called with the worker's
    number when it starts. `multiprocessing_context`: "fork", "spawn", "forkserver", a context, or
    "thread". `generator`: a mt.random.Generator, the global one by default. `prefetch_factor`:
    batches under way a worker (2). `persistent_workers`: workers stay for the next epoch.
    `pin_memory` is taken and ignored.

    ValueError for what does not go together. In the loop: an exception of a worker, with its
    traceback; RuntimeError where one ends or `timeout` passes.

    >>> import numpy as np
    >>> import mintor as mt
    >>> data = mt.data.TensorDataset(np.arange(5, dtype="float32"), np.arange(5) % 2)
    >>> [(x.tolist(), y.tolist()) for x, y in mt.data.DataLoader(data, batch_size=2)]
    [([0.0, 1.0], [0, 1]), ([2.0, 3.0], [0, 1]), ([4.0], [0])]
    """

    # pylint: disable-next=too-many-arguments,too-many-locals
    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None,
                 num_workers=0, collate_fn=None, pin_memory=False, drop_last=False, timeout=0,
                 worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor=None, persistent_workers=False, pin_memory_device=""):
        del pin_memory, pin_memory_device
        given = {"shuffle": shuffle, "sampler": sampler, "batch_sampler": batch_sampler,
                 "drop_last": drop_last, "timeout": timeout,
                 "batch_size": batch_size not in (1, None), "prefetch_factor": prefetch_factor,
                 "persistent_workers": persistent_workers}
        self._is_iterable = isinstance(dataset, IterableDataset) or not hasattr(
            dataset, "__getitem__")
        if self._is_iterable:
            _only_without(given, ("shuffle", "sampler", "batch_sampler"), "an iterable dataset")
        if sampler is not None:
            _only_without(given, ("shuffle", "batch_sampler"), "a sampler")
        if batch_sampler is not None:
            _only_without(given, ("shuffle", "drop_last", "batch_size"), "a batch_sampler")
        if batch_size is None:
            _only_without(given, ("drop_last",), "batch_size=None")
        if num_workers < 0 or timeout < 0:
            raise ValueError(f"DataLoader: num_workers is {num_workers} and timeout {timeout}, "
                             "expected at least 0")
        if num_workers == 0:
            _only_without(given, ("timeout", "prefetch_factor", "persistent_workers"),
                          "num_workers=0")
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.timeout = num_workers, timeout
        self.prefetch_factor = samplers.positive(prefetch_factor or 2, "prefetch_factor")
        self.worker_init_fn, self.generator = worker_init_fn, generator
        self.multiprocessing_context = multiprocessing_context or "fork"
        self.persistent_workers, self._kept = persistent_workers, None
        if not self._is_iterable:
            self._choose_samplers(sampler, batch_sampler, shuffle)
        elif batch_size is not None:
            samplers.positive(batch_size, "batch_size")
        is_batched = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (collate.default_collate if is_batched else
                                         collate.default_convert)
        # The batch is stacked where it is read; arrays are made here.
        self._collate, self._finish = {
            collate.default_collate: (collate.stack, collate.with_arrays),
            collate.default_convert: (_same, collate.with_arrays),
        }.get(self.collate_fn, (self.collate_fn, _same))

    def _choose_samplers(self, sampler, batch_sampler, shuffle):
        if sampler is None:
            sampler = samplers.RandomSampler(self.dataset, generator=self.generator) if shuffle \
                else samplers.SequentialSampler(self.dataset)
        if batch_sampler is None and self.batch_size is not None:
            batch_sampler = samplers.BatchSampler(sampler, self.batch_size, self.drop_last)
        self.sampler, self.batch_sampler = sampler, batch_sampler

    def _tasks(self):
        """What is fetched, in order: lists of numbers, numbers, or nothing for ever."""
        if self._is_iterable:
            return itertools.repeat(None)
        if self.batch_sampler is not None:
            return map(list, self.batch_sampler)
        return iter(self.sampler)

    def __len__(self):
        """Batches an epoch; TypeError where the dataset or sampler has no length."""
        if not self._is_iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self):
        seed = int(samplers.drawn(self.generator).integers(1 << 62))
        if self.num_workers == 0:
            return self._in_this_process()
        if self._kept is not None and self._kept.is_open:
            return self._kept.start(self._tasks(), seed)
        work = Work(self.dataset, self._is_iterable, self.batch_size, self.drop_last,
                    self._collate, self.worker_init_fn, self.num_workers,
                    self.multiprocessing_context != "thread")
        workers = _started(work, self.multiprocessing_context)
        made = Prefetching(workers, self.num_workers, self.prefetch_factor, self.timeout,
                           self._finish, self.persistent_workers)
        if self.persistent_workers:
            self._kept = made
        return made.start(self._tasks(), seed)

    def _in_this_process(self):
        fetch = Fetcher(self.dataset, self._is_iterable, self.batch_size, self.drop_last,
                        self._collate)
        for task in self._tasks():
            batch = fetch(task)
            if batch is END:
                return
            yield self._finish(batch)
