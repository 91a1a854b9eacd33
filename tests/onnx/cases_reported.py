# SPDX-License-Identifier: Apache-2.0
"""What users reported of importers and runtimes of ONNX: small models in our own words, of the kind
that made one of them refuse what is right, crash, or compute something else.

Gives: `cases()`. Keeps true: what is right is what the standard says; where ONNX Runtime says
otherwise, the reference evaluator is asked.
"""

import dataclasses
import zlib

import numpy as np
import onnx.parser
from cases_control import control, flag, nodes, number
from onnx import TensorProto, helper, numpy_helper
from op_harness import BOOL, F16, F32, F64, I8, I32, I64, U8, Case, case, const, given, graph_case
from op_harness import t, weights

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def whole(name, why, text, inputs, rtol=1e-5, atol=1e-6):
    """A Case from a whole model in ONNX's text form, and what it runs on."""
    model = onnx.parser.parse_model(text)
    return Case(name, why, model, [{n: np.array(x) for n, x in inputs.items()}], rtol, atol, False)


def loops():
    three = t(3)
    yield control(
        "Loop-reported-none",
        "no iteration leaves rows of which there are none, not a number",
        """rows = Loop (m, go) <body = b (int64 i, bool c) => (bool d, float[3] row) {
             d = Identity(c) f = Cast <to = 1> (i) row = Add(x, f) }>""",
        {"x": three, "m": number(0), "go": flag(True)},
        "rows",
        [{"m": number(2).values}],
    )
    yield control(
        "Loop-reported-neither-count-nor-condition",
        "both are left out: the body says when to stop",
        """y, rows = Loop (, , x) <body = b (int64 i, bool c, float[3] v)
             => (bool d, float[3] w, float[3] row) {
             w = Add(v, x) row = Neg(w) two = Constant <value_int = 2> () d = Less(i, two) }>""",
        {"x": three},
        "y rows",
    )
    yield control(
        "Loop-reported-while",
        "as many iterations as the data say, not one more",
        """zero = Constant <value_int = 0> () ten = Constant <value_float = 10.0> ()
        s0 = ReduceSum <keepdims = 0> (x) go = Less(s0, ten)
        y, n = Loop (, go, x, zero) <body = b (int64 i, bool c, float[2] v, int64 k)
             => (bool d, float[2] w, int64 l) {
             one = Constant <value_float = 1.0> () w = Add(v, one) s = ReduceSum <keepdims = 0> (w)
             d = Less(s, ten) step = Constant <value_int = 1> () l = Add(k, step) }>""",
        {"x": given([2.2, 3.3], F32)},
        "y n",
        [{"x": np.array([20, 1], F32)}, {"x": np.array([-5, 1], F32)}],
    )
    yield control(
        "Loop-reported-shadow",
        "what a body calls by a name of the graph around it is the body's own",
        """y = Loop (m, , x) <body = b (int64 i, bool c, float[3] x) => (bool d, float[3] w) {
             d = Identity(c) w = Add(x, x) }>
        z = Sub(y, x)""",
        {"x": three, "m": number(3)},
        "y z",
    )
    yield control(
        "Loop-reported-outer-by-two",
        "a loop in a branch takes a weight of the outermost graph",
        """y = If (c) <then_branch = p () => (float[3] a) {
             a = Loop (m, , x) <body = b (int64 i, bool k, float[3] v) => (bool d, float[3] w) {
               d = Identity(k) w = Mul(v, scale) }> },
           else_branch = q () => (float[3] a) { a = Mul(x, scale) }>""",
        {"c": flag(True), "x": three, "m": const(2, I64), "scale": weights(3)},
        "y",
        [{"c": flag(False).values}],
    )


def branches():
    other = [{"c": flag(False).values}]
    yield control(
        "If-reported-constants",
        "a branch that computes nothing",
        """y = If (c) <then_branch = p () => (float[3] a) <float[3] a = {1.0, 2.0, 3.0}> { },
                    else_branch = q () => (float[3] e) { e = Identity(x) }>""",
        {"c": flag(True), "x": t(3)},
        "y",
        other,
    )
    yield control(
        "If-reported-ranks",
        "a squeeze where there is something to squeeze",
        """s = Shape <start = 0, end = 1> (x) one = Constant <value_ints = [1]> ()
        c = Equal(s, one) axis = Constant <value_ints = [0]> ()
        z = If (c) <then_branch = p () => (float[5] a) { a = Squeeze(x, axis) },
                    else_branch = q () => (float[1,5] a) { a = Identity(x) }>
        y = Neg(z)""",
        {"x": t(1, 5)},
        "y",
    )
    yield control(
        "If-reported-vector-condition",
        "a condition of one element that has a dimension",
        """y = If (c) <then_branch = p () => (float[3] a) { a = Neg(x) },
                    else_branch = q () => (float[3] a) { a = Abs(x) }>""",
        {"c": given([True], BOOL), "x": t(3)},
        "y",
        [{"c": np.array([False])}],
    )


def nothing():
    """Dimensions of 0."""
    yield graph_case(
        "Concat-reported-nothing",
        "an operand without elements, of any size elsewhere that fits",
        nodes("y = Concat <axis = 2> (past, x)"),
        {"past": t(1, 2, 0, 3, d2=("p", [0, 4])), "x": t(1, 2, 5, 3)},
        ["y"],
    )
    for name, shape in (("first", (0,)), ("last", (3,))):
        yield case(
            "Concat", [given(np.zeros(shape), F32), given([1, 2], F32)], "one of them is empty",
            tag=f"reported-{name}", axis=0,
        )  # fmt: skip
    yield graph_case(
        "Empty-reported-chain",
        "moved, joined and cast where there is no element",
        nodes(
            """k = Concat <axis = 0> (a, b) u = Unsqueeze(k, zero) r = Tile(u, reps)
            f = Reshape(r, flat) s = Slice(f, zero, many, zero) h = Cast <to = 10> (s)
            n = Shape(k) p = ReduceProd <keepdims = 0> (n)"""
        ),
        {
            "a": t(4, 0),
            "b": t(3, 0),
            "zero": const([0], I64),
            "reps": const([2, 1, 3], I64),
            "flat": const([-1], I64),
            "many": const([100], I64),
        },
        ["h", "p"],
    )
    yield graph_case(
        "Empty-reported-reductions",
        "sums and products of nothing are 0 and 1, a batch of no images is one of no results",
        nodes(
            """s = ReduceSum <keepdims = 0> (x, last) p = ReduceProd <keepdims = 1, axes = [1]> (x)
            m = MatMul(x, w) g = Softmax <axis = 1> (x)"""
        ),
        {"x": t(2, 0, d0=("b", [0, 3])), "w": t(0, 4), "last": const([1], I64)},
        ["s", "p", "m", "g"],
    )
    yield graph_case(
        "Conv-reported-no-batch",
        "no image",
        nodes("c = Conv (x, w) p = MaxPool <kernel_shape = [2, 2]> (c) y = GlobalAveragePool(p)"),
        {"x": t(2, 3, 6, 6, d0=("b", [0, 1])), "w": weights(4, 3, 3, 3)},
        ["y"],
    )
    yield case("Shape", [given(1.5, F32)], "of a scalar: none", tag="reported-scalar")


def resizes():
    sizes = const([1, 2, 6, 5], I64)
    empty = const(np.zeros(0), F32)
    yield case(
        "Resize", [t(1, 2, 3, 4), empty, empty, sizes], "what is not used is there, and empty", 11,
        tag="reported-empties", mode="linear", coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    yield case(
        "Resize", [t(1, 2, 3, 4), None, None, sizes], "what is not used is left out", 13,
        tag="reported-absent", mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    yield graph_case(
        "Resize-reported-sizes-of-another",
        "the sizes are the batch and channels of one value and those of another image",
        nodes(
            """s = Shape(x) n = Slice(s, zero, two) u = Shape(other) hw = Slice(u, two, four)
            sizes = Concat <axis = 0> (n, hw)
            y = Resize <mode = "linear", coordinate_transformation_mode = "align_corners">
                (x, , , sizes)"""
        ),
        {
            "x": t(1, 2, 3, 4, d0=("b", [2]), d2=("h", [5]), d3=("w", [1])),
            "other": t(1, 1, 6, 5, d2=("H", [2]), d3=("W", [9])),
            "zero": const([0], I64),
            "two": const([2], I64),
            "four": const([4], I64),
        },
        ["y"],
    )
    for mode in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        yield case(
            "Resize", [t(1, 1, 4, 4), None, None, const([1, 1, 8, 1], I64)], "cubic, to one column",
            18, tag=f"reported-{mode}", mode="cubic", coordinate_transformation_mode=mode,
            cubic_coeff_a=-0.5,
        )  # fmt: skip
    for policy in ("not_larger", "not_smaller"):
        yield case(
            "Resize", [t(1, 1, 4, 6), None, None, const([7, 8], I64)], "keeps the aspect ratio", 18,
            tag=f"reported-{policy}", mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy,
        )  # fmt: skip


def slices():
    x = given(np.arange(10), F32)
    for start, end, step in (
        (9, 0, -1), (7, 0, -1), (9, 2, -1), (9, 0, -3), (-1, INT64_MIN, -1),
        (0, INT64_MAX, 3), (INT64_MIN, INT64_MAX, 4), (INT64_MAX, INT64_MIN, -4), (3, 3, 1),
        (5, 2, 1),
    ):  # fmt: skip
        yield case(
            "Slice", [x, const([start], I64), const([end], I64), const([0], I64),
                      const([step], I64)],
            "backwards, and past both ends", 13, tag=f"reported-{start}_{end}_{step}", exact=True,
        )  # fmt: skip
    yield case(
        "Slice", [t(3, 4), const([2, -1], I32), const([0, 0], I32), const([-2, -1], I32),
                  const([-1, -1], I32)],
        "two axes backwards", 13, tag="reported-axes", exact=True,
    )  # fmt: skip
    for y0, x0, y1, x1 in ((4, 1, -4, -1), (-1, -2, 1, 0), (0, 0, -4, -1)):
        pads = [0, 0, y0, x0, 0, 0, y1, x1]
        yield case(
            "Pad", [t(1, 1, 4, 4), const(pads, I64), const(0.5, F32)], "takes away",
            18, tag="reported" + "_".join(map(str, pads)), exact=True,
        )  # fmt: skip


def broadcasts():
    x = t(1, 6, 4, 4)
    for shape in ((6, 1, 1), (1, 6, 1, 1), (1, 1), (4,), (6, 4, 4), (1, 6, 1, 4), ()):
        yield case("PRelu", [x, weights(*shape)], "slopes align with the last dimensions", 16,
                   tag="reported")  # fmt: skip
    yield case("PRelu", [t(32), weights(1)], "no channels", 16, tag="reported-vector")
    yield case("Min", [t(30), t(1), t(2, 1)], "operands of other ranks", 13, tag="reported")
    yield case("Max", [t(3)], "one operand", 13, tag="reported-one")
    yield case("Sum", [t(3, 1), t(4), t(1)], "operands of other ranks", 13, tag="reported")
    yield graph_case(
        "Same-reported-twice",
        "one value as both operands",
        nodes("a = Add(x, x) b = Concat <axis = 0> (x, x, a) m = MatMul(x, x) y = Where(c, m, m)"),
        {"x": t(3, 3), "c": t(3, 3, dtype=BOOL)},
        ["b", "y"],
    )


def pools():
    for pad in ("SAME_UPPER", "SAME_LOWER"):
        yield case(
            "ConvTranspose", [t(1, 1, 5, 5), weights(1, 1, 3, 3)], "twice as large",
            tag=f"reported-{pad}", auto_pad=pad, strides=[2, 2],
        )  # fmt: skip
        yield case(
            "ConvTranspose", [t(1, 1, 2, 2), weights(1, 1, 3, 3)], "as large as before",
            tag=f"reported-{pad}-1", auto_pad=pad,
        )  # fmt: skip
        for opset in (11, 19, 22):
            yield case(
                "AveragePool", [t(1, 1, 6, 2)], "zeros on both sides are counted", opset,
                tag=f"reported-{pad}", kernel_shape=[5, 1], auto_pad=pad, count_include_pad=1,
            )  # fmt: skip
    yield case(
        "MaxPool", [t(1, 1, 5, 5)], "places in the padding are no places", 12, outputs=2,
        tag="reported-indices", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
        ceil_mode=1, storage_order=1,
    )  # fmt: skip


HEAD = '<ir_version: 10, opset_import: ["" : 18, "local" : 1]>'
OWN = '<opset_import: ["" : 18, "local" : 1], domain: "local">'
FUNCTIONS = """<ir_version: 8, opset_import: ["" : 18, "local" : 1]>
agraph (int64[3] x) => (int64[3] y) { y = local.outer <o = 5, x = 7> (x) }
<opset_import: ["" : 18], domain: "local">
inner <i: int = 3, x> (x) => (y) {
  c = Constant <value_int: int = @i> () d = Constant <value_int: int = @x> ()
  a = Add(x, c) y = Mul(a, d) }
<opset_import: ["" : 18, "local" : 1], domain: "local">
outer <o, x> (x) => (y) {
  a = local.inner <i: int = @o, x: int = @o> (x) b = local.inner <x: int = @x> (a) y = Neg(b) }
"""


FUNCTIONS_IN_GRAPHS = f"""{HEAD}
agraph (float[3] x, bool c) => (float[3] y, float[3] z) {{
  a = Relu(x)
  b = local.twice(x)
  y = If (c) <then_branch = p () => (float[3] t) {{ t = local.twice(a) }},
              else_branch = q () => (float[3] e) {{ d = Neg(b) e = local.choose <k = 2.0> (d, c) }}>
  z = local.choose <k = -1.0> (y, c) }}
{OWN} twice (x) => (y) {{ a = Add(x, x) y = Relu(a) }}
{OWN} choose <k> (b, c) => (a) {{
  s = Constant <value_float: float = @k> ()
  t = local.twice(b)
  a = If (c) <then_branch = p () => (float[3] r) {{ r = Mul(t, s) }},
              else_branch = q () => (float[3] r) {{
                u = Constant <value_float: float = @k> () r = Sub(b, u) }}> }}
"""
FUNCTIONS_WITH_LESS = f"""{HEAD}
agraph (float[2,3] x) => (float[2,3] y, float[2,3] z) {{
  y = local.bounded(x)
  low = Constant <value_float = -0.5> ()
  z, unused = local.both(x, low) }}
{OWN} bounded <axis> (x, low, high) => (y) {{
  a = Clip(x, low, high) y = Softmax <axis: int = @axis> (a) }}
{OWN} both (x, low) => (y, z) {{ y = local.bounded <axis = 0> (x, low) z = Neg(y) }}
"""


def functions():
    x = np.array([1, -2, 3], F32)
    yield whole(
        "Function-reported-in-graphs",
        "called in branches, with branches of its own, names that are those around the call",
        FUNCTIONS_IN_GRAPHS,
        {"x": x, "c": np.array(True)},
    )
    yield whole(
        "Function-reported-less",
        "inputs, outputs and attributes that a call does not have",
        FUNCTIONS_WITH_LESS,
        {"x": np.array([x, -x / 4])},
    )
    yield whole(
        "Function-reported-attributes",
        "attributes pass through two functions, renamed on the way; one has a default",
        FUNCTIONS,
        {"x": np.arange(3)},
    )


def integers():
    zero = given([0, 0, 2, -3], I32)
    yield dataclasses.replace(
        case("Mod", [given([7, -7, 7, -7], I32), given([2, 2, -2, -3], I32)], "the divisor's sign",
             13, tag="reported"), exact=True,
    )  # fmt: skip
    yield case("BitwiseNot", [zero], "one operand", 18, tag="reported", exact=True)
    yield case("BitShift", [given([1, 2, 128, 255], U8), given([0, 7, 1, 8], U8)], "out of it",
               11, tag="reported", direction="LEFT", exact=True)  # fmt: skip
    for reverse in (0, 1):
        for exclusive in (0, 1):
            yield case(
                "CumSum", [t(3, 4), const(-2, I64)], "backwards and without itself", 14,
                tag=f"reported-{reverse}{exclusive}", reverse=reverse, exclusive=exclusive,
            )  # fmt: skip


def choices():
    ties = given([[2, 0, 0, 1], [3, 3, 3, 3], [-1, -1, -2, -2]], F32)
    for op in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            yield case(op, [ties], "the first or the last of equals", 13, tag=f"reported-{last}",
                       select_last_index=last, axis=-1)  # fmt: skip
    for length in (4, 16, 17, 100):
        values = -np.ones(length)
        values[:4] = 0
        yield case("ArgMin", [given(values, I32)], "equals of any number", 11, tag=f"of{length}",
                   axis=0)  # fmt: skip
    yield case("Hardmax", [ties], "the first of equals", 13, tag="reported", axis=1)
    yield case("Hardmax", [given([[-0.0, 0.0, -1.0]], F32)], "zeros of both signs are equal", 13,
               tag="reported-zeros")  # fmt: skip
    yield case("TopK", [ties, const([3], I64)], "equals in their order", 11, outputs=2,
               tag="reported", axis=-1, largest=0)  # fmt: skip
    yield case("Unique", [given([2, 1, 1, 3, 4, 3], F32)], "by first appearance", 11, outputs=4,
               tag="reported", sorted=0, ranks=(1, 1, 1, 1))  # fmt: skip
    yield case("Gather", [t(3, 4), const(-2, I64)], "a scalar index from the end", 13,
               tag="reported-scalar", axis=-1)  # fmt: skip
    yield case("Gather", [t(3, 4), const([[-1, 0], [2, -3]], I32)], "indices from the end", 13,
               tag="reported-negative", axis=0)  # fmt: skip


def sums():
    for equation, shapes in (
        ("i,i->", [(3,), (3,)]),
        ("...->...", [(2, 3)]),
        (",ij->ji", [(), (2, 3)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij->", [(2, 3)]),
        ("...ij, ...jk", [(2, 1, 3, 4), (1, 5, 4, 2)]),
        (" b n , b n m -> b m ", [(2, 3), (2, 3, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("iji->j", [(2, 3, 2)]),
        ("Ab,bA->", [(2, 3), (3, 2)]),
    ):
        yield case("Einsum", [t(*s) for s in shapes], "an equation", 12,
                   tag="reported-" + "".join(x if x.isalnum() else "_" for x in equation),
                   equation=equation)  # fmt: skip
    yield case("ReduceMean", [t(2, 4, 3)], "axes as an attribute", 13, tag="reported", axes=[-2],
               keepdims=0)  # fmt: skip
    yield case("ReduceMean", [t(2, 4, 3), const(np.zeros(0), I64)], "no axes: as it is", 18,
               tag="reported-none", noop_with_empty_axes=1)  # fmt: skip
    yield case("ReduceMean", [t(2, 4, 3), const(np.zeros(0), I64)], "no axes: all", 18,
               tag="reported-all")  # fmt: skip
    yield case("ReduceSum", [given(2.5, F32)], "of a scalar", 13, tag="reported-scalar")


NAMES = ("int", "float", "x:0", "/model/layers.0/Relu_output_0", "1", "größe", "a b", "while", "%d",
         "\"quoted\"", "x\\n", "a.b", "a_b", "a/b", "NULL", "main", "__restrict", "変数", "*/", "//",
         "??/")  # fmt: skip


def names():
    tensors = {n: t(2) for n in NAMES}
    chain = [helper.make_node("Add", [NAMES[0], NAMES[1]], ["sum:1"], name="int")]
    for i, n in enumerate(NAMES[2:], 1):
        chain.append(helper.make_node("Add", [f"sum:{i}", n], [f"sum:{i + 1}"], name=n))
    last = f"sum:{len(NAMES) - 1}"
    chain.append(helper.make_node("Neg", [last], ["return"]))
    outputs = ["return", last]
    yield graph_case("Names-reported", "names that no language has", chain, tensors, outputs)
    inits = {n: weights(2) for n in NAMES if n != "x:0"}
    yield graph_case("Names-reported-weights", "weights of such names", chain,
                     {**inits, "x:0": t(2)}, ["return"])  # fmt: skip


def typed(name, why, tensors, text, inputs, outputs):
    graph = helper.make_graph(nodes(text), "stored", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    runs = [{x.name: rng.random([d.dim_value for d in x.type.tensor_type.shape.dim]).astype(F32)
             for x in inputs}]  # fmt: skip
    return Case(name, why, model, runs, 1e-5, 1e-6, False)


def stored():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    halves = np.array([1.5, -2, 65504], F16)
    in_ints = TensorProto(name="w", data_type=TensorProto.FLOAT16, dims=[3])
    in_ints.int32_data.extend(int(v) for v in halves.view(np.uint16))
    upper = np.array([0.25, -2, 3], F32).view(np.uint16)[1::2]
    brain = TensorProto(name="w", data_type=TensorProto.BFLOAT16, dims=[3])
    brain.raw_data = upper.tobytes()
    bytes_ = TensorProto(name="w", data_type=TensorProto.INT8, dims=[3])
    bytes_.int32_data.extend([-128, 127, -1])
    wide = TensorProto(name="w", data_type=TensorProto.UINT32, dims=[3])
    wide.uint64_data.extend([0, 2**32 - 1, 7])
    kinds = {"half": in_ints, "bfloat16": brain, "int8": bytes_, "uint32": wide}
    for kind, tensor in kinds.items():
        yield typed(f"Stored-reported-{kind}", "values in the field that the type has", [tensor],
                    "f = Cast <to = 1> (w) y = Add(x, f)", [x], [y])  # fmt: skip
    w = numpy_helper.from_array(np.array([1, 2, 3], F32), "w")
    declared = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3])
    c = typed("Stored-reported-default", "an initializer is an input too: its default", [w],
              "y = Mul(x, w)", [x, declared], [y])  # fmt: skip
    yield dataclasses.replace(c, runs=[{"x": c.runs[0]["x"]}])


def sparse_tensor(values, indices, dims, name=""):
    return helper.make_sparse_tensor(
        numpy_helper.from_array(np.array(values), name),
        numpy_helper.from_array(np.array(indices, I64), name + "/indices"),
        dims,
    )


def sparse():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    value = np.array([1.5, -2, 4], F32)
    for kind, indices in (("flat", [1, 6, 11]), ("by-dimension", [[0, 1], [1, 2], [2, 3]])):
        c = typed(f"Sparse-reported-{kind}", "weights that are stored sparsely", [],
                  "y = MatMul(w, x)", [x], [y])  # fmt: skip
        c.model.graph.sparse_initializer.append(sparse_tensor(value, indices, [3, 4], "w"))
        yield c
    constant = helper.make_node("Constant", [], ["w"],
                                sparse_value=sparse_tensor([7, -1], [0, 5], [2, 3]))  # fmt: skip
    yield graph_case("Sparse-reported-constant", "a constant that is stored sparsely",
                     [constant, helper.make_node("Add", ["x", "w"], ["y"])],
                     {"x": t(2, 3, dtype=I64)}, ["y"])  # fmt: skip


def softmaxes():
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for opset in (11, 13):
            for axis in ({}, {"axis": 1}, {"axis": -2}):
                yield case(op, [t(2, 3, 4)], "all that follows the axis, or the axis alone", opset,
                           tag="reported-" + "".join(map(str, axis.values())), **axis)  # fmt: skip


def indices():
    data = t(3, 4)
    last = const(-np.ones((3, 4)), I64)
    yield case("GatherElements", [data, last], "from the end", 13, tag="reported", axis=1)
    yield case("GatherND", [data, const([[-1, -1], [0, -2]], I64)], "from the end", 13,
               tag="reported")  # fmt: skip
    yield case("ScatterND", [data, const([[-1], [0]], I64), t(2, 4)], "from the end", 16,
               tag="reported-rows")  # fmt: skip
    yield case("ScatterND", [data, const([[0, -1], [2, 0], [0, -1]], I64), t(3)],
               "one place twice", 18, tag="reported-add", reduction="add")  # fmt: skip
    yield case("ScatterElements", [t(1, 2), const([[0, 1, -1, 0]], I64), t(1, 4)],
               "more indices than places", 18, tag="reported", axis=1, reduction="max")  # fmt: skip
    yield case("OneHot", [const([0, 2, 4, -1], I64), const(5, I64), const([0, 1], F32)],
               "from the end", 11, tag="reported")  # fmt: skip


def cases():
    for group in (loops, branches, nothing, resizes, slices, broadcasts, pools, functions, integers,
                  choices, sums, names, stored, sparse, softmaxes, indices):  # fmt: skip
        yield from group()
