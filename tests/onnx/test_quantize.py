# SPDX-License-Identifier: Apache-2.0
"""`mintor quantize`: the file that it writes, beside ONNX Runtime and beside the model.

Takes a small network of random weights; runs the command. Keeps true: ONNX Runtime, which runs the
quantised file in floats when its optimizer is off, is the oracle of what the file says.
"""
import json
import pathlib
import re
import subprocess
import sys

import mintor as mt
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

MINTOR = pathlib.Path(sys.executable).parent / "mintor"
FLOAT = onnx.TensorProto.FLOAT


def weight(name, rng, *shape):
    """Rows of many sizes."""
    sizes = np.exp(rng.standard_normal((shape[0],) + (1,) * (len(shape) - 1)))
    values = rng.standard_normal(shape) * sizes
    return numpy_helper.from_array(values.astype(np.float32), name)


def network(opset=17):
    """Convolutions with a residual between them, pools, a product of two values, a classifier."""
    rng = np.random.default_rng(3)
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w0", "b0"], ["c0"], name="first", pads=[1, 1, 1, 1]),
        node("Relu", ["c0"], ["r0"]),
        node("MaxPool", ["r0"], ["p0"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p0", "w1"], ["c1"], name="depthwise", group=8, pads=[1, 1, 1, 1]),
        node("Add", ["c1", "p0"], ["a1"]),
        node("MaxPool", ["a1"], ["p1"], kernel_shape=[3, 3]),
        node("Conv", ["p1", "w4"], ["c2"], name="pointwise"),
        node("GlobalAveragePool", ["c2"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("MatMul", ["f", "w2"], ["m"], name="product"),
        node("Clip", ["m", "low", "high"], ["k"]),
        node("Gemm", ["k", "w3", "b3"], ["y"], name="classifier", transB=1),
        node("Transpose", ["m"], ["t"], perm=[1, 0]),
        node("MatMul", ["t", "m"], ["z"], name="of_two_values"),
    ]
    weights = [weight("w0", rng, 8, 3, 3, 3), weight("b0", rng, 8), weight("w1", rng, 8, 1, 3, 3),
               weight("w2", rng, 8, 16), weight("w3", rng, 10, 16), weight("b3", rng, 10),
               weight("w4", rng, 8, 8, 1, 1),
               *(numpy_helper.from_array(np.float32(value), name)
                 for name, value in (("low", -0.5), ("high", 1.5)))]
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", FLOAT, ["batch", 3, 12, 12])],
        [helper.make_tensor_value_info("y", FLOAT, ["batch", 10]),
         helper.make_tensor_value_info("z", FLOAT, [16, 16])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def samples(folder, count=4, seed=0):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(count):
        np.savez(folder / f"{i}.npz", x=rng.standard_normal((2, 3, 12, 12)).astype(np.float32))
    return folder


def quantize(folder, *arguments, model="model.onnx"):
    return subprocess.run([MINTOR, "quantize", model, "--calibrate", "samples", "-o", "out.onnx",
                           *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantize")
    onnx.save(network(), folder / "model.onnx")
    samples(folder / "samples")
    ended = quantize(folder, "--json")
    assert ended.returncode == 0, ended.stderr
    return folder, json.loads(ended.stdout)


def by_onnxruntime(path, x):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options).run(None, {"x": x})


def sqnr(expected, got):
    expected, got = expected.astype(float), got.astype(float)
    return 10 * np.log10(np.sum(expected**2) / np.sum((expected - got)**2))


def test_the_file_says_what_onnx_runtime_understands(made):
    folder, _ = made
    onnx.checker.check_model(onnx.load(folder / "out.onnx"), full_check=True)
    x = np.load(folder / "samples/0.npz")["x"]
    ours = mt.compile(str(folder / "out.onnx")).run({"x": x})
    for got, want in zip(ours.values(), by_onnxruntime(folder / "out.onnx", x), strict=True):
        assert sqnr(want, got) > 50  # a sum that rounds to another byte is one step of 255


def test_the_errors_are_those_that_onnx_runtime_sees(made):
    folder, report = made
    arrays = [np.load(path)["x"] for path in sorted((folder / "samples").iterdir())]
    want, got = ([by_onnxruntime(folder / name, x) for x in arrays]
                 for name in ("model.onnx", "out.onnx"))
    for i, name in enumerate(("y", "z")):
        seen = sqnr(*(np.stack([outputs[i] for outputs in all_]) for all_ in (want, got)))
        assert seen > 25 and abs(seen - report["outputs"][name]["sqnr_db"]) < 0.5


def test_the_report_holds_every_layer(made):
    _, report = made
    layers = {layer["name"]: layer for layer in report["layers"]}
    assert list(layers) == ["first", "depthwise", "pointwise", "product", "classifier",
                            "of_two_values"]
    assert layers["of_two_values"]["float_because"] == "its second operand is no weight"
    for name in list(layers)[:5]:
        assert layers[name]["sqnr_db"] > 25 and 0 < layers[name]["largest_error"] < 0.2


def test_weights_are_bytes_by_channel_and_biases_i32(made):
    folder, _ = made
    model = onnx.load(folder / "out.onnx")
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert not {"w0", "b0", "w1", "w2", "w3", "b3"} & set(stored)
    original = {t.name: numpy_helper.to_array(t) for t in network().graph.initializer}
    for name, axis in (("w0", 0), ("w1", 0), ("w2", 1), ("w3", 0), ("w4", 0)):
        bytes_, scales = stored[f"{name}_quantized"], stored[f"{name}_scale"]
        assert bytes_.dtype == np.int8 and scales.shape == (original[name].shape[axis],)
        shape = [1] * original[name].ndim
        shape[axis] = -1
        near = bytes_ * scales.reshape(shape)
        assert np.all(np.abs(near - original[name]) <= scales.reshape(shape) * 0.501)
        others = tuple(d for d in range(original[name].ndim) if d != axis)
        assert np.all(np.abs(bytes_).max(axis=others) == 127)
    assert stored["b0_quantized"].dtype == np.int32
    np.testing.assert_allclose(stored["b0_scale"], stored["x_scale"] * stored["w0_scale"],
                               rtol=1e-6)


def test_what_only_moves_values_keeps_their_scale(made):
    stored = {t.name: numpy_helper.to_array(t)
              for t in onnx.load(made[0] / "out.onnx").graph.initializer}
    for what in ("scale", "zero_point"):
        assert stored[f"a1_{what}"] == stored[f"p1_{what}"]  # the pool has no low values
        assert stored[f"g_{what}"] == stored[f"f_{what}"]  # through Flatten


def test_layers_sum_in_integers(made):
    folder, _ = made
    text = subprocess.run([MINTOR, "compile", "out.onnx", "--emit=graph"], cwd=folder,
                          capture_output=True, text=True, check=True).stdout
    types = re.findall(r"= contract +(\w+)\[", text)
    assert types.count("i32") >= 5 and types.count("f32") == 1, text  # of_two_values


def test_bytes_end_where_values_are_clipped(made):
    model = onnx.load(made[0] / "out.onnx")
    assert not {"Relu", "Clip"} & {node.op_type for node in model.graph.node}


def test_versions_without_scales_by_channel_have_microsofts(made, tmp_path):
    onnx.save(network(opset=11), tmp_path / "model.onnx")
    samples(tmp_path / "samples")
    ended = quantize(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "5 of 6 layers in integers, 4 samples" in ended.stdout
    x = np.load(tmp_path / "samples/0.npz")["x"]
    new, old = (by_onnxruntime(folder / "out.onnx", x) for folder in (made[0], tmp_path))
    assert all(np.array_equal(n, o) for n, o in zip(new, old, strict=True))


def test_a_percentile_leaves_out_what_is_rare(made, tmp_path):
    onnx.save(network(), tmp_path / "model.onnx")
    folder = samples(tmp_path / "samples")
    arrays = dict(np.load(folder / "0.npz"))
    arrays["x"][0, 0, 0, 0] = 1000
    np.savez(folder / "0.npz", **arrays)
    scales = []
    for arguments in ([], ["--percentile", "99.9"]):
        assert quantize(tmp_path, *arguments).returncode == 0
        stored = onnx.load(tmp_path / "out.onnx").graph.initializer
        scales += [float(numpy_helper.to_array(t)) for t in stored if t.name == "x_scale"]
    assert scales[0] > 3.9 and scales[1] < 0.05


def rewritten(path, change):
    np.savez(path, **change(dict(np.load(path))))


@pytest.mark.parametrize("change, message", [
    (lambda a: {"X": a["x"]}, "input 'x' is missing\n  at samples/1.npz"),
    (lambda a: {**a, "xs": a["x"]}, "the model has no input 'xs'"),
    (lambda a: {"x": a["x"].astype(float)}, "input 'x': dtype is f64"),
    (lambda a: {"x": a["x"][:, :2]}, "input 'x': dimension 1 is 2, expected 3"),
    (lambda a: {"x": a["x"] * np.nan}, "input 'x' holds NaN at element 0"),
    (lambda a: {"x": a["x"][0]}, "input 'x': rank is 3, expected 4"),
])
def test_a_bad_sample_is_named(tmp_path, change, message):
    onnx.save(network(), tmp_path / "model.onnx")
    rewritten(samples(tmp_path / "samples") / "1.npz", change)
    ended = quantize(tmp_path)
    assert ended.returncode == 1 and message in ended.stderr, ended.stderr
    assert "samples/1.npz" in ended.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_samples_may_be_npy_files_of_the_only_input(tmp_path):
    onnx.save(network(), tmp_path / "model.onnx")
    (tmp_path / "samples").mkdir()
    ended = quantize(tmp_path)
    assert ended.returncode == 1 and "holds no .npz or .npy file" in ended.stderr
    np.save(tmp_path / "samples/one.npy", np.ones((1, 3, 12, 12), np.float32))
    assert quantize(tmp_path).returncode == 0


def test_a_model_without_layers_is_refused(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "x"], ["y"], name="square")], "g",
        [helper.make_tensor_value_info("x", FLOAT, [3, 3])],
        [helper.make_tensor_value_info("y", FLOAT, [3, 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              tmp_path / "model.onnx")
    (tmp_path / "samples").mkdir()
    np.save(tmp_path / "samples/one.npy", np.ones((3, 3), np.float32))
    ended = quantize(tmp_path)
    assert ended.returncode == 1
    assert "nothing can be quantised; square: its second operand is no weight" in ended.stderr
