# SPDX-License-Identifier: Apache-2.0
"""Arrays: how they are made, read and assigned to.

Takes NumPy arrays, nested lists, numbers, PyTorch tensors and whatever has `__array__` or
`__dlpack__`; gives `Array`, the type of the native half, to which the methods of this package are
added by mintor/methods.py. Keeps true: what is given is copied; defaults are float32 for Python's
floats, int64 for its integers; an ndarray keeps its dtype; arrays in a list stay part of what is
traced.
"""
import numpy

from mintor import _mintor
from mintor import dtypes

Array = _mintor.Array


def _numpy_of(value, dtype=None):
    """`value` as an ndarray, of that dtype, or with the default dtypes for what has none."""
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        made = numpy.asarray(value)
        return made if dtype is None or made.dtype == dtype else made.astype(dtype)
    if type(value).__module__.split(".")[0] == "torch":
        from mintor.convert import own_array  # pylint: disable=import-outside-toplevel
        made = own_array(value.detach().cpu(), "the tensor")
        return made if dtype is None else made.astype(dtype)
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        made = numpy.from_dlpack(value)
        return made if dtype is None else made.astype(dtype)
    if dtype is not None:
        return numpy.array(value, dtype)
    made = numpy.asarray(value)
    if isinstance(value, (list, tuple, float)) and made.dtype == numpy.float64:
        if not holds(value, (numpy.ndarray, numpy.float64)):
            made = made.astype(numpy.float32)
    return made


def holds(value, types):
    """Whether a value, or an item of a nested list, is of one of the types."""
    if isinstance(value, (list, tuple)):
        return any(holds(item, types) for item in value)
    return isinstance(value, types)


def _stacked(items):
    """A nested list that holds arrays, which stay part of what is traced."""
    numbers = [isinstance(item, (bool, int, float)) for item in items]
    made = [item if number else _stacked(item) if holds(item, Array) and not isinstance(item, Array)
            else array(item) for item, number in zip(items, numbers)]
    dtype = dtypes.result_type(*made)
    return _stack([array(item, dtype) for item in made], 0)


def array(value, dtype=None, requires_grad=False, *, copy=None, device=None):
    """An array with a copy of `value`'s elements.

    `value`: an ndarray, a nested list, a number, an Array, a PyTorch tensor, what has __array__ or
    __dlpack__. `dtype`: any spelling; without it that of `value`, float32 for Python floats and
    int64 for integers. TypeError for what is no array of numbers.

    >>> import mintor as mt
    >>> mt.array([1.0, 2.0]).dtype
    dtype('float32')
    """
    check_device(device)
    del copy
    if isinstance(value, (list, tuple)) and holds(value, Array):
        value = _stacked(value)
    if isinstance(value, Array):
        made = value if dtype is None else cast(value, dtype)
        made = _mintor.alias(made, Array)
    else:
        wanted = None if dtype is None else dtypes.as_numpy(dtype)
        made = _mintor.from_numpy(_numpy_of(value, wanted), Array)
    if requires_grad:
        made.requires_grad = True
    return made


tensor = array


def asarray(value, dtype=None, *, copy=None, device=None):
    """As array; an Array of that dtype is given back itself, unless copy is true.

    ValueError where copy is False and one cannot be avoided.
    """
    check_device(device)
    if isinstance(value, Array) and copy is not True:
        made = value if dtype is None else cast(value, dtype)
        if copy is False and made is not value:
            raise ValueError("asarray: another dtype needs a copy")
        return made
    if copy is False:
        raise ValueError("asarray: what is no Array is always copied")
    return array(value, dtype)


def from_dlpack(value, *, device=None, copy=None):
    """An array with a copy of the elements of what has __dlpack__. ValueError where copy is False.
    """
    check_device(device)
    if copy is False:
        raise ValueError("from_dlpack: what is no Array is always copied")
    if isinstance(value, Array):
        return array(value)
    if type(value).__module__.split(".")[0] == "torch":
        return array(value)
    return array(numpy.from_dlpack(value))


def frombuffer(buffer, dtype="float32", count=-1, offset=0):
    """A vector of the bytes of a buffer, copied."""
    return array(numpy.frombuffer(buffer, dtypes.as_numpy(dtype), count, offset))


def check_device(device):
    """ValueError for a device that arrays cannot be on."""
    if device not in (None, "cpu") and str(device) != "cpu":
        raise ValueError(f"there is no device {device!r}: arrays are on 'cpu'")


def dtype_for_to(arguments, dtype, device):
    """The dtype that arguments of `.to` name, None without one; "cpu" is the only device."""
    for argument in arguments:
        if isinstance(argument, Array):
            dtype = argument.dtype
        elif isinstance(argument, str) and argument.split(":")[0] in ("cpu", "cuda", "mps"):
            device = argument
        else:
            dtype = argument
    check_device(device)
    return dtype


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
_stack = _mintor.find_operator("stack")


def cast(x, dtype):
    """`x` with another dtype; itself when it has it already."""
    wanted = dtypes.as_numpy(dtype)
    if isinstance(x, Array) and x.dtype == wanted:
        return x
    return _cast(x, dtypes.short_name(wanted))


def astype(x, dtype, *, copy=True, device=None):
    """`x` with another dtype: floats to integers truncate, to bool is x != 0.

    A new array, or x itself where copy is false and it has the dtype.
    """
    check_device(device)
    made = cast(x, dtype)
    return _mintor.alias(made, Array) if made is x and copy else made


def shape_of(shape):
    """A shape given as one integer, several, or a tuple of them."""
    if len(shape) == 1 and not hasattr(shape[0], "__index__"):
        shape = shape[0]
    return tuple(size.__index__() for size in shape)


def _new_shape(shape):
    found = shape_of(shape)
    if any(size < 0 for size in found):
        raise ValueError(f"a shape cannot have negative sizes: {found}")
    return found


def full(shape, fill_value, dtype=None, *, device=None):
    """An array of that shape with one value everywhere; its dtype is that of the value."""
    check_device(device)
    if not isinstance(fill_value, Array):
        fill_value = array(fill_value, dtype)
    elif dtype is not None:
        fill_value = cast(fill_value, dtype)
    return _full(fill_value, _new_shape((shape,)))


def zeros(*shape, dtype=None, device=None):
    """Zeros; float32 by default."""
    return full(shape_of(shape), 0, dtype or dtypes.float32, device=device)


def ones(*shape, dtype=None, device=None):
    """Ones; float32 by default."""
    return full(shape_of(shape), 1, dtype or dtypes.float32, device=device)


def empty(*shape, dtype=None, device=None):
    """As zeros: there is no array without values."""
    return zeros(*shape, dtype=dtype, device=device)


def full_like(x, fill_value, dtype=None, *, device=None):
    """One value everywhere, in the shape and dtype of x."""
    x = as_array(x)
    return full(x.shape, fill_value, dtype or x.dtype, device=device)


def zeros_like(x, dtype=None, *, device=None):
    """Zeros in the shape and dtype of x."""
    return full_like(x, 0, dtype, device=device)


def ones_like(x, dtype=None, *, device=None):
    """Ones in the shape and dtype of x."""
    return full_like(x, 1, dtype, device=device)


def empty_like(x, dtype=None, *, device=None):
    """As zeros_like: there is no array without values."""
    return zeros_like(x, dtype, device=device)


def arange(start, stop=None, step=1, dtype=None, *, device=None):
    """start, start + step, ... before stop; int64 for integers, float32 otherwise. ValueError where
    the step is 0.
    """
    check_device(device)
    if stop is None:
        start, stop = 0, start
    if not all(hasattr(item, "__index__") for item in (start, stop, step)):
        return array(numpy.arange(start, stop, step), dtype or dtypes.float32)
    start, stop, step = (item.__index__() for item in (start, stop, step))
    if step == 0:
        raise ValueError("arange: the step is 0")
    return _arange(dtypes.short_name(dtype or dtypes.int64), start, len(range(start, stop, step)),
                   step)


def linspace(start, stop, num=50, dtype=None, endpoint=True, *, device=None):
    """`num` equally spaced values from start to stop; float32 by default."""
    check_device(device)
    return array(numpy.linspace(start, stop, num, endpoint=endpoint), dtype or dtypes.float32)


def logspace(start, stop, num=50, base=10.0, dtype=None, endpoint=True):
    """base to the power of `num` equally spaced values; float32 by default."""
    return array(numpy.logspace(start, stop, num, endpoint, base), dtype or dtypes.float32)


def geomspace(start, stop, num=50, dtype=None, endpoint=True):
    """`num` values from start to stop, each the same multiple of the one before."""
    return array(numpy.geomspace(start, stop, num, endpoint), dtype or dtypes.float32)


def eye(n_rows, n_cols=None, /, k=0, dtype=None, *, device=None):
    """Ones on the k-th diagonal; float32 by default."""
    check_device(device)
    return array(numpy.eye(n_rows, n_cols, k=k), dtype or dtypes.float32)


def identity(n, dtype=None):
    """Ones on the diagonal of a square matrix."""
    return eye(n, dtype=dtype)


def tri(n, m=None, k=0, dtype=None):
    """Ones up to the k-th diagonal."""
    return array(numpy.tri(n, m, k), dtype or dtypes.float32)


def indices(dimensions):
    """The place of each element along each dimension, stacked; int64."""
    return array(numpy.indices(dimensions))


def as_array(value):
    """`value` itself when it is an Array."""
    return value if isinstance(value, Array) else array(value)
