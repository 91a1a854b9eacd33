# SPDX-License-Identifier: Apache-2.0
"""Axes, sizes, bounds and the like that are inputs of the model: a run decides them.

Gives: `cases()`. Keeps true: every list is also run where it counts from the end, is empty, or
leaves nothing.
"""

import numpy as np
from op_harness import BOOL, F32, F64, I32, I64, case, given, t


def ints(*values):
    return given(list(values), I64)


def reductions():
    names = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp", "ReduceProd")
    for op in names:
        for keep in (0, 1):
            yield case(
                op,
                [t(2, 3, 4), ints(-2, 0)],
                "axes as data",
                opset=18,
                tag=f"axes-data-{keep}",
                ranks=(3 if keep else 1,),
                keepdims=keep,
            )
    x, symbolic = t(2, 0, 4), t(2, 3, d0=("n", [1, 5]))
    yield case("ReduceSum", [x, ints(1)], "nothing to add", tag="axes-data-empty", ranks=(3,))
    yield case("ReduceSum", [symbolic, ints(0)], "a symbol", tag="axes-data-symbol", ranks=(2,))


def slices():
    x = t(4, 5, 6)
    for tag, starts, ends, axes, steps in (
        ("plain", [1, 0], [3, 4], [0, 2], [1, 2]),
        ("back", [-1, 10**9], [-(10**9), 0], [2, 1], [-2, -1]),
        ("nothing", [3], [1], [-1], [1]),
        ("beyond", [2], [100], [1], [3]),
    ):
        lists = [given(v, I64) for v in (starts, ends, axes, steps)]
        yield case("Slice", [x, *lists], "bounds as data", tag=tag)
    yield case("Slice", [x, ints(1, 1), ints(3, 3)], "no axes", tag="first")
    yield case("Slice", [t(6, d0=("n", [3, 9])), ints(-3), ints(9)], "a symbol", tag="symbol")


def shapes():
    for tag, shape in (("same", [6, 4]), ("left", [2, -1, 3]), ("copied", [0, 4, -1])):
        yield case("Reshape", [t(2, 3, 4), given(shape, I64)], "a shape as data", tag=tag)
    yield case("Squeeze", [t(1, 3, 1, 4), ints(-2)], "axes as data", tag="data", ranks=(3,))
    yield case("Unsqueeze", [t(3, 4), ints(3, 0)], "axes as data", tag="data", ranks=(4,))
    yield case("Expand", [t(3, 1), ints(2, 3, 4)], "a shape as data", tag="data")
    yield case("Tile", [t(2, 3), ints(2, 0)], "none of it", tag="none")
    yield case("Tile", [t(2, 3), ints(2, 3)], "repeats as data", tag="data")
    yield case("ConstantOfShape", [ints(2, 3)], "a shape as data", tag="data")
    sizes = ints(1, 0, 5)
    yield case("Split", [t(6, 2), sizes], "as data", outputs=3, tag="data", ranks=(2, 2, 2))
    yield case("Trilu", [t(4, 5), given(-2, I64)], "k as data", tag="data")
    for axis in (1, -2):
        yield case("CumSum", [t(3, 4), given(axis, I32)], "an axis as data", tag=f"{axis}")
    for axes in (None, (0, 2)):
        lists = [] if axes is None else [None, given(list(axes), I64)]
        pads = [1, 0, -1, 0, 2, 1] if axes is None else [1, 0, 0, 2]
        inputs = [t(3, 4, 5), given(pads, I64), *lists]
        yield case("Pad", inputs, "as data", opset=18, tag=f"{axes}", ranks=(3,))
    for mode in ("reflect", "edge", "wrap"):
        yield case("Pad", [t(3, 4), ints(1, 2, 2, 0)], "pads as data", tag=mode, mode=mode)
    middle = [t(7, 4, 3), ints(4, 7)]
    yield case("CenterCropPad", middle, "a shape as data", opset=18, ranks=(3,), axes=[0, 1])


def resizes():
    x = t(1, 2, 4, 5)
    for mode in ("nearest", "linear", "cubic"):
        for up in (0.6, 2.3):
            scales = given([1, 1, up, up], F32)
            yield case(
                "Resize",
                [x, None, scales],
                "scales as data; positions are f64 here, f32 in the oracle",
                tag=f"data-{mode}-{up}",
                tolerance=(1e-4, 1e-5),
                mode=mode,
            )
        sizes = given([1, 2, 3, 7], I64)
        yield case("Resize", [x, None, None, sizes], "sizes as data", tag=mode, mode=mode)


def orders():
    ties = given(np.array([[3, 1, 3, -0.0], [0.0, np.inf, -np.inf, 2]], F32))
    for largest in (0, 1):
        yield case("TopK", [ties, ints(3)], "ties", outputs=2, tag=f"{largest}", largest=largest)
    yield case("TopK", [t(5, 3), ints(2)], "another axis", outputs=2, tag="axis", axis=0)
    yield case("NonZero", [t(3, 4, dtype=BOOL)], "bool", tag="bool")
    yield case("NonZero", [given([[0, 0], [0, 0]], I32)], "none", tag="none")
    yield case("Compress", [t(3, 4), given([False, True, True])], "rows", axis=0, tag="rows")
    yield case("Compress", [t(3, 4), given([True, False, True])], "a short mask", tag="flat")
    for order in (0, 1):
        x = given([2.0, 1.0, 1.0, 3.0, 4.0, 3.0], F32)
        yield case("Unique", [x], "repeats", outputs=4, tag=f"{order}", sorted=order)
    rng = np.random.default_rng(5)
    many = given(rng.integers(-300, 300, 5000).astype(F32), F32)
    rows = given(rng.integers(0, 2, (3, 90, 2)), I64)
    for order in (0, 1):
        yield case("Unique", [many], "many", outputs=4, tag=f"many-{order}", sorted=order)
        options = {"outputs": 4, "tag": f"slices-{order}", "sorted": order, "axis": 1}
        yield case("Unique", [rows], "slices of several numbers", **options)
    yield case("TopK", [many, ints(4000)], "many", outputs=2, tag="many")
    for largest in (0, 1):
        options = {"outputs": 2, "tag": f"few-{largest}", "largest": largest}
        yield case("TopK", [many, ints(40)], "few of many", **options)
    rows = given(rng.integers(-30, 30, (90, 70)).astype(F32), F32)
    yield case("TopK", [rows, ints(3)], "few of each column", outputs=2, tag="columns", axis=0)


def suppressions():
    """More boxes than a vector has lanes; few and many that stay; thresholds that matter or not."""
    rng = np.random.default_rng(6)
    corners = rng.random((2, 300, 4), dtype=F32)
    centers = np.concatenate([corners[..., :2], corners[..., 2:] * 0.2 + 0.01], 2).astype(F32)
    scores = rng.random((2, 5, 300), dtype=F32)
    scores[0, 1] = np.round(scores[0, 1], 1)  # ties
    scores[1, 2] = 0
    for tag, boxes, most, overlap, least, center in (
        ("few", centers, 7, 0.3, 0.4, 1),
        ("all", centers, 300, 0.5, 0.0, 1),
        ("none", centers, 20, 0.5, 2.0, 1),
        ("no-room", centers, 0, 0.5, 0.1, 1),
        ("corners", corners, 10**9, 0.1, 0.6, 0),
    ):
        limits = [given([most], I64), given([overlap], F32), given([least], F32)]
        inputs = [given(boxes, F32), given(scores, F32), *limits]
        options = {"tag": tag, "center_point_box": center}
        yield case("NonMaxSuppression", inputs, "many boxes", **options)
    inputs = [given(centers, F32), given(scores, F32), given([3], I64)]
    yield case("NonMaxSuppression", inputs, "no thresholds", tag="plain", center_point_box=1)


def signals():
    for kind, number in ((F32, 1), (F64, 11)):
        size = given(7, I64)
        tag = f"data-{kind.__name__}"
        yield case("HannWindow", [size], "as data", tag=tag, ranks=(1,), output_datatype=number)


def cases():
    for group in (reductions, slices, shapes, resizes, orders, suppressions, signals):
        yield from group()
