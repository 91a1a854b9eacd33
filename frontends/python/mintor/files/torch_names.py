# SPDX-License-Identifier: Apache-2.0
"""PyTorch's names of dtypes and of storages, which its files hold.

Takes nothing; gives tables. Keeps true: both directions are of one table; a dtype without a storage
of its own is in an untyped one, and the tensor says which it is.
"""
from mintor import dtypes

# A storage's name, by dtype; the others are in an UntypedStorage.
_STORAGES = {"float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage",
             "bfloat16": "BFloat16Storage", "int64": "LongStorage", "int32": "IntStorage",
             "int16": "ShortStorage", "int8": "CharStorage", "uint8": "ByteStorage",
             "bool": "BoolStorage"}
_REFUSED = {"ComplexFloatStorage": "complex numbers", "ComplexDoubleStorage": "complex numbers",
            "QUInt8Storage": "quantised numbers", "QInt8Storage": "quantised numbers",
            "QInt32Storage": "quantised numbers"}
UNTYPED = "UntypedStorage"


class StorageType:
    """What elements a storage has: a dtype, None for bytes, or why there are none."""

    def __init__(self, dtype, refused=""):
        self.dtype, self.refused = dtype, refused


class ClassName:
    """A class that is named and never made."""


def storage_of(dtype):
    """(module, name) of the storage of a NumPy dtype."""
    found = _STORAGES.get(dtype.name)
    return ("torch", found) if found else ("torch.storage", UNTYPED)


STORAGES = {
    **{f"torch.{name}": StorageType(dtypes.as_numpy(dtype)) for dtype, name in _STORAGES.items()},
    **{f"torch.{name}": StorageType(None, why) for name, why in _REFUSED.items()},
    **{f"{module}.{UNTYPED}": StorageType(None) for module in ("torch", "torch.storage")}}

DTYPES = {f"torch.{name}": getattr(dtypes, "bool_" if name == "bool" else name)
          for name in dtypes.SHORT_NAMES}
CLASSES = {name: ClassName() for name in (
    "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
    "torch.nn.Parameter")}
