# SPDX-License-Identifier: Apache-2.0
"""PyTorch's zip form, written without PyTorch.

Takes containers; gives a file that torch.load reads, with weights_only too. Keeps true: one array
is one storage, wherever it is; storages are written one by one, each at a multiple of 64 bytes, so
that they can be mapped.
"""
import io
import math
import zipfile

from mintor.files import leaves
from mintor.files import pickler
from mintor.files import torch_names
from mintor.files.whole import replaced

_ALIGNMENT, _LARGE = 64, 1 << 31
_TENSOR = pickler.Global("torch._utils", "_rebuild_tensor_v2")
_TENSOR_WITH_DTYPE = pickler.Global("torch._utils", "_rebuild_tensor_v3")


class _PersistentId:
    """Stands for a storage in the pickle."""

    def __init__(self, value):
        self.value = value


class _NoHooks:
    """Stands for the empty dictionary that a tensor has in the place of hooks."""


def _strides(sizes):
    """Those of C's order, in elements."""
    return tuple(math.prod(max(size, 1) for size in sizes[place + 1:])
                 for place in range(len(sizes)))


class _Pickler(pickler.Pickler):
    def __init__(self, file):
        super().__init__(file, 2)
        self.storages = []          # arrays in the order of their names
        self._names = {}            # so that each is written once

    def persistent_id(self, obj):
        return obj.value if isinstance(obj, _PersistentId) else None

    def reducer_override(self, obj):
        if isinstance(obj, _NoHooks):
            return pickler.ORDERED_DICT, ()
        return super().reducer_override(obj)

    def _global(self, module, name):
        return self._names.setdefault((module, name), pickler.Global(module, name))

    def dtype(self, dtype):
        return self._global("torch", dtype.name)

    def array(self, value):
        kind, sizes = torch_names.storage_of(value.dtype), tuple(value.shape)
        is_untyped = kind[1] == torch_names.UNTYPED
        count = math.prod(sizes) * (value.dtype.itemsize if is_untyped else 1)
        pid = "storage", self._global(*kind), str(len(self.storages)), "cpu", count
        self.storages.append(value)
        parts = _PersistentId(pid), 0, sizes, _strides(sizes), False, _NoHooks()
        if is_untyped:
            return _TENSOR_WITH_DTYPE, (*parts, self.dtype(value.dtype))
        return _TENSOR, parts


def _member(archive, name, data):
    """Writes a member whose bytes begin at a multiple of the alignment."""
    info = zipfile.ZipInfo(f"archive/{name}")
    large = len(data) >= _LARGE
    begin = archive.fp.tell() + 30 + len(info.filename) + (20 if large else 0)
    info.extra = b"FB" + (filler := -(begin + 4) % _ALIGNMENT).to_bytes(2, "little") + \
        b"Z" * filler
    with archive.open(info, "w", force_zip64=large) as member:
        member.write(data)


def save(tree, path, metadata):
    """Writes the zip form."""
    if metadata is not None:
        raise TypeError("save: PyTorch's files have no metadata; put it into what is saved")
    with replaced(path) as file, zipfile.ZipFile(file, "w") as archive:
        pickled = io.BytesIO()
        pickling = _Pickler(pickled)
        pickling.dump(tree)
        _member(archive, "data.pkl", pickled.getvalue())
        _member(archive, "byteorder", b"little")
        for place, value in enumerate(pickling.storages):
            data = leaves.as_ndarray(value)
            _member(archive, f"data/{place}", memoryview(data.reshape(-1).view("uint8")))
        _member(archive, "version", b"3\n")
