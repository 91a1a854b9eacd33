# SPDX-License-Identifier: Apache-2.0
"""When things run: a thread that computes, a thread that calls back, waiting for both.

Takes arrays and callbacks; gives values when they are there. Keeps true: programs run one after
another in the order in which they were recorded; callbacks are called one after another in the
order of fetch; a forked child starts threads of its own; the interpreter ends when both are done.
"""
import atexit
import os
import queue
import sys
import threading
import traceback

from mintor import _mintor
from mintor import arrays


class _Callbacks:
    """Fetched arrays: those that wait for a flush, and those that the thread waits for."""

    def __init__(self):
        self._recorded, self._errors = [], []
        self._queue, self._thread = queue.SimpleQueue(), None

    def add(self, array, callback):
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="mintor-fetch")
            self._thread.start()
        self._recorded.append((array, callback))
        _mintor.set_after_flush(self._after_flush)
        if _mintor.is_computed(array):
            self._after_flush()

    def _after_flush(self):
        """What is recorded is being computed by now, in this order."""
        while self._recorded and _mintor.is_computed(self._recorded[0][0]):
            self._queue.put(self._recorded.pop(0))
        if not self._recorded:
            _mintor.set_after_flush(None)

    def _work(self):
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, threading.Event):
                item.set()
                continue
            array, callback = item
            try:
                callback(_mintor.numpy(array))
            except Exception as error:  # pylint: disable=broad-exception-caught
                self._errors.append(error)
            del item, array, callback

    def wait(self):
        """Until all callbacks were called; raises the first error of one."""
        for item in self._recorded:         # lost: to read one says why
            self._queue.put(item)
        self._recorded = []
        if self._thread is not None and self._thread is not threading.current_thread():
            done = threading.Event()
            self._queue.put(done)
            done.wait()
        if self._errors:
            error, self._errors = self._errors[0], []
            raise error

    def stop(self):
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None


_callbacks = _Callbacks()


def fetch(x, callback):
    """Calls `callback(value)` with the ndarray of x when that has been computed; does not wait.

    Nothing waits and nothing is computed for it alone: x comes with the program that it is part of.
    Callbacks are called in the order of fetch, in a thread of their own. What a callback raises is
    raised by the next sync(). `x`: an array, of any dtype; TypeError otherwise.

    >>> import mintor as mt
    >>> losses = []
    >>> mt.fetch(mt.array([1.0, 2.0]).sum(), lambda value: losses.append(float(value)))
    >>> mt.sync()
    >>> losses
    [3.0]
    """
    if not isinstance(x, arrays.Array):
        raise TypeError(f"fetch takes an array, got {x!r}")
    if not callable(callback):
        raise TypeError(f"fetch calls back, got {callback!r}")
    if _mintor.is_placeholder(x):
        _mintor.numpy(x)        # an error that says why there is nothing to read
    _mintor.not_replayable("a value that is fetched")
    _callbacks.add(_mintor.alias(x, arrays.Array), callback)


def sync():
    """Everything that was recorded is computed, and fetched, when this returns.

    Raises what went wrong since the last time: CompileError of a computation, or what a callback
    raised.
    """
    _mintor.sync()
    _callbacks.wait()


def set_asynchronous(on=True):
    """Whether programs may run while Python goes on (they do where that pays); gives what it was.

    Off: each runs where it is asked for, and its errors are raised there.
    """
    return _mintor.set_asynchronous(bool(on))


def _in_child():
    global _callbacks  # pylint: disable=global-statement
    _mintor.after_fork(True)
    _mintor.set_after_flush(None)
    _callbacks = _Callbacks()


def _at_exit():
    try:
        sync()
    except Exception:  # pylint: disable=broad-exception-caught
        traceback.print_exc(file=sys.stderr)
    _callbacks.stop()
    _mintor.stop_worker()


os.register_at_fork(before=_mintor.before_fork, after_in_child=_in_child,
                    after_in_parent=lambda: _mintor.after_fork(False))
atexit.register(_at_exit)
_mintor.set_asynchronous(os.environ.get("MINTOR_ASYNCHRONOUS", "1") != "0")
