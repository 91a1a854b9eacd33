# SPDX-License-Identifier: Apache-2.0
"""What exporters write around loops and branches, as trained models in use have it: small models.

Gives: `cases()`. Keeps true: what is right is what ONNX Runtime gives.
"""

import numpy as np
from cases_control import control, flag, nodes, number
from op_harness import F32, I64, const, given, graph_case, t, weights


def ranks():
    """A number becomes a vector of one element, or the other way round."""
    yield control(
        "If-exported-number",
        "one branch gives a number, the other a vector of one",
        """y = If (c) <then_branch = p () => (float a) <float a = {3.0}> { },
                    else_branch = q () => (float[1] e) { e = Add(x, x) }>
        z = Add(y, w)""",
        {"c": flag(True), "x": t(1), "w": t(3)},
        "z",
        [{"c": flag(False).values}],
    )
    yield control(
        "Loop-exported-number",
        "what is carried is a number before the loop and a vector of one behind an iteration",
        """y = Loop (m, , x) <body = b (int64 i, bool c, float v) => (bool d, float[1] w) {
             d = Identity(c) one = Constant <value_floats = [1.0]> () w = Add(v, one) }>
        z = Add(y, s)""",
        {"m": number(3), "x": given(2.0, F32), "s": t(3)},
        "z",
        [{"m": number(0).values}],
    )
    yield control(
        "Loop-exported-unread",
        "what no iteration reads is a number before the loop, and tensors behind it",
        """go = Constant <value_int = 1> () true = Cast <to = 9> (go)
        y, last, part = Loop (, true, x, none, none) <body =
             b (int64 i, bool c, float[n,2] v, float[n,2] u, float[k,2] q)
               => (bool d, float[n,2] w, float[n,2] r, float[k,2] p) {
             w = Add(v, v) r = Neg(w) s = ReduceMax <keepdims = 0> (w) d = Less(s, far)
             zero = Constant <value_ints = [0]> () p = Slice(w, zero, len, zero) }>""",
        {"x": t(3, 2, d0=("n", [1, 4])), "none": const(0, F32), "far": given(9.0, F32),
         "len": given([2], I64)},
        "y last part",
        [{"len": np.array([1])}],
    )  # fmt: skip


def carried():
    """All that a body mentions is carried, also what never changes."""
    yield control(
        "Loop-exported-weights",
        "weights go through all iterations and come out as they were",
        """zero = Constant <value_int = 0> () go = Less(zero, m)
        k, v, h, y = Loop (, go, zero, w, x) <body =
             b (int64 i, bool c, int64 j, float[4,4] a, float[n,4] r)
               => (bool d, int64 l, float[4,4] a, float[n,4] s, float[n,4] row) {
             one = Constant <value_int = 1> () l = Add(j, one) d = Less(l, m)
             p = MatMul(r, a) s = Tanh(p) row = Neg(s) }>
        z = MatMul(h, v)""",
        {"m": number(3), "w": weights(4, 4), "x": t(2, 4, d0=("n", [1, 3]))},
        "k z y",
        [{"m": number(1).values}],
    )
    yield control(
        "Loop-exported-rows",
        "a part of rows that data say is computed and put back, by a range of as many",
        """y = Loop (m, , x) <body = b (int64 i, bool c, float[6,4] v) => (bool d, float[6,4] w) {
             d = Identity(c) zero = Constant <value_ints = [0]> ()
             one = Constant <value_ints = [1]> () six = Constant <value_ints = [6]> ()
             end = Min(e, six) part = Slice(v, s, end, zero, one) more = Add(part, part)
             a = Squeeze(s) o = Squeeze(end) step = Squeeze(one) r = Range(a, o, step)
             column = Unsqueeze(r, one) shape = Shape(more) places = Expand(column, shape)
             w = ScatterElements <axis = 0> (v, places, more) }>""",
        {"m": number(2), "x": t(6, 4), "s": given([1], I64), "e": given([4], I64)},
        "y",
        [{"s": np.array([0]), "e": np.array([9])}, {"s": np.array([5]), "e": np.array([6])}],
    )


def sizes():
    """Sizes that a run binds, met by those that inputs have."""
    yield graph_case(
        "Add-exported-met-twice",
        "a size of an input meets one that a range binds, and what they have in common another",
        nodes(
            """r = Range(zero, n, one) f = Cast <to = 1> (r)
            p = Add(x, f) y = Add(p, z) k = Neg(y)"""
        ),
        {"x": t(5, d0=("a", [1])), "z": t(5, d0=("b", [1])), "n": given(5, I64),
         "zero": const(0, I64), "one": const(1, I64)},
        ["k"],
    )  # fmt: skip
    yield graph_case(
        "Range-exported-down",
        "floats from a size down to what is below it: positions relative to one another",
        nodes(
            """s = Shape(x) u = Squeeze(s) last = Sub(u, i1) f = Cast <to = 1> (last) w = Neg(u)
            g = Cast <to = 1> (w) r = Range(f, g, down) h = Range(g, f, half) y = Add(r, zero)"""
        ),
        {"x": t(5, d0=("n", [1, 2, 9])), "i1": const(1, I64), "down": const(-1, F32),
         "half": const(1.5, F32), "zero": const(0, F32)},
        ["y", "h"],
    )  # fmt: skip


def cases():
    for group in (ranks, carried, sizes):
        yield from group()
