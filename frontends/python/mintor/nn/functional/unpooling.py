# SPDX-License-Identifier: Apache-2.0
"""Where the largest of windows lie, and putting values back there, under PyTorch's names.

Takes x[N, C, D..]; gives places in the flattened space of x, int64. Keeps true: a place is the
first of equal elements, the one that gets the gradient.
"""
import math

import numpy

from mintor import arrays
from mintor import functions
from mintor.nn.functional.common import each, with_batch


def _positions(size, kernel, stride, padding, dilation, ceil_mode):
    """Of each window the positions that it reads, [windows, kernel]; -1 outside."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    count = span // stride + 1
    if ceil_mode:           # a window does not begin in the padding behind
        count = min(-(-span // stride) + 1, (size + padding - 1) // stride + 1)
    places = numpy.arange(count)[:, None] * stride + numpy.arange(kernel) * dilation - padding
    return numpy.where((places >= 0) & (places < size), places, -1)


def places_of_largest(x, kernel, stride, padding, dilation, ceil_mode):
    """Where the largest of each window lies, [N, C, windows..]."""
    space = x.shape[2:]
    tables = [_positions(*one, ceil_mode)
              for one in zip(space, kernel, stride, padding, dilation)]
    flat, inside = numpy.zeros((1, 1), "int64"), numpy.ones((1, 1), bool)
    for table, size in zip(tables, space):      # [windows, positions] of all dimensions so far
        flat = (flat[:, None, :, None] * size + table[None, :, None, :]).reshape(
            flat.shape[0] * table.shape[0], -1)
        inside = (inside[:, None, :, None] & (table >= 0)[None, :, None, :]).reshape(flat.shape)
    flat = numpy.where(inside, flat, 0)
    rows = functions.reshape(x, (*x.shape[:2], math.prod(space)))
    windows = functions.reshape(functions.take(rows, flat.reshape(-1), 2),
                                (*x.shape[:2], *flat.shape))
    chosen = functions.argmax(functions.where(inside, windows, -math.inf), -1)
    every = functions.broadcast_to(arrays.array(flat), windows.shape)
    places = functions.take_along_axis(every, functions.unsqueeze(chosen, -1), -1)
    return functions.reshape(places, (*x.shape[:2], *(table.shape[0] for table in tables)))


def _unpool(rank):
    def unpool(x, indices, kernel_size, stride=None, padding=0, output_size=None):
        name = f"max_unpool{rank}d"
        kernel = each(kernel_size, rank, f"{name}: kernel_size")
        stride = kernel if stride is None else each(stride, rank, f"{name}: stride")
        padding = each(padding, rank, f"{name}: padding")
        indices = arrays.as_array(indices)
        indices = functions.unsqueeze(indices, 0) if indices.ndim == rank + 1 else indices

        def batched(x):
            sizes = [(size - 1) * step - 2 * pad + wide for size, step, pad, wide in zip(
                x.shape[2:], stride, padding, kernel)] if output_size is None else \
                list(output_size)[-rank:]
            count = math.prod(x.shape[2:])
            whole = arrays.zeros((*x.shape[:2], math.prod(sizes)), dtype=x.dtype)
            made = functions.put_along_axis(
                whole, functions.reshape(indices, (*x.shape[:2], count)),
                functions.reshape(x, (*x.shape[:2], count)), 2)
            return functions.reshape(made, (*x.shape[:2], *sizes))
        return with_batch(name, batched, x, rank)
    unpool.__name__ = unpool.__qualname__ = f"max_unpool{rank}d"
    unpool.__doc__ = "x at the places that a pool gave with return_indices, zeros elsewhere."
    return unpool


max_unpool1d, max_unpool2d, max_unpool3d = (_unpool(rank) for rank in (1, 2, 3))

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]
