# SPDX-License-Identifier: Apache-2.0
"""Pickles, written with names of libraries that need not be there.

Takes containers, numbers, strings and arrays; gives opcodes. Keeps true: nothing else is written:
an object of another class is a TypeError, so that what was saved can be loaded anywhere.
"""
import collections
import pickle

import numpy

from mintor import dtypes
from mintor.files import leaves

_PLAIN = (dict, list, tuple, str, bytes, int, float, bool, type(None), set, frozenset)
_BASES = {dict: dict, list: list, tuple: tuple, int: int, float: float, str: str, bytes: bytes,
          bytearray: bytes}
_LARGE = 1 << 16


class Global:
    """A name of a module, written as such."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        """Pickle asks that what a reduction calls can be called."""
        raise NotImplementedError


ORDERED_DICT = Global("collections", "OrderedDict")
# What has no opcode before protocol 4.
_OF_OLD = {set: Global("builtins", "set"), frozenset: Global("builtins", "frozenset"),
           bytes: Global("_codecs", "encode")}


class Pickler(pickle._Pickler):  # pylint: disable=protected-access
    """A subclass says what arrays and dtypes are written as."""

    def array(self, value):
        """What pickle calls a reduction, of an Array or ndarray."""
        raise NotImplementedError

    def dtype(self, dtype):
        """An object that is written for a NumPy dtype."""
        raise NotImplementedError

    def save(self, obj, save_persistent_id=True):
        """Subclasses of containers are written as what they are subclasses of."""
        if isinstance(obj, numpy.generic):
            obj = obj.item()
        elif leaves.is_array(obj):
            obj = leaves.held(obj)
        elif isinstance(obj, (dtypes.DType, numpy.dtype)):
            obj = self.dtype(dtypes.as_numpy(obj))
        elif type(obj) not in (*_PLAIN, collections.OrderedDict):
            plain = next((of for of in _BASES if isinstance(obj, of)), None)
            obj = obj if plain is None else _BASES[plain](obj)
        super().save(obj, save_persistent_id)

    def reducer_override(self, obj):
        """What is asked of each object first."""
        if self.proto < 4 and type(obj) in (set, frozenset):
            return _OF_OLD[type(obj)], (list(obj),)
        if self.proto < 4 and type(obj) is bytes:
            return _OF_OLD[bytes], (obj.decode("latin1"), "latin1")
        if type(obj) in _PLAIN:
            return NotImplemented
        if isinstance(obj, Global):
            return obj.name
        if type(obj) is collections.OrderedDict:
            return ORDERED_DICT, (), None, None, iter(obj.items())
        if leaves.is_array(obj):
            return self.array(obj)
        raise TypeError(f"save: cannot save an object of {type(obj).__module__}."
                        f"{type(obj).__qualname__}: arrays, numbers, strings and containers can be"
                        "\n  help: of modules and optimizers save state_dict()")

    def save_global(self, obj, name=None):
        """A name, without importing its module."""
        if self.proto >= 4:
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    def memoize(self, obj):
        """Bytes of arrays are not kept for what may refer to them later."""
        super().memoize(obj)
        if type(obj) is bytes and len(obj) > _LARGE:
            place, _ = self.memo.pop(id(obj))
            self.memo[("dropped", place)] = place, None
