# SPDX-License-Identifier: Apache-2.0
"""LBFGS beside PyTorch's, step by step, and its state in files.

Takes a least-squares problem, Rosenbrock's function and a small network in float64; fails where
parameters part.
"""
import numpy as np
import pytest
import torch

import mintor as mt
from mintor import nn, optim
from mintor.optim.line_search import Point, strong_wolfe


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def least_squares(x):
    matrix = np.random.default_rng(0).standard_normal((8, 4))
    matrix = torch.tensor(matrix) if isinstance(x, torch.Tensor) else mt.array(matrix)
    return ((matrix @ x - 1) ** 2).sum()


def run(library, function, start, steps, options, state=None):
    """Parameters and losses after each step."""
    if library is torch:
        x = torch.nn.Parameter(torch.tensor(start))
        optimizer = torch.optim.LBFGS([x], **options)
    else:
        x = nn.Parameter(start)
        optimizer = optim.LBFGS([x], **options)
    if state is not None:
        optimizer.load_state_dict(state)
    calls, found = [], []

    def closure():
        optimizer.zero_grad()
        loss = function(x)
        loss.backward()
        calls.append(1)
        return loss
    for _ in range(steps):
        loss = optimizer.step(closure)
        found.append((float(loss), *(x.detach().numpy() if library is torch else x.numpy())))
    return np.array(found), len(calls), optimizer


@pytest.mark.parametrize("function", [least_squares, rosenbrock])
@pytest.mark.parametrize("options", [
    {"lr": 0.5, "max_iter": 4}, {"lr": 1e-3, "max_iter": 5}, {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2, "lr": 0.3},
    {"max_iter": 1}, {"max_eval": 3, "lr": 0.1}])
def test_beside_pytorch(function, options):
    start = np.array([-1.2, 1.0, 0.5, 2.0])
    if function is rosenbrock and "line_search_fn" not in options:
        options = {**options, "lr": 1e-3}       # which diverges otherwise
    got, calls, _ = run(mt, function, start, 3, options)
    wanted, expected, _ = run(torch, function, start, 3, options)
    np.testing.assert_allclose(got, wanted, 1e-6, 1e-8)
    assert calls == expected


def waves(x):
    sines = torch.sin(4 * x) if isinstance(x, torch.Tensor) else mt.sin(4 * x)
    return (x * x + 3 * sines).sum()


@pytest.mark.parametrize("rate", [0.02, 1, 6, 40])
def test_searches_beside_pytorch(rate):
    """First lengths that are far too short or too long, several minima, early ends."""
    for seed in range(4):
        start = np.random.default_rng(seed).standard_normal(4)
        for function in (rosenbrock, waves):
            for change in (1e-9, 1e-2, 0.5):
                options = {"line_search_fn": "strong_wolfe", "lr": rate, "max_iter": 6,
                           "tolerance_change": change}
                got, calls, _ = run(mt, function, start, 2, options)
                wanted, expected, _ = run(torch, function, start, 2, options)
                np.testing.assert_allclose(got, wanted, 1e-5, 1e-7, err_msg=f"{seed} {options}")
                assert calls == expected, (seed, options)


def test_a_search_that_finds_nothing_ends():
    tried = []

    def at(length):
        tried.append(length)
        return Point(length, 1.0, np.ones(1), 1.0)
    found = strong_wolfe(at, Point(0.0, 0.0, -np.ones(1), -1.0), 1.0, 1.0, 10000)
    assert found.length == 0 and len(tried) < 100


def test_it_is_not_exported(tmp_path):
    model = nn.Linear(2, 2)
    with pytest.raises(mt.CompileError, match="a step of LBFGS is no call that can be compiled"):
        mt.export(model, np.ones((1, 2), "float32"), tmp_path / "x", train=True,
                  loss=nn.functional.mse_loss, targets=np.ones((1, 2), "float32"),
                  optimizer=optim.LBFGS(model.parameters()))


def test_it_finds_the_minimum():
    got, _, _ = run(mt, rosenbrock, np.array([-1.2, 1.0, 0.5]), 5,
                    {"line_search_fn": "strong_wolfe", "max_iter": 50})
    np.testing.assert_allclose(got[-1][1:], 1, 1e-5)


def test_state_both_ways(tmp_path):
    options = {"line_search_fn": "strong_wolfe", "max_iter": 3}
    start = np.array([-1.2, 1.0, 0.5, 2.0])
    theirs, _, other = run(torch, rosenbrock, start, 2, options)
    torch.save(other.state_dict(), tmp_path / "a.pth")
    ours, _, mine = run(mt, rosenbrock, start, 2, options)
    mt.save(mine.state_dict(), tmp_path / "b.pth")
    wanted, _, _ = run(torch, rosenbrock, theirs[-1][1:], 1, options, other.state_dict())
    got, _, _ = run(mt, rosenbrock, theirs[-1][1:], 1, options, mt.load(tmp_path / "a.pth"))
    np.testing.assert_allclose(got, wanted, 1e-6, 1e-8)
    back, _, _ = run(torch, rosenbrock, ours[-1][1:], 1, options, torch.load(tmp_path / "b.pth"))
    np.testing.assert_allclose(back, wanted, 1e-5, 1e-7)


def test_a_network():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    ours, theirs = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)), torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    ours, theirs = ours.double(), theirs.double()
    ours.load_state_dict(theirs.state_dict())
    options = {"line_search_fn": "strong_wolfe", "max_iter": 5}
    losses = []
    for model, module, array in ((ours, mt, mt.array), (theirs, torch, torch.tensor)):
        optimizer = module.optim.LBFGS(model.parameters(), **options)

        def closure():
            optimizer.zero_grad()
            loss = ((model(array(x)) - array(y)) ** 2).mean()
            loss.backward()
            return loss
        losses.append([float(optimizer.step(closure)) for _ in range(3)])
    np.testing.assert_allclose(losses[0], losses[1], 1e-6)
    for one, other in zip(ours.parameters(), theirs.parameters()):
        np.testing.assert_allclose(one.numpy(), other.detach().numpy(), 1e-5, 1e-7)


def test_errors():
    x = nn.Parameter([1.0])
    with pytest.raises(TypeError, match="step takes a function"):
        optim.LBFGS([x]).step()
    with pytest.raises(ValueError, match="not 'armijo'"):
        optim.LBFGS([x], line_search_fn="armijo")
    with pytest.raises(ValueError, match="takes one group"):
        optim.LBFGS([{"params": [x]}, {"params": [nn.Parameter([1.0])]}])
