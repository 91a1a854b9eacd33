# SPDX-License-Identifier: Apache-2.0
"""Dtypes: NumPy's, with callable names that also make arrays (`mt.float32(x)`).

Takes a dtype in any spelling ("float32", mt.float32, numpy.float32, a NumPy dtype); gives a NumPy
dtype. bfloat16 is that of ml_dtypes.
"""
import functools

import numpy

from mintor._mintor import CompileError

# The names of the compiler, by NumPy's.
SHORT_NAMES = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16",
               "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
               "uint16": "u16", "uint32": "u32", "uint64": "u64", "bool": "bool"}
_ALIASES = {float: "float32", int: "int64", bool: "bool", "float": "float32", "double": "float64",
            "half": "float16", "int": "int64", "long": "int64"}


class DType:
    """A dtype by name. Called, it makes an array of that dtype: mt.float32([1, 2])."""

    def __init__(self, name):
        self.name = name
        self.__name__ = name

    def __call__(self, value=0):
        from mintor import arrays  # pylint: disable=import-outside-toplevel
        return arrays.array(value, dtype=self)

    @property
    def dtype(self):
        return _numpy_dtype(self.name)

    def __eq__(self, other):
        if isinstance(other, DType):
            return self.name == other.name
        try:
            return self.dtype == numpy.dtype(other)
        except TypeError:
            return NotImplemented

    def __hash__(self):
        return hash(self.dtype)

    def __repr__(self):
        return f"mintor.{self.name}"


@functools.lru_cache(maxsize=None)
def _numpy_dtype(name):
    if name == "bfloat16":
        import ml_dtypes  # pylint: disable=import-outside-toplevel
        return numpy.dtype(ml_dtypes.bfloat16)
    return numpy.dtype(name)


def as_numpy(dtype):
    """The NumPy dtype of any spelling; TypeError for what no array can have."""
    if isinstance(dtype, numpy.dtype):
        return dtype
    if isinstance(dtype, DType):
        return dtype.dtype
    name = _ALIASES.get(dtype, dtype) if isinstance(dtype, (str, type)) else dtype
    if isinstance(name, str) and name in SHORT_NAMES:
        return _numpy_dtype(name)
    text = str(name)
    if text.startswith("torch."):
        return as_numpy(text.removeprefix("torch."))
    try:
        return numpy.dtype(name)
    except TypeError as error:
        raise TypeError(f"{dtype!r} is no dtype") from error


def short_name(dtype):
    """What the compiler calls it: "f32"."""
    found = SHORT_NAMES.get(as_numpy(dtype).name)
    if found is None:
        raise CompileError(f"error: dtype: an array cannot have the dtype {dtype}")
    return found


_KINDS = {
    "bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu",
    "real floating": "fV", "complex floating": "", "numeric": "iufV",
}


def _rank(dtype):
    """Which kind wins: bool, integers, floating-point numbers."""
    return 0 if dtype.kind == "b" else 1 if dtype.kind in "iu" else 2


def promote(a, b):
    """The dtype of a result of these two; the same rule as in trace/operator.h."""
    a, b = as_numpy(a), as_numpy(b)
    if a == b:
        return a
    if _rank(a) != _rank(b):
        return a if _rank(a) > _rank(b) else b
    if a.itemsize == b.itemsize == 2 and _rank(a) == 2:
        return float32.dtype
    return numpy.promote_types(a, b)


def _weak(kind, strong):
    """The dtype that a Python number of that type takes beside `strong`."""
    wanted = {bool: 0, int: 1, float: 2}[kind]
    if strong is not None and wanted <= _rank(strong):
        return strong
    return (bool_, int64, float32)[wanted].dtype


def result_type(*arrays_and_dtypes):
    """The dtype that a result of these arrays, dtypes and Python numbers has. ValueError for none.
    """
    if not arrays_and_dtypes:
        raise ValueError("result_type: of nothing")
    strong, weak = None, []
    for item in arrays_and_dtypes:
        if isinstance(item, (bool, int, float)):
            weak.append(bool if isinstance(item, bool) else int if isinstance(item, int) else float)
            continue
        dtype = as_numpy(getattr(item, "dtype", item))
        strong = dtype if strong is None else promote(strong, dtype)
    for kind in sorted(weak, key=(bool, int, float).index, reverse=True):
        strong = _weak(kind, strong)
    return strong


def can_cast(from_, to):
    """Whether every value of that dtype (or array) can be had in the other one (NumPy's rule)."""
    return numpy.can_cast(as_numpy(getattr(from_, "dtype", from_)), as_numpy(to))


def isdtype(dtype, kind):
    """Whether a dtype is of a kind ("bool", "integral", ...), is a dtype, or one of several.
    ValueError for another kind.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, item) for item in kind)
    if isinstance(kind, str) and kind in _KINDS and kind != "bool":
        return as_numpy(dtype).kind in _KINDS[kind]
    try:
        return as_numpy(dtype) == as_numpy(kind)
    except TypeError as error:
        raise ValueError(f"isdtype: there is no kind {kind!r}") from error


class finfo:  # pylint: disable=invalid-name
    """Limits of a floating-point dtype: bits, eps, max, min, smallest_normal, dtype. TypeError for
    another dtype.
    """

    def __init__(self, dtype):
        self.dtype = as_numpy(getattr(dtype, "dtype", dtype))
        if self.dtype.name == "bfloat16":
            import ml_dtypes  # pylint: disable=import-outside-toplevel
            found = ml_dtypes.finfo(self.dtype)
        elif self.dtype.kind == "f":
            found = numpy.finfo(self.dtype)
        else:
            raise TypeError(f"finfo: {self.dtype} is no floating-point dtype")
        self.bits = int(found.bits)
        for name in ("eps", "max", "min", "smallest_normal", "tiny", "resolution"):
            setattr(self, name, float(getattr(found, name)))

    def __repr__(self):
        return f"finfo(eps={self.eps}, max={self.max}, min={self.min}, dtype={self.dtype})"


class iinfo:  # pylint: disable=invalid-name
    """Limits of an integer dtype: bits, max, min, dtype. TypeError for another dtype."""

    def __init__(self, dtype):
        self.dtype = as_numpy(getattr(dtype, "dtype", dtype))
        if self.dtype.kind not in "iu":
            raise TypeError(f"iinfo: {self.dtype} is no integer dtype")
        found = numpy.iinfo(self.dtype)
        self.bits, self.max, self.min = int(found.bits), int(found.max), int(found.min)

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def widened(dtype):
    """The dtype of a sum: 64 bits for integers and bool."""
    dtype = as_numpy(dtype)
    return dtype if dtype.kind in "fV" else uint64.dtype if dtype.kind == "u" else int64.dtype


float64, float32, float16, bfloat16 = map(DType, ("float64", "float32", "float16", "bfloat16"))
int8, int16, int32, int64 = map(DType, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(DType, ("uint8", "uint16", "uint32", "uint64"))
bool_ = DType("bool")
