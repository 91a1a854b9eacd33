# SPDX-License-Identifier: Apache-2.0
"""Operators that move data: reshape, transpose, slice, pad, concat, split, gather, casts; and the
arithmetic on sizes that exporters write.

Gives: `cases()`. Keeps true: moved data is compared exactly.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from op_harness import BOOL, F16, F32, F64, I8, I32, I64, U8, case, const, given, graph_case, t

INT64_MAX = 2**63 - 1
TYPES = (F32, F64, F16, I8, U8, I32, I64, BOOL)


def reshapes():
    for shape, to, why in (
        ((2, 3, 4), [6, 4], "joined"),
        ((6, 4), [2, 3, 4], "split"),
        ((2, 3, 4), [-1], "flat"),
        ((2, 3, 4), [0, -1], "a copied and a computed dim"),
        ((1,), [], "to a scalar"),
        ((0, 3), [3, 0], "no element"),
    ):
        attrs = {"allowzero": 1} if 0 in shape else {}
        yield case(
            "Reshape",
            [t(*shape), const(to, I64)],
            why,
            14,
            tag="to" + "x".join(map(str, to)),
            exact=True,
            **attrs,
        )
    yield case(
        "Reshape",
        [t(2, 3, 4, d0=("n", [1, 7])), const([-1, 12], I64)],
        "a symbolic size",
        14,
        tag="symbolic",
        exact=True,
    )
    for axis in (0, 1, 2, 3, -1):
        yield case("Flatten", [t(2, 3, 4)], "axes", 13, tag=f"axis{axis}", exact=True, axis=axis)
    yield case("Squeeze", [t(1, 3, 1, 5), const([0, 2], I64)], "named axes", 13, exact=True)
    yield case(
        "Squeeze",
        [t(1, 3, 1, 5), const([-2], I64)],
        "a negative axis",
        13,
        tag="negative",
        exact=True,
    )
    yield case("Squeeze", [t(1, 3, 1, 5)], "all of size 1", 13, tag="all", exact=True)
    yield case("Squeeze", [t(1, 3, 1, 5)], "axes as attribute", 11, exact=True, axes=[0, 2])
    yield case("Unsqueeze", [t(3, 5), const([0, 3], I64)], "around", 13, exact=True)
    yield case(
        "Unsqueeze", [t(3, 5), const([-1], I64)], "a negative axis", 13, tag="negative", exact=True
    )
    yield case("Unsqueeze", [t(3, 5)], "axes as attribute", 7, exact=True, axes=[1])
    for perm in ([1, 0], [0, 1]):
        yield case("Transpose", [t(17, 33)], "a matrix", 13, tag=str(perm), exact=True, perm=perm)
    for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0]):
        yield case(
            "Transpose", [t(2, 3, 5, 17)], "rank four", 13, tag=str(perm), exact=True, perm=perm
        )
    yield case("Transpose", [t(2, 3, 4)], "no perm: reversed", 13, tag="default", exact=True)
    yield case(
        "Transpose",
        [t(2, 3, d0=("n", [1, 9]))],
        "a symbolic size",
        13,
        tag="symbolic",
        exact=True,
        perm=[1, 0],
    )
    for dtype in TYPES:
        yield case("Transpose", [t(5, 3, dtype=dtype, low=0)], "types", 13, exact=True)
    yield case("DepthToSpace", [t(2, 8, 3, 5)], "DCR", 13, exact=True, blocksize=2)
    yield case(
        "DepthToSpace", [t(2, 8, 3, 5)], "CRD", 13, tag="crd", exact=True, blocksize=2, mode="CRD"
    )
    yield case("SpaceToDepth", [t(2, 3, 4, 6)], "the inverse", 13, exact=True, blocksize=2)


def slices():
    x = t(5, 17)
    for starts, ends, axes, steps, why in (
        ([1, 2], [4, 9], [0, 1], [1, 1], "inside"),
        ([-3], [INT64_MAX], [1], [1], "to the end"),
        ([0], [INT64_MAX], [1], [2], "every second"),
        ([-1], [-INT64_MAX], [1], [-1], "backwards"),
        ([9], [2], [1], [-3], "backwards by three"),
        ([20], [30], [1], [1], "behind the end: empty"),
        ([-99], [99], [0], [1], "limits are cut"),
        ([2], [-1], [-1], [1], "a negative axis"),
    ):
        yield case(
            "Slice",
            [x, const(starts, I64), const(ends, I64), const(axes, I64), const(steps, I64)],
            why,
            13,
            tag="_".join(map(str, starts + ends[:1] + steps)).replace(str(INT64_MAX), "max"),
            exact=True,
        )
    yield case(
        "Slice",
        [x, const([1, 2], I64), const([4, 9], I64)],
        "axes by default",
        13,
        tag="default",
        exact=True,
    )
    yield case("Slice", [x], "limits as attributes", 7, exact=True, starts=[1, 2], ends=[4, 9])
    yield case(
        "Slice",
        [x, const([1], I32), const([4], I32), const([1], I32)],
        "32-bit limits",
        10,
        tag="i32",
        exact=True,
    )
    yield case(
        "Slice",
        [t(5, 17, d1=("n", [3, 40])), const([1], I64), const([-1], I64), const([1], I64)],
        "a symbolic size",
        13,
        tag="symbolic",
        exact=True,
    )
    for value in (None, 1.5):
        extra = [] if value is None else [const(value, F32)]
        yield case(
            "Pad",
            [t(3, 5), const([1, 0, 2, 4], I64), *extra],
            "zeros or a value",
            13,
            tag=f"value{value}",
            exact=True,
        )
    yield case(
        "Pad",
        [t(2, 3, 4, 5), const([0, 0, 1, 2, 0, 0, 2, 1], I64)],
        "the spatial dims",
        13,
        exact=True,
    )
    yield case(
        "Pad", [t(3, 5), const([-1, 0, 0, -2], I64)], "negative: cut", 13, tag="cut", exact=True
    )
    yield case("Pad", [t(3, 5)], "as attributes", 7, exact=True, pads=[0, 1, 2, 0], value=2.0)
    for mode in ("edge", "reflect"):
        yield case(
            "Pad", [t(3, 5), const([1, 2, 2, 3], I64)], "modes", 13, tag=mode, exact=True, mode=mode
        )
    yield case(
        "Pad",
        [t(3, 5), const([2, 1], I64), const(0.5, F32), const([1], I64)],
        "named axes",
        18,
        tag="axes",
        exact=True,
    )


def joins():
    for dtype in TYPES:
        yield case(
            "Concat",
            [t(2, 3, dtype=dtype, low=0), t(2, 5, dtype=dtype, low=0)],
            "types",
            13,
            exact=True,
            axis=1,
        )
    for axis in (0, 1, 2, -1):
        yield case(
            "Concat",
            [t(3, 4, 5), t(3, 4, 5), t(3, 4, 5)],
            "axes",
            13,
            tag=f"axis{axis}",
            exact=True,
            axis=axis,
        )
    yield case("Concat", [t(3, 4)], "one operand", 13, exact=True, axis=0)
    yield case("Concat", [t(0, 4), t(3, 4)], "an empty operand", 13, exact=True, axis=0)
    yield case(
        "Concat",
        [t(2, 4, d0=("n", [1, 9])), t(3, 4)],
        "a symbolic size",
        13,
        tag="symbolic",
        exact=True,
        axis=0,
    )
    yield case(
        "Split", [t(6, 5), const([1, 2, 3], I64)], "given sizes", 13, outputs=3, exact=True, axis=0
    )
    yield case("Split", [t(6, 5)], "equal parts", 13, outputs=3, tag="equal", exact=True, axis=0)
    yield case(
        "Split", [t(5, 6)], "sizes as attribute", 11, outputs=2, exact=True, axis=-1, split=[2, 4]
    )
    yield case(
        "Split",
        [t(5, 7)],
        "a smaller last part",
        18,
        outputs=3,
        tag="num",
        exact=True,
        axis=1,
        num_outputs=3,
    )
    yield case("Tile", [t(2, 3), const([2, 3], I64)], "both dims", 13, exact=True)
    yield case("Tile", [t(2, 3), const([1, 1], I64)], "nothing", 13, tag="one", exact=True)
    for shape, to, why in (
        ((3, 1), [3, 5], "a column"),
        ((1,), [2, 3], "a scalar of rank 1"),
        ((3, 1), [2, 1, 5], "ranks"),
        ((3, 5), [1], "the input is the larger"),
    ):
        yield case(
            "Expand",
            [t(*shape), const(to, I64)],
            why,
            13,
            tag="to" + "x".join(map(str, to)),
            exact=True,
        )


def sizes():
    yield case("Shape", [t(2, 3, 5)], "all", 13, exact=True)
    yield case(
        "Shape",
        [t(2, 3, 5, d1=("n", [1, 8]))],
        "a part, symbolic",
        15,
        tag="part",
        exact=True,
        start=1,
        end=-1,
    )
    yield case("Size", [t(2, 3, 5, d0=("n", [0, 8]))], "symbolic", 13, exact=True)
    yield case("ConstantOfShape", [const([2, 3], I64)], "zeros by default", 9, exact=True)
    value = numpy_helper.from_array(np.array([7], I64))
    yield case(
        "ConstantOfShape",
        [const([2, 3], I64)],
        "a value with its type",
        9,
        tag="value",
        exact=True,
        value=value,
    )
    yield case("Range", [const(1, I64), const(12, I64), const(3, I64)], "integers", 11, exact=True)
    yield case(
        "Range",
        [const(3.0, F32), const(-1.0, F32), const(-0.5, F32)],
        "floats, backwards",
        11,
        exact=True,
    )
    for source in (F32, F64, I32, I64, U8, I8, BOOL, F16):
        for target in (F32, F64, I32, I64, U8, BOOL, F16):
            if source != target:
                x = t(3, 17, dtype=source, low=0, high=100)
                to = int(helper.np_dtype_to_tensor_dtype(np.dtype(target)))
                yield case("Cast", [x], "types", 13, tag=np.dtype(target).name, exact=True, to=to)
    yield case(
        "Cast",
        [given([1.9, -1.9, 0.5, -0.5, 1e6], F32)],
        "towards 0",
        13,
        tag="trunc",
        exact=True,
        to=TensorProto.INT32,
    )
    yield case(
        "Cast",
        [given([0.0, -0.0, np.nan, 0.1], F32)],
        "what is true",
        13,
        tag="truth",
        exact=True,
        to=TensorProto.BOOL,
    )
    yield case("CastLike", [t(3, 5), t(1, dtype=I32)], "another's type", 15, exact=True)
    yield case(
        "NonZero", [given([[1, 0, 2], [0, 3, 0]], F32)], "as many as there are", 13, exact=True
    )
    yield case("TopK", [t(3, 9), const([4], I64)], "the largest", 11, outputs=2, exact=True)
    yield case(
        "TopK",
        [t(3, 9), const([2], I64)],
        "the smallest",
        11,
        outputs=2,
        tag="smallest",
        exact=True,
        largest=0,
    )


def shape_arithmetic():
    """What exporters write: sizes taken from tensors, computed with, and given to Reshape."""
    n = helper.make_node
    x = t(2, 6, 5, d0=("n", [1, 7]))
    c = {
        "i1": const([1], I64),
        "i0": const(0, I64),
        "two": const(2, I64),
        "half": const([3, 2, 5], I64),
    }
    nodes = [
        n("Shape", ["x"], ["s"]),
        n("Gather", ["s", "i0"], ["n0"], axis=0),
        n("Unsqueeze", ["n0", "ax"], ["n1"]),
        n("Concat", ["n1", "half"], ["to"], axis=0),
        n("Reshape", ["x", "to"], ["y"]),
    ]
    yield graph_case(
        "shape_to_reshape",
        "batch is kept by arithmetic",
        nodes,
        {"x": x, "i0": c["i0"], "ax": const([0], I64), "half": c["half"]},
        ["y"],
        exact=True,
    )
    nodes = [
        n("Shape", ["x"], ["s"]),
        n("Slice", ["s", "b", "e"], ["m"]),
        n("Cast", ["m"], ["f"], to=TensorProto.FLOAT),
        n("Sqrt", ["f"], ["q"]),
        n("Div", ["x", "q"], ["y"]),
    ]
    yield graph_case(
        "scale_by_size",
        "attention's scale as exporters write it",
        nodes,
        {"x": t(2, 3, 16, d2=("m", [4, 33])), "b": const([-1], I64), "e": const([INT64_MAX], I64)},
        ["y"],
    )
    nodes = [
        n("Shape", ["x"], ["s"]),
        n("ConstantOfShape", ["s"], ["o"], value=numpy_helper.from_array(np.ones(1, F32))),
        n("Add", ["x", "o"], ["y"]),
    ]
    yield graph_case(
        "ones_of_shape", "a constant of a symbolic shape", nodes, {"x": x}, ["y"], exact=True
    )
    nodes = [
        n("Shape", ["x"], ["s"]),
        n("Mul", ["s", "k"], ["t"]),
        n("Expand", ["x4", "big"], ["z"]),
        n("Identity", ["t"], ["y"]),
    ]
    yield graph_case(
        "size_is_output",
        "arithmetic on sizes is the answer",
        nodes,
        {"x": x, "k": const([1, 2, 3], I64), "x4": t(1, 4), "big": const([3, 4], I64)},
        ["y", "z"],
        exact=True,
    )
    nodes = [
        n("Shape", ["ids"], ["s"]),
        n("Gather", ["s", "one"], ["q"], axis=0),
        n("Unsqueeze", ["q", "ax"], ["e"]),
        n("Slice", ["table", "z", "e", "ax"], ["p"]),
        n("Gather", ["words", "ids"], ["w"], axis=0),
        n("Add", ["w", "p"], ["y"]),
    ]
    yield graph_case(
        "positions",
        "an encoder's embeddings: a table cut at the sequence's length",
        nodes,
        {
            "ids": t(2, 5, dtype=I64, low=0, high=9, d1=("m", [1, 12])),
            "one": const(1, I64),
            "ax": const([0], I64),
            "z": const([0], I64),
            "table": t(12, 8),
            "words": t(10, 8),
        },
        ["y"],
        exact=True,
    )


def cases():
    yield from reshapes()
    yield from slices()
    yield from joins()
    yield from sizes()
    yield from shape_arithmetic()
