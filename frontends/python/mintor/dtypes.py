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


float64, float32, float16, bfloat16 = map(DType, ("float64", "float32", "float16", "bfloat16"))
int8, int16, int32, int64 = map(DType, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(DType, ("uint8", "uint16", "uint32", "uint64"))
bool_ = DType("bool")
