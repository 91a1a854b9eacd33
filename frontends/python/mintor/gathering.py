# SPDX-License-Identifier: Apache-2.0
"""Gathering and scattering by arrays of places.

Takes arrays and places; gives arrays. Keeps true: a negative place counts from the end; places that
are known are checked, those that are still to be computed are not: out of range they read 0 and
write nothing.
"""
import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor.arguments import place_of, places_in

_as_array = arrays.as_array
_operator = _mintor.find_operator
_reshape = _operator("reshape")
_broadcast_to = _operator("broadcast_to")
_take = _operator("take")
_take_along = _operator("take_along_axis")
_put_along = _operator("put_along_axis")
_one_hot = _operator("one_hot")
_COMBINERS = {"sum": "add", "multiply": "mul", "prod": "mul", "amax": "max", "amin": "min"}


def take(x, index, axis=None, *, dim=None):
    """x[index] along an axis; of the flattened array without one."""
    x, axis = _as_array(x), dim if axis is None else axis
    if axis is None:
        x, axis = _reshape(x, (-1,)), 0
    axis = place_of(axis, x.ndim)
    return _take(x, places_in(index, x.shape[axis]), axis)


def index_select(x, dim, index):
    """As take."""
    return take(x, index, dim)


def take_along_axis(x, index, axis=-1, *, dim=None):
    """y[i, j] = x[index[i, j], j] for axis 0, and so on; the other dimensions are broadcast.
    ValueError where the numbers of dimensions differ.
    """
    x = _as_array(x)
    axis = axis if dim is None else dim
    if axis is None:
        x, axis = _reshape(x, (-1,)), 0
    axis = place_of(axis, x.ndim)
    index = places_in(index, x.shape[axis])
    if index.ndim != x.ndim:
        raise ValueError(f"take_along_axis: places of {index.ndim} dimensions for an array of "
                         f"{x.ndim}")
    others = numpy.broadcast_shapes(x.shape[:axis] + (1,) + x.shape[axis + 1:],
                                    index.shape[:axis] + (1,) + index.shape[axis + 1:])

    def wide(array):
        return _broadcast_to(array, others[:axis] + (array.shape[axis],) + others[axis + 1:])
    return _take_along(wide(x), wide(index), axis)


def gather(x, dim, index):
    """PyTorch's gather: y[i, j] = x[index[i, j], j] for dim 0."""
    x = _as_array(x)
    dim = place_of(dim, x.ndim)
    return _take_along(x, places_in(index, x.shape[dim]), dim)


def scatter(x, dim, index, src, reduce="last"):  # pylint: disable=redefined-outer-name
    """PyTorch's scatter: y[index[i, j], j] = src[i, j] for dim 0.

    Where places repeat, `reduce` says what counts: last, add, mul, min, max.
    """
    x = _as_array(x)
    dim = place_of(dim, x.ndim)
    return _put_along(x, places_in(index, x.shape[dim]), src, dim, _COMBINERS.get(reduce, reduce))


def scatter_add(x, dim, index, src):
    """All of src is added, also where places repeat."""
    return scatter(x, dim, index, src, "add")


def put_along_axis(x, index, values, axis):
    """x with `values` at the places along an axis (NumPy's, but a new array)."""
    return scatter(x, axis, index, values)


def index_add(x, dim, index, source, *, alpha=1):
    """x with the parts of `source` added at these places along a dimension; all count."""
    x, source = _as_array(x), _as_array(source)
    dim = place_of(dim, x.ndim)
    index = places_in(index, x.shape[dim])
    shape = [1] * x.ndim
    shape[dim] = -1
    return scatter_add(x, dim, _broadcast_to(_reshape(index, shape), source.shape),
                       source if alpha == 1 else source * alpha)


def one_hot(x, num_classes, dtype=None):
    """1 where the last dimension's place is x, 0 elsewhere; int64 by default."""
    return _one_hot(x, num_classes, dtypes.short_name(dtype or dtypes.int64))


def masked_select(x, mask):
    """The elements where the mask holds, one dimension; reads the mask."""
    x, mask = _as_array(x), _as_array(mask)
    shape = numpy.broadcast_shapes(x.shape, mask.shape)
    return _broadcast_to(x, shape)[_broadcast_to(mask, shape)]


def compress(condition, x, axis=None):
    """The parts along an axis where the condition holds; reads the condition."""
    return take(x, numpy.flatnonzero(_as_array(condition).numpy()), axis)


__all__ = """
compress gather index_add index_select masked_select one_hot put_along_axis scatter scatter_add
take take_along_axis
""".split()
