# SPDX-License-Identifier: Apache-2.0
"""The safetensors format: eight bytes of length, a header in JSON, the elements.

Takes and gives dictionaries of arrays by name. Keeps true: the parts of the file that arrays name
follow one another without gaps or overlaps, as the format demands; a name is there once (the
format's own library takes the last); metadata (text by name) goes in and out.
"""
import json
import math

import numpy

from mintor import dtypes
from mintor.files import leaves
from mintor.files.whole import Unreadable, replaced

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
           "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
           "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool"}
_NAMES = {name: code for code, name in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000


class NamedArrays(dict):
    """Arrays by name; `metadata` is text by name."""

    metadata = None


def _once(pairs):
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Unreadable("has a name twice in its header")
    return made


def is_safetensors(view):
    """Whether bytes begin as such a file."""
    return len(view) >= 9 and view[8] == ord("{") and \
        int.from_bytes(view[:8], "little") <= min(len(view), _LONGEST_HEADER)


def _checked_metadata(metadata):
    if not isinstance(metadata, dict) or not all(
            isinstance(item, str) for pair in metadata.items() for item in pair):
        raise Unreadable("has metadata that is not text by name")
    return metadata


def _entry(name, entry):
    """(first byte, byte behind the last, dtype, shape) of an array."""
    what = f"'{name[:100]}'"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise Unreadable(f"has a header where {what} lacks dtype, shape or data_offsets")
    dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise Unreadable(f"has {what} of the dtype {str(entry['dtype'])[:100]}, which no array can "
                         "have")
    dtype = dtypes.as_numpy(dtype)
    begin, end = leaves.checked_sizes(entry["data_offsets"], f"the place of {what}")
    shape = leaves.checked_sizes(entry["shape"], what)
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise Unreadable(f"has {end - begin} bytes of {what}, expected "
                         f"{math.prod(shape) * dtype.itemsize} for {dtype}{shape}"[:300])
    return begin, end, dtype, shape


def load(view):
    """The arrays of a file, in the order of its header."""
    from mintor import arrays  # pylint: disable=import-outside-toplevel
    length = int.from_bytes(view[:8], "little")
    header = json.loads(bytes(view[8:8 + length]).decode("utf-8"), object_pairs_hook=_once)
    made = NamedArrays()
    if "__metadata__" in header:
        made.metadata = _checked_metadata(header.pop("__metadata__"))
    data = view[8 + length:]
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    place = 0
    for begin, end, _, _ in sorted(entries.values(), key=lambda entry: entry[:2]):
        if begin != place:
            raise Unreadable(f"has arrays that overlap or leave gaps, at byte {begin} of the data")
        place = end
    if place != len(data):
        raise Unreadable(f"has {len(data)} bytes of data, expected {place}")
    for name, (begin, end, dtype, shape) in entries.items():
        made[name] = arrays.array(leaves.from_bytes(data[begin:end], dtype, shape, f"'{name}'"))
    return made


def save(tree, path, metadata):
    """Writes arrays by name; those of wide elements first, so that each lies aligned."""
    if metadata is None:
        metadata = getattr(tree, "metadata", None)
    named = {name: leaves.held(value) for name, value in leaves.by_name(tree, "a .safetensors")}
    if "__metadata__" in named:
        raise TypeError("save: no array of a .safetensors can have the name '__metadata__'")
    header, place = {}, 0
    if metadata is not None:
        header["__metadata__"] = _checked_metadata(dict(metadata))
    order = sorted(named, key=lambda name: -named[name].dtype.itemsize)
    for name in named:
        header[name] = None             # the header keeps the order of names
    for name in order:
        value = named[name]
        size = math.prod(value.shape) * value.dtype.itemsize
        header[name] = {"dtype": _NAMES[value.dtype.name], "shape": list(value.shape),
                        "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with replaced(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(leaves.as_ndarray(named[name]).reshape(-1).view(numpy.uint8))
