# SPDX-License-Identifier: Apache-2.0
"""Gradients that are written in Python: functions with a backward, hooks of arrays.

Takes PyTorch's spelling; gives calls that gradients pass through Python. Keeps true: backward runs
when a gradient is asked for, as in PyTorch, and what it records is part of the same program; a step
that repeats compiles nothing; what is saved is not held: it is computed where it is needed.
"""
import collections
import copy
import itertools

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import gradients


def _is_floating(value):
    return isinstance(value, arrays.Array) and value.dtype.kind in "fV"


_NUMBERS = (type(None), bool, int, float, complex, str, bytes, slice, type(...), numpy.dtype)


def _holds_numbers_alone(value):
    if isinstance(value, dict):
        return all(map(_holds_numbers_alone, [*value, *value.values()]))
    if isinstance(value, (list, tuple)):
        return all(map(_holds_numbers_alone, value))
    return isinstance(value, _NUMBERS)


class FunctionContext:
    """What forward leaves for backward: arrays by save_for_backward, all else as attributes.

    `needs_input_grad`: for each argument of forward whether a gradient of it is wanted.
    """

    def __init__(self):
        self.needs_input_grad = ()
        self._saved, self._call, self._results = (), None, ()
        self._constant, self._dirty, self._materialize = (), (), True

    def save_for_backward(self, *values):
        """Arrays (or None) that backward reads as `saved_tensors`; given arguments and results
        can be differentiated again there.
        """
        for value in values:
            if value is not None and not isinstance(value, arrays.Array):
                raise TypeError(f"save_for_backward takes arrays, got {value!r}; set what is none "
                                "as an attribute of ctx")
        self._saved = tuple(None if value is None else _mintor.KeptValue(value)
                            for value in values)

    @property
    def saved_tensors(self):
        """What save_for_backward was given."""
        return tuple(None if kept is None else self._read(kept) for kept in self._saved)

    def _read(self, kept):
        value = kept.array()
        if self._call is not None:
            for place, result in enumerate(self._results):
                if result.is_value_of(value):
                    return self._call.result(place)
        return value

    def mark_non_differentiable(self, *values):
        """These results are constants."""
        self._constant = values

    def mark_dirty(self, *values):
        """These arguments were changed in place, and are results."""
        self._dirty = values

    def set_materialize_grads(self, value):
        """Whether backward gets zeros, or None, for results that no gradient reached."""
        self._materialize = value

    def _kept(self):
        """The values that are kept, in order."""
        return [*[kept for kept in self._saved if kept is not None], *self._results]

    def _again(self, kept):
        """Another one that keeps these values; None where an attribute may hold others."""
        state = {**self.__dict__, "_saved": (), "_results": ()}
        if not _holds_numbers_alone(state):
            return None
        made, kept = FunctionContext(), iter(kept)
        made.__dict__.update(copy.deepcopy(state))
        made._saved = tuple(None if one is None else next(kept) for one in self._saved)
        made._results = tuple(next(kept) for _ in self._results)
        return made


_at_end = []            # of the walks that are in a backward now, innermost last


def at_end_of_walk(function):
    """In a backward: calls `function()` when the gradients that are asked for are all known."""
    _at_end[-1].append(function)


class _Owner:
    """What is tied to a call of a Function: how a gradient passes it."""

    def __init__(self, function, ctx, places, count, result_places, result_count):
        self.name = function.__name__
        self._function, self._ctx = function, ctx
        self._places, self._count = places, count       # of the arrays among the arguments
        self._result_places, self._result_count = result_places, result_count

    def kept(self):
        """Values that a call which mt.jit makes again has others in the place of."""
        return self._ctx._kept()

    def again(self, kept):
        """The owner of such a call; None where what the ctx holds may be values, too."""
        ctx = self._ctx._again(kept)
        return ctx and _Owner(self._function, ctx, self._places, self._count, self._result_places,
                              self._result_count)

    def without_values(self):
        """What `again` is called of."""
        return self.again(itertools.repeat(True))

    def pass_back(self, call, given, leads, at_end):
        """A gradient, or None, for each array that the call took."""
        ctx = self._ctx
        given = list(given)
        if ctx._materialize:
            given = [arrays.zeros_like(call.result(place)) if gradient is None else gradient
                     for place, gradient in enumerate(given)]
        spread = [None] * self._result_count
        for place, gradient in zip(self._result_places, given):
            spread[place] = gradient
        needed = dict(zip(self._places, leads))
        ctx.needs_input_grad = tuple(needed.get(place, False) for place in range(self._count))
        ctx._call = call
        _at_end.append(at_end)
        try:
            made = self._function.backward(ctx, *spread)
        finally:
            ctx._call = None
            _at_end.pop()
        made = list(made) if isinstance(made, (tuple, list)) else [made]
        if len(made) < self._count or any(one is not None for one in made[self._count:]):
            raise ValueError(f"{self.name}.backward gave {len(made)} gradients for "
                             f"{self._count} arguments of forward")
        return [made[place] for place in self._places]


class Function:
    """A function with a gradient of its own, as torch.autograd.Function.

    A subclass has static methods `forward(ctx, *args)` and `backward(ctx, *grads)`: forward gives
    an array or a tuple, backward a gradient (or None) for each argument of forward. Or
    `forward(*args)` and `setup_context(ctx, inputs, output)`. It is used by `apply(*args)`; arrays
    inside of lists are constants. Gradients of any order pass where backward is made of operators.
    ValueError where backward gives too few gradients, or one of another shape.

    >>> import mintor as mt
    >>> class Cube(mt.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, = ctx.saved_tensors
    ...         return 3 * x * x * grad
    >>> x = mt.array(2.0)
    >>> mt.grad(Cube.apply(x), x).item()
    12.0
    """

    @staticmethod
    def forward(ctx, *args):
        """What the function computes of its arguments; a subclass defines it."""
        raise NotImplementedError("a Function defines a static method forward")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keeps for backward what it needs, where forward takes no ctx."""
        raise NotImplementedError("a Function whose forward takes no ctx defines setup_context")

    @staticmethod
    def backward(ctx, *grads):
        """Gradients of the arguments from those of the results; a subclass defines it."""
        raise NotImplementedError("a Function defines a static method backward")

    @classmethod
    def apply(cls, *args):
        """What forward gives, with cls.backward as its gradient."""
        ctx = FunctionContext()
        ctx.needs_input_grad = tuple(_is_floating(value) for value in args)
        places = [place for place, needs in enumerate(ctx.needs_input_grad) if needs]
        taken = [_mintor.alias(args[place], arrays.Array) for place in places]
        before = _mintor.set_gradients(False)
        try:
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        finally:
            _mintor.set_gradients(before)
        if not before or not taken:
            return output
        return cls._owned(ctx, output, places, len(args), taken)

    @classmethod
    def _owned(cls, ctx, output, places, count, taken):
        outputs = list(output) if isinstance(output, (tuple, list)) else [output]
        result_places = [place for place, value in enumerate(outputs) if _is_floating(value)
                         and all(value is not constant for constant in ctx._constant)]
        if result_places:
            raw = [outputs[place] for place in result_places]
            ctx._results = [_mintor.KeptValue(value) for value in raw]
            dirty, ctx._constant, ctx._dirty = ctx._dirty, (), ()
            owner = _Owner(cls, ctx, places, count, result_places, len(outputs))
            for place, made in zip(result_places, _mintor.owned_call(raw, taken, owner)):
                if any(outputs[place] is value for value in dirty):
                    _mintor.assign(outputs[place], made)
                else:
                    outputs[place] = made
        return type(output)(outputs) if isinstance(output, (tuple, list)) else outputs[0]


class RemovableHandle:
    """A hook that was registered: `remove()` takes it away again."""

    def __init__(self, hooks, key):
        self._hooks, self.key = hooks, key

    def remove(self):
        self._hooks.pop(self.key, None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def add_hook(hooks, hook, first=False):
    """Adds to an OrderedDict of hooks; gives the handle."""
    if not callable(hook):
        raise TypeError(f"a hook is called, got {hook!r}")
    key = object()
    hooks[key] = hook
    if first:
        hooks.move_to_end(key, last=False)
    return RemovableHandle(hooks, key)


def register_hook(array, hook):
    """Calls `hook(gradient)` whenever a gradient of this array is computed.

    What it gives, unless None, takes the gradient's place for all that the array was made of; an
    array of the same shape. Gives a handle with `remove()`. Hooks of parameters stay when they get
    new values; those of other arrays belong to the value that they have now.
    TypeError for an array that is not floating-point.
    """
    if not _is_floating(array):
        raise TypeError(f"register_hook: an array of dtype {array.dtype} has no gradient")
    if array.requires_grad:
        hooks = gradients.lasting_hooks(array)
    else:
        hooks = _mintor.hooks_of(array)
        if hooks is None:
            hooks = collections.OrderedDict()
            _mintor.set_hooks(array, hooks)
    return add_hook(hooks, hook)


__all__ = ["Function"]
