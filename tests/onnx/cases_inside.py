# SPDX-License-Identifier: Apache-2.0
"""Sizes that data decide inside of If, Loop and Scan, and values whose size a loop changes.

Gives: `cases()`: some by hand, and those of cases_by_data.py with their node in a sub-graph.
Keeps true: a size differs from run to run, and where it can from iteration to iteration; a list is
also empty.
"""

import dataclasses

import cases_by_data
import numpy as np
from cases_control import control, flag, number
from onnx import NodeProto, TensorProto, helper
from op_harness import BOOL, F32, I64, const, given, t, weights

OTHER = [{"c": flag(False).values}]


def branches():
    x = t(3, 4, low=-1.0, high=1.0)
    yield control(
        "If-nonzero",
        "how many there are, in one branch; no more than one in the other",
        """y = If (c) <then_branch = g1 () => (int64[2,k] a) { a = NonZero(x) },
                    else_branch = g2 () => (int64[2,k] a) {
                      f = Less(x, limit) b = Cast <to = 6> (f) a = NonZero(b) }>
        z = Cast <to = 1> (y)
        s = ReduceSum <keepdims = 0> (z, one)""",
        {
            "c": flag(True),
            "x": given([[0, 1.5, 0], [2, 0, -1]], F32),
            "limit": given(-0.5, F32),
            "one": const([1], I64),
        },
        "y s",
        [
            *OTHER,
            {**OTHER[0], "limit": given(-5, F32).values},
            {"x": given([[0, 0, 0], [0, 0, 0]], F32).values},
        ],
    )
    yield control(
        "If-one-side",
        "one branch gives a size that is known around it; both results are of the size taken",
        """y, z = If (c) <then_branch = g1 () => (float[k,4] a, float[k] b) {
               a = Compress <axis = 0> (x, mask)
               b = ReduceSum <keepdims = 0> (a, one) },
             else_branch = g2 () => (float[k,4] a, float[k] b) {
               a = Neg(x) b = ReduceMax <axes = [1], keepdims = 0> (x) }>
        w1 = Mul(y, w)""",
        {
            "c": flag(True),
            "x": x,
            "mask": given([True, False, True], BOOL),
            "one": const([1], I64),
            "w": weights(4),
        },
        "y z w1",
        [*OTHER, {"mask": given([False, False, False], BOOL).values}],
    )
    yield control(
        "If-inside",
        "a size that stays inside of the branch, and one in a branch of the branch",
        """y = If (c) <then_branch = g1 () => (float[4] a) {
               r = Compress <axis = 0> (x, mask)
               m = ReduceSum <keepdims = 0> (r, zero)
               a = If (d) <then_branch = g2 () => (float[4] e) {
                      p = Compress <axis = 0> (r, few)
                      e = ReduceSum <keepdims = 0> (p, zero) },
                    else_branch = g3 () => (float[4] e) { e = Neg(m) }> },
             else_branch = g4 () => (float[4] a) {
               a = ReduceMean <axes = [0], keepdims = 0> (x) }>""",
        {
            "c": flag(True),
            "d": flag(True),
            "x": x,
            "mask": given([True, False, True], BOOL),
            "few": given([False, True], BOOL),
            "zero": const([0], I64),
        },
        "y",
        [*OTHER, {"d": flag(False).values}, {"mask": given([False, True, True], BOOL).values}],
    )


def slices():
    yield control(
        "Loop-slices-by-data",
        "bounds from the counter and from data: another size in each iteration",
        """y, rows = Loop (m, , x) <body = g1 (int64 i, bool go, float[3] v)
            => (bool again, float[3] next, float[] row) {
            again = Identity(go)
            first = Gather(starts, i)
            last = Gather(ends, i)
            f = Unsqueeze(first, zero)
            l = Unsqueeze(last, zero)
            part = Slice(table, f, l, zero)
            sum = ReduceSum <keepdims = 0> (part, zero)
            next = Add(v, sum)
            row = ReduceMax <keepdims = 0> (sum) }>""",
        {
            "x": t(3),
            "m": number(4),
            "table": t(6, 3),
            "zero": const([0], I64),
            "starts": given([0, 2, 5, 1], I64),
            "ends": given([3, 2, 6, 6], I64),
        },
        "y rows",
        [
            {"m": number(1).values},
            {"m": number(0).values},
            {"starts": given([-2, 0, 3, 0], I64).values, "ends": given([9, 1, -1, 6], I64).values},
        ],
    )
    yield control(
        "Loop-nonzero",
        "as many as the iteration finds, added up and counted",
        """y, n = Loop (m, , x) <body = g1 (int64 i, bool go, float[5] v)
            => (bool again, float[5] next, int64[] found) {
            again = Identity(go)
            row = Gather(table, i)
            big = Greater(row, v)
            at = NonZero(big)
            shape = Shape(at)
            one = Constant <value = int64 {1}> ()
            found = Gather(shape, one)
            values = Compress(row, big)
            s = ReduceSum <keepdims = 0> (values)
            next = Sub(v, s) }>""",
        {"x": t(5), "m": number(4), "table": t(4, 5)},
        "y n",
        [{"m": number(2).values}, {"x": given([9, 9, 9, 9, 9], F32).values}],
    )
    yield control(
        "Loop-in-a-branch",
        "a loop that slices, in a branch, and a branch whose size data decide in its body",
        """y = If (c) <then_branch = g1 () => (float[] a) {
              a = Loop (m, , s) <body = g2 (int64 i, bool go, float[] v)
                => (bool again, float[] next) {
                again = Identity(go)
                limit = Gather(limits, i)
                few = Less(v, limit)
                part = If (few) <then_branch = g3 () => (float[k] e) {
                    b = Less(x, limit) e = Compress(x, b) },
                  else_branch = g4 () => (float[k] e) {
                    b = Greater(x, limit) e = Compress(x, b) }>
                sum = ReduceSum <keepdims = 0> (part)
                next = Add(v, sum) }> },
            else_branch = g5 () => (float[] a) { a = Neg(s) }>""",
        {
            "c": flag(True),
            "x": t(6),
            "s": given(0.1, F32),
            "m": number(3),
            "limits": given([0.3, -0.2, 0.9], F32),
        },
        "y",
        [*OTHER, {"limits": given([9, -9, 0], F32).values}, {"m": number(0).values}],
    )


def growing():
    yield control(
        "Loop-grows",
        "a row more in each iteration; what was made so far is read",
        """y, sums = Loop (m, , x) <body = g1 (int64 i, bool go, float[n,3] v)
            => (bool again, float[k,3] next, float[3] sum) {
            again = Identity(go)
            sum = ReduceSum <keepdims = 0> (v, zero)
            s = Tanh(sum)
            row = Unsqueeze(s, zero)
            next = Concat <axis = 0> (v, row) }>""",
        {"x": t(2, 3), "m": number(4), "zero": const([0], I64)},
        "y sums",
        [{"m": number(0).values}, {"m": number(9).values}],
    )
    yield control(
        "Loop-grows-from-nothing",
        "two lists that grow alike and one that grows otherwise, until a sum is large enough",
        """a, b, d = Loop (m, go, none, none, x) <body = g1 (int64 i, bool go1, float[n] u,
              float[n] v, float[q] w) => (bool again, float[k] u1, float[k] v1, float[r] w1) {
            f = Cast <to = 1> (i)
            g = Add(f, step)
            e = Unsqueeze(g, zero)
            h = Neg(e)
            u1 = Concat <axis = 0> (u, e)
            v1 = Concat <axis = 0> (v, h)
            p = Mul(u1, v1)
            s = ReduceSum <keepdims = 0> (p)
            w1 = Concat <axis = 0> (w, e, h)
            again = Greater(s, limit) }>""",
        {
            "none": const([], F32),
            "x": t(2),
            "m": number(8),
            "go": flag(True),
            "step": given(0.5, F32),
            "limit": given(-12.0, F32),
            "zero": const([0], I64),
        },
        "a b d",
        [{"limit": given(1.0, F32).values}, {"go": flag(False).values}, {"m": number(2).values}],
    )
    yield control(
        "Loop-collects",
        "as many more as data say, none among them; the condition ends it",
        """y = Loop (, go, x) <body = g1 (int64 i, bool go1, float[n] v)
            => (bool again, float[k] next) {
            row = Gather(table, i)
            big = Greater(row, limit)
            found = Compress(row, big)
            next = Concat <axis = 0> (v, found)
            size = Size(next)
            one = Constant <value = int64 {1}> ()
            last = Constant <value = int64 {3}> ()
            few = Less(size, enough)
            inside = Less(i, last)
            again = And(few, inside) }>
        z = ReduceSum <keepdims = 0> (y)""",
        {
            "x": t(1),
            "table": t(4, 5),
            "go": flag(True),
            "limit": given(0.2, F32),
            "enough": given(7, I64),
        },
        "y z",
        [
            {"limit": given(9, F32).values},
            {"enough": given(0, I64).values},
            {"go": flag(False).values},
            {"limit": given(-9, F32).values, "enough": number(99).values},
        ],
    )


def changing():
    yield control(
        "Loop-shrinks",
        "a list without its first; what a body with the last one would need is not asked",
        """y, rows = Loop (m, , x) <body = g1 (int64 i, bool go, float[n] v)
            => (bool again, float[k] next, float[] row) {
            again = Identity(go)
            row = ReduceSum <keepdims = 0> (v)
            next = Slice(v, one, end) }>""",
        {"x": t(4), "m": number(4), "one": const([1], I64), "end": const([99], I64)},
        "y rows",
        [{"m": number(2).values}, {"m": number(6).values}],
    )
    yield control(
        "Loop-exchanges",
        "two lists of other sizes change places",
        """y, z = Loop (m, , a, b) <body = g1 (int64 i, bool go, float[n] u, float[k] v)
            => (bool again, float[k] v1, float[n] u1) {
            again = Identity(go)
            v1 = Identity(v)
            u1 = Neg(u) }>""",
        {"a": t(3), "b": t(5), "m": number(3)},
        "y z",
        [{"m": number(0).values}, {"m": number(4).values}],
    )
    yield control(
        "Loop-grows-in-a-loop",
        "the inner list begins anew in each iteration of the outer one, whose list takes it",
        """y = Loop (m, , x) <body = g1 (int64 i, bool go, float[n] v)
            => (bool again, float[k] next) {
            again = Identity(go)
            one = Constant <value = int64 {1}> ()
            trips = Add(i, one)
            inner = Loop (trips, , x) <body = g2 (int64 j, bool go2, float[p] w)
              => (bool again2, float[q] w1) {
              again2 = Identity(go2)
              w1 = Concat <axis = 0> (w, w) }>
            next = Concat <axis = 0> (v, inner) }>""",
        {"x": t(2), "m": number(3)},
        "y",
        [{"m": number(1).values}, {"m": number(0).values}],
    )


def stacks():
    yield control(
        "Loop-stacks-by-data",
        "slices of a size that data decide, alike in all iterations",
        """y, rows = Loop (m, , x) <body = g1 (int64 i, bool go, float[] v)
            => (bool again, float[] next, float[k] row) {
            again = Identity(go)
            r = Gather(table, i)
            row = Slice(r, first, last)
            s = ReduceSum <keepdims = 0> (row)
            next = Add(v, s) }>""",
        {
            "x": given(0.5, F32),
            "m": number(3),
            "table": t(4, 5),
            "first": given([1], I64),
            "last": given([4], I64),
        },
        "y rows",
        [{"last": given([1], I64).values}, {"first": given([-9], I64).values}],
    )
    yield control(
        "Scan-topk",
        "k is an input: as many of each row",
        """s, best, at = Scan (x, table) <num_scan_inputs = 1, body = g1 (float[] v, float[5] row)
            => (float[] next, float[k] values, int64[k] where) {
            values, where = TopK(row, count)
            m = ReduceSum <keepdims = 0> (values)
            next = Add(v, m) }>""",
        {"x": given(0.5, F32), "table": t(4, 5), "count": given([2], I64)},
        "s best at",
        [{"count": given([5], I64).values}, {"count": given([1], I64).values}],
    )


def real():
    yield control(
        "Loop-decoder",
        "a decoder that attends to all that it said so far, keys and values growing with it",
        """k, v, h, spoken = Loop (m, go, k0, k0, h0) <body = g1 (int64 i, bool go1,
              float[1,n,4] keys, float[1,n,4] values, float[1,1,4] h)
              => (bool again, float[1,p,4] keys1,
              float[1,p,4] values1, float[1,1,4] h1, float[1,4] said) {
            q = MatMul(h, wq)
            knew = MatMul(h, wk)
            vnew = MatMul(h, wv)
            keys1 = Concat <axis = 1> (keys, knew)
            values1 = Concat <axis = 1> (values, vnew)
            kt = Transpose <perm = [0, 2, 1]> (keys1)
            scores = MatMul(q, kt)
            p = Softmax <axis = -1> (scores)
            c = MatMul(p, values1)
            h2 = Add(c, h)
            h1 = Tanh(h2)
            said = Squeeze(h1, zero)
            top = ReduceMax <keepdims = 0> (h1)
            again = Less(top, limit) }>""",
        {
            "k0": const(np.zeros((1, 0, 4)), F32),
            "h0": t(1, 1, 4),
            "wq": weights(4, 4),
            "wk": weights(4, 4),
            "wv": weights(4, 4),
            "m": number(6),
            "go": flag(True),
            "limit": given(0.999, F32),
            "zero": const([0], I64),
        },
        "k v h spoken",
        [{"m": number(1).values}, {"m": number(20).values}, {"limit": given(0.5, F32).values}],
    )
    yield control(
        "Loop-suppression",
        "boxes of one picture after the other, those that are kept put together",
        """boxes, counts = Loop (m, , none) <body = g1 (int64 i, bool go, int64[n,3] kept)
            => (bool again, int64[k,3] next, int64[] count) {
            again = Identity(go)
            b = Gather(pictures, i)
            s = Gather(scores, i)
            b1 = Unsqueeze(b, zero)
            s1 = Unsqueeze(s, both)
            found = NonMaxSuppression(b1, s1, most, overlap, least)
            next = Concat <axis = 0> (kept, found)
            shape = Shape(found)
            none0 = Constant <value = int64 {0}> ()
            count = Gather(shape, none0) }>""",
        {
            "none": const(np.zeros((0, 3)), I64),
            "m": number(3),
            "pictures": t(3, 6, 4, low=0.0, high=1.0),
            "scores": t(3, 6, low=0.0, high=1.0),
            "most": given([4], I64),
            "overlap": given([0.3], F32),
            "least": given([0.4], F32),
            "zero": const([0], I64),
            "both": const([0, 1], I64),
        },
        "boxes counts",
        [
            {"least": given([2.0], F32).values},
            {"m": number(1).values},
            {"most": given([1], I64).values},
        ],
    )


# ---------------------------------------------------------------- any node in a sub-graph
def renamed(nodes, suffix):
    made = []
    for node in nodes:
        made.append(NodeProto())
        made[-1].CopyFrom(node)
        outputs = [name + suffix if name else "" for name in node.output]
        made[-1].output[:] = outputs
    return made


def region(graph, suffix, inputs=(), outputs=(), nodes=()):
    """The nodes of a graph as a sub-graph that gives its outputs, which have no shape."""
    own = [
        helper.make_tensor_value_info(o.name + suffix, o.type.tensor_type.elem_type, None)
        for o in graph.output
    ]
    all_nodes = [*renamed(graph.node, suffix), *nodes]
    return helper.make_graph(all_nodes, f"g{suffix}", list(inputs), [*outputs, *own])


def number_of(name, kind=TensorProto.INT64):
    return helper.make_tensor_value_info(name, kind, [])


def in_branches(graph):
    """In both branches, whose sizes are found out apart."""
    arms = {"then_branch": region(graph, "_t"), "else_branch": region(graph, "_e")}
    node = helper.make_node("If", ["c"], [o.name for o in graph.output], **arms)
    runs = [{"c": np.array(value)} for value in (True, False)]
    return node, number_of("c", TensorProto.BOOL), runs, 0


def in_loop(graph):
    """In each iteration, stacked."""
    again = helper.make_node("Identity", ["go"], ["again"])
    body = region(
        graph,
        "_b",
        [number_of("i"), number_of("go", TensorProto.BOOL)],
        [number_of("again", TensorProto.BOOL)],
        [again],
    )
    node = helper.make_node("Loop", ["m", ""], [o.name for o in graph.output], body=body)
    return node, number_of("m"), [{"m": np.array(count)} for count in (2, 1)], 1


def inside_of(c, place):
    """The case with its nodes inside of a control flow node."""
    graph = c.model.graph
    node, more, runs, extra = place(graph)
    outputs = []
    for o in graph.output:
        kind = o.type.tensor_type
        rank = len(kind.shape.dim) + extra
        outputs.append(helper.make_tensor_value_info(o.name, kind.elem_type, [None] * rank))
    made = helper.make_graph([node], "case", [*graph.input, more], outputs, graph.initializer)
    model = helper.make_model(
        made, opset_imports=c.model.opset_import, ir_version=c.model.ir_version
    )
    every = [{**run, **runs[i % 2]} for i, run in enumerate([*c.runs, c.runs[0]])]
    return dataclasses.replace(c, name=f"{node.op_type}-{c.name}", model=model, runs=every)


def wrapped():
    for i, c in enumerate(cases_by_data.cases()):
        yield inside_of(c, (in_branches, in_loop)[i % 2])


def cases():
    for group in (branches, slices, growing, changing, stacks, real, wrapped):
        yield from group()
