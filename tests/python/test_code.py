# SPDX-License-Identifier: Apache-2.0
"""The user's own C++ inside a graph: values, gradients, replay, packages, and what is refused.

Takes small sources; compares with NumPy and with finite differences, and refusals by their text.
"""
import doctest
import importlib
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

import mintor as mt
from mintor import _mintor
from random_code import Case, passes

SEEDS = 150


def can_be_checked():
    try:
        mt.code((1,), "float32", [], "").numpy()
    except mt.CompileError as error:
        return "libmintor_jit is not installed" not in str(error)
    return True


pytestmark = pytest.mark.skipif(not can_be_checked(), reason="user code is checked by clang")

SCALE = "for (int64_t i = 0; i < in0_shape0; ++i) out(i) = in0(i) * 3;"
BLUR = """
for (int64_t i = 0; i < in0_shape0; ++i) {
  for (int64_t j = 0; j < in0_shape1; ++j) {
    float sum = 0;
    for (int64_t k = 0; k < in1_shape0; ++k) {
      const int64_t at = j + k - 1;
      if (at < 0 || at >= in0_shape1) continue;
      sum += in0(i, at) * in1(k);
    }
    out(i, j) = sum;
  }
}
"""
BLUR_D_IN0 = """
for (int64_t i = 0; i < in0_shape0; ++i)
  for (int64_t j = 0; j < in0_shape1; ++j)
    for (int64_t k = 0; k < in1_shape0; ++k) {
      const int64_t at = j + k - 1;
      if (at >= 0 && at < in0_shape1) din(i, at) += dout0(i, j) * in1(k);
    }
"""
BLUR_D_IN1 = """
for (int64_t i = 0; i < in0_shape0; ++i)
  for (int64_t j = 0; j < in0_shape1; ++j)
    for (int64_t k = 0; k < in1_shape0; ++k) {
      const int64_t at = j + k - 1;
      din(k) += at >= 0 && at < in0_shape1 ? dout0(i, j) * in0(i, at) : 0;
    }
"""


def compiled():
    return _mintor.statistics()["compiled"]


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


def blur(x, w, gradient=(BLUR_D_IN0, BLUR_D_IN1)):
    return mt.code(x.shape, x.dtype, [x, w], BLUR, gradient)


def blurred(x, w):
    padded = numpy.pad(x, ((0, 0), (1, 1)))
    return sum(padded[:, k:k + x.shape[1]] * w[k] for k in range(3))


def test_values_are_those_of_numpy():
    x, w = values(4, 9), values(3, seed=1)
    numpy.testing.assert_allclose(blur(mt.array(x), mt.array(w)).numpy(), blurred(x, w), rtol=1e-5,
                                  atol=1e-6)


def test_it_stands_between_other_operators():
    x, w = values(4, 9), values(3, seed=1)
    y = mt.exp(blur(mt.array(x) * 2 + 1, mt.array(w) - 1)).reshape(9, 4).sum(0)
    expected = numpy.exp(blurred(x * 2 + 1, w - 1)).reshape(9, 4).sum(0)
    numpy.testing.assert_allclose(y.numpy(), expected, rtol=1e-4)


def test_it_reads_broadcasts_and_constants():
    y = mt.code((3,), "float32", [mt.ones((3,)), mt.zeros((3,)) + 2],
                "for (int i = 0; i < 3; ++i) out(i) = in0(i) + in1(i);")
    assert y.numpy().tolist() == [3, 3, 3]


def test_results_start_as_zeros_and_no_input_is_overwritten():
    x = mt.array(values(5)) + 1
    y = mt.code((5,), "float32", [x], "for (int i = 1; i < 5; ++i) out0(i) += in0(i - 1);")
    kept = x.numpy().copy()
    assert y.numpy().tolist() == [0, *kept[:4].tolist()]


def test_several_results_and_dtypes():
    x = values(6)
    kinds = ["float64", "bool", "int32"]
    low, positive, count = mt.code([(6,), (6,), ()], kinds, [mt.array(x)], """
      for (int64_t i = 0; i < in0_shape0; ++i) {
        out0(i) = mt_min(in0(i), 0.5f);
        out1(i) = in0(i) > 0;
        out2() += out1(i) ? 1 : 0;
      }""")
    numpy.testing.assert_array_equal(low.numpy(), numpy.minimum(x, numpy.float32(0.5)))
    numpy.testing.assert_array_equal(positive.numpy(), x > 0)
    assert int(count) == (x > 0).sum()


def test_functions_are_those_of_the_compiler():
    x = values(16)
    y = mt.code((16,), "float32", [mt.array(x)],
                "for (int i = 0; i < 16; ++i) out(i) = mt_tanh(in0(i)) + mt_exp(in0(i));")
    expected = mt.tanh(mt.array(x)) + mt.exp(mt.array(x))
    numpy.testing.assert_array_equal(y.numpy(), expected.numpy())


def test_gather_with_a_clamped_index():
    x, at = values(5), numpy.array([3, -7, 9, 0], "int64")
    y = mt.code((4,), "float32", [mt.array(x), mt.array(at)], """
      for (int64_t i = 0; i < in1_shape0; ++i)
        out(i) = in0(mt_imax(0, mt_imin(in1(i), in0_shape0 - 1)));""")
    numpy.testing.assert_array_equal(y.numpy(), x[at.clip(0, 4)])


def test_gradients_are_finite_differences():
    x, w = values(3, 5), values(3, seed=1)
    weight = values(3, 5, seed=2)
    loss = lambda x, w: (blur(x, w) * mt.array(weight)).sum()
    gx, gw = mt.grad(loss(X := mt.array(x), W := mt.array(w)), [X, W])
    for array, found in ((x, gx.numpy()), (w, gw.numpy())):
        for at in numpy.ndindex(array.shape):
            step = numpy.zeros_like(array)
            step[at] = 0.5  # the loss is linear in both
            other = (x, w + step) if array is w else (x + step, w)
            difference = float((blurred(*other) * weight).sum() - (blurred(x, w) * weight).sum())
            assert found[at] == pytest.approx(difference / 0.5, rel=1e-3, abs=1e-4)


def test_an_optimizer_learns_through_it():
    class Model(mt.Module):
        def __init__(self):
            self.w = mt.Parameter(mt.zeros((3,)))

        def execute(self, x):
            return blur(x, self.w)

    model = Model()
    optimizer = mt.nn.SGD(model.parameters(), 0.05)
    true, counts = numpy.array([0.5, -1, 2], "float32"), []
    for step in range(60):
        x = values(4, 9, seed=step)
        loss = ((model(mt.array(x)) - mt.array(blurred(x, true))) ** 2).mean()
        optimizer.step(loss)
        float(loss)
        counts.append(compiled())
    numpy.testing.assert_allclose(model.w.numpy(), true, atol=0.02)
    assert counts[-1] == counts[2]


def test_a_repeated_call_compiles_nothing_and_another_source_does():
    run = lambda seed, source: mt.code((7,), "float32", [mt.array(values(7, seed=seed))],
                                       source).numpy()
    numpy.testing.assert_array_equal(run(0, SCALE), values(7) * 3)
    before = compiled()
    numpy.testing.assert_array_equal(run(1, SCALE), values(7, seed=1) * 3)
    assert compiled() == before
    numpy.testing.assert_array_equal(run(1, SCALE.replace("3", "4")), values(7, seed=1) * 4)
    assert compiled() == before + 1


def test_other_sizes():
    for size in (3, 8, 5, 0, 12):
        x = values(size)
        y = mt.code((size,), "float32", [mt.array(x)], SCALE)
        numpy.testing.assert_array_equal(y.numpy(), x * 3)


def test_a_gradient_that_is_not_given_is_refused_where_it_is_asked_for():
    x, w = mt.array(values(3, 5)), mt.array(values(3))
    y = blur(x, w, [BLUR_D_IN0, None]).sum()
    assert mt.grad(y, x).numpy().shape == (3, 5)
    with pytest.raises(mt.CompileError, match="no gradient of its operand 1"):
        mt.grad(blur(x, w, [BLUR_D_IN0, None]).sum(), w).numpy()
    with pytest.raises(mt.CompileError, match="no gradient of its operand 0"):
        mt.grad(blur(x, w, None).sum(), x).numpy()


def test_a_package_is_made_of_it(tmp_path):
    model = tmp_path / "model.mt"
    model.write_text("""graph scaled {
  x = input f32[4, 5]
  e = exp f32[4, 5] (x)
  y = code f32[4] (e) source "ROWS"
  r = neg f32[4] (y)
  results r
}
""".replace("ROWS", r"for (int i = 0; i < 4; ++i)\n"
                    r"  for (int j = 0; j < 5; ++j) out(i) += in0(i, j);"))
    x = values(4, 5)
    package = mt.compile(str(model))
    numpy.testing.assert_allclose(package(x), -numpy.exp(x).sum(1), rtol=1e-5)
    package.save(str(tmp_path / "out"))
    text = "".join(path.read_text() for path in (tmp_path / "out").rglob("kernels_*.cpp"))
    assert "in0(i, j)" in text
    done = subprocess.run(["make", "-C", str(tmp_path / "out"), "verify"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


REFUSED = {
    "#include <stdio.h>": "line 1, column 1 of the source: user code has no preprocessor",
    "\n  asm(\"nop\");": "line 2, column 3 of the source: user code has no assembly",
    "__builtin_trap();": "line 1, column 1 of the source: the name '__builtin_trap' is the comp",
    "again: goto again;": "user code has no goto",
    "static int n = 0;": "'n' is static: user code keeps nothing between runs",
    "int* p = new int;": "'p' is int \\*, which is neither a number nor an array",
    "delete (int*)0;": "user code has no delete",
    "throw 1;": "cannot use 'throw' with exceptions disabled",
    "float x = 1; auto f = [&] { return x; };": "neither a number nor an array",
    "float x = 1; [&] { x = 2; }();": "user code has no",
    "auto* p = &out(0);": "neither a number nor an array",
    "out(0) = *&in0(0);": "cannot take the address of an rvalue",
    "out(0) = *(float*)(&out(1));": "user code has no pointers",
    "long n = reinterpret_cast<long>(&out(0));": "user code has no reinterpret_cast",
    "float& r = out(0);": "'r' is float &, which is neither a number nor an array of them",
    "abort();": "line 1, column 1 of the source: use of undeclared identifier 'abort'",
    "out(0) = mt_data0[0];": "'mt_data0' is neither a view nor|user code indexes views",
    "out(0) = in0.data[99];": "user code indexes views",
    "mt_user_code(0, 0);": "user code may not call 'mt_user_code'",
    "} } void f() { {": "the braces of user code do not match",
    "} {": "the braces of user code do not match",
    "while (true) out(0) = 1;": "line 1, column 1 of the source: this loop never ends",
    "for (;;) { for (;;) { break; } }": "column 1 of the source: this loop never ends",
    "struct A { int x; };": "user code declares variables alone",
    "int x; out(0) = x;": "'x' has no value",
    "out(0) = in0(1, 2);": "'in0' has 1 dimensions, and takes as many indices",
    "out(0) = in0(4);": "line 1, column 14 of the source: this index of in0 is not known to be "
                        "inside of 0 to 3: it is 4",
    "for (int i = 0; i <= in0_shape0; ++i)\n  out(i) = 1;":
        "line 2, column 7 of the source: this index of out is not known to be inside of 0 to 3: it "
        "may be 0 to 4",
    "for (int i = 0; i < 4; ++i) out(i) = in0(i - 1);": "it may be -1 to 2",
    "for (int i = 0; i < 4; ++i) { out(i) = 1; i += 1; }": "index of out is not known",
    "for (unsigned i = 3; i >= 0; --i) out(i) = 1;": "index of out is not known",
    "int i = 0; while (in0(0) > 0) { out(i) = 1; ++i; }": "index of out is not known",
    "out(int(in0(0))) = 1;": "help: let a loop count to out_shape0, test the index with if",
    "int n = 0; while (n < 4) { if (n >= 0) out(n) = 1; n++; }": "index of out is not known",
    "float a[64][64] = {}; float b = 0;": "'b' takes more memory than there is",
    "decltype(nullptr) n = {};": "neither a number nor an array",
    "out(0) = (bool)nullptr;": "user code casts numbers alone",
    'const char* s = R"(")";\n#include "x"': "line 2, column 1 of the source: user code has no",
    "%:define A": "line 1, column 1 of the source: user code has no preprocessor",
    "out(mt_imin(int64_t(1) << 62, 8) * 4611686018427387904) = 1;": "index of out is not known",
    "for (uint8_t i = 0; i < 300; ++i) out(i / 64) = 1; for (uint8_t i = 0; i <= 255; ++i) "
    "out(i) = 1;": "index of out is not known",
    "for (int i = 0; i < 4; ++i) out(2 < 0 - i ? i / 3 : i) = 1;": "index of out is not known",
    "for (int i = 2; i >= 0u; --i) out(i) = 1;": "index of out is not known",
    "for (int i = 254; i < 258; ++i) out(uint8_t(i) - 254) = 1;": "it may be -254 to 1",
    "for (unsigned i = 0; i < 4; ++i) out((i - 4u) / 536870912u) = 1;": "it may be 0 to 7",
    "const int d = int(in0(0)); if (d > 0) out(0) = 4 / (d - 1);": "this divisor is not known",
    "float a[2] = {}; out(0) = a[2];": "this index of the array is not known to be inside",
    "int d = int(in0(0)); out(0) = 4 / d;": "this divisor is not known to be positive",
    "out(0) = 1": "line 1, column 11 of the source: expected ';'",
    "in0(0) = 1;": "line 1, column 8 of the source: expression is not assignable",
    "out = in0;": "line 1, column",
    "out(0) = mt_exp(1);": "line 1, column 10 of the source",
    "@ in0 -> out0": "a line of the source begins with '@'",
}


@pytest.mark.parametrize("source", REFUSED)
def test_refusals_name_the_line(source):
    with pytest.raises(mt.CompileError, match=REFUSED[source]):
        mt.code((4,), "float32", [mt.array(values(4))], source)  # at the call, not at a read


ACCEPTED = {
    "for (int i = 3; i >= 0; --i) out(i) = in0(3 - i);": lambda x: x[::-1],
    "for (int i = 0; i < 2; ++i) for (int j = 0; j < 2; ++j) out(2 * i + j) = in0(i + 2 * j);":
        lambda x: x.reshape(2, 2).T.reshape(4),
    "for (int i = 0; i < 4; i += 2) { out(i) = in0(i + 1); out(i + 1) = in0(i); }":
        lambda x: x[[1, 0, 3, 2]],
    "for (int i = 0; i < 4; ++i) for (int j = 0; j <= i; ++j) out(i) += in0(i - j);":
        lambda x: x.cumsum(),
    "for (int i = 0; i < 8; ++i) out(i / 2) = in0(i % 4);": lambda x: x[[1, 3, 1, 3]],
    "float a[4] = {}; for (int i = 0; i < 4; ++i) a[i] = in0(i) * 2;\n"
    "for (int i = 0; i < 4; ++i) out(i) = a[i];": lambda x: x * 2,
    "for (int i = 0; i < 4; ++i) out(i) = i > 0 ? in0(i - 1) : 0;":
        lambda x: numpy.concatenate([[0], x[:3]]),
    "for (int i = 0;; ++i) { if (i >= 4) break; out(mt_imin(mt_imax(i, 0), 3)) = 1; }":
        lambda x: numpy.ones(4),
}


@pytest.mark.parametrize("source", ACCEPTED)
def test_indices_that_are_known_to_be_inside(source):
    x = values(4)
    y = mt.code((4,), "float32", [mt.array(x)], source)
    numpy.testing.assert_allclose(y.numpy(), ACCEPTED[source](x), rtol=1e-6)


def test_no_index_outside_passes_the_check():
    judged, inside, accepted = 0, 0, 0
    for seed in range(SEEDS):
        case = Case(seed)
        indices = case.indices()
        if not indices:
            continue
        for size in {max(max(indices) + 1, 1), max(max(indices), 1), 4}:
            if size > 10**6:
                continue
            fits = 0 <= min(indices) and max(indices) < size
            passed = passes(case, mt.code, (size,), "float32", [], case.source)
            assert fits or not passed, (seed, size, case.source)
            judged, inside, accepted = judged + 1, inside + fits, accepted + passed
    assert accepted > inside * 0.5 and judged > SEEDS


def test_a_gradient_is_checked_too():
    x, wrong = mt.array(values(4)), "\nfor (int i = 0; i < 9; ++i) din(i) = dout0(i);"
    with pytest.raises(mt.CompileError, match="line 2, column 33 of the source of din0: this ind"):
        mt.code((4,), "float32", [x], SCALE, [wrong])


def test_without_llvm_it_is_refused(tmp_path):
    program = ("import mintor as mt\ntry:\n  mt.code((4,), 'float32', [], 'out(0) = 1;')\n"
               "except mt.CompileError as error:\n  print(error)")
    run = lambda library: subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, **library, "MINTOR_CACHE_DIR": str(tmp_path)}).stdout
    assert run({}) == ""
    refused = run({"MINTOR_JIT_LIBRARY": "/nowhere"})  # also where the cache knows the text
    assert refused.startswith("error: code: user code is checked by clang before it is compiled: "
                              "libmintor_jit is not installed")


def test_what_was_checked_opens_no_llvm_again(tmp_path):
    program = ("import mintor as mt\nprint(mt.code((4,), 'float32', [], 'out(0) = 1;').numpy())\n"
               "print('libmintor_jit' in open('/proc/self/maps').read())")
    run = lambda: subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "MINTOR_CACHE_DIR": str(tmp_path)}).stdout
    assert run() == "[1. 0. 0. 0.]\nTrue\n"
    assert run() == "[1. 0. 0. 0.]\nFalse\n"


def test_it_runs_in_a_loop_of_a_graph(tmp_path):
    model = tmp_path / "model.mt"
    model.write_text("""graph repeated {
  x = input f32[4]
  r = loop f32[4] (x) trip 3 carried 1 scanned 0 {
    graph body {
      i = input i64[]
      a = input f32[4]
      y = code f32[4] (a) source "for (int i = 0; i < 4; ++i) out(i) = in0(3 - i) * 2;"
      results y
    }
  }
  results r
}
""")
    x = values(4)
    numpy.testing.assert_array_equal(mt.compile(str(model))(x), x[::-1] * 8)


def test_arguments_that_do_not_fit_are_refused():
    x = mt.array(values(4))
    with pytest.raises(TypeError, match="gradient is a list"):
        mt.code((4,), "float32", [x], SCALE, "din(0) = 1;")
    with pytest.raises(ValueError, match="2 gradients for 1 inputs"):
        mt.code((4,), "float32", [x], SCALE, [None, None])
    with pytest.raises(ValueError, match="2 shapes and 1 dtypes"):
        mt.code([(4,), (4,)], ["float32"], [x], SCALE)


def test_storage_dtypes_are_refused():
    with pytest.raises(mt.CompileError, match="'in0' is f16\\[4\\], a dtype for storage"):
        mt.code((4,), "float32", [mt.array(values(4)).astype("float16")], SCALE)


def test_the_examples():
    guide = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "user_code.md"
    assert doctest.testfile(str(guide), module_relative=False) == (0, 5)
    failed, tried = doctest.testmod(importlib.import_module("mintor.code"))
    assert tried > 2 and failed == 0
