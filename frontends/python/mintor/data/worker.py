# SPDX-License-Identifier: Apache-2.0
"""What runs in a worker, be it a process or a thread.

Takes messages: (EPOCH, seed), (number, task), None; gives (number, BATCH, batch), (number, ENDED,
None), (number, FAILED, Failure). Keeps true: whatever goes wrong is a message.
"""
import dataclasses
import random
import sys
import threading
import traceback

import numpy

from mintor import random as own_random
from mintor.data.fetching import END, Fetcher

EPOCH, BATCH, ENDED, FAILED = "epoch", "batch", "ended", "failed"


@dataclasses.dataclass
class WorkerInfo:
    """Which worker this is: `id` of `num_workers`, its `seed`, and its `dataset`."""

    id: int
    num_workers: int
    seed: int
    dataset: object


class _Here(threading.local):
    info = None


_of_thread = _Here()
_of_process = [None]


def get_worker_info():
    """The WorkerInfo of the worker that calls; None outside of workers."""
    return _of_thread.info or _of_process[0]


class _Message(str):
    """A text that is shown as it is by KeyError too."""

    def __repr__(self):
        return str(self)


class Failure:
    """An exception of a worker: its type and traceback."""

    def __init__(self, error, where):
        self.kind = type(error) if isinstance(error, Exception) else RuntimeError
        text = "".join(traceback.format_exception(error))
        self.text = f"{type(error).__name__} in worker {where} of the DataLoader:\n{text}"

    def raise_it(self):
        """The exception again, with the worker's traceback; RuntimeError where its type takes more
        than a text.
        """
        message = _Message(self.text)
        try:
            made = self.kind(message)
        except Exception:  # pylint: disable=broad-exception-caught
            made = RuntimeError(message)
        raise made


@dataclasses.dataclass
class Work:
    """What a worker is told when it starts."""

    dataset: object
    is_iterable: bool
    batch_size: object
    drop_last: bool
    collate: object
    init: object
    num_workers: int
    is_process: bool


def _seed(seed):
    """Seeds of what draws numbers in this process, and one thread for PyTorch: its pool of threads
    does not survive a fork.
    """
    random.seed(seed)
    numpy.random.seed(seed % (1 << 32))
    own_random.manual_seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
        sys.modules["torch"].set_num_threads(1)


class Worker:
    """A worker's state between messages."""

    def __init__(self, work, number):
        self._work, self._number = work, number
        self._fetch, self._is_new, self._failure = None, True, None

    def __call__(self, message):
        """The answer to a message, or None."""
        number, task = message
        try:
            if number == EPOCH:
                self._failure = None
                self._start(task)
                return None
            if self._failure:
                return number, FAILED, self._failure
            batch = self._fetch(task)
            return (number, ENDED, None) if batch is END else (number, BATCH, batch)
        except BaseException as error:  # pylint: disable=broad-exception-caught
            failure = Failure(error, self._number)
            if number == EPOCH:         # told when a batch is asked for
                self._failure = failure
                return None
            return number, FAILED, failure

    def _start(self, base_seed):
        work, seed = self._work, base_seed + self._number
        info = WorkerInfo(self._number, work.num_workers, seed, work.dataset)
        if work.is_process:
            _of_process[0] = info
            _seed(seed)
        else:
            _of_thread.info = info
        if self._is_new and work.init is not None:
            work.init(self._number)
        self._is_new = False
        self._fetch = Fetcher(work.dataset, work.is_iterable, work.batch_size, work.drop_last,
                              work.collate)
