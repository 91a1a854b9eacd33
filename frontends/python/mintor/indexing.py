# SPDX-License-Identifier: Apache-2.0
"""Indexing as in NumPy: x[index] and x[index] = value.

Takes integers, slices, None, Ellipsis, integer and boolean arrays, tuples of them; gives new arrays
(there are no views). Keeps true: what is out of range is an IndexError where it is known, that is
for numbers, lists and ndarrays; an Array's values are not checked. A slice whose place changes from
step to step is a gather with the place as a number of the run: it compiles once more and no more.
"""
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor.arguments import places_in

_slice = _mintor.find_operator("slice")
_assign_slice = _mintor.find_operator("assign_slice")
_reshape = _mintor.find_operator("reshape")
_permute = _mintor.find_operator("permute")
_gather_nd = _mintor.find_operator("gather_nd")
_scatter_nd = _mintor.find_operator("scatter_nd")
_stack = _mintor.find_operator("stack")
_take = _mintor.find_operator("take")
_squeeze = _mintor.find_operator("squeeze")
_broadcast_to = _mintor.find_operator("broadcast_to")
_cast = _mintor.find_operator("cast")
_where = _mintor.find_operator("where")
_less = _mintor.find_operator("less")
_add = _mintor.find_operator("add")


class _Mask:
    """One dimension of a boolean array: the places where it is true, and how far it reaches."""

    def __init__(self, places, size):
        self.places, self.size = places, size


def _is_index_array(item):
    return isinstance(item, (arrays.Array, numpy.ndarray, list))


def _index_array(item):
    """What an index array stands for: itself, or a mask's dimensions."""
    is_bool = item.dtype == bool if hasattr(item, "dtype") else \
        not arrays.holds(item, arrays.Array) and numpy.asarray(item).dtype == bool
    if not is_bool:
        return [item]
    values = item.numpy() if isinstance(item, arrays.Array) else numpy.asarray(item)
    if values.ndim == 0:
        raise IndexError("a bool without dimensions is no index; use mt.where")
    return [_Mask(places, size) for places, size in zip(numpy.nonzero(values), values.shape)]


def _expanded(index, rank):
    """The index as a list without Ellipsis, with a full slice for every dimension left out."""
    items = list(index) if isinstance(index, tuple) else [index]
    found = []
    for item in items:
        if isinstance(item, (bool, numpy.bool_)):
            raise IndexError("a bool is no index; use mt.where or a boolean array")
        found += _index_array(item) if _is_index_array(item) else [item]
    used = sum(1 for item in found if item is not None and item is not Ellipsis)
    ellipses = [i for i, item in enumerate(found) if item is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index has more than one Ellipsis")
    if used > rank:
        raise IndexError(f"{used} indices for an array of {rank} dimensions")
    # An Ellipsis between index arrays parts them, even where it stands for nothing.
    fill = [slice(None)] * (rank - used) or [Ellipsis] * len(ellipses)
    if ellipses:
        return found[:ellipses[0]] + fill + found[ellipses[0] + 1:]
    return found + fill


def _checked(item, size):
    if not hasattr(item, "__index__"):
        raise IndexError(f"{item!r} is no index: expected an integer, a slice, None, Ellipsis, or "
                         "an array of integers or bools")
    place = item.__index__()
    if not -size <= place < size:
        raise IndexError(f"index {place} is out of range for a dimension of {size}")
    return place


class _Plan:
    """An index as: a slice of each dimension, index arrays, and where None adds a dimension."""

    def __init__(self, shape, index):
        self.starts, self.steps, self.counts, self.dropped = [], [], [], []
        self.index_arrays = []          # (dimension, array)
        self.positive = set()           # dimensions whose index array has no negative places
        self.layout = []                # of the result: ("new", None), ("dim", d), ("array", d)
        items = _expanded(index, len(shape))
        # Beside index arrays, an integer is one too, without dimensions. An integer Array is one
        # even alone: it is not read.
        self.with_arrays = any(_is_index_array(item) or isinstance(item, _Mask) for item in items)
        dimension = 0
        for item in items:
            if item is None or item is Ellipsis:
                self.layout.append(("gap" if item is Ellipsis else "new", None))
                continue
            self._take(item, shape[dimension], dimension)
            dimension += 1
        self.array_place = self._place_of_arrays()
        self.layout = [entry for entry in self.layout if entry[0] != "gap"]
        self.with_new = any(kind == "new" for kind, _ in self.layout)
        self.whole = not self.dropped and tuple(self.counts) == tuple(shape) and \
            all(step == 1 for step in self.steps)
        self.empty = self._is_empty()
        self.fixed = False              # whether its place is known to be compiled
        kept = [d for d in range(len(shape)) if d not in self.dropped]
        self.where = {d: place for place, d in enumerate(kept)}    # dimensions of the slice

    def _place_of_arrays(self):
        """Where in the layout the index arrays' dimensions go; None: in front, they are apart."""
        kinds = [kind for kind, _ in self.layout]
        places = [i for i, kind in enumerate(kinds) if kind == "array"]
        if not places or places != list(range(places[0], places[-1] + 1)):
            return None
        return places[0] - kinds[:places[0]].count("gap")

    def _take(self, item, size, dimension):
        if isinstance(item, slice):
            start, stop, step = item.indices(size)
            count = len(range(start, stop, step))
            self._add(start if count else 0, step, count)
            self.layout.append(("dim", dimension))
            return
        if isinstance(item, _Mask):
            if item.size != size:
                raise IndexError(f"a boolean index of size {item.size} for a dimension of {size}")
            item = item.places
        if not _is_index_array(item):
            item = _checked(item, size)
        if self.with_arrays:
            self._add(0, 1, size)
            if not isinstance(item, arrays.Array):
                self.positive.add(dimension)
            self.index_arrays.append((dimension, places_in(item, size)))
            self.layout.append(("array", dimension))
            return
        self._add(item % size, 1, 1)
        self.dropped.append(dimension)

    def _add(self, start, step, count):
        self.starts.append(start)
        self.steps.append(step)
        self.counts.append(count)

    def _is_empty(self):
        """Whether no element is meant."""
        gathered = {d for d, _ in self.index_arrays}
        return any(count == 0 for d, count in enumerate(self.counts) if d not in gathered) or \
            any(0 in item.shape for _, item in self.index_arrays)

    def common(self):
        """The shape of the index arrays together."""
        try:
            return numpy.broadcast_shapes(*(item.shape for _, item in self.index_arrays))
        except ValueError as error:
            raise IndexError(f"index arrays do not fit together: {error}") from None

    def shape(self):
        """Of what the index means."""
        common = list(self.common())
        place = self.array_place
        sizes = [1 if kind == "new" else self.counts[d] for kind, d in self.layout
                 if kind != "array"]
        at = 0 if place is None else place
        return tuple(sizes[:at] + common + sizes[at:])

    def arguments(self):
        return self.starts, self.steps, self.counts, self.dropped


# Slices by what is compiled, (shape, steps, counts, dropped): plans by where they start, at which
# run, and how often one started elsewhere later.
_seen = {}
_MOST_SEEN, _MOST_MOVES = 16, 4


def _is_fixed(x, plan):
    """Whether this slice may be compiled with its place: a few places are known, and all of the
    first run; a place that is new after that is a number of the run. So are all of them where that
    happens again and again: which ones of them are known would be another program each time."""
    starts = tuple(plan.starts)
    key = (x.shape, tuple(plan.steps), tuple(plan.counts), tuple(plan.dropped))
    known = _seen.get(key)
    if known is None:
        _seen[key] = [{starts: [plan]}, _mintor.statistics()["flushes"], 0]
        return True
    places, run, moves = known
    if moves > _MOST_MOVES:
        return False
    if starts in places or len(places) < _MOST_SEEN and run == _mintor.statistics()["flushes"]:
        places.setdefault(starts, []).append(plan)
        return True
    known[2] = moves + 1
    if known[2] > _MOST_MOVES:
        for one in (one for plans in places.values() for one in plans):
            one.fixed = False
        known[0] = {}
    return False


def _moving_slice(x, plan):
    """The slice, its place a number of the run."""
    for d, (start, step, count) in enumerate(zip(plan.starts, plan.steps, plan.counts)):
        if count == x.shape[d] and step == 1:
            continue
        if count <= 256:
            places = arrays.array(start + step * numpy.arange(count))
        else:
            places = _add(arrays.arange(0, step * count, step), arrays.array(numpy.int64(start)))
        x = _take(x, places, d)
    return _squeeze(x, plan.dropped) if plan.dropped else x


def _part(x, plan, fixed):
    if plan.whole:
        return x
    if not (plan.fixed or fixed):
        plan.fixed = _is_fixed(x, plan)
        if not plan.fixed:
            return _moving_slice(x, plan)
    return _slice(x, *plan.arguments())


# Plans by shape and index, of indices that hold no arrays.
_plans = {}
_MOST_PLANS = 4096


def _key(index):
    """What tells an index without arrays from others; None for the others."""
    if type(index) is int:  # pylint: disable=unidiomatic-typecheck
        return index
    key = []
    for item in index if isinstance(index, tuple) else (index,):
        if isinstance(item, slice):
            item = (item.start, item.stop, item.step)
            if not all(part is None or type(part) is int for part in item):
                return None
        elif item is not None and item is not Ellipsis and type(item) is not int:
            return None
        key.append(item)
    return tuple(key)


def _plan_of(shape, index):
    key = _key(index)
    if key is None:
        return _Plan(shape, index)
    plan = _plans.get((shape, key))
    if plan is None:
        plan = _Plan(shape, index)
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        _plans[shape, key] = plan
    return plan


def get(x, index, fixed=False):
    """x[index]; `fixed`: the place of a slice is never a number of the run."""
    plan = _plan_of(x.shape, index)
    if plan.empty:
        return arrays.zeros(plan.shape(), dtype=x.dtype)
    part = _part(x, plan, fixed)
    if plan.index_arrays:
        return _gathered(part, plan)
    if plan.with_new:
        return _reshape(part, plan.shape())
    return part if part is not x else _mintor.alias(x, arrays.Array)


def _coordinates(plan, shape):
    """Index arrays broadcast together and stacked: [..., number of them], and their shape."""
    common = plan.common()
    parts = []
    for d, item in plan.index_arrays:
        if d not in plan.positive:
            item = _where(_less(item, 0), _add(item, shape[plan.where[d]]), item)
        parts.append(_broadcast_to(item, common))
    return _stack(parts, -1), common


def _gathered(part, plan):
    if len(plan.index_arrays) == 1:
        (dimension, places), = plan.index_arrays
        found = _take(part, places, plan.where[dimension])
        return _reshape(found, plan.shape()) if plan.with_new else found
    dims = [plan.where[d] for d, _ in plan.index_arrays]
    rest = [d for d in range(part.ndim) if d not in dims]
    coordinates, common = _coordinates(plan, part.shape)
    moved = _permute(part, dims + rest) if dims + rest != list(range(part.ndim)) else part
    found = _gather_nd(moved, coordinates)
    if plan.array_place is not None:
        # Behind the dimensions that are before the index arrays.
        before = sum(1 for kind, _ in plan.layout[:plan.array_place] if kind == "dim")
        order = list(range(len(common), len(common) + before)) + list(range(len(common))) + \
            list(range(len(common) + before, found.ndim))
        found = _permute(found, order) if before else found
    return _reshape(found, plan.shape()) if plan.with_new else found


def put(x, index, value, combine="last"):
    """A new array: x with `value` at x[index]."""
    value = arrays.as_array(value) if not isinstance(value, (int, float, bool)) else value
    plan = _plan_of(x.shape, index)
    if plan.empty:
        _broadcast_to(_without_ones(typed(value, x), plan.shape()), plan.shape())
        return x
    if not plan.index_arrays and (plan.fixed or _is_fixed(x, plan)):
        plan.fixed = True
        return _put_slice(x, plan, value)
    if len(plan.index_arrays) < x.ndim:
        places = get(_reshape(arrays.arange(math.prod(x.shape)), x.shape), index)
        return _put_flat(x, places, value, combine)
    coordinates, common = _coordinates(plan, x.shape)
    updates = _broadcast_to(_without_ones(typed(value, x), plan.shape()), plan.shape())
    return _scatter_nd(x, coordinates, _reshape(updates, common), combine)


def _without_ones(value, shape):
    """Without dimensions of size 1 in front that the place does not have."""
    extra = value.ndim - len(shape)
    if extra > 0 and all(size == 1 for size in value.shape[:extra]):
        return _reshape(value, value.shape[extra:])
    return value


def typed(value, x):
    """As an array of the dtype of x; OverflowError for a number that it cannot hold."""
    if isinstance(value, (bool, int, float)):
        return arrays.array(value, x.dtype)
    return arrays.cast(arrays.as_array(value), x.dtype)


def _put_flat(x, places, value, combine):
    flat = _reshape(x, [-1])
    value = _without_ones(typed(value, x), places.shape)
    updates = _reshape(_broadcast_to(value, places.shape), [-1])
    made = _scatter_nd(flat, _reshape(places, [-1, 1]), updates, combine)
    return _reshape(made, x.shape)


def _put_slice(x, plan, value):
    """The value has the shape of the index; what the slice takes has no new dimensions."""
    value = _without_ones(typed(value, x), plan.shape())
    if any(kind == "new" for kind, _ in plan.layout):
        value = _broadcast_to(value, plan.shape())
        value = _reshape(value, [plan.counts[d] for kind, d in plan.layout if kind == "dim"])
    return _assign_slice(x, value, *plan.arguments())
