# SPDX-License-Identifier: Apache-2.0
"""Strings as models take and give them: their bytes (UTF-8) in a last dimension, filled up with
NULs, as NumPy's dtype S has them.

Takes arrays or lists of str or bytes; gives u8[.., width], and back. Keeps true: what is encoded
is decoded as it was, also bytes that are no UTF-8 (as Python's surrogateescape has them).

>>> mt.encode_strings(["ab", "c"])                                  # doctest: +SKIP
array([[97, 98],
       [99,  0]], dtype=uint8)
"""
import numpy

from mintor.errors import CompileError


def _bytes_of(value):
    if isinstance(value, (bytes, numpy.bytes_)):
        found = bytes(value)
    elif isinstance(value, str):
        found = value.encode("utf-8", "surrogateescape")
    else:
        raise TypeError(f"{value!r} is no string")
    if found.endswith(b"\0"):
        raise CompileError(f"error: encode_strings: {value!r} ends in a NUL\n  help: the end of a "
                           "string is where NULs begin; inside of one they are taken")
    return found


def encode_strings(values):
    """u8[.., width] of an array or nested list of str or bytes; as wide as the longest, 1 at least.

    TypeError: what is no string. CompileError: a string that ends in a NUL.

    >>> mt.encode_strings("cat").tobytes()                          # doctest: +SKIP
    b'cat'
    """
    # A list as objects: NumPy's own dtypes drop NULs at the end.
    given = numpy.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    if given.dtype.kind not in "OSU" and given.size:  # of none there is no type to see
        raise TypeError(f"expected strings, got {given.dtype}")
    encoded = [_bytes_of(value) for value in given.reshape(-1)]
    width = max(map(len, encoded), default=0) or 1
    rows = numpy.array(encoded, dtype=f"S{width}") if encoded else numpy.empty(0, f"S{width}")
    return rows.view(numpy.uint8).reshape(given.shape + (width,))


def decode_strings(values):
    """The array of str, dtype object, that u8[.., width] holds.

    TypeError: no dimension of bytes.
    """
    rows = numpy.asarray(values, dtype=numpy.uint8, order="C")
    if rows.ndim == 0:
        raise TypeError("strings have a dimension of bytes")
    texts = numpy.empty(rows.shape[:-1], dtype=object)
    flat = rows.reshape(texts.size, rows.shape[-1])
    for i, place in enumerate(numpy.ndindex(texts.shape)):
        texts[place] = flat[i].tobytes().rstrip(b"\0").decode("utf-8", "surrogateescape")
    return texts
