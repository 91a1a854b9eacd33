# SPDX-License-Identifier: Apache-2.0
"""The sign of zero through casts: what chooses between a value and a constant keeps it.

Takes: -0 and other values cast to a float dtype, an operator that compares with 0, and a cast of
the result. Gives: a test for each pair of dtypes and level. Keeps true: bits are NumPy's; a
compiler that sees that a value was widened must make no use of it.
"""

import itertools

import numpy as np
import pytest
from onnx import helper
from op_harness import onnx_type

DTYPES = (np.float16, np.float32, np.float64)
VALUES = np.array([-0.0, 0.0, -1.0, 1.5, np.inf, -np.inf, -0.0] * 5)
CASES = list(itertools.product(DTYPES, repeat=3))  # given, cast to, cast to at last
node = helper.make_node

# b from a; zero is a constant of the dtype. What is right, in NumPy.
OPERATORS = {
    "Relu": (
        lambda a, zero, b: [node("Relu", [a], [b])],
        lambda a, zero: np.where(a < 0, zero, a),
    ),
    "Where-less": (
        lambda a, zero, b: [
            node("Less", [a, zero], [b + "_is"]),
            node("Where", [b + "_is", zero, a], [b]),
        ],
        lambda a, zero: np.where(a < 0, zero, a),
    ),
    "Where-greater": (
        lambda a, zero, b: [
            node("Greater", [a, zero], [b + "_is"]),
            node("Where", [b + "_is", a, zero], [b]),
        ],
        lambda a, zero: np.where(a > 0, a, zero),
    ),
}


def model(nodes_of):
    """One output y<i> for each case, one input for each dtype."""
    names = {dtype: np.dtype(dtype).name for dtype in DTYPES}
    nodes, outputs = [], []
    for i, (given, middle, last) in enumerate(CASES):
        nodes.append(node("Cast", [names[given]], [f"a{i}"], to=onnx_type(middle)))
        nodes += nodes_of(f"a{i}", f"zero_{names[middle]}", f"b{i}")
        nodes.append(node("Cast", [f"b{i}"], [f"y{i}"], to=onnx_type(last)))
        outputs.append(helper.make_tensor_value_info(f"y{i}", onnx_type(last), ["n"]))
    inputs = [helper.make_tensor_value_info(names[d], onnx_type(d), ["n"]) for d in DTYPES]
    read = {name for n in nodes for name in n.input}
    zeros = [helper.make_tensor(f"zero_{names[d]}", onnx_type(d), [], [0.0]) for d in DTYPES]
    graph = helper.make_graph(
        nodes, "zeros", inputs, outputs, [z for z in zeros if z.name in read]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("level", ["native", "v3", "reference"])
@pytest.mark.parametrize("name", OPERATORS)
def test_sign_of_zero(name, level, tmp_path):
    import mintor

    nodes_of, wanted = OPERATORS[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(model(nodes_of).SerializeToString())
    inputs = {np.dtype(d).name: VALUES.astype(d) for d in DTYPES}
    outputs = mintor.compile(path, target=level, threads=1).run(inputs)
    for i, (given, middle, last) in enumerate(CASES):
        a = VALUES.astype(given).astype(middle)
        want = wanted(a, np.zeros((), middle)).astype(last)
        got = outputs[f"y{i}"]
        dtypes = [np.dtype(d).name for d in (given, middle, last)]
        assert got.tobytes() == want.tobytes(), f"{dtypes}: {got[:7]}, want {want[:7]}"
