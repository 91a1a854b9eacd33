# SPDX-License-Identifier: Apache-2.0
"""Windows of images as columns, and columns added up to images, under PyTorch's names.

Takes x[N, C, H, W] or columns [N, C * KH * KW, windows]; gives the other one.
"""
import math

from mintor import arrays
from mintor import functions
from mintor.nn.functional.common import each
from mintor.nn.functional.convolution import conv_transpose2d
from mintor.nn.functional.padding import pad


def _grid(sizes, kernel, dilation, padding, stride):
    """How many windows there are along each dimension."""
    return [(size + 2 * before - step * (wide - 1) - 1) // stride_ + 1
            for size, wide, step, before, stride_ in zip(sizes, kernel, dilation, padding, stride)]


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of x[N, C, H, W] as columns: [N, C * KH * KW, windows]. ValueError
    where there is none.
    """
    x = arrays.as_array(x)
    if x.ndim == 3:
        return functions.squeeze(unfold(functions.unsqueeze(x, 0), kernel_size, dilation, padding,
                                        stride), 0)
    kernel, dilation, padding, stride = (each(one, 2) for one in (kernel_size, dilation, padding,
                                                                  stride))
    rows, columns = _grid(x.shape[2:], kernel, dilation, padding, stride)
    if rows < 1 or columns < 1:
        raise ValueError(f"unfold: x of shape {x.shape} has no window of {kernel}")
    x = pad(x, (padding[1], padding[1], padding[0], padding[0]))
    parts = []
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            parts.append(x[:, :, top:top + (rows - 1) * stride[0] + 1:stride[0],
                           left:left + (columns - 1) * stride[1] + 1:stride[1]])
    count = x.shape[1] * kernel[0] * kernel[1]
    return functions.reshape(functions.stack(parts, 2), (x.shape[0], count, rows * columns))


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns x[N, C * KH * KW, windows] added up where their windows lie: [N, C, *output_size].
    ValueError where their number does not fit.
    """
    x = arrays.as_array(x)
    if x.ndim == 2:
        return functions.squeeze(fold(functions.unsqueeze(x, 0), output_size, kernel_size,
                                      dilation, padding, stride), 0)
    sizes, kernel, dilation, padding, stride = (
        each(one, 2) for one in (output_size, kernel_size, dilation, padding, stride))
    grid, taps = _grid(sizes, kernel, dilation, padding, stride), kernel[0] * kernel[1]
    if x.shape[1] % taps or math.prod(grid) != x.shape[2]:
        raise ValueError(f"fold: x of shape {x.shape} for {grid[0]} x {grid[1]} windows of "
                         f"{kernel}")
    channels = x.shape[1] // taps
    one = functions.reshape(arrays.eye(taps), (1, taps, 1, *kernel))
    weight = functions.reshape(functions.broadcast_to(one, (channels, taps, 1, *kernel)),
                               (channels * taps, 1, *kernel))
    added = [size + 2 * before - step * (wide - 1) - 1 - (count - 1) * stride_
             for size, before, step, wide, count, stride_ in zip(sizes, padding, dilation, kernel,
                                                                 grid, stride)]
    x = functions.reshape(x, (x.shape[0], channels * taps, *grid))
    return conv_transpose2d(x, arrays.cast(weight, x.dtype), None, stride, padding, added, channels,
                            dilation)


__all__ = ["fold", "unfold"]
