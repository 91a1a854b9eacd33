# SPDX-License-Identifier: Apache-2.0
"""Element-wise functions: the native operators under their NumPy and PyTorch names, and others.

Takes arrays, numbers and what becomes an array, broadcast against each other; gives arrays of the
dtype that the array API's promotion says (Python numbers take that of the arrays). Functions that
have no meaning for integers take them as float32.
"""
import builtins
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import native
from mintor import wide_floats
from mintor.arguments import on_host as _on_host

_as_array = arrays.as_array
_operator = _mintor.find_operator

def _wide(name):
    """The native operator, and for float64 what wide_floats.py makes of others."""
    narrow, wide = _operator(name), wide_floats.UNARY[name]

    def function(x):
        return wide(x) if isinstance(x, arrays.Array) and x.dtype == "float64" else narrow(x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = native.UNARY[name]
    return function


add = native.function("add")
subtract = sub = native.function("subtract")
multiply = mul = native.function("multiply")
divide = div = true_divide = native.function("divide")
floor_divide = native.function("floor_divide")
remainder = mod = native.function("remainder")
fmod = native.function("fmod")
maximum = native.function("maximum")
minimum = native.function("minimum")
equal = eq = native.function("equal")
not_equal = ne = native.function("not_equal")
less = lt = native.function("less")
less_equal = le = native.function("less_equal")
greater = gt = native.function("greater")
greater_equal = ge = native.function("greater_equal")
bitwise_and = native.function("bitwise_and")
bitwise_or = native.function("bitwise_or")
bitwise_xor = native.function("bitwise_xor")
bitwise_left_shift = left_shift = native.function("bitwise_left_shift")
bitwise_right_shift = right_shift = native.function("bitwise_right_shift")
bitwise_invert = bitwise_not = invert = native.function("bitwise_invert")
logical_and = native.function("logical_and")
logical_or = native.function("logical_or")
logical_xor = native.function("logical_xor")
logical_not = native.function("logical_not")
negative = neg = native.function("negative")
positive = native.function("positive")
abs = absolute = fabs = native.function("abs")  # pylint: disable=redefined-builtin
sign = native.function("sign")
square = native.function("square")
floor = native.function("floor")
ceil = native.function("ceil")
trunc = native.function("trunc")
rint = native.function("round", "rint")
sqrt = native.function("sqrt")
rsqrt = _wide("rsqrt")
reciprocal = native.function("reciprocal")
exp = native.function("exp")
exp2 = _wide("exp2")
expm1 = _wide("expm1")
log = native.function("log")
log2 = _wide("log2")
log10 = _wide("log10")
log1p = _wide("log1p")
sin = native.function("sin")
cos = native.function("cos")
tan = _wide("tan")
asin = arcsin = _wide("asin")
acos = arccos = _wide("acos")
atan = arctan = _wide("atan")
sinh = _wide("sinh")
cosh = _wide("cosh")
tanh = native.function("tanh")
asinh = arcsinh = _wide("asinh")
acosh = arccosh = _wide("acosh")
atanh = arctanh = _wide("atanh")
erf = native.function("erf")
isnan = native.function("isnan")
isinf = native.function("isinf")
isfinite = native.function("isfinite")
relu = native.function("relu")
sigmoid = _wide("sigmoid")
silu = native.function("silu")
mish = native.function("mish")
softplus = native.function("softplus")
softsign = native.function("softsign")
matmul = mm = bmm = native.function("matmul")
detach = stop_gradient = native.function("detach")

_round = _operator("round")
_where = _operator("where")
_signbit = _operator("signbit")
_atan2 = _operator("atan2")
_hypot = _operator("hypot")
_copysign = _operator("copysign")
_gelu = _operator("gelu")
_leaky_relu = _operator("leaky_relu")
_elu = _operator("elu")


def _is_float(x):
    return x.dtype.kind in "fV"


def _floats(x, y):
    """Both as arrays, integers as float32; a Python number stays one beside a float array."""
    x, y = (item if isinstance(item, builtins.float) else _as_array(item) for item in (x, y))
    if isinstance(x, builtins.float) and isinstance(y, builtins.float):
        return _as_array(x), _as_array(y)
    return tuple(item if isinstance(item, builtins.float) or _is_float(item)
                 else arrays.cast(item, "float32") for item in (x, y))


def _is_wide(x):
    return isinstance(x, arrays.Array) and x.dtype == "float64"


def _of_floats(native, wide, x, y):
    x, y = _floats(x, y)
    if not (_is_wide(x) or _is_wide(y)):
        return native(x, y)
    return wide(*(arrays.array(item, "float64") for item in (x, y)))


def atan2(y, x):
    """The angle of the point (x, y), in [-pi, pi]; signs of zeros count."""
    return _of_floats(_atan2, wide_floats.atan2, y, x)


def hypot(x, y):
    """sqrt(x^2 + y^2) without overflow in between."""
    return _of_floats(_hypot, wide_floats.hypot, x, y)


def copysign(x, y):
    """x with the sign of y."""
    return _copysign(*_floats(x, y))


arctan2 = atan2


def signbit(x):
    """Whether the sign is negative; true for -0."""
    x = _as_array(x)
    return _signbit(x) if _is_float(x) else less(arrays.cast(x, "float32"), 0)


def logaddexp(x, y):
    """log(exp(x) + exp(y)) without overflow."""
    x, y = _floats(x, y)
    if {arrays.as_array(x).dtype.itemsize, arrays.as_array(y).dtype.itemsize} == {2}:
        # Rounded once, at the end.
        made = logaddexp(arrays.cast(x, "float32"), arrays.cast(y, "float32"))
        return arrays.cast(made, dtypes.promote(x.dtype, y.dtype))
    apart = where(equal(x, y), 0.0, abs(subtract(x, y)))
    return add(maximum(x, y), log1p(exp(negative(apart))))


def nextafter(x, y):
    """The next floating-point number after x towards y; reads both, no gradient passes."""
    x, y = (_as_array(item) for item in _floats(x, y))
    dtype = numpy.promote_types(x.dtype, y.dtype)
    return _on_host(numpy.nextafter, arrays.cast(x, dtype), arrays.cast(y, dtype).numpy())


def conj(x):
    """x itself: there are no complex numbers."""
    return positive(x)


def real(x):
    """x itself: there are no complex numbers."""
    return positive(x)


def imag(x):
    """Zeros: there are no complex numbers."""
    return arrays.zeros_like(x)


conjugate = conj


def pow(x, y):  # pylint: disable=redefined-builtin
    """x to the power y."""
    return x ** y if isinstance(x, arrays.Array) else _as_array(x) ** y


power = pow


def round(x, decimals=0):  # pylint: disable=redefined-builtin
    """To the nearest integer, ties to even; `decimals` places after the point."""
    if not decimals:
        return _round(x)
    x = _as_array(x)
    if not _is_float(x):
        return arrays.cast(round(x / 10 ** -decimals) * 10 ** -decimals, x.dtype) \
            if decimals < 0 else positive(x)
    if decimals < 0:
        return _round(x / 10.0 ** -decimals) * 10.0 ** -decimals
    return _round(x * 10.0 ** decimals) / 10.0 ** decimals


def clip(x, min=None, max=None):  # pylint: disable=redefined-builtin
    """x limited to [min, max]; either may be None. The dtype is that of x, unless x is of integers
    and a limit is not.
    """
    x = _as_array(x)
    made = x if min is None else _limited(x, _limit(x, min), greater_equal, maximum)
    made = made if max is None else _limited(made, _limit(x, max), less_equal, minimum)
    return made if _is_float(made) and not _is_float(x) else arrays.cast(made, x.dtype)


def _limited(x, limit, inside, function):
    """One side of clip. A float that equals its limit passes the gradient on, as PyTorch has it."""
    if not _is_float(x):
        return function(x, limit)
    return where(logical_or(inside(x, limit), isnan(x)), x, limit)


def _limit(x, limit):
    """A limit in the dtype of x, where it is a number that x's integers can have."""
    if isinstance(limit, int) and x.dtype.kind in "iu":
        bounds = numpy.iinfo(x.dtype)
        return builtins.max(bounds.min, builtins.min(limit, bounds.max))
    return limit


clamp = clip


def masked_fill(x, mask, value):
    """value where the mask holds, x elsewhere."""
    return _where(mask, value, x)


def gelu(x, approximate="none"):
    """The Gaussian error linear unit; approximate="tanh" for its tanh form."""
    return _gelu(x, approximate == "tanh")


def leaky_relu(x, negative_slope=0.01):
    """x above 0, negative_slope * x below."""
    return _leaky_relu(x, float(negative_slope))


def elu(x, alpha=1.0):
    """x above 0, alpha * (exp(x) - 1) below."""
    return _elu(x, float(alpha))


def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """|a - b| <= atol + rtol * |b|, element by element."""
    a, b = _as_array(a), _as_array(b)
    close = equal(a, b) | (isfinite(b) & (abs(subtract(a, b)) <= atol + rtol * abs(b)))
    return close | (isnan(a) & isnan(b)) if equal_nan else close


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities as numbers: 0 and the largest finite ones."""
    x = _as_array(x)
    if not _is_float(x):
        return positive(x)
    largest = float(dtypes.finfo(x.dtype).max)
    made = _where(isnan(x), nan, x)
    made = _where(equal(made, math.inf), largest if posinf is None else posinf, made)
    return _where(equal(made, -math.inf), -largest if neginf is None else neginf, made)


def fmax(x, y):
    """The larger one; where one is NaN the other."""
    x, y = _as_array(x), _as_array(y)
    return _where(isnan(x), y, _where(isnan(y), x, maximum(x, y)))


def fmin(x, y):
    """The smaller one; where one is NaN the other."""
    x, y = _as_array(x), _as_array(y)
    return _where(isnan(x), y, _where(isnan(y), x, minimum(x, y)))


def divmod(x, y):  # pylint: disable=redefined-builtin
    """floor_divide and remainder."""
    return floor_divide(x, y), remainder(x, y)


def heaviside(x, value):
    """0 below 0, `value` at 0, 1 above."""
    x = _as_array(x)
    return _where(isnan(x), x, _where(equal(x, 0), value, arrays.cast(greater(x, 0), x.dtype)))


def sinc(x):
    """sin(pi x) / (pi x); 1 at 0."""
    x = _as_array(x)
    turned = _where(equal(x, 0), 1e-20, x) * math.pi
    return sin(turned) / turned


def deg2rad(x):
    """Degrees as radians."""
    return _as_array(x) * (math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return _as_array(x) * (180 / math.pi)


def cbrt(x):
    """The cube root."""
    x = _floats(x, 1.0)[0]
    return copysign(abs(x) ** (1 / 3), x)


def lerp(start, end, weight):
    """start + weight * (end - start)."""
    start = _as_array(start)
    return start + weight * (end - start)


def isposinf(x):
    """Whether x is infinity; bool."""
    return equal(x, math.inf)


def isneginf(x):
    """Whether x is minus infinity; bool."""
    return equal(x, -math.inf)


def nonzero(x):
    """Indices of the elements that are not 0, one array per dimension; reads x."""
    return tuple(arrays.array(places) for places in numpy.nonzero(_as_array(x).numpy()))


def where(condition, x=None, y=None):
    """x where the condition holds, y elsewhere; without both the places, as nonzero."""
    if x is None and y is None:
        return nonzero(condition)
    return _where(condition, x, y)


__all__ = """
abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
atan2 atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_not bitwise_or
bitwise_right_shift bitwise_xor bmm cbrt ceil clamp clip conj conjugate copysign cos cosh deg2rad
detach div divide divmod elu eq equal erf exp exp2 expm1 fabs floor floor_divide fmax fmin fmod ge
gelu greater greater_equal gt heaviside hypot imag invert isclose isfinite isinf isnan isneginf
isposinf le leaky_relu left_shift lerp less less_equal log log10 log1p log2 logaddexp logical_and
logical_not logical_or logical_xor lt masked_fill matmul maximum minimum mish mm mod mul multiply
nan_to_num ne neg negative nextafter nonzero not_equal positive pow power rad2deg real reciprocal
relu remainder right_shift rint round rsqrt sigmoid sign signbit silu sin sinc sinh softplus
softsign sqrt square stop_gradient sub subtract tan tanh true_divide trunc where
""".split()
