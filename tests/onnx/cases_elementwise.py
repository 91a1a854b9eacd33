# SPDX-License-Identifier: Apache-2.0
"""Element-wise operators: odd sizes, broadcasts, special values, types, old opsets.

Gives: `cases()`. Keeps true: operators that round once or not at all are compared exactly.
"""

import numpy as np
from op_harness import (
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    NEWEST,
    U8,
    U32,
    U64,
    case,
    const,
    given,
    t,
)

SHAPES = [
    ((), "a scalar"),
    ((1,), "one element"),
    ((16,), "one lane block"),
    ((17,), "a lane block and a tail"),
    ((0, 4), "no element"),
    ((3, 5), "nothing divides"),
    ((2, 3, 4, 5), "rank four"),
    ((1000, 33), "enough for several threads"),
]

# (a, b, why): how two operands meet.
BROADCASTS = [
    ((3, 5), (5,), "a row"),
    ((3, 5), (3, 1), "a column"),
    ((3, 5), (), "a scalar"),
    ((3, 1), (1, 5), "both grow"),
    ((5,), (2, 3, 5), "the first has the lower rank"),
    ((2, 1, 4, 1), (3, 1, 33), "both grow at different ranks"),
    ((2, 3), (0, 2, 3), "no element"),
]

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-45,
    -1e-40,
    3.4e38,
    -3.4e38,
    0.5,
    2.5,
    -2.5,
    88.5,
    -104.0,
]

# Operator -> (low, high, opset it came with). Domains avoid poles; special values come on top.
UNARY = {
    "Abs": (-3, 3, 13), "Neg": (-3, 3, 13), "Exp": (-20, 20, 13), "Log": (0.01, 50, 13),
    "Sqrt": (0, 9, 13), "Reciprocal": (0.3, 9, 13), "Tanh": (-6, 6, 13), "Sigmoid": (-12, 12, 13),
    "Erf": (-4, 4, 13), "Sin": (-20, 20, 7), "Cos": (-20, 20, 7), "Tan": (-1.4, 1.4, 7),
    "Asin": (-1, 1, 7), "Acos": (-1, 1, 7), "Atan": (-9, 9, 7), "Sinh": (-5, 5, 9),
    "Cosh": (-5, 5, 9), "Asinh": (-9, 9, 9), "Acosh": (1.1, 9, 9), "Atanh": (-0.9, 0.9, 9),
    "Floor": (-9, 9, 13), "Ceil": (-9, 9, 13), "Round": (-9, 9, 11), "Sign": (-2, 2, 13),
    "Relu": (-2, 2, 14), "Softplus": (-9, 9, 1), "Softsign": (-9, 9, 1), "Identity": (-2, 2, 16),
    "HardSwish": (-5, 5, 14), "Mish": (-5, 5, 18),
}  # fmt: skip
EXACT = {"Abs", "Neg", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Relu", "Identity"}
# Where ONNX Runtime's own approximation is the coarser one.
LOOSE = {"Exp": (3e-6, 1e-7), "Erf": (1e-5, 1e-6), "Tan": (2e-5, 1e-6)}
# Special values where engines rightly differ (a NaN's sign, relu of NaN) are left to the C++ tests.
SPECIAL_UNARY = ["Abs", "Neg", "Exp", "Sqrt", "Floor", "Ceil", "Tanh", "Erf", "Atan"]

BINARY = ["Add", "Sub", "Mul", "Div", "Pow", "PRelu"]
VARIADIC = ["Max", "Min", "Sum", "Mean"]
COMPARE = {"Equal": 13, "Less": 13, "Greater": 13, "LessOrEqual": 16, "GreaterOrEqual": 16}


def unary():
    for op, (low, high, since) in UNARY.items():
        exact = op in EXACT
        tolerance = LOOSE.get(op)
        for shape, why in SHAPES:
            yield case(
                op,
                [t(*shape, low=low, high=high)],
                why,
                max(17, since),
                exact=exact,
                tolerance=tolerance,
            )
        yield case(
            op,
            [t(3, 5, low=low, high=high)],
            "the newest opset",
            NEWEST,
            exact=exact,
            tolerance=tolerance,
        )
        if since < 17 and op not in ("HardSwish",):
            yield case(
                op,
                [t(3, 5, low=low, high=high)],
                "an old opset",
                max(7, min(since, 13)),
                exact=exact,
                tolerance=tolerance,
            )
        yield case(
            op,
            [t(4, 5, low=low, high=high, d0=("n", [1, 9, 0]))],
            "a symbolic size",
            max(17, since),
            tag="symbolic",
            exact=exact,
            tolerance=tolerance,
        )
    for op in SPECIAL_UNARY:
        yield case(
            op, [given(SPECIAL, F32)], "special values", tag="special", tolerance=(1e-5, 1e-42)
        )
    for op in ("Abs", "Neg", "Exp", "Log", "Sqrt", "Tanh", "Floor", "Relu"):
        low, high, _ = UNARY[op]
        yield case(op, [t(7, 3, dtype=F64, low=low, high=high)], "double", tolerance=(1e-12, 1e-13))
    # The oracle's own double erf is rounded to single.
    yield case("Erf", [t(7, 3, dtype=F64, low=-4, high=4)], "double", tolerance=(1e-7, 1e-8))
    for op in ("Abs", "Exp", "Tanh", "Relu", "Sigmoid"):
        yield case(
            op, [t(7, 3, dtype=F16)], "half is stored, computed in single", tolerance=(2e-3, 1e-3)
        )
    for dtype in (I8, I16, I32, I64):
        yield case("Abs", [t(7, 3, dtype=dtype, low=-99, high=99)], "integers", exact=True)
        yield case("Neg", [t(7, 3, dtype=dtype, low=-99, high=99)], "integers", exact=True)
    yield case(
        "Round",
        [given([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 8388609.0], F32)],
        "ties to even",
        tag="ties",
        exact=True,
    )
    yield case("IsNaN", [given(SPECIAL, F32)], "special values", exact=True)
    yield case("IsInf", [given(SPECIAL, F32)], "special values", exact=True)
    yield case(
        "IsInf", [given(SPECIAL, F32)], "one sign", tag="positive", exact=True, detect_negative=0
    )
    yield case("Not", [t(3, 5, dtype=BOOL)], "booleans", exact=True)


def parametrised():
    x = t(5, 17, low=-4, high=4)
    yield case("LeakyRelu", [x], "the default slope", 16)
    yield case("LeakyRelu", [x], "a slope", 16, tag="slope", alpha=0.3)
    yield case("Elu", [x], "the default", alpha=1.0)
    yield case("Elu", [x], "another scale", tag="scale", alpha=0.7)
    yield case("Selu", [x], "the default")
    yield case("Celu", [x], "a scale", 12, alpha=2.0)
    yield case("ThresholdedRelu", [x], "a threshold", alpha=0.5)
    yield case("HardSigmoid", [x], "the default")
    yield case("HardSigmoid", [x], "other values", tag="ab", alpha=0.3, beta=0.4)
    yield case("Gelu", [x], "exact", 20)
    yield case(
        "Gelu", [x], "the tanh form", 20, tag="tanh", approximate="tanh", tolerance=(1e-5, 2e-6)
    )
    yield case("Shrink", [x], "a dead zone", 9, lambd=1.0, bias=0.5)
    yield case("Clip", [x, const(-1.0, F32), const(2.0, F32)], "both limits, known", 13, exact=True)
    yield case(
        "Clip",
        [x, given(-1.0, F32), given(2.0, F32)],
        "both limits, when it runs",
        13,
        tag="dynamic",
        exact=True,
    )
    yield case("Clip", [x, None, const(1.0, F32)], "no lower limit", 13, tag="upper", exact=True)
    yield case("Clip", [x, const(0.0, F32)], "no upper limit", 13, tag="lower", exact=True)
    yield case(
        "Clip", [x], "limits as attributes", 7, tag="attributes", exact=True, min=0.0, max=6.0
    )
    yield case(
        "Clip",
        [t(5, 7, dtype=I32, low=-9, high=9), const(-3, I32), const(4, I32)],
        "integers",
        13,
        exact=True,
    )
    yield case("Dropout", [x], "does nothing when not training", 13, exact=True)
    yield case("Dropout", [x], "an old opset", 7, exact=True, ratio=0.3)


def binary():
    for op in BINARY:
        low = 0.3 if op in ("Div", "Pow") else -2.0
        tolerance = (1e-5, 1e-6) if op == "Pow" else None
        exact = op != "Pow"
        for shape, why in SHAPES:
            yield case(
                op,
                [t(*shape, low=low), t(*shape, low=low)],
                why,
                17,
                exact=exact,
                tolerance=tolerance,
            )
        for a, b, why in BROADCASTS:
            if op == "PRelu" and (len(b) > len(a) or np.broadcast_shapes(a, b) != a):
                continue  # the slope may only grow to the input
            yield case(op, [t(*a, low=low), t(*b, low=low)], why, exact=exact, tolerance=tolerance)
        yield case(
            op,
            [t(4, 5, low=low, d0=("n", [1, 9])), t(1, 5, low=low)],
            "a symbolic size",
            tag="symbolic",
            exact=exact,
            tolerance=tolerance,
        )
        yield case(
            op,
            [t(3, 5, low=low), t(3, 5, low=low)],
            "an old opset",
            7,
            exact=exact,
            tolerance=tolerance,
        )
        yield case(
            op,
            [t(3, 5, low=low), t(3, 5, low=low)],
            "the newest opset",
            NEWEST,
            exact=exact,
            tolerance=tolerance,
        )


def binary_types():
    for op in ("Add", "Sub", "Mul", "Div"):
        yield case(
            op,
            [given(SPECIAL, F32), given(SPECIAL[::-1], F32)],
            "special values",
            tag="special",
            exact=True,
        )
        yield case(
            op, [t(7, 3, dtype=F64, low=0.3), t(7, 3, dtype=F64, low=0.3)], "double", exact=True
        )
        yield case(
            op,
            [t(7, 3, dtype=F16, low=0.3), t(7, 3, dtype=F16, low=0.3)],
            "half",
            tolerance=(1e-3, 1e-3),
        )
        for dtype in (I8, I16, I32, I64, U8, U32, U64):
            yield case(
                op,
                [t(7, 3, dtype=dtype, low=1, high=9), t(7, 3, dtype=dtype, low=1, high=9)],
                "integers",
                exact=True,
            )
    yield case(
        "Div",
        [given([7, -7, 7, -7], I32), given([2, 2, -2, -2], I32)],
        "integers go towards 0",
        tag="signs",
        exact=True,
    )
    yield case(
        "Add", [given([2**31 - 1], I32), given([1], I32)], "integers wrap", tag="wrap", exact=True
    )
    yield case(
        "Mod",
        [given([7, -7, 7, -7], I32), given([3, 3, -3, -3], I32)],
        "the divisor's sign",
        exact=True,
    )
    yield case(
        "Mod",
        [given([7, -7, 7, -7], I64), given([3, 3, -3, -3], I64)],
        "C's sign",
        exact=True,
        fmod=1,
    )
    yield case(
        "Mod",
        [given([7.5, -7.5, 7.5], F32), given([2.0, 2.0, -2.0], F32)],
        "fmod of floats",
        exact=True,
        fmod=1,
    )
    yield case(
        "Pow", [t(3, 5, low=-3), const(2.0, F32)], "a square", tag="square", tolerance=(1e-6, 1e-7)
    )
    yield case("Pow", [t(3, 5, low=-3), const(3.0, F32)], "a cube of negatives", tag="cube")
    yield case("Pow", [t(3, 5, low=0), const(0.5, F32)], "a root", tag="root")
    yield case(
        "Pow", [t(3, 5, low=-3, high=3), given([2], I64)], "an integer exponent", 15, tag="integer"
    )
    yield case(
        "PRelu",
        [t(2, 3, 5, 5), const(np.array([0.1, 0.2, 0.3]).reshape(3, 1, 1), F32)],
        "a slope a channel",
        tag="channel",
        exact=True,
    )


def variadic():
    for op in VARIADIC:
        exact = op in ("Max", "Min")
        yield case(op, [t(3, 5)], "one operand", 13, exact=exact)
        yield case(op, [t(3, 5), t(3, 5)], "two", 13, exact=exact)
        yield case(op, [t(3, 5), t(5), t(2, 1, 5)], "three that grow", 13, exact=exact)
        yield case(op, [t(3, 5), t(3, 5)], "opset 8", 8, exact=exact)
    for op in ("Max", "Min"):
        for dtype in (I32, I64, U8, F64):
            yield case(
                op,
                [t(7, 3, dtype=dtype, low=0, high=99), t(7, 3, dtype=dtype, low=0, high=99)],
                "types",
                13,
                exact=True,
            )


def logic():
    for op, since in COMPARE.items():
        yield case(
            op,
            [given(SPECIAL, F32), given(SPECIAL[::-1], F32)],
            "special values",
            since,
            exact=True,
        )
        yield case(
            op,
            [t(17, 5, dtype=I32, low=0, high=3), t(5, dtype=I32, low=0, high=3)],
            "integers",
            since,
            exact=True,
        )
        yield case(
            op, [t(17, 5, dtype=I64, low=0, high=3), const(1, I64)], "a constant", since, exact=True
        )
        yield case(op, [t(4, dtype=F64), t(4, dtype=F64)], "double", since, exact=True)
    yield case("Equal", [t(17, dtype=BOOL), t(17, dtype=BOOL)], "booleans", 13, exact=True)
    for op in ("And", "Or", "Xor"):
        yield case(op, [t(7, 5, dtype=BOOL), t(5, dtype=BOOL)], "a row", 7, exact=True)
    for dtype in (F32, F64, I32, I64, U8, BOOL, F16):
        yield case(
            "Where",
            [t(7, 5, dtype=BOOL), t(7, 5, dtype=dtype, low=0), t(7, 5, dtype=dtype, low=0)],
            "types",
            16,
            tag=np.dtype(dtype).name,
            exact=True,
        )
    yield case(
        "Where", [t(3, 1, dtype=BOOL), t(1, 5), t()], "all three grow", 9, tag="grow", exact=True
    )
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        for dtype in (I32, U8, I64):
            yield case(
                op,
                [t(17, dtype=dtype, low=0, high=200), t(17, dtype=dtype, low=0, high=200)],
                "bits",
                18,
                exact=True,
            )
    yield case("BitwiseNot", [t(17, dtype=I32, low=-99, high=99)], "bits", 18, exact=True)
    for direction in ("LEFT", "RIGHT"):
        yield case(
            "BitShift",
            [t(17, dtype=U32, low=0, high=2**31), t(17, dtype=U32, low=0, high=31)],
            "bits",
            11,
            tag=direction,
            exact=True,
            direction=direction,
        )


def cases():
    yield from unary()
    yield from parametrised()
    yield from binary()
    yield from binary_types()
    yield from variadic()
    yield from logic()
