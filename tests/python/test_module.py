# SPDX-License-Identifier: Apache-2.0
"""The Python module: compile, call, run, save, load, and the texts of its errors.

Takes a small graph; compares with NumPy. Keeps true: arrays of another dtype are refused, not
converted; the command line and the module give the same bits; a call costs little.
"""
import threading
import time

import numpy
import pytest

import mintor as mt

GRAPH = """graph scale (batch: 1..32) {
  x = input f32[batch, 4]
  b = input f32[4]
  c = broadcast f32[batch, 4] (b) dims = [1]
  y = mul f32[batch, 4] (x, c)
  r = relu f32[batch, 4] (y)
  results r
}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "scale.graph"
    path.write_text(GRAPH)
    return mt.compile(path)


def data(batch):
    rng = numpy.random.default_rng(batch)
    return (rng.standard_normal((batch, 4)).astype(numpy.float32),
            rng.standard_normal(4).astype(numpy.float32))


@pytest.mark.parametrize("batch", [1, 3, 32])  # the ends of the range and an odd size
def test_call_and_run(model, batch):
    x, b = data(batch)
    expected = numpy.maximum(x * b, 0)
    numpy.testing.assert_array_equal(model(x, b), expected)
    results = model.run({"b": b, "x": x})
    assert list(results) == ["r"]
    numpy.testing.assert_array_equal(results["r"], expected)


def test_strided_input_and_lists(model):
    x, b = data(4)
    expected = model(x, b)
    numpy.testing.assert_array_equal(model(numpy.asfortranarray(x), b), expected)
    numpy.testing.assert_array_equal(model(x.repeat(2, axis=0)[::2], list(b)), expected)


def test_results_are_their_own(model):
    x, b = data(2)
    first = model(x, b)
    kept = first.copy()
    model(x * 2, b)
    numpy.testing.assert_array_equal(first, kept)


def test_ports(model):
    assert model.inputs == [("x", "f32", ["batch", 4]), ("b", "f32", [4])]
    assert model.outputs == [("r", "f32", ["batch", 4])]
    assert len(model.numerics_hash) == 64
    assert "scale" in repr(model)


@pytest.mark.parametrize("call, message", [
    (lambda m, x, b: m(x), "1 inputs were given, 'scale' takes 2"),
    (lambda m, x, b: m(x.astype(numpy.float64), b), "has dtype float64, expected float32"),
    (lambda m, x, b: m.run({"x": x}), "input 'b' is missing"),
    (lambda m, x, b: m.run({"x": x, "b": b, "z": b}), "the model has no input 'z'"),
    (lambda m, x, b: m(numpy.zeros((33, 4), numpy.float32), b), "33"),
    (lambda m, x, b: m(numpy.zeros((2, 5), numpy.float32), b), "5"),
])
def test_errors_name_the_values(model, call, message):
    x, b = data(2)
    with pytest.raises(mt.CompileError) as caught:
        call(model, x, b)
    assert message in str(caught.value)
    numpy.testing.assert_array_equal(model(x, b), numpy.maximum(x * b, 0))  # still usable


def test_unknown_option_is_named(tmp_path):
    with pytest.raises(mt.CompileError, match="did you mean 'threads'"):
        mt.compile(tmp_path / "x.graph", thread=2)
    with pytest.raises(mt.CompileError, match="--numerics is 'fast'"):
        mt.compile(tmp_path / "x.graph", numerics="fast")


def test_save_and_load(model, tmp_path):
    x, b = data(5)
    model.save(tmp_path / "scale")
    loaded = mt.load(tmp_path / "scale", threads=2)
    numpy.testing.assert_array_equal(loaded(x, b), model(x, b))
    assert loaded.numerics_hash == model.numerics_hash
    with pytest.raises(mt.CompileError, match="loaded from a package"):
        loaded.save(tmp_path / "again")


# A model that the cache knows is opened without being optimised: what needs the optimised graph
# makes it when asked.
def test_a_model_from_the_cache_can_do_everything(tmp_path):
    path = tmp_path / "scale.graph"
    path.write_text(GRAPH)
    first, again = (mt.compile(path, cache_dir=str(tmp_path / "cache")) for _ in range(2))
    assert again.numerics_hash == first.numerics_hash and len(again.numerics_hash) == 64
    assert (again.name, again.inputs, again.outputs, again.kernels) == (
        first.name, first.inputs, first.outputs, first.kernels)
    third = mt.compile(path, cache_dir=str(tmp_path / "cache"))
    third.save(tmp_path / "third")
    first.save(tmp_path / "first")
    third_text, first_text = (next((tmp_path / name).glob("**/program.cpp")).read_text()
                              for name in ("third", "first"))
    assert third_text.replace("third", "first") == first_text
    explained = mt.compile(path, cache_dir=str(tmp_path / "cache"), explain=True)
    assert explained.explanations


def test_threads_take_turns(model):
    x, b = data(8)
    expected = model(x, b)
    failures = []

    def work():
        for _ in range(200):
            if not numpy.array_equal(model(x, b), expected):
                failures.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


@pytest.mark.alone
def test_a_call_is_cheap(tmp_path):
    """Within 3 us of the kernel on an idle machine; the bound here allows for a busy one."""
    path = tmp_path / "tiny.graph"
    path.write_text("graph tiny {\n  x = input f32[4]\n  r = neg f32[4] (x)\n  results r\n}\n")
    tiny = mt.compile(path, threads=1)
    x = numpy.ones(4, numpy.float32)
    best = min(timed(tiny, x) for _ in range(200))
    assert best < 30e-6, f"{best * 1e6:.1f} us"


def timed(call, x):
    begin = time.perf_counter()
    for _ in range(20):
        call(x)
    return (time.perf_counter() - begin) / 20
