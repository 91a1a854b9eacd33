# SPDX-License-Identifier: Apache-2.0
"""Functions on arrays under their NumPy and PyTorch names.

Each records a call (or a few) and computes nothing. `axis` and `dim`, `keepdims` and `keepdim` are
both taken. What NumPy and PyTorch mean differently is as NumPy and the array API have it.
"""
import builtins
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import indexing

Array = arrays.Array
as_array = arrays.as_array


def _operator(name):
    return _mintor.find_operator(name)


# ---- element-wise: the native operators themselves ----
add = _operator("add")
subtract = sub = _operator("subtract")
multiply = mul = _operator("multiply")
divide = div = true_divide = _operator("divide")
floor_divide = _operator("floor_divide")
remainder = mod = _operator("remainder")
fmod = _operator("fmod")
maximum = _operator("maximum")
minimum = _operator("minimum")
atan2 = arctan2 = _operator("atan2")
hypot = _operator("hypot")
copysign = _operator("copysign")
equal = eq = _operator("equal")
not_equal = ne = _operator("not_equal")
less = lt = _operator("less")
less_equal = le = _operator("less_equal")
greater = gt = _operator("greater")
greater_equal = ge = _operator("greater_equal")
bitwise_and = _operator("bitwise_and")
bitwise_or = _operator("bitwise_or")
bitwise_xor = _operator("bitwise_xor")
bitwise_left_shift = left_shift = _operator("bitwise_left_shift")
bitwise_right_shift = right_shift = _operator("bitwise_right_shift")
bitwise_invert = bitwise_not = invert = _operator("bitwise_invert")
logical_and = _operator("logical_and")
logical_or = _operator("logical_or")
logical_xor = _operator("logical_xor")
logical_not = _operator("logical_not")
negative = neg = _operator("negative")
positive = _operator("positive")
abs = absolute = fabs = _operator("abs")  # pylint: disable=redefined-builtin
sign = _operator("sign")
square = _operator("square")
floor = _operator("floor")
ceil = _operator("ceil")
trunc = _operator("trunc")
rint = _operator("round")
sqrt = _operator("sqrt")
rsqrt = _operator("rsqrt")
reciprocal = _operator("reciprocal")
exp = _operator("exp")
exp2 = _operator("exp2")
expm1 = _operator("expm1")
log = _operator("log")
log2 = _operator("log2")
log10 = _operator("log10")
log1p = _operator("log1p")
sin = _operator("sin")
cos = _operator("cos")
tan = _operator("tan")
asin = arcsin = _operator("asin")
acos = arccos = _operator("acos")
atan = arctan = _operator("atan")
sinh = _operator("sinh")
cosh = _operator("cosh")
tanh = _operator("tanh")
asinh = arcsinh = _operator("asinh")
acosh = arccosh = _operator("acosh")
atanh = arctanh = _operator("atanh")
erf = _operator("erf")
isnan = _operator("isnan")
isinf = _operator("isinf")
isfinite = _operator("isfinite")
signbit = _operator("signbit")
relu = _operator("relu")
sigmoid = _operator("sigmoid")
silu = _operator("silu")
mish = _operator("mish")
softplus = _operator("softplus")
softsign = _operator("softsign")
matmul = mm = bmm = _operator("matmul")
detach = stop_gradient = _operator("detach")

_round = _operator("round")
_where = _operator("where")
_pow = _operator("pow")
_reshape = _operator("reshape")
_permute = _operator("permute")
_broadcast_to = _operator("broadcast_to")
_expand_dims = _operator("expand_dims")
_squeeze = _operator("squeeze")
_concat = _operator("concat")
_stack = _operator("stack")
_take = _operator("take")
_take_along = _operator("take_along_axis")
_put_along = _operator("put_along_axis")
_flip = _operator("flip")
_tile = _operator("tile")
_pad = _operator("pad")
_triangle = _operator("triangle")
_one_hot = _operator("one_hot")
_einsum = _operator("einsum")
_cumulative_sum = _operator("cumulative_sum")
_softmax = _operator("softmax")
_log_softmax = _operator("log_softmax")
_gelu = _operator("gelu")
_leaky_relu = _operator("leaky_relu")
_elu = _operator("elu")


def pow(x, y):  # pylint: disable=redefined-builtin
    """x to the power y."""
    return as_array(x) ** y


power = pow


def round(x, decimals=0):  # pylint: disable=redefined-builtin
    """To the nearest integer, ties to even; `decimals` places after the point."""
    if not decimals:
        return _round(x)
    return _round(x * 10.0 ** decimals) / 10.0 ** decimals


def where(condition, x=None, y=None):
    """x where the condition holds, y elsewhere; without both the places, as nonzero."""
    if x is None and y is None:
        return nonzero(condition)
    return _where(condition, x, y)


def clip(x, min=None, max=None):  # pylint: disable=redefined-builtin
    """x limited to [min, max]; either may be None."""
    x = as_array(x)
    if min is not None:
        x = maximum(x, min)
    return x if max is None else minimum(x, max)


clamp = clip


def masked_fill(x, mask, value):
    """value where the mask holds, x elsewhere."""
    return _where(mask, value, x)


def gelu(x, approximate="none"):
    """The Gaussian error linear unit; approximate="tanh" for its tanh form."""
    return _gelu(x, approximate == "tanh")


def leaky_relu(x, negative_slope=0.01):
    return _leaky_relu(x, builtins.float(negative_slope))


def elu(x, alpha=1.0):
    return _elu(x, builtins.float(alpha))


def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """|a - b| <= atol + rtol * |b|, element by element."""
    close = (equal(a, b)) | (isfinite(b) & (abs(subtract(a, b)) <= atol + rtol * abs(b)))
    return close | (isnan(a) & isnan(b)) if equal_nan else close


def allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    return bool(all(isclose(as_array(a), as_array(b), rtol, atol, equal_nan)))


def array_equal(a, b):
    a, b = as_array(a), as_array(b)
    return a.shape == b.shape and bool(all(a == b))


# ---- reductions ----

def _chosen(axis, dim):
    chosen = dim if axis is None else axis
    if chosen is None or isinstance(chosen, (tuple, list)):
        return chosen
    return (chosen.__index__(),)


def _reduction(name, doc):
    native = _operator(name)

    def reduction(x, axis=None, keepdims=False, *, dim=None, keepdim=False, dtype=None):
        if dtype is not None:
            x = arrays.cast(as_array(x), dtype)
        made = native(x, _chosen(axis, dim), keepdims or keepdim)
        return made if dtype is None else arrays.cast(made, dtype)

    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = doc
    return reduction


sum = _reduction("sum", "The sum over axes, or of all; int64 for integers and bool.")  # pylint: disable=redefined-builtin
prod = _reduction("prod", "The product over axes, or of all.")
mean = _reduction("mean", "The mean over axes, or of all; float32 for integers.")
amax = max = _reduction("max", "The largest values over axes, or of all.")  # pylint: disable=redefined-builtin
amin = min = _reduction("min", "The smallest values over axes, or of all.")  # pylint: disable=redefined-builtin
all = _reduction("all", "Whether all elements are true.")  # pylint: disable=redefined-builtin
any = _reduction("any", "Whether an element is true.")  # pylint: disable=redefined-builtin
logsumexp = _reduction("logsumexp", "log of the sum of exp, without overflow.")
_variance = _operator("variance")
_argmax = _operator("argmax")
_argmin = _operator("argmin")


def var(x, axis=None, keepdims=False, *, dim=None, keepdim=False, ddof=0, correction=None,
        unbiased=None):
    """The variance over axes; the sum of squares is divided by count - ddof (0 by default)."""
    if correction is None:
        correction = ddof if unbiased is None else int(unbiased)
    return _variance(x, _chosen(axis, dim), keepdims or keepdim, builtins.float(correction))


def std(x, axis=None, keepdims=False, **options):
    """The square root of the variance; see var."""
    return sqrt(var(x, axis, keepdims, **options))


def argmax(x, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """Where the largest element is, the first on ties; of the flattened array without an axis."""
    return _argmax(x, dim if axis is None else axis, keepdims or keepdim)


def argmin(x, axis=None, keepdims=False, *, dim=None, keepdim=False):
    """Where the smallest element is, the first on ties."""
    return _argmin(x, dim if axis is None else axis, keepdims or keepdim)


def count_nonzero(x, axis=None, keepdims=False):
    return sum(not_equal(x, 0), axis, keepdims)


def norm(x, ord=2, axis=None, keepdims=False, *, dim=None, keepdim=False):  # pylint: disable=redefined-builtin
    """The vector norm of that order over axes, or of all."""
    x, axis, keep = as_array(x), _chosen(axis, dim), keepdims or keepdim
    if ord == math.inf:
        return max(abs(x), axis, keep)
    if ord == -math.inf:
        return min(abs(x), axis, keep)
    if ord == 0:
        return arrays.cast(count_nonzero(x, axis, keep), x.dtype)
    if ord == 1:
        return sum(abs(x), axis, keep)
    if ord in (2, "fro"):
        return sqrt(sum(square(x), axis, keep))
    return sum(abs(x) ** builtins.float(ord), axis, keep) ** (1.0 / ord)


def cumsum(x, axis=None, *, dim=None, dtype=None):
    """Running sums along an axis; of the flattened array without one."""
    x = as_array(x)
    axis = dim if axis is None else axis
    if axis is None:
        x, axis = ravel(x), 0
    return _cumulative_sum(x if dtype is None else arrays.cast(x, dtype), axis)


cumulative_sum = cumsum


def softmax(x, axis=-1, *, dim=None):
    """exp(x) over its sum along an axis, without overflow."""
    return _softmax(x, _chosen(axis if dim is None else dim, None))


def log_softmax(x, axis=-1, *, dim=None):
    return _log_softmax(x, _chosen(axis if dim is None else dim, None))


# ---- shapes ----

def reshape(x, *shape):
    """The elements in row-major order as another shape; one size may be -1."""
    return _reshape(x, arrays.shape_of(shape))


def ravel(x):
    return _reshape(x, (-1,))


def flatten(x, start_dim=0, end_dim=-1):
    """Dimensions start_dim..end_dim as one (PyTorch's)."""
    x = as_array(x)
    if x.ndim == 0:
        return _reshape(x, (1,))
    start, end = start_dim % x.ndim, end_dim % x.ndim
    middle = math.prod(x.shape[start:end + 1])
    return _reshape(x, x.shape[:start] + (middle,) + x.shape[end + 1:])


def permute_dims(x, axes):
    """Dimension d of the result is dimension axes[d] of x."""
    return _permute(x, axes)


def permute(x, *axes):
    return _permute(x, arrays.shape_of(axes))


def transpose(x, *axes):
    """Reversed dimensions; two integers swap them (PyTorch), a tuple permutes (NumPy)."""
    x = as_array(x)
    if not axes or axes == (None,):
        return _permute(x, tuple(reversed(range(x.ndim))))
    if len(axes) == 2 and builtins.all(isinstance(axis, int) for axis in axes):
        return swapaxes(x, *axes)
    return _permute(x, arrays.shape_of(axes))


def swapaxes(x, first, second):
    x = as_array(x)
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    return _permute(x, order)


def matrix_transpose(x):
    return swapaxes(x, -1, -2)


def moveaxis(x, source, destination):
    """Moves dimensions to other places; the others keep their order."""
    x = as_array(x)
    sources = [axis % x.ndim for axis in _chosen(source, None)]
    targets = [axis % x.ndim for axis in _chosen(destination, None)]
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources)):
        order.insert(target, axis)
    return _permute(x, order)


def broadcast_to(x, shape):
    return _broadcast_to(x, arrays.shape_of((shape,)))


def expand(x, *shape):
    """Stretches dimensions of size 1; -1 keeps a size (PyTorch's)."""
    x, shape = as_array(x), arrays.shape_of(shape)
    own = (1,) * (len(shape) - x.ndim) + x.shape
    return _broadcast_to(x, tuple(o if s == -1 else s for s, o in zip(shape, own)))


def broadcast_arrays(*xs):
    xs = [as_array(x) for x in xs]
    shape = numpy.broadcast_shapes(*(x.shape for x in xs))
    return [_broadcast_to(x, shape) for x in xs]


def expand_dims(x, axis):
    """New dimensions of size 1 at these places of the result."""
    return _expand_dims(x, _chosen(axis, None))


def unsqueeze(x, dim):
    return _expand_dims(x, (dim,))


def squeeze(x, axis=None, *, dim=None):
    """Without dimensions of size 1: all of them, or those named."""
    x, axes = as_array(x), _chosen(axis, dim)
    if axes is None:
        axes = [d for d, size in enumerate(x.shape) if size == 1]
    return _squeeze(x, axes)


def concatenate(xs, axis=0, *, dim=None):
    """Arrays side by side along an axis; flattened first where axis is None."""
    xs = [as_array(x) for x in xs]
    if axis is None and dim is None:
        xs, axis = [ravel(x) for x in xs], 0
    return _concat(xs, axis if dim is None else dim)


cat = concat = concatenate


def stack(xs, axis=0, *, dim=None):
    """Arrays of one shape along a new axis."""
    xs = [as_array(x) for x in xs]
    if len({x.shape for x in xs}) > 1:
        raise ValueError("stack: the arrays have different shapes")
    return _stack(xs, axis if dim is None else dim)


def unstack(x, axis=0):
    x = moveaxis(as_array(x), axis, 0)
    return tuple(x[i] for i in range(x.shape[0]))


unbind = unstack


def _sections(x, places, axis):
    starts = [0] + places
    index = [slice(None)] * x.ndim
    parts = []
    for begin, end in zip(starts, places + [x.shape[axis]]):
        index[axis] = slice(begin, end)
        parts.append(indexing.get(x, tuple(index)))
    return parts


def split(x, sections, axis=0, *, dim=None):
    """An integer: that many equal sections. A list: sizes where they sum to the extent, else places.

    ValueError where the sections are not equal, or where a list can be read both ways.
    """
    x = as_array(x)
    axis = (axis if dim is None else dim) % x.ndim
    size = x.shape[axis]
    if isinstance(sections, int):
        if sections < 1 or size % sections:
            raise ValueError(f"split: {size} elements do not make {sections} equal sections")
        return _sections(x, list(range(size // sections, size, size // sections)), axis)
    sections = [item.__index__() for item in sections]
    are_sizes = builtins.sum(sections) == size
    are_places = sections == sorted(sections) and \
        builtins.all(0 <= item <= size for item in sections)
    if are_sizes and are_places and len(sections) > 1 and sections[-1] < size:
        raise ValueError(f"split: {sections} can be sizes or places; use mt.chunk or slices")
    if are_sizes:
        places = [builtins.sum(sections[:i]) for i in range(1, len(sections))]
        return _sections(x, places, axis)
    return _sections(x, sections, axis)


def chunk(x, chunks, dim=0):
    """At most `chunks` parts of equal size, the last one smaller (PyTorch's)."""
    x = as_array(x)
    size = x.shape[dim]
    step = builtins.max(1, -(-size // chunks))
    return _sections(x, list(range(step, size, step)), dim % x.ndim)


def flip(x, axis=None, *, dims=None):
    x = as_array(x)
    axes = _chosen(axis, dims)
    return _flip(x, tuple(range(x.ndim)) if axes is None else axes)


def roll(x, shift, axis=None):
    """Elements moved along axes, those that leave coming in at the other end."""
    x = as_array(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    shifts, axes = _chosen(shift, None), _chosen(axis, None)
    for by, along in zip(shifts * (len(axes) // len(shifts)), axes):
        size = x.shape[along]
        if size:
            parts = _sections(x, [size - by % size], along % x.ndim)
            x = concatenate(parts[::-1], along)
    return x


def tile(x, repeats):
    """The whole array repeated along each dimension."""
    x = as_array(x)
    repeats = arrays.shape_of((repeats,))
    rank = builtins.max(x.ndim, len(repeats))
    x = _reshape(x, (1,) * (rank - x.ndim) + x.shape)
    return _tile(x, (1,) * (rank - len(repeats)) + repeats)


def repeat(x, repeats, axis=None):
    """Each element `repeats` times (NumPy's); see tile for the whole array."""
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis %= x.ndim
    if isinstance(repeats, int):
        wide = _broadcast_to(_expand_dims(x, (axis + 1,)),
                             x.shape[:axis + 1] + (repeats,) + x.shape[axis + 1:])
        return _reshape(wide, x.shape[:axis] + (x.shape[axis] * repeats,) + x.shape[axis + 1:])
    places = numpy.repeat(numpy.arange(x.shape[axis]), numpy.asarray(as_array(repeats).numpy()))
    return take(x, places, axis)


def pad(x, widths, mode="constant", constant_values=0):
    """NumPy's pad: widths (before, after) of each dimension, of all, or one number."""
    x = as_array(x)
    pairs = numpy.broadcast_to(numpy.asarray(widths), (x.ndim, 2)).tolist()
    return _pad(x, [before for before, _ in pairs], [after for _, after in pairs], mode,
                builtins.float(constant_values))


def tril(x, k=0, *, diagonal=None):
    return _triangle(x, False, k if diagonal is None else diagonal)


def triu(x, k=0, *, diagonal=None):
    return _triangle(x, True, k if diagonal is None else diagonal)


def meshgrid(*xs, indexing="xy"):  # pylint: disable=redefined-outer-name
    """Coordinate arrays of a grid."""
    xs = [ravel(x) for x in xs]
    shape = [x.shape[0] for x in xs]
    made = [_broadcast_to(_reshape(x, (1,) * i + (-1,) + (1,) * (len(xs) - 1 - i)), shape)
            for i, x in enumerate(xs)]
    if indexing == "xy" and len(xs) > 1:
        return [swapaxes(x, 0, 1) for x in made]
    return made


def diagonal(x, offset=0):
    """Elements [i, i + offset] of the last two dimensions."""
    x = as_array(x)
    rows, columns = x.shape[-2:]
    count = builtins.max(0, builtins.min(rows + builtins.min(offset, 0),
                                         columns - builtins.max(offset, 0)))
    places = numpy.arange(count)
    return x[..., places - builtins.min(offset, 0), places + builtins.max(offset, 0)]


def trace(x, offset=0):
    return sum(diagonal(x, offset), -1)


# ---- gathering ----

def take(x, index, axis=None):
    """x[index] along an axis; of the flattened array without one."""
    if axis is None:
        x, axis = ravel(x), 0
    return _take(x, arrays.cast(as_array(index), "int64"), axis)


def index_select(x, dim, index):
    return take(x, index, dim)


def take_along_axis(x, index, axis=-1):
    """y[i, j] = x[index[i, j], j] for axis 0, and so on."""
    x, index = as_array(x), arrays.cast(as_array(index), "int64")
    axis %= x.ndim
    shape = list(numpy.broadcast_shapes(
        x.shape[:axis] + (1,) + x.shape[axis + 1:], index.shape[:axis] + (1,) + index.shape[axis + 1:]))
    x = _broadcast_to(x, shape[:axis] + [x.shape[axis]] + shape[axis + 1:])
    return _take_along(x, _broadcast_to(index, shape[:axis] + [index.shape[axis]] + shape[axis + 1:]),
                       axis)


def gather(x, dim, index):
    """PyTorch's gather."""
    return _take_along(x, arrays.cast(as_array(index), "int64"), dim)


def scatter(x, dim, index, src, reduce="last"):  # pylint: disable=redefined-outer-name
    """PyTorch's scatter: y[index[i, j], j] = src[i, j] for dim 0; reduce: last, add, mul, min, max."""
    return _put_along(x, arrays.cast(as_array(index), "int64"), src, dim, reduce)


def scatter_add(x, dim, index, src):
    """All of src is added, also where indices repeat."""
    return scatter(x, dim, index, src, "add")


def one_hot(x, num_classes, dtype=None):
    """1 where the last dimension's place is x, 0 elsewhere."""
    return _one_hot(x, num_classes, dtypes.short_name(dtype or dtypes.int64))


def nonzero(x):
    """Indices of the elements that are not 0, one array per dimension; reads x."""
    return tuple(arrays.array(places) for places in numpy.nonzero(as_array(x).numpy()))


def searchsorted(sorted_sequence, values, side="left"):
    """Where values go into a sorted array; reads both."""
    return arrays.array(numpy.searchsorted(as_array(sorted_sequence).numpy(),
                                           as_array(values).numpy(), side))


# ---- order: NumPy's on the host ----

def _on_host(function, x, *arguments, **options):
    return arrays.array(function(as_array(x).numpy(), *arguments, **options))


def argsort(x, axis=-1, descending=False, stable=True):
    """Places in ascending order, NaN last; reads x."""
    del stable
    values = as_array(x).numpy()
    if descending:
        flipped = numpy.flip(values, axis)
        places = numpy.flip(numpy.argsort(flipped, axis, kind="stable"), axis)
        return arrays.array(values.shape[axis] - 1 - places)
    return arrays.array(numpy.argsort(values, axis, kind="stable"))


def sort(x, axis=-1, descending=False, stable=True):
    """Values in ascending order, NaN last."""
    x = as_array(x)
    return take_along_axis(x, argsort(x, axis, descending, stable), axis)


def topk(x, k, axis=-1, largest=True, *, dim=None):
    """The k largest values in descending order, and their places."""
    x = as_array(x)
    axis = (axis if dim is None else dim) % x.ndim
    places = argsort(x, axis, descending=largest)
    index = [slice(None)] * x.ndim
    index[axis] = slice(0, k)
    places = places[tuple(index)]
    return take_along_axis(x, places, axis), places


def unique(x):
    """The distinct values, sorted; reads x."""
    return _on_host(numpy.unique, x)


# ---- products ----

def dot(a, b):
    """NumPy's dot for vectors and matrices."""
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


def outer(a, b):
    return multiply(_expand_dims(ravel(a), (1,)), _expand_dims(ravel(b), (0,)))


def tensordot(a, b, axes=2):
    """Sums over pairs of axes."""
    a, b = as_array(a), as_array(b)
    if isinstance(axes, int):
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    of_a = [axis % a.ndim for axis in _chosen(axes[0], None)]
    of_b = [axis % b.ndim for axis in _chosen(axes[1], None)]
    rest_a = [axis for axis in range(a.ndim) if axis not in of_a]
    rest_b = [axis for axis in range(b.ndim) if axis not in of_b]
    depth = math.prod(a.shape[axis] for axis in of_a)
    left = _reshape(_permute(a, rest_a + of_a), (-1 if depth else math.prod(a.shape[i] for i in rest_a), depth))
    right = _reshape(_permute(b, of_b + rest_b), (depth, math.prod(b.shape[i] for i in rest_b)))
    return _reshape(matmul(left, right),
                    [a.shape[i] for i in rest_a] + [b.shape[i] for i in rest_b])


def vecdot(a, b, axis=-1):
    return sum(multiply(a, b), axis)


def einsum(equation, *operands):
    """Sums of products as NumPy writes them."""
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    return _einsum(operands, equation)
