# SPDX-License-Identifier: Apache-2.0
"""Gradients of factorisations against PyTorch, or refused; wrong dtypes; how things print.

Takes seeded matrices, in stacks and alone, in float64.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import Module, nn


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape)


def positive(*shape, seed=0):
    x = values(*shape, seed=seed)
    return x @ numpy.swapaxes(x, -1, -2) + 3 * numpy.eye(shape[-1])


def symmetric(*shape, seed=0):
    x = values(*shape, seed=seed)
    return x + numpy.swapaxes(x, -1, -2)


def weighted(results):
    """A number that all results matter to, whatever the signs of vectors are."""
    total = 0
    for place, result in enumerate(results if isinstance(results, tuple) else (results,)):
        weights = values(*result.shape, seed=50 + place)
        like = torch.tensor(weights) if isinstance(result, torch.Tensor) else mt.array(weights)
        total = total + (like * result * result).sum()
    return total


CASES = {
    "cholesky": (lambda l, x: l.cholesky(x), [positive(4, 4), positive(2, 3, 3, seed=1)]),
    "upper": (lambda l, x: l.cholesky(x, upper=True), [positive(4, 4)]),
    "qr": (lambda l, x: tuple(l.qr(x)), [values(4, 4), values(2, 5, 3)]),
    "svd": (lambda l, x: tuple(l.svd(x, full_matrices=False)),
            [values(4, 4), values(2, 5, 3), values(3, 5)]),
    "svd of square": (lambda l, x: tuple(l.svd(x)), [values(3, 3)]),
    "svdvals": (lambda l, x: l.svdvals(x), [values(4, 4), values(2, 3, 5)]),
    "eigh": (lambda l, x: tuple(l.eigh(x)), [symmetric(4, 4), symmetric(2, 3, 3)]),
    "eigvalsh": (lambda l, x: l.eigvalsh(x), [symmetric(4, 4)]),
    "nuclear": (lambda l, x: l.matrix_norm(x, ord="nuc"), [values(3, 4)]),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_pytorchs(name):
    function, given = CASES[name]
    for x in given:
        ours = mt.array(x)
        theirs = torch.tensor(x, requires_grad=True)
        made = mt.grad(weighted(function(mt.linalg, ours)), ours).numpy()
        wanted, = torch.autograd.grad(weighted(function(torch.linalg, theirs)), theirs)
        wanted = wanted.numpy()
        if name.startswith("eig"):      # of symmetric matrices: how it is spread is no matter
            made, wanted = (one + numpy.swapaxes(one, -1, -2) for one in (made, wanted))
        numpy.testing.assert_allclose(made, wanted, rtol=1e-7, atol=1e-9)


def test_gradients_that_are_refused():
    x = mt.array(values(3, 5))
    for name, function in (("svd", lambda x: mt.linalg.svd(x).Vh), ("pinv", mt.linalg.pinv),
                           ("qr", lambda x: mt.linalg.qr(x).Q),
                           ("qr", lambda x: mt.linalg.qr(x.mT, mode="complete").R),
                           ("lstsq", lambda x: mt.linalg.lstsq(x, mt.array(values(3))))):
        y = function(x)
        assert numpy.isfinite(y.numpy()).all()
        with pytest.raises(NotImplementedError, match=f"^{name} has no gradient"):
            mt.grad(y.sum(), x)
        assert mt.grad((y.detach() * 2).sum() + x.sum(), x).numpy().min() == 1


def test_a_wrong_dtype_is_a_type_error():
    x, truth = mt.array([1.0]), mt.array([True])
    for wrong in (lambda: x & x, lambda: truth - truth, lambda: -truth,
                  lambda: mt.bitwise_invert(x), lambda: mt.bitwise_left_shift(x, 1)):
        with pytest.raises(TypeError, match="not|expected|no negative") as found:
            wrong()
        assert isinstance(found.value, (mt.CompileError, ValueError))
        assert isinstance(found.value, mt.DTypeError)
    for wrong in (lambda: mt.ones(2, 3) @ mt.ones(2, 3), lambda: mt.ones(2) + mt.ones(3)):
        with pytest.raises(mt.CompileError) as found:
            wrong()
        assert not isinstance(found.value, TypeError)


def test_how_arrays_and_modules_print():
    class Net(Module):
        def __init__(self):
            self.first, self.relu = nn.Linear(2, 3), nn.ReLU()

        def execute(self, x):
            return self.relu(self.first(x))
    assert repr(mt.array([1.0, 2.0])) == "mintor.array([1., 2.], dtype=float32)"
    assert repr(mt.array([1.0], requires_grad=True)) == \
        "mintor.array([1.], dtype=float32, requires_grad=True)"
    assert repr(nn.Parameter([1.0])) == "Parameter([1.], dtype=float32)"
    assert repr(nn.Parameter([1.0], requires_grad=False)) == \
        "Parameter([1.], dtype=float32, requires_grad=False)"
    assert repr(mt.zeros(2, 2)).splitlines()[1] == "              [0., 0.]], dtype=float32)"
    assert len(repr(mt.zeros(1000, 1000))) < 700
    assert repr(Net()) == ("Net(\n  (first): Linear(in_features=2, out_features=3, bias=True)\n"
                           "  (relu): ReLU()\n)")
