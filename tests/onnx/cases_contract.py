# SPDX-License-Identifier: Apache-2.0
"""Contractions: matmul, gemm, einsum, convolutions and pools, float and integer.

Gives: `cases()`. Keeps true: integer products are compared exactly; the tolerance of a float sum
fits its length.
"""

import numpy as np
from op_harness import F16, F32, F64, I8, I32, NEWEST, U8, case, const, given, t, weights

CLOSE = (1e-4, 1e-4)  # sums of tens to hundreds of products of values up to 2

# (a, b, why)
MATMULS = [
    ((3, 5), (5, 7), "nothing divides"),
    ((16, 16), (16, 16), "all divide"),
    ((1, 33), (33, 17), "one row"),
    ((17, 33), (33, 1), "one column"),
    ((1, 300), (300, 1), "a dot product"),
    ((31, 65), (65, 33), "one over and one under a block"),
    ((64, 300), (300, 48), "several tiles"),
    ((5, 1), (1, 7), "an outer product"),
    ((3, 0), (0, 4), "an empty sum"),
    ((5,), (5, 7), "a vector first"),
    ((3, 5), (5,), "a vector second"),
    ((5,), (5,), "two vectors"),
    ((2, 3, 5), (2, 5, 7), "a batch"),
    ((2, 3, 5), (5, 7), "one matrix for a batch"),
    ((3, 5), (2, 5, 7), "one matrix first"),
    ((2, 1, 3, 5), (4, 5, 7), "batches that grow"),
    ((2, 3, 9, 16), (2, 3, 16, 9), "attention's form"),
    ((4, 9000), (9000, 20), "more than one chunk of 8192"),
]


def matmuls():
    for a, b, why in MATMULS:
        yield case("MatMul", [t(*a), t(*b)], why, 13, tolerance=(1e-4, 1e-3 if 9000 in a else 1e-4))
        if len(b) == 2 and 0 not in b:
            yield case(
                "MatMul",
                [t(*a), weights(*b)],
                why + ", known weights",
                13,
                tag="weights",
                tolerance=(1e-4, 1e-3 if 9000 in a else 1e-4),
            )
    for opset in (7, 9, NEWEST):
        yield case("MatMul", [t(3, 5), t(5, 7)], "opsets", opset)
    yield case(
        "MatMul", [t(3, 5, dtype=F64), t(5, 7, dtype=F64)], "double", 13, tolerance=(1e-12, 1e-12)
    )
    yield case(
        "MatMul", [t(3, 5, dtype=F16), t(5, 7, dtype=F16)], "half", 13, tolerance=(5e-3, 1e-2)
    )
    yield case(
        "MatMul",
        [t(3, 5, dtype=I32, low=-9, high=9), t(5, 7, dtype=I32, low=-9, high=9)],
        "integers",
        13,
        exact=True,
    )
    yield case(
        "MatMul",
        [t(3, 48, d0=("n", [1, 7, 14, 33])), weights(48, 40)],
        "a symbolic row count",
        13,
        tag="symbolic",
        tolerance=CLOSE,
    )
    yield case(
        "MatMul",
        [t(2, 4, 9, 16, d2=("s", [1, 17])), t(2, 4, 16, 9, d3=("s", [1, 17]))],
        "symbolic attention",
        13,
        tag="attention",
        tolerance=CLOSE,
    )
    for transposed_a in (0, 1):
        for transposed_b in (0, 1):
            a = t(9, 17) if transposed_a else t(17, 9)
            b = weights(33, 9) if transposed_b else weights(9, 33)
            yield case(
                "Gemm",
                [a, b, weights(33)],
                "sides",
                13,
                tag=f"t{transposed_a}{transposed_b}",
                transA=transposed_a,
                transB=transposed_b,
                tolerance=CLOSE,
            )
    for c, why in (
        ((17, 33), "full"),
        ((1, 33), "a row"),
        ((17, 1), "a column"),
        ((1,), "one"),
        ((), "a scalar"),
    ):
        yield case(
            "Gemm", [t(17, 9), t(9, 33), t(*c)], why, 13, alpha=0.5, beta=2.0, tolerance=CLOSE
        )
    yield case("Gemm", [t(17, 9), t(9, 33)], "no third operand", 13, alpha=0.5, tolerance=CLOSE)
    yield case("Gemm", [t(17, 9), t(9, 33), t(33)], "an old opset", 7, tolerance=CLOSE)
    for equation, shapes in (
        ("ij,jk->ik", ((3, 5), (5, 7))),
        ("bij,bjk->bik", ((2, 3, 5), (2, 5, 7))),
        ("ij->ji", ((3, 5),)),
        ("bhid,bhjd->bhij", ((2, 3, 4, 8), (2, 3, 5, 8))),
        ("ij->", ((3, 5),)),
        ("i,j->ij", ((3,), (5,))),
        ("ii->i", ((4, 4),)),
    ):
        tag = equation.replace("->", "_").replace(",", "_")
        yield case(
            "Einsum",
            [t(*s) for s in shapes],
            equation,
            12,
            tag=tag,
            equation=equation,
            tolerance=CLOSE,
        )


def integer_matmuls():
    for a, b in ((U8, I8), (U8, U8), (I8, I8)):
        x, y = t(17, 64, dtype=a, low=-128, high=255), t(64, 33, dtype=b, low=-128, high=255)
        yield case("MatMulInteger", [x, y], "no zero points", 10, tag=np.dtype(b).name, exact=True)
        yield case(
            "MatMulInteger",
            [x, y, given(3, a), given(2, b)],
            "zero points",
            10,
            tag="zero" + np.dtype(b).name,
            exact=True,
        )
    yield case(
        "MatMulInteger",
        [given(np.full((4, 300), 255), U8), given(np.full((300, 20), -128), I8)],
        "the largest products: no saturation",
        10,
        tag="extreme",
        exact=True,
    )
    yield case(
        "MatMulInteger",
        [t(1, 37, dtype=U8, low=0, high=255), t(37, 5, dtype=I8, low=-128, high=127)],
        "one row, a tail",
        10,
        exact=True,
    )
    yield case(
        "DynamicQuantizeLinear", [t(3, 17)], "three outputs", 11, outputs=3, tolerance=(1e-6, 1e-7)
    )
    yield case(
        "QuantizeLinear",
        [t(3, 17, low=-9, high=9), const(0.1, F32), const(7, U8)],
        "one scale",
        13,
        exact=True,
    )
    yield case(
        "DequantizeLinear",
        [t(3, 17, dtype=U8, low=0, high=255), const(0.1, F32), const(7, U8)],
        "one scale",
        13,
    )
    yield case(
        "DequantizeLinear",
        [t(3, 4, dtype=I8, low=-99, high=99), const([0.1, 0.2, 0.3], F32), const([1, 2, 3], I8)],
        "a scale a row",
        13,
        tag="axis",
        axis=0,
    )


# (input, weights, attributes, why)
CONVS = [
    ((1, 3, 8, 8), (4, 3, 3, 3), {}, "no padding"),
    ((1, 3, 9, 7), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}, "same size"),
    ((2, 16, 14, 14), (32, 16, 3, 3), {"pads": [1, 1, 1, 1]}, "full lane blocks, a batch"),
    ((1, 16, 9, 9), (17, 16, 1, 1), {}, "pointwise"),
    ((1, 40, 7, 7), (48, 40, 1, 1), {"strides": [2, 2]}, "pointwise with a stride"),
    ((1, 3, 33, 33), (16, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}, "a first layer"),
    ((1, 8, 9, 9), (8, 8, 3, 3), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}, "dilated"),
    ((1, 8, 9, 8), (6, 8, 3, 2), {"pads": [1, 0, 0, 1], "strides": [2, 1]}, "uneven everything"),
    ((1, 8, 9, 9), (8, 1, 3, 3), {"group": 8, "pads": [1, 1, 1, 1]}, "depthwise"),
    (
        (1, 24, 9, 9),
        (24, 1, 3, 3),
        {"group": 24, "pads": [1, 1, 1, 1], "strides": [2, 2]},
        "depthwise with a stride",
    ),
    ((1, 6, 9, 9), (12, 1, 5, 5), {"group": 6}, "depthwise with a multiplier"),
    ((1, 12, 7, 7), (9, 4, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}, "three groups"),
    ((2, 5, 19), (7, 5, 4), {"strides": [2]}, "one dimension"),
    ((1, 16, 33, 1), (40, 16, 5, 1), {}, "a window in one dimension"),
    ((1, 3, 5, 6, 7), (4, 3, 3, 3, 3), {"pads": [1, 1, 1, 1, 1, 1]}, "three dimensions"),
    ((1, 4, 3, 3), (5, 4, 3, 3), {}, "the window is the image"),
    ((1, 4, 1, 1), (5, 4, 3, 3), {"pads": [1, 1, 1, 1]}, "mostly padding"),
    ((1, 100, 6, 6), (20, 100, 3, 3), {"pads": [1, 1, 1, 1]}, "channels that do not divide"),
    ((1, 4, 8, 8), (5, 4, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, "padding by name"),
    ((1, 4, 8, 8), (5, 4, 2, 2), {"auto_pad": "SAME_LOWER"}, "padding by the other name"),
    ((1, 4, 8, 8), (5, 4, 3, 3), {"auto_pad": "VALID"}, "no padding by name"),
]


def convolutions():
    for x, w, attrs, why in CONVS:
        bias = [weights(w[0])] if len(x) % 2 == 0 else []
        yield case("Conv", [t(*x), weights(*w), *bias], why, 11, tolerance=CLOSE, **attrs)
    yield case(
        "Conv",
        [t(1, 3, 8, 8), t(4, 3, 3, 3)],
        "weights are an input",
        11,
        tag="input",
        tolerance=CLOSE,
    )
    yield case(
        "Conv",
        [
            t(1, 3, 8, 8, d0=("n", [2, 5]), d2=("h", [5, 17]), d3=("w", [6, 16])),
            weights(4, 3, 3, 3),
            weights(4),
        ],
        "symbolic batch and image",
        11,
        tag="symbolic",
        tolerance=CLOSE,
        pads=[1, 1, 1, 1],
    )
    for opset in (7, NEWEST):
        yield case(
            "Conv",
            [t(1, 3, 8, 8), weights(4, 3, 3, 3), weights(4)],
            "opsets",
            opset,
            tolerance=CLOSE,
        )
    yield case(
        "Conv",
        [t(1, 3, 8, 8, dtype=F64), weights(4, 3, 3, 3, dtype=F64)],
        "double",
        11,
        tag="f64",
        tolerance=(1e-12, 1e-12),
    )
    yield case(
        "ConvTranspose",
        [t(1, 5, 6, 6), weights(5, 4, 4, 4)],
        "an upsampler",
        11,
        tolerance=CLOSE,
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    )
    yield case(
        "ConvTranspose",
        [t(1, 5, 4, 4), weights(5, 4, 3, 3), weights(4)],
        "stride one",
        11,
        tolerance=CLOSE,
    )
    yield case(
        "ConvTranspose",
        [t(1, 6, 5, 5), weights(6, 2, 3, 3)],
        "groups and output padding",
        11,
        tolerance=CLOSE,
        group=2,
        strides=[2, 2],
        output_padding=[1, 1],
    )


POOLS = [
    ((1, 3, 8, 8), {"kernel_shape": [2, 2], "strides": [2, 2]}, "halves"),
    (
        (1, 5, 9, 9),
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        "a first layer's",
    ),
    ((2, 17, 7, 6), {"kernel_shape": [3, 2]}, "uneven"),
    ((1, 3, 8, 8), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, "rounded up"),
    ((1, 3, 9), {"kernel_shape": [3], "strides": [2]}, "one dimension"),
    ((1, 2, 5, 6, 7), {"kernel_shape": [2, 2, 2]}, "three dimensions"),
    ((1, 3, 8, 8), {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}, "padding by name"),
]


def pools():
    for x, attrs, why in POOLS:
        yield case(
            "MaxPool",
            [t(*x, low=-9, high=-1)],
            why,
            12,
            exact=True,
            tag=why.replace(" ", "_"),
            **attrs,
        )
        yield case("AveragePool", [t(*x)], why, 11, tag=why.replace(" ", "_"), **attrs)
    yield case(
        "MaxPool",
        [t(1, 3, 9, 9)],
        "dilated",
        12,
        tag="dilated",
        exact=True,
        kernel_shape=[3, 3],
        dilations=[2, 2],
    )
    yield case(
        "AveragePool",
        [t(1, 3, 8, 8)],
        "padding counts",
        11,
        tag="count",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        count_include_pad=1,
    )
    yield case(
        "AveragePool",
        [t(1, 3, 8, 8)],
        "padding does not count",
        11,
        tag="nocount",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
    )
    for opset in (7, NEWEST):
        yield case("MaxPool", [t(1, 3, 8, 8)], "opsets", opset, exact=True, kernel_shape=[2, 2])
        yield case("AveragePool", [t(1, 3, 8, 8)], "opsets", opset, kernel_shape=[2, 2])
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        for x, why in (
            ((2, 5, 7, 7), "images"),
            ((1, 3, 1, 1), "one pixel"),
            ((1, 4, 9), "one dimension"),
            ((1, 2, 70, 70), "more than one block"),
        ):
            yield case(op, [t(*x)], why, 7)
    yield case(
        "GlobalAveragePool",
        [t(1, 5, 7, 7, d0=("n", [3]), d2=("h", [1, 8]), d3=("w", [9]))],
        "symbolic",
        7,
        tag="symbolic",
    )
    yield case(
        "MaxPool",
        [t(1, 5, 9, 9, d0=("n", [3]), d2=("h", [10, 17]))],
        "symbolic",
        12,
        tag="symbolic",
        exact=True,
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    )


def cases():
    yield from matmuls()
    yield from integer_matmuls()
    yield from convolutions()
    yield from pools()
