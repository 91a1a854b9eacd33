# SPDX-License-Identifier: Apache-2.0
"""Optimizers and gradients of parameters against PyTorch.

Takes one small model in both; compares parameters and gradients after each step.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn

OPTIONS = [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True},
           {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}, {"maximize": True},
           {"weight_decay": 0.1}]


def models(seed=0):
    torch.manual_seed(seed)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))

    class Ours(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.b(mt.tanh(self.a(x)))
    ours = Ours()
    names = {"a.weight": "0.weight", "a.bias": "0.bias", "b.weight": "2.weight", "b.bias": "2.bias"}
    state = theirs.state_dict()
    ours.load_state_dict({own: state[name].numpy() for own, name in names.items()})
    return ours, theirs


def batch(step):
    rng = numpy.random.default_rng(step)
    return rng.standard_normal((5, 3)).astype("float32"), \
        rng.standard_normal((5, 2)).astype("float32")


def same(ours, theirs):
    for own, other in zip(ours.parameters(), theirs.parameters()):
        numpy.testing.assert_allclose(own.numpy(), other.detach().numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_sgd(options):
    ours, theirs = models()
    own, other = nn.SGD(ours.parameters(), 0.05, **options), \
        torch.optim.SGD(theirs.parameters(), 0.05, **options)
    for step in range(5):
        x, y = batch(step)
        own.step(((ours(mt.array(x)) - y) ** 2).mean())
        other.zero_grad()
        ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
        other.step()
        same(ours, theirs)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients_that_are_added_up_and_clipped(options):
    ours, theirs = models(1)
    own, other = nn.SGD(ours.parameters(), 0.05, **options), \
        torch.optim.SGD(theirs.parameters(), 0.05, **options)
    for step in range(3):
        for part in range(2):
            x, y = batch(2 * step + part)
            own.backward(((ours(mt.array(x)) - y) ** 2).mean())
            ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
        norm = own.clip_grad_norm(0.1)
        expected = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.1)
        assert norm.item() == pytest.approx(expected.item(), rel=1e-5)
        own.step()
        other.step()
        same(ours, theirs)
        for one, two in zip(ours.parameters(), theirs.parameters()):
            numpy.testing.assert_allclose(one.grad.numpy(), two.grad.numpy(), rtol=2e-5, atol=1e-7)
        other.zero_grad()


def test_backward_adds_to_what_requires_gradients():
    x, w = mt.array([1.0, 2.0]), mt.array([3.0, 4.0], requires_grad=True)
    (x * w).sum().backward()
    (x * w * w).sum().backward()
    assert w.grad.tolist() == [1 + 6, 2 + 16] and x.grad is None


def test_what_the_loss_does_not_reach_is_left_alone():
    used, other = nn.Parameter([1.0]), nn.Parameter([2.0])
    nn.SGD([used, other], 0.1, momentum=0.9, weight_decay=0.5).step((used * 3).sum())
    assert used.item() == pytest.approx(1 - 0.1 * (3 + 0.5)) and other.item() == 2


def test_groups_frozen_parameters_and_new_ones():
    one, two, three = nn.Parameter([1.0]), nn.Parameter([1.0]), nn.Parameter([1.0])
    two.requires_grad = False
    optim = nn.SGD([{"params": [one, two]}, {"params": [three], "lr": 1.0}], 0.1)
    optim.step((one * two * three).sum())
    assert [p.item() for p in (one, two, three)] == [pytest.approx(0.9), 1, 0]
    with pytest.raises(ValueError, match="two groups"):
        optim.add_param_group({"params": [one]})
    with pytest.raises(ValueError, match="one element"):
        optim.step(one * mt.ones(3))
