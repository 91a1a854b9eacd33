# SPDX-License-Identifier: Apache-2.0
"""Sorts as traced calls: many elements, gradients through places, inside functions and packages.

Takes arrays with ties, NaN and both zeros; compares with NumPy and PyTorch.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn


def ties(*shape, dtype="float32", seed=0):
    rng = numpy.random.default_rng(seed)
    x = numpy.round(rng.standard_normal(shape) * 50).astype(dtype)
    if numpy.dtype(dtype).kind == "f":
        x.reshape(-1)[::7] = numpy.nan
        x.reshape(-1)[1::11] = -0.0
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "int16"])
def test_many_elements(dtype):
    x = ties(100_003, dtype=dtype)
    assert numpy.array_equal(mt.argsort(mt.array(x)).numpy(), numpy.argsort(x, kind="stable"))
    rows = ties(5, 2000, dtype=dtype, seed=1)
    for axis in (0, 1):
        got = mt.sort(mt.array(rows), axis).numpy()
        assert numpy.array_equal(got, numpy.sort(rows, axis, kind="stable"),
                                 equal_nan=rows.dtype.kind == "f")


def test_gradient_through_the_largest():
    x = numpy.random.default_rng(2).standard_normal((3, 300)).astype("float32")
    weights = numpy.arange(12, dtype="float32").reshape(3, 4)
    v = mt.array(x)
    ours = mt.grad((mt.topk(v, 4)[0] * mt.array(weights)).sum(), v)
    theirs = torch.tensor(x, requires_grad=True)
    (theirs.topk(4)[0] * torch.tensor(weights)).sum().backward()
    assert numpy.array_equal(ours.numpy(), theirs.grad.numpy())


def test_inside_of_functions():
    x = numpy.random.default_rng(3).standard_normal(200).astype("float32")

    def halves(v):
        return mt.cond(v[0] > 0, mt.sort, lambda u: mt.sort(u, descending=True), v)
    for sign in (1, -1):
        v = sign * numpy.abs(x)
        expected = numpy.sort(v) if sign > 0 else -numpy.sort(-v)
        assert halves(mt.array(v)).tolist() == expected.tolist()
    last = mt.while_loop(lambda n, v: n < 3, lambda n, v: (n + 1, mt.sort(v)[::-1] * 0.5),
                         (mt.array(0), mt.array(x)))[1]
    expected = x
    for _ in range(3):
        expected = numpy.sort(expected)[::-1] * numpy.float32(0.5)
    assert last.tolist() == expected.tolist()


class Experts(nn.Module):
    """Each row goes to two of its experts."""

    def __init__(self):
        super().__init__()
        self.gate, self.all = nn.Linear(8, 6), nn.Linear(8, 6 * 4)

    def forward(self, x):
        scores, chosen = mt.topk(self.gate(x), 2)
        made = self.all(x).reshape(x.shape[0], 6, 4)
        picked = mt.take_along_axis(made, chosen.reshape(x.shape[0], 2, 1), 1)
        return (picked * mt.softmax(scores, 1).reshape(x.shape[0], 2, 1)).sum(1)


def test_chosen_experts_in_a_package(tmp_path):
    model = Experts()
    x = mt.array(numpy.random.default_rng(4).standard_normal((5, 8)).astype("float32"))
    expected = model(x).numpy()
    mt.export(model, x, tmp_path / "experts")
    assert numpy.array_equal(mt.load(tmp_path / "experts")(x.numpy()), expected)
