# SPDX-License-Identifier: Apache-2.0
"""NumPy's names in pickles, and .pkl files of them.

A .pkl is a pickle (protocol 4) with ndarrays, and behind it its SHA-1 and the eight letters that
Jittor ends such files with; pickle.load reads it as any other. Takes and gives containers. Keeps
true: names are those that every NumPy since 1.0 finds; arrays of Python objects are refused.
"""
import hashlib

import ml_dtypes
import numpy

from mintor.files import leaves
from mintor.files import pickler
from mintor.files.unpickler import Bytes, Unpickler
from mintor.files.whole import Unreadable, replaced

_END = b"HCAJSLHD"
_BFLOAT16 = numpy.dtype(ml_dtypes.bfloat16)


class _Dtype(leaves.Pending):
    """numpy.dtype(code, align, copy), then its state."""

    def __init__(self, code, *_):
        if not isinstance(code, (str, numpy.dtype)):
            raise Unreadable("has a dtype that is no name")
        self.dtype = leaves.checked_dtype(numpy.dtype(code), "an array")

    def set_state(self, state):
        """(version, order of bytes, fields, ...)"""
        order = state[1]
        if order in ("<", ">") and self.dtype != _BFLOAT16:
            self.dtype = self.dtype.newbyteorder(order)

    def value(self):
        return self.dtype.newbyteorder("=")


def _dtype(code, *rest):
    return _Dtype(code, *rest)


class _Ndarray(leaves.Pending):
    """An ndarray, when its state is known."""

    def __init__(self):
        self._made = None

    def set_state(self, state):
        """(version, shape, dtype, whether in Fortran's order, bytes)"""
        _, shape, dtype, fortran, data = state if len(state) == 5 else (1, *state)
        if isinstance(data, list):
            raise Unreadable("has an array of Python objects")
        data = data.encode("latin1") if isinstance(data, str) else data
        self._made = leaves.from_bytes(data, dtype.dtype, shape, "an array",
                                       "F" if fortran else "C")

    def read(self):
        if self._made is None:
            raise Unreadable("has an array without elements")
        return self._made


def _reconstruct(*_):
    return _Ndarray()


def _from_buffer(data, dtype, shape, order, *_):
    made = _Ndarray()
    made.set_state((1, shape, dtype, order == "F", data))
    return made


def _scalar(dtype, data):
    data = data.encode("latin1") if isinstance(data, str) else data
    return leaves.from_bytes(data, dtype.dtype, (), "a number")[()]


def _jittor_var(value, *_):
    return value


MAKERS = {
    **{f"numpy.{core}.multiarray.{name}": made for core in ("core", "_core")
       for name, made in (("_reconstruct", _reconstruct), ("scalar", _scalar))},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.dtype": _dtype, "numpy.ndarray": "ndarray", "ml_dtypes.bfloat16": _BFLOAT16,
    "jittor.Var": _jittor_var, "jittor_core.Var": _jittor_var}


class _Hashing:
    """A file whose bytes are hashed as they are written."""

    def __init__(self, file):
        self._file, self._sha1 = file, hashlib.sha1()

    def write(self, data):
        self._sha1.update(data)
        return self._file.write(data)

    def end(self):
        self._file.write(self._sha1.digest() + _END)


_RECONSTRUCT = pickler.Global("numpy.core.multiarray", "_reconstruct")
_NDARRAY, _DTYPE = pickler.Global("numpy", "ndarray"), pickler.Global("numpy", "dtype")
_BF16 = pickler.Global("ml_dtypes", "bfloat16")


class _Pickler(pickler.Pickler):
    def array(self, value):
        made = leaves.as_ndarray(value)
        return _RECONSTRUCT, (_NDARRAY, (0,), b"b"), (1, made.shape, made.dtype, False,
                                                      made.tobytes())

    def dtype(self, dtype):
        return dtype

    def reducer_override(self, obj):
        if not isinstance(obj, numpy.dtype):
            return super().reducer_override(obj)
        if obj == _BFLOAT16:
            return _DTYPE, (_BF16, False, True), (3, "<", None, None, None, 2, 2, 64)
        order = "|" if obj.itemsize == 1 else "<"
        return _DTYPE, (obj.str[1:], False, True), (3, order, None, None, None, -1, -1, 0)


def save(tree, path, metadata):
    """Writes a .pkl."""
    if metadata is not None:
        raise TypeError("save: a .pkl has no metadata; put it into what is saved")
    with replaced(path) as file:
        hashing = _Hashing(file)
        _Pickler(hashing, 4).dump(tree)
        hashing.end()


def load(view):
    """What a .pkl holds."""
    if bytes(view[-len(_END):]) == _END:
        view, digest = view[:-28], bytes(view[-28:-8])
        if hashlib.sha1(view).digest() != digest:
            raise Unreadable("is damaged: its checksum is another one")
    return leaves.finished(Unpickler(Bytes(view), MAKERS).load())
