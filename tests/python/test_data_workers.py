# SPDX-License-Identifier: Apache-2.0
"""DataLoader with workers: processes and threads, and everything that goes wrong with them.

Takes datasets that fail, die, hang and wait; fails where a batch is another one than without
workers, where something hangs, where a worker stays, or where an error does not say what happened.
"""
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import multiprocessing
import numpy as np
import pytest

import mintor as mt
from mintor.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

KINDS = ["fork", "thread"]
ALL_KINDS = ["fork", "spawn", "forkserver", "thread"]


class Numbers(Dataset):
    """0..count-1; `what` happens at `at`."""

    def __init__(self, count, at=-1, what=None, size=1):
        self.count, self.at, self.what, self.size = count, at, what, size

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        if place == self.at:
            self.what()
        return np.full(self.size, place)


class Stream(IterableDataset):
    """0..count-1, shared out among the workers."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        info = get_worker_info()
        start, step = (info.id, info.num_workers) if info else (0, 1)
        return iter(range(start, self.count, step))


class Uneven(IterableDataset):
    """Worker i gives i * 3 numbers, the first worker slowly."""

    def __iter__(self):
        info = get_worker_info()
        for place in range(info.id * 3):
            time.sleep(0.01 * (2 - info.id))
            yield info.id * 100 + place


class Seeds(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, place):
        import random
        return np.array([np.random.randint(1 << 30), random.getrandbits(30),
                         mt.rand(1).numpy()[0] * (1 << 30), get_worker_info().seed % (1 << 30)])


def fail():
    raise KeyError("no such\nsample")


def strange():
    class Strange(Exception):
        def __init__(self, one, two):
            super().__init__(one, two)
    raise Strange(1, 2)


def leave():
    sys.exit(3)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def end():
    os._exit(7)


def wait():
    time.sleep(60)


def stop():
    raise StopIteration


def flat(loader):
    return [x for batch in loader for x in batch.ravel().tolist()]


@pytest.fixture(autouse=True)
def nothing_stays():
    """Each test ends in 30 seconds, without workers that it started."""
    def alarm(*_):
        raise TimeoutError("hangs")
    before = signal.signal(signal.SIGALRM, alarm)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    gc.collect()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_same_batches(kind):
    x, y = np.arange(46.0).reshape(23, 2).astype("float32"), np.arange(23)
    data = TensorDataset(x, y)
    for options in ({"batch_size": 4}, {"batch_size": 4, "drop_last": True},
                    {"batch_size": None}, {"batch_size": 5, "shuffle": True}):
        def batches(options=options, **more):
            mt.manual_seed(1)
            found = [[part.tolist() for part in batch]
                     for batch in DataLoader(data, **options, **more)]
            return found, mt.rand(1).tolist()
        assert batches() == batches(num_workers=3, multiprocessing_context=kind)
        if kind in ("spawn", "forkserver"):
            break


@pytest.mark.parametrize("kind", KINDS)
def test_iterable_datasets(kind):
    options = {"num_workers": 3, "multiprocessing_context": kind, "batch_size": 2}
    assert sorted(flat(DataLoader(Stream(11), **options))) == list(range(11))
    orders = {tuple(flat(DataLoader(Uneven(), **options))) for _ in range(3)}
    assert len(orders) == 1 and sorted(orders.pop()) == [100, 101, 102, *range(200, 206)]
    assert flat(DataLoader(Stream(0), **options)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_stay(kind):
    pids = []
    loader = DataLoader(Numbers(10), 3, num_workers=2, persistent_workers=True,
                        multiprocessing_context=kind)
    for _ in range(3):
        assert flat(loader) == list(range(10))
        pids.append({child.pid for child in multiprocessing.active_children()})
    assert pids[0] == pids[1] == pids[2] and len(pids[0]) == (2 if kind == "fork" else 0)
    for batch in loader:        # left, and begun again
        break
    assert flat(loader) == list(range(10))
    del loader, batch


def test_batches_of_an_epoch_that_was_left_are_not_kept():
    class Batch:
        alive = weakref.WeakSet()

        def __init__(self, samples):
            self.samples = samples
            self.alive.add(self)

    loader = DataLoader(Numbers(10), 1, num_workers=2, persistent_workers=True, collate_fn=Batch,
                        multiprocessing_context="thread")
    next(iter(loader))
    for batch in loader:
        pass
    del batch
    gc.collect()
    assert len(Batch.alive) == 0


def test_seeds_of_workers():
    def drawn(seed):
        mt.manual_seed(seed)
        loader = DataLoader(Seeds(), 1, num_workers=2, persistent_workers=True)
        return [[batch.tolist() for batch in loader] for _ in range(2)]

    first = drawn(3)
    assert first == drawn(3) != drawn(4)
    for column in range(3):     # no two samples of workers and epochs have the same numbers
        assert len({batch[0][column] for epoch in first for batch in epoch}) == 16
    assert len({batch[0][3] for epoch in first for batch in epoch}) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_worker_init_fn(kind):
    seen = []

    def init(number):
        seen.append((number, get_worker_info().id, get_worker_info().num_workers))
        os.environ["WORKER"] = str(number)

    loader = DataLoader(Numbers(4), num_workers=2, worker_init_fn=init,
                        multiprocessing_context=kind, collate_fn=lambda x: list(seen))
    found = [item for batch in loader for item in batch]
    assert set(found) == {(0, 0, 2), (1, 1, 2)} and get_worker_info() is None


def broken_init(number):
    raise ValueError(f"worker {number} does not like it")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what, error, texts", [
    (fail, KeyError, ["KeyError in worker 0 of the DataLoader:\nTraceback", "in fail\n",
                      "KeyError: 'no such\\nsample'"]),
    (strange, RuntimeError, ["Strange in worker 0", "in strange"]),
    (stop, RuntimeError, ["the dataset raised StopIteration"]),
    (leave, RuntimeError, ["SystemExit in worker 0", "in leave"])])
def test_errors_of_workers(kind, what, error, texts):
    loader = DataLoader(Numbers(12, at=5, what=what), 2, num_workers=2,
                        multiprocessing_context=kind)
    batches = iter(loader)
    good = [next(batches).tolist() for _ in range(2)]
    with pytest.raises(error) as caught:
        next(batches)
    for text in texts:
        assert text in str(caught.value)
    assert good == [[[0], [1]], [[2], [3]]]
    assert flat(batches) == list(range(6, 12))          # the loop may go on


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_init_and_collate(kind):
    options = {"num_workers": 2, "multiprocessing_context": kind}
    with pytest.raises(ValueError, match="worker 0 does not like it"):
        flat(DataLoader(Numbers(4), worker_init_fn=broken_init, **options))
    with pytest.raises(ValueError, match=r"in worker 0 .*\n(.*\n)*.*cannot be stacked"):
        flat(DataLoader([np.zeros(1), np.zeros(2)], 2, **options))


def test_what_cannot_be_pickled():
    with pytest.raises(RuntimeError, match="in worker 0 of the DataLoader:\n(.*\n)*.*pickle"):
        next(iter(DataLoader(Numbers(4), num_workers=1, collate_fn=lambda x: lambda: 0)))
    with pytest.raises((AttributeError, Exception), match="pickle|local object"):
        next(iter(DataLoader(Numbers(4), num_workers=2, collate_fn=lambda x: x,
                             multiprocessing_context="spawn")))


@pytest.mark.parametrize("what, text", [(die, "was ended by SIGKILL"),
                                        (end, "ended with the exit code 7")])
@pytest.mark.parametrize("stays", [True, False])
def test_workers_that_die(what, text, stays):
    loader = DataLoader(Numbers(12, at=5, what=what), 2, num_workers=2, persistent_workers=stays)
    with pytest.raises(RuntimeError, match=r"worker 0 of the DataLoader \(process \d+\) " + text):
        flat(loader)
    del loader


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_timeout(kind):
    begin = time.monotonic()
    loader = DataLoader(Numbers(4, at=1, what=wait), num_workers=2, timeout=0.5,
                        multiprocessing_context=kind)
    with pytest.raises(RuntimeError, match="waited longer than 0.5 seconds for a worker"):
        flat(loader)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_stay_are_started_anew_after_a_timeout(kind):
    data = Numbers(4, at=1, what=wait)
    loader = DataLoader(data, num_workers=2, timeout=0.5, multiprocessing_context=kind,
                        persistent_workers=True)
    with pytest.raises(RuntimeError, match="waited longer"):
        flat(loader)
    data.at = -1
    assert flat(loader) == [0, 1, 2, 3]


@pytest.mark.alone
@pytest.mark.parametrize("kind", KINDS)
def test_leaving_in_the_middle(kind):
    """With batches that fill the pipe, and with one that takes a minute."""
    begin = time.monotonic()
    for data in (Numbers(100, size=200_000), Numbers(100, at=3, what=wait)):
        for batch in DataLoader(data, num_workers=2, multiprocessing_context=kind):
            break
    with pytest.raises(ZeroDivisionError):
        for batch in DataLoader(Numbers(100), num_workers=2, multiprocessing_context=kind):
            batch / 0 if isinstance(batch, int) else 1 // 0
    assert time.monotonic() - begin < 8


def test_large_batches_and_long_tasks_do_not_block_each_other():
    """Both directions of a pipe hold less than these."""
    data = Numbers(200_000, size=40)
    loader = DataLoader(data, 50_000, num_workers=1, prefetch_factor=3)
    assert [batch.shape for batch in loader] == [(50_000, 40)] * 4


def test_at_most_so_many_are_under_way():
    started = []

    class Counts(Numbers):
        def __getitem__(self, place):
            started.append(place)
            return place

    loader = iter(DataLoader(Counts(100), num_workers=2, prefetch_factor=3,
                             multiprocessing_context="thread"))
    next(loader)
    time.sleep(0.3)
    assert len(started) == 7


def test_several_at_once_and_nested():
    loaders = [iter(DataLoader(Numbers(20), 2, num_workers=2)) for _ in range(3)]
    for batches in zip(*loaders):
        assert len({str(batch.tolist()) for batch in batches}) == 1
    assert sum(1 for _ in DataLoader(Numbers(3), num_workers=1)
               for _ in DataLoader(Numbers(3), num_workers=1)) == 9


def test_arrays_in_workers():
    """A dataset that computes with arrays in a process that was forked."""
    class Computes(Numbers):
        def __getitem__(self, place):
            return (mt.array(self.weight) * place).sum()

    warm = (mt.ones(300, 300) @ mt.ones(300, 300)).sum().item()
    data = Computes(6)
    data.weight = np.ones(4, "float32")
    assert flat(DataLoader(data, 2, num_workers=2)) == [0, 4, 8, 12, 16, 20] and warm > 0
    found = [batch for batch in DataLoader(data, 2, num_workers=2, collate_fn=tuple)]
    assert [one.item() for batch in found for one in batch] == [0, 4, 8, 12, 16, 20]


def test_training_while_workers_read():
    data = TensorDataset(np.random.default_rng(0).random((60, 4)).astype("float32"),
                         np.arange(60) % 3)

    def train(**options):
        mt.manual_seed(0)
        model = mt.nn.Linear(4, 3)
        optimizer = mt.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            for x, y in DataLoader(data, 8, shuffle=True, **options):
                optimizer.step(mt.nn.functional.cross_entropy(model(x), y))
        return model.weight.tolist()

    assert train() == train(num_workers=2) == train(num_workers=2, multiprocessing_context="thread")


def run(text, *, after=0.0, send=None):
    """Output of a program, which is sent a signal after its first line."""
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             start_new_session=True)
    line = child.stdout.readline()
    time.sleep(after)
    if send:
        (os.killpg if send == signal.SIGINT else os.kill)(child.pid, send)
    out, err = child.communicate(timeout=20)
    return line + out, err, child.returncode


PROGRAM = """
    import os, signal, time, multiprocessing
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell's job may ignore it
    import numpy as np
    import mintor as mt
    class Data(mt.data.Dataset):
        def __len__(self):
            return 1000
        def __getitem__(self, place):
            time.sleep(0.05)
            return place
    loader = mt.data.DataLoader(Data(), 2, num_workers=2)
    batches = iter(loader)
    next(batches)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    """


def gone(line, seconds=10):
    """Whether all processes of a line of numbers end soon."""
    limit = time.monotonic() + seconds
    left = [int(pid) for pid in line.split()]
    while left and time.monotonic() < limit:
        left = [pid for pid in left if os.path.exists(f"/proc/{pid}")
                and open(f"/proc/{pid}/stat", encoding="ascii").read().split(") ")[1][0] != "Z"]
        time.sleep(0.05)
    return not left


def test_the_end_of_the_program():
    out, err, code = run(PROGRAM)
    assert code == 0 and err == "" and gone(out)


@pytest.mark.parametrize("rest", ["for batch in batches: pass", "time.sleep(60)"])
def test_keyboard_interrupt(rest):
    out, err, code = run(PROGRAM + rest, after=0.5, send=signal.SIGINT)
    assert code != 0 and err.rstrip().endswith("KeyboardInterrupt") and gone(out)
    assert err.count("Traceback") == 1          # workers say nothing


@pytest.mark.parametrize("rest", ["time.sleep(60)", """
    if os.fork() == 0:          # another process that has the pipes
        os.close(1)
        os.close(2)
    time.sleep(25)
    """])
def test_a_parent_that_is_killed(rest):
    out, _, _ = run(PROGRAM + rest, after=0.2, send=signal.SIGKILL)
    assert gone(out, seconds=8)


def test_an_exception_outside_of_the_loop():
    out, err, code = run(PROGRAM + "raise SystemExit(5)")
    assert code == 5 and err == "" and gone(out)


def test_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(
        flat(DataLoader(Numbers(10), 3, num_workers=2))))
    thread.start()
    thread.join(20)
    assert found == [list(range(10))]
