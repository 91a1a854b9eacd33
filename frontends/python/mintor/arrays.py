# SPDX-License-Identifier: Apache-2.0
"""Arrays: how they are made, read and assigned to.

Takes NumPy arrays, nested lists, numbers, PyTorch tensors and whatever has `__array__` or
`__dlpack__`; gives `Array`, the type of the native half, to which the methods of this package are
added by mintor/methods.py. Keeps true: what is given is copied; defaults are float32 for Python's
floats, int64 for its integers; an ndarray keeps its dtype.
"""
import numpy

from mintor import _mintor
from mintor import dtypes

Array = _mintor.Array


def _numpy_of(value):
    """`value` as an ndarray, with the default dtypes for what has none."""
    if isinstance(value, numpy.ndarray):
        return value
    if isinstance(value, numpy.generic):
        return numpy.asarray(value)
    module = type(value).__module__.split(".")[0]
    if module == "torch":
        from mintor.convert import own_array  # pylint: disable=import-outside-toplevel
        return own_array(value.detach().cpu(), "the tensor")
    if isinstance(value, (list, tuple)) and _holds_arrays(value):
        return numpy.array([_numpy_of(item) for item in value])
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return numpy.from_dlpack(value)
    made = numpy.asarray(value)
    if isinstance(value, (list, tuple, int, float, bool)) and made.dtype == numpy.float64:
        if not _holds_numpy(value):
            made = made.astype(numpy.float32)
    return made


def _holds_arrays(items):
    return any(isinstance(item, Array) or
               isinstance(item, (list, tuple)) and _holds_arrays(item) for item in items)


def _holds_numpy(value):
    if isinstance(value, (list, tuple)):
        return any(_holds_numpy(item) for item in value)
    return isinstance(value, (numpy.ndarray, numpy.float64))


def array(value, dtype=None, requires_grad=False):
    """An array with a copy of `value`'s elements.

    `value`: an ndarray, a nested list, a number, an Array, a PyTorch tensor. `dtype`: any
    spelling; without it that of `value`, float32 for Python floats and int64 for integers.

    >>> import mintor as mt
    >>> mt.array([1.0, 2.0]).dtype
    dtype('float32')
    """
    if isinstance(value, Array):
        made = value if dtype is None else cast(value, dtype)
        made = _mintor.alias(made, Array)
    else:
        given = _numpy_of(value)
        if dtype is not None:
            wanted = dtypes.as_numpy(dtype)
            given = given if given.dtype == wanted else given.astype(wanted)
        made = _mintor.from_numpy(given, Array)
    if requires_grad:
        made.requires_grad = True
    return made


asarray = tensor = array


def _convert(value):
    """What the native half calls for an operand that is neither an array nor a number."""
    if isinstance(value, numpy.float64):
        return array(float(value))
    try:
        given = _numpy_of(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"expected an array or a number, got {value!r}") from error
    if given.dtype == object:
        raise TypeError(f"expected an array or a number, got {value!r}")
    return _mintor.from_numpy(given, Array)


_mintor.set_convert(_convert)
_cast = _mintor.find_operator("cast")
_full = _mintor.find_operator("full")
_arange = _mintor.find_operator("arange")


def cast(x, dtype):
    """`x` with another dtype; itself when it has it already."""
    wanted = dtypes.as_numpy(dtype)
    if isinstance(x, Array) and x.dtype == wanted:
        return x
    return _cast(x, dtypes.short_name(wanted))


def shape_of(shape):
    """A shape given as one integer, several, or a tuple of them."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple(int(size) for size in shape)


def full(shape, value, dtype=None):
    """An array of that shape with one value everywhere."""
    if not isinstance(shape, (tuple, list)):
        shape = (shape,)
    if not isinstance(value, Array):
        value = array(value, dtype)
    elif dtype is not None:
        value = cast(value, dtype)
    return _full(value, shape_of((shape,)))


def zeros(*shape, dtype=None):
    """Zeros; float32 by default."""
    return full(shape_of(shape), 0, dtype or dtypes.float32)


def ones(*shape, dtype=None):
    """Ones; float32 by default."""
    return full(shape_of(shape), 1, dtype or dtypes.float32)


def empty(*shape, dtype=None):
    """As zeros: there is no array without values."""
    return zeros(*shape, dtype=dtype)


def zeros_like(x, dtype=None):
    x = as_array(x)
    return full(x.shape, 0, dtype or x.dtype)


def ones_like(x, dtype=None):
    x = as_array(x)
    return full(x.shape, 1, dtype or x.dtype)


def empty_like(x, dtype=None):
    return zeros_like(x, dtype)


def full_like(x, value, dtype=None):
    x = as_array(x)
    return full(x.shape, value, dtype or x.dtype)


def arange(start, stop=None, step=1, dtype=None):
    """start, start + step, ... before stop; int64 for integers, float32 otherwise."""
    if stop is None:
        start, stop = 0, start
    whole = all(isinstance(item, (int, numpy.integer)) for item in (start, stop, step))
    if not whole:
        return array(numpy.arange(start, stop, step), dtype or dtypes.float32)
    count = max(0, -((start - stop) // step))
    return _arange(dtypes.short_name(dtype or dtypes.int64), int(start), count, int(step))


def linspace(start, stop, num=50, dtype=None, endpoint=True):
    """`num` equally spaced values from start to stop."""
    return array(numpy.linspace(start, stop, num, endpoint=endpoint), dtype or dtypes.float32)


def eye(rows, columns=None, k=0, dtype=None):
    """Ones on the k-th diagonal."""
    return array(numpy.eye(rows, columns, k=k), dtype or dtypes.float32)


def as_array(value):
    """`value` itself when it is an Array."""
    return value if isinstance(value, Array) else array(value)
