# SPDX-License-Identifier: Apache-2.0
"""Element-wise functions of arrays against NumPy: special values, every dtype, promotion.

Takes each function with each dtype. Keeps true: what is exact has NumPy's bits; the others are
within the bounds of docs/numerics.md in float32, and of this file in float64; float16 and bfloat16
are float32's results, rounded once.
"""
import itertools
import math
import pathlib
import re

import numpy
import pytest

import mintor as mt
from array_batch import (BFLOAT16, DTYPES, FLOATS, INTEGERS, Batch, dtype_of, is_float,
                         promoted, special_values)

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOAT32, FLOAT64 = numpy.dtype("float32"), numpy.dtype("float64")


@pytest.fixture(autouse=True)
def quiet():
    with numpy.errstate(all="ignore"):
        yield


def documented_bounds():
    """Function -> {dtype: units of the last place} of the table in docs/numerics.md."""
    found = {}
    text = (ROOT / "docs" / "numerics.md").read_text()
    for name, error in re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| ([^|]*) \|", text, re.M):
        found[name] = {bits: float(number) for bits, number in
                       re.findall(r"(f32|f64) ([\d.]+)", error)}
    return found


BOUNDS = documented_bounds()
# In float64, of what is made of other functions (mintor/wide_floats.py).
WIDE = 5.0

# Not exact: computed as long doubles.
TRANSCENDENTAL = """exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh
asinh acosh atanh""".split()
KEEPS_DTYPE = "positive abs square floor ceil trunc".split()
TESTS = "isnan isinf isfinite signbit".split()
BINARY = "add subtract multiply maximum minimum remainder".split()
COMPARISONS = "equal not_equal less less_equal greater greater_equal".split()
BITS = "bitwise_and bitwise_or bitwise_xor".split()
SHIFTS = "bitwise_left_shift bitwise_right_shift".split()
LOGIC = "logical_and logical_or logical_xor".split()


def bound_of(name, dtype):
    if dtype.itemsize == 2:
        return 0.51
    known = BOUNDS.get(name, {}).get("f32" if dtype == FLOAT32 else "f64")
    return WIDE if known is None else known + 0.01


def floats_of(x):
    """x as the floats that functions take integers as."""
    return x if is_float(x.dtype) else x.astype(FLOAT32)


def exact(function, *operands):
    return function(*(operand.astype(numpy.longdouble) for operand in operands))


@pytest.mark.parametrize("name", DTYPES)
def test_functions_of_one_array(name):
    batch, x = Batch(), special_values(name)
    y, floats = mt.array(x), floats_of(x)
    for function in TRANSCENDENTAL:
        batch.add(function, lambda f=function: getattr(mt, f)(y),
                  exact(getattr(numpy, function), floats), floats.dtype,
                  bound_of(function, floats.dtype))
    for function in ("sqrt", "reciprocal"):
        wide = floats if floats.dtype != BFLOAT16 else floats.astype(FLOAT32)
        batch.add(function, lambda f=function: getattr(mt, f)(y),
                  getattr(numpy, function)(wide).astype(floats.dtype))
    for function in TESTS:
        expected = getattr(numpy, function)(floats if function == "signbit" else x)
        batch.add(function, lambda f=function: getattr(mt, f)(y), expected)
    batch.add("logical_not", lambda: mt.logical_not(y), numpy.logical_not(x))
    batch.add("round", lambda: mt.round(y), numpy.rint(x) if is_float(x.dtype) else x, x.dtype)
    batch.add("conj", lambda: mt.conj(y), x)
    batch.add("real", lambda: mt.real(y), x)
    batch.add("imag", lambda: mt.imag(y), numpy.zeros_like(x))
    if name != "bool":
        for function in KEEPS_DTYPE:
            batch.add(function, lambda f=function: getattr(mt, f)(y), getattr(numpy, function)(x),
                      x.dtype)
        batch.add("sign", lambda: mt.sign(y), numpy.sign(x), any_zero=True)
        batch.add("negative", lambda: mt.negative(y), numpy.negative(x))
    if not is_float(x.dtype):
        batch.add("bitwise_invert", lambda: mt.bitwise_invert(y), numpy.invert(x))
    batch.compare()


@pytest.mark.parametrize("name", DTYPES)
def test_functions_of_two_arrays(name):
    batch, values = Batch(), special_values(name)
    x, y = (grid.reshape(-1) for grid in numpy.meshgrid(values, values))
    a, b = mt.array(x), mt.array(y)

    def add(function, expected, *others):
        batch.add(function, lambda: getattr(mt, function)(a, b), expected, *others)

    for function in LOGIC:
        add(function, getattr(numpy, function)(x, y))
    fx, fy = floats_of(x), floats_of(y)
    if fx.dtype == BFLOAT16:
        quotient = (fx.astype(FLOAT32) / fy.astype(FLOAT32)).astype(BFLOAT16)
    else:
        quotient = fx / fy
    add("divide", quotient)
    add("copysign", numpy.copysign(fx, numpy.where(numpy.isnan(fy), 1, fy).astype(fy.dtype)))
    for function in ("hypot", "atan2"):
        add(function, exact(getattr(numpy, function), fx, fy), fx.dtype,
            bound_of(function, fx.dtype))
    add("logaddexp", exact(numpy.logaddexp, fx, fy), fx.dtype, 3.0)
    if fx.dtype != BFLOAT16:
        add("nextafter", numpy.nextafter(fx, fy))
    for function in COMPARISONS:
        add(function, getattr(numpy, function)(x, y))
    if name == "bool":
        for function in BITS:
            add(function, getattr(numpy, function)(x, y))
        batch.compare()
        return
    if not is_float(x.dtype):
        add("floor_divide", numpy.floor_divide(x, y))
    for function in BINARY:
        wide = (x, y)
        if x.dtype == BFLOAT16:
            wide = (x.astype(FLOAT32), y.astype(FLOAT32))
        add(function, getattr(numpy, function)(*wide).astype(x.dtype), x.dtype, 0,
            function in ("maximum", "minimum"))
    if not is_float(x.dtype):
        for function in BITS + SHIFTS:
            add(function, getattr(numpy, function)(x, y))
        whole = (y >= 0) & (y < 8)
        c, d = mt.array(x[whole]), mt.array(y[whole])
        batch.add("pow", lambda: mt.pow(c, d), numpy.power(x[whole], y[whole]))
    else:
        add("pow", exact(numpy.power, x, y), x.dtype, bound_of("pow", x.dtype))
    batch.compare()


@pytest.mark.parametrize("name", DTYPES)
def test_promotion(name):
    """Every pair of dtypes: the dtype of the result, and the value in it."""
    batch = Batch()
    x = special_values(name)[:8]
    for other in DTYPES:
        y = special_values(other)[:8]
        count = min(len(x), len(y))
        p, q = x[:count], y[:count]
        dtype = promoted(p.dtype, q.dtype)
        a, b = mt.array(p), mt.array(q)
        wide_p, wide_q = p.astype(dtype), q.astype(dtype)
        arithmetic = FLOAT32 if dtype == BFLOAT16 else dtype
        label = f"{name}, {other}"
        total = numpy.add(wide_p.astype(arithmetic), wide_q.astype(arithmetic)).astype(dtype)
        batch.add(f"add {label}", lambda: a + b, total)
        batch.add(f"equal {label}", lambda: a == b, wide_p == wide_q)
        batch.add(f"where {label}", lambda: mt.where(mt.array([True]), a, b), wide_p)
        batch.add(f"concat {label}", lambda: mt.concat([a, b]), numpy.concatenate([wide_p, wide_q]))
        if mt.result_type(a, b) != dtype or mt.result_type(p.dtype, q.dtype) != dtype:
            batch.wrong.append(f"result_type {label}: {mt.result_type(a, b)}, expected {dtype}")
    batch.compare()


@pytest.mark.parametrize("name", DTYPES)
def test_python_numbers_are_weak(name):
    batch = Batch()
    x = special_values(name)[:8]
    a = mt.array(x)
    for number in (True, 3, 2.5):
        kind = {bool: 0, int: 1}.get(type(number), 2)
        own = 0 if name == "bool" else 2 if is_float(x.dtype) else 1
        dtype = x.dtype if kind <= own else dtype_of(("bool", "int64", "float32")[kind])
        arithmetic = FLOAT32 if dtype == BFLOAT16 else dtype
        left = x.astype(dtype).astype(arithmetic)
        right = numpy.asarray(number).astype(arithmetic)
        for label, call, function in (
                ("x + n", lambda: a + number, numpy.add), ("n + x", lambda: number + a, numpy.add),
                ("x * n", lambda: a * number, numpy.multiply), ("x == n", lambda: a == number,
                                                                numpy.equal)):
            expected = function(left, right)
            if expected.dtype != bool:
                expected = expected.astype(dtype)
            batch.add(f"{label} {name} {number!r}", call, expected)
        if mt.result_type(a, number) != dtype:
            batch.wrong.append(f"result_type({name}, {number!r}): {mt.result_type(a, number)}")
    for number in (numpy.float32(2.5), numpy.int64(3), numpy.uint8(3)):
        dtype = promoted(x.dtype, number.dtype)
        arithmetic = FLOAT32 if dtype == BFLOAT16 else dtype
        expected = (x.astype(arithmetic) + number.astype(arithmetic)).astype(dtype)
        batch.add(f"x + {number!r} {name}", lambda n=number: a + n, expected)
        batch.add(f"{number!r} + x {name}", lambda n=number: n + a, expected)
    if name in INTEGERS:
        batch.refused(f"{name} + 2**70", lambda: a + 2 ** 70, OverflowError)
    batch.compare()


@pytest.mark.parametrize("name", DTYPES)
def test_casts(name):
    """To every dtype: floats truncate and saturate, NaN is 0, integers wrap."""
    batch, x = Batch(), special_values(name)
    a = mt.array(x)
    for other in DTYPES:
        dtype = dtype_of(other)
        if is_float(x.dtype) and not is_float(dtype) and other != "bool":
            limits = numpy.iinfo(dtype)
            wide = [0 if math.isnan(v) else v for v in x.astype(float)]
            values = [limits.max if v >= limits.max else limits.min if v <= limits.min else int(v)
                      for v in wide]
            expected = numpy.array(values, dtype)
        else:
            expected = x.astype(dtype)
        batch.add(f"{name} to {other}", lambda d=other: mt.astype(a, d), expected)
        batch.add(f"{name} to {other}, spelled", lambda d=dtype: a.astype(d), expected)
    batch.compare()


@pytest.mark.parametrize("name", FLOATS + ["int32"])
def test_clip(name):
    batch, x = Batch(), special_values(name)
    a = mt.array(x)
    for low, high in itertools.product((None, -2, 0), (None, 1, 3)):
        expected = x if low is None and high is None else numpy.clip(x, low, high)
        batch.add(f"clip {low} {high}", lambda l=low, h=high: mt.clip(a, l, h), expected, x.dtype,
                  0, True)
    if not is_float(x.dtype):
        batch.add("clip integers by floats", lambda: mt.clip(a, 0.5, 2.5),
                  numpy.clip(x.astype(FLOAT32), 0.5, 2.5))
    low = numpy.full(x.shape, -1, x.dtype)
    batch.add("clip by an array", lambda: mt.clip(a, mt.array(low)), numpy.maximum(x, low), x.dtype,
              0, True)
    batch.compare()


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_functions_beyond_the_standard(name):
    batch, x = Batch(), special_values(name)
    y = x[::-1].copy()
    a, b = mt.array(x), mt.array(y)
    tiny = 1e-6 if name == "float32" else 1e-15
    for label, call, expected, bound in (
            ("fmax", lambda: mt.fmax(a, b), numpy.fmax(x, y), 0),
            ("fmin", lambda: mt.fmin(a, b), numpy.fmin(x, y), 0),
            ("fmod", lambda: mt.fmod(a, b), numpy.fmod(x, y), 0),
            ("nan_to_num", lambda: mt.nan_to_num(a), numpy.nan_to_num(x), 0),
            ("heaviside", lambda: mt.heaviside(a, 0.5), numpy.heaviside(x, 0.5), 0),
            ("rsqrt", lambda: mt.rsqrt(a), 1 / numpy.sqrt(x.astype(numpy.longdouble)), 2),
            ("sigmoid", lambda: mt.sigmoid(a), 1 / (1 + numpy.exp(-x.astype(numpy.longdouble))), 3),
            ("isclose", lambda: mt.isclose(a, a + tiny, equal_nan=True),
             numpy.isclose(x, x + x.dtype.type(tiny), equal_nan=True), 0)):
        batch.add(label, call, expected, "bool" if label == "isclose" else name, bound, True)
    batch.compare()


@pytest.mark.parametrize("name", FLOATS)
def test_floor_division_of_floats(name):
    batch, values = Batch(), special_values(name)
    x, y = (grid.reshape(-1) for grid in numpy.meshgrid(values, values))
    wide = (x, y) if name != "bfloat16" else (x.astype(FLOAT32), y.astype(FLOAT32))
    batch.add("floor_divide", lambda: mt.array(x) // mt.array(y),
              numpy.floor_divide(*wide).astype(x.dtype))
    batch.compare()


@pytest.mark.parametrize("name", FLOATS)
def test_float64_scalars_of_numpy_are_weak(name):
    x = mt.array([1.0], name)
    assert (x + numpy.float64(2.5)).dtype == x.dtype
    assert (numpy.float64(2.5) * x).dtype == x.dtype


def test_bool_is_no_number():
    a = mt.array([True, False])
    for call in (lambda: -a, lambda: mt.sign(a), lambda: mt.square(a), lambda: a - a):
        with pytest.raises((TypeError, ValueError)):
            call()
