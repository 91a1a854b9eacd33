# SPDX-License-Identifier: Apache-2.0
"""Reductions: sums, extremes and their places, running results, softmax.

Takes an array, axes (`axis` or `dim`; None: all) and `keepdims` or `keepdim`; gives arrays. Sums
and products of integers and bool are int64 (uint64), means of them float32.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import elementwise as ew
from mintor.arguments import chosen, place_of

_as_array = arrays.as_array
_operator = _mintor.find_operator
_where = _operator("where")
_reshape = _operator("reshape")
_broadcast_to = _operator("broadcast_to")
_concat = _operator("concat")
_pad = _operator("pad")
_cumulative_sum = _operator("cumulative_sum")
_softmax = _operator("softmax")
_log_softmax = _operator("log_softmax")

def _reduction(name, doc):
    native = _operator(name)

    def reduction(x, axis=None, keepdims=False, *, dim=None, dims=None, keepdim=False, dtype=None):
        if dtype is not None:
            x = arrays.cast(_as_array(x), dtype)
        axes = chosen(axis, dims if dim is None else dim)     # dims: Jittor's
        made = native(x, axes, bool(keepdims or keepdim))
        return made if dtype is None else arrays.cast(made, dtype)

    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = doc
    return reduction


# pylint: disable=redefined-builtin
sum = _reduction("sum", "The sum over axes, or of all; int64 for integers and bool.")
prod = _reduction("prod", "The product over axes, or of all.")
mean = _reduction("mean", "The mean over axes, or of all; float32 for integers.")
amax = max = _reduction("max", "The largest values over axes, or of all.")
amin = min = _reduction("min", "The smallest values over axes, or of all.")
all = _reduction("all", "Whether all elements are true.")
any = _reduction("any", "Whether an element is true.")
logsumexp = _reduction("logsumexp", "log of the sum of exp, without overflow.")
_variance = _operator("variance")
_argmax = _operator("argmax")
_argmin = _operator("argmin")


def var(x, axis=None, keepdims=False, *, dim=None, keepdim=False, ddof=0, correction=None,
        unbiased=None):
    """The variance over axes; the sum of squares is divided by count - ddof (0 by default)."""
    if correction is None:
        correction = ddof if unbiased is None else int(unbiased)
    return _variance(x, chosen(axis, dim), keepdims or keepdim, float(correction))


def _root(x):
    """The square root of a sum of squares, whose gradient at 0 is 0, as PyTorch has it."""
    at_zero = ew.equal(x, 0)
    return ew.where(at_zero, x, ew.sqrt(ew.where(at_zero, 1, x)))


def std(x, axis=None, keepdims=False, **options):
    """The square root of the variance; see var."""
    return _root(var(x, axis, keepdims, **options))


def argmax(x, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """Where the largest element is, the first on ties; of the flattened array without an axis."""
    return _argmax(x, dim if axis is None else axis, keepdims or keepdim)


def argmin(x, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """Where the smallest element is, the first on ties."""
    return _argmin(x, dim if axis is None else axis, keepdims or keepdim)


def count_nonzero(x, axis=None, keepdims=False, *, dim=None):
    """How many elements are not 0, over axes or of all; int64."""
    return sum(ew.not_equal(x, 0), axis, keepdims, dim=dim)


def norm(x, ord=2, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """The vector norm of that order over axes, or of all."""
    x, axis, keep = _as_array(x), chosen(axis, dim), keepdims or keepdim
    if ord == math.inf:
        return max(ew.abs(x), axis, keep)
    if ord == -math.inf:
        return min(ew.abs(x), axis, keep)
    if ord == 0:
        return arrays.cast(count_nonzero(x, axis, keep), x.dtype)
    if ord == 1:
        return sum(ew.abs(x), axis, keep)
    if ord in (2, "fro", None):
        return _root(sum(ew.square(x), axis, keep))
    return sum(ew.abs(x) ** float(ord), axis, keep) ** (1.0 / ord)


def _flat(x, axis):
    """x and one of its axes; flattened where there is none."""
    if axis is None:
        return _reshape(x, (-1,)), 0
    return x, place_of(axis, x.ndim)


def cumsum(x, axis=None, *, dim=None, dtype=None):
    """Running sums along an axis; of the flattened array without one."""
    x, axis = _flat(_as_array(x), dim if axis is None else axis)
    made = _cumulative_sum(x if dtype is None else arrays.cast(x, dtype), axis)
    return made if dtype is None else arrays.cast(made, dtype)


def _running(combine, identity, x, axis):
    """The running result of an associative function: by doubling, so that gradients pass."""
    size, step = x.shape[axis], 1
    while step < size:
        index = [slice(None)] * x.ndim
        index[axis] = slice(0, size - step)
        before = [0] * x.ndim
        before[axis] = step
        shifted = _pad(x[tuple(index)], before, [0] * x.ndim, "constant", identity)
        x = combine(x, arrays.cast(shifted, x.dtype))
        step *= 2
    return x


def cumprod(x, axis=None, *, dim=None, dtype=None):
    """Running products along an axis; of the flattened array without one."""
    x, axis = _flat(_as_array(x), dim if axis is None else axis)
    x = arrays.cast(x, dtype or dtypes.widened(x.dtype))
    return _running(ew.multiply, 1.0, x, axis)


def cummax(x, axis=-1, *, dim=None):
    """The largest value so far along an axis (its values only)."""
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    return _running(ew.maximum, _lowest(x.dtype), x, axis)


def cummin(x, axis=-1, *, dim=None):
    """The smallest value so far along an axis (its values only)."""
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    return -_running(ew.maximum, -math.inf, -x, axis) if x.dtype.kind in "fV" else \
        ew.bitwise_not(_running(ew.maximum, _lowest(x.dtype), ew.bitwise_not(x), axis))


def _lowest(dtype):
    return -math.inf if dtype.kind in "fV" else 0.0 if dtype == bool else \
        float(dtypes.iinfo(dtype).min)


def _with_initial(made, axis, value):
    shape = list(made.shape)
    shape[axis] = 1
    return _concat([arrays.full(shape, value, made.dtype), made], axis)


def _cumulative(running, initial):
    def function(x, *, axis=None, dim=None, dtype=None, include_initial=False):
        x, axis = _as_array(x), dim if axis is None else axis
        made = running(x, axis, dtype=dtype)
        place = 0 if axis is None else place_of(axis, x.ndim)
        return _with_initial(made, place, initial) if include_initial else made
    return function


cumulative_sum = _cumulative(cumsum, 0)
cumulative_sum.__doc__ = """Running sums; include_initial puts a 0 in front."""
cumulative_prod = _cumulative(cumprod, 1)
cumulative_prod.__doc__ = """Running products; include_initial puts a 1 in front."""


def diff(x, n=1, axis=-1, prepend=None, append=None, *, dim=None):
    """Differences of neighbours along an axis, n times; != for bool. ValueError for n below 0."""
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    if n < 0:
        raise ValueError("diff: n has to be at least 0")
    if n == 0:
        return ew.positive(x)
    parts = []
    for part in (prepend, x, append):
        if part is not None:
            part = _as_array(part)
            if part.ndim == 0:
                part = arrays.full(x.shape[:axis] + (1,) + x.shape[axis + 1:], part)
            parts.append(part)
    x = _concat(parts, axis) if len(parts) > 1 else x
    later, earlier = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    later[axis], earlier[axis] = slice(1, None), slice(0, -1)
    for _ in range(n):
        x = (ew.not_equal if x.dtype == bool else ew.subtract)(x[tuple(later)], x[tuple(earlier)])
    return x


def allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether isclose holds everywhere; reads both."""
    return bool(all(ew.isclose(a, b, rtol, atol, equal_nan)))


def array_equal(a, b):
    """Whether shapes and all elements are equal; reads both."""
    a, b = _as_array(a), _as_array(b)
    return a.shape == b.shape and bool(all(ew.equal(a, b)))


def _without_nan(reduction, filled):
    def function(x, axis=None, keepdims=False, *, dim=None):
        x = _as_array(x)
        if x.dtype.kind not in "fV":
            return reduction(x, axis, keepdims, dim=dim)
        made = reduction(_where(ew.isnan(x), filled, x), axis, keepdims, dim=dim)
        if not math.isinf(filled):
            return made
        return _where(all(ew.isnan(x), axis, keepdims, dim=dim), math.nan, made)
    function.__doc__ = f"As {reduction.__name__}, without the elements that are NaN."
    function.__name__ = function.__qualname__ = "nan" + reduction.__name__
    return function


nansum, nanprod = _without_nan(sum, 0.0), _without_nan(prod, 1.0)
nanmax, nanmin = _without_nan(max, -math.inf), _without_nan(min, math.inf)


def nanmean(x, axis=None, keepdims=False, *, dim=None):
    """The mean of the elements that are not NaN."""
    x = _as_array(x)
    if x.dtype.kind not in "fV":
        return mean(x, axis, keepdims, dim=dim)
    count = sum(~ew.isnan(x), axis, keepdims, dim=dim)
    return nansum(x, axis, keepdims, dim=dim) / arrays.cast(count, x.dtype)


def average(x, axis=None, weights=None, keepdims=False):
    """The mean, weighted where there are weights (of the shape of x, or of the axis)."""
    x = _as_array(x)
    if weights is None:
        return mean(x, axis, keepdims)
    weights = _as_array(weights)
    if weights.shape != x.shape:
        shape = [1] * x.ndim
        shape[place_of(axis, x.ndim)] = -1
        weights = _broadcast_to(_reshape(weights, shape), x.shape)
    return sum(x * weights, axis, keepdims) / sum(weights, axis, keepdims)


def ptp(x, axis=None, keepdims=False):
    """The largest value less the smallest."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def softmax(x, axis=-1, *, dim=None):
    """exp(x) over its sum along an axis, without overflow."""
    return _softmax(x, chosen(axis if dim is None else dim, None))


def log_softmax(x, axis=-1, *, dim=None):
    """log(softmax(x)) along an axis, without overflow."""
    return _log_softmax(x, chosen(axis if dim is None else dim, None))


__all__ = """
all allclose amax amin any argmax argmin array_equal average count_nonzero cummax cummin cumprod
cumsum cumulative_prod cumulative_sum diff log_softmax logsumexp max mean min nanmax nanmean
nanmin nanprod nansum norm prod ptp softmax std sum var
""".split()
