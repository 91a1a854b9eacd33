# SPDX-License-Identifier: Apache-2.0
"""What a function does, as an entry of a package.

Takes a function, examples of its inputs and the states that it shares with others; calls it with
placeholders. Keeps true: states have their values afterwards.
"""
import contextlib

from mintor import _mintor
from mintor import arrays
from mintor import model


class States:
    """Arrays that entries share, by name."""

    def __init__(self, module):
        self.arrays = {}
        self.roles = {}         # of those that belong to another: (role, its name)
        known = set()
        for name, one in [*module.named_parameters(), *module.named_buffers()]:
            if id(one) not in known:
                known.add(id(one))
                self.arrays[name] = one
        self.names = {id(one): name for name, one in self.arrays.items()}
        self.buffers = [(owner, name, one) for owner in module.modules()
                        for name, one in owner.named_buffers(recurse=False)]

    def take_back(self):
        """Buffers that were given another array are their own again, with its value."""
        for owner, name, one in self.buffers:
            other = getattr(owner, name)
            if other is not one:
                setattr(owner, name, one)
                _mintor.assign(one, other)

    def name_of(self, parameter):
        if id(parameter) not in self.names:
            raise ValueError("export: the optimizer has a parameter that is not the module's")
        return self.names[id(parameter)]

    def add(self, name, array, role="value", of=""):
        """`role`: "optimizer", "gradient", of the parameter of that name."""
        if name in self.arrays:
            raise ValueError(f"export: '{name}' is a name of the module and one of its training")
        self.arrays[name] = array
        self.roles[name] = (role, of)
        return array


@contextlib.contextmanager
def mode(module, training):
    """All modules inside train, or none does; as they were, afterwards."""
    before = [(one, one.training) for one in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for one, was in before:
            object.__setattr__(one, "training", was)


def _sample(name, function, inputs, states):
    """What `function` does with placeholders of the inputs: body, captures, names of its results,
    names of the states that it changes.
    """
    recorder = _mintor.BodyRecorder("export", False, True)
    held = list(states.arrays.values())
    before = [_mintor.alias(one, arrays.Array) for one in held]
    given = [*inputs, *held]
    try:
        placeholders = recorder.enter(given, len(given))
        inside, old = placeholders[:len(inputs)], placeholders[len(inputs):]
        for one, placeholder in zip(held, old):
            _mintor.assign(one, placeholder)
        results = function(*inside)
        states.take_back()
        changed = [place for place, one in enumerate(held)
                   if not _mintor.is_same_value(one, old[place])]
        made = [*results.values(), *[held[place] for place in changed]]
        for result, one in results.items():
            if not isinstance(one, arrays.Array):
                raise TypeError(f"export: {name} gives {one!r} for '{result}', expected an array")
        body = recorder.finish([_mintor.alias(one, arrays.Array) for one in made])
    finally:
        states.take_back()
        recorder.leave()
        for one, value in zip(held, before):
            _mintor.assign(one, value)
    names = list(states.arrays)
    return body, recorder.captures(), list(results), [names[place] for place in changed]


def record(name, function, inputs, states, sizes):
    """An entry: what `function` does, for each sample of the sizes."""
    given = sizes.samples_of(inputs)
    made = [_sample(name, function, given[0], states)]
    for number, sample in enumerate(given[1:], 1):
        try:
            made.append(_sample(name, function, sample, states))
        except ValueError as error:
            known = ", ".join(f"{size} = {values[number]}" for size, values, _, _ in sizes.declared)
            raise model.CompileError(
                f"error: export: {name} does not work for all sizes that are declared ({known}): "
                f"{error}") from error
    bodies, captures, results, changed = zip(*made)
    return {"name": name, "bodies": list(bodies), "captures": list(captures), "inputs": given,
            "input_names": list(inputs), "state_names": list(states.arrays),
            "result_names": results[0], "update_names": changed[0]}
