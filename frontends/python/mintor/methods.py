# SPDX-License-Identifier: Apache-2.0
"""Methods of Array: the functions of mintor/functions.py, reading, and assignment in place.

Keeps true: `a.name(...)` is `mt.name(a, ...)`; what NumPy and PyTorch spell differently is there
under both names. `a.name_(...)` gives the array itself the result.
"""
import numpy

from mintor import _mintor
from mintor import arrays
from mintor import autograd
from mintor import dtypes
from mintor import functions
from mintor import gradients
from mintor import indexing

Array = arrays.Array

_NAMES = """
abs absolute acos acosh add addcdiv addcmul addmm all allclose amax amin any arccos arccosh arcsin
arcsinh arctan arctan2 arctanh argmax argmin argsort argwhere asin asinh atan atan2 atanh bincount
bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm
broadcast_to ceil chunk clamp clip compress conj copysign cos cosh count_nonzero cross cummax
cummin cumprod cumsum deg2rad detach diag diagonal diff div divide dot eq erf exp exp2 expand
expand_as expm1 fabs flatten flip fliplr flipud floor floor_divide fmax fmin fmod gather ge
greater greater_equal gt hypot index_add index_select inner isclose isfinite isin isinf isnan
kthvalue le lerp less less_equal log log10 log1p log2 log_softmax logaddexp logical_and
logical_not logical_or logical_xor logsumexp lt masked_fill masked_select matmul maximum mean
median minimum mm moveaxis movedim mul multiply mv nan_to_num nanmean nansum narrow ne neg
negative nonzero norm not_equal outer permute pow prod ptp quantile rad2deg ravel reciprocal relu
remainder repeat_interleave reshape reshape_as roll rot90 round rsqrt scatter scatter_add
searchsorted select sigmoid sign signbit silu sin sinc sinh softmax sort split sqrt square squeeze
std sub subtract sum swapaxes swapdims t take take_along_axis tan tanh tensordot tile topk trace
transpose tril triu true_divide trunc unbind unflatten unfold unique unsqueeze unstack var view_as
""".split()
# In place: `x.name_(...)`.
_IN_PLACE = """
abs acos add addcdiv addcmul asin atan bitwise_and bitwise_or bitwise_xor ceil clamp clip copysign
cos cosh cumprod cumsum div divide exp exp2 expm1 floor floor_divide fmod index_add lerp log log10
log1p log2 masked_fill mul multiply nan_to_num neg negative pow reciprocal relu remainder round
rsqrt scatter scatter_add sigmoid sign sin sinh sqrt square sub subtract tan tanh tril triu trunc
""".split()


def _method(function):
    def method(self, *arguments, **options):
        if options:                                  # as NumPy's functions call methods
            for name in ("out", "dtype"):
                if options.get(name, 0) is None:
                    del options[name]
        return function(self, *arguments, **options)
    method.__name__ = getattr(function, "__name__", "method")
    method.__doc__ = function.__doc__
    return method


def _in_place(function):
    def method(self, *arguments, **options):
        made = function(self, *arguments, **options)
        if made.shape != self.shape:
            raise ValueError("an operation in place does not change the array's shape")
        _mintor.assign(self, arrays.cast(made, self.dtype))
        return self
    method.__doc__ = f"{function.__doc__}\n\nIn place: the array gets the result, in its dtype. " \
        "ValueError where that has another shape."
    return method


def _scaled(function):
    """function(x, alpha * other), as PyTorch's add and sub have it."""
    def scaled(x, other, *, alpha=1):
        return function(x, other if isinstance(alpha, int) and alpha == 1 else
                        functions.multiply(other, alpha))
    scaled.__doc__ = "Of x and alpha * other."
    return scaled


class _Size(int):
    """An integer that may be called: x.size the count, x.size() the shape, x.size(0) one size."""

    def __new__(cls, array):
        made = super().__new__(cls, array._count)
        made._shape = array.shape
        return made

    def __call__(self, dim=None):
        return self._shape if dim is None else self._shape[dim]


def _extreme(name, place):
    reduction = getattr(functions, name)

    def method(self, axis=None, keepdims=False, *, dim=None, keepdim=False, return_indices=False):
        axis = dim if axis is None else axis
        values = reduction(self, axis, keepdims or keepdim)
        if not return_indices:
            return values
        return values, place(self, axis, keepdims or keepdim)
    method.__doc__ = reduction.__doc__
    return _method(method)


def _repeat(self, *repeats, axis=None):
    """mt.repeat(x, repeats, axis): repeats elements. TypeError for several counts."""
    if len(repeats) != 1:
        raise TypeError("repeat repeats elements and takes one count; use tile for the whole array")
    return functions.repeat(self, repeats[0], axis)


def _item(self, *index):
    """The one element, or that at an index, as a Python number. ValueError for several."""
    return _mintor.item(self[index] if index else self)


def _set_item(self, index, value):
    if isinstance(index, Array) and index.dtype == bool and index.shape == self.shape:
        given = indexing.typed(value, self)
        if given.ndim == 0:
            made = functions.where(index, given, self)
            _mintor.assign(self, made)
            return
    _mintor.assign(self, indexing.put(self, index, value))


def _view(self, *shape):
    """Another shape (PyTorch's). TypeError for a dtype: nothing is converted."""
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list)):
        raise TypeError("view takes a shape; use astype for another dtype")
    return functions.reshape(self, *shape)


def _iterate(self):
    if self.ndim == 0:
        raise TypeError("an array without dimensions cannot be iterated over")
    return (self[i] for i in range(self.shape[0]))


def _set_data(self, value):
    _mintor.assign(self, arrays.array(value, dtype=self.dtype))


def _repr(self):
    name = "mintor.array" if type(self) is Array else type(self).__name__
    if _mintor.is_placeholder(self):
        return f"<{name} of {self.dtype.name}{list(self.shape)}, not known>"
    text = numpy.array2string(self.numpy(), separator=", ", prefix=f"{name}(")
    gradient = "" if self.requires_grad == (name == "Parameter") else \
        f", requires_grad={self.requires_grad}"
    return f"{name}({text}, dtype={self.dtype.name}{gradient})"


def _as_ndarray(self, dtype=None, copy=None):
    if copy is False:
        raise ValueError("an Array is always copied into an ndarray")
    values = _mintor.numpy(self)
    return values if dtype is None else values.astype(dtype)


def _ufunc(self, ufunc, method, *inputs, out=None, **options):
    """NumPy's functions of arrays give arrays: np.sin(x), ndarray * x; with `out`, ndarrays."""
    if out is not None:
        given = [item.numpy() if isinstance(item, Array) else item for item in inputs]
        return getattr(ufunc, method)(*given, out=out, **options)
    function = getattr(functions, ufunc.__name__, None)
    if method != "__call__" or function is None or options:
        return NotImplemented
    return function(*inputs)


def _requires_grad(self, requires_grad=True):
    """Whether optimizers and backward() take it as a parameter; the array itself."""
    self.requires_grad = requires_grad
    return self


def _to_device(self, device, *, stream=None):
    """This array; ValueError for any device but "cpu"."""
    del stream
    arrays.check_device(device)
    return self


def _namespace(self, *, api_version=None):
    """The package, as the array API standard's namespace."""
    del self
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        raise ValueError(f"there is no version {api_version!r} of the array API here")
    import mintor  # pylint: disable=import-outside-toplevel
    return mintor


def _type(self, dtype=None):
    """The dtype; with one, the array in it."""
    return self.dtype if dtype is None else arrays.cast(self, dtype)


def _to(self, *arguments, dtype=None, device=None, copy=False, **_):
    """With another dtype; "cpu" is the only device. PyTorch's, of another array: with its dtype."""
    dtype = arrays.dtype_for_to(arguments, dtype, device)
    made = self if dtype is None else arrays.cast(self, dtype)
    return _mintor.alias(made, Array) if copy and made is self else made


def _assign(self, value):
    """Gives this array the value of another one, with its own shape and dtype."""
    value = arrays.cast(arrays.as_array(value), self.dtype)
    _mintor.assign(self, value if value.shape == self.shape else
                   functions.broadcast_to(value, self.shape))
    return self


# What members that are one expression do.
_TEXTS = {
    "numpy": "The elements as an ndarray, a copy; reads the array.",
    "tolist": "The elements as nested lists of Python numbers; reads the array.",
    "tobytes": "The elements as bytes in C's order; reads the array.",
    "float": "In float32.", "double": "In float64.", "half": "In float16.",
    "bfloat16": "In bfloat16.", "long": "In int64.", "int": "In int32.", "short": "In int16.",
    "bool": "Whether elements are not 0.",
    "clone": "An array of its own with the same value.",
    "copy": "An array of its own with the same value.",
    "contiguous": "The array itself: how it lies in memory is not seen.",
    "cpu": "The array itself: there is no other device.",
    "dim": "The number of dimensions.", "numel": "The number of elements.",
    "nelement": "The number of elements.", "element_size": "Bytes of an element.",
    "zero_": "Gives the array the value 0.",
    "retain_grad": "requires_grad_(): backward() keeps its gradient.",
    "type_as": "In the dtype of another array.",
    "is_floating_point": "Whether its dtype is one of floats.",
    "new_zeros": "Zeros of that shape, in the dtype of this array.",
    "new_ones": "Ones of that shape, in the dtype of this array.",
    "new_full": "One value in that shape, in the dtype of this array.",
    "new_tensor": "An array of a value, in the dtype of this array.",
}


def _new(cls, value=0, dtype=None):
    return arrays.array(value, dtype) if cls is Array else NotImplemented


def install():
    """Puts all of it onto the type; called once, when the package is imported."""
    for name in _NAMES:
        setattr(Array, name, _method(getattr(functions, name)))
    for name in _IN_PLACE:
        setattr(Array, name + "_", _in_place(getattr(functions, name)))
    for names, function in ((("add",), functions.add), (("sub", "subtract"), functions.subtract)):
        for name in names:
            setattr(Array, name, _method(_scaled(function)))
            setattr(Array, name + "_", _in_place(_scaled(function)))
    members = {
        "max": _extreme("max", functions.argmax), "min": _extreme("min", functions.argmin),
        "repeat": _repeat, "item": _item, "numpy": lambda self: _mintor.numpy(self),
        "tolist": lambda self: _mintor.numpy(self).tolist(),
        "tobytes": lambda self: _mintor.numpy(self).tobytes(), "view": _view,
        "astype": arrays.astype, "type": _type, "to": _to, "cast": arrays.cast,
        "float": lambda self: arrays.cast(self, dtypes.float32),
        "double": lambda self: arrays.cast(self, dtypes.float64),
        "half": lambda self: arrays.cast(self, dtypes.float16),
        "bfloat16": lambda self: arrays.cast(self, dtypes.bfloat16),
        "long": lambda self: arrays.cast(self, dtypes.int64),
        "int": lambda self: arrays.cast(self, dtypes.int32),
        "bool": lambda self: arrays.cast(self, dtypes.bool_),
        "clone": lambda self: _mintor.alias(self, Array),
        "copy": lambda self: _mintor.alias(self, Array),
        "contiguous": lambda self: self, "cpu": lambda self: self, "dim": lambda self: self.ndim,
        "numel": lambda self: self._count, "assign": _assign, "copy_": _assign,
        "zero_": lambda self: _assign(self, 0), "fill_": _assign,
        "backward": gradients.backward, "register_hook": autograd.register_hook,
        "retain_grad": lambda self: self.requires_grad_() and None,
        "__getitem__": indexing.get, "__setitem__": _set_item,
        "__iter__": _iterate,
        "__repr__": _repr, "__array__": _as_ndarray, "__array_priority__": 1000,
        "__array_ufunc__": _ufunc, "__array_namespace__": _namespace, "to_device": _to_device,
        "requires_grad_": _requires_grad,
        "type_as": lambda self, other: arrays.cast(self, other.dtype),
        "is_floating_point": lambda self: self.dtype.kind in "fV",
        "element_size": lambda self: self.dtype.itemsize, "nelement": lambda self: self._count,
        "new_zeros": lambda self, *shape: arrays.zeros(*shape, dtype=self.dtype),
        "new_ones": lambda self, *shape: arrays.ones(*shape, dtype=self.dtype),
        "new_full": lambda self, shape, value: arrays.full(shape, value, self.dtype),
        "new_tensor": lambda self, value: arrays.array(value, self.dtype),
        "__divmod__": functions.divmod, "__rdivmod__": lambda self, x: functions.divmod(x, self),
        "__round__": lambda self, decimals=0: functions.round(self, decimals),
        "short": lambda self: arrays.cast(self, dtypes.int16),
        "__contains__": lambda self, value: bool(functions.any(self == value)),
        "__format__": lambda self, spec: format(self.item(), spec) if spec else str(self),
        "__str__": lambda self: repr(self) if _mintor.is_placeholder(self) else str(self.numpy()),
        "__dlpack__": lambda self, **options: _mintor.numpy(self).__dlpack__(**options),
        "__dlpack_device__": lambda self: (1, 0),
        "__deepcopy__": lambda self, memo: arrays.array(self, requires_grad=self.requires_grad),
        "__reduce__": lambda self: (arrays.array, (self.numpy(), None, self.requires_grad)),
    }
    for name, text in _TEXTS.items():
        members[name].__name__, members[name].__doc__ = name, text
    for name, member in members.items():
        setattr(Array, name, member)
    Array.size = property(_Size)
    Array.T = property(functions.transpose)
    Array.mT = property(functions.matrix_transpose)
    Array.data = property(lambda self: _mintor.numpy(self), _set_data, doc="The elements as an "
                          "ndarray; assigned, the array's value.")
    Array.itemsize = property(lambda self: self.dtype.itemsize, doc="Bytes of an element.")
    Array.nbytes = property(lambda self: self._count * self.dtype.itemsize, doc="Bytes of all.")
    Array.device = property(lambda self: "cpu", doc="\"cpu\".")
