# SPDX-License-Identifier: Apache-2.0
"""Sizes that only a run decides, arithmetic on them, and values at the edge of what an operator is
defined for.

Gives: `cases()`. Keeps true: each symbol runs at several values, and where a size has to be a
multiple or large enough, at values that are.
"""

import numpy as np
from cases_meet import at_sizes, named, pairs
from onnx import helper
from op_harness import F32, F64, I64, U8, case, const, given, graph_case, t, weights

node = helper.make_node


def resizes():
    even = {"d2": ("rows", [1, 5]), "d3": ("columns", [2, 7])}
    for mode, coordinates, nearest in (
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("nearest", "half_pixel", "ceil"),
        ("linear", "half_pixel", "round_prefer_floor"),
        ("linear", "pytorch_half_pixel", "round_prefer_floor"),
        ("linear", "align_corners", "round_prefer_floor"),
        ("linear", "asymmetric", "round_prefer_floor"),
    ):
        for scale in (2.0, 1.5):
            yield case(
                "Resize",
                [t(1, 2, 3, 4, **even), None, const([1, 1, scale, scale], F32)],
                "symbolic sizes",
                tag=f"symbolic-{mode}-{coordinates}-{nearest}-{scale}",
                mode=mode,
                coordinate_transformation_mode=coordinates,
                nearest_mode=nearest,
            )
    # Half, then back to the size of what was not halved.
    yield graph_case(
        "Resize-to-the-skip",
        "a size that another value has",
        [
            node("MaxPool", ["x"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Shape", ["half"], ["s"]),
            node("Shape", ["x"], ["sx"]),
            node("Slice", ["s", "zero", "two"], ["front"]),
            node("Slice", ["sx", "two", "four"], ["back"]),
            node("Concat", ["front", "back"], ["sizes"], axis=0),
            node("Resize", ["half", "", "", "sizes"], ["up"], mode="linear"),
            node("Concat", ["x", "up"], ["y"], axis=1),
        ],
        {
            "x": t(1, 2, 4, 6, d2=("rows", [2, 7]), d3=("columns", [3])),
            "zero": const([0], I64),
            "two": const([2], I64),
            "four": const([4], I64),
        },
        ["y"],
    )


def fits():
    yield case(
        "Conv",
        [t(1, 2, 7, d2=("long", [5, 6])), weights(3, 2, 5)],
        "from the smallest size that the window takes",
        tag="smallest",
    )
    yield case(
        "MaxPool",
        [t(1, 2, 7, d2=("long", [3, 5]))],
        "from the smallest size that the window takes",
        tag="smallest",
        kernel_shape=[3],
        strides=[2],
    )
    yield case(
        "Reshape",
        [t(2, 8, 12, 6, d0=("batch", [1]), d1=("rows", [4, 12])), const([0, -1, 4, 3, 4, 6], I64)],
        "windows of 4 x 4",
        14,
        tag="windows",
        exact=True,
    )
    yield case(
        "Pad",
        [t(5, d0=("long", [3, 4])), const([2, 2], I64)],
        "a symbolic size",
        tag="reflect-symbolic",
        exact=True,
        mode="reflect",
    )


def pads():
    """F.pad with pads that are sizes, as PyTorch exports it: pairs, last dimension first."""
    names = {"pairs": [-1, 2], "zero": [0], "one": [1], "three": [3], "last": [-1]}
    names |= {"end": [-(2**63) + 1], "two": [2]}
    yield graph_case(
        "Pad-by-sizes",
        "pads that are computed, turned around and flattened",
        [
            node("Shape", ["x"], ["s"]),
            node("Slice", ["s", "zero", "one"], ["v"]),
            node("Mod", ["v", "three"], ["odd"]),
            node("Concat", ["two", "odd", "v", "one"], ["p"], axis=0),
            node("Reshape", ["p", "pairs"], ["rows"]),
            node("Slice", ["rows", "last", "end", "zero", "last"], ["turned"]),
            node("Transpose", ["turned"], ["columns"], perm=[1, 0]),
            node("Reshape", ["columns", "last"], ["flat"]),
            node("Pad", ["x", "flat"], ["y"]),
        ],
        {"x": t(5, 3, d0=("long", [1, 8])), **{k: const(v, I64) for k, v in names.items()}},
        ["y"],
        exact=True,
    )


def shape_arithmetic():
    x = t(5, 3, d0=("long", [1, 8]))
    zero, one = const([0], I64), const([1], I64)
    chains = {
        "gather-last-axis": [node("Gather", ["s", "zero"], ["n"], axis=-1)],
        "there-and-back": [
            node("Unsqueeze", ["s", "zero"], ["u"]),
            node("Squeeze", ["u", "zero"], ["v"]),
            node("Slice", ["v", "zero", "one"], ["n"]),
        ],
        "clip": [
            node("Slice", ["s", "zero", "one"], ["v"]),
            node("Clip", ["v", "three"], ["n"]),
        ],
        "max-of-three": [
            node("Slice", ["s", "zero", "one"], ["v"]),
            node("Max", ["v", "one", "three1"], ["n"]),
        ],
        "half-rounded-up": [
            node("Slice", ["s", "zero", "one"], ["v"]),
            node("Cast", ["v"], ["f"], to=1),
            node("Div", ["f", "two"], ["h"]),
            node("Ceil", ["h"], ["c"]),
            node("Cast", ["c"], ["n"], to=7),
        ],
        "half-rounded-down": [
            node("Slice", ["s", "zero", "one"], ["v"]),
            node("Cast", ["v"], ["f"], to=1),
            node("Mul", ["f", "half"], ["h"]),
            node("Floor", ["h"], ["c"]),
            node("Cast", ["c"], ["n"], to=7),
        ],
    }
    constants = {
        "zero": zero,
        "one": one,
        "three": const(3, I64),
        "three1": const([3], I64),
        "two": const([2.0], F32),
        "half": const([0.5], F32),
    }
    for name, chain in chains.items():
        used = {i for n in chain for i in n.input}
        yield graph_case(
            f"sizes-{name}",
            "arithmetic that exporters write",
            [node("Shape", ["x"], ["s"]), *chain, node("ConstantOfShape", ["n"], ["y"])],
            {"x": x, **{k: v for k, v in constants.items() if k in used}},
            ["y"],
            exact=True,
        )


def slices():
    """Bounds whose sign only a run decides: below 0 they count from the end."""
    limits = {"end": [2**63 - 1], "back": [-1], "far": [-(2**63)]}
    for name, bounds in {
        "start": ["place", "end", "zero"],
        "end": ["zero", "place", "zero"],
        "start-backwards": ["place", "far", "zero", "back"],
        "end-backwards": ["back", "place", "zero", "back"],
    }.items():
        yield graph_case(
            f"Slice-{name}-of-either-sign",
            "a third of the size less one",
            [
                node("Shape", ["x"], ["s"]),
                node("Gather", ["s", "zero"], ["n"], axis=0),
                node("Div", ["n", "three"], ["third"]),
                node("Sub", ["third", "one"], ["place"]),
                node("Slice", ["x", *bounds], ["y"]),
            ],
            {
                "x": t(7, 3, d0=("long", [0, 1, 2, 3, 5, 6, 20])),
                **{"zero": const([0], I64), "one": const([1], I64), "three": const([3], I64)},
                **{k: const(v, I64) for k, v in limits.items() if k in bounds},
            },
            ["y"],
            exact=True,
        )


def short_weights():
    x = {"x": t(1, 1, 2, 3)}
    two = const([2.0, 2.0], F32)
    chains = {
        "concat": (
            [node("Concat", ["a", "b"], ["k"], axis=0)],
            {"a": weights_of([1, 1]), "b": two},
        ),
        "slice": (
            [node("Slice", ["a", "from", "to"], ["k"])],
            {
                "a": weights_of([9, 1, 1, 2, 2]),
                "from": const([1], I64),
                "to": const([5], I64),
            },
        ),
        "over-the-size": (
            [
                node("Shape", ["x"], ["s"]),
                node("Cast", ["s"], ["f"], to=1),
                node("Div", ["a", "f"], ["k"]),
            ],
            {"a": weights_of([1, 1, 4, 6])},
        ),
    }
    for name, (chain, constants) in chains.items():
        yield graph_case(
            f"Resize-scales-{name}",
            "scales computed from initializers",
            [*chain, node("Resize", ["x", "", "k"], ["y"], mode="nearest")],
            {**x, **constants},
            ["y"],
            exact=True,
        )


def weights_of(values):
    return const(np.array(values, F32))


def edges():
    yield case(
        "Pow",
        [given([-0.0, -np.inf, np.inf, 4.0, -1.0, np.nan], F32), const(0.5, F32)],
        "pow is no sqrt at -0 and -inf",
        tag="half",
    )
    for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"):
        yield case(
            op,
            [t(2, 3, low=0.5, high=2.0), const(np.zeros(0, I64))],
            "no axes: the element-wise part stays",
            18,
            tag="noop",
            noop_with_empty_axes=1,
        )
    for start, step in ((-5, -1), (-3, -2), (0, -1)):
        yield case(
            "Slice",
            [t(3), *(const([v], I64) for v in (start, -(2**63), 0, step))],
            "a start before the first element is the first",
            tag=f"before{start}step{step}",
            exact=True,
        )
    yield case(
        "LayerNormalization",
        [t(2, 3, dtype=F64), weights(3, dtype=F64)],
        "statistics are f32 beside f64 values",
        outputs=1,
        tag="f64",
    )
    yield graph_case(
        "Mul-wraps-constant",
        "200 * 200 is 64 in u8",
        [
            node("Constant", [], ["a"], value=helper.make_tensor("a", 2, [1], [200])),
            node("Mul", ["a", "a"], ["c"]),
            node("Div", ["c", "a"], ["d"]),
            node("Add", ["x", "d"], ["y"]),
        ],
        {"x": t(1, dtype=U8, low=0, high=9)},
        ["y"],
        exact=True,
    )


def sums_of_any_length():
    """Nothing, one term, a chunk of 8192 or a block of 4096 and more. Terms of -0: a sum of them is
    +0 in a chain from +0, and so is a sum of nothing."""
    k = ("k", [0, 1, 8205])
    x, y = t(2, 5, d1=k), t(5, 17, d0=k)
    tolerance = (1e-4, 1e-4)
    yield case("MatMul", [x, y], "any length", tag="any-k", tolerance=tolerance)
    yield case(
        "MatMul",
        [t(2, 3, 5, d2=k), t(2, 5, 9, d1=k)],
        "any length, batches",
        tag="any-k",
        tolerance=tolerance,
    )
    yield case(
        "MatMul",
        [t(3, 1, 5, d2=k), t(3, 5, 1, d1=k)],
        "any length, one result each",
        tag="any-k-dots",
        tolerance=tolerance,
    )
    yield case("Gemm", [x, y], "any length", tag="any-k", tolerance=tolerance, alpha=2.0)
    yield case(
        "Einsum", [x, y], "any length", tag="any-k", tolerance=tolerance, equation="ik,kn->in"
    )
    for op in ("ReduceSum", "ReduceL2", "ReduceProd"):
        rows = t(3, 5, d1=("k", [0, 1, 4101]), low=0.9, high=1.1)
        yield case(op, [rows, const([1], I64)], "any length", 18, tag="any-k", tolerance=tolerance)


def zeros_of_both_signs():
    zeros = given([0.0, -0.0, 1.0, -1.0] * 5, F32)
    others = given([0.0] * 5 + [-0.0] * 5 + [2.0] * 5 + [-2.0] * 5, F32)
    for op in ("Neg", "Abs", "Ceil", "Floor", "Round", "Sqrt", "Tanh", "Sin", "Identity"):
        yield case(op, [zeros], "keeps the sign of a zero", tag="zeros")
    for op in ("Add", "Sub", "Mul", "Div"):
        yield case(op, [zeros, others], "the sign of a zero", tag="zeros", exact=True)
    yield case("Concat", [zeros, others], "moves bits", tag="zeros", exact=True, axis=0)


def reshapes_of_none():
    yield at_sizes(
        "Reshape-computed-of-none",
        "a computed size that is 0 is the one that 0 copies",
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "i1"], ["a"]),
            node("Gather", ["s", "i2"], ["b"]),
            node("Mul", ["a", "b"], ["ab"]),
            node("Concat", ["zero", "ab"], ["to"], axis=0),
            node("Reshape", ["x", "to"], ["y"]),
        ],
        {
            "x": named("n", "m", 3),
            **{f"i{k}": const([k], I64) for k in (1, 2)},
            "zero": const([0], I64),
        },
        ["y"],
        pairs((2, 3), (2, 0)),
    )
    yield at_sizes(
        "Reshape-none-to-none",
        "no element, under sizes of 0 on both sides",
        [
            node("Reshape", ["x", "to"], ["y"], allowzero=1),
            node("SpaceToDepth", ["e"], ["z"], blocksize=2),
            node("DepthToSpace", ["e"], ["d"], blocksize=2),
        ],
        {"x": named("n", 0), "to": const([0, 7], I64), "e": t(1, 4, 0, 0)},
        ["y", "z", "d"],
        [{"n": n} for n in (3, 0)],
    )


def cases():
    yield from resizes()
    yield from fits()
    yield from pads()
    yield from shape_arithmetic()
    yield from slices()
    yield from short_weights()
    yield from edges()
    yield from sums_of_any_length()
    yield from zeros_of_both_signs()
    yield from reshapes_of_none()
