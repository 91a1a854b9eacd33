# SPDX-License-Identifier: Apache-2.0
"""errors.py on a small model with a layer of each kind.

Takes nothing; keeps true: each layer gets the operands of the whole run, its f64 reference is right
(f32 by Mintor is near it), and the layer that is computed by Winograd is known.
"""
import pathlib
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import errors  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402


def model():
    random = np.random.default_rng(1)

    def weight(name, *shape):
        values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        return numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "plain", pads=[0, 1, 1, 0],
                         strides=[2, 1], kernel_shape=[3, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "tiled", pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["c2", "w3"], ["c3"], "transposed", strides=[2, 2],
                         pads=[1, 1, 1, 1], output_padding=[1, 0]),
        helper.make_node("ReduceMean", ["c3"], ["m"], axes=[2], keepdims=0),
        helper.make_node("Transpose", ["m"], ["t"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["t", "w4", "r4", "b4"], ["l", "", ""], "recurrent",
                         hidden_size=12, direction="bidirectional"),
        helper.make_node("Reshape", ["l", "shape"], ["f"]),
        helper.make_node("Transpose", ["w5"], ["w5t"], perm=[1, 0]),
        helper.make_node("MatMul", ["f", "w5t"], ["y5"], "product"),
        helper.make_node("Gemm", ["y5", "w6", "b6"], ["y"], "dense", transB=1, alpha=0.5)]
    weights = [weight("w1", 64, 3, 3, 2), weight("b1", 64), weight("w2", 64, 64, 3, 3),
               weight("b2", 64),
               weight("w3", 64, 8, 3, 3), weight("w4", 2, 48, 8), weight("r4", 2, 48, 12),
               weight("b4", 2, 96), weight("w5", 20, 24), weight("w6", 7, 20), weight("b6", 7),
               numpy_helper.from_array(np.array([-1, 24]), "shape")]
    graph = helper.make_graph(
        nodes, "layers", [helper.make_tensor_value_info("x", 1, [1, 3, 56, 27])],
        [helper.make_empty_tensor_value_info("y")], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), \
        {"in_x": random.standard_normal((1, 3, 56, 27)).astype(np.float32)}


def test_every_layer_is_near_its_reference(tmp_path):
    made, inputs = model()
    onnx.save(made, tmp_path / "m.onnx")
    np.savez(tmp_path / "m.npz", **inputs)
    rows = errors.measured(tmp_path / "m.onnx", 1, "default")
    assert [row["layer"] for row in rows] == ["plain", "tiled", "transposed", "recurrent",
                                              "product", "dense"]
    assert [bool(row["tile"]) for row in rows] == [False, True] + 4 * [False]
    for row in rows:
        assert row["good"] and 0 < row["mintor"] < 1e-5 and row["torch"] < 1e-5, row
    strict = errors.measured(tmp_path / "m.onnx", 1, "strict")
    assert not any(row["tile"] for row in strict)
    text = errors.markdown({"m": rows})
    assert "| m | 6 | " in text and "| 1 | " in text and " | tiled | " in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.npz", "m.onnx"]


def test_error_is_relative_to_the_largest_output():
    exact = np.array([1.0, -4.0])
    assert errors.error(np.array([1.5, -4.0]), exact) == 0.125
    assert np.isnan(errors.error(np.zeros(3), exact))
