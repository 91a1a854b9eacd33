# SPDX-License-Identifier: Apache-2.0
"""Pooling over 1 to 3 dimensions of space, under PyTorch's names.

Takes x[N, C, D..], or x[C, D..] without batch; gives the same kind.
"""
import numpy

from mintor import _mintor
from mintor import arrays
from mintor import functions
from mintor.nn.functional.common import each, with_batch
from mintor.nn.functional.unpooling import places_of_largest

_max_pool = _mintor.find_operator("max_pool")
_avg_pool = _mintor.find_operator("avg_pool")


def _windows(name, rank, kernel_size, stride, padding):
    kernel = each(kernel_size, rank, f"{name}: kernel_size")
    stride = kernel if stride is None or stride == () else each(stride, rank, f"{name}: stride")
    padding = each(padding, rank, f"{name}: padding")
    if any(2 * pad > size for pad, size in zip(padding, kernel)):
        raise ValueError(f"{name}: padding {padding} is more than half of the kernel {kernel}")
    return kernel, stride, padding


def _max(rank):
    def pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
             return_indices=False):
        windows = _windows(pool.__name__, rank, kernel_size, stride, padding)
        dilation = each(dilation, rank, f"{pool.__name__}: dilation")
        made = with_batch(pool.__name__, lambda x: _max_pool(x, *windows, dilation, ceil_mode), x,
                          rank)
        if not return_indices:
            return made
        return made, with_batch(pool.__name__, lambda x: places_of_largest(
            x, *windows, dilation, ceil_mode), x, rank)
    return _named(pool, f"max_pool{rank}d", "The largest of each window; padding never wins. With "
                  "return_indices also their places in the flattened space of x.")


def _average(rank):
    def pool(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
        windows = _windows(pool.__name__, rank, kernel_size, stride, padding)
        return with_batch(pool.__name__, lambda x: _avg_pool(
            x, *windows, [1] * rank, ceil_mode, count_include_pad, divisor_override), x, rank)
    return _named(pool, f"avg_pool{rank}d", "The mean of each window, with the padding or without; "
                  "or its sum over divisor_override.")


def _power(rank):
    def pool(x, norm_type, kernel_size, stride=None, ceil_mode=False):
        count = int(numpy.prod(each(kernel_size, rank)))
        mean = _averages[rank](arrays.as_array(x) ** norm_type, kernel_size, stride, 0, ceil_mode)
        return (functions.sign(mean) * functions.relu(functions.abs(mean)) * count) \
            ** (1.0 / norm_type)
    return _named(pool, f"lp_pool{rank}d", "The norm_type-norm of each window.")


def _cells(size, wanted):
    """Places that each of `wanted` cells reads, [wanted, longest], and which of them count."""
    cell = numpy.arange(wanted)
    first, end = cell * size // wanted, -(-(cell + 1) * size // wanted)
    places = first[:, None] + numpy.arange((end - first).max())
    return numpy.minimum(places, (end - 1)[:, None]), places < end[:, None]


def _adaptive_max(x, dim, size):
    places, _ = _cells(x.shape[dim], size)
    return functions.max(_spread(x, dim, places), dim + 1)


def _adaptive_mean(x, dim, size):
    places, counts = _cells(x.shape[dim], size)
    weights = arrays.array((counts / counts.sum(1, keepdims=True)).astype("float32"))
    weights = functions.reshape(weights, counts.shape + (1,) * (x.ndim - dim - 1))
    return functions.sum(_spread(x, dim, places) * arrays.cast(weights, x.dtype), dim + 1)


def _spread(x, dim, places):
    """x with a dimension in two: cells, and what each reads."""
    return functions.reshape(functions.take(x, places.reshape(-1), dim),
                             x.shape[:dim] + places.shape + x.shape[dim + 1:])


def _cell_counts(output_size, space):
    """How many cells each dimension has."""
    sizes = [output_size] * len(space) if output_size is None or \
        hasattr(output_size, "__index__") else list(output_size)
    return [own if size is None else size for size, own in zip(sizes, space, strict=True)]


def _adaptive(rank, whole, even, uneven, name, doc):
    def pool(x, output_size):
        def batched(x):
            space = x.shape[2:]
            sizes = _cell_counts(output_size, space)
            if all(size == 1 for size in sizes):    # sizes of x may change without compiling
                return whole(x, tuple(range(2, x.ndim)), keepdims=True)
            if all(own % size == 0 for own, size in zip(space, sizes)):
                kernel = [own // size for own, size in zip(space, sizes)]
                return even(x, kernel)
            for dim, size in enumerate(sizes, 2):
                if size != x.shape[dim]:
                    x = uneven(x, dim, size)
            return x
        return with_batch(name, batched, x, rank)
    return _named(pool, name, doc + " of each of output_size cells (None: as many as x has).")


def _places_in_cells(x, output_size):
    """The place of each cell's largest element in the flattened space of x[N, C, D..].

    The first of equal ones: within a row first, then among rows.
    """
    space = x.shape[2:]
    places = functions.broadcast_to(functions.reshape(arrays.arange(int(numpy.prod(space))), space),
                                    x.shape)
    sizes = _cell_counts(output_size, space)
    for dim in reversed(range(2, x.ndim)):
        cells, _ = _cells(x.shape[dim], sizes[dim - 2])
        x, places = _spread(x, dim, cells), _spread(places, dim, cells)
        best = functions.argmax(x, dim + 1, keepdims=True)
        x, places = (functions.squeeze(functions.take_along_axis(one, best, dim + 1), dim + 1)
                     for one in (x, places))
    return places


def _adaptive_largest(rank, even):
    name = f"adaptive_max_pool{rank}d"
    values = _adaptive(rank, functions.max, even, _adaptive_max, name, "The largest")

    def pool(x, output_size, return_indices=False):
        if not return_indices:
            return values(x, output_size)
        return values(x, output_size), with_batch(
            name, lambda x: _places_in_cells(x, output_size), x, rank)
    return _named(pool, name, values.__doc__ + " With return_indices also their places in the "
                  "flattened space of x.")


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


_averages = {rank: _average(rank) for rank in (1, 2, 3)}
max_pool1d, max_pool2d, max_pool3d = (_max(rank) for rank in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = _averages.values()
lp_pool1d, lp_pool2d, lp_pool3d = (_power(rank) for rank in (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    _adaptive_largest(rank, pool) for rank, pool in ((1, max_pool1d), (2, max_pool2d),
                                                     (3, max_pool3d)))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (
    _adaptive(rank, functions.mean, pool, _adaptive_mean, f"adaptive_avg_pool{rank}d", "The mean")
    for rank, pool in _averages.items())

__all__ = [f"{name}_pool{rank}d" for name in ("max", "avg", "lp", "adaptive_max", "adaptive_avg")
           for rank in (1, 2, 3)]
