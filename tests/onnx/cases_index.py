# SPDX-License-Identifier: Apache-2.0
"""Operators that move data to or from places that other data names: gather, scatter, one-hot.

Gives: `cases()`. Keeps true: moved data is compared exactly; indices from the end are there.
"""

from op_harness import BOOL, F16, F32, F64, I8, I32, I64, U8, case, const, given, t

TYPES = (F32, F64, F16, I8, U8, I32, I64, BOOL)


def gathers():
    for axis in (0, 1, -1):
        yield case(
            "Gather",
            [t(5, 7), given([[0, 2], [4, 1]], I64)],
            "axes",
            13,
            tag=f"axis{axis}",
            exact=True,
            axis=axis,
        )
    yield case("Gather", [t(5, 7), given(3, I64)], "a scalar index", 13, tag="scalar", exact=True)
    yield case(
        "Gather", [t(5, 7), given([-1, -5], I64)], "from the end", 13, tag="negative", exact=True
    )
    yield case("Gather", [t(5, 7), const([1], I32)], "32 bits, known", 13, tag="i32", exact=True)
    yield case(
        "Gather",
        [t(100, 48), t(2, 9, dtype=I64, low=0, high=99, d1=("n", [1, 33]))],
        "an embedding",
        13,
        tag="embedding",
        exact=True,
    )
    for dtype in TYPES:
        yield case(
            "Gather", [t(5, 3, dtype=dtype, low=0), given([4, 0], I64)], "types", 13, exact=True
        )
    yield case(
        "GatherElements",
        [t(3, 4), given([[0, 2, 1, 0], [2, -1, 0, 1]], I64)],
        "rows",
        13,
        exact=True,
        axis=0,
    )
    yield case("GatherND", [t(3, 4, 5), given([[0, 1], [2, 3]], I64)], "tuples", 13, exact=True)
    yield case(
        "GatherND",
        [t(3, 4, 5), given([[1], [2], [0]], I64)],
        "a batch dim",
        13,
        tag="batch",
        exact=True,
        batch_dims=1,
    )
    yield case(
        "ScatterElements",
        [t(3, 5), given([[1, 0, 2, 0, 1]], I64), t(1, 5)],
        "set",
        16,
        exact=True,
        axis=0,
    )
    yield case(
        "ScatterElements",
        [t(3, 5), given([[1, 1, 1, 0, 1]], I64), t(1, 5)],
        "add, repeated",
        16,
        tag="add",
        axis=1,
        reduction="add",
    )
    yield case("ScatterND", [t(4, 5), given([[1], [3]], I64), t(2, 5)], "rows", 16, exact=True)
    yield case(
        "OneHot",
        [given([0, 2, -1, 5], I64), const(4, I64), const([0.0, 1.0], F32)],
        "out of range too",
        11,
        exact=True,
    )
    yield case("Trilu", [t(3, 5, 5), const(1, I64)], "above", 14, exact=True, upper=1)
    yield case("Trilu", [t(5, 7)], "below", 14, exact=True, upper=0)
    yield case("EyeLike", [t(3, 5)], "a shifted diagonal", 9, exact=True, k=1)
    yield case(
        "ReverseSequence",
        [t(4, 3), given([4, 2, 1], I64)],
        "lengths",
        10,
        exact=True,
        time_axis=0,
        batch_axis=1,
    )


def cases():
    yield from gathers()
