# SPDX-License-Identifier: Apache-2.0
"""Workers as processes.

Takes messages for a worker; gives messages of any. Keeps true: nothing blocks for ever. A worker
always reads what it is sent, for its answers are sent by a thread of its own; it ends when the pipe
is closed or its parent is gone; a worker that is gone is noticed by the one who waits.
"""
import multiprocessing
import multiprocessing.connection
import os
import pickle
import queue
import signal
import threading
import time
import weakref

from mintor import running
from mintor import tools
from mintor.data.worker import FAILED, Failure, Worker

_GRACE = 1.0                            # seconds that a worker has to end by itself
_parent_ends = weakref.WeakSet()        # which a child that is forked has too, and closes


def _packed(answer, number):
    """An answer as bytes; a failure where it cannot be pickled."""
    try:
        return pickle.dumps(answer, 5)
    except Exception as error:  # pylint: disable=broad-exception-caught
        failure = answer[2] if answer[1] == FAILED else Failure(error, number)
        failure.kind = RuntimeError     # a type that is not found elsewhere
        return pickle.dumps((answer[0], FAILED, failure), 5)


def _send_all(connection, answers):
    try:
        while (data := answers.get()) is not None:
            connection.send_bytes(data)
    except OSError:                     # nobody listens
        pass


def _next_message(connection, parent):
    """What the parent sends next; None when it is gone. `parent`: its number, when all began."""
    try:
        while not connection.poll(2.0):
            if os.getppid() != parent:
                return None
        return connection.recv()
    except (EOFError, OSError):
        return None


def _main(work, number, connection):
    """A worker process, from its start to its end."""
    parent = os.getppid()
    for end in list(_parent_ends):
        end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # the parent's affair
    tools.set_num_threads(1)
    worker, answers = Worker(work, number), queue.Queue()
    sender = threading.Thread(target=_send_all, args=(connection, answers), daemon=True)
    sender.start()
    while (message := _next_message(connection, parent)) is not None:
        answer = worker(message)
        if answer is not None:
            answers.put(_packed(answer, number))
        del answer          # not kept while there is nothing to do
    answers.put(None)
    sender.join(_GRACE)
    connection.close()


class Processes:
    """Worker processes, started. `context`: "fork", "spawn", "forkserver" or a context."""

    def __init__(self, work, context):
        if isinstance(context, str):
            context = multiprocessing.get_context(context)
        self._ends, self._processes = [], []
        self.close = weakref.finalize(self, _close, os.getpid(), self._ends,
                                      self._processes)
        running.sync()                  # a thread that computes is not there after a fork
        try:
            for number in range(work.num_workers):
                end, child_end = context.Pipe()
                _parent_ends.add(end)
                self._ends.append(end)
                process = context.Process(target=_main, daemon=True,
                                          args=(work, number, child_end))
                process.start()
                child_end.close()
                self._processes.append(process)
        except BaseException:
            self.close()
            raise

    def send(self, number, message):
        """A message for one worker. RuntimeError where it is gone."""
        try:
            self._ends[number].send(message)
        except OSError:
            self._gone(number)

    def receive(self, seconds):
        """The next message of any worker; None after that many seconds (None: no limit).
        RuntimeError where a worker is gone.
        """
        found = multiprocessing.connection.wait(self._ends, seconds)
        if not found:
            return None
        try:
            data = found[0].recv_bytes()
        except (EOFError, OSError):
            self._gone(self._ends.index(found[0]))
        try:
            return pickle.loads(data)
        except Exception as error:
            self.close()
            raise RuntimeError("what a worker of the DataLoader made cannot be unpickled here: "
                               f"{error!r}") from error

    def _gone(self, number):
        process = self._processes[number]
        process.join(_GRACE)
        code = process.exitcode
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else \
            f"ended with the exit code {code}"
        self.close()
        raise RuntimeError(
            f"worker {number} of the DataLoader (process {process.pid}) {how}\n"
            "  help: num_workers=0 reads in this process and shows more; SIGKILL may come from the "
            "system, short of memory")


def _close(owner, ends, processes):
    if os.getpid() != owner:            # a child that was forked since
        return
    for end in ends:
        try:
            end.close()
        except OSError:
            pass
    for end_it in (lambda process: None, lambda process: process.terminate(),
                   lambda process: process.kill()):
        for process in processes:
            if process.is_alive():
                end_it(process)
        limit = time.monotonic() + _GRACE
        for process in processes:
            process.join(max(0.0, limit - time.monotonic()))
