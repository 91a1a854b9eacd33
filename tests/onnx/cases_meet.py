# SPDX-License-Identifier: Apache-2.0
"""Sizes of which only a run decides whether they fit: broadcasts that may meet a 1, equations that
hold for some sizes, dimensions without a real name.

Gives: `cases()`. Keeps true: each model runs at sizes that are equal, at 1 on either side, odd,
even and empty, wherever the standard allows it; one compiled model serves all.
"""

import zlib

import numpy as np
from onnx import helper
from op_harness import BOOL, F32, I64, U8, Case, const, fill, graph_model, t, weights

node = helper.make_node


def at_sizes(name, why, nodes, tensors, outputs, sizes, opset=17, rtol=1e-5, atol=1e-6):
    """A Case that runs at exactly the given sizes of all symbols."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    model = graph_model(nodes, tensors, outputs, opset, rng)
    given = [(n, x) for n, x in tensors.items() if not x.constant]
    runs = [{n: fill(x, rng, s) for n, x in given} for s in sizes]
    return Case(name, why, model, runs, rtol, atol, False)


def named(*shape, dtype=F32):
    """A random input; a name in the shape is a symbol."""
    symbols = {f"d{i}": (s, []) for i, s in enumerate(shape) if isinstance(s, str)}
    return t(*(1 if isinstance(s, str) else s for s in shape), dtype=dtype, **symbols)


def pairs(*values):
    return [{"n": n, "m": m} for n, m in values]


EITHER = pairs((3, 3), (1, 3), (3, 1), (1, 1), (8, 8), (40, 40), (1, 40), (40, 1))
EMPTY = pairs((0, 0), (0, 1), (1, 0))


def element_wise():
    for op in ("Min", "Max", "Sum", "Mean"):
        yield at_sizes(
            f"{op}-variadic",
            "a size meets a number",
            [node(op, ["x", "y", "s"], ["z"])],
            {"x": named("n", 4), "y": named(2, 4), "s": named()},
            ["z"],
            [{"n": 2}, {"n": 1}],
        )
    shapes = {
        "outer": (("n", 5), ("m", 5)),
        "inner": (("n",), ("m",)),
        "ranks": ((3, "n"), ("m",)),
        "both": (("n", "m"), ("m", "n")),
    }
    for name, (x, y) in shapes.items():
        yield at_sizes(
            f"Add-meet-{name}",
            "two sizes meet, either may be 1",
            [node("Add", ["x", "y"], ["s"]), node("Relu", ["s"], ["z"])],
            {"x": named(*x), "y": named(*y)},
            ["z"],
            EITHER + EMPTY,
        )
    yield at_sizes(
        "Where-meet",
        "three operands, three sizes",
        [node("Where", ["c", "x", "y"], ["z"])],
        {"c": named("k", 1, dtype=BOOL), "x": named("n", 3), "y": named("m", 3)},
        ["z"],
        [
            {"k": k, "n": n, "m": m}
            for k, n, m in ((2, 2, 2), (1, 2, 1), (2, 1, 1), (1, 1, 7), (1, 1, 1), (7, 1, 7))
        ],
    )
    yield at_sizes(
        "Add-chain-meet",
        "a sum of three: what two have in common meets a third",
        [
            node("Add", ["x", "y"], ["a"]),
            node("Mul", ["a", "w"], ["b"]),
            node("Add", ["b", "x"], ["z"]),
        ],
        {"x": named("n", 3), "y": named("m", 3), "w": named("k", 3)},
        ["z"],
        [
            {"k": k, "n": n, "m": m}
            for k, n, m in ((2, 2, 2), (1, 2, 1), (2, 1, 1), (1, 1, 5), (9, 1, 9))
        ],
    )


def expansions():
    yield at_sizes(
        "Expand-meet",
        "to the shape of another value, both ways",
        [node("Shape", ["y"], ["s"]), node("Expand", ["x", "s"], ["z"])],
        {"x": named("n", 1), "y": named("m", 4)},
        ["z"],
        EITHER,
    )
    yield at_sizes(
        "MatMul-batches-meet",
        "batches of two operands",
        [node("MatMul", ["x", "y"], ["z"])],
        {"x": named("n", 5, 3), "y": named("m", 3, 4)},
        ["z"],
        EITHER,
    )
    yield at_sizes(
        "Gemm-bias-meet",
        "a bias for each row, or one for all",
        [node("Gemm", ["x", "w", "c"], ["z"])],
        {"x": named("n", 3), "w": weights(3, 4), "c": named("m", 4)},
        ["z"],
        pairs((3, 3), (3, 1), (1, 1), (17, 17), (17, 1)),
    )
    yield at_sizes(
        "MatMul-k-of-two-names",
        "the sizes to be summed have to be one",
        [node("MatMul", ["x", "y"], ["z"])],
        {"x": named(4, "n"), "y": named("m", 5)},
        ["z"],
        pairs((1, 1), (7, 7), (32, 32)),
    )


def attention(mask):
    """Scores, a mask with names of its own, values."""
    return [
        node("MatMul", ["q", "kt"], ["s"]),
        *mask,
        node("Add", ["s", "bias"], ["t"]),
        node("Softmax", ["t"], ["p"], axis=-1),
        node("MatMul", ["p", "v"], ["z"]),
    ]


def masks():
    sizes = [
        {"b": b, "s": s, "mb": mb, "ms": ms}
        for b, s, mb, ms in ((2, 8, 2, 8), (2, 8, 1, 8), (2, 8, 2, 1), (1, 5, 1, 5), (3, 17, 1, 1))
    ]
    mask = [
        node("Cast", ["mask"], ["f"], to=1),
        node("Sub", ["one", "f"], ["inverse"]),
        node("Mul", ["inverse", "far"], ["bias"]),
    ]
    yield at_sizes(
        "attention-mask-of-other-names",
        "a mask whose sizes are named apart from what it masks",
        attention(mask),
        {
            "q": named("b", 2, "s", 8),
            "kt": named("b", 2, 8, "s"),
            "v": named("b", 2, "s", 8),
            "mask": named("mb", 1, 1, "ms", dtype=I64),
            "one": const(1.0, F32),
            "far": const(-1000.0, F32),
        },
        ["z"],
        sizes,
        rtol=1e-4,
        atol=1e-5,
    )


UP = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}


def layers():
    """Two layers of attention with what was there added back: sizes that two have in common meet
    theirs again."""
    nodes, tensors, last = [], {"x": named("b", "s", 8), "bias": named("mb", 1, "ms")}, "x"
    tensors["y"] = named("yb", "ys", 8)
    nodes.append(node("Add", ["x", "y"], ["h"]))
    last = "h"
    for i in range(2):
        nodes += [
            node("Transpose", [last], [f"t{i}"], perm=[0, 2, 1]),
            node("MatMul", [last, f"t{i}"], [f"s{i}"]),
            node("Add", [f"s{i}", "bias"], [f"m{i}"]),
            node("Softmax", [f"m{i}"], [f"p{i}"], axis=-1),
            node("MatMul", [f"p{i}", last], [f"c{i}"]),
            node("Add", [f"c{i}", last], [f"h{i}"]),
        ]
        last = f"h{i}"
    names = ("b", "s", "yb", "ys", "mb", "ms")
    runs = ((2, 5, 2, 5, 2, 5), (2, 5, 1, 5, 1, 1), (1, 1, 2, 16, 2, 16), (1, 7, 1, 1, 3, 7))
    yield at_sizes(
        "attention-layers-of-other-names",
        "sizes that two have in common meet one of them again",
        nodes,
        tensors,
        [last],
        [dict(zip(names, run, strict=True)) for run in runs],
        rtol=1e-4,
        atol=1e-4,
    )


def pyramid(levels):
    nodes, tensors = [], {"x": named("n", 3, "h", "w"), "scales": const([1, 1, 2, 2], F32)}
    last, names = "x", []
    for i in range(levels):
        tensors[f"w{i}"] = weights(4, 4 if i else 3, 3, 3)
        attrs = {"strides": [2, 2], "pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
        nodes.append(node("Conv", [last, f"w{i}"], [f"c{i}"], **attrs))
        last = f"c{i}"
        names.append(last)
    for i in range(levels - 1, 0, -1):
        nodes.append(node("Resize", [last, "", "scales"], [f"u{i}"], **UP))
        nodes.append(node("Add", [names[i - 1], f"u{i}"], [f"p{i}"]))
        last = f"p{i}"
    return nodes, tensors, last


def pyramids():
    nodes, tensors, last = pyramid(2)
    yield at_sizes(
        "pyramid-of-any-size",
        "stride 2 down, doubled up, added to what was there: also where a size is not a multiple",
        nodes,
        tensors,
        [last],
        [{"n": 1, "h": h, "w": w} for h, w in ((32, 48), (8, 20), (63, 64), (1, 4), (2, 3))],
        rtol=1e-4,
        atol=1e-5,
    )
    nodes, tensors, last = pyramid(4)
    nodes.append(node("Relu", [last], ["z"]))
    yield at_sizes(
        "pyramid-of-four",
        "conditions that build on each other",
        nodes,
        tensors,
        ["z"],
        [{"n": n, "h": h, "w": w} for n, h, w in ((1, 16, 32), (2, 47, 48), (1, 15, 15))],
        rtol=1e-4,
        atol=1e-3,
    )
    nodes, tensors, last = pyramid(3)
    nodes = nodes[:3] + [
        node("Resize", ["c2", "", "four"], ["u2"], **UP),
        node("Resize", ["c1", "", "scales"], ["u1"], **UP),
        node("Concat", ["c0", "u1", "u2"], ["z"], axis=1),
    ]
    yield at_sizes(
        "Concat-of-rounded-sizes",
        "differently rounded sizes side by side",
        nodes,
        {**tensors, "four": const([1, 1, 4, 4], F32)},
        ["z"],
        [{"n": 1, "h": h, "w": w} for h, w in ((8, 16), (7, 8), (15, 24))],
        rtol=1e-4,
        atol=1e-5,
    )


def frames():
    names = {"zero": [0], "one": [1], "two": [2], "frame": [256], "most": [255], "three": [0, 0, 0]}
    yield at_sizes(
        "Pad-to-whole-frames",
        "an equation that holds for every length",
        [
            node("Shape", ["x"], ["shape"]),
            node("Slice", ["shape", "one", "two"], ["n"]),
            node("Sub", ["frame", "n"], ["short"]),
            node("Max", ["short", "zero"], ["p"]),
            node("Concat", ["three", "p"], ["pads"], axis=0),
            node("Pad", ["x", "pads"], ["x1"]),
            node("Max", ["n", "frame"], ["m"]),
            node("Add", ["m", "most"], ["up"]),
            node("Div", ["up", "frame"], ["k"]),
            node("Mul", ["k", "frame"], ["whole"]),
            node("Sub", ["whole", "m"], ["q"]),
            node("Concat", ["three", "q"], ["pads2"], axis=0),
            node("Pad", ["x1", "pads2"], ["x2"]),
            node("Concat", ["one", "k", "frame"], ["to"], axis=0),
            node("Reshape", ["x2", "to"], ["y"]),
        ],
        {"x": named(1, "n"), **{k: const(v, I64) for k, v in names.items()}},
        ["y"],
        [{"n": n} for n in (1000, 256, 100, 512, 257, 1, 0)],
    )


def splits_and_shapes():
    yield at_sizes(
        "Slice-backwards-Split",
        "the size of a part that is counted from the end",
        [
            node("Slice", ["x", "a", "b", "ax", "st"], ["v"]),
            node("Split", ["v", "sp"], ["s1", "s2"], axis=1),
        ],
        {
            "x": named(1, "n", 33),
            "a": const([-10], I64),
            "b": const([-(2**31)], I64),
            "ax": const([1], I64),
            "st": const([-1], I64),
            "sp": const([3, 5], I64),
        },
        ["s1", "s2"],
        [{"n": 17}],
    )
    yield at_sizes(
        "Reshape-of-a-product",
        "-1 of a product of two sizes",
        [node("Reshape", ["x", "s"], ["y"]), node("Relu", ["y"], ["z"])],
        {"x": named("n", "m"), "s": const([-1, 4], I64)},
        ["z"],
        pairs((2, 2), (4, 3), (1, 8), (8, 5), (0, 3)),
    )
    yield at_sizes(
        "Reshape-across-a-batch",
        "an equation with the batch in it",
        [node("Reshape", ["x", "s"], ["y"])],
        {"x": named("n", "m", 4), "s": const([0, 12], I64)},
        ["y"],
        pairs((1, 3), (5, 3), (0, 3)),
    )
    yield at_sizes(
        "Split-in-half",
        "equal parts of a size",
        [node("Split", ["x"], ["a", "b"], axis=0), node("Mul", ["a", "b"], ["z"])],
        {"x": named("n", 3)},
        ["z"],
        [{"n": n} for n in (2, 6, 64, 0)],
    )
    yield at_sizes(
        "Concat-then-add-twice",
        "a size that is the double of another",
        [node("Concat", ["y", "y"], ["yy"], axis=0), node("Add", ["x", "yy"], ["z"])],
        {"x": named("n", 3), "y": named("m", 3)},
        ["z"],
        pairs((2, 1), (8, 4), (1, 3), (34, 17), (0, 0)),
    )


def positions():
    yield at_sizes(
        "positions-of-a-table",
        "a table of positions cut to the length at hand",
        [
            node("Shape", ["x"], ["s"]),
            node("Slice", ["s", "one", "two"], ["n"]),
            node("Slice", ["table", "zero", "n", "one"], ["p"]),
            node("Add", ["x", "p"], ["z"]),
        ],
        {
            "x": named(2, "n", 4),
            "table": weights(1, 16, 4),
            "zero": const([0], I64),
            "one": const([1], I64),
            "two": const([2], I64),
        },
        ["z"],
        [{"n": n} for n in (1, 7, 16, 0)],
    )


def scattered():
    yield at_sizes(
        "scatter-rows-of-another-name",
        "updates whose rows have a name of their own",
        [node("ScatterND", ["x", "i", "u"], ["z"])],
        {"x": named(8, "n", 5), "i": const([[3], [0]], I64), "u": named(2, "m", 5)},
        ["z"],
        pairs((3, 3), (1, 1), (16, 16), (0, 0)),
    )
    yield at_sizes(
        "scales-of-another-name",
        "a scale per channel whose count has a name of its own",
        [node("DequantizeLinear", ["x", "s"], ["z"], axis=1)],
        {"x": named(2, "n", 5, dtype=U8), "s": named("m")},
        ["z"],
        pairs((3, 3), (1, 1), (16, 16)),
    )


def cases():
    yield from element_wise()
    yield from expansions()
    yield from masks()
    yield from layers()
    yield from pyramids()
    yield from frames()
    yield from splits_and_shapes()
    yield from positions()
    yield from scattered()
