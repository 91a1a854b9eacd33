# SPDX-License-Identifier: Apache-2.0
"""Control flow: If, Loop and Scan with what they capture, and recurrent layers.

Gives: `cases()`. Keeps true: models are written in ONNX's own text form; a condition, a trip count
or a length that is an input runs at values of both kinds.
"""

import dataclasses

import onnx.parser
import op_harness
from op_harness import BOOL, F32, F64, I32, I64, case, const, given, graph_case, t, weights


def nodes(text):
    return list(onnx.parser.parse_graph(f"g (float x) => (float y) {{ {text} }}").node)


def control(name, why, text, tensors, outputs, runs=(), **more):
    """A case whose inputs also take the values of each of `runs`."""
    c = graph_case(name, why, nodes(text), tensors, outputs.split(), **more)
    for output, found in zip(c.model.graph.output, op_harness.oracle_runner(c.model)(c.runs[0])):
        if not output.type.tensor_type.HasField("shape"):  # shape inference finds none of Loop
            for _ in range(found.ndim):
                output.type.tensor_type.shape.dim.add()
            output.type.tensor_type.shape.SetInParent()
    return dataclasses.replace(c, runs=c.runs + [{**c.runs[0], **run} for run in runs])


def flag(value):
    return given(value, BOOL)


def number(value):
    return given(value, I64)


def branches():
    other = [{"c": flag(False).values}]
    yield control(
        "If-captures",
        "each branch takes other values of the graph around it, and one that is computed",
        """s = Add(x, w)
        y = If (c) <then_branch = g1 () => (float[2,3] a) { a = Mul(s, x) },
                    else_branch = g2 () => (float[2,3] a) { b = Sub(w, s) a = Neg(b) }>""",
        {"c": flag(True), "x": t(2, 3), "w": weights(2, 3)},
        "y",
        other,
    )
    yield control(
        "If-nested",
        "the innermost branch sees the values of every graph around it",
        """y = If (c) <then_branch = g1 () => (float[n] a) {
              p = Mul(x, x)
              a = If (d) <then_branch = g2 () => (float[n] e) {
                    q = Add(p, x)
                    e = If (c) <then_branch = g3 () => (float[n] f) { f = Add(q, p) },
                                else_branch = g4 () => (float[n] f) { f = Identity(x) }>
                  },
                  else_branch = g5 () => (float[n] e) { e = Neg(p) }>
            },
            else_branch = g6 () => (float[n] a) { a = Identity(x) }>""",
        {"c": flag(True), "d": flag(True), "x": t(4, d0=("n", [1, 3]))},
        "y",
        [{"d": flag(False).values}, {"c": flag(False).values}],
    )
    yield control(
        "If-sizes",
        "the size of the output is that of the branch that is taken",
        """z = If (c) <then_branch = g1 () => (float[n] a) { a = Concat <axis = 0> (x, x, x) },
                       else_branch = g2 () => (float[n] a) { a = Neg(x) }>
        y = Mul(z, z)""",
        {"c": flag(True), "x": t(4, d0=("n", [1, 3]))},
        "y z",
        other,
    )
    yield control(
        "If-known",
        "the condition follows from a shape; the branch that is not taken does not fit",
        """s = Shape(x)
        c = Equal(s, two)
        y = If (c) <then_branch = g1 () => (float[m] a) { a = Neg(x) },
                    else_branch = g2 () => (float[p,m] a) { a = Unsqueeze(x, two) }>""",
        {"x": t(2), "two": const([2], I64)},
        "y",
    )
    yield control(
        "If-names",
        "both branches use the same names for other values",
        """y, z = If (c) <then_branch = g1 () => (float[2] a, float[2] b) {
              k = Constant <value = float[2] {1.0, 2.0}> () a = Add(x, k) b = Sub(x, k) },
            else_branch = g2 () => (float[2] a, float[2] b) {
              k = Constant <value = float[2] {3.0, 4.0}> () a = Identity(w) b = Mul(x, k) }>
        k = Neg(y)""",
        {"c": flag(True), "x": t(2), "w": weights(2)},
        "y z k",
        other,
    )
    yield control(
        "If-in-between",
        "what follows an If needs the sizes that its output has",
        """z = If (c) <then_branch = g1 () => (float[b,6] a) { a = Relu(x) },
                       else_branch = g2 () => (float[b,6] a) { a = Neg(x) }>
        r = Reshape(z, shape)
        y = MatMul(r, w)""",
        {
            "c": flag(True),
            "x": t(2, 6, d0=("b", [1, 4])),
            "w": weights(3, 5),
            "shape": const([-1, 2, 3], I64),
        },
        "y",
        other,
    )


def loops():
    body = """g1 (int64 i, bool go, float[n] v) => (bool again, float[n] next, float[n] row) {
        again = Identity(go)
        f = Cast <to = 1> (i)
        p = Mul(v, w)
        next = Add(p, f)
        row = Sub(next, x) }"""
    x = t(3, d0=("n", [1, 4]))
    yield control(
        "Loop-constant",
        "a number of iterations; stacked values, the iteration, captures",
        f"y, rows = Loop (m, , x) <body = {body}>",
        {"x": x, "w": weights(1), "m": const(5, I64)},
        "y rows",
    )
    yield control(
        "Loop-count-is-an-input",
        "as many rows as the run says, none at 0 and below",
        # Of no iterations ONNX Runtime knows the sizes that are declared.
        f"y, rows = Loop (m, go, x) <body = {body.replace('[n]', '[3]')}>",
        {"x": t(3), "w": weights(1), "m": number(3), "go": flag(True)},
        "y rows",
        [{"m": number(m).values} for m in (0, 1, -2)] + [{"go": flag(False).values}],
    )
    ending = """g1 (int64 i, bool go, float[] v) => (bool again, float[] next) {
        next = Mul(v, w)
        again = Less(next, limit) }"""
    numbers = {"v": given(1.0, F32), "w": const(1.5, F32), "limit": given(20.0, F32)}
    runs = [{"limit": given(limit, F32).values} for limit in (0.0, 1.5, 4.0)]
    yield control(
        "Loop-while",
        "a condition alone",
        f"y = Loop (, go, v) <body = {ending}>",
        {**numbers, "go": flag(True)},
        "y",
        [*runs, {"go": flag(False).values}],
    )
    yield control(
        "Loop-while-at-most",
        "a condition and a bound, whichever comes first",
        f"y = Loop (m, , v) <body = {ending}>",
        {**numbers, "m": number(4)},
        "y",
        [*runs, {"m": number(0).values}],
    )
    for bound, m in (("", None), ("m", number(4)), ("m", const(2**63 - 1, I64))):
        tensors = {**numbers, "go": flag(True)}
        if m is not None:
            tensors["m"] = m
        yield control(
            "Loop-while-stacked",
            "as many rows as iterations that a condition ends",
            f"""y, rows, c = Loop ({bound}, go, v, unused) <body = g1 (int64 i, bool go, float[] v,
                float[] u) => (bool again, float[] next, float[] more, float[2] row) {{
                next = Mul(v, w)
                more = Add(u, next)
                two = Constant <value = int64[1] {{2}}> ()
                row = Expand(more, two)
                again = Less(next, limit) }}>""".replace("y, rows, c", "y, c, rows"),
            {**tensors, "unused": given(0.5, F32)},
            "y c rows",
            [*runs, {"go": flag(False).values}],
        )


def bodies():
    yield control(
        "Loop-places",
        "rows that the iteration picks, whole numbers carried, values exchanged",
        """a, b, k, rows = Loop (m, , x, w, zero) <body = g1 (int64 i, bool go, float[3] p,
            float[3] q, int64[] s)
            => (bool again, float[3] q1, float[3] p1, int64[] s1, float[3] row) {
            again = Identity(go)
            row = Gather(table, i)
            q1 = Add(q, row)
            p1 = Identity(p)
            one = Constant <value = int64 {1}> ()
            s0 = Add(s, i)
            s1 = Mul(s0, one) }>""",
        {"x": t(3), "w": t(3), "zero": given(2, I64), "m": number(4), "table": t(5, 3)},
        "a b k rows",
        [{"m": number(5).values}],
    )
    yield control(
        "Loop-slices",
        "a size that holds for the iterations there are",
        """y, rows = Loop (m, , x) <body = g1 (int64 i, bool go, float[1,3] v)
            => (bool again, float[1,3] next, float[1,3] row) {
            again = Identity(go)
            one = Constant <value = int64 {1}> ()
            zero = Constant <value = int64[1] {0}> ()
            end = Add(i, one)
            first = Unsqueeze(i, zero)
            last = Unsqueeze(end, zero)
            row = Slice(table, first, last, zero)
            next = Add(v, row) }>""",
        {"x": t(1, 3), "m": number(4), "table": t(5, 3)},
        "y rows",
        [{"m": number(5).values}, {"m": number(1).values}],
    )
    yield control(
        "Loop-in-a-loop",
        "both count; the inner one ends by a condition on a value of the outer one, in a branch",
        """y, rows = Loop (m, , x) <body = g1 (int64 i, bool go, float[] v)
            => (bool again, float[] next, float[] row) {
            again = Identity(go)
            f = Cast <to = 1> (i)
            odd = Greater(v, f)
            next = If (odd) <then_branch = g2 () => (float[] a) {
                a = Loop (, odd, v) <body = g3 (int64 j, bool go2, float[] u)
                  => (bool more, float[] u1) { u1 = Mul(u, w) more = Greater(u1, f) }>
              }, else_branch = g4 () => (float[] a) { a = Add(v, x) }>
            row = Sub(next, v) }>""",
        {"x": given(3.0, F32), "w": const(0.5, F32), "m": number(4)},
        "y rows",
        [{"x": given(value, F32).values} for value in (0.25, 40.0, -2.0)],
    )


def scans():
    body = """g1 (float[n] s, float[n] a, float[n] b) => (float[n] s1, float[n] row, float[] sum) {
        p = Mul(a, w)
        q = Add(s, p)
        s1 = Sub(q, b)
        row = Neg(s1)
        sum = ReduceSum <keepdims = 0> (b) }"""
    n, time = ("n", [1, 5]), ("time", [1, 6])
    for tag, a, b, attributes in (
        ("plain", t(4, 3, d0=time, d1=n), t(4, 3, d0=time, d1=n), ""),
        (
            "axes",
            t(3, 4, d0=n, d1=time),
            t(4, 3, d0=time, d1=n),
            ", scan_input_axes = [1, 0], scan_output_axes = [1, 0]",
        ),
        (
            "backwards",
            t(4, 3, d0=time, d1=n),
            t(3, 4, d0=n, d1=time),
            """, scan_input_axes = [0, -1], scan_input_directions = [1, 0],
            scan_output_axes = [-1, 0], scan_output_directions = [0, 1]""",
        ),
    ):
        yield control(
            f"Scan-{tag}",
            "axes and directions of what is read and of what is stacked",
            f"y, rows, sums = Scan <num_scan_inputs = 2, body = {body}{attributes}> (x, a, b)",
            {"x": t(3, d0=n), "a": a, "b": b, "w": weights(1)},
            "y rows sums",
        )
    yield control(
        "Scan-stateless",
        "no state: each slice on its own, with a branch on it",
        """y = Scan <num_scan_inputs = 1, body = g1 (float[3] a) => (float[3] b) {
            s = ReduceSum <keepdims = 0> (a)
            c = Greater(s, zero)
            b = If (c) <then_branch = g2 () => (float[3] d) { d = Mul(a, s) },
                        else_branch = g3 () => (float[3] d) { d = Identity(a) }> }> (x)""",
        {"x": t(6, 3), "zero": const(0.0, F32)},
        "y",
    )


def recurrent():
    time, batch = ("time", [1, 4]), ("batch", [1, 3])
    for op, gates, states in (("RNN", 1, 1), ("GRU", 3, 1), ("LSTM", 4, 2)):
        x = t(3, 2, 4, d0=time, d1=batch)
        for direction, d in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            w, r = weights(d, gates * 5, 4), weights(d, gates * 5, 5)
            more = [weights(d, 2 * gates * 5), None]
            more += [t(d, 2, 5, d1=batch) for _ in range(states)]
            attributes = {"hidden_size": 5, "direction": direction}
            yield case(
                op,
                [x, w, r],
                "no more than it needs",
                14,
                1 + states,
                tag=f"plain-{direction}",
                tolerance=(1e-5, 1e-5),
                **attributes,
            )
            yield case(
                op,
                [x, w, r, *more],
                "biases and states",
                14,
                1 + states,
                tag=direction,
                tolerance=(1e-5, 1e-5),
                clip=0.7,
                **attributes,
            )
            lengths = given([3, 1], I32)
            fixed = [t(d, 2, 5) for _ in range(states)]
            yield case(
                op,
                [t(3, 2, 4), w, r, more[0], lengths, *fixed],
                "rows that end early",
                14,
                1 + states,
                tag=f"lengths-{direction}",
                tolerance=(1e-5, 1e-5),
                **attributes,
            )


def cells():
    w, r, b = weights(2, 15, 4), weights(2, 15, 5), weights(2, 30)
    yield case(
        "GRU",
        [t(3, 2, 4), w, r, b],
        "one product for all gates",
        14,
        2,
        tag="linear",
        tolerance=(1e-5, 1e-5),
        hidden_size=5,
        direction="bidirectional",
        linear_before_reset=1,
    )
    peepholes = [
        t(3, 2, 4),
        weights(1, 20, 4),
        weights(1, 20, 5),
        weights(1, 40),
        None,
        t(1, 2, 5),
        t(1, 2, 5),
        weights(1, 15),
    ]
    for coupled in (0, 1):
        yield case(
            "LSTM",
            peepholes,
            "gates that see the cell",
            14,
            3,
            tag=f"peepholes-{coupled}",
            tolerance=(1e-5, 1e-5),
            hidden_size=5,
            input_forget=coupled,
        )
    for functions, alpha, beta in (
        (["HardSigmoid", "Softsign", "Relu"], [0.3], [0.4]),
        (["Affine", "ScaledTanh", "Elu"], [0.3, 0.8, 0.5], [0.4, 0.9]),
        (["Softplus", "LeakyRelu", "ThresholdedRelu"], [0.2, 0.1], []),
    ):
        numbers = {"activation_alpha": alpha, **({"activation_beta": beta} if beta else {})}
        yield case(
            "LSTM",
            peepholes[:4],
            "functions by name, with their numbers",
            14,
            3,
            tag="-".join(functions),
            tolerance=(1e-5, 1e-5),
            hidden_size=5,
            activations=functions,
            **numbers,
        )
    yield case(
        "RNN",
        [t(3, 2, 4, dtype=F64), weights(1, 5, 4, dtype=F64), weights(1, 5, 5, dtype=F64)],
        "f64",
        14,
        2,
        hidden_size=5,
    )


def cases():
    for group in (branches, loops, bodies, scans, recurrent, cells):
        yield from group()
