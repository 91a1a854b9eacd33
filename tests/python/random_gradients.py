# SPDX-License-Identifier: Apache-2.0
"""Random expressions in f64: values, first and second derivatives by Mintor and by PyTorch.

An expression is drawn from a seed as a list of calls over a pool of arrays, which starts with two
that are differentiated. Takes seeds; gives what differs. Keeps true: calls are smooth where they
are evaluated (arguments are brought into range), or send their gradient to one certain place;
branches and loops use arrays from outside.

  python tests/python/random_gradients.py --seeds 0..500
"""
import random
import sys

import numpy
import torch

import mintor as mt
from mintor.nn import functional as F
from seeds import run_seeds

TF = torch.nn.functional
SAME = [  # (ours, theirs) of one operand, shape kept
    (mt.sin, torch.sin), (mt.cos, torch.cos), (mt.tanh, torch.tanh), (mt.sigmoid, torch.sigmoid),
    (lambda x: mt.exp(mt.tanh(x)), lambda x: torch.exp(torch.tanh(x))),
    (lambda x: mt.log(x * x + 1), lambda x: torch.log(x * x + 1)),
    (lambda x: mt.sqrt(x * x + 0.5), lambda x: torch.sqrt(x * x + 0.5)),
    (lambda x: 1 / (x * x + 1.0), lambda x: 1 / (x * x + 1.0)),
    (lambda x: x ** 3 * 0.1, lambda x: x ** 3 * 0.1),
    (lambda x: mt.softmax(x, -1), lambda x: torch.softmax(x, -1)),
    (lambda x: mt.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
    (lambda x: mt.cumsum(x, 1), lambda x: torch.cumsum(x, 1)),
    (lambda x: mt.flip(x, 0), lambda x: torch.flip(x, [0])),
    (lambda x: mt.roll(x, 1, 1), lambda x: torch.roll(x, 1, 1)),
    (lambda x: mt.where(x > 0.1, x * x, x), lambda x: torch.where(x > 0.1, x * x, x)),
    (lambda x: mt.relu(x) * x, lambda x: torch.relu(x) * x),
    (mt.tril, torch.tril),
    (lambda x: x - x.mean(1, keepdims=True), lambda x: x - x.mean(1, keepdim=True)),
    (lambda x: x / (x.std(0, keepdims=True) + 1), lambda x: x / (x.std(0, keepdim=True,
                                                                       correction=0) + 1)),
    (lambda x: x * x.max(1, keepdims=True), lambda x: x * x.amax(1, keepdim=True)),
    (lambda x: x.T.reshape(x.shape), lambda x: x.T.reshape(x.shape)),
    (F.silu, TF.silu), (F.gelu, TF.gelu),
]
PAIR = [
    (lambda x, y: x + y, lambda x, y: x + y), (lambda x, y: x * y, lambda x, y: x * y),
    (lambda x, y: x - y * 0.5, lambda x, y: x - y * 0.5),
    (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1)),
    (mt.maximum, torch.maximum),
    (lambda x, y: mt.matmul(mt.matmul(x, y.T), x) * 0.1,
     lambda x, y: torch.matmul(torch.matmul(x, y.T), x) * 0.1),
    (lambda x, y: mt.cat([x, y], 0)[1:x.shape[0] + 1],
     lambda x, y: torch.cat([x, y], 0)[1:x.shape[0] + 1]),
    (lambda x, y: mt.stack([x, y]).sum(0), lambda x, y: torch.stack([x, y]).sum(0)),
    (lambda x, y: mt.einsum("ij,kj->ij", x, y), lambda x, y: torch.einsum("ij,kj->ij", x, y)),
    (lambda x, y: F.conv1d(x.reshape(1, *x.shape), y.reshape(*y.shape, 1))[0] * 0.2
     if x.shape[0] == y.shape[1] else x,
     lambda x, y: TF.conv1d(x.reshape(1, *x.shape), y.reshape(*y.shape, 1))[0] * 0.2
     if x.shape[0] == y.shape[1] else x),
    (lambda x, y: F.conv2d(x.reshape(1, 1, *x.shape), y[:1, :1].reshape(1, 1, 1, 1))[0, 0] + x,
     lambda x, y: TF.conv2d(x.reshape(1, 1, *x.shape), y[:1, :1].reshape(1, 1, 1, 1))[0, 0] + x),
]


def torch_scan(f, init, xs):
    ys = []
    for x in xs:
        init, y = f(init, x)
        ys.append(y)
    return init, torch.stack(ys)


def recurrence(scan, tanh):
    """Rows of x carried along, with all of y from outside."""
    def made(x, y):
        last, rows = scan(lambda c, row: (tanh(c * y[0] + row), c * row + y.sum() * 0.1), x[0], x)
        return rows + last
    return made


def as_long_as(loop, tanh):
    """How often depends on values."""
    def made(x, y):
        return loop(lambda i, c: (i < 4) & ((c * c).sum() < 9),
                    lambda i, c: (i + 1, tanh(c) * 1.5 + x * y + c), (0, y))[1]
    return made


def torch_while(goes_on, body, init):
    while goes_on(*init):
        init = body(*init)
    return init


CONTROL = [     # whose functions use both
    (recurrence(mt.scan, mt.tanh), recurrence(torch_scan, torch.tanh)),
    (lambda x, y: mt.cond(x.sum() > y.sum(), lambda v: v * y, lambda v: mt.sin(v) - y, x),
     lambda x, y: x * y if x.sum() > y.sum() else torch.sin(x) - y),
    (lambda x, y: mt.scan(lambda c, row: (mt.cond((c * row).sum() > 0, lambda: c * row + y,
                                                  lambda: mt.tanh(c) - row), None), x, y)[0],
     lambda x, y: torch_scan(lambda c, row: (c * row + y if (c * row).sum() > 0
                                             else torch.tanh(c) - row, c), x, y)[0]),
    (as_long_as(mt.while_loop, mt.tanh), as_long_as(torch_while, torch.tanh)),
    (lambda x, y: mt.scan(lambda c, _: (mt.scan(
        lambda d, row: (mt.tanh(d + row), d * row), c, y)[0], None), x[0], length=2)[0] + x,
     lambda x, y: torch_scan(lambda c, _: (torch_scan(
         lambda d, row: (torch.tanh(d + row), d * row), c, y)[0], c), x[0], range(2))[0] + x),
]


def places_of(rng, shape):
    rows, columns = shape
    return numpy.array([[rng.randrange(rows) for _ in range(columns)] for _ in range(rows)])


def draw(seed):
    rng = random.Random(seed)
    shape = (rng.choice([1, 2, 3, 4]), rng.choice([1, 2, 4, 5]))
    steps = []
    for _ in range(rng.randint(3, 10)):
        kind = rng.choice(["same", "same", "pair", "pair", "gather", "scatter", "put",
                           "control"])
        steps.append((kind, rng.randrange(1 << 16), rng.randrange(1 << 16), rng.randrange(1 << 16),
                      places_of(rng, shape)))
    return shape, steps


def evaluate(program, xs, ours):
    """The last value of the pool."""
    pool, side = list(xs), 0 if ours else 1
    lib = mt.array if ours else torch.tensor
    for kind, which, first, second, places in program[1]:
        x, y = pool[first % len(pool)], pool[second % len(pool)]
        if kind == "same":
            made = SAME[which % len(SAME)][side](x)
        elif kind == "pair":
            made = PAIR[which % len(PAIR)][side](x, y)
            if tuple(made.shape) != tuple(x.shape):
                made = x
        elif kind == "control":
            made = CONTROL[which % len(CONTROL)][side](x, y)
        elif kind == "gather":
            made = mt.take_along_axis(x, lib(places), 0) if ours else \
                torch.gather(x, 0, lib(places))
        elif kind == "scatter":
            made = mt.scatter_add(x, 0, lib(places), y) if ours else \
                torch.scatter_add(x, 0, lib(places), y)
        else:
            made = x + 0.0 if ours else x.clone()
            made[which % x.shape[0]] = y[0] * 0.5
        pool.append(made)
    return pool[-1] + pool[-2] * 0.5


def derivatives(program, given, ours):
    lib = (lambda a: mt.array(a)) if ours else (lambda a: torch.tensor(a, requires_grad=True))
    xs = [lib(one) for one in given]
    y = evaluate(program, xs, ours)
    weights = numpy.random.default_rng(7).uniform(0.5, 1.5, program[0])
    scalar = (y * (mt.array(weights) if ours else torch.tensor(weights))).sum()

    def grad(of):
        if ours:
            return mt.grad(of, xs, create_graph=True)
        if not of.requires_grad:
            return [torch.zeros_like(x) for x in xs]
        found = torch.autograd.grad(of, xs, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs)]
    first = grad(scalar)
    second = grad(sum(((one * one) * (0.5 + i)).sum() for i, one in enumerate(first)))
    if ours:
        mt.sync()
        return [one.numpy() for one in (y, *first, *second)]
    return [one.detach().numpy(force=True) for one in (y, *first, *second)]


def check(seed):
    """None, or what differs."""
    program = draw(seed)
    rng = numpy.random.default_rng(seed)
    given = [rng.standard_normal(program[0]) for _ in range(2)]
    names = ["value", "d/dx0", "d/dx1", "second d/dx0", "second d/dx1"]
    for name, have, want in zip(names, derivatives(program, given, True),
                                derivatives(program, given, False)):
        if have.shape != want.shape:
            return f"{name}: shape {have.shape}, expected {want.shape}"
        known = ~numpy.isnan(want)        # PyTorch's second derivative of std at 0 is NaN
        have, want = have[known], want[known]
        scale = max(1.0, numpy.abs(want).max(initial=0))
        if not numpy.allclose(have, want, rtol=1e-8, atol=1e-9 * scale):
            return f"{name} differs by {numpy.abs(have - want).max()} of {scale}"
    return None


if __name__ == "__main__":
    sys.exit(run_seeds("random gradients", check, __doc__.splitlines()[0]))
