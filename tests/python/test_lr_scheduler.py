# SPDX-License-Identifier: Apache-2.0
"""Schedules of learning rates against PyTorch's, epoch by epoch, and what they change of a step.

Takes optimizers of both libraries with two groups; compares the groups' numbers.
"""
import warnings

import numpy
import pytest
import torch

import mintor as mt
from mintor import nn

# (name, options)
SCHEDULES = [
    ("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 7], "gamma": 0.3}), ("ExponentialLR", {"gamma": 0.8}),
    ("ConstantLR", {}), ("ConstantLR", {"factor": 0.5, "total_iters": 3}), ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.6, "total_iters": 7}),
    ("PolynomialLR", {"total_iters": 6, "power": 2.0}), ("PolynomialLR", {}),
    ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.01}), ("CosineAnnealingLR", {"T_max": 4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9 ** epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: epoch / 10, lambda epoch: 1.0]}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [0.5, 0.3], "epochs": 4, "steps_per_epoch": 5, "three_phase": True,
                    "anneal_strategy": "linear", "pct_start": 0.4, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}),
    ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 3, "step_size_down": 2,
                  "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range",
                  "gamma": 0.9, "cycle_momentum": False}),
]
NUMBERS = ("lr", "momentum", "betas", "initial_lr")


def optimizers(name="SGD", **options):
    options = options or ({"momentum": 0.9} if name == "SGD" else {})
    made = []
    for library, parameter in ((mt.optim, nn.Parameter), (torch.optim, None)):
        groups = [{"params": [parameter([1.0]) if parameter else
                              torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in (0.1, 0.2)]
        made.append(getattr(library, name)(groups, lr=0.1, **options))
    return made


def numbers(optimizer):
    return [[group[name] for name in NUMBERS if name in group] for group in optimizer.param_groups]


def same(own, other):
    for ours, theirs in zip(numbers(own), numbers(other)):
        for one, two in zip(ours, theirs, strict=True):
            assert one == pytest.approx(two, rel=1e-9, abs=1e-12)


def made(module, optimizer, name, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(module, name)(optimizer, **options)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of PyTorch, that the optimizer took no step
        yield


@pytest.mark.parametrize("name, options", SCHEDULES, ids=lambda one: str(one)[:40])
def test_schedules_are_those_of_torch(name, options):
    own, other = optimizers("Adam" if name == "OneCycleLR" else "SGD")
    ours = made(mt.optim.lr_scheduler, own, name, options)
    theirs = made(torch.optim.lr_scheduler, other, name, options)
    same(own, other)
    for _ in range(15):
        ours.step()
        theirs.step()
        same(own, other)
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr())
    again_own, _ = optimizers("Adam" if name == "OneCycleLR" else "SGD")
    again = made(mt.optim.lr_scheduler, again_own, name, options)
    again.load_state_dict(ours.state_dict())
    again_own.load_state_dict(own.state_dict())
    again.step()
    ours.step()
    assert numbers(again_own) == numbers(own)


def test_several_schedules_of_one_optimizer():
    for build in (
            lambda lib, optim: lib.SequentialLR(optim, [
                lib.LinearLR(optim, 0.1, total_iters=3), lib.CosineAnnealingLR(optim, 5),
                lib.ExponentialLR(optim, 0.5)], [3, 8]),
            lambda lib, optim: lib.ChainedScheduler([
                lib.ConstantLR(optim, 0.1, 3), lib.StepLR(optim, 4, 0.5),
                lib.ExponentialLR(optim, 0.9)])):
        own, other = optimizers()
        ours, theirs = build(mt.optim.lr_scheduler, own), build(torch.optim.lr_scheduler, other)
        same(own, other)
        for _ in range(12):
            ours.step()
            theirs.step()
            same(own, other)
            assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr())
        state = ours.state_dict()
        again = build(mt.optim.lr_scheduler, optimizers()[0])
        again.load_state_dict(state)
        assert again.state_dict() == state


@pytest.mark.parametrize("options", [{}, {"mode": "max", "threshold_mode": "abs", "patience": 1},
                                     {"factor": 0.5, "patience": 0, "cooldown": 2,
                                      "min_lr": [0.02, 0.01]}], ids=str)
def test_rates_fall_on_a_plateau(options):
    own, other = optimizers()
    ours = mt.optim.lr_scheduler.ReduceLROnPlateau(own, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **options)
    metrics = [1.0, 0.9, 0.9, 0.95, 0.8999, 0.5, 0.6, 0.7, 0.7, 0.7, 0.1, 0.2, 0.3, 0.4, 0.5] * 2
    for metric in metrics:
        ours.step(mt.array(metric))
        theirs.step(metric)
        same(own, other)
        assert ours.num_bad_epochs == theirs.num_bad_epochs
    assert own.param_groups[0]["lr"] < 0.1


def test_warm_restarts_at_fractions_of_epochs():
    own, other = optimizers()
    options = {"T_0": 3, "T_mult": 2}
    ours = made(mt.optim.lr_scheduler, own, "CosineAnnealingWarmRestarts", options)
    theirs = made(torch.optim.lr_scheduler, other, "CosineAnnealingWarmRestarts", options)
    for epoch in (0, 0.5, 1.25, 2.9, 3.0, 8.5, 9.0, 20.0):
        ours.step(epoch)
        theirs.step(epoch)
        same(own, other)


def test_a_scheduled_step_compiles_nothing():
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.1), nn.BatchNorm1d(8), nn.Linear(8, 1))
    optim = mt.optim.Adam(model.parameters())
    scheduler = mt.optim.lr_scheduler.OneCycleLR(optim, 0.1, total_steps=20)
    rng = numpy.random.default_rng(0)
    for step in range(10):
        loss = (model(mt.array(rng.standard_normal((4, 3)).astype("float32"))) ** 2).mean()
        optim.step(loss)
        scheduler.step()
        if step == 1:
            before = mt.compile_stats()["compiled"]
    assert mt.compile_stats()["compiled"] == before
    assert optim.param_groups[0]["betas"][0] != 0.95


@pytest.mark.parametrize("make, text", [
    (lambda lib, optim: lib.OneCycleLR(optim, 0.1), "takes total_steps, or epochs"),
    (lambda lib, optim: lib.CyclicLR(optim, 0.1, 0.2, mode="square"), "not 'square'"),
    (lambda lib, optim: lib.LambdaLR(optim, [abs]), "1 functions for 2 groups"),
    (lambda lib, optim: lib.StepLR(optim, 3, last_epoch=4), "no 'initial_lr'"),
    (lambda lib, optim: lib.SequentialLR(optim, [lib.StepLR(optim, 3)], [1]),
     "1 schedules need 0 milestones, got 1"),
    (lambda lib, optim: lib.CosineAnnealingWarmRestarts(optim, 0), "T_0 0 and T_mult 1"),
    (lambda lib, optim: lib.ReduceLROnPlateau(optim, factor=1.0), "expected below 1"),
    (lambda lib, optim: lib.LinearLR(optim, 0.0), "start_factor 0.0"),
])
def test_errors(make, text):
    with pytest.raises((ValueError, KeyError), match=text):
        make(mt.optim.lr_scheduler, optimizers()[0])
