# SPDX-License-Identifier: Apache-2.0
"""What Python does each time that a function is called which mt.jit repeats.

Takes events of the function while it is recorded: a draw of random numbers, an optimizer's step.
Gives, each time that its calls are made again, the arrays that Python computes for them, and takes
what Python keeps. Keeps true: an event that would be another one now says so before it leaves a
trace.
"""
watches = []        # of functions that are recorded: called with a kind of event and its arguments


def tell(kind, *arguments):
    """Tells functions that are recorded of an event kind(*arguments)."""
    for watch in watches:
        watch(kind, *arguments)


class Event:
    """Base of events; one that says nothing else takes and keeps nothing."""

    def note(self, recorded):
        """While the function is recorded: says which arrays come with each call."""

    def matches(self):
        """Whether the same would happen now."""
        return True

    def inputs(self, recorded, undo):
        """Those arrays for calls that are made again, or None where these would be others. `undo`:
        a list of functions that take back what this changes, last first.
        """
        del recorded, undo
        return []

    def made(self):
        """After the function: arrays of its calls that are kept."""
        return []

    def take(self, arrays):
        """After calls that were made again: keeps these."""


class Draw(Event):
    """A draw of random numbers."""

    def __init__(self, generator, *numbers):
        self._generator, self._numbers = generator, numbers

    def note(self, recorded):
        for number in self._numbers:
            recorded.add_input(number)
        self._numbers = ()

    def inputs(self, recorded, undo):
        before = dict(vars(self._generator))
        undo.append(lambda: vars(self._generator).update(before))
        return list(self._generator.numbers())
