# SPDX-License-Identifier: Apache-2.0
"""Every differentiable function against PyTorch in f64: values, first and second derivatives.

Takes a table of functions with their arguments; the second derivative is of a random combination
of the first ones, so that every mixed one counts. What PyTorch leaves open is not compared.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor.nn import functional as F
from random_gradients import check

T = torch
TF = torch.nn.functional
X, POSITIVE, UNIT = (3, 4), "positive", "unit"

# name, ours, theirs, shapes of the arguments, and from where their elements are drawn
CASES = [
    ("add", lambda a, b: a + b, lambda a, b: a + b, [(3, 4), (4,)], None),
    ("subtract", lambda a, b: a - b, lambda a, b: a - b, [(3, 1), (3, 4)], None),
    ("multiply", lambda a, b: a * b, lambda a, b: a * b, [(3, 4), (1, 4)], None),
    ("divide", lambda a, b: a / b, lambda a, b: a / b, [(3, 4), (4,)], POSITIVE),
    ("pow", lambda a, b: a ** b, lambda a, b: a ** b, [(3, 4), (4,)], POSITIVE),
    ("square", lambda a: a ** 2, lambda a: a ** 2, [X], None),
    ("cube", lambda a: a ** 3, lambda a: a ** 3, [X], None),
    ("remainder", lambda a, b: a % b, lambda a, b: a % b, [X, (4,)], POSITIVE),
    ("maximum", mt.maximum, T.maximum, [X, X], None),
    ("minimum", mt.minimum, T.minimum, [X, X], None),
    ("where", lambda a, b: mt.where(a > 0, a * a, b), lambda a, b: T.where(a > 0, a * a, b),
     [X, X], None),
    ("clip", lambda a: mt.clip(a, -0.5, 0.5), lambda a: T.clip(a, -0.5, 0.5), [X], None),
    ("matmul", mt.matmul, T.matmul, [(3, 4), (4, 5)], None),
    ("batched_matmul", mt.matmul, T.matmul, [(2, 3, 4), (4, 5)], None),
    ("matvec", mt.matmul, T.matmul, [(3, 4), (4,)], None),
    ("einsum", lambda a, b: mt.einsum("bij,bkj->ik", a, b),
     lambda a, b: T.einsum("bij,bkj->ik", a, b), [(2, 3, 4), (2, 5, 4)], None),
    ("linear", F.linear, TF.linear, [(2, 3), (4, 3), (4,)], None),
    ("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1),
     lambda x, w, b: TF.conv1d(x, w, b, stride=2, padding=1), [(2, 3, 9), (4, 3, 3), (4,)], None),
    ("conv2d", lambda x, w, b: F.conv2d(x, w, b, padding=1),
     lambda x, w, b: TF.conv2d(x, w, b, padding=1), [(2, 3, 5, 6), (4, 3, 3, 3), (4,)], None),
    ("conv2d_strided", lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(2, 0), dilation=2),
     lambda x, w: TF.conv2d(x, w, stride=(2, 1), padding=(2, 0), dilation=2),
     [(1, 2, 7, 8), (3, 2, 3, 2)], None),
    ("conv2d_groups", lambda x, w: F.conv2d(x, w, groups=2, padding=1),
     lambda x, w: TF.conv2d(x, w, groups=2, padding=1), [(2, 4, 5, 5), (6, 2, 3, 3)], None),
    ("max_pool2d", lambda x: F.max_pool2d(x, 2), lambda x: TF.max_pool2d(x, 2), [(2, 2, 6, 6)],
     None),
    ("max_pool2d_overlap", lambda x: F.max_pool2d(x, 3, 2, 1),
     lambda x: TF.max_pool2d(x, 3, 2, 1), [(1, 2, 7, 7)], None),
    ("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: TF.avg_pool2d(x, 3, 2, 1),
     [(1, 2, 7, 7)], None),
    ("sum", lambda a: a.sum(1), lambda a: a.sum(1), [X], None),
    ("mean", lambda a: a.mean((0, 1)), lambda a: a.mean((0, 1)), [X], None),
    ("prod", lambda a: a.prod(1), lambda a: a.prod(1), [X], POSITIVE),
    ("max", lambda a: a.max(1), lambda a: a.amax(1), [X], None),
    ("min", lambda a: a.min(0), lambda a: a.amin(0), [X], None),
    ("var", lambda a: a.var(1), lambda a: a.var(1, correction=0), [X], None),
    ("std", lambda a: a.std(1, ddof=1), lambda a: a.std(1), [X], None),
    ("norm", lambda a: a.norm(), lambda a: a.norm(), [X], None),
    ("logsumexp", lambda a: mt.logsumexp(a, 1), lambda a: T.logsumexp(a, 1), [X], None),
    ("softmax", lambda a: mt.softmax(a, 1), lambda a: T.softmax(a, 1), [X], None),
    ("log_softmax", lambda a: mt.log_softmax(a, 0), lambda a: T.log_softmax(a, 0), [X], None),
    ("cumsum", lambda a: mt.cumsum(a, 1), lambda a: T.cumsum(a, 1), [X], None),
    ("reshape", lambda a: a.reshape(2, 6), lambda a: a.reshape(2, 6), [X], None),
    ("transpose", lambda a: a.T * 2, lambda a: a.T * 2, [X], None),
    ("permute", lambda a: a.permute(2, 0, 1), lambda a: a.permute(2, 0, 1), [(2, 3, 4)], None),
    ("broadcast_to", lambda a: mt.broadcast_to(a, (5, 3, 4)),
     lambda a: T.broadcast_to(a, (5, 3, 4)), [(3, 1)], None),
    ("slice", lambda a: a[1:, ::-2], lambda a: a[1:].flip(1)[:, ::2], [(3, 5)], None),
    ("integer_index", lambda a: a[-1], lambda a: a[-1], [X], None),
    ("index_array", lambda a: a[[0, 2, 0]], lambda a: a[[0, 2, 0]], [X], None),
    ("index_arrays", lambda a: a[[0, 1, 1], [2, 3, 3]], lambda a: a[[0, 1, 1], [2, 3, 3]], [X],
     None),
    ("concatenate", lambda a, b: mt.cat([a, b], 1), lambda a, b: T.cat([a, b], 1),
     [X, (3, 2)], None),
    ("stack", lambda a, b: mt.stack([a, b]), lambda a, b: T.stack([a, b]), [X, X], None),
    ("flip", lambda a: mt.flip(a, 0), lambda a: T.flip(a, [0]), [X], None),
    ("roll", lambda a: mt.roll(a, 1, 1), lambda a: T.roll(a, 1, 1), [X], None),
    ("tile", lambda a: mt.tile(a, (2, 1)), lambda a: T.tile(a, (2, 1)), [X], None),
    ("repeat", lambda a: mt.repeat(a, 2, 1), lambda a: T.repeat_interleave(a, 2, 1), [X], None),
    ("pad", lambda a: mt.pad(a, ((1, 2), (0, 1))), lambda a: TF.pad(a, (0, 1, 1, 2)), [X], None),
    ("tril", mt.tril, T.tril, [(4, 4)], None),
    ("diagonal", mt.diagonal, T.diagonal, [(4, 4)], None),
    ("take_along_axis", lambda a: mt.take_along_axis(a, mt.array([[0, 0], [1, 3], [2, 2]]), 1),
     lambda a: T.gather(a, 1, T.tensor([[0, 0], [1, 3], [2, 2]])), [X], None),
    ("scatter_add",
     lambda a, b: mt.scatter_add(a, 1, mt.array([[0, 0], [1, 3], [2, 2]]), b),
     lambda a, b: T.scatter_add(a, 1, T.tensor([[0, 0], [1, 3], [2, 2]]), b), [X, (3, 2)], None),
    ("mse_loss", F.mse_loss, TF.mse_loss, [X, X], None),
    ("cross_entropy", lambda a: F.cross_entropy(a, mt.array([1, 0, 3])),
     lambda a: TF.cross_entropy(a, T.tensor([1, 0, 3])), [X], None),
]
UNARY = {"exp": None, "log": POSITIVE, "sqrt": POSITIVE, "sin": None, "cos": None, "tan": UNIT,
         "tanh": None, "sinh": None, "cosh": None, "asin": UNIT, "acos": UNIT, "atan": None,
         "asinh": None, "atanh": UNIT, "expm1": None, "log1p": POSITIVE, "log2": POSITIVE,
         "log10": POSITIVE, "exp2": None, "abs": None, "square": None, "rsqrt": POSITIVE,
         "reciprocal": POSITIVE, "erf": None, "sigmoid": None, "relu": None}
CASES += [(name, getattr(mt, name), getattr(T, name), [X], domain)
          for name, domain in UNARY.items()]
CASES += [(name, getattr(F, name), getattr(TF, name), [X], None)
          for name in ("silu", "softplus", "elu", "gelu", "leaky_relu", "softsign", "mish")]


def arguments(shapes, domain, seed):
    rng = numpy.random.default_rng(seed)
    if domain == POSITIVE:
        return [rng.uniform(0.5, 2, shape) for shape in shapes]
    if domain == UNIT:
        return [rng.uniform(-0.8, 0.8, shape) for shape in shapes]
    return [rng.standard_normal(shape) for shape in shapes]


def derivatives(fn, xs, lib, weights, library_grad):
    """Value, first derivatives, and those of a combination of them."""
    y = fn(*xs)
    first = library_grad((y * lib(weights(y.shape, 0))).sum(), xs)
    # The sum of squares keeps the second derivative from being zero where the first is constant.
    mixed = sum(((one * one) * lib(weights(one.shape, 1 + i))).sum() for i, one in enumerate(first))
    return [y, *first, *library_grad(mixed, xs)]


def ours(fn, given, weights):
    xs = [mt.array(x) for x in given]
    made = derivatives(fn, xs, mt.array, weights,
                       lambda y, xs: mt.grad(y, xs, create_graph=True))
    mt.sync()
    return [one.numpy() for one in made]


def theirs(fn, given, weights):
    xs = [torch.tensor(x, requires_grad=True) for x in given]

    def grad(y, xs):
        if not y.requires_grad:
            return [torch.zeros_like(x) for x in xs]
        found = torch.autograd.grad(y, xs, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs)]
    made = derivatives(fn, xs, torch.tensor, weights, grad)
    return [one.detach().numpy(force=True) for one in made]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_against_pytorch(case):
    name, own, other, shapes, domain = case
    weights = lambda shape, k: numpy.random.default_rng(100 + k).uniform(0.5, 1.5, tuple(shape))
    given = arguments(shapes, domain, len(name))
    for place, (have, want) in enumerate(zip(ours(own, given, weights),
                                             theirs(other, given, weights))):
        assert have.dtype == numpy.float64
        numpy.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9, err_msg=f"{name} [{place}]")


@pytest.mark.parametrize("seed", range(15))
def test_random_expressions(seed):
    assert check(seed) is None


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = mt.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    assert mt.grad(x.max(1).sum(), x).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert mt.grad(x.min(1).sum(), x).tolist() == [[1, 0, 0], [1, 0, 0]]


def test_limits_that_are_met_pass_the_gradient_on():
    x = mt.array([0.0, 1.0, 2.0, -1.0, float("nan")])
    assert mt.grad(mt.clip(x, 0, 1).sum(), x).tolist() == [1, 1, 0, 0, 1]
    numpy.testing.assert_array_equal(mt.clip(x, 2, 1).numpy(), [1, 1, 1, 1, numpy.nan])


def test_what_y_does_not_depend_on_gets_zeros():
    x, z = mt.array([1.0, 2.0]), mt.array([[3.0]])
    one, two = mt.grad(x.sum(), [x, z])
    assert one.tolist() == [1, 1] and two.tolist() == [[0]]
    assert mt.grad(x.sum(), {"a": x})["a"].tolist() == [1, 1]


@pytest.mark.parametrize("call, text", [
    (lambda x: mt.grad(x, x), "give grad_outputs"),
    (lambda x: mt.grad(x.sum(), 3), "no array"),
    (lambda x: mt.grad(x.sum(), mt.array([1])), "floating-point"),
    (lambda x: mt.grad(mt.array(1), x), "floating-point"),
], ids=["many", "number", "integer", "of_integer"])
def test_errors(call, text):
    with pytest.raises((TypeError, ValueError), match=text):
        call(mt.array([1.0, 2.0]))
