# SPDX-License-Identifier: Apache-2.0
"""mt.jit of what trains: optimizers' steps, functions with a backward, checkpoints.

Takes two copies of a training, one of which is jitted; compares their values bit by bit, and counts
how often the Python code ran and how many programs were compiled.
"""
import numpy
import pytest

import mintor as mt
from mintor import nn, optim
from jit_runs import runs


@pytest.fixture(autouse=True)
def _fresh():
    runs.count = 0


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


def compiled():
    return mt._mintor.statistics()["compiled"]


class Net(mt.Module):
    def __init__(self):
        self.a, self.norm, self.b = nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)

    def execute(self, x):
        return self.b(mt.tanh(self.norm(self.a(x))))


def two_nets():
    nets = [Net(), Net()]
    nets[1].load_state_dict(nets[0].state_dict())
    return nets


def same(one, other):
    for (name, a), (_, b) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        numpy.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)


def step_of(net, optimizer):
    def step(x, y):
        runs.count += 1
        loss = ((net(x) - y) ** 2).mean()
        optimizer.step(loss)
        return loss
    return step


KINDS = [
    lambda p: optim.SGD(p, 0.05), lambda p: optim.SGD(p, 0.05, momentum=0.9, dampening=0.5),
    lambda p: optim.Adam(p, 0.01), lambda p: optim.AdamW(p, 0.01, amsgrad=True),
    lambda p: optim.NAdam(p, 0.01), lambda p: optim.RAdam(p, 0.01), lambda p: optim.Adamax(p, 0.01),
    lambda p: optim.RMSprop(p, 0.01, centered=True, momentum=0.5), lambda p: optim.Lion(p, 0.01),
    lambda p: optim.Adagrad(p, 0.05, lr_decay=0.1), lambda p: optim.Adadelta(p, 0.5),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_with_a_schedule_is_replayed(kind):
    nets = two_nets()
    optimizers = [kind(net.parameters()) for net in nets]
    schedules = [optim.lr_scheduler.StepLR(one, 2, 0.7) for one in optimizers]
    plain = step_of(nets[0], optimizers[0])
    jitted, counts = mt.jit(step_of(nets[1], optimizers[1])), []
    for k in range(8):
        x, y = values(5, 3, seed=k), values(5, 1, seed=k + 50)
        losses = [step(mt.array(x), mt.array(y)).item() for step in (plain, jitted)]
        assert losses[0] == losses[1]
        for one in schedules:
            one.step()
        counts.append(compiled())
    same(*nets)
    assert runs.count == 8 + 1 and jitted.reasons == []
    assert counts[-1] == counts[2]      # the first step has no states yet
    for (a, one), (b, other) in zip(*[list(each.state.items()) for each in optimizers]):
        assert one.keys() == other.keys()
        for name, value in one.items():
            numpy.testing.assert_array_equal(numpy.asarray(value), numpy.asarray(other[name]))


def test_several_steps_of_two_optimizers_with_random_numbers():
    def step_of_two(net, first, second):
        def step(x, y):
            runs.count += 1
            for _ in range(2):
                noisy = x + mt.rand(*x.shape) * 0.1
                first.step(((net(noisy) - y) ** 2).mean())
            loss = (net(x) - y).abs().mean()
            second.step(loss)
            return {"loss": loss}
        return step
    nets, steps = two_nets(), []
    for net in nets:
        steps.append(step_of_two(net, optim.SGD(net.a.parameters(), 0.05, momentum=0.9),
                                 optim.Adam(net.b.parameters(), 0.01)))
    steps[1] = mt.jit(steps[1])
    x, y, made = mt.array(values(5, 3)), mt.array(values(5, 1, seed=1)), []
    for step in steps:
        mt.random.seed(7)
        made.append([step(x, y)["loss"].item() for _ in range(5)])
    assert made[0] == made[1] and runs.count == 5 + 1
    same(*nets)


def test_what_is_trained_and_how_is_looked_at():
    nets = two_nets()
    optimizers = [optim.SGD(net.parameters(), 0.05, momentum=0.9) for net in nets]
    steps = [step_of(net, one) for net, one in zip(nets, optimizers)]
    steps[1] = mt.jit(steps[1])
    x, y = mt.array(values(5, 3)), mt.array(values(5, 1, seed=1))

    def both(count=2):
        for _ in range(count):
            assert steps[0](x, y).item() == steps[1](x, y).item()
        same(*nets)
    both(3)
    assert runs.count == 3 + 1
    changes = [
        lambda net, one: setattr(net.a.weight, "requires_grad", False),
        lambda net, one: setattr(net.a.weight, "requires_grad", True),
        lambda net, one: one.param_groups[0].update(weight_decay=0.1),
        lambda net, one: one.param_groups[0].update(maximize=True),
        lambda net, one: one.load_state_dict(
            {**one.state_dict(), "state": {}}),
        lambda net, one: net.load_state_dict({**net.state_dict(), "b.bias": mt.ones(1)}),
        lambda net, one: one.state[net.b.bias].update(momentum_buffer=mt.ones(1) * 3),
        lambda net, one: one.state.pop(net.b.bias),
        lambda net, one: net.eval(),
    ]
    for change in changes:
        for net, one in zip(nets, optimizers):
            change(net, one)
        both()


def test_what_a_loss_reaches_is_looked_at():
    """Also where that depends on how an argument was made."""
    ws = [nn.Parameter([2.0]) for _ in range(2)]
    optimizers = [optim.Adam([w], 0.5) for w in ws]
    streams = [mt.random.Generator(3) for _ in ws]

    def step_of_loss(optimizer, stream):
        return lambda loss: optimizer.step(loss * stream.rand())
    steps = [step_of_loss(*each) for each in zip(optimizers, streams)]
    steps[1] = mt.jit(steps[1])
    for reaches in (True, True, False, True, False, True):
        for w, step in zip(ws, steps):
            step((w * w).sum() if reaches else mt.array(3.0) * 2)
        assert ws[0].item() == ws[1].item()
    assert streams[0].get_state() == streams[1].get_state() and steps[1].reasons == []


def test_a_jitted_function_steps_inside_of_another():
    nets, steps = two_nets(), []
    for net in nets:
        optimizer = optim.Adam(net.parameters(), 0.01)
        steps.append(step_of(net, optimizer))
    inner = mt.jit(steps[1])
    outer = mt.jit(lambda x, y: inner(x, y) + inner(x * 2, y) * 0)
    x, y = mt.array(values(5, 3)), mt.array(values(5, 1, seed=1))
    for _ in range(4):
        one = steps[0](x, y)
        other = steps[0](x * 2, y)
        assert (one + other * 0).item() == outer(x, y).item()
    same(*nets)
    assert outer.reasons == inner.reasons == [] and runs.count == 8 + 1


@pytest.mark.parametrize("body, why", [
    (lambda w, one: one.step((w * w).sum() * one.lr), "numbers of an optimizer"),
    (lambda w, one: one.step((w * w).sum() * one.param_groups[0]["lr"]), "numbers of an optimizer"),
    (lambda w, one: optim.SGD([w], 0.5).step((w * w).sum()), "numbers of an optimizer"),
    (lambda w, one: ((w * w).sum().backward(), one.step(), one.zero_grad()), "(grad)"),
    (lambda w, one: w * 2 if w.grad is None else w.grad * 3, "(grad)"),
])
def test_what_cannot_be_repeated_runs_as_python(body, why):
    made = []
    for wrapped in (lambda function: function, mt.jit):
        w = nn.Parameter([2.0])
        optimizer = optim.SGD([w], 0.25, momentum=0.5)
        step, found = wrapped(lambda w=w, optimizer=optimizer: body(w, optimizer)), []
        for k in range(5):
            optimizer.lr = 0.25 / (k + 1)
            result = step()
            found.append((w.item(), result.item() if isinstance(result, mt.Array) else 0))
            if k == 2:
                (w * 7).sum().backward()
        made.append(found)
    assert made[0] == made[1]
    assert why in " ".join(step.reasons)


def test_gradients_that_come_later_are_not_missed():
    """A function that was recorded while there were none asks whether there are some now."""
    w = nn.Parameter([2.0])
    optimizer = optim.SGD([w], 0.5)

    @mt.jit
    def step():
        optimizer.zero_grad()
        optimizer.step((w * w).sum())
    step()
    step()
    assert step.reasons == []
    (w * 3).sum().backward()
    step()
    assert w.grad is None


class Cube(mt.Function):
    scale = 1

    @staticmethod
    def forward(ctx, x, power):
        runs.count += 1
        ctx.save_for_backward(x, None, x * x)
        ctx.power = power
        return x * x * x * Cube.scale

    @staticmethod
    def backward(ctx, grad):
        x, nothing, square = ctx.saved_tensors
        assert nothing is None
        return grad * (x * x + 0 * square) * ctx.power, None


def test_a_function_with_a_backward_is_replayed():
    f = mt.jit(lambda x, power: (Cube.apply(x * 2, power) + 1, x))
    for k in range(4):
        x = mt.array([2.0 + k])
        y, same_x = f(x, 3)
        assert same_x is x and y.item() == 8 * (2 + k) ** 3 + 1
        assert mt.grad(y, x).item() == 24 * (2 + k) ** 2
    assert runs.count == 1 and f.reasons == []
    x = mt.array([2.0])
    assert mt.grad(f(x, 5)[0], x).item() == 40 * 4      # what ctx holds is another one
    first = mt.grad(f(x, 3)[0], x, create_graph=True)
    assert mt.grad(first, x).item() == 48 * 2


def test_gradients_inside_of_a_jitted_function():
    f = mt.jit(lambda x: mt.grad(Cube.apply(x, 3).sum(), x))
    for k in range(3):
        assert f(mt.array([2.0 + k])).item() == 3 * (2 + k) ** 2
    assert runs.count == 1


def test_what_a_function_refers_to_is_looked_at(monkeypatch):
    f = mt.jit(lambda x: Cube.apply(x, 3))
    x = mt.array([2.0])
    assert [f(x).item(), f(x).item()] == [8, 8]
    monkeypatch.setattr(Cube, "scale", 2)
    assert [f(x).item(), f(x).item()] == [16, 16]


def test_arrays_in_a_ctx_are_never_stale():
    class Keeps(mt.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.x, ctx.both = x, [y * 2]
            return x * y

        @staticmethod
        def backward(ctx, grad):
            return ctx.both[0] * grad, ctx.x * grad
    f = mt.jit(lambda x, y: Keeps.apply(x, y))
    for k in range(1, 4):
        x, y = mt.array([1.0 * k]), mt.array([10.0 * k])
        assert [one.item() for one in mt.grad(f(x, y), [x, y])] == [20 * k, k]
    assert "attributes of ctx" in f.reasons[0]


def test_the_history_of_an_argument_is_looked_at():
    """A function that takes a gradient passes Python where its argument was made by a Function."""
    f = mt.jit(lambda y, x: mt.grad(y.sum(), x))
    x = mt.array([3.0])
    for power in (1, 1, 3, 1, 3):
        y = x * 5 if power == 1 else Cube.apply(x, 3)
        assert f(y, x).item() == (5 if power == 1 else 27)
    g = mt.jit(lambda x: mt.grad((x * x).sum(), x))
    assert [g(x).item(), g(x).item()] == [6, 6]
    handle = x.register_hook(lambda grad: grad * 10)
    assert [g(x).item(), g(x).item()] == [60, 60]
    handle.remove()


def test_a_hook_inside_of_a_jitted_function():
    def hooked(x):
        y = x * 2
        y.register_hook(lambda grad: grad * 10)
        return y * 3
    f, x = mt.jit(hooked), mt.array([1.0])
    assert [mt.grad(f(x), x).item() for _ in range(3)] == [60] * 3
    assert "hook" in f.reasons[0]


@pytest.mark.parametrize("inside", [True, False])
def test_checkpoints_are_replayed(inside):
    nets = two_nets()
    optimizers = [optim.SGD(net.parameters(), 0.05, momentum=0.9) for net in nets]

    def loss_of(net, part):
        def loss(x, y):
            runs.count += 1
            return ((net.b(part(lambda x: mt.tanh(net.a(x) + mt.rand(8)), x)) - y) ** 2).mean()
        return loss
    plain = loss_of(nets[0], lambda function, x: function(x))
    checked, step = loss_of(nets[1], mt.checkpoint), optimizers[1].step
    if inside:
        def checked_step(x, y):
            loss = checked(x, y)
            step(loss)
            return loss
        jitted = mt.jit(checked_step)
    else:
        jitted = mt.jit(checked)
    for k in range(4):
        x, y = mt.array(values(5, 3, seed=k)), mt.array(values(5, 1, seed=9))
        state = mt.random.default_generator.get_state()
        loss = plain(x, y)
        optimizers[0].step(loss)
        mt.random.default_generator.set_state(state)
        other = jitted(x, y)
        if not inside:
            step(other)
        numpy.testing.assert_allclose(loss.item(), other.item(), 1e-5)
    for (name, a), (_, b) in zip(nets[0].state_dict().items(), nets[1].state_dict().items()):
        numpy.testing.assert_allclose(a.numpy(), b.numpy(), 1e-4, 1e-5, err_msg=name)
    assert runs.count == 4 + 1 and jitted.reasons == []


def test_what_is_recorded_holds_no_values():
    w = nn.Parameter(values(1 << 18))
    optimizer = optim.SGD([w], 0.5, momentum=0.9)

    def step(x):
        loss = (mt.checkpoint(lambda v: mt.tanh(v * w), x) + Cube.apply(x, 3)).sum()
        optimizer.step(loss)
        return loss
    step(mt.array(values(1 << 18))).item()      # w and its velocity are there
    mt.sync()
    f, before = mt.jit(step), mt._mintor.memory_use()["used"]
    for _ in range(3):
        f(mt.array(values(1 << 18))).item()
    mt.sync()
    assert mt._mintor.memory_use()["used"] - before < 1 << 20 and f.reasons == []


def test_a_function_of_control_flow_is_another_kind():
    f = mt.jit(lambda x: mt.checkpoint(lambda v: v * v * v, x))
    x = mt.array([2.0])
    assert f(x).item() == 8
    made = mt.cond(x.sum() > 0, f, lambda v: v, x)
    assert mt.grad(made, x).item() == 12
