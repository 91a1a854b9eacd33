# SPDX-License-Identifier: Apache-2.0
"""Workers as threads: for datasets that wait for files, or compute outside of the interpreter.

Takes messages for a worker; gives messages of any. Keeps true: the interface of processes.py.
"""
import queue
import threading
import weakref

from mintor.data.worker import Worker


def _main(work, number, messages, answers):
    worker = Worker(work, number)
    while (message := messages.get()) is not None:
        answer = worker(message)
        if answer is not None:
            answers.put(answer)
        del answer          # not kept while there is nothing to do


def _close(messages):
    for one in messages:
        one.put(None)


class Threads:
    """Worker threads, started."""

    def __init__(self, work):
        self._answers = queue.Queue()
        self._messages = [queue.Queue() for _ in range(work.num_workers)]
        self.close = weakref.finalize(self, _close, self._messages)
        for number, messages in enumerate(self._messages):
            threading.Thread(target=_main, args=(work, number, messages, self._answers),
                             daemon=True).start()

    def send(self, number, message):
        """A message for one worker."""
        self._messages[number].put(message)

    def receive(self, seconds):
        """The next message of any worker; None after that many seconds (None: no limit)."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None
