# SPDX-License-Identifier: Apache-2.0
"""Mixed precision against PyTorch's: which dtypes results have, training, the scaler.

Takes the same small programs in both libraries.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn
from mintor.nn import functional as F


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_dtypes_and_values_are_pytorchs(dtype):
    x, w, image, kernel = values(4, 6), values(5, 6), values(2, 3, 8, 8), values(4, 3, 3, 3)
    target = numpy.array([1, 2, 3, 4])
    programs = {
        "matmul": lambda lib, f, x, w, i, k: x @ w.T,
        "linear": lambda lib, f, x, w, i, k: f.linear(x, w, w[:, 0]),
        "conv": lambda lib, f, x, w, i, k: f.conv2d(i, k, k[:, 0, 0, 0]),
        "einsum": lambda lib, f, x, w, i, k: lib.einsum("ab,cb->ac", x, w),
        "relu": lambda lib, f, x, w, i, k: f.relu(f.linear(x, w)),
        "sum": lambda lib, f, x, w, i, k: f.linear(x, w).sum(),
        "exp": lambda lib, f, x, w, i, k: lib.exp(f.linear(x, w) * 0.1),
        "softmax": lambda lib, f, x, w, i, k: f.softmax(f.linear(x, w), -1),
        "mse": lambda lib, f, x, w, i, k: f.mse_loss(f.linear(x, w), x[:, :5]),
        "cross_entropy": lambda lib, f, x, w, i, k: f.cross_entropy(f.linear(x, w),
                                                                    lib.tensor(target)),
        "float64": lambda lib, f, x, w, i, k: (x.double() @ w.double().T),
        "add": lambda lib, f, x, w, i, k: f.linear(x, w) + x[:, :5],
    }
    for name, program in programs.items():
        with mt.amp.autocast("cpu", dtype=dtype):
            ours = program(mt, F, *(mt.array(one) for one in (x, w, image, kernel)))
        with torch.autocast("cpu", dtype=getattr(torch, dtype)):
            theirs = program(torch, torch.nn.functional,
                             *(torch.tensor(one) for one in (x, w, image, kernel)))
        wanted = str(theirs.dtype).removeprefix("torch.")
        if name in ("exp", "sum", "softmax"):       # of the lists of torch's GPU autocast
            wanted = "float32"
        assert str(ours.dtype) == wanted, name
        tolerance = {"float16": 4e-3, "bfloat16": 4e-2}[dtype]
        numpy.testing.assert_allclose(ours.numpy().astype("float32"), theirs.float().numpy(),
                                      rtol=tolerance, atol=10 * tolerance, err_msg=name)


def test_training_in_half_precision_follows_float32():
    def losses(context):
        mt.manual_seed(2)
        layers = [nn.Linear(8, 32), nn.Linear(32, 4)]
        optim = nn.SGD([one for layer in layers for one in layer.parameters()], 0.2)
        found = []
        for step in range(30):
            x = mt.array(values(64, 8, seed=step))
            with context():
                y = layers[1](mt.relu(layers[0](x)))
                loss = F.mse_loss(y, mt.sin(x[:, :4]))
            assert loss.dtype == "float32"
            optim.step(loss)
            found.append(loss.item())
        assert layers[0].weight.dtype == "float32"
        return found
    full = losses(lambda: mt.amp.autocast(enabled=False))
    assert full[-1] < 0.6 * full[0]
    for dtype, tolerance in ((mt.float16, 1e-2), (mt.bfloat16, 5e-2)):
        half = losses(lambda dtype=dtype: mt.amp.autocast(dtype=dtype))
        assert half != full
        numpy.testing.assert_allclose(half, full, rtol=tolerance)


def test_nesting_decorators_and_errors():
    x = mt.ones(2, 2)
    with mt.amp.autocast(dtype="float16"):
        with mt.amp.autocast(enabled=False):
            assert (x @ x).dtype == "float32"
        assert (x @ x).dtype == "float16"
    assert (x @ x).dtype == "float32"
    assert mt.amp.autocast()(lambda: (x @ x).dtype)() == mt.bfloat16
    f = mt.jit(lambda x: x @ x)
    with mt.amp.autocast(dtype="float16"):
        assert [str(f(x).dtype) for _ in range(2)] == ["float16"] * 2
    assert f(x).dtype == "float32"
    with pytest.raises(ValueError, match="float16 or bfloat16"):
        mt.amp.autocast(dtype="float32")
    with pytest.raises(ValueError, match="no device"):
        mt.amp.autocast("cuda")


def scaler_story(lib, parameter, sgd, scaler, infinite):
    """Scales and parameters along six steps, two of which overflow."""
    story = []
    for step in range(6):
        optimizer = sgd
        optimizer.zero_grad()
        factor = float("inf") if step in infinite else 1.0 + step
        scaler.scale((parameter * factor).sum()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        story.append((scaler.get_scale(), parameter.tolist()))
    return story, {key: float(value) for key, value in scaler.state_dict().items()}


def test_the_scaler_is_pytorchs():
    options = {"init_scale": 16.0, "growth_factor": 4.0, "backoff_factor": 0.25,
               "growth_interval": 2}
    ours = nn.Parameter([1.0, 2.0])
    theirs = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    made = scaler_story(mt, ours, nn.SGD([ours], 0.1), mt.amp.GradScaler(**options), (2, 3))
    wanted = scaler_story(torch, theirs, torch.optim.SGD([theirs], 0.1),
                          torch.amp.GradScaler("cpu", **options), (2, 3))
    for (scale, one), (other_scale, other) in zip(made[0], wanted[0]):
        assert scale == other_scale
        numpy.testing.assert_allclose(one, other, rtol=1e-6)
    assert made[1] == wanted[1]


def test_a_step_with_a_loss_and_what_is_refused():
    w = nn.Parameter([2.0])
    optimizer, scaler = nn.SGD([w], 0.25), mt.amp.GradScaler(init_scale=4.0)
    before = None
    for step in range(4):
        scaler.step(optimizer, (w * w).sum())
        with pytest.raises(RuntimeError, match="step was called already"):
            scaler.step(optimizer)
        scaler.update()
        before = mt.compile_stats()["compiled"] if step == 1 else before
    assert w.item() == 2 * 0.5 ** 4 and mt.compile_stats()["compiled"] == before
    scaler.step(optimizer, (w * float("inf")).sum())
    scaler.update()
    assert w.item() == 2 * 0.5 ** 4 and scaler.get_scale() == 2 and w.grad is None
    other = mt.amp.GradScaler()
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 2
    with pytest.raises(RuntimeError, match="no parameter"):
        other.unscale_(nn.SGD([nn.Parameter([1.0])], 0.1))
    off = mt.amp.GradScaler(enabled=False)
    off.step(optimizer, (w * 0 + w).sum())
    off.update()
    assert off.state_dict() == {} and off.get_scale() == 1 and w.item() == 2 * 0.5 ** 4 - 0.25
