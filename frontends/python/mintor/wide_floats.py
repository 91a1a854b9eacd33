# SPDX-License-Identifier: Apache-2.0
"""Functions of float64 that the compiler has no row for, made of those it has.

Takes and gives float64 arrays. Keeps true: within a few units of the last place (tests/python/
test_array_api.py has the bounds), and gradients pass, to second order: where the float32 function
starts, its value is a constant and the rest is an exact formula of the difference.
"""
import math

from mintor import _mintor
from mintor import arrays

_operator = _mintor.find_operator
_where = _operator("where")
_abs = _operator("abs")
_exp, _log, _sqrt, _tanh = (_operator(name) for name in ("exp", "log", "sqrt", "tanh"))
_sin, _cos, _pow, _copysign = (_operator(name) for name in ("sin", "cos", "pow", "copysign"))
_maximum, _minimum, _detach = (_operator(name) for name in ("maximum", "minimum", "detach"))
_signbit, _isinf, _isfinite = (_operator(name) for name in ("signbit", "isinf", "isfinite"))
_LN2 = math.log(2)


def _start(name, x):
    """The float32 function's value, a constant in float64."""
    return _detach(arrays.cast(_operator(name)(arrays.cast(x, "float32")), "float64"))


def _inside(x, condition, value):
    """x where the condition holds, elsewhere `value`, for which a formula is harmless."""
    return _where(condition, x, value)


def _pick(condition, x, y):
    """As where, of numbers too, which are float64 here."""
    return _where(condition, arrays.array(x, "float64"), y)


def exp2(x):
    return _pow(2.0, x)


def expm1(x):
    near = _abs(x) < 1.0
    t = _tanh(_inside(x, near, 0.5) * 0.5)
    return _where(near, 2.0 * t / (1.0 - t), _exp(_inside(x, ~near, 1.0)) - 1.0)


def log1p(x):
    large = _abs(x) > 1e17
    y = _inside(x, ~large, 0.0)
    u = _detach(1.0 + y)
    exact = _where(u == 0, 0.0, (y - (u - 1.0)) / _where(u == 0, 1.0, u))
    # log(u) at u = 1 + x is right but for what the sum lost.
    small = _log(1.0 + y) + _detach(exact)
    return _where(large, _log(_inside(x, large, 1.0)), _where(y == 0, x - 0.5 * x * x, small))


def _logarithm(x, base):
    """Exact for whole powers of the base."""
    scaled = _log(x) * (1.0 / math.log(base))
    whole = _detach(_operator("round")(scaled))
    exact = (_pow(base, whole) == x) & _isfinite(whole)
    return scaled + _detach(_pick(exact, whole - scaled, 0.0))


def log2(x):
    return _logarithm(x, 2.0)


def log10(x):
    return _logarithm(x, 10.0)


def tan(x):
    return _sin(x) / _cos(x)


def asin(x):
    y = _start("asin", x)
    d = x * _cos(y) - _sqrt((1.0 - x) * (1.0 + x)) * _sin(y)
    return _where(x == 0, x, y + d * (1.0 + d * d * (1 / 6 + d * d * (3 / 40))))


def acos(x):
    y = _start("acos", x)
    d = _sqrt((1.0 - x) * (1.0 + x)) * _cos(y) - x * _sin(y)
    return y + d * (1.0 + d * d * (1 / 6 + d * d * (3 / 40)))


def atan(x):
    y = _start("atan", x)
    finite = _inside(x, ~_isinf(x), 0.0)
    d = (finite * _cos(y) - _sin(y)) / (_cos(y) + finite * _sin(y))
    found = _where(x == 0, x, y + d * (1.0 - d * d * (1 / 3)))
    return _where(_isinf(x), _copysign(math.pi / 2, x), found)


def _halves(x):
    """exp(|x| / 2), without overflow before the result overflows."""
    return _exp(_abs(x) * 0.5)


def sinh(x):
    near = _abs(x) < 1.0
    t = _tanh(_inside(x, near, 0.5) * 0.5)
    h = _halves(_inside(x, ~near, 1.0))
    return _where(near, 2.0 * t / ((1.0 - t) * (1.0 + t)), _copysign(0.5 * h * h - 0.5 / h / h, x))


def cosh(x):
    h = _halves(x)
    return 0.5 * h * h + 0.5 / h / h


def _odd(function, x):
    """An odd function of x by its values of what is not negative."""
    negative = _signbit(x)
    found = function(_where(negative, -x, x))
    return _where(negative, -found, found)


def asinh(x):
    def of_positive(magnitude):
        large = magnitude > 1e150
        y = _inside(magnitude, ~large, 1.0)
        small = log1p(y + y * y / (1.0 + _sqrt(y * y + 1.0)))
        return _where(large, _log(_inside(magnitude, large, 1.0)) + _LN2, small)
    return _odd(of_positive, x)


def acosh(x):
    large = x > 1e150
    y = _inside(x, ~large & (x >= 1.0), math.nan) - 1.0
    return _where(large, _log(_inside(x, large, 1.0)) + _LN2, log1p(y + _sqrt(y * (y + 2.0))))


def atanh(x):
    return _odd(lambda y: 0.5 * log1p(2.0 * y / (1.0 - y)), x)


def rsqrt(x):
    return 1.0 / _sqrt(x)


def sigmoid(x):
    return 1.0 / (1.0 + _exp(-x))


def hypot(x, y):
    x, y = _abs(x), _abs(y)
    large, small = _maximum(x, y), _minimum(x, y)
    plain = (large > 1e-140) & (large < 1e150)
    scale = _pick(plain, 1.0, _pick(large > 1.0, 2.0 ** 600, 2.0 ** -600))
    large, small = large / scale, small / scale
    length = _sqrt(large * large + small * small) * scale
    return _where(_isinf(x) | _isinf(y), math.inf, length)


def atan2(y, x):
    steep = _abs(y) > _abs(x)
    none, both = (x == 0) & (y == 0), _isinf(x) & _isinf(y)
    above = _where(steep, x, y)
    below = _where(none, 1.0, _where(steep, y, x))
    ratio = _where(both, _copysign(_copysign(1.0, x), _copysign(1.0, x) * y), above / below)
    angle = atan(ratio)
    turned = _copysign(math.pi / 2, y) - angle
    behind = angle + _copysign(math.pi, y)
    straight = _copysign(_pick(_signbit(x), math.pi, 0.0), y)
    found = _where(steep, turned, _where(_signbit(x), behind, angle))
    return _where(y == 0, _where(x != x, x, straight), found)


UNARY = {function.__name__: function for function in (
    exp2, expm1, log1p, log2, log10, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh, rsqrt,
    sigmoid)}
