# SPDX-License-Identifier: Apache-2.0
"""mt.export: modules and their training as packages, against the same steps in Python, bit for bit.

Takes small modules and optimizers; each package is built by the system's compiler. Keeps true:
exporting changes neither module nor optimizer nor the stream of random numbers.
"""
import shutil
import subprocess

import numpy
import pytest

import mintor as mt
from mintor import nn

F = nn.functional
RNG = numpy.random.default_rng(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(6, 20), nn.BatchNorm1d(20)
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(20, 3)

    def forward(self, x):
        return self.last(self.drop(F.relu(self.norm(self.first(x)))))


def batches(count, rows=8):
    rng = numpy.random.default_rng(1)
    return [(rng.standard_normal((rows, 6), "float32"), rng.integers(0, 3, rows))
            for _ in range(count)]


def trained_in_python(model, optimizer, data, rates):
    losses = []
    for (x, y), lr in zip(data, rates):
        optimizer.param_groups[0]["lr"] = lr
        loss = F.cross_entropy(model(mt.array(x)), mt.array(y))
        optimizer.step(loss)
        losses.append(loss.item())
    return losses


def states_equal(package, model):
    state = model.state_dict()
    trained = [name for name in package.states if name in state]
    assert len(trained) > 2
    for name in trained:
        numpy.testing.assert_array_equal(package.parameter(name), state[name].numpy(), err_msg=name)


OPTIMIZERS = {
    "sgd": lambda p: mt.optim.SGD(p, 0.1),
    "momentum": lambda p: mt.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: mt.optim.Adam(p, 0.01, amsgrad=True),
    "adamw": lambda p: mt.optim.AdamW(p, 0.01),
    "nadam": lambda p: mt.optim.NAdam(p, 0.01),
    "radam": lambda p: mt.optim.RAdam(p, 0.01),
    "adamax": lambda p: mt.optim.Adamax(p, 0.01),
    "rmsprop": lambda p: mt.optim.RMSprop(p, 0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: mt.optim.Adagrad(p, 0.01, lr_decay=0.1),
    "adadelta": lambda p: mt.optim.Adadelta(p, 0.5),
    "lion": lambda p: mt.optim.Lion(p, 1e-3),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_steps_have_the_bits_of_python(kind, tmp_path):
    mt.manual_seed(3)
    model = Net()
    optimizer = OPTIMIZERS[kind](model.parameters())
    data = batches(8)
    rates = [optimizer.lr * 0.9 ** n for n in range(len(data))]
    before = {name: one.numpy() for name, one in model.state_dict().items()}
    mt.export(model, data[0][0], tmp_path / "net", train=True, loss=F.cross_entropy,
              targets=data[0][1], optimizer=optimizer, target="v3")
    for name, one in model.state_dict().items():
        numpy.testing.assert_array_equal(before[name], one.numpy())
    assert not optimizer.state_dict()["state"] and model.training

    package = mt.load(tmp_path / "net", threads=2)
    losses = [package.run({"x": x, "target": y, "lr": numpy.array(lr)}, entry="train_step")["loss"]
              for (x, y), lr in zip(data, rates)]
    assert [float(loss) for loss in losses] == trained_in_python(model, optimizer, data, rates)
    states_equal(package, model)
    model.eval()
    numpy.testing.assert_array_equal(package(data[0][0]), model(mt.array(data[0][0])).numpy())


def test_gradients_are_added_up_over_micro_batches(tmp_path):
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    model[0].unused = nn.Parameter(mt.ones(4))      # what the loss does not reach does not decay
    optimizer = mt.optim.AdamW(model.parameters(), 0.1, weight_decay=0.5)
    data = batches(4, 5)
    mt.export(model, data[0][0], tmp_path / "net", train=True, loss=F.cross_entropy,
              targets=data[0][1], optimizer=optimizer, target="v3")
    package = mt.load(tmp_path / "net", threads=1)
    names = [name for name, _, _ in package.entries["grads"][0]]
    for n, (x, y) in enumerate(data):
        loss = F.cross_entropy(model(mt.array(x)), mt.array(y))
        optimizer.backward(loss)
        made = package.run(dict(zip(names, (x, y))), entry="grads")
        assert float(made["loss"]) == loss.item()
        if n % 2:
            weight = dict(model.named_parameters())["0.weight"]
            numpy.testing.assert_array_equal(package.parameter("grad.0.weight"),
                                             weight.grad.numpy())
            optimizer.step()
            package.run({"lr": numpy.array(0.1)}, entry="apply")
            assert not package.parameter("grad.0.weight").any()
    states_equal(package, model)
    assert "0.unused" not in package.states
    package.reset()
    package.run(dict(zip(names, data[0])), entry="grads")


def a_run(threads):
    """Losses of a few steps of a model that is worth threads; model and generator start anew."""
    mt.set_num_threads(threads)
    mt.manual_seed(5)
    model = nn.Sequential(nn.Linear(96, 300), nn.LayerNorm(300), nn.GELU(), nn.Dropout(0.1),
                          nn.Linear(300, 10))
    optimizer = mt.optim.AdamW(model.parameters(), 0.01)
    rng = numpy.random.default_rng(2)
    x, y = rng.standard_normal((130, 96), "float32"), rng.integers(0, 10, 130)
    losses = []
    state = mt.random.default_generator.get_state()
    start = {name: one.numpy() for name, one in model.state_dict().items()}
    for _ in range(5):
        loss = F.cross_entropy(model(mt.array(x)), mt.array(y))
        optimizer.step(loss)
        losses.append(loss.item())
    mt.random.default_generator.set_state(state)
    model.load_state_dict(start)
    return losses, (model, x, y, mt.optim.AdamW(model.parameters(), 0.01))


def test_bits_are_those_of_any_compiler_and_number_of_threads(tmp_path):
    try:
        runs = [a_run(threads) for threads in (1, 2, 3)]
    finally:
        mt.set_num_threads(0)
    losses, (model, x, y, optimizer) = runs[0]
    assert losses == runs[1][0] == runs[2][0]
    mt.export(model, x, tmp_path / "net", train=True, loss=F.cross_entropy, targets=y,
              optimizer=optimizer)
    for compiler in ("gcc", "clang-19"):
        if shutil.which(compiler) is None:
            continue
        folder = tmp_path / compiler / "net"
        shutil.copytree(tmp_path / "net", folder)
        subprocess.run(["make", "-s", "-j2", "-C", folder, f"CC={compiler}",
                        f"CXX={compiler.replace('gcc', 'g++').replace('clang', 'clang++')}",
                        "build/libnet.so"], check=True)
        for threads in (1, 3):
            package = mt.load(folder, threads=threads)
            given = {"x": x, "target": y, "lr": numpy.array(0.01)}
            assert [float(package.run(given, entry="train_step")["loss"])
                    for _ in range(5)] == losses


class Reaches(nn.Module):
    """Its first parameter is nothing that the loss depends on."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(mt.ones(4))
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.last(F.relu(self.first(x)))


def test_steps_are_counted_by_those_that_take_them(tmp_path):
    model, data = Reaches(), batches(5)
    optimizer = mt.optim.Adam(model.parameters(), 0.01, weight_decay=0.1)
    mt.export(model, data[0][0], tmp_path / "net", train=True, loss=F.cross_entropy,
              targets=data[0][1], optimizer=optimizer, target="v3")
    package = mt.load(tmp_path / "net", threads=1)
    losses = [float(package.run({"x": x, "target": y, "lr": numpy.array(0.01)},
                                entry="train_step")["loss"]) for x, y in data]
    assert losses == trained_in_python(model, optimizer, data, [0.01] * len(data))
    assert package.parameter("optimizer.step") == len(data)
    states_equal(package, model)


class Stream(nn.Module):
    """A step of a recurrent layer, which keeps what it carries."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(6, 10)
        self.register_buffer("h", mt.zeros(1, 10))
        self.register_buffer("c", mt.zeros(1, 10))

    def forward(self, x):
        self.h, self.c = self.cell(x, (self.h, self.c))
        return self.h


def test_a_stream_goes_on_from_run_to_run_until_it_is_reset(tmp_path):
    mt.manual_seed(5)
    model = Stream()
    chunks = RNG.standard_normal((5, 1, 6), "float32")
    mt.export(model, chunks[0], tmp_path / "stream", target="v3")
    assert not model.h.numpy().any()
    package, expected = mt.load(tmp_path / "stream"), [model(x).numpy() for x in chunks]
    assert package.states == ["h", "c"]
    for _ in range(2):
        for x, wanted in zip(chunks, expected):
            numpy.testing.assert_array_equal(package(x), wanted)
        numpy.testing.assert_array_equal(package.parameter("c"), model.c.numpy())
        package.reset()


class Words(nn.Module):
    """Sizes of two inputs, and a reshape by their product."""

    def __init__(self):
        super().__init__()
        self.table, self.mix = nn.Embedding(11, 8), nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.1, batch_first=True)
        self.last = nn.Linear(8, 3)

    def forward(self, words):
        rows, length = words.shape
        x = self.mix(self.table(words)).reshape(rows * length, 8)
        return self.last(x).reshape(rows, length, 3).mean(1)


def test_sizes_that_are_declared(tmp_path):
    mt.manual_seed(7)
    model = Words()
    optimizer = mt.optim.Adam(model.parameters(), 0.01)
    rng = numpy.random.default_rng(3)
    data = [(rng.integers(0, 11, size), rng.integers(0, 3, size[0]))
            for size in ((4, 6), (3, 9), (4, 6), (1, 2), (7, 5))]
    mt.export(model, data[0][0], tmp_path / "net", train=True, loss=F.cross_entropy,
              targets=data[0][1], optimizer=optimizer, target="v3",
              shapes={"words": ["batch", "1..40"], "target": ["batch"]})
    package = mt.load(tmp_path / "net", threads=2)
    assert package.entries["grads"][0] == [("words", "i64", ["batch", "words_1"]),
                                           ("target", "i64", ["batch"])]
    losses = [float(package.run({"words": x, "target": y, "lr": numpy.array(0.01)},
                                entry="train_step")["loss"]) for x, y in data]
    assert losses == trained_in_python(model, optimizer, data, [0.01] * len(data))
    states_equal(package, model)
    model.eval()
    numpy.testing.assert_array_equal(package(data[1][0]), model(mt.array(data[1][0])).numpy())
    with pytest.raises(mt.CompileError, match="words_1"):
        package(numpy.zeros((2, 41), "int64"))


def test_errors_of_sizes(tmp_path):
    x = numpy.ones((4, 6), "float32")

    def refused(function, match, shape=("batch", 6), error=mt.CompileError):
        class Does(nn.Module):
            def forward(self, x):
                return function(x)
        with pytest.raises(error, match=match):
            mt.export(Does(), x, tmp_path / "net", shapes={"x": shape})

    refused(lambda x: x if x.shape[0] < 10 else x * 2, "depends on sizes")
    refused(lambda x: x.reshape((x.shape[0] // 2) * 6, 2), "batch = 11.*66 elements")
    refused(lambda x: x + mt.ones((x.shape[0] ** 3, 1)).sum(), "needs the number 64")
    refused(lambda x: x + mt.array(numpy.arange(float(x.shape[0]))[:, None], "float32"),
            "differs between sizes")
    refused(lambda x: x, "1 sizes for 'x'", ("batch",), ValueError)
    refused(lambda x: x, "5 where the example has 6", ("batch", 5), ValueError)
    refused(lambda x: x, "'n' is 4 and 6", ("n", "n"), ValueError)


def test_errors_say_what_to_do(tmp_path):
    class Reads(nn.Module):
        def forward(self, x):
            return x * float(x.sum())

    x = numpy.ones((2, 3), "float32")
    with pytest.raises(mt.CompileError, match="export: its function"):
        mt.export(Reads(), x, tmp_path / "reads")
    model = nn.Linear(3, 2)
    with pytest.raises(TypeError, match="needs loss, targets and optimizer"):
        mt.export(model, x, tmp_path / "no", train=True)
    other = mt.optim.SGD(nn.Linear(3, 2).parameters(), 0.1)
    with pytest.raises(ValueError, match="not the module's"):
        mt.export(model, x, tmp_path / "no", train=True, loss=F.mse_loss, targets=x[:, :2],
                  optimizer=other)


def test_errors_of_steps(tmp_path):
    model, x = nn.Linear(3, 2), numpy.ones((2, 3), "float32")
    step = (lambda x: model(x).mean(), x, mt.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(TypeError, match="steps is instead of train=True"):
        mt.export(model, x, tmp_path / "no", train=True, steps={"step": step})
    other = mt.optim.SGD(nn.Linear(3, 2).parameters(), 0.1)
    with pytest.raises(ValueError, match="not the module's"):
        mt.export(model, x, tmp_path / "no", steps={"step": (*step[:2], other)})
