# SPDX-License-Identifier: Apache-2.0
"""Operators of random models that work element by element.

Takes: the Builder `g`, which picks operands. Gives: `ROWS`, a function and its weight an operator.
Keeps true: what ONNX or ONNX Runtime leaves open stays out (division of integers by 0,
floats out of an integer's range, minima of NaN), so that one
answer is right.
"""

import numpy as np
from random_operands import ANY, exact, filled, finite, need, shape_of
from random_oracle import onnx_type
from random_values import BOOL, EXACT, F16, F32, F64, FLOATS, I32, I64, INTS, MOVES


UNARY_EXACT = {"Neg": FLOATS + (I64, I32), "Abs": ANY[:-1], "Sqrt": FLOATS, "Reciprocal": FLOATS}
UNARY_JUMPS = {"Floor": FLOATS, "Ceil": FLOATS, "Round": FLOATS, "Sign": ANY[:-1]}
SINGLE = ("Sigmoid", "Softplus", "Elu", "Tan", "Atan", "Softsign")
DOUBLE = ("Exp", "Log", "Sin", "Cos", "Tanh", "Erf")
UNARY_NEAR = {op: (F32, F32, F16) for op in SINGLE} | {op: (F32, F64, F16) for op in DOUBLE}


def unary_exact(g):
    op = g.choose(UNARY_EXACT)
    g.node(op, [g.pick(dtypes=UNARY_EXACT[op])], sure=EXACT)


def unary_jumps(g):
    op = g.choose(UNARY_JUMPS)
    g.node(op, [g.pick(exact, finite, dtypes=UNARY_JUMPS[op])], sure=EXACT)


def unary_near(g):
    op = g.choose(UNARY_NEAR)
    g.node(op, [g.pick(dtypes=UNARY_NEAR[op])], ulps=4, blur=2 if op == "Elu" else 0)


def relu(g):
    g.node("Relu", [g.pick(finite, dtypes=FLOATS + (I32,))], sure=EXACT)


def leaky(g):
    g.node("LeakyRelu", [g.pick(dtypes=(F32, F16))], alpha=0.25)


def prelu(g):
    x = g.pick(dtypes=(F32, F64), rank=(1, 4))
    dims = [d if g.chance(0.5) else (1,) * g.count for d in x.dims]
    g.node("PRelu", [x, g.like(x, dims)], sure=EXACT)


def rounded_kind(g):
    op = g.choose(["HardSigmoid", "HardSwish", "Selu", "ThresholdedRelu", "Mish"])
    need(op != "Mish" or g.opset >= 18)
    # exp(x) - 1 near 0, where it is computed so
    g.node(op, [g.pick(finite, dtypes=(F32,))], ulps=4, blur=2)


def test_of_kind(g):
    g.node(g.choose(["IsNaN", "IsInf"]), [g.pick(exact, dtypes=FLOATS)])


def add_sub_mul(g):
    x = g.pick(dtypes=FLOATS + INTS)
    pair = [x, g.partner(x)]
    g.node(g.choose(["Add", "Sub", "Mul"]), pair[:: g.choose([1, -1])], sure=EXACT)


def division(g):
    x = g.pick(dtypes=FLOATS + (I64, I32))
    if x.is_float():
        return g.node("Div", [x, g.partner(x)][:: g.choose([1, -1])], sure=EXACT)
    shape = g.partner(x).dims
    divisor = g.fresh(shape, x.dtype, lambda s, t: g.rng.choice([-7, -3, -2, 2, 3, 5], t))
    return g.node(g.choose(["Div", "Mod"]), [x, divisor], sure=EXACT)


def fmod(g):
    x = g.pick(exact, finite, dtypes=(F32, F64))
    y = g.partner(x, easy=True)
    need(y.exact() and all((a != 0).all() for a in y.data))
    g.node("Mod", [x, y], sure=EXACT, fmod=1)


def power(g):
    x = g.pick(finite, dtypes=(F32, F64))
    exponent = g.choose([2.0, 3.0, 0.5, -1.0, 1.0, 0.0, 2.5])
    g.node("Pow", [x, g.constant(np.array(exponent, x.dtype))], ulps=8)


def min_max(g):
    op = g.choose(["Min", "Max"])
    x = g.pick(finite, dtypes=FLOATS + INTS)
    rest = [g.partner(x, easy=True) for _ in range(g.number(1, 2))]
    need(all(v.finite() for v in rest))
    g.node(op, [x, *rest], sure=EXACT)


def several(g):
    x = g.pick(dtypes=(F32, F64))
    g.node(g.choose(["Sum", "Mean"]), [x, g.partner(x), g.partner(x)])


def compare(g):
    x = g.pick(exact, dtypes=FLOATS + INTS)
    y = g.partner(x)
    need(y.exact())
    g.node(g.choose(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]), [x, y])


def logic(g):
    x = g.pick(dtypes=(BOOL,))
    if g.chance(0.3):
        return g.node("Not", [x])
    return g.node(g.choose(["And", "Or", "Xor"]), [x, g.partner(x)])


def bits(g):
    need(g.opset >= 18)
    x = g.pick(dtypes=INTS)
    g.node(g.choose(["BitwiseAnd", "BitwiseOr", "BitwiseXor"]), [x, g.partner(x)])


def where(g):
    x = g.pick(dtypes=ANY)
    condition = g.partner(x, BOOL)
    g.node("Where", [condition, *[x, g.partner(x)][:: g.choose([1, -1])]], sure=MOVES)


def mask(g):
    """Where on a comparison of positions, as attention masks are made."""
    x = g.pick(filled, dtypes=FLOATS, rank=(1, 4))
    length = g.node("Gather", [shape_of(g, x), g.constant(-1, I64)], axis=0)
    positions = g.node("Range", [g.constant(0, I64), length, g.constant(1, I64)])
    limit = g.node("Div", [length, g.constant(2, I64)])
    condition = g.node(g.choose(["Less", "GreaterOrEqual"]), [positions, limit])
    other = g.constant(np.array(g.choose([0.0, -1.5]), x.dtype))
    g.node("Where", [condition, x, other], sure=MOVES)


def clip(g):
    x = g.pick(finite, dtypes=FLOATS + INTS)
    bounds = [g.constant(np.array(v, x.dtype)) for v in (1, 4)]
    if g.chance(0.3):
        bounds[g.number(0, 1)] = None
    g.node("Clip", [x, *bounds], sure=EXACT)


def cast(g):
    x = g.pick(exact, dtypes=ANY)
    to = g.choose(d for d in ANY if d != x.dtype)
    if x.is_float() and to.kind in "iu":
        info = np.iinfo(to)
        low, high = float(info.min), float(info.max) * (1 - 1e-6)
        wide = [a.astype(np.float64) for a in x.data]
        need(x.finite() and all(((a >= low) & (a <= high)).all() for a in wide), "out of range")
    g.node("Cast", [x], sure=MOVES if x.dtype.kind != "f" else EXACT, to=onnx_type(to))


def cast_near(g):
    x = g.pick(dtypes=FLOATS)
    to = g.choose(d for d in (F32, F64, F16) if d != x.dtype)
    g.node("Cast", [x], sure=EXACT, to=onnx_type(to))


def identity(g):
    g.node("Identity", [g.pick()], sure=MOVES)


ROWS = (
    (unary_exact, 4), (unary_jumps, 2), (unary_near, 4), (relu, 3), (leaky, 1), (prelu, 1),
    (rounded_kind, 1), (test_of_kind, 1), (add_sub_mul, 10), (division, 3), (fmod, 1), (power, 2),
    (min_max, 3), (several, 1), (compare, 3), (logic, 2), (bits, 1), (where, 5), (mask, 2),
    (clip, 2), (cast, 4), (cast_near, 2), (identity, 1),
)  # fmt: skip
