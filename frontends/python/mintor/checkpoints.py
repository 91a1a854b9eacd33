# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: parts whose values are made again for their gradient instead of being kept.

Takes a function and its arguments; gives its results. Keeps true: the bits of gradients are those
without a checkpoint; the part is not called again, its recorded calls run again.
"""
from mintor import _mintor
from mintor import arrays
from mintor import trees


def _is_floating(value):
    return isinstance(value, arrays.Array) and value.dtype.kind in "fV"


class _Recomputed:
    """Tied to a checkpoint: holds what the part took; a gradient makes the rest of it again."""

    def __init__(self, name, made, taken, count):
        self.name, self._made, self._taken = name, made, taken
        self._count = count     # of what it made

    def kept(self):
        """Values that a call which mt.jit makes again has others in the place of."""
        return [*self._made, *[_mintor.KeptValue(value) for value in self._taken]]

    def again(self, kept):
        """What is tied to such a call."""
        return _Recomputed(self.name, kept[:self._count],
                           [one.array() for one in kept[self._count:]], self._count)

    def without_values(self):
        """What `again` is called of."""
        return _Recomputed(self.name, [], [], self._count)

    def pass_back(self, call, given, leads, at_end):
        """A gradient for each array that the part took; see autograd.Function."""
        del call, at_end
        from mintor import gradients  # pylint: disable=import-outside-toplevel
        _mintor.flush()     # so that the part is made again from what it took, apart from before
        reached = [(kept.array(), gradient) for kept, gradient in zip(self._made, given)
                   if gradient is not None]
        wanted = [value for value, yes in zip(self._taken, leads) if yes]
        found = iter(gradients.passed_on([made for made, _ in reached],
                                         [gradient for _, gradient in reached], wanted))
        return [next(found) if yes else None for yes in leads]


def checkpoint(function, *args, **options):
    """function(*args, **options), with gradients that make its inner values again.

    Between the call and the gradient only what the part took is kept: arguments, parameters and
    other arrays that it uses. Values and gradients have the same bits as without; a checkpoint may
    hold others. Random numbers are the same both times. Each checkpoint ends a program: it pays for
    parts whose inner values are large.

    >>> import mintor as mt
    >>> x = mt.array([1.0, 2.0])
    >>> mt.grad(mt.checkpoint(lambda v: v * v * v, x).sum(), x).tolist()
    [3.0, 12.0]
    """
    if _mintor.recorded_operator(False):    # whose gradient makes the inner values again anyway
        return function(*args, **options)
    before = _mintor.calls_made()
    result = function(*args, **options)
    items = trees.items_of(result)
    made = [item for item in items if _is_floating(item)]
    if not made or not _mintor.gradients_on():
        return result
    taken = _mintor.values_before(made, before)
    if not taken:
        return result
    name = f"checkpoint of {getattr(function, '__name__', type(function).__name__)}"
    _mintor.excuse(taken)
    part = _Recomputed(name, [_mintor.KeptValue(value) for value in made], taken, len(made))
    owned = iter(_mintor.owned_call(made, taken, part))
    return trees.with_items(result, iter([next(owned) if _is_floating(item) else item
                                          for item in items]))
