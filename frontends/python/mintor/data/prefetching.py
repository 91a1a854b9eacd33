# SPDX-License-Identifier: Apache-2.0
"""The loop with workers: what was asked for, what is there, what comes next.

Takes tasks; gives batches in the order of tasks. Keeps true: at most `depth` batches are under way
a worker, or there and not taken; workers that stay from epoch to epoch answer for the epoch that
runs, and what was under way for another one is forgotten.
"""
import collections

from mintor.data.worker import BATCH, ENDED, EPOCH


class Prefetching:
    """An iterator over batches, and its workers. `finish` is done to each batch here."""

    def __init__(self, workers, count, depth, timeout, finish, stays):
        self._workers, self._count, self._depth = workers, count, depth
        self._timeout, self._finish, self._stays = timeout, finish, stays
        self.is_open = True             # workers that were closed begin no further epoch
        self._under_way = {}            # worker of each number that was sent and not answered
        self._sent = 0

    def start(self, tasks, seed):
        """Begins an epoch."""
        self._tasks, self._first, self._next = tasks, self._sent, self._sent
        self._there, self._is_done = {}, False
        self._active = collections.deque(range(self._count))
        for worker in range(self._count):
            self._workers.send(worker, (EPOCH, seed))
        for _ in range(self._depth * self._count):
            self._ask()
        return self

    def _ask(self):
        """Sends the next task to the worker whose turn it is."""
        if self._is_done or not self._active:
            return
        try:
            task = next(self._tasks)
        except StopIteration:
            self._is_done = True
            return
        worker = self._active[0]
        self._active.rotate(-1)
        self._under_way[self._sent] = worker
        self._workers.send(worker, (self._sent, task))
        self._sent += 1

    def __iter__(self):
        return self

    def __next__(self):
        while self._next < self._sent:
            while self._next not in self._there:
                self._receive()
            worker, kind, value = self._there.pop(self._next)
            if kind == ENDED and worker in self._active:
                self._active.remove(worker)
            self._next += 1
            self._ask()
            if kind == BATCH:
                return self._finish(value)
            if kind != ENDED:
                value.raise_it()
        if not self._stays:
            self._close()
        raise StopIteration

    def _close(self):
        self.is_open = False
        self._workers.close()

    def _receive(self):
        answer = self._workers.receive(self._timeout or None)
        if answer is None:
            self._close()
            raise RuntimeError(f"the DataLoader waited longer than {self._timeout} seconds for a "
                               "worker")
        number, kind, value = answer
        worker = self._under_way.pop(number)
        if number < self._first:
            return                      # of an epoch that was left
        self._there[number] = worker, kind, value
