# SPDX-License-Identifier: Apache-2.0
"""Functions beyond the array API, under their NumPy and PyTorch names, against those.

Takes one array of plain numbers, one with NaN, one of integers. Keeps true: a function of both
libraries has the meaning of NumPy's, others that of the library they come from; methods are the
functions.
"""
import numpy
import pytest
import torch

import mintor as mt
from array_batch import Batch

GENERATOR = numpy.random.default_rng(1)
X = GENERATOR.standard_normal((3, 4, 5)).astype("float32")
V = GENERATOR.standard_normal(12).astype("float32")
N = numpy.where(GENERATOR.random((3, 4)) < 0.3, numpy.nan, X[:, :, 0]).astype("float32")
I = GENERATOR.integers(-4, 5, (3, 4))
W = numpy.abs(X[:, :, 1]) + 0.5
x, v, n, i, w = map(mt.array, (X, V, N, I, W))
T, TV, TI = torch.tensor(X), torch.tensor(V), torch.tensor(I)

# (label, call, expected)
AGAINST_NUMPY = [
    ("ravel", lambda: mt.ravel(x), X.ravel()),
    ("swapaxes", lambda: mt.swapaxes(x, 0, 2), X.swapaxes(0, 2)),
    ("atleast_1d", lambda: mt.atleast_1d(3.0), numpy.atleast_1d(numpy.float32(3))),
    ("atleast_2d", lambda: mt.atleast_2d(v), numpy.atleast_2d(V)),
    ("vstack", lambda: mt.vstack([v, v]), numpy.vstack([V, V])),
    ("hstack", lambda: mt.hstack([w, n]), numpy.hstack([W, N])),
    ("hstack 1-d", lambda: mt.hstack([v, v]), numpy.hstack([V, V])),
    ("column_stack", lambda: mt.column_stack([v, v]), numpy.column_stack([V, V])),
    ("append", lambda: mt.append(v, v), numpy.append(V, V)),
    ("delete", lambda: mt.delete(x, [0, 2], 1), numpy.delete(X, [0, 2], 1)),
    ("delete one", lambda: mt.delete(x, 1, 0), numpy.delete(X, 1, 0)),
    ("fliplr", lambda: mt.fliplr(w), numpy.fliplr(W)),
    ("flipud", lambda: mt.flipud(w), numpy.flipud(W)),
    ("diag of a vector", lambda: mt.diag(v, 1), numpy.diag(V, 1)),
    ("diag below", lambda: mt.diag(v, -2), numpy.diag(V, -2)),
    ("diag of a matrix", lambda: mt.diag(w, 1), numpy.diag(W, 1)),
    ("diagonal", lambda: mt.diagonal(x, 1, 0, 2), numpy.diagonal(X, 1, 0, 2)),
    ("pad", lambda: mt.pad(w, ((1, 2), (0, 1)), constant_values=7),
     numpy.pad(W, ((1, 2), (0, 1)), constant_values=7)),
    ("pad edge", lambda: mt.pad(w, 2, "edge"), numpy.pad(W, 2, "edge")),
    ("pad reflect", lambda: mt.pad(w, 2, "reflect"), numpy.pad(W, 2, "reflect")),
    ("pad wrap", lambda: mt.pad(w, ((1, 1), (2, 2)), "wrap"),
     numpy.pad(W, ((1, 1), (2, 2)), "wrap")),
    ("cumsum", lambda: mt.cumsum(i), numpy.cumsum(I)),
    ("cumprod", lambda: mt.cumprod(i, 1), numpy.cumprod(I, 1)),
    ("cummax", lambda: mt.cummax(x, 1), numpy.maximum.accumulate(X, 1)),
    ("cummin", lambda: mt.cummin(x, -1), numpy.minimum.accumulate(X, -1)),
    ("cummin of integers", lambda: mt.cummin(i, 0), numpy.minimum.accumulate(I, 0)),
    ("nansum", lambda: mt.nansum(n, 0), numpy.nansum(N, 0)),
    ("nanmax", lambda: mt.nanmax(n, 1), numpy.nanmax(N, 1)),
    ("nanmin", lambda: mt.nanmin(n), numpy.nanmin(N)),
    ("nanmean", lambda: mt.nanmean(n, 1), numpy.nanmean(N, 1)),
    ("nanprod", lambda: mt.nanprod(n, 1), numpy.nanprod(N, 1)),
    ("average", lambda: mt.average(w, 1, weights=w), numpy.average(W, 1, weights=W)),
    ("average along", lambda: mt.average(w, 1, weights=mt.arange(1, 5)),
     numpy.average(W, 1, weights=numpy.arange(1, 5)).astype("float32")),
    ("ptp", lambda: mt.ptp(x, 1), numpy.ptp(X, 1)),
    ("median", lambda: mt.median(x, 1), numpy.median(X, 1)),
    ("median of all", lambda: mt.median(x), numpy.median(X)),
    ("median kept", lambda: mt.median(x, 0, True), numpy.median(X, 0, keepdims=True)),
    ("quantile", lambda: mt.quantile(x, 0.3, 2), numpy.quantile(X, numpy.float32(0.3), 2)),
    ("percentile", lambda: mt.percentile(x, [10, 50, 99]),
     numpy.percentile(X, [10, 50, 99]).astype("float32")),
    ("quantiles kept", lambda: mt.quantile(x, [0.0, 1.0], 1, True),
     numpy.quantile(X, [0.0, 1.0], 1, keepdims=True).astype("float32")),
    ("median with NaN", lambda: mt.median(n, 1), numpy.median(N, 1)),
    ("digitize", lambda: mt.digitize(v, [-1, 0, 1]), numpy.digitize(V, [-1, 0, 1])),
    ("bincount", lambda: mt.bincount(i.ravel() + 4), numpy.bincount(I.ravel() + 4)),
    ("histogram", lambda: mt.histogram(v, 4), list(numpy.histogram(V, 4))),
    ("argwhere", lambda: mt.argwhere(i > 0), numpy.argwhere(I > 0)),
    ("flatnonzero", lambda: mt.flatnonzero(i), numpy.flatnonzero(I)),
    ("unique", lambda: mt.unique(i, return_counts=True), list(numpy.unique(I, return_counts=True))),
    ("rot90", lambda: mt.rot90(w), numpy.rot90(W)),
    ("rot90 thrice", lambda: mt.rot90(x, 3, (1, 2)), numpy.rot90(X, 3, (1, 2))),
    ("rot90 twice", lambda: mt.rot90(x, -2, (0, 2)), numpy.rot90(X, 2, (0, 2))),
    ("compress", lambda: mt.compress([True, False, True], w, 0),
     numpy.compress([True, False, True], W, 0)),
    ("divmod", lambda: mt.divmod(i, 3), list(numpy.divmod(I, 3))),
    ("sinc", lambda: mt.sinc(x), numpy.sinc(X)),
    ("cbrt", lambda: mt.cbrt(x), numpy.cbrt(X)),
    ("deg2rad", lambda: mt.deg2rad(x), numpy.deg2rad(X)),
    ("rad2deg", lambda: mt.rad2deg(x), numpy.rad2deg(X)),
    ("round to places", lambda: mt.round(x, 2), numpy.round(X, 2)),
    ("round tens", lambda: mt.round(i * 7, -1), numpy.round(I * 7, -1)),
    ("tri", lambda: mt.tri(3, 4, 1), numpy.tri(3, 4, 1, "float32")),
    ("identity", lambda: mt.identity(3), numpy.identity(3, "float32")),
    ("indices", lambda: mt.indices((2, 3)), numpy.indices((2, 3))),
    ("logspace", lambda: mt.logspace(0, 2, 3), numpy.logspace(0, 2, 3, dtype="float32")),
    ("geomspace", lambda: mt.geomspace(1, 8, 4), numpy.geomspace(1, 8, 4, dtype="float32")),
    ("tril_indices", lambda: mt.tril_indices(3), list(numpy.tril_indices(3))),
    ("put_along_axis", lambda: mt.put_along_axis(i, mt.array([[0], [1], [3]]), 9, 1), None),
    ("isposinf", lambda: mt.isposinf(n), numpy.isposinf(N)),
    ("isneginf", lambda: mt.isneginf(n), numpy.isneginf(N)),
    ("array_equal", lambda: mt.array(mt.array_equal(i, I)), numpy.array(True)),
    ("allclose", lambda: mt.array(mt.allclose(x, X + 1e-9)), numpy.array(True)),
    ("diff with more", lambda: mt.diff(v, prepend=0.0, append=v[:2]),
     numpy.diff(V, prepend=numpy.float32(0), append=V[:2])),
]
AGAINST_TORCH = [
    ("flatten", lambda: x.flatten(1), T.flatten(1)),
    ("unflatten", lambda: mt.unflatten(v, 0, (3, -1)), TV.unflatten(0, (3, -1))),
    ("unfold", lambda: x.unfold(2, 3, 2), T.unfold(2, 3, 2)),
    ("narrow", lambda: x.narrow(1, 1, 2), T.narrow(1, 1, 2)),
    ("select", lambda: x.select(1, -1), T.select(1, -1)),
    ("expand", lambda: x[:, :1].expand(-1, 6, -1), T[:, :1].expand(-1, 6, -1)),
    ("chunk", lambda: x.chunk(3, 2), list(T.chunk(3, 2))),
    ("unbind", lambda: x.unbind(1), list(T.unbind(1))),
    ("gather", lambda: mt.gather(i, 1, mt.array([[0, 0], [3, 1]])),
     TI.gather(1, torch.tensor([[0, 0], [3, 1]]))),
    ("scatter", lambda: mt.scatter(i, 1, mt.array([[0], [3], [1]]), mt.array([[7], [8], [9]])),
     TI.scatter(1, torch.tensor([[0], [3], [1]]), torch.tensor([[7], [8], [9]]))),
    ("scatter_add", lambda: i.scatter_add(1, mt.array([[0, 0], [3, 3], [1, 1]]), mt.ones((3, 2),
         dtype="int64")),
     TI.scatter_add(1, torch.tensor([[0, 0], [3, 3], [1, 1]]), torch.ones((3, 2),
         dtype=torch.int64))),
    ("index_add", lambda: w.index_add(0, [0, 0], w[:2], alpha=2.0),
     torch.tensor(W).index_add(0, torch.tensor([0, 0]), torch.tensor(W)[:2], alpha=2.0)),
    ("index_select", lambda: x.index_select(1, mt.array([3, 0])),
     T.index_select(1, torch.tensor([3, 0]))),
    ("masked_fill", lambda: x.masked_fill(x > 0, -1.0), T.masked_fill(T > 0, -1.0)),
    ("masked_select", lambda: x.masked_select(x > 0), T.masked_select(T > 0)),
    ("topk", lambda: x.topk(2, 1), list(T.topk(2, 1))),
    ("kthvalue", lambda: x.kthvalue(2, 1), list(T.kthvalue(2, 1))),
    ("bucketize", lambda: mt.bucketize(v, mt.array([-1.0, 0.0, 1.0])),
     torch.bucketize(TV, torch.tensor([-1.0, 0.0, 1.0]))),
    ("lerp", lambda: v.lerp(v * 2, 0.25), TV.lerp(TV * 2, 0.25)),
    ("addcmul", lambda: v.addcmul(v, v, value=0.5), TV.addcmul(TV, TV, value=0.5)),
    ("addcdiv", lambda: v.addcdiv(v, v * v + 1, value=0.5), TV.addcdiv(TV, TV * TV + 1, value=0.5)),
    ("addmm", lambda: mt.addmm(w[:, :3], w, w.T),
     torch.addmm(torch.tensor(W)[:, :3], torch.tensor(W), torch.tensor(W).T)),
    ("logsumexp", lambda: x.logsumexp(1), T.logsumexp(1)),
    ("softmax", lambda: x.softmax(1), T.softmax(1)),
    ("log_softmax", lambda: mt.log_softmax(x, dim=0), T.log_softmax(0)),
    ("t", lambda: w.t(), torch.tensor(W).t()),
    ("repeat_interleave", lambda: i.repeat_interleave(2, dim=1), TI.repeat_interleave(2, 1)),
    ("norm", lambda: x.norm(dim=1), T.norm(dim=1)),
    ("norm 1", lambda: x.norm(1), T.norm(1)),
    ("nan_to_num", lambda: n.nan_to_num(), torch.tensor(N).nan_to_num()),
    ("tril", lambda: x.tril(-1), T.tril(-1)),
    ("clamp", lambda: x.clamp(min=0.0), T.clamp(min=0.0)),
    ("movedim", lambda: x.movedim(0, 2), T.movedim(0, 2)),
    ("var", lambda: x.var(1, unbiased=True), T.var(1)),
    ("std", lambda: x.std(dim=1, correction=1), T.std(1)),
    ("heaviside", lambda: mt.heaviside(x, 0.5), torch.heaviside(T, torch.tensor(0.5))),
    ("one_hot", lambda: mt.one_hot(i + 4, 9), torch.nn.functional.one_hot(TI + 4, 9)),
    ("gelu", lambda: mt.gelu(x.abs()), torch.nn.functional.gelu(T.abs())),
    ("elu", lambda: mt.elu(x, 0.5), torch.nn.functional.elu(T, 0.5)),
    ("leaky_relu", lambda: mt.leaky_relu(x, 0.2), torch.nn.functional.leaky_relu(T, 0.2)),
    ("view_as", lambda: v.view_as(w), TV.view_as(torch.tensor(W))),
    ("expand_as", lambda: w[:1].expand_as(w), torch.tensor(W)[:1].expand_as(torch.tensor(W))),
    ("cross", lambda: mt.cross(x[:, :3, :3], x[:, 1:, :3]),
     torch.linalg.cross(T[:, :3, :3], T[:, 1:, :3])),
]


@pytest.mark.filterwarnings("ignore")
def test_against_numpy():
    batch = Batch()
    for label, call, expected in AGAINST_NUMPY:
        if expected is None:
            expected = I.copy()
            numpy.put_along_axis(expected, numpy.array([[0], [1], [3]]), 9, 1)
        dtype = "float32" if isinstance(expected, numpy.ndarray) and expected.dtype.kind == "f" \
            or isinstance(expected, numpy.floating) else None
        batch.add(label, call, expected, dtype, 40.0, True)
    batch.compare()


def test_against_torch():
    batch = Batch()
    for label, call, expected in AGAINST_TORCH:
        expected = [item.numpy() for item in expected] if isinstance(expected, list) else \
            expected.numpy()
        batch.add(label, call, expected, None, 40.0, True)
    batch.compare()


def test_methods_are_the_functions():
    """In place too: `x.name_()` gives the array itself the result."""
    from mintor import methods  # pylint: disable=import-outside-toplevel
    missing = [name for name in methods._NAMES if not hasattr(mt, name)]
    assert not missing
    for name in ("exp", "abs", "sqrt", "tanh", "neg", "round", "clip"):
        y = mt.array(W)
        arguments = (0.6, 1.0) if name == "clip" else ()
        expected = getattr(mt, name)(y, *arguments).numpy()
        assert getattr(y, name + "_")(*arguments) is y
        numpy.testing.assert_array_equal(y.numpy(), expected)


def test_there_are_two_hundred_names():
    names = [name for name in dir(mt) if not name.startswith("_") and callable(getattr(mt, name))]
    assert len(names) >= 200


@pytest.mark.parametrize("call, error", [
    (lambda: mt.sum(x, 3), ValueError), (lambda: mt.squeeze(x, 0), ValueError),
    (lambda: mt.stack([x, v]), ValueError), (lambda: mt.concat([x, w]), ValueError),
    (lambda: mt.reshape(v, (5, -1)), ValueError), (lambda: mt.permute(x, 0, 1), ValueError),
    (lambda: mt.topk(v, 99), ValueError), (lambda: mt.meshgrid(v, indexing="zz"), ValueError),
    (lambda: mt.take(v, [99]), IndexError), (lambda: mt.take(v, [0.5]), IndexError),
    (lambda: mt.quantile(v, 1.5), ValueError), (lambda: x.narrow(0, 2, 5), IndexError),
    (lambda: mt.tensordot(x, v, 1), ValueError), (lambda: mt.cross(w, w), ValueError),
    (lambda: mt.diag(x), ValueError), (lambda: x + w, ValueError), (lambda: x @ x, ValueError),
    (lambda: mt.einsum("ij,jk", w, w), ValueError), (lambda: mt.flip(x, 7), IndexError),
    (lambda: mt.repeat(v, -1), ValueError), (lambda: mt.add(v), TypeError),
    (lambda: mt.exp("a"), TypeError), (lambda: mt.max(mt.zeros(0)), ValueError),
    (lambda: mt.cumsum(x, 9), IndexError), (lambda: x.item(), ValueError)])
def test_errors(call, error):
    with pytest.raises(error):
        call()


def test_sums_with_a_factor():
    a = mt.array([1.0, 2.0])
    assert a.add(mt.array([4.0, 2.0]), alpha=0.5).tolist() == [3, 3]
    assert a.sub(mt.array([4.0, 2.0]), alpha=2).tolist() == [-7, -2]
    assert a.mul_(2).add_(1, alpha=0.5).tolist() == [2.5, 4.5] == a.tolist()


def test_dims_as_jittor_has_them():
    assert mt.mean(x, dims=[0, 2], keepdims=1).shape == (1, 4, 1)
    assert x.sum(dims=[1]).shape == (3, 5)
