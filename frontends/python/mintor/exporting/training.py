# SPDX-License-Identifier: Apache-2.0
"""A module's training as entries: train_step, grads and apply.

Takes a module, a loss and an optimizer; records what a step does, with the optimizer's numbers as
arrays. Keeps true: the optimizer and the stream of random numbers are as they were, afterwards.
"""
# pylint: disable=protected-access
import contextlib

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import gradients
from mintor import model
from mintor import random
from mintor import repeated
from mintor.exporting.recording import mode, record

_NUMBERS = numpy.dtype("float64")       # what learning rates and step counts are computed in


class Draws:
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

        def number(kind, generator, *numbers):
            if kind is not repeated.Draw:
                return
            if generator is not self._generator:
                raise model.CompileError(
                    "error: export: the module draws from a mt.random.Generator of its own\n  "
                    "help: draw from the default one (mt.random.seed)")
            drawn[0] += 1
            _mintor.assign(numbers[1], start + arrays.array(numpy.uint64(drawn[0])))
        repeated.watches.append(number)
        try:
            yield
            if drawn[0]:
                _mintor.assign(self.counter, start + arrays.array(numpy.uint64(drawn[0])))
        finally:
            repeated.watches.remove(number)
            self._generator.set_state(before)


class Training:
    """An optimizer whose numbers are arrays: rates are inputs, counts and moments are states."""

    def __init__(self, optimizer, states, prefix="optimizer"):
        if optimizer._operator is None:
            raise model.CompileError(
                f"error: export: a step of {type(optimizer).__name__} is no call that can be "
                "compiled\n  help: export with another optimizer of mt.optim")
        self.optimizer = optimizer
        groups = optimizer.param_groups
        many = len(groups) > 1
        self.rates = {f"lr{place}" if many else "lr": arrays.array(numpy.array(
            group["lr"], _NUMBERS)) for place, group in enumerate(groups)}
        self.parameters = [one for group in groups for one in group["params"] if one.requires_grad]
        for one in self.parameters:
            states.name_of(one)     # refuses those of another module
        self._fresh = []        # states that the optimizer does not have yet
        for group in groups:
            for name in optimizer._states_of(group):
                for one in group["params"]:
                    if name not in optimizer.state[one]:
                        self._fresh.append((one, name))
                    of = states.name_of(one)
                    states.add(f"{prefix}.{name}.{of}", optimizer._held(one, name, group),
                               "optimizer", of)
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
            self._counts[name] = states.add(f"{prefix}.{name}", arrays.array(
                numpy.array(values.pop() if values else first, _NUMBERS)), "optimizer")

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
        stepped = optimizer._stepped
        try:
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate
            for one in self.parameters:
                optimizer.state[one].update(self._counts)
            yield
            for name, array in self._counts.items():
                # Of those that took the step: what the loss does not reach counts nothing.
                for made in [optimizer.state[one][name] for one in self.parameters]:
                    if made is not array:
                        _mintor.assign(array, made)
                        break
            for one, old in before:
                for name, array in old.items():
                    if isinstance(array, arrays.Array):
                        _mintor.assign(array, optimizer.state[one][name])
        finally:
            optimizer._stepped = stepped
            for group, rate in zip(optimizer.param_groups, old_rates):
                group["lr"] = rate
            for one, old in before:
                optimizer.state[one].clear()
                optimizer.state[one].update(old)


# pylint: disable-next=too-many-arguments
def step_entry(name, module, inputs, loss, training, draws, states, sizes):
    """One update: the loss of these inputs, and the optimizer's step by it."""
    def step(*given):
        with training.recorded(given[len(inputs):]), draws.recorded():
            value = loss(*given[:len(inputs)])
            training.optimizer.step(value)
        return {"loss": value}

    with mode(module, True):
        return record(name, step, {**inputs, **training.rates}, states, sizes)


# pylint: disable-next=too-many-arguments
def entries_of_training(module, inputs, targets, loss, training, states, sizes):
    """train_step, and its halves: grads, which adds up gradients, and apply, which uses them."""
    optimizer, draws = training.optimizer, Draws(states)
    sums = {}
    for one in training.parameters:
        of = states.name_of(one)
        sums[id(one)] = states.add(f"grad.{of}", arrays.zeros_like(one), "gradient", of)
    reached = []        # those that the loss depends on; the others are left alone

    def loss_of(*given):
        return loss(module(*given[:len(inputs)]), *given[len(inputs):])

    def grads(*given):
        with draws.recorded():
            value = loss_of(*given)
            reaches = _mintor.depends_on(value, training.parameters)
            reached[:] = [one for one, yes in zip(training.parameters, reaches) if yes]
            found = gradients.grad(value, reached)
        for one, made in zip(reached, found):
            _mintor.assign(sums[id(one)], sums[id(one)] + made)
        return {"loss": value}

    def apply(*rates):
        before = [one.grad for one in training.parameters]
        try:
            with training.recorded(rates):
                for one in training.parameters:
                    one.grad = None
                for one in reached:
                    one.grad = _mintor.alias(sums[id(one)], arrays.Array)
                optimizer.step()
        finally:
            for one, old in zip(training.parameters, before):
                one.grad = old
        for one in reached:
            _mintor.assign(sums[id(one)], arrays.zeros_like(one))
        return {}

    taken = {**inputs, **targets}
    step = step_entry("train_step", module, taken, loss_of, training, draws, states, sizes)
    with mode(module, True):
        return [step,
                record("grads", grads, taken, states, sizes),
                record("apply", apply, training.rates, states, sizes)]
