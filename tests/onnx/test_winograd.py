# SPDX-License-Identifier: Apache-2.0
"""Convolutions and transposed ones that Winograd takes, beside ONNX Runtime.

Takes: shapes whose products are worth it, and the order that each gets.
Gives: a model each of bias and relu behind it; its largest error over the largest result is at most
what numerics.md allows.
Keeps true: a case that is computed in another way fails.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import mintor as mt

MINTOR = pathlib.Path(sys.executable).with_name("mintor")
# operator, sides, taps, strides, pads, output_padding, and the order that the graph has
CASES = [
    ("Conv", (28, 31), (3, 3), (1, 1), (1, 1), None, "winograd(4)"),
    ("Conv", (28, 31), (5, 5), (1, 1), (2, 2), None, "winograd(4)"),
    ("Conv", (28, 31), (7, 7), (1, 1), (3, 3), None, "winograd(2)"),
    ("Conv", (28, 31), (4, 4), (1, 1), (0, 0), None, "winograd(5)"),
    ("Conv", (1000,), (5,), (1,), (2,), None, "winograd(4)"),
    ("ConvTranspose", (28, 31), (3, 3), (1, 1), (1, 1), (0, 0), "winograd(4)"),
    ("ConvTranspose", (28, 31), (4, 4), (2, 2), (1, 1), (0, 0), "winograd(3)"),
    ("ConvTranspose", (28, 31), (5, 5), (2, 2), (2, 3), (1, 0), "winograd(4)"),
    ("ConvTranspose", (28, 31), (8, 3), (3, 1), (0, 0), (2, 0), "winograd(4)"),
    ("ConvTranspose", (700,), (6,), (2,), (2,), (1,), "winograd("),
]


def model_of(operator, sides, taps, strides, pads, more, channels):
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((channels, channels, *taps), dtype=np.float32)
    bias = rng.standard_normal(channels, dtype=np.float32)
    attributes = {"strides": strides, "pads": (*pads, *pads)}
    if more:
        attributes["output_padding"] = more
    nodes = [
        helper.make_node(operator, ["x", "w", "b"], ["y"], **attributes),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    shape = [1, channels, *sides]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(), rng.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}-{case[3]}")
def test_results_are_as_close_as_a_few_roundings(case, tmp_path):
    model, x = model_of(*case[:-1], channels=128)
    path = tmp_path / "m.onnx"
    path.write_bytes(model)
    graph = subprocess.run(
        [MINTOR, "compile", path, "--emit=graph"], capture_output=True, text=True, check=True
    )
    assert f"order {case[-1]}" in graph.stdout
    (want,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
    (have,) = mt.compile(str(path)).run({"x": x}).values()
    assert have.shape == want.shape
    assert np.abs(have - want).max() <= 2e-5 * np.abs(want).max()
