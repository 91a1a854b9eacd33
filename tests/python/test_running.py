# SPDX-License-Identifier: Apache-2.0
"""Programs that run while Python goes on: values, order, errors, forks, the end.

Takes programs large enough for the thread; compares with NumPy, and with programs that run at once.
"""
import gc
import os
import subprocess
import sys
import threading
import time

import numpy
import pytest

import mintor as mt
from mintor import nn
from random_programs import check

SIZE = 600


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


def slow(x, times=4):
    """Enough work that it is not done at once."""
    for _ in range(times):
        x = mt.tanh(x @ x)
    return x


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                          check=True, **options)


@pytest.mark.alone
def test_python_goes_on_while_a_program_runs():
    x = mt.array(values(SIZE, SIZE))
    slow(x, 20).numpy()

    def goes_on():
        y = slow(x, 20)
        begin = time.perf_counter()
        mt._mintor.flush()
        given = time.perf_counter() - begin
        y.numpy()
        return given < 0.5 * (time.perf_counter() - begin)
    assert any(goes_on() for _ in range(20))  # where others want the cores, not each time


def test_values_are_those_of_programs_that_run_at_once():
    def train():
        mt.manual_seed(1)
        model = [nn.Linear(64, 300), nn.Linear(300, 8)]
        optim = nn.SGD([one for layer in model for one in layer.parameters()], 0.05, momentum=0.9)
        losses = []
        for step in range(12):
            loss = (model[1](mt.tanh(model[0](mt.array(values(200, 64, seed=step))))) ** 2).mean()
            optim.step(loss)
            losses.append(loss)
        return [loss.item() for loss in losses]
    before = mt.set_asynchronous(False)
    expected = train()
    mt.set_asynchronous(True)
    try:
        assert train() == expected and len(set(expected)) == 12
    finally:
        mt.set_asynchronous(before)


def test_what_is_in_flight_stays_alive():
    x = mt.array(values(SIZE, SIZE))
    expected = slow(x).numpy()
    for _ in range(5):
        source = mt.array(x.numpy())
        y = slow(source)
        mt._mintor.flush()
        del source
        gc.collect()
        clobber = [mt.array(values(SIZE, SIZE, seed=k)) for k in range(3)]
        assert y.numpy().tobytes() == expected.tobytes()
        del clobber


def test_fetch_calls_back_in_order_without_stopping_the_loop():
    found, threads = [], set()
    x = mt.array(values(SIZE, SIZE))

    def callback(value):
        threads.add(threading.current_thread())
        found.append(value)
    flushes = mt.compile_stats()["flushes"]
    sums = []
    for step in range(6):
        y = slow(x + step, 2).sum()
        mt.fetch(y, callback)
        sums.append(y)
        assert mt.compile_stats()["flushes"] == flushes + step
        mt._mintor.flush()
    del y
    mt.sync()
    assert [float(one) for one in found] == [one.item() for one in sums] and len(set(sums)) == 6
    assert threads and threading.current_thread() not in threads
    mt.fetch(x, callback)                           # known already
    mt.sync()
    assert found[-1].tobytes() == x.numpy().tobytes()


def test_what_a_callback_raises_comes_at_the_next_sync():
    def fails(value):
        raise KeyError(float(value))
    mt.fetch(mt.array(3.0) + 1, fails)
    with pytest.raises(KeyError, match="4"):
        mt.sync()
    mt.sync()
    with pytest.raises(TypeError, match="takes an array"):
        mt.fetch(3, print)


def test_a_callback_may_compute():
    found = []
    mt.fetch(mt.array([1.0]) + 1, lambda value: found.append((mt.array(value) * 3).item()))
    mt.sync()
    assert found == [6]


FAILS = """
import resource, sys, numpy, mintor as mt
mt.set_num_threads(1)
def f(n):
    y = mt.cumsum(mt.ones(n), 0)
    z = mt.cumsum(y * y, 0) + mt.cumsum(mt.sin(y), 0)
    return (mt.cumsum(z, 0) * y).sum() + z.mean()
for n in (400_000, 500_000):
    f(n).item()
n = 60_000_000
held = [line for line in open("/proc/self/status") if "VmSize" in line][0].split()
limit = int(held[1]) * 1024 + (150 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
y = f(n)
mt._mintor.flush()
z = y + 1
print("goes on")
try:
    z.item()                 # line of the read
except Exception as error:
    print(type(error).__name__, error)
print(mt.array([1.0]).sum().item())
"""


def test_an_error_comes_where_the_value_is_read():
    done = run(FAILS)
    lines = done.stdout.splitlines()
    assert lines[0] == "goes on" and lines[1].startswith("CompileError") and lines[-1] == "1.0"
    assert "memory" in lines[1] and "<string>:7" in done.stdout


def test_a_forked_child_starts_its_own():
    x = mt.array(values(SIZE, SIZE))
    expected = slow(x).numpy().tobytes()
    y = slow(x)
    mt._mintor.flush()
    child = os.fork()
    if child == 0:
        found = []
        mt.fetch(slow(x), found.append)
        mt.sync()
        fine = found[0].tobytes() == expected and y.numpy().tobytes() == expected
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert slow(x).numpy().tobytes() == expected


def test_a_fork_while_another_thread_computes():
    before, stop = mt.set_asynchronous(False), threading.Event()

    def work():
        x = mt.array(values(SIZE, SIZE))
        while not stop.is_set():
            mt.tanh(x @ x).numpy()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            time.sleep(0.003)
            child = os.fork()
            if child == 0:
                os._exit(0 if mt.tanh(mt.ones(3) * 2).sum().item() > 2 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
        mt.set_asynchronous(before)


@pytest.mark.parametrize("end", ["", "import os, signal; sys.exit(0)", "raise KeyError"])
def test_the_interpreter_ends_with_programs_in_flight(end):
    code = ("import sys, numpy, mintor as mt\n"
            "x = mt.array(numpy.ones((500, 500), 'float32'))\n"
            "for _ in range(4):\n"
            "    x = mt.tanh(x @ x)\n"
            "    mt.fetch(x.sum(), lambda value: print('fetched'))\n"
            "    mt._mintor.flush()\n" + end)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.stdout.count("fetched") == 4
    assert done.returncode == (1 if "KeyError" in end else 0)


def test_threads_share_the_worker():
    results = {}

    def work(seed):
        x = mt.array(values(SIZE, SIZE, seed=seed))
        for _ in range(5):
            x = slow(x, 1)
            mt._mintor.flush()
        results[seed] = x.numpy()
    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    for seed in range(4):
        x = slow(mt.array(values(SIZE, SIZE, seed=seed)), 5)
        numpy.testing.assert_array_equal(x.numpy(), results[seed])


@pytest.fixture(name="all_apart")
def _all_apart():
    before = mt.set_asynchronous(True), mt._mintor.set_also_small(True)
    yield
    mt._mintor.set_also_small(before[1])
    mt.set_asynchronous(before[0])


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_with_every_segment_on_the_thread(all_apart, seed):
    assert check(seed) is None


def test_training_with_every_segment_on_the_thread(all_apart):
    def train():
        mt.manual_seed(4)
        layer, found = nn.Linear(5, 3), []
        optim = nn.SGD(layer.parameters(), 0.1, momentum=0.9)
        for step in range(200):
            loss = (mt.tanh(layer(mt.array(values(4, 5, seed=step)))) * mt.rand(4, 3)).mean()
            optim.step(loss)
            found.append(loss if step % 3 else loss.item())
        return [float(one) for one in found]
    apart = train()
    mt._mintor.set_also_small(False)
    assert train() == apart


def test_a_loop_that_reads_nothing_keeps_bounded_memory():
    x, used = mt.array(values(SIZE, SIZE)), []
    for step in range(60):
        x = slow(x, 1)
        mt._mintor.flush()
        if step in (10, 59):
            used.append(mt.memory.summary()["used"])
    assert used[1] <= used[0] + 3 * x.nbytes
