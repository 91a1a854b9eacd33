# SPDX-License-Identifier: Apache-2.0
"""encode_strings and decode_strings.

Takes arrays and lists of strings; keeps true: what one makes the other takes back, as bytes lie in
NumPy's dtype S.
"""
import numpy as np
import pytest

import mintor as mt


@pytest.mark.parametrize("values", (
    ["ab", "", "日本", "a\0b", "\udcff"], [["x"], ["yy"]], "cat", [], np.zeros((2, 0), object),
    np.array(["p", "qq"])))
def test_there_and_back(values):
    rows = mt.encode_strings(values)
    assert rows.dtype == np.uint8 and rows.shape[:-1] == np.shape(values)
    assert mt.decode_strings(rows).tolist() == np.array(values, dtype=object).tolist()


def test_bytes_lie_as_in_dtype_s():
    given = np.array([b"ab", b"c"], "S4")
    rows = mt.encode_strings(given)
    assert rows.tolist() == [[97, 98], [99, 0]]
    assert mt.decode_strings(given.view(np.uint8).reshape(2, 4)).tolist() == ["ab", "c"]
    assert mt.decode_strings(np.zeros((3, 0), np.uint8)).tolist() == ["", "", ""]


def test_what_is_no_string_is_refused():
    with pytest.raises(mt.CompileError, match="ends in a NUL"):
        mt.encode_strings(["a\0"])
    with pytest.raises(TypeError, match="expected strings, got float64"):
        mt.encode_strings(np.ones(1))
    with pytest.raises(TypeError, match="None is no string"):
        mt.encode_strings(["a", None])
    with pytest.raises(TypeError, match="have a dimension of bytes"):
        mt.decode_strings(np.uint8(3))
