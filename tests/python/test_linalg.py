# SPDX-License-Identifier: Apache-2.0
"""mintor.linalg, mintor.fft and products against NumPy, and their gradients against PyTorch.

Takes small matrices and stacks of them, float32 and float64, empty ones too. Keeps true: the dtype
stays; what has several answers (signs of eigenvectors) is multiplied together again.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import linalg

GENERATOR = numpy.random.default_rng(0)
SHAPES = [(1, 1), (3, 3), (2, 4, 4), (0, 2, 2)]


def square(shape, dtype):
    x = GENERATOR.standard_normal(shape)
    return (x + 3 * numpy.eye(shape[-1])).astype(dtype)


def close(got, expected, dtype="float64"):
    assert isinstance(got, mt.Array) and got.shape == numpy.shape(expected)
    if numpy.asarray(expected).dtype.kind == "f":
        assert got.dtype == dtype
    tolerance = 1e-10 if dtype == "float64" else 2e-4
    numpy.testing.assert_allclose(got.numpy(), expected, tolerance, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_square_matrices(shape, dtype):
    x = square(shape, dtype)
    y, wide = mt.array(x), x.astype("float64")
    symmetric = x @ numpy.swapaxes(x, -1, -2)
    for name in ("inv", "det", "matrix_power"):
        arguments = (3,) if name == "matrix_power" else ()
        close(getattr(linalg, name)(y, *arguments), getattr(numpy.linalg, name)(wide, *arguments),
              dtype)
    close(linalg.matrix_power(y, 0), numpy.broadcast_to(numpy.eye(shape[-1]), shape), dtype)
    sign, logarithm = linalg.slogdet(y)
    expected = numpy.linalg.slogdet(wide)
    close(sign, expected[0], dtype)
    close(logarithm, expected[1], dtype)
    close(linalg.trace(y), numpy.trace(wide, axis1=-2, axis2=-1), dtype)
    close(linalg.diagonal(y, offset=1), numpy.diagonal(wide, 1, -2, -1), dtype)
    lower = linalg.cholesky(mt.array(symmetric))
    close(lower @ lower.mT, symmetric.astype("float64"), dtype)
    upper = linalg.cholesky(mt.array(symmetric), upper=True)
    close(upper.mT @ upper, symmetric.astype("float64"), dtype)
    values, vectors = linalg.eigh(mt.array(symmetric))
    close(vectors * values.unsqueeze(-2) @ vectors.mT, symmetric.astype("float64"), dtype)
    close(linalg.eigvalsh(mt.array(symmetric)), values.numpy(), dtype)
    right = GENERATOR.standard_normal(shape[:-1] + (2,)).astype(dtype)
    close(linalg.solve(y, mt.array(right)), numpy.linalg.solve(wide, right), dtype)
    for order in ("fro", "nuc", 1, -1, 2, -2, numpy.inf, -numpy.inf):
        for keep in (False, True):
            if shape[0]:
                close(linalg.matrix_norm(y, ord=order, keepdims=keep),
                      numpy.linalg.matrix_norm(wide, ord=order, keepdims=keep), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 3, 4), (1, 1)])
def test_matrices(shape, dtype):
    x = GENERATOR.standard_normal(shape).astype(dtype)
    y, wide = mt.array(x), x.astype("float64")
    for full in (True, False):
        left, values, right = linalg.svd(y, full_matrices=full)
        assert left.shape == numpy.linalg.svd(x, full)[0].shape
        count = values.shape[-1]
        close(left[..., :count] * values.unsqueeze(-2) @ right[..., :count, :], wide, dtype)
    close(linalg.svdvals(y), numpy.linalg.svdvals(wide), dtype)
    for mode in ("reduced", "complete"):
        close(mt.matmul(*linalg.qr(y, mode)), wide, dtype)
    close(linalg.pinv(y), numpy.linalg.pinv(wide), dtype)
    rank = linalg.matrix_rank(y)
    assert rank.dtype == mt.int64 and rank.tolist() == numpy.linalg.matrix_rank(x).tolist()
    close(linalg.matrix_transpose(y), numpy.swapaxes(wide, -1, -2), dtype)
    for order in (2, 1, 0, 3, -1, 0.5, numpy.inf, -numpy.inf):
        close(linalg.vector_norm(y, axis=-1, ord=order, keepdims=True),
              numpy.linalg.vector_norm(wide, axis=-1, ord=order, keepdims=True), dtype)
    close(linalg.norm(y), numpy.linalg.norm(wide), dtype)


def test_products():
    a, b = GENERATOR.standard_normal((2, 3)), GENERATOR.standard_normal((4, 3))
    v, w = a[0], b[0]
    x, y, p, q = map(mt.array, (a, b, v, w))
    for got, expected in (
            (linalg.cross(x[:1], y), numpy.cross(a[:1], b)),
            (linalg.outer(p, q), numpy.outer(v, w)),
            (linalg.vecdot(x[:1], y), numpy.vecdot(a[:1], b)), (mt.dot(p, q), numpy.dot(v, w)),
            (mt.dot(x, y.T), numpy.dot(a, b.T)), (mt.inner(x, y), numpy.inner(a, b)),
            (mt.kron(x, y), numpy.kron(a, b)), (mt.vdot(x, x), numpy.vdot(a, a)),
            (linalg.tensordot(x, y, ((1,), (1,))), numpy.tensordot(a, b, ((1,), (1,)))),
            (mt.einsum("ij,kj->ik", x, y), a @ b.T), (mt.cov(x), numpy.cov(a)),
            (mt.einsum("ij->ji", x), a.T), (mt.einsum("...j,kj->...k", x, y), a @ b.T),
            (mt.corrcoef(x), numpy.corrcoef(a)),
            (mt.trapezoid(x, dx=0.5), numpy.trapezoid(a, dx=0.5)),
            (mt.trapezoid(p, q), numpy.trapezoid(v, w)), (mt.addmm(1.0, x, y.T), 1 + a @ b.T)):
        close(got, expected)


@pytest.mark.parametrize("name", ["inv", "det", "solve", "slogdet", "matrix_norm", "vector_norm"])
def test_gradients(name):
    given = [square((2, 3, 3), "float64")]
    if name == "solve":
        given.append(GENERATOR.standard_normal((2, 3, 2)))
    arrays = [mt.array(x) for x in given]
    tensors = [torch.tensor(x, requires_grad=True) for x in given]

    def total(made):
        return ((made[-1] if name == "slogdet" else made) ** 2).sum()
    got = mt.grad(total(getattr(linalg, name)(*arrays)), arrays)
    total(getattr(torch.linalg, name)(*tensors)).backward()
    for one, tensor in zip(got, tensors):
        close(one, tensor.grad.numpy())


def test_what_cannot_be_solved():
    with pytest.raises(linalg.LinAlgError):
        linalg.inv(mt.zeros((2, 2)))
    assert linalg.det(mt.zeros((2, 2))).item() == 0
    with pytest.raises(ValueError):
        linalg.matrix_transpose(mt.zeros(2))


def test_integers_are_float32():
    assert linalg.inv(mt.array([[2, 0], [0, 4]])).tolist() == [[0.5, 0], [0, 0.25]]
    assert linalg.det(mt.array([[2, 0], [0, 4]])).dtype == mt.float32


def test_frequencies_and_shifts():
    for n in (1, 4, 5):
        close(mt.fft.fftfreq(n, d=0.5), numpy.fft.fftfreq(n, 0.5), "float32")
        close(mt.fft.rfftfreq(n), numpy.fft.rfftfreq(n), "float32")
    x = numpy.arange(15.0).reshape(3, 5)
    for axes in (None, 0, (0, 1), -1):
        close(mt.fft.fftshift(mt.array(x), axes=axes), numpy.fft.fftshift(x, axes))
        close(mt.fft.ifftshift(mt.array(x), axes=axes), numpy.fft.ifftshift(x, axes))
