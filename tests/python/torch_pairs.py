# SPDX-License-Identifier: Apache-2.0
"""Layers and functions beside PyTorch's: the same weights and inputs, values and gradients.

Takes rows (name, arguments, options, shapes of inputs); gives one message with every difference.
Keeps true: what all rows of a family record is compiled together, so that a row costs little.
"""
import numpy
import torch

import mintor as mt
from mintor import nn


def layer_pair(name, *given, **options):
    """The same layer in both libraries, with the same weights; names and shapes are equal."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*given, **options)
    ours = getattr(nn, name)(*given, **options)
    copy_weights(ours, theirs)
    return ours, theirs


def copy_weights(ours, theirs):
    """Gives ours what theirs has, by name."""
    state = theirs.state_dict()
    own = ours.state_dict()
    assert [(name, one.shape) for name, one in own.items()] == \
        [(name, tuple(one.shape)) for name, one in state.items()]
    for name, one in state.items():
        assert str(own[name].dtype) == str(one.dtype).removeprefix("torch."), name
    ours.load_state_dict({name: one.detach().numpy() for name, one in state.items()})


def inputs_of(shapes, seed=0):
    """Normal numbers of each shape, or what a row gives as an ndarray."""
    rng = numpy.random.default_rng(seed)
    return [one if isinstance(one, numpy.ndarray) else
            rng.standard_normal(one).astype("float32") for one in shapes]


def flat(results):
    """The arrays of a result, in order."""
    if isinstance(results, (tuple, list)):
        return [item for part in results for item in flat(part)]
    return [] if results is None else [results]


class Pairs:
    """Collects results of both libraries; `check` reads and compares them."""

    def __init__(self, rtol=2e-5, atol=2e-5):
        self._rows, self._failures, self._rtol, self._atol = [], [], rtol, atol

    def expect(self, label, got, wanted):
        """Two results, arrays or nested lists of them."""
        got, wanted = flat(got), [one.detach() for one in flat(wanted)]
        if [tuple(one.shape) for one in got] != [tuple(one.shape) for one in wanted]:
            self._failures.append(f"{label}: shapes {[tuple(one.shape) for one in got]}, expected "
                                  f"{[tuple(one.shape) for one in wanted]}")
            return
        self._rows += [(f"{label} [{place}]", *both) for place, both in enumerate(zip(got, wanted))]

    def run(self, label, ours, theirs, given, parameters=((), ()), gradients=True):
        """Values of both for these inputs, and gradients by floating inputs and parameters."""
        own = [mt.array(x) for x in given]
        other = [torch.tensor(x, requires_grad=gradients and x.dtype.kind == "f") for x in given]
        got, wanted = flat(ours(*own)), flat(theirs(*other))
        self.expect(label, got, wanted)
        if not gradients:
            return
        by = [x for x in other if x.requires_grad] + list(parameters[1])
        by_own = [x for x, one in zip(own, other) if one.requires_grad] + list(parameters[0])
        assert len(by) == len(by_own), label
        weight = numpy.random.default_rng(1)
        cotangents = [weight.standard_normal(tuple(one.shape)).astype("float32") for one in wanted]
        if not by:
            return
        slopes = mt.grad(sum((mt.sum(one * x) for one, x in zip(got, cotangents))), by_own)
        expected = torch.autograd.grad(sum((one * torch.tensor(x)).sum() for one, x in
                                           zip(wanted, cotangents)), by, allow_unused=True)
        expected = [torch.zeros_like(x) if one is None else one for x, one in zip(by, expected)]
        self.expect(f"{label} gradient", slopes, expected)

    def layer(self, name, given, options, shapes, modes=(True, False), **more):
        """A layer of both libraries while training and after eval(), with its buffers."""
        ours, theirs = layer_pair(name, *given, **options)
        label = f"{name}{given}{options}"
        for training in modes:
            ours.train(training)
            theirs.train(training)
            self.run(f"{label} {'train' if training else 'eval'}", ours, theirs,
                     inputs_of(shapes), (ours.parameters(), list(theirs.parameters())), **more)
            self.expect(f"{label} buffers", [mt.array(one) for one in ours.buffers()],
                        [one.clone() for one in theirs.buffers()])

    def check(self):
        """AssertionError with all that differs."""
        for label, got, wanted in self._rows:
            got, wanted = got.numpy(), wanted.numpy()
            try:
                numpy.testing.assert_allclose(got, wanted, self._rtol, self._atol)
            except AssertionError as error:
                lines = str(error).strip().splitlines()
                self._failures.append(f"{label}: " + "; ".join(lines[2:6]))
        assert not self._failures, "\n".join(self._failures)
