# SPDX-License-Identifier: Apache-2.0
"""Hooks of modules, as PyTorch calls them.

Takes a module's call; gives its output, and calls hooks before it, after it, and when gradients
pass it. Keeps true: a module without hooks costs one look-up.
"""
import collections

from mintor import _mintor
from mintor import autograd
from mintor import trees


class ModuleHooks:
    """Hooks by kind; each an ordered dictionary."""

    def __init__(self):
        self.before, self.after = collections.OrderedDict(), collections.OrderedDict()
        self.before_backward = collections.OrderedDict()
        self.backward = collections.OrderedDict()


def add(hooks, hook, first, with_options=None):
    """Adds a hook, as (hook, with_options) where that is given; the handle."""
    handle = autograd.add_hook(hooks, hook, first)
    if with_options is not None:
        hooks[handle.key] = (hook, with_options)
    return handle


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


class _Entered(autograd.Function):
    """Gives its arguments; the gradients of all of them are the module's grad_input."""

    @staticmethod
    def forward(ctx, state, *inputs):
        ctx.state = state
        return inputs

    @staticmethod
    def backward(ctx, *gradients):
        return (None, *ctx.state.left(gradients))


class _Left(autograd.Function):
    """Gives its arguments; the gradients of all of them are the module's grad_output."""

    @staticmethod
    def forward(ctx, state, *outputs):
        ctx.state = state
        return outputs

    @staticmethod
    def backward(ctx, *gradients):
        return (None, *ctx.state.entered(gradients))


class _Passing:
    """One call of a module whose gradients hooks are to see."""

    def __init__(self, module, hooks):
        self._module, self._hooks = module, hooks
        self._outputs, self._waiting, self._count = (), False, 0

    def take(self, inputs):
        self._count = len(inputs)
        return _Entered.apply(self, *inputs)

    def give(self, output):
        items = trees.items_of(output)
        return trees.with_items(output, iter(_Left.apply(self, *items)))

    def entered(self, gradients):
        """Gradients of the outputs, as they go on into the module."""
        for hook in list(self._hooks.before_backward.values()):
            made = hook(self._module, gradients)
            gradients = gradients if made is None else _tuple(made)
        self._outputs, self._waiting = gradients, True
        autograd.at_end_of_walk(self._unless_left)
        return gradients

    def left(self, gradients):
        """Gradients of the inputs, as they go on out of the module."""
        self._waiting = False
        for hook in list(self._hooks.backward.values()):
            made = hook(self._module, gradients, self._outputs)
            gradients = gradients if made is None else _tuple(made)
        return gradients

    def _unless_left(self):
        if self._waiting:       # nobody asks for a gradient of the inputs
            self.left((None,) * self._count)


def call(module, hooks, inputs, options):
    """What module(*inputs, **options) gives, with its hooks."""
    _mintor.not_replayable("a module with hooks")
    for hook, with_options in list(hooks.before.values()):
        if with_options:
            made = hook(module, inputs, options)
            if made is not None:
                inputs, options = made
        else:
            made = hook(module, inputs)
            inputs = inputs if made is None else _tuple(made)
    passing = None
    if hooks.backward or hooks.before_backward:
        passing = _Passing(module, hooks)
        inputs = passing.take(inputs)
    output = module.execute(*inputs, **options)
    for hook, with_options in list(hooks.after.values()):
        made = hook(module, inputs, options, output) if with_options else \
            hook(module, inputs, output)
        output = output if made is None else made
    return output if passing is None else passing.give(output)
