# SPDX-License-Identifier: Apache-2.0
"""NumPy's .npz: a zip file of .npy members.

Takes and gives dictionaries of arrays by name. Keeps true: arrays of Python objects are refused, so
no pickle is read. NumPy has no name for bfloat16 in these files: elements of two bytes without a
type (V2, which is what it writes for them) are taken as bfloat16.
"""
import io
import zipfile

import ml_dtypes
import numpy

from mintor import arrays
from mintor.files import leaves
from mintor.files.archive import Archive
from mintor.files.whole import Unreadable, replaced

_LONGEST_HEADER = 1 << 16
_HEADERS = {(1, 0): numpy.lib.format.read_array_header_1_0,
            (2, 0): numpy.lib.format.read_array_header_2_0,
            (3, 0): numpy.lib.format.read_array_header_2_0}


def _array(data, name):
    begin = io.BytesIO(data[:_LONGEST_HEADER])
    version = numpy.lib.format.read_magic(begin)
    if version not in _HEADERS:
        raise Unreadable(f"has '{name}' in the version {version} of .npy")
    shape, is_fortran, dtype = _HEADERS[version](begin)
    if dtype.hasobject:
        raise Unreadable(f"has Python objects in '{name}', which would be a pickle; nothing of it "
                         "was run", "save arrays of numbers alone")
    if dtype.str[1:] == "V2":
        dtype = numpy.dtype(ml_dtypes.bfloat16)
    return leaves.from_bytes(data[begin.tell():], dtype, shape, f"'{name}'",
                             "F" if is_fortran else "C")


def load(archive: Archive):
    """The arrays of a file, in its order."""
    made = {}
    for member in archive.names():
        name = member.removesuffix(".npy")
        if name == member:
            raise Unreadable(f"is a zip file with '{member[:100]}', which is neither NumPy's nor "
                             "PyTorch's")
        made[name] = arrays.array(_array(archive.read(member), name))
    return made


def save(tree, path, metadata):
    """Writes arrays by name, as numpy.savez does."""
    if metadata is not None:
        raise TypeError("save: a .npz has no metadata; a .safetensors has")
    named = list(leaves.by_name(tree, "a .npz"))
    with replaced(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, value in named:
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                numpy.lib.format.write_array(member, leaves.as_ndarray(value), allow_pickle=False)
