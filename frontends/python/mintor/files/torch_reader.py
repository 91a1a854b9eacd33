# SPDX-License-Identifier: Apache-2.0
"""PyTorch's files: the zip form, and the form before PyTorch 1.6.

Takes bytes; gives the containers of the file with arrays in them. Keeps true: a tensor lies within
its storage, whatever strides and offset say; tensors of one storage, offset, shape and strides are
one array, so that tied weights stay tied; parameters are arrays as all others.
"""
import math

import numpy

from mintor import dtypes
from mintor.files import leaves
from mintor.files import numpy_pickles
from mintor.files import torch_names
from mintor.files.archive import Archive
from mintor.files.unpickler import Bytes, Unpickler
from mintor.files.whole import Budget, Unreadable

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


class _Storage:
    """Bytes with a type; they may be read later than the pickle that refers to them."""

    def __init__(self, name, kind, count, budget):
        self.name, self.kind, self.count, self.budget = name, kind, count, budget
        self.data, self.is_big_endian, self.is_read = None, False, False

    def size_in_bytes(self):
        return self.count * (self.kind.dtype.itemsize if self.kind.dtype else 1)


class _Tensor(leaves.Pending):
    """A view of a storage."""

    def __init__(self, storage, offset, sizes, strides, dtype=None):
        dtype = dtype or storage.kind.dtype
        if dtype is None:
            raise Unreadable(f"holds {storage.kind.refused or 'bytes without a dtype'}, which "
                             "arrays do not have")
        self._storage, self._dtype = storage, dtypes.as_numpy(dtype)
        self._sizes = leaves.checked_sizes(sizes, "a tensor")
        strides = leaves.checked_sizes(strides, "a tensor's strides")
        if type(offset) is not int or offset < 0 or len(strides) != len(sizes):
            raise Unreadable("has a tensor with a wrong offset or strides")
        self._offset, self._strides = offset, strides

    def key(self):
        return id(self._storage), self._dtype, self._offset, self._sizes, self._strides

    def read(self):
        data, dtype = self._storage.data, self._dtype
        if data is None:
            raise Unreadable(f"does not have the storage '{self._storage.name}'")
        if self._storage.is_big_endian:
            dtype = dtype.newbyteorder(">")
        elements = numpy.frombuffer(data, numpy.uint8)[:len(data) // dtype.itemsize *
                                                       dtype.itemsize].view(dtype)
        count = math.prod(self._sizes)
        if count == 0:
            return numpy.zeros(self._sizes, self._dtype)
        last = self._offset + sum((size - 1) * stride for size, stride in
                                  zip(self._sizes, self._strides))
        if last >= len(elements):
            raise Unreadable(f"has a tensor that ends behind its storage of {len(elements)}")
        if self._storage.is_read or count > len(elements):
            self._storage.budget.take(count * dtype.itemsize)
        self._storage.is_read = True
        return leaves.native(numpy.lib.stride_tricks.as_strided(
            elements[self._offset:], self._sizes, [stride * dtype.itemsize for stride in
                                                   self._strides], writeable=False))


def _tensor(storage, offset, sizes, strides, *_):
    if not isinstance(storage, _Storage):
        raise Unreadable("has a tensor without a storage")
    return _Tensor(storage, offset, sizes, strides)


def _tensor_with_dtype(storage, offset, sizes, strides, grad, hooks, dtype, *_):
    del grad, hooks
    if not isinstance(storage, _Storage) or not isinstance(dtype, dtypes.DType):
        raise Unreadable("has a tensor without a storage or a dtype")
    return _Tensor(storage, offset, sizes, strides, dtype)


def _itself(value, *_):
    return value


def _of_class(function, kind, arguments, *_):
    if function not in (_tensor, _tensor_with_dtype, _itself) or \
            not isinstance(kind, torch_names.ClassName):
        raise Unreadable("has a tensor of a class of its own")
    return function(*arguments)


def _size(sizes=()):
    return leaves.checked_sizes(tuple(sizes), "a torch.Size")


def _device(kind, *_):
    return str(kind)


_MAKERS = {
    **numpy_pickles.MAKERS, **torch_names.STORAGES, **torch_names.DTYPES, **torch_names.CLASSES,
    "torch._utils._rebuild_tensor": _tensor, "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_with_dtype,
    "torch._utils._rebuild_parameter": _itself,
    "torch._utils._rebuild_parameter_with_state": _itself,
    "torch._tensor._rebuild_from_type_v2": _of_class,
    "torch.Size": _size, "torch.device": _device}


class _Storages:
    """Storages by their name in the file."""

    def __init__(self, budget):
        self.found, self._budget = {}, budget

    def __call__(self, pid):
        """What a persistent id means: ("storage", type, name, where it was, count, view)."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or \
                not isinstance(pid[1], torch_names.StorageType) or type(pid[4]) is not int or \
                pid[4] < 0:
            raise Unreadable("refers to what is no storage")
        if len(pid) > 5 and pid[5] is not None:
            raise Unreadable("has a view of a storage, as PyTorch wrote them before 0.4",
                             "load it with PyTorch and save it again")
        name = str(pid[2])
        known = self.found.setdefault(name, _Storage(name, pid[1], pid[4], self._budget))
        if known.kind is not pid[1] or known.count != pid[4]:
            raise Unreadable(f"says two things of the storage '{name}'")
        return known


def is_zip(archive):
    """Whether a zip file is one of PyTorch's."""
    return _root(archive) is not None


def _root(archive):
    for name in archive.names():
        folder, _, last = name.rpartition("/")
        if last == "data.pkl":
            return folder + "/" if folder else ""
    return None


def load_zip(archive: Archive):
    """The zip form: data.pkl, and a member for each storage."""
    root, names = _root(archive), set(archive.names())
    storages = _Storages(archive.budget)
    tree = Unpickler(Bytes(archive.read(f"{root}data.pkl")), _MAKERS, storages).load()
    order = f"{root}byteorder"
    is_big_endian = order in names and bytes(archive.read(order)).strip() == b"big"
    for name, storage in storages.found.items():
        storage.data = archive.read(f"{root}data/{name}")
        storage.is_big_endian = is_big_endian
        if len(storage.data) < storage.size_in_bytes():
            raise Unreadable(f"has {len(storage.data)} bytes of the storage '{name}', expected "
                             f"{storage.size_in_bytes()}")
    return leaves.finished(tree)


def is_legacy(view):
    """Whether bytes begin with the number that files before the zip form begin with."""
    magic = _MAGIC.to_bytes(10, "little")
    return magic in bytes(view[:16])


def load_legacy(view):
    """Pickles one behind the other (number, version, machine, tree, names), then the storages."""
    file = Bytes(view)
    storages = _Storages(Budget(len(view)))
    magic, version, machine, tree, names = (Unpickler(file, _MAKERS, storages).load()
                                            for _ in range(5))
    if magic != _MAGIC or version != _VERSION or not isinstance(machine, dict):
        raise Unreadable(f"is of a version of PyTorch's files that is not known: {version!r}"[:200])
    is_big_endian = machine.get("little_endian") is False
    for name in names:
        storage = storages.found.get(str(name))
        count = int.from_bytes(file.read(8), "big" if is_big_endian else "little")
        if storage is None or count != storage.count:
            raise Unreadable(f"says two things of the storage '{name}'"[:200])
        storage.is_big_endian = is_big_endian
        storage.data = file.read(storage.size_in_bytes())
    return leaves.finished(tree)
