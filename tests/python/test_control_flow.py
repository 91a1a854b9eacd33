# SPDX-License-Identifier: Apache-2.0
"""cond, while_loop, scan: values, gradients, replay.

Takes functions of arrays; compares with Python's own loops and branches, PyTorch and finite
differences, and counts what is compiled.
"""
import threading

import numpy
import pytest
import torch

import mintor as mt
from mintor import nn


def values(*shape, seed=0, dtype="float32"):
    return numpy.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compiled_by(function):
    before = mt.compile_stats()["compiled"]
    function()
    return mt.compile_stats()["compiled"] - before


# ---- values

def test_cond_takes_one_side():
    def f(x):
        return mt.cond(x.sum() > 0, lambda v: (v * 2, {"a": v.sum()}),
                       lambda v: (-v, {"a": v[0]}), x)
    for sign in (1, -1):
        x = sign * numpy.array([1, 2, 3], "float32")
        doubled, more = f(mt.array(x))
        expected = (x * 2, x.sum()) if sign > 0 else (-x, x[0])
        assert doubled.tolist() == expected[0].tolist() and more["a"].item() == expected[1]


def test_cond_runs_one_side_only():
    # The other side would take hundreds of millions of iterations.
    def slow(x):
        return mt.while_loop(lambda i, v: i < 1 << 40, lambda i, v: (i + 1, v + 1), (0, x))[1]
    assert mt.cond(mt.array(False), slow, lambda x: x, mt.array(1.0)).item() == 1


@pytest.mark.parametrize("pred, expected", [(True, 1), (0, 2), (3.5, 1), (numpy.array([[1]]), 1),
                                            (mt.array(0), 2)])
def test_conditions_of_any_kind(pred, expected):
    assert mt.cond(pred, lambda: mt.array(1), lambda: mt.array(2)).item() == expected


def test_while_loop_takes_values_as_arguments():
    i, (x, found) = mt.while_loop(lambda i, s: (i < 10) & (s[0] < 50),
                                  lambda i, s: (i + 1, (s[0] * 2, {"last": s[0]})),
                                  (0, (mt.array(3.0), {"last": mt.array(0.0)})))
    assert (i.item(), x.item(), found["last"].item()) == (5, 96, 48)
    assert mt.while_loop(lambda x: x < 10, lambda x: x * 3, mt.array(1)).item() == 27
    made = mt.while_loop(lambda s: s["n"] < 4, lambda s: {"n": s["n"] + 1}, {"n": 0})
    assert made["n"].item() == 4
    assert mt.while_loop(lambda x: x < 0, lambda x: x * 3, [mt.array(1)])[0].item() == 1


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_carries_and_stacks(reverse):
    xs, w = values(7, 3), values(3, 3, seed=1)
    carry, (ys, pair) = mt.scan(
        lambda c, x: ({"h": mt.tanh(c["h"] @ w + x["x"]), "n": c["n"] + x["n"]},
                      (c["h"], [x["n"] * 2, None])),
        {"h": mt.zeros(3), "n": 0}, {"x": xs, "n": numpy.arange(7)}, reverse=reverse)
    h, expected = numpy.zeros(3, "float32"), []
    for x in xs[::-1] if reverse else xs:
        expected.append(h)
        h = numpy.tanh(h @ w + x)
    if reverse:
        expected.reverse()
    numpy.testing.assert_allclose(carry["h"].numpy(), h, atol=1e-6)
    numpy.testing.assert_allclose(ys.numpy(), numpy.stack(expected), atol=1e-6)
    assert carry["n"].item() == 21 and pair[1] is None
    assert pair[0].tolist() == list(range(0, 14, 2))


def test_scan_without_xs_and_without_ys():
    carry, ys = mt.scan(lambda c, x: (c * 2, None), 1, length=5)
    assert (carry.item(), ys, carry.dtype) == (32, None, numpy.int64)
    carry, ys = mt.scan(lambda c, x: (None, x * 2), None, mt.arange(3))
    assert carry is None and ys.tolist() == [0, 2, 4]
    assert mt.scan(lambda c, x: (c + x, c), 0.0, mt.ones(0))[1].shape == (0,)


def test_numbers_of_init_take_the_dtype_of_the_function():
    assert mt.scan(lambda c, x: (c + x, None), 0, mt.ones(3, dtype="float64"))[0].dtype == "float64"
    assert mt.while_loop(lambda x: x < 2, lambda x: x + mt.array(1.5), (0,))[0].dtype == "float32"


def test_nested_and_mixed():
    def f(x):
        def step(c, row):
            n, c = mt.while_loop(lambda i, s: (i < 3) & (s.sum() < 8),
                                 lambda i, s: (i + 1, s + row * c.mean()), (0, c))
            c = mt.cond(n == 3, lambda: c * 0.5, lambda: mt.scan(
                lambda s, _: (s * row, None), c, length=2)[0])
            return c, n
        return mt.scan(step, mt.ones(2), x)
    x = numpy.abs(values(5, 2)) + 0.3
    c, counts = numpy.ones(2, "float32"), []
    for row in x:
        i, s = 0, c
        while i < 3 and s.sum() < 8:
            i, s = i + 1, s + row * c.mean()
        c = s * 0.5 if i == 3 else s * row * row
        counts.append(i)
    got, numbers = f(mt.array(x))
    numpy.testing.assert_allclose(got.numpy(), c, rtol=1e-5)
    assert numbers.tolist() == counts and len(set(counts)) > 1


def test_arrays_that_are_made_inside_can_be_changed_there():
    def step(c, x):
        made = mt.zeros(3)
        made[1] = x
        made += c
        c *= 2          # the placeholder alone
        return c, made
    init = mt.ones(3)
    carry, ys = mt.scan(step, init, mt.array([5.0, 6.0]))
    assert init.tolist() == [1, 1, 1] and carry.tolist() == [4, 4, 4]
    assert ys.tolist() == [[1, 6, 1], [2, 8, 2]]


def test_random_numbers_of_a_branch_are_drawn_anew():
    f = lambda: mt.cond(mt.array(True), lambda: mt.rand(4), lambda: mt.zeros(4)).tolist()
    assert f() != f()


# ---- gradients

def torch_scan(w, x, steps):
    c, total = torch.zeros(3, dtype=w.dtype), 0
    for i in range(steps):
        total = total + (c ** 2).sum()
        c = torch.tanh(c @ w + x[i])
    return total + c.sum()


def test_scan_to_second_order():
    w, x = values(3, 3, dtype="float64"), values(6, 3, seed=1, dtype="float64")

    def loss(w, x):
        c, ys = mt.scan(lambda c, row: (mt.tanh(c @ w + row), c), mt.zeros(3, dtype="float64"), x)
        return (ys ** 2).sum() + c.sum()
    given = [mt.array(w), mt.array(x)]
    wanted = [torch.tensor(one, requires_grad=True) for one in (w, x)]
    first = mt.grad(loss(*given), given, create_graph=True)
    expected = torch.autograd.grad(torch_scan(*wanted, 6), wanted, create_graph=True)
    second = mt.grad(sum((one ** 2).sum() for one in first), given)
    again = torch.autograd.grad(sum((one ** 2).sum() for one in expected), wanted)
    for got, want in zip([*first, *second], [*expected, *again]):
        numpy.testing.assert_allclose(got.numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("sign", [1, -1])
def test_cond_to_second_order(sign):
    x = mt.array(sign * numpy.array([0.5, 2.0]))
    scale = mt.array(3.0, dtype="float64")
    y = mt.cond(x.sum() > 0, lambda v: (v ** 3 * scale).sum(), lambda v: (v ** 2).sum(), x)
    first = mt.grad(y, [x, scale], create_graph=True)
    second = mt.grad(first[0].sum(), x)
    at = x.numpy()
    expected = (9 * at ** 2, (at ** 3).sum(), 18 * at) if sign > 0 else (2 * at, 0, at * 0 + 2)
    for got, want in zip((*first, second), expected):
        numpy.testing.assert_allclose(got.numpy(), want, rtol=1e-12)


def test_parameters_and_modules_that_functions_use():
    layer, cell = nn.Linear(3, 3), nn.Parameter(values(3))
    x = values(4, 3, seed=2)
    carry, _ = mt.scan(lambda c, row: (mt.tanh(layer(c)) * cell + row, None), mt.zeros(3), x)
    (carry ** 2).sum().backward()
    weight, bias, scale = [torch.tensor(one.numpy(), requires_grad=True)
                           for one in (layer.weight, layer.bias, cell)]
    c = torch.zeros(3)
    for row in torch.tensor(x):
        c = torch.tanh(c @ weight.T + bias) * scale + row
    (c ** 2).sum().backward()
    for got, want in ((layer.weight, weight), (layer.bias, bias), (cell, scale)):
        numpy.testing.assert_allclose(got.grad.numpy(), want.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_gradients_stop_inside():
    x = mt.array([1.0, 2.0])

    def step(c, _):
        with mt.no_grad():
            fixed = c * 10
        return c + (c * x).detach() + fixed + x, None
    assert mt.grad(mt.scan(step, x, length=2)[0].sum(), x).tolist() == [3, 3]


def test_gradients_are_taken_inside():
    def descent(create_graph):
        def step(c, _):
            slope = mt.grad((c ** 3).sum(), c, create_graph=create_graph)
            return c - 0.1 * slope, None
        return lambda x: mt.scan(step, x, length=2)[0]
    x = mt.array(numpy.array([1.0, 2.0]))
    at, factor = x.numpy(), 1
    for _ in range(2):
        factor = factor * (1 - 0.6 * at)
        at = at - 0.3 * at ** 2
    numpy.testing.assert_allclose(descent(True)(x).numpy(), at)
    numpy.testing.assert_allclose(mt.grad(descent(True)(x).sum(), x).numpy(), factor)
    assert mt.grad(descent(False)(x).sum(), x).tolist() == [1, 1]


def test_equal_values_inside_are_told_apart_by_gradients():
    def f(v):
        one, other = v + v, v + v
        return mt.grad((one * other).sum(), one)
    assert mt.cond(True, f, f, mt.array([3.0])).tolist() == [6]


def test_gradient_after_the_value_was_read():
    x = mt.array([1.0, 2.0])
    y = mt.scan(lambda c, _: (c * x, None), x, length=2)[0].sum()
    assert y.item() == 9
    assert mt.grad(y, x).tolist() == [3, 12]


def test_while_loop_to_second_order():
    x = mt.array(numpy.array([1.1, 1.2]))

    def f(x):
        return mt.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * s), (0, x))[1].sum()
    first = mt.grad(f(x), x, create_graph=True)
    second = mt.grad(first.sum(), x)
    numpy.testing.assert_allclose(first.numpy(), 8 * x.numpy() ** 7)
    numpy.testing.assert_allclose(second.numpy(), 56 * x.numpy() ** 6)


def test_gradients_of_loops_whose_length_depends_on_values():
    until = lambda x: mt.while_loop(lambda v: v < 9, lambda v: v * v, (x,))[0]

    def by_hand(x, chain=1.0):
        while x < 9:
            x, chain = x * x, chain * 2 * x
        return x, chain
    for at in (2.0, 1.5, 10.0):
        x = mt.array(at)
        assert mt.grad(until(x), x).item() == pytest.approx(by_hand(at)[1])
    x, inner = 2.0, 1.0
    for _ in range(3):
        x, slope = by_hand(x)
        x, inner = x * 0.1, inner * slope * 0.1
    at = mt.array(2.0)
    repeated, _ = mt.scan(lambda c, _: (until(c) * 0.1, None), at, length=3)
    slope = mt.grad(repeated, at, create_graph=True)
    assert slope.item() == pytest.approx(inner, rel=1e-5)
    assert mt.grad(slope, at).item() == pytest.approx(63 * inner / 2, rel=1e-5)     # 1e-19 x ** 64


# ---- replay

def test_a_step_that_is_repeated_compiles_nothing():
    w = nn.Parameter(values(4, 4) * 0.3)
    optimizer = nn.SGD([w], 0.1)
    losses = []

    def step(i):
        xs = mt.array(values(9, 4, seed=i))
        c, _ = mt.scan(lambda c, x: (mt.tanh(c @ w + x * (i + 1)), None), mt.zeros(4), xs)
        loss = (mt.cond(c.sum() > 0, lambda: c, lambda: c * 2) ** 2).mean()
        optimizer.step(loss)
        losses.append(loss.item())
    step(0)
    assert compiled_by(lambda: [step(i) for i in range(1, 6)]) == 0
    assert len(set(losses)) == 6


def test_what_functions_close_over_is_never_stale():
    scale, power, extra = mt.array(2.0), 2, [mt.array(1.0)]

    def f(c, x):
        c = c * scale + x ** power
        for one in extra:
            c = c + one
        return c, None
    total = lambda: mt.scan(f, 0.0, mt.array([1.0, 3.0]))[0].item()

    def expected():
        c = 0
        for x in (1.0, 3.0):
            c = c * float(scale) + x ** power + sum(float(one) for one in extra)
        return c
    assert total() == expected()
    scale = mt.array(5.0)
    assert total() == expected()
    scale += 1
    assert total() == expected()
    power = 3
    assert total() == expected()
    extra.append(mt.array(7.0))
    assert total() == expected()


def test_a_changed_branch_is_noticed():
    def f(flag):
        return mt.cond(mt.array(True), lambda x: x + 1 if flag else x - 1, lambda x: x,
                       mt.array(1.0)).item()
    assert [f(True), f(False), f(True)] == [2, 0, 2]


def test_swapped_captures_are_noticed():
    a, b = mt.array([1.0]), mt.array([5.0])
    f = lambda p, q: mt.cond(mt.array(True), lambda: p - q, lambda: q).tolist()
    assert f(a, b) == [-4] and f(b, a) == [4] and f(a, a) == [0]


def test_numbers_are_numbers_of_the_run():
    def f(rate):
        return mt.scan(lambda c, x: (c * rate + x, None), 0.0, mt.array([1.0, 2.0]))[0].item()
    f(0.5)
    assert compiled_by(lambda: [f(rate) for rate in (0.25, 2.0, 3)]) == 0 and f(3.0) == 5


def test_lengths_in_general_compile_nothing_more():
    def f(n):
        xs, a = mt.array(numpy.arange(n, dtype="float32")), mt.array(2.0)
        carry, ys = mt.scan(lambda c, x: (c + x * a, c[:1].sum() + x), mt.zeros(3), xs)
        return carry.sum().item(), ys.sum().item(), mt.grad(carry.sum(), a).item()
    f(5), f(6)
    found = []
    assert compiled_by(lambda: found.extend(f(n) for n in (7, 20, 101))) == 0
    for n, got in zip((7, 20, 101), found):
        x = numpy.arange(n)
        before = numpy.concatenate([[0], numpy.cumsum(2 * x)[:-1]])
        assert got == (6 * x.sum(), before.sum() + x.sum(), 3 * x.sum())


def test_sizes_that_functions_write_are_general_too():
    def f(n):
        x = mt.array(numpy.ones((n, 4), "float32"))
        return mt.while_loop(lambda i, v: i < 2,
                             lambda i, v: (i + 1, v.reshape(4, n).T + mt.arange(4.0)), (0, x))[1]
    f(5).sum().item(), f(6).sum().item()
    assert compiled_by(lambda: f(9).sum().item()) == 0
    expected = numpy.ones((9, 4))
    for _ in range(2):
        expected = expected.reshape(4, 9).T + numpy.arange(4)
    assert f(9).tolist() == expected.tolist()


class Runs:
    """Counts; it has no attributes that jit would look into."""

    __slots__ = ("count",)

    def add(self):
        self.count += 1


def test_jit_repeats_control_flow():
    runs, w = Runs(), nn.Parameter(values(3, 3))

    @mt.jit
    def f(x):
        runs.add()
        c, ys = mt.scan(lambda c, row: (mt.tanh(c @ w + row), c), mt.zeros(3), x)
        return mt.cond(c.sum() > 0, lambda: c, lambda: -c).sum() + ys.sum()
    plain = f.__wrapped__
    for seed in range(3):
        x = mt.array(values(4, 3, seed=seed))
        runs.count = 0
        assert f(x).item() == f(x).item()
        assert runs.count == (1 if seed == 0 else 0)
        assert f(x).item() == plain(x).item()
        assert mt.grad(f(x), w).tolist() == mt.grad(plain(x), w).tolist()
        w[0] = float(seed)
    assert f.reasons == []


def test_jit_inside_of_a_function():
    cell = mt.jit(lambda c, x: (mt.tanh(c) + x, c * x))
    f = lambda: [one.tolist() for one in mt.scan(cell, mt.zeros(2), mt.ones((3, 2)))]
    assert f() == f() == [one.tolist() for one in mt.scan(
        cell.__wrapped__, mt.zeros(2), mt.ones((3, 2)))]
    assert cell.reasons == []


def test_checkpoint_inside_of_a_function():
    x = mt.array([1.0, 2.0])
    y = mt.scan(lambda c, _: (mt.checkpoint(lambda v: v * x, c), None), x, length=2)[0].sum()
    assert mt.grad(y, x).tolist() == [3, 12]


def test_other_threads_go_on_beside_a_function():
    inside, done, found = threading.Event(), threading.Event(), []

    def other():
        inside.wait()
        found.append((mt.array([1.0, 2.0]) * 3).tolist())
        done.set()
    thread = threading.Thread(target=other)
    thread.start()

    def f(x):
        x = x + 1
        inside.set()
        assert done.wait(20)
        return x * 2
    assert mt.cond(True, f, lambda x: x, mt.array(1.0)).item() == 4
    thread.join()
    assert found == [[3, 6]]


def test_a_miss_is_explained_inside_of_the_function():
    def f(flag):
        def step(c, x):
            c = mt.cond(x > 1, lambda: mt.exp(c), lambda: mt.sin(c) if flag else mt.cos(c))
            return c, None
        return mt.scan(step, 0.0, mt.array([1.0, 2.0]))[0].item()
    f(True), f(False)
    miss = mt.explain_miss()
    assert "in its function, call 2: cond(" in miss
    assert ".py:" in miss and miss.index("call 1: cos(f32[])") < miss.index("before, sin(f32[])")


def test_weights_of_a_scan_whose_body_loops_as_long_as_it_has_to():
    def loss(w):
        def body(carry, x):
            carry = mt.while_loop(lambda v: v.sum() < 2, lambda v: v * 1.5, (carry + x + 0.1,))[0]
            return carry @ w, carry
        carry, ys = mt.scan(body, mt.array(numpy.ones(2)),
                            mt.array(numpy.arange(8.).reshape(4, 2) / 10))
        return carry.sum() + (ys * ys).sum()
    start = numpy.array([[0.5, 0.2], [0.1, 0.7]])
    w = mt.array(start)
    slopes = mt.grad(loss(w), w).numpy()
    for place in numpy.ndindex(2, 2):
        step = numpy.zeros((2, 2))
        step[place] = 1e-6
        up, down = loss(mt.array(start + step)).item(), loss(mt.array(start - step)).item()
        assert slopes[place] == pytest.approx((up - down) / 2e-6, rel=1e-6)
