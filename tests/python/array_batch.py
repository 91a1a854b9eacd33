# SPDX-License-Identifier: Apache-2.0
"""Many calls compared with NumPy in one run: recorded first, compiled together, then read.

Takes calls and what they have to give (ndarrays, or long doubles with a bound in units of the last
place); gives one message with every difference. Keeps true: dtype and shape are compared first; NaN
equals NaN; a zero has the right sign unless the call says that it may have either.
"""
import ml_dtypes
import numpy

import mintor as mt

BFLOAT16 = numpy.dtype(ml_dtypes.bfloat16)
BOOL, SIGNED, UNSIGNED = ["bool"], ["int8", "int16", "int32", "int64"], \
    ["uint8", "uint16", "uint32", "uint64"]
INTEGERS, FLOATS = SIGNED + UNSIGNED, ["float16", "bfloat16", "float32", "float64"]
DTYPES = BOOL + INTEGERS + FLOATS


def dtype_of(name):
    return BFLOAT16 if name == "bfloat16" else numpy.dtype(name)


def is_float(dtype):
    return dtype.kind in "fV"


def promoted(*dtypes):
    """The array API's promotion, with floats over integers; written apart from the one tested."""
    found = dtypes[0]
    for dtype in dtypes[1:]:
        if found == dtype:
            continue
        if is_float(found) != is_float(dtype):
            found = found if is_float(found) else dtype
        elif {found, dtype} == {BFLOAT16, numpy.dtype("float16")}:
            found = numpy.dtype("float32")
        else:
            found = numpy.promote_types(found, dtype)
    return found


def special_values(name):
    """Values that functions go wrong at."""
    dtype = dtype_of(name)
    if name == "bool":
        return numpy.array([True, False])
    if is_float(dtype):
        limits = ml_dtypes.finfo(dtype)
        return numpy.array([0, -0.0, 1, -1, 0.5, -0.5, 1.5, -2.5, 3.7, -7, 100, numpy.nan,
                            numpy.inf, -numpy.inf, float(limits.max), float(limits.min),
                            float(limits.tiny), float(limits.smallest_subnormal)], dtype)
    limits = numpy.iinfo(dtype)
    small = [0, 1, 2, 3, 7, 100, limits.max, limits.max - 1, limits.min, limits.min + 1]
    return numpy.array(small + ([-1, -2, -7] if limits.min else []), dtype)


def random_values(generator, name, shape):
    """Mostly plain numbers, some special ones."""
    dtype = dtype_of(name)
    count = int(numpy.prod(shape))
    if name == "bool":
        plain = generator.integers(0, 2, count).astype(bool)
    elif is_float(dtype):
        plain = (generator.standard_normal(count) * 4).astype(dtype)
    else:
        plain = generator.integers(0 if name in UNSIGNED else -20, 21, count).astype(dtype)
    special = generator.choice(special_values(name), count)
    return numpy.where(generator.random(count) < 0.1, special, plain).astype(dtype).reshape(shape)


def units_off(got, exact):
    """How far `got` is from `exact` (long doubles), in units of the last place of its dtype."""
    limits = ml_dtypes.finfo(got.dtype)
    magnitude = numpy.abs(exact)
    with numpy.errstate(all="ignore"):
        _, exponent = numpy.frexp(numpy.where(numpy.isfinite(magnitude), magnitude, 1))
        exponent = numpy.maximum(exponent - 1, int(limits.minexp))
        unit = numpy.ldexp(numpy.longdouble(1), exponent - int(limits.nmant))
        # An infinity is as far as the number that would follow the largest one.
        beyond = numpy.ldexp(numpy.longdouble(1), int(limits.maxexp))
        found = got.astype(numpy.longdouble)
        found = numpy.where(numpy.isinf(found), numpy.copysign(beyond, found), found)
        exact = numpy.where(magnitude > beyond, numpy.copysign(beyond, exact), exact)
        return numpy.where(numpy.isnan(exact), 0, numpy.abs(found - exact) / unit)


def difference(got, expected, bound, any_zero):
    """What differs, as text; None where nothing does."""
    if got.shape != expected.shape:
        return f"shape {got.shape}, expected {expected.shape}"
    if not is_float(got.dtype):
        wrong = got != expected
    else:
        exact = expected.astype(numpy.longdouble)
        values = got.astype(numpy.longdouble)
        wrong = numpy.isnan(values) != numpy.isnan(exact)
        off = units_off(got, exact)
        wrong |= off > bound
        if not any_zero:
            zeros = (values == 0) & (exact == 0)
            wrong |= zeros & (numpy.signbit(values) != numpy.signbit(exact))
    if not wrong.any():
        return None
    places = [tuple(place) for place in numpy.argwhere(wrong)[:3]]
    return f"{wrong.sum()} of {wrong.size} differ, " + ", ".join(
        f"at {list(map(int, place))} {got[place]} for {expected[place]}" for place in places)


class Batch:
    """Calls that are read together."""

    def __init__(self):
        self.calls, self.wrong, self.count = [], [], 0

    def add(self, label, call, expected, dtype=None, bound=0.0, any_zero=False):
        """`call()` has to give `expected` (an ndarray, or a list of them), of `dtype`."""
        self.count += 1
        try:
            made = call()
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{label}: {type(error).__name__}: {error}")
            return
        self.calls.append((label, made, expected, dtype, bound, any_zero))

    def refused(self, label, call, errors):
        """`call()` has to raise one of these."""
        self.count += 1
        try:
            call()
        except errors:
            return
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{label}: {type(error).__name__} where {errors} was expected")
            return
        self.wrong.append(f"{label}: was not refused")

    def _compare(self, label, made, expected, dtype, bound, any_zero):
        if isinstance(expected, (list, tuple)):
            if len(made) != len(expected):
                self.wrong.append(f"{label}: {len(made)} arrays, expected {len(expected)}")
                return
            for i, (one, other) in enumerate(zip(made, expected)):
                self._compare(f"{label}[{i}]", one, other, dtype, bound, any_zero)
            return
        expected = numpy.asarray(expected)
        if not isinstance(made, mt.Array):
            self.wrong.append(f"{label}: a {type(made).__name__}, no array")
            return
        wanted = dtype_of(dtype) if isinstance(dtype, str) else dtype or expected.dtype
        try:
            got = made.numpy()
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{label}: {type(error).__name__} when read: {error}")
            return
        if got.dtype != wanted:
            self.wrong.append(f"{label}: dtype {got.dtype}, expected {wanted}")
            return
        text = difference(got, expected, bound, any_zero)
        if text:
            self.wrong.append(f"{label}: {text}")

    def compare(self):
        """Reads all; AssertionError with what is wrong."""
        for call in self.calls:
            self._compare(*call)
        self.calls = []
        assert not self.wrong, f"{len(self.wrong)} of {self.count}:\n" + "\n".join(self.wrong)
