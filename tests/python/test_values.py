# SPDX-License-Identifier: Apache-2.0
"""What is given where an array is expected: taken without loss, or refused with both names.

Takes graphs of each kind of dtype. Keeps true: a value with a dtype is never converted; options
that the module cannot follow are refused with a reason.
"""
import os
import signal
import threading
import time

import ml_dtypes
import numpy
import pytest

import mintor as mt

GRAPH = """graph mixed {
  a = input f32[3]
  n = input i64[2]
  k = input u8[2]
  t = input bool[2]
  p = neg f32[3] (a)
  q = add i64[2] (n, n)
  r = add u8[2] (k, k)
  s = not bool[2] (t)
  results p, q, r, s
}
"""
BRAIN_FLOATS = """graph brain {
  x = input bf16[4]
  y = cast f32[4] (x)
  z = add f32[4] (y, y)
  r = cast bf16[4] (z)
  results r
}
"""
GOOD = {"a": [0.5, 1, -2.0], "n": [1, 2], "k": [3, 4], "t": [True, False]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "mixed.graph"
    path.write_text(GRAPH)
    return mt.compile(path, threads=1)


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "brain.graph"
    path.write_text(BRAIN_FLOATS)
    return mt.compile(path, threads=1)


def test_plain_numbers_are_taken(model):
    results = model.run(GOOD)
    numpy.testing.assert_array_equal(results["p"], [-0.5, -1, 2])
    numpy.testing.assert_array_equal(results["q"], [2, 4])
    numpy.testing.assert_array_equal(results["r"], [6, 8])
    numpy.testing.assert_array_equal(results["s"], [False, True])
    exact = model.run({**GOOD, "n": (2**62 + 1, True), "a": [2**24, 0.1, float("inf")]})
    assert exact["q"][0] == numpy.int64(-2**63 + 2)  # wraps, from the exact value
    assert exact["p"][1] == -numpy.float32(0.1)


@pytest.mark.parametrize("name, value, message", [
    ("a", numpy.zeros(3), "input 'a' has dtype float64, expected float32"),
    ("a", [numpy.float64(1)] * 3, "input 'a' has dtype float64, expected float32"),
    ("a", numpy.float64(1), "input 'a' has dtype float64, expected float32"),
    ("a", numpy.zeros(3, numpy.float16), "input 'a' has dtype float16, expected float32"),
    ("a", numpy.zeros(3, ">f4"), "input 'a' has dtype >f4, expected float32"),
    ("a", None, "input 'a' has dtype object, expected float32"),
    ("a", [1.0, None, 2.0], "input 'a' has dtype object, expected float32"),
    ("a", "text", "expected float32"),
    ("a", [1j] * 3, "input 'a' has dtype complex128, expected float32"),
    ("a", [1e300, 1, 1], "input 'a' holds 1e+300, which is no float32"),
    ("a", [2**24 + 1, 1, 1], "input 'a' holds 16777217, which is no float32"),
    ("a", [[1], [2, 3]], "input 'a'"),
    ("n", [1.0, 2.0], "input 'n' is given as Python floats, expected int64"),
    ("n", numpy.zeros(2, numpy.int32), "input 'n' has dtype int32, expected int64"),
    ("n", [2**63, 0], "input 'n' cannot be int64"),
    ("k", [300, 0], "input 'k'"),
    ("k", [-1, 0], "input 'k'"),
    ("t", [1, 0], "input 't' is given as Python whole numbers, expected bool"),
])
def test_conversions_that_lose_are_refused(model, name, value, message):
    with pytest.raises(mt.CompileError) as caught:
        model.run({**GOOD, name: value})
    assert message in str(caught.value)


def test_tensors_of_pytorch(model):
    torch = pytest.importorskip("torch")
    results = model.run({**GOOD, "a": torch.tensor([1.0, 2.0, 3.0])})
    numpy.testing.assert_array_equal(results["p"], [-1, -2, -3])
    with pytest.raises(mt.CompileError, match="has dtype float64, expected float32"):
        model.run({**GOOD, "a": torch.zeros(3, dtype=torch.float64)})
    with pytest.raises(mt.CompileError, match="input 'a' is no array: .*requires grad"):
        model.run({**GOOD, "a": torch.zeros(3, requires_grad=True)})


def test_unaligned_views_are_copied(model):
    bytes_of = numpy.zeros(13, numpy.uint8)
    view = bytes_of[1:].view(numpy.float32)
    view[:] = [1, 2, 3]
    assert not view.flags.aligned
    numpy.testing.assert_array_equal(model.run({**GOOD, "a": view})["p"], [-1, -2, -3])


def test_a_copy_that_no_memory_holds_is_refused(tmp_path):
    path = tmp_path / "free.graph"
    path.write_text("graph free (n: 0..) {\n  a = input f32[n]\n  b = neg f32[n] (a)\n"
                    "  results b\n}\n")
    huge = numpy.broadcast_to(numpy.float32(0), (2**50,))
    with pytest.raises(mt.CompileError, match="no memory for a copy of its 1125899906842624 elem"):
        mt.compile(path, threads=1)(huge)


def waited(child):
    """The exit status of a forked child that ends within a minute."""
    for _ in range(1200):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


def test_a_child_that_was_forked_while_others_ran(model):
    """Whoever had the turn is not in the child: it takes a lock and a context of its own."""
    stop = threading.Event()

    def run():
        while not stop.is_set():
            model.run(GOOD)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    statuses = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            right = numpy.array_equal(model.run(GOOD)["q"], [2, 4])
            os._exit(0 if right else 1)
        statuses.append(waited(child))
    stop.set()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 6


def test_four_threads_build_one_package(brain, tmp_path):
    brain.save(tmp_path / "brain")
    failures = []

    def load():
        try:
            assert_brain(mt.load(tmp_path / "brain")([1, 2, 3, 4]), [2, 4, 6, 8])
        except (mt.CompileError, AssertionError) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert os.listdir(tmp_path / "brain" / "build") == ["libbrain.so"]


def test_load_refuses_what_compile_refuses(brain, tmp_path):
    brain.save(tmp_path / "brain")
    with pytest.raises(mt.CompileError, match="threads is '-1'"):
        mt.load(tmp_path / "brain", threads=-1)


def assert_brain(result, values):
    assert result.dtype == ml_dtypes.bfloat16
    numpy.testing.assert_array_equal(result.astype(numpy.float32), values)


def test_bf16_in_and_out(brain, tmp_path):
    x, twice = numpy.array([1, 2, -3, 0.5], ml_dtypes.bfloat16), [2, 4, -6, 1]
    assert_brain(brain(x), twice)
    assert_brain(brain.run({"x": numpy.repeat(x, 2)[::2]})["r"], twice)
    assert_brain(brain([1, 2, -3, 0.5]), twice)
    brain.save(tmp_path / "brain", rtol=0, atol=0,
               cases=[({"x": x}, {"r": numpy.array(twice, ml_dtypes.bfloat16)})])
    assert_brain(mt.load(tmp_path / "brain")(x), twice)
    torch = pytest.importorskip("torch")
    assert_brain(brain(torch.tensor([1, 2, -3, 0.5], dtype=torch.bfloat16)), twice)


@pytest.mark.parametrize("value, message", [
    (numpy.ones(4, numpy.uint16), r"has dtype uint16, expected bfloat16\n.*x.view\(ml_dtypes"),
    (numpy.ones(4, numpy.float16), r"has dtype float16, expected bfloat16\n.*x.astype\(ml_dtypes"),
    (numpy.ones(4), "has dtype float64, expected bfloat16"),
    (numpy.zeros(4, numpy.uint16).view("V2"), r"expected bfloat16\n.*x.view\(ml_dtypes"),
    ([257, 0, 0, 0], "holds 257, which is no bfloat16"),
    ([1e39, 0, 0, 0], "holds 1e\\+39, which is no bfloat16"),
])
def test_what_is_no_bf16_is_refused(brain, value, message):
    with pytest.raises(mt.CompileError, match=message):
        brain(value)


def test_floats_become_bf16_with_one_rounding(brain):
    # Just above the middle of 1 and its successor: a float would forget by how much.
    middle = 1 + 2.0**-8
    given = [middle + 2.0**-40, middle, -middle - 2.0**-40, middle - 2.0**-40]
    assert_brain(brain(given), [2 + 2.0**-6, 2, -2 - 2.0**-6, 2])


@pytest.mark.parametrize("keywords, kind, message", [
    ({"emit": "graph"}, mt.CompileError, "emit is an option of the command line"),
    ({"dump_changed": True}, mt.CompileError, "dump_changed is an option of the command line"),
    ({"shapes": [8]}, TypeError, "shapes is [8], expected a dictionary"),
    ({"shapes": {"x": 8}}, TypeError, "shapes has 8 for 'x', expected a list of sizes"),
    ({"shapes": {1: [8]}}, TypeError, "got the name 1"),
    ({"shapes": {"x": [None, 8]}}, mt.CompileError, "shapes has the size None for 'x'"),
    ({"shapes": {"x": [(1, 2, 3), 8]}}, mt.CompileError, "has the size (1, 2, 3) for 'x'"),
    ({"shapes": {"x": [1.5]}}, mt.CompileError, "has the size 1.5 for 'x'"),
])
def test_options_are_checked(tmp_path, keywords, kind, message):
    with pytest.raises(kind) as caught:
        mt.compile(tmp_path / "x.graph", **keywords)
    assert message in str(caught.value)


def test_names_are_text(model):
    with pytest.raises(TypeError, match="inputs and outputs have names, got 1"):
        model.run({1: [1, 2, 3]})


@pytest.mark.parametrize("keywords, message", [
    ({"rtol": -1.0}, "a tolerance is -1"),
    ({"atol": float("nan")}, "a tolerance is nan"),
    ({"cases": [({"aa": [1.0] * 3}, {})]}, "there is no input 'aa'"),
    ({"cases": [(GOOD, {"p": numpy.zeros(3)})]}, "'p' has dtype float64, expected float32"),
])
def test_cases_of_save_are_checked(model, tmp_path, keywords, message):
    with pytest.raises(mt.CompileError) as caught:
        model.save(tmp_path / "out", **keywords)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_sizes_that_break_a_condition(tmp_path):
    path = tmp_path / "rows.graph"
    path.write_text("""graph rows (n: 0.., m: 0..) {
  needs n*m == n or n*m >= 1  @ "the caller"
  needs m == 12 or m >= 1
  needs n == 2 or n == 1
  x = input f32[n, m]
  y = relu  f32[n, m] (x)
  results y
}
""")
    rows = mt.compile(path)
    assert rows(numpy.ones((1, 1), numpy.float32)).shape == (1, 1)
    assert rows(numpy.ones((2, 5), numpy.float32)).shape == (2, 5)
    for shape, message in (
        ((2, 0), r"m\*n is 0 and n is 2, they must be equal, or the first at least 1 .*the caller"),
        ((0, 0), "m is 0, must be 12 or at least 1"),
        ((3, 1), "n is 3, must be 2 or 1"),
    ):
        with pytest.raises(mt.CompileError, match=message):
            rows(numpy.ones(shape, numpy.float32))
