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


ALL = [("SGD", options) for options in OPTIONS] + [
    ("Adam", {}), ("Adam", {"amsgrad": True, "weight_decay": 0.1, "betas": (0.8, 0.95)}),
    ("Adam", {"maximize": True, "eps": 1e-3}), ("AdamW", {"weight_decay": 0.1}),
    ("AdamW", {"amsgrad": True}), ("RMSprop", {}), ("RMSprop", {"centered": True, "alpha": 0.9}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.5, "eps": 0.1}), ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {}), ("Adadelta", {"rho": 0.5, "weight_decay": 0.1}), ("Adamax", {}),
    ("Adamax", {"betas": (0.7, 0.9), "weight_decay": 0.1}), ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1}),
    ("RAdam", {}), ("RAdam", {"betas": (0.9, 0.99), "weight_decay": 0.1})]


@pytest.mark.parametrize("name, options", ALL, ids=str)
def test_steps_are_those_of_torch(name, options):
    ours, theirs = models()
    own = getattr(mt.optim, name)(ours.parameters(), 0.05, **options)
    other = getattr(torch.optim, name)(theirs.parameters(), 0.05, **options)
    for step in range(8 if name == "RAdam" else 5):
        x, y = batch(step)
        own.step(((ours(mt.array(x)) - y) ** 2).mean())
        other.zero_grad()
        ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
        other.step()
        same(ours, theirs)
        if step == 1:       # the second step is replayed, whatever the rate
            before = mt.compile_stats()["compiled"]
        own.lr = other.param_groups[0]["lr"] = 0.05 / (step + 1)
    assert mt.compile_stats()["compiled"] == before


def lion(parameter, slope, mean, lr, betas, weight_decay):
    step = numpy.sign(betas[0] * mean + (1 - betas[0]) * slope)
    return parameter * (1 - lr * weight_decay) - lr * step, betas[1] * mean + (1 - betas[1]) * slope


def test_lion():
    ours, theirs = models()
    own = mt.optim.Lion(ours.parameters(), 0.01, weight_decay=0.1, fused=True)
    means = [numpy.zeros(tuple(one.shape), "float32") for one in theirs.parameters()]
    for step in range(5):
        x, y = batch(step)
        own.step(((ours(mt.array(x)) - y) ** 2).mean())
        loss = ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean()
        slopes = torch.autograd.grad(loss, list(theirs.parameters()))
        for place, (one, slope) in enumerate(zip(theirs.parameters(), slopes)):
            made, means[place] = lion(one.detach().numpy(), slope.numpy(), means[place], 0.01,
                                      (0.9, 0.99), 0.1)
            one.data = torch.tensor(made)
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


def losses_of(model, steps=3):
    return [((model(mt.array(x)) - y) ** 2).mean() for x, y in map(batch, range(steps))]


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "RMSprop"])
def test_state_goes_on_after_loading(name):
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    ours, theirs = models()
    own = getattr(mt.optim, name)(ours.parameters(), 0.05, **options)
    other = getattr(torch.optim, name)(theirs.parameters(), 0.05, **options)
    for step in range(3):
        x, y = batch(step)
        other.zero_grad()
        ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
        other.step()
    names = list(ours.state_dict())
    ours.load_state_dict(dict(zip(names, (one.numpy() for one in theirs.state_dict().values()))))
    own.load_state_dict(other.state_dict())         # PyTorch's
    again = getattr(mt.optim, name)(ours.parameters(), 1.0, **options)
    for group in again.param_groups:        # numbers of the group come back, too
        group.update({"betas": (0.1, 0.2)} if "betas" in group else {"momentum": 0.1})
    again.load_state_dict(own.state_dict())         # and our own
    assert again.param_groups[0]["lr"] == 0.05
    for step in range(3, 5):
        x, y = batch(step)
        again.step(((ours(mt.array(x)) - y) ** 2).mean())
        other.zero_grad()
        ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
        other.step()
        same(ours, theirs)
    kept = {key for state in other.state_dict()["state"].values() for key in state}
    assert {key for state in again.state_dict()["state"].values() for key in state} == kept


def test_parameters_that_join_later_have_steps_of_their_own():
    one, two, three = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0, 4.0]), nn.Parameter([0.5, 1.0])
    their = [torch.nn.Parameter(torch.tensor(x.numpy())) for x in (one, two, three)]
    own, other = mt.optim.Adam([one, three], 0.1), torch.optim.Adam(their[::2], 0.1)
    for step in range(6):
        if step == 2:
            own.add_param_group({"params": [two], "lr": 0.2})
            other.add_param_group({"params": their[1:2], "lr": 0.2})
        only_one = step % 2
        own.step((one ** 2).sum() if only_one else ((one * two * three) ** 2).sum())
        other.zero_grad()
        ((their[0] ** 2).sum() if only_one else
         ((their[0] * their[1] * their[2]) ** 2).sum()).backward()
        other.step()
    for x, y in zip((one, two, three), their):
        numpy.testing.assert_allclose(x.numpy(), y.detach().numpy(), rtol=1e-5)
    assert own.state[one]["step"] == 6 and own.state[two]["step"] == 2
    assert own.state[three]["step"] == 3


def test_half_precision_parameters():
    one = nn.Parameter(mt.ones(4, dtype="float16"))
    optim = mt.optim.Adam([one], 0.125)
    for _ in range(2):
        optim.step((one * mt.array([0.0, 1.0, -1.0, 2.0], dtype="float16")).sum())
    assert one.dtype == "float16" and one.tolist() == [1.0, 0.75, 1.25, 0.75]


def test_the_first_step_does_not_make_parameters():
    mt.sync()
    one, two = nn.Parameter(mt.randn(4, 3)), nn.Parameter(mt.zeros(3) + 1)
    optim, counts = mt.optim.Adam([one, two], 0.1), []
    for step in range(3):
        before = mt.compile_stats()["compiled"]
        optim.step(((mt.array(batch(step)[0][:4]) * one + two) ** 2).mean())
        counts.append(mt.compile_stats()["compiled"] - before)
    assert counts == [1, 0, 0]


def test_closures_and_named_parameters():
    ours, _ = models()
    optim = mt.optim.Adam(ours.named_parameters(), 0.01, foreach=False)

    def closure():
        optim.zero_grad()
        loss = losses_of(ours, 1)[0]
        loss.backward()
        return loss
    first = float(optim.step(closure))
    assert float(optim.step(closure)) < first


@pytest.mark.parametrize("make, error, text", [
    (lambda p: mt.optim.Adam([p], -1.0), ValueError, "Adam: lr is -1.0, expected at least 0"),
    (lambda p: mt.optim.Adam([p], betas=(0.9, 1.0)), ValueError, r"betas\[1\] is 1.0"),
    (lambda p: mt.optim.Adam([p], fuse=True), TypeError, "Adam has no argument 'fuse'"),
    (lambda p: mt.optim.RMSprop([p], alpha=2), ValueError, "RMSprop: alpha is 2"),
    (lambda p: mt.optim.Adam([]), ValueError, "at least one parameter"),
    (lambda p: mt.optim.Adam(p), TypeError, "a list of parameters, not one array"),
    (lambda p: mt.optim.Adam([p]).load_state_dict({"state": {}, "param_groups": []}), ValueError,
     r"groups of \[\] parameters, expected \[1\]"),
])
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make(nn.Parameter([1.0]))
