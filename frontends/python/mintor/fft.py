# SPDX-License-Identifier: Apache-2.0
"""The part of the array API's fft that needs no complex numbers: frequencies and shifts.

The transforms themselves give or take complex arrays, which there are none of: use NumPy's on
`x.numpy()`.
"""
import numpy

from mintor import arrays
from mintor import shaping
from mintor.arguments import chosen


def fftfreq(n, d=1.0, dtype=None, device=None):
    """The frequencies of the bins of a transform of n samples at a distance d."""
    arrays.check_device(device)
    return arrays.array(numpy.fft.fftfreq(n, d), dtype or "float32")


def rfftfreq(n, d=1.0, dtype=None, device=None):
    """The frequencies of the bins of a transform of n real samples at a distance d."""
    arrays.check_device(device)
    return arrays.array(numpy.fft.rfftfreq(n, d), dtype or "float32")


def _shifted(x, axes, way):
    x = arrays.as_array(x)
    places = tuple(range(x.ndim)) if axes is None else chosen(axes)
    if not places:
        return x
    return shaping.roll(x, tuple(way(x.shape[axis]) for axis in places), places)


def fftshift(x, axes=None):
    """The bin of frequency 0 in the middle."""
    return _shifted(x, axes, lambda size: size // 2)


def ifftshift(x, axes=None):
    """Undoes fftshift."""
    return _shifted(x, axes, lambda size: -(size // 2))


__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]
