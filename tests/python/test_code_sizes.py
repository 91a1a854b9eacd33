# SPDX-License-Identifier: Apache-2.0
"""User code whose sizes are known when it runs: batches that change, open sizes of packages.

Takes small sources; compares with NumPy for several sizes, counts what is compiled, and refusals by
their text.
"""
import json
import pathlib

import numpy
import pytest

import mintor as mt
from mintor import nn, optim
from random_code import Case, passes
from test_code import BLUR, BLUR_D_IN0, BLUR_D_IN1, blur, blurred, compiled, pytestmark, values

SEEDS = 200


def traced(function, sizes, expected, most=2):
    """The values are right for all sizes, for which `most` programs are compiled."""
    before = compiled()
    for size in sizes:
        numpy.testing.assert_allclose(function(size), expected(size), 1e-5, 1e-6)
    assert compiled() - before <= most


SIZES = (4, 7, 5, 12, 2, 64)


def test_a_batch_that_changes_compiles_twice():
    w = values(3, seed=1)
    for dims in ((None, 9), (9, None), (None, None)):
        x = lambda n, dims=dims: values(*[n + 1 if one is None else one for one in dims], seed=n)
        traced(lambda n, x=x: blur(mt.array(x(n)), mt.array(w)).numpy(), SIZES,
               lambda n, x=x: blurred(x(n), w))


def test_a_training_step_and_a_jitted_one():
    for wrap in (lambda function: function, mt.jit):
        w = nn.Parameter(mt.zeros((3,)))
        optimizer, true = optim.SGD([w], 0.05), numpy.array([0.5, -1, 2], "float32")

        def step(x, y, w=w, optimizer=optimizer):
            loss = ((blur(x, w) - y) ** 2).mean()
            optimizer.step(loss)
            return loss
        step, counts = wrap(step), []
        for k in range(60):
            x = values(2 + k % 7, 9, seed=k)
            float(step(mt.array(x), mt.array(blurred(x, true))))
            counts.append(compiled())
        numpy.testing.assert_allclose(w.numpy(), true, atol=0.02)
        assert counts[-1] == counts[2]


def test_sizes_that_differ_by_a_number():
    source = "for (int64_t i = 0; i < out_shape0; ++i) out(i) = in0(i + 2) - in0(i);"
    traced(lambda n: mt.code((n - 2,), "float32", [mt.array(values(n))], source).numpy(),
           (5, 9, 30, 6), lambda n: values(n)[2:] - values(n)[:-2])


def test_indices_that_are_clamped_or_tested():
    for source in ("out(i) = in0(mt_imax(0, mt_imin(in1(i), in0_shape0 - 1)));",
                   """const int64_t at = mt_imin(mt_imax(0, in1(i)), in0_shape0 - 1);
                      out(i) = in0(at);""",
                   """const int64_t at = in1(i);
                      out(i) = at < 0 ? in0(0)
                               : at >= in0_shape0 ? in0(in0_shape0 - 1) : in0(at);""",
                   "out(i) = in0(mt_clamp(in1(i), int64_t(0), in0_shape0 - 1));"):
        text = "for (int64_t i = 0; i < in1_shape0; ++i) { " + source + " }"
        at = lambda n: numpy.random.default_rng(n).integers(-5, n + 5, n)
        run = lambda n, text=text, at=at: mt.code(
            (n,), "float32", [mt.array(values(n)), mt.array(at(n))], text).numpy()
        traced(run, (5, 9, 30, 6), lambda n, at=at: values(n)[at(n).clip(0, n - 1)])


def test_windows_and_several_results():
    source = """
      for (int64_t i = 0; i < in0_shape0; ++i) {
        for (int64_t k = mt_imax(0, i - 1); k < mt_imin(i + 2, in0_shape0); ++k)
          out0(i) += in0(k);
        out1(in0_shape0 - 1 - i) = in0(i) > 0;
      }"""

    def run(n):
        made = mt.code([(n,), (n,)], ["float32", "bool"], [mt.array(values(n))], source)
        return numpy.stack([one.numpy() for one in made])

    def expected(n):
        padded = numpy.pad(values(n), 1)
        return numpy.stack([padded[:-2] + padded[1:-1] + padded[2:], values(n)[::-1] > 0])
    traced(run, (5, 9, 30, 6), expected)


def test_a_text_that_needs_its_sizes_is_compiled_for_each():
    """It is right for the sizes at hand, and cannot be known to be for others."""
    for source in ("for (int64_t i = 0; i < out_shape0; ++i) out(i) = in0(i) + in1(i % 5);",
                   "float row[in0_shape0] = {}; row[0] = 1; "
                   "for (int64_t i = 0; i < out_shape0; ++i) "
                   "out(i) = in0(i) + in1(i % in1_shape0) + row[i] - (i == 0);"):
        traced(lambda n, source=source: mt.code(
            (n,), "float32", [mt.array(values(n)), mt.array(values(n, seed=1))], source).numpy(),
            (5, 6, 9), lambda n: values(n) + values(n, seed=1)[numpy.arange(n) % (
                5 if "% 5" in source else n)], 3)
    with pytest.raises(mt.CompileError, match="inside of 0 to 3"):
        mt.code((4,), "float32", [mt.array(values(4)), mt.array(values(4))],
                "for (int64_t i = 0; i < out_shape0; ++i) out(i) = in0(i) + in1(i + 1);").numpy()


class Blurring(mt.Module):
    def __init__(self):
        self.w = nn.Parameter(values(3, seed=1))

    def execute(self, x):
        return mt.code(x.shape, x.dtype, [x * 2, self.w], BLUR, [BLUR_D_IN0, BLUR_D_IN1])


def test_an_exported_package_with_open_sizes(tmp_path):
    module = Blurring()
    mt.export(module, values(4, 9), tmp_path / "out", shapes={"x": ["batch", "3..40"]})
    package = mt.load(tmp_path / "out")
    for shape in ((2, 9), (5, 3), (1, 40), (64, 17)):
        x = values(*shape)
        numpy.testing.assert_allclose(package(x), blurred(x * 2, module.w.numpy()), 1e-5, 1e-6)


def test_a_trained_package_with_open_sizes(tmp_path):
    module = Blurring()
    first = module.w.numpy().copy()
    mt.export(module, values(4, 9), tmp_path / "out", train=True, targets=values(4, 9),
              loss=lambda y, target: ((y - target) ** 2).mean(), target="v3",
              optimizer=optim.SGD(module.parameters(), 0.1),
              shapes={"x": ["batch", 9], "target": ["batch", 9]})
    package = mt.load(tmp_path / "out")
    optimizer = optim.SGD(module.parameters(), 0.1)
    for n in (4, 2, 7):
        x, target = values(n, 9, seed=n), values(n, 9, seed=n + 1)
        made = package.run({"x": x, "target": target, "lr": numpy.array(0.1)}, entry="train_step")
        loss = ((module(mt.array(x)) - target) ** 2).mean()
        optimizer.step(loss)
        numpy.testing.assert_allclose(made["loss"], loss.numpy(), 1e-5)
    assert (first != module.w.numpy()).all()


TEXT = """graph g (n: {range}) {{
  x = input f32[n]
  n1 = input f32[3]
  y = code f32[n] (x, n1) source "@ n, other -> out0\\n{source}"
  results y
}}
"""


def test_a_text_of_symbols(tmp_path):
    """A view may have the name of a symbol; what is known of symbols is in the header."""
    model = pathlib.Path(tmp_path) / "model.mt"
    loop = "for (int i = 0; i < n_shape0; ++i) out(i) = n(i) * 2 + other(i % 3);"
    model.write_text(TEXT.format(range="1..8", source=loop))
    compiled_model = mt.compile(str(model))
    for n in (1, 5, 8):
        made = compiled_model(values(n), values(3))
        made = list(made.values())[0] if isinstance(made, dict) else made
        numpy.testing.assert_allclose(made, values(n) * 2 + values(3)[numpy.arange(n) % 3], 1e-6)
    for source, range_, why in (
            ("out(0) = n(4);", "1..8", "index of n is not known to be inside of 0 to n_shape0 - 1"),
            ("out(0) = n(4);", "5..8", None), ("out(0) = n(0);", "0..8", "not known to be inside"),
            ("const int64_t a = 5 / n_shape0;", "0..8", "not known to be positive"),
            ("const int64_t a = 5 / n_shape0;", "1..8", None)):
        model.write_text(TEXT.format(range=range_, source=source))
        if why is None:
            mt.compile(str(model))
            continue
        with pytest.raises(mt.CompileError, match=why):
            mt.compile(str(model))


def test_no_index_outside_passes_the_check_for_any_size(tmp_path):
    model, judged, inside, accepted = pathlib.Path(tmp_path) / "model.mt", 0, 0, 0
    for seed in range(SEEDS):
        case, low = Case(seed, ["out_shape0"]), 1 + seed % 3
        runs = [(size, case.indices(out_shape0=size)) for size in range(low, 9)]
        if any(indices is None for _, indices in runs) or not any(found for _, found in runs):
            continue
        fits = all(0 <= min(indices) and max(indices) < size for size, indices in runs if indices)
        model.write_text(f"graph g (n: {low}..8) {{\n  x = input f32[n]\n  y = code f32[n] (x) "
                         f"source {json.dumps(case.source)}\n  results y\n}}\n")
        passed = passes(case, mt.compile, str(model))
        assert fits or not passed, (seed, low, case.source)
        judged, inside, accepted = judged + 1, inside + fits, accepted + passed
    assert accepted > inside * 0.4 and judged > SEEDS / 3, (accepted, inside, judged)
