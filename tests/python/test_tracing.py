# SPDX-License-Identifier: Apache-2.0
"""Replayed steps are never stale: each case known from lazy libraries by its name.

Takes small programs; compares with NumPy, and counts what was compiled.
"""
import gc
import subprocess
import sys
import threading
import time

import numpy
import pytest

import mintor as mt
from mintor import Module, nn
from random_programs import check


def compiled():
    return mt._mintor.statistics()["compiled"]


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


class TwoLayers(Module):
    def __init__(self):
        self.layer1, self.relu, self.layer2 = nn.Linear(1, 10), nn.Relu(), nn.Linear(10, 1)

    def execute(self, x):
        return self.layer2(self.relu(self.layer1(x)))


def test_two_layers_learn_a_parabola():
    mt.manual_seed(1)
    model, losses = TwoLayers(), []
    optim = nn.SGD(model.parameters(), 0.1)
    rng = numpy.random.default_rng(0)
    before = None
    for step in range(1000):
        x = rng.random((50, 1))
        loss = ((model(mt.float32(x)) - mt.float32(x * x)) ** 2).mean()
        optim.step(loss)
        losses.append(loss.data.sum())
        if step == 1:
            before = compiled()
    assert compiled() == before
    assert losses[-1] < 0.01 < losses[0]


def test_a_repeated_step_is_replayed():
    step = lambda k: float((mt.exp(mt.array(values(3, 4, seed=k))) * k).sum())
    step(1)
    before = compiled()
    for k in range(2, 7):
        expected = float((numpy.exp(values(3, 4, seed=k)) * k).sum())
        assert step(k) == pytest.approx(expected, rel=1e-5)
    assert compiled() == before


def test_numbers_are_numbers_of_the_run():
    x = mt.array(values(4))
    before = None
    for k in range(100):
        y = (x * (0.1 * k) + k) / (k + 1.5) - 2 ** k % 7
        y = mt.where(x > 0.01 * k, y, k * 1.0)
        expected = numpy.where(x.numpy() > numpy.float32(0.01 * k),
                               (x.numpy() * (0.1 * k) + k) / (k + 1.5) - 2 ** k % 7, k)
        numpy.testing.assert_allclose(y.numpy(), expected, rtol=2e-5, atol=1e-5)
        if k == 2:
            before = compiled()
    assert compiled() == before


def test_a_schedule_of_learning_rates_compiles_nothing():
    layer = nn.Linear(2, 1)
    optim = nn.SGD(layer.parameters(), 0.1, momentum=0.9, weight_decay=1e-3)
    before = None
    for k in range(100):
        optim.param_groups[0]["lr"] = 0.1 / (k + 1)
        optim.param_groups[0]["momentum"] = 0.9 - 0.001 * k
        optim.step((layer(mt.array(values(5, 2, seed=k))) ** 2).mean())
        if k == 2:
            before = compiled()
    assert compiled() == before


def test_a_branch_on_a_value_goes_both_ways():
    def step(x):
        y = mt.array(x) * 2
        return y + 1 if y.sum() > 0 else y - 1
    for sign in (1, -1, 1, -1):
        x = numpy.full(3, sign, "float32")
        assert step(x).tolist() == (x * 2 + sign).tolist()


def test_a_closure_that_changes():
    scale = [mt.array(2.0)]
    step = lambda: (mt.array([1.0, 2.0]) * scale[0]).tolist()
    assert step() == [2, 4]
    scale[0] = mt.array(3.0)
    assert step() == [3, 6]
    scale[0] = mt.array([5.0, 7.0])
    assert step() == [5, 14]
    scale[0] = 10
    assert step() == [10, 20]


def test_arguments_in_another_order():
    a, b = mt.array([1.0]), mt.array([2.0])
    assert [(a - b).item(), (b - a).item(), (a - a).item(), (a - b).item()] == [-1, 1, 0, -1]


def test_one_array_twice_and_two_equal_arrays():
    for _ in range(2):
        a = mt.array([3.0])
        assert mt.grad(a * a, a).item() == 6
        b, c = mt.array([3.0]), mt.array([3.0])
        assert mt.grad(b * c, b).item() == 3


def test_which_results_are_held_may_change():
    def step(keep):
        y = mt.array([1.0, 2.0]) + 1
        z = y * 2
        held = [y, z][keep:]
        del y, z
        return [one.tolist() for one in held]
    assert step(0) == [[2, 3], [4, 6]]
    assert step(1) == [[4, 6]]
    assert step(0) == [[2, 3], [4, 6]]


def test_the_number_of_results_may_change():
    for parts in (2, 3, 2):
        made = mt.split(mt.arange(6), parts)
        assert [one.tolist() for one in made] == \
            [part.tolist() for part in numpy.split(numpy.arange(6), parts)]


def test_input_is_copied_when_it_is_recorded():
    given = numpy.ones(3, "float32")
    x = mt.array(given)
    y = x + 1
    given[:] = 100
    assert y.tolist() == [2, 2, 2] and x.tolist() == [1, 1, 1]


def test_an_old_graph_keeps_the_old_value():
    x = mt.array([1.0, 2.0])
    name = x
    y = x * 10
    x[0] = 5
    x += 1
    assert name is x and name.tolist() == [6, 3] and y.tolist() == [10, 20]


def test_equal_values_stay_apart_for_gradients():
    w = mt.array([2.0])
    a, b = w * 3, w * 3
    y = a * 5 + b * 7
    assert [one.item() for one in mt.grad(y, [a, b, w])] == [5, 7, 36]


def test_gradients_after_a_value_was_read():
    w = mt.array([0.5, 2.0])
    y = mt.exp(w) * 3
    assert y.shape == (2,)
    y.numpy()
    z = (y * y).sum()
    z.item()
    expected = 2 * 9 * numpy.exp(2 * w.numpy())
    numpy.testing.assert_allclose(mt.grad(z, w).numpy(), expected, rtol=1e-6)
    numpy.testing.assert_allclose(mt.grad(z, y).numpy(), 2 * y.numpy(), rtol=1e-6)


def test_detach_and_no_grad_stop_gradients():
    x = mt.array([3.0])
    assert mt.grad(x * mt.detach(x), x).item() == 3
    with mt.no_grad():
        y = x * 5
    assert mt.grad(x * y, x).item() == 15
    assert mt.grad(y * y, x).item() == 0


def test_gradients_of_gradients():
    x = mt.array([0.7])
    y = mt.sin(x) * x ** 3
    first = mt.grad(y, x, create_graph=True)
    second = mt.grad(first, x, create_graph=True)
    third = mt.grad(second, x)
    v = 0.7
    s, c = numpy.sin(v), numpy.cos(v)
    assert first.item() == pytest.approx(c * v ** 3 + 3 * s * v ** 2, rel=1e-5)
    assert second.item() == pytest.approx(-s * v ** 3 + 6 * c * v ** 2 + 6 * s * v, rel=1e-5)
    assert third.item() == pytest.approx(
        -c * v ** 3 - 9 * s * v ** 2 + 18 * c * v + 6 * s, rel=1e-4)


def test_vjp_jvp_value_and_grad():
    fn = lambda a, b: mt.sin(a) * b
    a, b = mt.array([0.3, 0.4]), mt.array([2.0, 3.0])
    y, pull = mt.vjp(fn, a, b)
    da, db = pull(mt.ones(2))
    numpy.testing.assert_allclose(da.numpy(), numpy.cos(a.numpy()) * b.numpy(), rtol=1e-6)
    numpy.testing.assert_allclose(db.numpy(), numpy.sin(a.numpy()), rtol=1e-6)
    y, change = mt.jvp(fn, (a, b), (mt.ones(2), mt.zeros(2)))
    numpy.testing.assert_allclose(change.numpy(), numpy.cos(a.numpy()) * b.numpy(), rtol=1e-6)
    value, slopes = mt.value_and_grad(lambda a, b: fn(a, b).sum(), argnums=(0, 1))(a, b)
    assert value.item() == pytest.approx(y.sum().item()) and len(slopes) == 2


def test_the_graph_of_a_loss_stays_usable_after_a_step():
    one, two = nn.Parameter([1.0]), nn.Parameter([2.0])
    loss = (one * two).sum()
    nn.SGD([one], 0.5).step(loss)
    assert one.item() == 0
    nn.SGD([two], 0.5).step(loss)          # by the value that `one` had
    assert two.item() == 1.5


def test_memory_is_flat_with_a_metric_that_nobody_reads():
    layer = nn.Linear(16, 16)
    optim, total = nn.SGD(layer.parameters(), 1e-3), mt.array(0.0)
    used = []
    for k in range(10_000):
        loss = (layer(mt.array(values(8, 16, seed=k % 5))) ** 2).mean()
        optim.step(loss)
        total += loss
        if k in (100, 9_999):
            gc.collect()
            used.append(mt.memory.summary()["used"])
    assert used[1] <= used[0] + 4096
    assert total.item() > 0


def test_a_loop_that_reads_nothing_is_cut_by_itself():
    x, flushes = mt.array([0.0]), mt._mintor.statistics()["flushes"]
    with mt.no_grad():
        for _ in range(10_000):
            x = x + 1
    assert mt._mintor.statistics()["flushes"] > flushes
    assert x.item() == 10_000


def test_a_gradient_is_never_parted_from_what_it_is_of():
    x = mt.array(1.0)
    for calls in (1021, 1022, 1023, 2044, 2045, 2046):      # the tape is cut at 1024 and 2048
        y = x * 1
        for _ in range(calls):
            y = y + 1.0
        assert mt.grad(y * 3, x).item() == 3


def test_a_long_chain_is_freed_without_recursion():
    x = mt.array([0.0])
    for _ in range(900):
        x = x + 1
    del x
    y = mt.array([0.0])
    for _ in range(100_000):
        y = (y + 1).detach()
    assert y.item() == 100_000


@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed):
    assert check(seed) is None


def test_why_a_step_was_not_replayed():
    step = lambda n, k: (mt.array(values(n)) * k + 0.125 - mt.arange(n)).prod().item()
    step(5, 2)
    step(6, 2)
    miss = mt.explain_miss()
    assert "call 1: multiply(f32[6], f32[])" in miss and "before, multiply(f32[5], f32[])" in miss
    assert __file__ in miss


def test_a_stream_of_misses_is_told_once():
    code = ("import warnings, mintor as mt\n"
            "warnings.simplefilter('always')\n"
            "with warnings.catch_warnings(record=True) as told:\n"
            "    for n in range(40):\n"
            "        x = mt.zeros(3)\n"
            "        for _ in range(n): x = x + 1\n"
            "        x.sum().item()\n"
            "print(len(told), told[0].message)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 nearly every step is compiled anew")


def test_training_gives_the_same_bits_with_any_number_of_threads():
    def losses(threads):
        mt.set_num_threads(threads)
        mt.manual_seed(3)

        class Wide(Module):
            def __init__(self):
                self.a, self.b = nn.Linear(40, 300), nn.Linear(300, 3)

            def execute(self, x):
                return self.b(mt.tanh(self.a(x)))
        model, found = Wide(), []
        optim = nn.SGD(model.parameters(), 0.05, momentum=0.9)
        for step in range(20):
            x = mt.array(values(64, 40, seed=step))
            loss = (model(x) ** 2).mean() + (mt.rand(64, 3) * model(x)).mean()
            optim.step(loss)
            found.append(loss.numpy().tobytes())
        return found
    try:
        first = losses(1)
        assert len(set(first)) == 20
        for threads in (1, 2, 3):
            assert losses(threads) == first
    finally:
        mt.set_num_threads(0)


def test_other_threads_go_on_and_take_turns():
    results, counted, stop = {}, [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    def work(seed):
        x = mt.array(values(300, 300, seed=seed))
        for _ in range(20):
            x = mt.tanh(x @ x)
            x.numpy()
        results[seed] = x.numpy()
    counter = threading.Thread(target=count)
    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in [counter, *workers]:
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    counter.join()
    assert counted[0] > 3
    for seed in range(3):
        x = mt.array(values(300, 300, seed=seed))
        for _ in range(20):
            x = mt.tanh(x @ x)
        assert x.numpy().tobytes() == results[seed].tobytes()


def test_batches_of_windows_compile_once():
    data, rng = mt.arange(50), numpy.random.default_rng(0)
    for step in range(30):
        places = rng.integers(0, 40, 4)
        got = mt.stack([data[i:i + 5] for i in places.tolist()]) * 2
        assert got.tolist() == (2 * (places[:, None] + numpy.arange(5))).tolist()
        if step == 8:
            before = mt.compile_stats()["compiled"]
    assert mt.compile_stats()["compiled"] == before
