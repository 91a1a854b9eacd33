# SPDX-License-Identifier: Apache-2.0
"""Training steps beside PyTorch: five models, the same initial weights, one batch, by turns.

    tests/perf/train.py [--models mlp,cnn,...] [--engines torch,torch.compile,jax]
                        [--python jax=PATH] [--threads 2] [--rounds 10] [--json FILE]

Takes nothing; prints milliseconds a step, minimum and median, the ratio of medians to the fastest
of the others (above 1: Mintor is faster), and how far the losses of the first four steps lie apart.
Each engine runs in a process of its own, by the interpreter that --python names for it (which has
it installed), and only one at a time. mlp 784-512-512-10, batch 64, SGD;
cnn, two convolutions of 1x28x28, batch 64, Adam; resnet18 for 3x32x32, batch 32, momentum;
transformer, two encoder layers of 256, 64 tokens, batch 16, AdamW; lstm, two layers of 256, 50
steps, batch 32, Adam.
"""
import argparse
import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

OPTIMIZERS = {"mlp": ("SGD", {"lr": 0.05}), "cnn": ("Adam", {"lr": 1e-3}),
              "resnet18": ("SGD", {"lr": 0.01, "momentum": 0.9}),
              "transformer": ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}),
              "lstm": ("Adam", {"lr": 1e-3})}
INPUTS = {"mlp": (64, 784), "cnn": (64, 1, 28, 28), "resnet18": (32, 3, 32, 32),
          "transformer": (16, 64, 256), "lstm": (32, 50, 64)}


def mlp(nn):
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
                         nn.Linear(512, 10))


def cnn(nn):
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Linear(64 * 49, 256), nn.ReLU(), nn.Linear(256, 10))


def resnet18(nn):
    class Block(nn.Module):
        def __init__(self, before, channels, stride):
            super().__init__()
            self.first = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(channels)
            self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(channels)
            self.beside = nn.Identity() if stride == 1 and before == channels else nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

        def forward(self, x):
            made = self.norm2(self.second(nn.functional.relu(self.norm1(self.first(x)))))
            return nn.functional.relu(made + self.beside(x))

    blocks, before = [], 64
    for channels, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(before, channels, stride), Block(channels, channels, 1)]
        before = channels
    return nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                         *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def transformer(nn):
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(*[nn.TransformerEncoderLayer(
                256, 4, 1024, dropout=0.0, batch_first=True) for _ in range(2)])
            self.head = nn.Linear(256, 10)

        def forward(self, x):
            return self.head(self.layers(x).mean(1))
    return Mean()


def lstm(nn):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.head = nn.LSTM(64, 256, 2, batch_first=True), nn.Linear(256, 1)

        def forward(self, x):
            return self.head(self.layers(x)[0][:, -1])
    return Last()


MODELS = {"mlp": mlp, "cnn": cnn, "resnet18": resnet18, "transformer": transformer, "lstm": lstm}


def batch_of(name):
    rng = np.random.RandomState(0)
    x = rng.randn(*INPUTS[name]).astype("float32")
    return x, rng.randn(len(x), 1).astype("float32") if name == "lstm" else \
        rng.randint(0, 10, len(x)).astype("int64")


def mintor_step(name, threads, weights):
    import mintor as mt
    from mintor import nn
    mt.set_num_threads(threads)
    net = MODELS[name](nn)
    net.load_state_dict({key: mt.array(value) for key, value in np.load(weights).items()})
    x, y = (mt.array(one) for one in batch_of(name))
    optimizer = getattr(mt.optim, OPTIMIZERS[name][0])(net.parameters(), **OPTIMIZERS[name][1])
    loss_of = nn.functional.mse_loss if name == "lstm" else nn.functional.cross_entropy

    def step():
        loss = loss_of(net(x), y)
        optimizer.step(loss)
        return loss
    return step


def torch_step(name, threads, weights, compiled):
    import torch
    torch.set_num_threads(threads)
    net = MODELS[name](torch.nn)
    net.load_state_dict({key: torch.from_numpy(value) for key, value in np.load(weights).items()})
    x, y = (torch.from_numpy(one) for one in batch_of(name))
    optimizer = getattr(torch.optim, OPTIMIZERS[name][0])(net.parameters(), **OPTIMIZERS[name][1])
    loss_of = torch.nn.functional.mse_loss if name == "lstm" else \
        torch.nn.functional.cross_entropy
    forward = torch.compile(lambda: loss_of(net(x), y)) if compiled else lambda: loss_of(net(x), y)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss
    return step


def jax_step(name, threads, weights):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])  # its pool is as large
    import train_jax
    x, y = batch_of(name)
    return train_jax.step_of(name, weights, x, y, *OPTIMIZERS[name])


STEPS = {"mintor": mintor_step, "jax": jax_step,
         "torch": functools.partial(torch_step, compiled=False),
         "torch.compile": functools.partial(torch_step, compiled=True)}


def worker(engine, name, threads, weights):
    """Answers each number of steps with the seconds that they took."""
    step = STEPS[engine](name, threads, weights)
    print(json.dumps([step().item() for _ in range(4)]), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            loss = step()
        loss.item()
        print(time.perf_counter() - begin, flush=True)


class Engine:
    def __init__(self, python, engine, name, threads, weights):
        self.process = subprocess.Popen(
            [python, __file__, "--worker", engine, name, str(threads), weights],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        self.losses, self.samples = json.loads(self.process.stdout.readline()), []
        self.steps = max(1, int(0.4 / self.ask(2)))

    def ask(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()) / steps

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measured(name, arguments, weights):
    pythons = dict(one.split("=", 1) for one in arguments.python)
    engines = {one: Engine(pythons.get(one, sys.executable), one, name, arguments.threads, weights)
               for one in ("mintor", *arguments.engines.split(","))}
    for _ in range(arguments.rounds):
        for engine in engines.values():
            engine.samples.append(1e3 * engine.ask(engine.steps))
    for engine in engines.values():
        engine.close()
    losses = engines["mintor"].losses
    apart = max(abs(a - b) / abs(b) for engine in engines.values()
                for a, b in zip(losses, engine.losses))
    times = {one: (min(engine.samples), statistics.median(engine.samples))
             for one, engine in engines.items()}
    ratio = min(median for one, (_, median) in times.items() if one != "mintor") / \
        times["mintor"][1]
    print(f"{name:12s}" + "".join(f"{one} {least:8.2f} / {median:8.2f}   "
                                  for one, (least, median) in times.items()) +
          f"ratio {ratio:5.2f}   losses {apart:.1e}", flush=True)
    return {"model": name, "threads": arguments.threads, "ms": times, "ratio": ratio,
            "losses_apart": apart}


def main():
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:4], int(sys.argv[4]), sys.argv[5])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engines", default="torch", help=", ".join(STEPS))
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    import torch
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models.split(","):
            torch.manual_seed(0)
            weights = os.path.join(folder, name + ".npz")
            np.savez(weights, **{key: value.numpy() for key, value in
                                 MODELS[name](torch.nn).state_dict().items()})
            rows.append(measured(name, arguments, weights))
    print(f"geometric mean {statistics.geometric_mean([row['ratio'] for row in rows]):.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
