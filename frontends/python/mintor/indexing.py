# SPDX-License-Identifier: Apache-2.0
"""Indexing as in NumPy: x[index] and x[index] = value.

Takes integers, slices, None, Ellipsis, integer and boolean arrays, tuples of them; gives new arrays
(there are no views). Keeps true: indices that are out of range are an IndexError, where they are
known; an index array's are not checked.
"""
import math

import numpy

from mintor import _mintor
from mintor import arrays

_slice = _mintor.find_operator("slice")
_assign_slice = _mintor.find_operator("assign_slice")
_reshape = _mintor.find_operator("reshape")
_permute = _mintor.find_operator("permute")
_gather_nd = _mintor.find_operator("gather_nd")
_scatter_nd = _mintor.find_operator("scatter_nd")
_stack = _mintor.find_operator("stack")
_broadcast_to = _mintor.find_operator("broadcast_to")
_cast = _mintor.find_operator("cast")
_where = _mintor.find_operator("where")
_less = _mintor.find_operator("less")
_add = _mintor.find_operator("add")


def _is_index_array(item):
    return isinstance(item, (arrays.Array, numpy.ndarray, list))


def _expanded(index, rank):
    """The index as a list without Ellipsis, with a full slice for every dimension left out.

    Boolean arrays become the integer arrays of where they are true.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    found = []
    for item in items:
        if isinstance(item, (bool, numpy.bool_)):
            raise IndexError("a bool is no index; use mt.where or a boolean array")
        if _is_index_array(item):
            item = arrays.as_array(item)
            if item.dtype == bool:
                found += [arrays.array(places) for places in numpy.nonzero(item.numpy())]
                continue
            if item.dtype.kind == "f" and 0 in item.shape:
                item = arrays.cast(item, "int64")
            if item.dtype.kind not in "iu":
                raise IndexError(f"an index array has dtype {item.dtype}, expected integers")
        found.append(item)
    used = sum(1 for item in found if item is not None and item is not Ellipsis)
    ellipses = [i for i, item in enumerate(found) if item is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index has more than one Ellipsis")
    if used > rank:
        raise IndexError(f"{used} indices for an array of {rank} dimensions")
    fill = [slice(None)] * (rank - used)
    if ellipses:
        return found[:ellipses[0]] + fill + found[ellipses[0] + 1:]
    return found + fill


class _Plan:
    """An index as: a slice of each dimension, index arrays, and where None adds a dimension."""

    def __init__(self, shape, index):
        self.starts, self.steps, self.counts, self.dropped = [], [], [], []
        self.index_arrays = []          # (dimension, array)
        self.layout = []                # of the result: ("new", None), ("dim", d), ("array", d)
        items = _expanded(index, len(shape))
        # Beside index arrays, an integer is one too, without dimensions.
        self.with_arrays = any(isinstance(item, arrays.Array) and item.ndim > 0 for item in items)
        dimension = 0
        for item in items:
            if item is None:
                self.layout.append(("new", None))
                continue
            self._take(item, shape[dimension], dimension)
            dimension += 1

    def _take(self, item, size, dimension):
        if isinstance(item, slice):
            start, stop, step = item.indices(size)
            count = len(range(start, stop, step))
            self._add(start if count else 0, step, count)
            self.layout.append(("dim", dimension))
            return
        if not isinstance(item, arrays.Array):
            place = item.__index__()
            if not -size <= place < size:
                raise IndexError(f"index {place} is out of range for a dimension of {size}")
            item = place
        if self.with_arrays:
            self._add(0, 1, size)
            self.index_arrays.append((dimension, arrays.as_array(item)))
            self.layout.append(("array", dimension))
            return
        place = int(item)
        self._add(place % size if size else 0, 1, 1)
        self.dropped.append(dimension)

    def _add(self, start, step, count):
        self.starts.append(start)
        self.steps.append(step)
        self.counts.append(count)

    def arguments(self):
        return self.starts, self.steps, self.counts, self.dropped

    def is_whole(self, shape):
        return not self.dropped and tuple(self.counts) == tuple(shape) and \
            all(step == 1 for step in self.steps)


def get(x, index):
    """x[index]."""
    plan = _Plan(x.shape, index)
    part = x if plan.is_whole(x.shape) else _slice(x, *plan.arguments())
    kept = [d for d in range(x.ndim) if d not in plan.dropped]
    where = {d: place for place, d in enumerate(kept)}
    if plan.index_arrays:
        return _gathered(part, plan, where)
    layout = plan.layout
    if all(kind == "dim" for kind, _ in layout):
        return part if part is not x else _mintor.alias(x, arrays.Array)
    shape = [1 if kind == "new" else part.shape[where[d]] for kind, d in layout]
    return _reshape(part, shape)


def _positive(places, size):
    places = arrays.cast(places, "int64")
    return _where(_less(places, 0), _add(places, size), places)


def _coordinates(plan, shape, where):
    """Index arrays broadcast together and stacked: [..., number of them], and their shape."""
    common = numpy.broadcast_shapes(*(item.shape for _, item in plan.index_arrays))
    parts = [_broadcast_to(_positive(item, shape[where[d]]), common)
             for d, item in plan.index_arrays]
    return _stack(parts, -1), common


def _gathered(part, plan, where):
    dims = [where[d] for d, _ in plan.index_arrays]
    rest = [d for d in range(part.ndim) if d not in dims]
    coordinates, common = _coordinates(plan, part.shape, where)
    moved = _permute(part, dims + rest) if dims + rest != list(range(part.ndim)) else part
    found = _gather_nd(moved, coordinates)
    return _arranged(found, len(common), plan, rest, where)


def _array_place(plan):
    """Where the dimensions of the index arrays go: None is in front (they are not adjacent)."""
    kinds = [kind for kind, _ in plan.layout]
    places = [i for i, kind in enumerate(kinds) if kind == "array"]
    adjacent = places == list(range(places[0], places[-1] + 1))
    return places[0] if adjacent else None


def _arranged(found, common_rank, plan, rest, where):
    """From [common..., rest...] to NumPy's order, with the new dimensions."""
    place = _array_place(plan)
    before = 0
    if place is not None:
        before = sum(1 for kind, _ in plan.layout[:place] if kind == "dim")
    order = [common_rank + i for i in range(before)] + list(range(common_rank)) + \
        [common_rank + i for i in range(before, len(rest))]
    if order != list(range(len(order))):
        found = _permute(found, order)
    if not any(kind == "new" for kind, _ in plan.layout):
        return found
    common = list(found.shape[before:before + common_rank])
    shape, done = [], place is None
    if done:
        shape += common
    rest_sizes = iter(found.shape[:before] + found.shape[before + common_rank:])
    for kind, _ in plan.layout:
        if kind == "new":
            shape.append(1)
        elif kind == "dim":
            shape.append(next(rest_sizes))
        elif kind == "array" and not done:
            shape += common
            done = True
    return _reshape(found, shape)


def put(x, index, value, combine="last"):
    """A new array: x with `value` at x[index]."""
    value = arrays.as_array(value) if not isinstance(value, (int, float, bool)) else value
    plan = _Plan(x.shape, index)
    if not plan.index_arrays:
        return _put_slice(x, plan, value)
    if len(plan.index_arrays) < x.ndim:
        places = get(_reshape(arrays.arange(math.prod(x.shape)), x.shape), index)
        return _put_flat(x, places, value, combine)
    coordinates, common = _coordinates(plan, x.shape, {d: d for d in range(x.ndim)})
    return _scatter_nd(x, coordinates, _broadcast_to(_typed(value, x), common), combine)


def _typed(value, x):
    return arrays.cast(arrays.as_array(value), x.dtype)


def _put_flat(x, places, value, combine):
    flat = _reshape(x, [-1])
    updates = _reshape(_broadcast_to(_typed(value, x), places.shape), [-1])
    made = _scatter_nd(flat, _reshape(places, [-1, 1]), updates, combine)
    return _reshape(made, x.shape)


def _put_slice(x, plan, value):
    value = arrays.as_array(value)
    layout = [kind for kind, _ in plan.layout]
    if "new" in layout:
        extra = max(0, value.ndim - (len(layout) - layout.count("new")))
        if extra:
            value = _reshape(value, [size for size in value.shape[extra:]])
    return _assign_slice(x, _typed(value, x), *plan.arguments())
