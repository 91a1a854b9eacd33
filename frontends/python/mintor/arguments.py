# SPDX-License-Identifier: Apache-2.0
"""What functions share: axes in their spellings, and computing on the host.

Takes what the caller wrote; gives what a native operator takes. Keeps true: an axis that is out of
range is NumPy's AxisError (an IndexError and a ValueError).
"""
import numpy

from mintor import _mintor
from mintor import arrays


def chosen(axis, dim=None):
    """`axis` or `dim`, as a tuple; None where neither is given."""
    found = dim if axis is None else axis
    if found is None:
        return None
    if isinstance(found, (tuple, list)):
        return tuple(item.__index__() for item in found)
    return (found.__index__(),)


def place_of(axis, rank):
    """An axis as one of 0..rank-1."""
    place = axis.__index__()
    if not -rank <= place < rank:
        raise numpy.exceptions.AxisError(place, rank)
    return place % rank if rank else 0


def places_of(axes, rank):
    """Axes, each as one of 0..rank-1 and none named twice."""
    places = [place_of(axis, rank) for axis in axes]
    if len(set(places)) < len(places):
        raise ValueError(f"an axis is named twice in {tuple(axes)}")
    return places


def places_in(index, size):
    """Places in a dimension of that size, as int64.

    Those that are known are checked: what comes from the host, and arrays that were computed.
    Those from the host count from the start then.
    """
    if not isinstance(index, arrays.Array):
        index = numpy.asarray(arrays.as_array(index).numpy() if arrays.holds(index, arrays.Array)
                              else index)
        if index.size == 0 and index.dtype.kind == "f":
            index = index.astype("int64")
        if index.dtype.kind not in "iu":
            raise IndexError(f"places have dtype {index.dtype}, expected integers")
        if index.size and not (-size <= index.min() and index.max() < size):
            worst = index.max() if index.max() >= size else index.min()
            raise IndexError(f"index {worst} is out of range for a dimension of {size}")
        index = arrays.array(index.astype("int64") % max(size, 1))
    elif index.dtype.kind not in "iu":
        raise IndexError(f"places have dtype {index.dtype}, expected integers")
    elif (known := _mintor.known_range(index)) and not -size <= known[0] <= known[1] < size:
        worst = known[1] if known[1] >= size else known[0]
        raise IndexError(f"index {worst} is out of range for a dimension of {size}")
    return arrays.cast(index, "int64")


def on_host(function, x, *arguments, **options):
    """function(ndarray of x, ...) as an array; reads x. No gradient passes."""
    return arrays.array(function(arrays.as_array(x).numpy(), *arguments, **options))
