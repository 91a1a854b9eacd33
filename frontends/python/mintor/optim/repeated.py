# SPDX-License-Identifier: Apache-2.0
"""Steps of optimizers in functions that mt.jit repeats.

Takes steps while they are recorded; gives the numbers and states that they take when they are made
again. Keeps true: rates, counts and states are the optimizer's at that time; where it would do
something else (other parameters are trained, the update has another structure), that is said.
"""
import itertools

from mintor.repeated import Event, tell


class Step(Event):
    """What a step decides by: which parameters are trained, and how."""

    def __init__(self, optimizer):
        self._optimizer, self._known = optimizer, optimizer.decides_by()
        self._alive = list(optimizer._param_groups), optimizer._trained()   # known by their ids

    def matches(self):
        return self._known == self._optimizer.decides_by()

    def inputs(self, recorded, undo):
        tell(Step, self._optimizer)
        return []


class Update(Event):
    """One call of an optimizer's rule: new values of some parameters of a group.

    `numbers`: how many the call took first, where it was made just now; else the arrays themselves.
    """

    def __init__(self, optimizer, group, parameters, numbers):
        self._optimizer, self._group, self._parameters = optimizer, group, parameters
        self._numbers, self._first, self._is_input = numbers, None, ()
        self._states = [(one, name) for name in optimizer._states_of(group) for one in parameters]

    def note(self, recorded):
        numbers, self._numbers = self._numbers, None
        if isinstance(numbers, int):
            numbers = recorded.last_numbers(numbers)
        self._first = recorded.add_numbers(numbers)
        self._is_input = [recorded.add_held(array) for array in self.made()]

    def inputs(self, recorded, undo):
        optimizer, group = self._optimizer, self._group
        states = [optimizer._state[one] for one in self._parameters]
        through = optimizer._through(states[0])
        if any(optimizer._through(state) != through for state in states):
            return None
        before = [dict(state) for state in states]
        undo.append(lambda: _put_back(states, before))
        held = [optimizer._held(one, name, group) for one, name in self._states]
        numbers = recorded.numbers(self._first, [
            float(one) for one in optimizer._numbers_of(group, through)])
        tell(Update, optimizer, group, self._parameters, numbers)
        for state in states:
            optimizer._passed(state, group)
        return numbers + list(itertools.compress(held, self._is_input))

    def made(self):
        return [self._optimizer._state[one][name] for one, name in self._states]

    def take(self, arrays):
        for (one, name), array in zip(self._states, arrays):
            self._optimizer._state[one][name] = array


def _put_back(states, before):
    for state, items in zip(states, before):
        state.clear()
        state.update(items)
