# SPDX-License-Identifier: Apache-2.0
"""Inputs that become states: what a streaming model hands from run to run by itself.

Takes small recurrent models, ONNX Runtime with their states handed on by hand as oracle. Keeps
true: bits are those of the same model without states; JIT, package and command line agree.
"""
import os
import pathlib
import subprocess
import sys

import mintor as mt
import numpy as np
import onnx.parser
import onnxruntime
import pytest
from onnx import numpy_helper

GRU = ("float[T, {0}, 6] x, float[1, {0}, 5] h", "float[T, {0}, 3] y, float[1, {0}, 5] hn", """
    s, hn = GRU<hidden_size = 5, linear_before_reset = 1> (x, w, r, b, , h)
    q = Squeeze (s, one)
    y = MatMul (q, out)""", {"w": (1, 15, 6), "r": (1, 15, 5), "b": (1, 30), "out": (5, 3)})
LSTM = ("float[T, {0}, 6] x, float[1, {0}, 5] h, float[1, {0}, 5] c",
        "float[T, {0}, 5] y, float[1, {0}, 5] hn, float[1, {0}, 5] cn", """
    s, hn, cn = LSTM<hidden_size = 5> (x, w, r, b, , h, c)
    q = Squeeze (s, one)
    y = Tanh (q)""", {"w": (1, 20, 6), "r": (1, 20, 5), "b": (1, 40)})
MODELS = {"gru": (GRU, {"h": "hn"}), "lstm": (LSTM, {"h": "hn", "c": "cn"})}


def written(folder, name, batch):
    (inputs, outputs, text, weights), states = MODELS[name]
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> {name} ({inputs.format(batch)}) => '
        f"({outputs.format(batch)}) <int64[1] one = {{1}}> {{{text}\n}}")
    random = np.random.default_rng(3)
    for weight, shape in weights.items():
        values = random.standard_normal(shape, np.float32) / 2
        model.graph.initializer.append(numpy_helper.from_array(values, weight))
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path, states


def chunks(batches, seed=1):
    random = np.random.default_rng(seed)
    return [random.standard_normal((steps, batch, 6), np.float32)
            for steps, batch in zip((4, 1, 7, 2), batches)]


def by_hand(run, states, xs, most):
    """Outputs, the states of `most` streams handed on by hand; a chunk has the first of them."""
    kept = {name: np.zeros((1, most, 5), np.float32) for name in states}
    for x in xs:
        batch = x.shape[1]
        outputs = run({"x": x, **{name: kept[name][:, :batch] for name in states}})
        for name, output in states.items():
            kept[name][:, :batch] = outputs[output]
        yield outputs["y"], {name: value.copy() for name, value in kept.items()}


def check_stream(stream, plain, session, states, xs, most):
    names = [output.name for output in session.get_outputs()]
    oracle = by_hand(lambda given: dict(zip(names, session.run(names, given))), states, xs, most)
    same = by_hand(plain.run, states, xs, most)
    for x, (wanted, _), (bits, kept) in zip(xs, oracle, same):
        y = stream.run({"x": x})
        assert list(y) == ["y"]
        np.testing.assert_allclose(y["y"], wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(y["y"], bits)
        for name, value in kept.items():
            np.testing.assert_array_equal(stream.parameter(name), value)


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("batch, batches", [("2", (2, 2, 2, 2)), ("batch", (3, 1, 2, 3))])
def test_streams(tmp_path, name, batch, batches):
    """A state of an open batch has the most rows there can be; a run of fewer leaves the others."""
    path, states = written(tmp_path, name, batch)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = {"x": ["T", (1, 3), 6]} if batch == "batch" else {}
    most = 3 if batch == "batch" else 2
    plain = mt.compile(path, threads=1, shapes=shapes)
    stream = mt.compile(path, threads=2, shapes=shapes, states=states)
    assert [port[0] for port in stream.inputs] == ["x"] and stream.states == list(states)
    xs = chunks(batches)
    check_stream(stream, plain, session, states, xs, most)
    stream.reset()
    check_stream(stream, plain, session, states, xs, most)
    stream.save(tmp_path / "out", target="v3,v4")
    check_stream(mt.load(tmp_path / "out", threads=1), plain, session, states, xs, most)
    header = (tmp_path / "out" / "include" / "out.h").read_text()
    assert f"//   0 h: f32[1, {most}, 5]" in header


def mintor(*arguments):
    beside = pathlib.Path(sys.executable).parent / "mintor"
    return subprocess.run([os.environ.get("MINTOR", beside), *map(str, arguments)], text=True,
                          capture_output=True)


def test_command_line(tmp_path):
    path, _ = written(tmp_path, "lstm", "2")
    given = ["--state", "h=hn", "--state", "c=cn"]
    np.save(tmp_path / "x.npy", chunks((2,))[0])
    ended = mintor("compile", path, "-o", tmp_path / "out", "--target", "v3", "--build", *given)
    assert ended.returncode == 0, ended.stderr
    verified = subprocess.run(["make", "-s", "-C", tmp_path / "out", "verify"], text=True,
                              capture_output=True)
    assert verified.returncode == 0, verified.stderr
    said = [mintor("run", model, "--input", f"x={tmp_path}/x.npy", *options).stdout.split("\n")[0]
            for model, options in ((path, given), (tmp_path / "out", []),
                                   (path, [*given, "--evaluate"]))]
    assert said[0].startswith("y f32[4, 2, 5]") and said == [said[0]] * 3
    zeros = mt.compile(path, threads=1)(chunks((2,))[0], *np.zeros((2, 1, 2, 5), np.float32))[0]
    np.testing.assert_array_equal(mt.load(tmp_path / "out")(chunks((2,))[0]), zeros)


@pytest.mark.parametrize("batch, shapes", [("2", []), ("batch", ["--shape", "x=5x1..3x6"])])
def test_verify(tmp_path, batch, shapes):
    """Two runs from a new context: evaluator, levels, threads, a package; ONNX Runtime; a case."""
    path, _ = written(tmp_path, "lstm", batch)
    given = ["--state", "h=hn", "--state", "c=cn", *shapes]
    ended = mintor("verify", path, *given, "--threads", "2", "--compilers", "gcc")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    compared = ("y", "y, second run", "state h", "state h, second run", "state c, second run")
    for subject in ("evaluator", "jit v3 threads 2", "package by gcc v3"):
        for name in compared:
            assert f"{subject} {name}: same bits" in ended.stdout, ended.stdout
    x = np.random.default_rng(1).standard_normal((5, 2, 6), np.float32)
    np.save(tmp_path / "x.npy", x)
    ended = mintor("verify", path, *given, "--against", "onnxruntime", "--input",
                   f"x={tmp_path}/x.npy")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for name in compared:
        assert f"onnxruntime {name}: " in ended.stdout, ended.stdout
    zeros = dict.fromkeys(("h", "c"), np.zeros((1, 2, 5), np.float32))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.savez(tmp_path / "in.npz", x=x)
    np.savez(tmp_path / "out.npz", y=session.run(["y"], {"x": x, **zeros})[0])
    case = f"{tmp_path}/in.npz,{tmp_path}/out.npz"
    ended = mintor("verify", path, *given, "--case", case, "--case", case)
    assert ended.returncode == 0 and "2 compared, 0 failed" in ended.stdout, ended.stdout


@pytest.mark.parametrize("batch, options, problem, help_text", [
    ("2", ["hh=hn"], "the model has no input 'hh'", "did you mean 'h'?"),
    ("2", ["h=hm"], "the model has no output 'hm'", "did you mean 'hn'?"),
    ("2", ["h=y"], "the input 'h' is f32[1, 2, 5], the output 'y' f32[T, 2, 3]",
     "a state and its update have one dtype and shape"),
    ("2", ["h=hn", "h=hn"], "--state names input 'h' twice", ""),
    ("batch", ["h=hn"], "'h' is f32[1, batch, 5]: batch has no upper bound", "--shape h=..."),
])
def test_what_is_no_state(tmp_path, batch, options, problem, help_text):
    path, _ = written(tmp_path, "gru", batch)
    ended = mintor("run", path, "--seed", "0", *(word for state in options
                                                 for word in ("--state", state)))
    assert ended.returncode == 1
    assert "error: state: " + problem in ended.stderr and help_text in ended.stderr


def test_what_no_model_makes_right(tmp_path):
    path, _ = written(tmp_path, "gru", "2")
    for state in ("h", "=hn", "h="):
        ended = mintor("run", path, "--seed", "0", "--state", state)
        assert ended.returncode == 2 and f"--state is '{state}'" in ended.stderr, ended.stderr
    with pytest.raises(TypeError, match="expected a dictionary"):
        mt.compile(path, states=["h=hn"])
    with pytest.raises(TypeError, match="names of outputs, got 3"):
        mt.compile(path, states={"h": 3})


def test_a_size_that_only_the_state_has(tmp_path):
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": 17]>
        keep (float[n] h, float x) => (float[n] y) { y = Add (h, x) }""")
    onnx.save(model, tmp_path / "keep.onnx")
    ended = mintor("run", tmp_path / "keep.onnx", "--seed", "0", "--state", "h=y", "--shape",
                   "h=1..4")
    assert ended.returncode == 1 and "no other input has the size" in ended.stderr, ended.stderr
    stream = mt.compile(tmp_path / "keep.onnx", shapes={"h": [2]}, states={"h": "y"})
    for _ in range(3):
        assert stream.run({"x": np.float32(2)}) == {}
    np.testing.assert_array_equal(stream.parameter("h"), [6, 6])
