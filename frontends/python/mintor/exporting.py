# SPDX-License-Identifier: Apache-2.0
"""export: a module, and its training, as a package.

Takes a module with examples of what it is called with; gives a folder of C++ source, weights and
runtime. Each entry of the package is a Python function that is called once, with placeholders: what
it does is recorded, and what it gives parameters, buffers and optimizer states becomes their
update. Keeps true: afterwards module and optimizer are as they were; nothing that was recorded is
trained on the example's values.
"""
# pylint: disable=protected-access
import contextlib
import inspect
import os

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import gradients
from mintor import model
from mintor import random
from mintor import trees

_NUMBERS = numpy.dtype("float64")       # what learning rates and step counts are computed in


class _States:
    """Arrays that entries share, by name."""

    def __init__(self, module):
        self.arrays = {}
        known = set()
        for name, one in [*module.named_parameters(), *module.named_buffers()]:
            if id(one) not in known:
                known.add(id(one))
                self.arrays[name] = one
        self.names = {id(one): name for name, one in self.arrays.items()}

    def name_of(self, parameter):
        if id(parameter) not in self.names:
            raise ValueError("export: the optimizer has a parameter that is not the module's")
        return self.names[id(parameter)]

    def add(self, name, array):
        self.arrays[name] = array
        return array


class _Draws:
    """The default generator's counter as a state, so that each run draws anew."""

    name = "random.counter"

    def __init__(self, states):
        self._generator = random.default_generator
        self.counter = states.add(self.name, arrays.array(
            numpy.uint64(self._generator.get_state()[1])))

    @contextlib.contextmanager
    def recorded(self):
        before, drawn = self._generator.get_state(), [0]
        start = _mintor.alias(self.counter, arrays.Array)

        def number(generator, _, counter):
            if generator is not self._generator:
                raise model.CompileError(
                    "error: export: the module draws from a mt.random.Generator of its own\n  "
                    "help: draw from the default one (mt.random.seed)")
            drawn[0] += 1
            _mintor.assign(counter, start + arrays.array(numpy.uint64(drawn[0])))
        random.watches.append(number)
        try:
            yield
            if drawn[0]:
                _mintor.assign(self.counter, start + arrays.array(numpy.uint64(drawn[0])))
        finally:
            random.watches.remove(number)
            self._generator.set_state(before)


class _Training:
    """An optimizer whose numbers are arrays: rates are inputs, counts and moments are states."""

    def __init__(self, optimizer, states):
        self.optimizer = optimizer
        groups = optimizer.param_groups
        many = len(groups) > 1
        self.rates = {f"lr{place}" if many else "lr": arrays.array(numpy.array(
            group["lr"], _NUMBERS)) for place, group in enumerate(groups)}
        self.parameters = [one for group in groups for one in group["params"] if one.requires_grad]
        self._fresh = []        # states that the optimizer does not have yet
        for group in groups:
            for name in optimizer._states_of(group):
                for one in group["params"]:
                    if name not in optimizer.state[one]:
                        self._fresh.append((one, name))
                    states.add(f"optimizer.{name}.{states.name_of(one)}",
                               optimizer._held(one, name, group))
            if self._fresh and group.get("dampening"):
                raise model.CompileError(
                    "error: export: the first step of SGD with dampening is another than those "
                    "after it\n  help: take a step before exporting")
        self._counts = {}
        for name, first in optimizer._counts.items():
            values = {optimizer.state[one].get(name, first) for one in self.parameters}
            if len(values) > 1:
                raise model.CompileError(
                    f"error: export: parameters have taken different numbers of steps ({name})")
            self._counts[name] = states.add(f"optimizer.{name}", arrays.array(
                numpy.array(values.pop() if values else first, _NUMBERS)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one, name in self._fresh:
            del self.optimizer.state[one][name]

    @contextlib.contextmanager
    def recorded(self, rates=()):
        """With these arrays as rates; what the optimizer counts becomes the states' new values."""
        optimizer = self.optimizer
        before = [(one, dict(optimizer.state[one])) for one in self.parameters]
        old_rates = [group["lr"] for group in optimizer.param_groups]
        held = {id(array): array for state in before for array in state[1].values()
                if isinstance(array, arrays.Array)}
        stepped = optimizer._stepped
        try:
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate
            for one in self.parameters:
                optimizer.state[one].update(self._counts)
            yield
            for name, array in self._counts.items():
                if self.parameters:
                    _mintor.assign(array, optimizer.state[self.parameters[0]][name])
            for one, old in before:
                for name, array in optimizer.state[one].items():
                    if name in old and id(old[name]) in held and array is not old[name]:
                        _mintor.assign(old[name], array)
        finally:
            optimizer._stepped = stepped
            for group, rate in zip(optimizer.param_groups, old_rates):
                group["lr"] = rate
            for one, old in before:
                optimizer.state[one].clear()
                optimizer.state[one].update(old)


def _record(name, function, inputs, states):
    """What `function` does with placeholders of the inputs, as an entry."""
    recorder = _mintor.BodyRecorder("export", False, True)
    held = list(states.arrays.values())
    before = [_mintor.alias(one, arrays.Array) for one in held]
    given = [*inputs.values(), *held]
    try:
        placeholders = recorder.enter(given, len(given))
        inside, old = placeholders[:len(inputs)], placeholders[len(inputs):]
        for one, placeholder in zip(held, old):
            _mintor.assign(one, placeholder)
        results = function(*inside)
        changed = [place for place, one in enumerate(held)
                   if not _mintor.is_same_value(one, old[place])]
        made = [*results.values(), *[held[place] for place in changed]]
        body = recorder.finish([_mintor.alias(one, arrays.Array) for one in made])
    finally:
        recorder.leave()
        for one, value in zip(held, before):
            _mintor.assign(one, value)
    names = list(states.arrays)
    return {"name": name, "body": body, "captures": recorder.captures(),
            "inputs": list(inputs.values()), "input_names": list(inputs), "state_names": names,
            "result_names": list(results), "update_names": [names[place] for place in changed]}


def _parameters_of(function, count, otherwise):
    """Names of a function's first arguments; of each a different one."""
    try:
        known = [one.name for one in inspect.signature(function).parameters.values()
                 if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        known = []
    return known[:count] if len(known) >= count else \
        [otherwise] if count == 1 else [f"{otherwise}{place}" for place in range(count)]


def _examples(given):
    return [arrays.as_array(one) for one in (given if isinstance(given, (tuple, list)) else
                                             [given])]


def _named(made):
    """Results by name: keys of a dictionary, y, or y0, y1, ..."""
    if isinstance(made, dict):
        return {str(name): one for name, one in made.items()}
    items = trees.items_of(made)
    return {"y": items[0]} if len(items) == 1 else {f"y{n}": one for n, one in enumerate(items)}


@contextlib.contextmanager
def _mode(module, training):
    """All modules inside train, or none does; as they were, afterwards."""
    before = [(one, one.training) for one in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for one, was in before:
            object.__setattr__(one, "training", was)


def _forward(module, inputs, states):
    def forward(*given):
        with gradients.no_grad():
            return _named(module(*given))
    with _mode(module, False):
        return _record("forward", forward, inputs, states)


def _training(module, inputs, targets, loss, training, states):
    """train_step, and its halves: grads, which adds up gradients, and apply, which uses them."""
    optimizer, draws = training.optimizer, _Draws(states)
    sums = {id(one): states.add(f"grad.{states.name_of(one)}", arrays.zeros_like(one))
            for one in training.parameters}

    def loss_of(given):
        prediction = module(*given[:len(inputs)])
        return loss(prediction, *given[len(inputs):len(inputs) + len(targets)])

    def train_step(*given):
        with training.recorded(given[len(inputs) + len(targets):]), draws.recorded():
            value = loss_of(given)
            optimizer.step(value)
        return {"loss": value}

    def grads(*given):
        with draws.recorded():
            value = loss_of(given)
            found = gradients.grad(value, training.parameters)
        for one, made in zip(training.parameters, found):
            _mintor.assign(sums[id(one)], sums[id(one)] + made)
        return {"loss": value}

    def apply(*rates):
        before = [one.grad for one in training.parameters]
        try:
            with training.recorded(rates):
                for one in training.parameters:
                    one.grad = _mintor.alias(sums[id(one)], arrays.Array)
                optimizer.step()
        finally:
            for one, old in zip(training.parameters, before):
                one.grad = old
        for one in training.parameters:
            _mintor.assign(sums[id(one)], arrays.zeros_like(one))
        return {}

    taken = {**inputs, **targets}
    with _mode(module, True):
        return [_record("train_step", train_step, {**taken, **training.rates}, states),
                _record("grads", grads, taken, states),
                _record("apply", apply, training.rates, states)]


# pylint: disable-next=too-many-arguments
def export(module, example_inputs, directory, train=False, *, loss=None, targets=None,
           optimizer=None, target="", **options):
    """Writes the module as a package: `forward`, as it is in evaluation; with `train` its training.

    `example_inputs`: an array, or a tuple of what the module is called with; shapes and dtypes are
    the package's. With `train=True`: `targets`, examples of what `loss(prediction, *targets)` takes
    beside, and an `optimizer` of the module's parameters. Entries then: `forward`; `train_step`
    (inputs, targets and the rate `lr` to the loss, one update); `grads` (adds gradients up, gives
    the loss) and `apply` (takes `lr`, uses and clears what was added up). Parameters, buffers,
    optimizer states (`optimizer.*`) and gradients (`grad.*`) are the package's states by name, and
    start as they are now. `target`: levels, "v3,v4". Further keywords are options of the compiler.
    CompileError where the module reads a value, or does what a package cannot.
    """
    if not train and (loss is not None or optimizer is not None or targets is not None):
        raise TypeError("export: loss, targets and optimizer are for train=True")
    if train and (loss is None or optimizer is None or targets is None):
        raise TypeError("export: train=True needs loss, targets and optimizer")
    examples = _examples(example_inputs)
    function = getattr(module, "forward", None) or module.execute
    inputs = dict(zip(_parameters_of(function, len(examples), "x"), examples))
    states = _States(module)
    entries = []
    if train:
        expected = _examples(targets)
        names = _parameters_of(loss, len(expected) + 1, "target")[-len(expected):]
        named = {name if name not in inputs else f"{name}_target": one
                 for name, one in zip(names, expected)}
        with _Training(optimizer, states) as training:
            entries = _training(module, inputs, named, loss, training, states)
    entries.insert(0, _forward(module, inputs, states))
    given = model.option_items({"target": target, **options})
    _mintor.export_package(entries, states.arrays, os.fspath(directory), given)
