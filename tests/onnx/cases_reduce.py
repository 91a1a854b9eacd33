# SPDX-License-Identifier: Apache-2.0
"""Reductions, arg-reductions, scans, softmax and normalisations.

Gives: `cases()`. Keeps true: lengths around the block of 4096 of the summation order are there.
"""

import numpy as np
from op_harness import F32, F64, I32, I64, NEWEST, case, const, given, t, weights

# Operator -> opset from which on the axes are an input.
REDUCE = {"ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18, "ReduceProd": 18,
          "ReduceL1": 18, "ReduceL2": 18, "ReduceSumSquare": 18, "ReduceLogSum": 18,
          "ReduceLogSumExp": 18}  # fmt: skip
EXACT = {"ReduceMax", "ReduceMin"}

# (shape, axes, why)
AXES = [
    ((3, 17), [1], "rows, with a tail"),
    ((3, 17), [-1], "a negative axis"),
    ((17, 3), [0], "columns"),
    ((2, 3, 4, 5), [1, 3], "two that are apart"),
    ((2, 3, 4, 5), [2, 3], "the spatial ones"),
    ((2, 3, 4), [0, 1, 2], "all of them"),
    ((5,), [0], "to a scalar"),
    ((1, 1), [1], "one element"),
    ((3, 4099), [1], "more than one block of 4096"),
    ((2, 8193), [1], "two blocks and one element"),
]


def reductions():
    for op, by_input in REDUCE.items():
        low = 0.2 if op == "ReduceLogSum" else (0.8 if op == "ReduceProd" else -2.0)
        high = 1.2 if op == "ReduceProd" else 2.0
        exact = op in EXACT
        tolerance = (2e-5, 2e-6)
        for shape, axes, why in AXES:
            if op == "ReduceProd" and max(shape) > 1000:
                continue  # the product of thousands says nothing
            x = t(*shape, low=low, high=high)
            keep = len(axes) % 2
            yield case(
                op, [x, const(axes, I64)], why, 18, exact=exact, tolerance=tolerance, keepdims=keep
            )
            if by_input == 18:
                yield case(
                    op,
                    [x],
                    why,
                    11,
                    tag="attribute",
                    exact=exact,
                    tolerance=tolerance,
                    axes=axes,
                    keepdims=keep,
                )
        x = t(3, 5, low=low, high=high)
        yield case(
            op, [x], "no axes: all", 18, tag="all", exact=exact, tolerance=tolerance, keepdims=0
        )
        yield (
            case(
                op,
                [x, const([], I64)],
                "empty axes: nothing",
                18,
                tag="noop",
                exact=exact,
                tolerance=tolerance,
                noop_with_empty_axes=1,
            )
            if op in ("ReduceSum", "ReduceMax", "ReduceMean")
            else case(
                op,
                [x],
                "the default keeps the dims",
                11,
                tag="default",
                exact=exact,
                tolerance=tolerance,
            )
        )
        yield case(
            op, [x], "an old opset", 7, tag="attribute", exact=exact, tolerance=tolerance, axes=[1]
        )
        yield case(
            op, [x, const([1], I64)], "the newest opset", NEWEST, exact=exact, tolerance=tolerance
        )
        yield case(
            op,
            [t(4, 5, low=low, high=high, d0=("n", [1, 9]), d1=("m", [1, 33])), const([1], I64)],
            "symbolic sizes",
            18,
            tag="symbolic",
            exact=exact,
            tolerance=tolerance,
        )
        yield case(
            op,
            [t(3, 5, dtype=F64, low=low, high=high), const([1], I64)],
            "double",
            18,
            tolerance=(1e-12, 1e-12),
        )


def reduction_types():
    for op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"):
        for dtype in (I32, I64):
            yield case(
                op,
                [t(3, 7, dtype=dtype, low=-4, high=4), const([1], I64)],
                "integers",
                18,
                exact=True,
            )
    yield case(
        "ReduceSum",
        [t(3, 7), const([0], I64)],
        "large and small cancel",
        13,
        tag="columns",
        tolerance=(1e-5, 1e-6),
    )
    yield case(
        "ReduceSum", [t(0, 3), const([0], I64)], "an empty sum is 0", 13, tag="empty", exact=True
    )
    yield case(
        "ReduceProd",
        [t(0, 3), const([0], I64)],
        "an empty product is 1",
        18,
        tag="empty",
        exact=True,
    )
    yield case(
        "ReduceMax",
        [given([[1.0, np.inf], [-np.inf, -np.inf]], F32), const([1], I64)],
        "infinities",
        18,
        tag="inf",
        exact=True,
    )


def arg_and_scan():
    for op in ("ArgMax", "ArgMin"):
        for shape, axis, why in (
            ((3, 17), 1, "rows"),
            ((17, 3), 0, "columns"),
            ((2, 3, 4), -1, "a negative axis"),
            ((2, 5000), 1, "more than one block"),
        ):
            yield case(op, [t(*shape)], why, 13, exact=True, axis=axis, keepdims=axis % 2)
        yield case(
            op,
            [given([[3, 1, 3, 1], [0, 0, 0, 0]], F32)],
            "ties: the lowest index",
            13,
            tag="ties",
            exact=True,
            axis=1,
        )
        yield case(op, [t(5, 7, dtype=I32, low=0, high=3)], "integers", 13, exact=True, axis=1)
        yield case(op, [t(5, 7)], "an old opset", 7, exact=True, axis=0)
    yield case(
        "ArgMax",
        [given([[3, 1, 3, 1]], F32)],
        "ties: the highest index on request",
        13,
        tag="last",
        exact=True,
        axis=1,
        select_last_index=1,
    )
    for exclusive in (0, 1):
        for reverse in (0, 1):
            yield case(
                "CumSum",
                [t(3, 17), const(1, I64)],
                "directions",
                14,
                tag=f"e{exclusive}r{reverse}",
                exclusive=exclusive,
                reverse=reverse,
            )
    yield case(
        "CumSum", [t(5, 3, dtype=I32, low=-9, high=9), const(0, I64)], "integers", 11, exact=True
    )


def softmax():
    for op in ("Softmax", "LogSoftmax"):
        for shape, axis, why in (
            ((3, 17), -1, "rows"),
            ((17, 3), 0, "columns"),
            ((2, 3, 4, 5), 1, "channels"),
            ((1, 1), -1, "one element"),
            ((2, 4, 33), -1, "attention's form"),
            ((7, 1000), 1, "wide rows"),
            ((3, 5000), 1, "more than one block"),
        ):
            yield case(op, [t(*shape, low=-9, high=9)], why, 13, axis=axis, tolerance=(2e-5, 1e-6))
        for axis in (0, 1, 2):
            yield case(
                op,
                [t(2, 3, 4)],
                "before opset 13 all axes from this one on",
                11,
                tag=f"axis{axis}",
                axis=axis,
            )
        yield case(op, [t(3, 5)], "opset 7", 7)
        yield case(op, [t(3, 5)], "the newest opset", NEWEST)
        yield case(
            op,
            [given([[1e30, -1e30, 0.0], [-np.inf, 1.0, 2.0], [88.0, 89.0, 90.0]], F32)],
            "no overflow",
            13,
            tag="large",
        )
        yield case(
            op, [t(3, 5, d0=("n", [1, 8]), d1=("m", [1, 40]))], "symbolic sizes", 13, tag="symbolic"
        )
    yield case("Hardmax", [t(3, 7)], "rows", 13, exact=True, axis=-1)


def normalisations():
    for shape, axis, why in (
        ((3, 17), -1, "rows"),
        ((2, 5, 48), -1, "an encoder's form"),
        ((2, 3, 4, 5), 2, "two axes"),
        ((2, 3, 4), 0, "everything"),
        ((2, 5000), 1, "more than one block"),
    ):
        tail = shape[axis:] if axis >= 0 else shape[axis:]
        yield case(
            "LayerNormalization",
            [t(*shape, low=-1, high=3), weights(*tail), weights(*tail)],
            why,
            17,
            axis=axis,
            tolerance=(3e-5, 3e-6),
        )
        yield case(
            "LayerNormalization",
            [t(*shape, low=-1, high=3), weights(*tail)],
            "no shift",
            17,
            tag="noshift",
            axis=axis,
            epsilon=1e-3,
            tolerance=(3e-5, 3e-6),
        )
    yield case(
        "LayerNormalization",
        [t(3, 9, low=99, high=101), weights(9), weights(9)],
        "a mean far from 0",
        17,
        tag="far",
        tolerance=(3e-4, 1e-4),
    )
    yield case(
        "LayerNormalization",
        [t(3, 17, d0=("n", [1, 8])), weights(17), weights(17)],
        "a symbolic size",
        17,
        tag="symbolic",
        tolerance=(3e-5, 3e-6),
    )
    for opset in (7, 9, 14, 15, NEWEST):
        c = 5
        parts = [
            weights(c, low=0.5, high=1.5),
            weights(c),
            weights(c),
            weights(c, low=0.5, high=1.5),
        ]
        yield case("BatchNormalization", [t(2, c, 4, 3), *parts], "images", opset, epsilon=1e-3)
    yield case(
        "BatchNormalization",
        [t(4, 5), weights(5, low=0.5), weights(5), weights(5), weights(5, low=0.5)],
        "no spatial dims",
        15,
    )
    tiny = [weights(5, dtype=F64) for _ in range(3)] + [weights(5, dtype=F64, low=0.0, high=1e-6)]
    yield case(
        "BatchNormalization",
        [t(4, 5, dtype=F64), *tiny],
        "the epsilon that is left out is a float",
        15,
        tag="epsilon",
        tolerance=(1e-13, 1e-13),
    )
    yield case(
        "InstanceNormalization",
        [t(2, 3, 5, 7), weights(3), weights(3)],
        "images",
        6 + 1,
        tolerance=(3e-5, 3e-6),
    )
    yield case(
        "GroupNormalization",
        [t(2, 6, 5, 7), weights(6), weights(6)],
        "two groups",
        21,
        num_groups=2,
        tolerance=(3e-5, 3e-6),
    )
    yield case("LpNormalization", [t(3, 7)], "rows by length", 1 + 6, axis=-1, p=2)
    yield case("RMSNormalization", [t(3, 17), weights(17)], "rows", 23, tolerance=(3e-5, 3e-6))


def cases():
    yield from reductions()
    yield from reduction_types()
    yield from arg_and_scan()
    yield from softmax()
    yield from normalisations()
