# SPDX-License-Identifier: Apache-2.0
"""What the array API standard asks of a namespace beside functions: constants, what there is.

Gives `__array_namespace_info__`, the constants, `broadcast_shapes`. MISSING says which of the
standard's names are not here, and why; a test holds it to that.
"""
import math

import numpy

from mintor import dtypes

__array_api_version__ = "2025.12"
e, pi, inf, nan, newaxis = math.e, math.pi, math.inf, math.nan, None

# Of the public names of array-api-strict.
MISSING = {
    "complex64": "there are no complex numbers",
    "complex128": "there are no complex numbers",
    "Device": "a class of array-api-strict itself; a device is its name, 'cpu'",
    "ArrayAPIStrictFlags": "a setting of array-api-strict itself",
    "get_array_api_strict_flags": "a setting of array-api-strict itself",
    "set_array_api_strict_flags": "a setting of array-api-strict itself",
    "reset_array_api_strict_flags": "a setting of array-api-strict itself",
}
MISSING_FFT = {name: "gives or takes complex numbers" for name in (
    "fft", "ifft", "fftn", "ifftn", "rfft", "irfft", "rfftn", "irfftn", "hfft", "ihfft")}
MISSING_LINALG = {}


def broadcast_shapes(*shapes):
    """The shape of what arrays of these shapes make together; ValueError where there is none."""
    return numpy.broadcast_shapes(*shapes)


class __array_namespace_info__:  # pylint: disable=invalid-name
    """What this namespace can do, as the array API standard asks for it."""

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 8}

    def default_device(self):
        return "cpu"

    def devices(self):
        return ["cpu"]

    def default_dtypes(self, *, device=None):
        del device
        return {"real floating": dtypes.float32.dtype, "integral": dtypes.int64.dtype,
                "indexing": dtypes.int64.dtype, "complex floating": None}

    def dtypes(self, *, device=None, kind=None):
        """The dtypes by name, all or those of a kind or several."""
        del device
        names = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "float32", "float64"]
        found = {name: dtypes.as_numpy(name) for name in names}
        if kind is None:
            return found
        return {name: dtype for name, dtype in found.items() if dtypes.isdtype(dtype, kind)}


__all__ = ["__array_api_version__", "__array_namespace_info__", "broadcast_shapes", "e", "inf",
           "nan", "newaxis", "pi"]
