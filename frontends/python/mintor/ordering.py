# SPDX-License-Identifier: Apache-2.0
"""Order: sorting, searching, distinct values.

Takes arrays. Sorts are traced like other operators; searching, counting and distinct values, whose
number is data, read what they are given: they are NumPy's, on the host. Keeps true: what is moved
is gathered by the places, so that gradients pass; ascending, NaN is last, descending, it is first;
sorting is stable.
"""
import collections

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import elementwise as ew
from mintor import reductions
from mintor.arguments import on_host, place_of
from mintor.gathering import take_along_axis

_as_array = arrays.as_array
_order = _mintor.find_operator("order")
UniqueAll = collections.namedtuple("UniqueAll", "values indices inverse_indices counts")
UniqueCounts = collections.namedtuple("UniqueCounts", "values counts")
UniqueInverse = collections.namedtuple("UniqueInverse", "values inverse_indices")


def argsort(x, axis=-1, descending=False, stable=True, *, dim=None):
    """Places in ascending order along an axis (None: of the flattened array); int64."""
    del stable
    x, axis = _as_array(x), axis if dim is None else dim
    if axis is None:
        x, axis = x.reshape(-1), 0
    return _order(x, place_of(axis, x.ndim), bool(descending))


def sort(x, axis=-1, descending=False, stable=True, *, dim=None):
    """Values in ascending order along an axis (None: of the flattened array)."""
    x, axis = _as_array(x), axis if dim is None else dim
    if axis is None:
        x, axis = x.reshape(-1), 0
    return take_along_axis(x, argsort(x, axis, descending, stable), axis)


def topk(x, k, axis=-1, largest=True, *, dim=None):
    """The k largest values in descending order, and their places. ValueError for more than there
    are.
    """
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(f"topk: {k} of {x.shape[axis]} elements")
    index = [slice(None)] * x.ndim
    index[axis] = slice(0, k)
    places = argsort(x, axis, descending=largest)[tuple(index)]
    return take_along_axis(x, places, axis), places


def kthvalue(x, k, axis=-1, *, dim=None):
    """The k-th smallest value (from 1), and its place. ValueError for one that is not there."""
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    if not 1 <= k <= x.shape[axis]:
        raise ValueError(f"kthvalue: the {k}-th of {x.shape[axis]} elements")
    index = [slice(None)] * x.ndim
    index[axis] = slice(k - 1, k)
    place = argsort(x, axis)[tuple(index)]
    return take_along_axis(x, place, axis).squeeze(axis), place.squeeze(axis)


def searchsorted(sorted_sequence, values, side="left", *, sorter=None, right=None):
    """Where values go into a sorted array; int64."""
    given = _as_array(sorted_sequence).numpy()
    if sorter is not None:
        sorter = _as_array(sorter).numpy()
    side = side if right is None else "right" if right else "left"
    places = numpy.searchsorted(given, _as_array(values).numpy(), side, sorter)
    return arrays.array(numpy.asarray(places, "int64"))


def digitize(x, bins, right=False):
    """Which bin each element is in: i where bins[i - 1] <= x < bins[i]."""
    return on_host(numpy.digitize, x, _as_array(bins).numpy(), right)


def bucketize(x, boundaries, *, right=False):
    """PyTorch's digitize: i where boundaries[i - 1] < x <= boundaries[i]."""
    return searchsorted(boundaries, x, "right" if right else "left")


# ---- distinct values ----

def _unique(x, equal_nan=False):
    values = _as_array(x).numpy()
    found = numpy.unique(values, return_index=True, return_inverse=True, return_counts=True,
                         equal_nan=equal_nan)
    return values, found


def unique(x, return_index=False, return_inverse=False, return_counts=False, axis=None):
    """The distinct values, sorted, and what is asked for beside them, as NumPy has it."""
    found = numpy.unique(_as_array(x).numpy(), return_index, return_inverse, return_counts, axis)
    return tuple(arrays.array(item) for item in found) if isinstance(found, tuple) else \
        arrays.array(found)


def unique_all(x):
    """Distinct values, where each is first, which one each element is, and how often each is.

    Each NaN is distinct.
    """
    values, (distinct, first, inverse, counts) = _unique(x)
    made = (distinct, first, inverse.reshape(values.shape), counts)
    return UniqueAll(*(arrays.array(item) for item in made))


def unique_counts(x):
    """Distinct values and how often each is; each NaN is distinct."""
    made = unique_all(x)
    return UniqueCounts(made.values, made.counts)


def unique_inverse(x):
    """Distinct values and which one each element is; each NaN is distinct."""
    made = unique_all(x)
    return UniqueInverse(made.values, made.inverse_indices)


def unique_values(x):
    """Distinct values; each NaN is distinct."""
    return unique_all(x).values


def isin(x, values, *, invert=False):
    """Whether each element of x is one of the values."""
    return on_host(numpy.isin, x, _as_array(values).numpy(), invert=invert)


def argwhere(x):
    """The places of elements that are not 0, one row each."""
    return on_host(numpy.argwhere, x)


def flatnonzero(x):
    """The places of elements that are not 0 in the flattened array."""
    return on_host(numpy.flatnonzero, x)


def bincount(x, weights=None, minlength=0):
    """How often each of 0, 1, ... is in an array of integers; the sums of weights if given."""
    weights = None if weights is None else _as_array(weights).numpy()
    return on_host(numpy.bincount, x, weights, minlength)


# pylint: disable-next=redefined-builtin
def histogram(x, bins=10, range=None, density=False, weights=None):
    """How many elements are in each bin, and the edges of the bins."""
    weights = None if weights is None else _as_array(weights).numpy()
    bins = bins.numpy() if isinstance(bins, arrays.Array) else bins
    counts, edges = numpy.histogram(_as_array(x).numpy(), bins, range, density, weights)
    return arrays.array(counts), arrays.array(edges)


# ---- what sorted values tell ----

def quantile(x, q, axis=None, keepdims=False, *, dim=None, keepdim=False, method="linear"):
    """The value below which the share q of the elements is: linear, lower, higher or nearest.

    An array of shares gives a first dimension of them. NaN where an element is NaN. ValueError for
    a share outside of [0, 1].
    """
    x, keep, axis = _as_array(x), keepdims or keepdim, axis if dim is None else dim
    if x.dtype.kind not in "fV":
        x = arrays.cast(x, "float32")
    shape = x.shape
    if axis is None:
        x = x.reshape(-1)
    place = 0 if axis is None else place_of(axis, x.ndim)
    ordered = sort(x, place)
    at = numpy.asarray(_as_array(q).numpy(), "float64") * (x.shape[place] - 1)
    if numpy.any(at < 0) or numpy.any(at > x.shape[place] - 1):
        raise ValueError("quantile: a share is not in [0, 1]")
    below = {"higher": numpy.ceil, "nearest": numpy.rint}.get(method, numpy.floor)(at)
    above = below if method != "linear" else numpy.ceil(at)
    low, high = (ordered.take(arrays.array(part.astype("int64").reshape(-1)), place).moveaxis(
        place, 0) for part in (below, above))
    weight = arrays.array((at - below).reshape((-1,) + (1,) * (low.ndim - 1)), x.dtype)
    made = ew.where(weight == 0, low, low + (high - low) * weight)
    broken = reductions.any(ew.isnan(x), place)
    made = ew.where(broken, numpy.nan, made)
    inner = shape if axis is None else shape[:place] + shape[place + 1:]
    if keep:
        inner = (1,) * len(shape) if axis is None else shape[:place] + (1,) + shape[place + 1:]
    elif axis is None:
        inner = ()
    return made.reshape(at.shape + inner)


def percentile(x, q, axis=None, keepdims=False, **options):
    """quantile, with shares in percent."""
    return quantile(x, arrays.array(numpy.asarray(_as_array(q).numpy(), "float64") / 100), axis,
                    keepdims, **options)


def median(x, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """The middle value; the mean of the two middle ones of an even number (NumPy's)."""
    return quantile(x, 0.5, axis, keepdims, dim=dim, keepdim=keepdim)


__all__ = """
argsort argwhere bincount bucketize digitize flatnonzero histogram isin kthvalue median percentile
quantile searchsorted sort topk unique unique_all unique_counts unique_inverse unique_values
""".split()
