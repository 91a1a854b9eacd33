# SPDX-License-Identifier: Apache-2.0
"""The first training step from the start of a process, with an empty cache and a warm one.

    tests/perf/first_step.py [--models mlp,cnn,...] [--rounds 3]

Takes nothing; prints for each model of train.py, with its own initial weights, the seconds from the
start of the process until the loss of the first step is read (Python, NumPy and `import mintor`
included) and the processor time of that process, of each the least of the rounds. Every start is a
process of its own; a warm cache is what the start before left, bytecode of Python included.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ("mlp", "cnn", "resnet18", "transformer", "lstm")


def worker(name):
    """One step; a line of JSON."""
    import train
    import mintor as mt
    from mintor import nn
    net = train.MODELS[name](nn)
    x, y = (mt.array(one) for one in train.batch_of(name))
    optimizer = getattr(mt.optim, train.OPTIMIZERS[name][0])(net.parameters(),
                                                             **train.OPTIMIZERS[name][1])
    loss_of = nn.functional.mse_loss if name == "lstm" else nn.functional.cross_entropy
    loss = loss_of(net(x), y)
    optimizer.step(loss)
    loss.item()
    mt.sync()
    use = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"wall": time.time() - float(os.environ["MINTOR_PERF_STARTED"]),
                      "processor": use.ru_utime + use.ru_stime,
                      "compiled": mt.compile_stats()["compiled"]}))


def start(name, cache):
    environment = {**os.environ, "MINTOR_CACHE_DIR": cache,
                   "MINTOR_PERF_STARTED": repr(time.time())}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, str(HERE / "first_step.py"), "--worker", name],
                          env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'seconds':12s} {'empty, wall':>12s} {'processor':>10s} {'warm, wall':>12s}"
          f" {'processor':>10s}")
    for name in arguments.models.split(","):
        found = {"empty": [], "warm": []}
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                for cache in found:
                    found[cache].append(start(name, os.path.join(folder, "cache")))
        print(f"{name:12s}" + "".join(
            f" {min(one['wall'] for one in some):12.3f}"
            f" {min(one['processor'] for one in some):10.3f}"
            for some in found.values()), flush=True)


if __name__ == "__main__":
    main()
