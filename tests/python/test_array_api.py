# SPDX-License-Identifier: Apache-2.0
"""The array API standard: every name is here or listed with a reason, and agrees with NumPy.

Takes the public names of array-api-strict, and random arrays (shapes with 0 and 1, every dtype,
special values, broadcasting). Keeps true: a name that no test compares is a failure. Element-wise
functions at special values are in test_elementwise.py, indexing is in test_indexing.py.
"""
import inspect

import array_api_strict
import hypothesis
import numpy
import pytest
from hypothesis import strategies

import mintor as mt
from array_batch import DTYPES, FLOATS, INTEGERS, Batch, dtype_of, promoted
from array_calls import CALLS, SHAPES, Draw
from mintor import dtypes, standard


def add_call(batch, name, shape, dtype, seed):
    CALLS[name](Draw(seed, shape, dtype), batch, f"{name} {dtype}{list(shape)} {seed}")


@pytest.mark.filterwarnings("ignore")
@hypothesis.settings(max_examples=20, deadline=None, derandomize=True, database=None,
                     phases=[hypothesis.Phase.generate],   # shrinking would compile for minutes
                     suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(strategies.lists(strategies.tuples(
    strategies.sampled_from(sorted(CALLS)), strategies.sampled_from(SHAPES),
    strategies.sampled_from(DTYPES), strategies.integers(0, 2 ** 32 - 1)),
    min_size=60, max_size=60))
def test_random_calls(calls):
    batch = Batch()
    with numpy.errstate(all="ignore"):
        for name, shape, dtype, seed in calls:
            add_call(batch, name, shape, dtype, seed)
        batch.compare()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_dtype(name):
    """Each function with each dtype, in shapes that change with it."""
    batch = Batch()
    with numpy.errstate(all="ignore"):
        for i, dtype in enumerate(DTYPES):
            for shape in (SHAPES[(i + 3) % len(SHAPES)], (2, 3, 4)):
                add_call(batch, name, shape, dtype, i)
        batch.compare()


@pytest.mark.parametrize("call, shape", [
    (lambda: mt.zeros(3, 0).reshape(0, 1), (0, 1)), (lambda: mt.zeros(3, 0).ravel(), (0,)),
    (lambda: mt.tile(mt.zeros(0, 3), (2, 0)), (0, 0)),
    (lambda: mt.repeat(mt.zeros(2, 3), 0, axis=1), (2, 0)),
    (lambda: mt.stack([mt.zeros(0, 3)] * 2), (2, 0, 3)),
    (lambda: mt.roll(mt.zeros(0, 3), 2, 1), (0, 3)),
    (lambda: mt.cumulative_sum(mt.zeros(0, 3), axis=0), (0, 3))])
def test_arrays_of_no_elements(call, shape):
    assert call().numpy().shape == shape


# ---- making arrays, dtypes, the namespace ----

def creation():
    """(label, call, expected) of functions that make arrays."""
    yield "arange", lambda: mt.arange(5), numpy.arange(5)
    for start, stop, step in ((0, 10, 3), (10, 0, -3), (3, 3, 1), (5, 2, 1), (-4, 5, 2)):
        yield "arange", lambda a=(start, stop, step): mt.arange(*a), numpy.arange(start, stop, step)
    yield "arange", lambda: mt.arange(0.0, 1.0, 0.25), numpy.arange(0, 1, 0.25, "float32")
    yield "linspace", lambda: mt.linspace(0, 1, 5), numpy.linspace(0, 1, 5, dtype="float32")
    yield "linspace", lambda: mt.linspace(0, 1, 4, endpoint=False, dtype=mt.float64), \
        numpy.linspace(0, 1, 4, endpoint=False)
    for rows, columns, k in ((3, None, 0), (2, 4, 1), (4, 2, -1), (0, 3, 0)):
        yield "eye", lambda a=(rows, columns, k): mt.eye(a[0], a[1], k=a[2]), \
            numpy.eye(rows, columns, k, "float32")
    for shape in ((), 3, (2, 3), (0, 2)):
        yield "zeros", lambda s=shape: mt.zeros(s), numpy.zeros(shape, "float32")
        yield "ones", lambda s=shape: mt.ones(s), numpy.ones(shape, "float32")
        yield "full", lambda s=shape: mt.full(s, 7), numpy.full(shape, 7)
        yield "full", lambda s=shape: mt.full(s, 2.5), numpy.full(shape, 2.5, "float32")
        yield "full", lambda s=shape: mt.full(s, True), numpy.full(shape, True)
        yield "empty", lambda s=shape: mt.empty(s) * 0, numpy.zeros(shape, "float32")
    for dtype in DTYPES:
        name = dtype_of(dtype)
        x = numpy.ones((2, 3), name)
        yield "zeros", lambda d=dtype: mt.zeros((2, 3), dtype=d), numpy.zeros((2, 3), name)
        yield "ones", lambda d=dtype: mt.ones((2, 3), dtype=d), x
        yield "full", lambda d=dtype: mt.full((2, 3), 1, dtype=d), x
        yield "zeros_like", lambda x=x: mt.zeros_like(x), numpy.zeros_like(x)
        yield "ones_like", lambda x=x: mt.ones_like(x), numpy.ones_like(x)
        yield "full_like", lambda x=x: mt.full_like(x, 1), x
        yield "empty_like", lambda x=x: mt.empty_like(x) == 0, numpy.ones((2, 3), bool)
        yield "asarray", lambda d=dtype: mt.asarray([[1, 0, 1]], dtype=d), \
            numpy.array([[1, 0, 1]], name)
        yield "astype", lambda d=dtype: mt.astype(mt.ones((2, 3)), d), x
    yield "from_dlpack", lambda: mt.from_dlpack(numpy.arange(3.0)), numpy.arange(3.0)


def test_making_arrays():
    batch = Batch()
    for label, call, expected in creation():
        batch.add(label, call, expected)
    for label, call in (("full", lambda: mt.full((-1,), 0)),
                        ("zeros", lambda: mt.zeros(2, device="x")),
                        ("arange", lambda: mt.arange(0, 3, 0)),
                        ("asarray", lambda: mt.asarray([1], copy=False))):
        batch.refused(label, call, ValueError)
    batch.compare()


def test_dtypes():
    for name in DTYPES:
        dtype = dtype_of(name)
        assert dtypes.as_numpy(name) == dtype and getattr(mt, name) == dtype
        assert dtype == mt.zeros(1, dtype=name).dtype and mt.isdtype(dtype, dtype)
        assert mt.isdtype(dtype, "integral") == (name in INTEGERS)
        assert mt.isdtype(dtype, ("real floating", "bool")) == (name in FLOATS + ["bool"])
        for other in DTYPES:
            assert mt.result_type(dtype, other) == promoted(dtype, dtype_of(other))
            assert mt.can_cast(dtype, other) == numpy.can_cast(dtype, dtype_of(other))
    with pytest.raises(ValueError):
        mt.isdtype("float32", "no kind")
    for name in INTEGERS:
        assert mt.iinfo(name).max == numpy.iinfo(name).max and mt.iinfo(name).bits % 8 == 0
    for name in ("float16", "float32", "float64"):
        for field in "bits eps max min smallest_normal".split():
            assert getattr(mt.finfo(name), field) == getattr(numpy.finfo(name), field)
    assert mt.finfo("bfloat16").eps == 2 ** -7
    assert mt.float32([1, 2]).dtype == mt.float32 and mt.result_type(1.5, mt.int8) == mt.float32


def test_constants_and_namespace():
    for name in ("e", "inf", "pi", "newaxis"):
        assert getattr(mt, name) == getattr(numpy, name)
    assert mt.nan != mt.nan
    assert mt.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    with pytest.raises(ValueError):
        mt.broadcast_shapes((2,), (3,))
    info = mt.__array_namespace_info__()
    assert info.default_device() == "cpu" and info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] == mt.float32
    assert set(info.dtypes(kind="signed integer")) == {"int8", "int16", "int32", "int64"}
    assert "float32" in info.dtypes() and info.capabilities()["boolean indexing"]
    x = mt.ones((2, 3))
    assert x.__array_namespace__() is mt and x.__array_namespace__(api_version="2024.12") is mt
    with pytest.raises(ValueError):
        x.__array_namespace__(api_version="1999.01")
    assert x.to_device("cpu") is x and x.device == "cpu"
    with pytest.raises(ValueError):
        x.to_device("gpu")


OTHERS = """fft linalg __array_api_version__ e inf nan pi newaxis broadcast_shapes can_cast finfo
iinfo isdtype result_type bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
__array_namespace_info__ __version__""".split()


def names_compared():
    """Names that some test of this folder compares."""
    import test_elementwise as elementwise  # pylint: disable=import-outside-toplevel
    found = set(CALLS) | set(OTHERS) | {label for label, _, _ in creation()}
    for table in (elementwise.TRANSCENDENTAL, elementwise.KEEPS_DTYPE, elementwise.TESTS,
                  elementwise.BINARY, elementwise.COMPARISONS, elementwise.BITS,
                  elementwise.SHIFTS, elementwise.LOGIC):
        found |= set(table)
    source = inspect.getsource(elementwise)
    return found | {name for name in "sqrt reciprocal round conj real imag sign negative clip pow "
                    "bitwise_invert logical_not divide copysign hypot atan2 logaddexp nextafter "
                    "floor_divide".split() if f'"{name}' in source}


def test_every_name_is_here_or_has_a_reason():
    wanted = set(array_api_strict.__all__)
    assert not wanted - set(dir(mt)) - set(standard.MISSING)
    assert not set(standard.MISSING) & set(dir(mt)) and not set(standard.MISSING) - wanted
    assert all(standard.MISSING.values())
    assert not wanted - names_compared() - set(standard.MISSING)
    for module, missing in (("linalg", standard.MISSING_LINALG), ("fft", standard.MISSING_FFT)):
        names = set(getattr(array_api_strict, module).__all__)
        here = set(dir(getattr(mt, module)))
        assert not names - here - set(missing) and not set(missing) & here


def test_every_member_of_an_array_is_here():
    theirs = {"__complex__", "__slots__", "__weakref__", "__annotations__"}
    members = {name for name in dir(type(array_api_strict.asarray(1)))
               if not name.startswith("_") or name.startswith("__")} - theirs
    # The buffer protocol is a slot of the type before Python 3.12.
    assert not members - set(dir(mt.Array)) - {"__buffer__"}
