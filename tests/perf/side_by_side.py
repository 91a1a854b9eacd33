#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time Mintor beside ONNX Runtime on the same models, in one run, turn by turn.

  side_by_side.py [--models resnet18,minilm] [--zoo DIR] [--threads 1,2] [--rounds 15]
                  [--json FILE] [--markdown FILE]

Takes: names of models/zoo (exported to DIR, or to a scratch folder). Gives: a markdown table of
minimum and median milliseconds of both, their ratio, our GFLOP/s and the largest difference of
outputs; the same as JSON.
Keeps true: each engine has a process of its own, stopped while the other runs, and the engines
take turns round by round, so that a slow minute of the machine meets both; outputs are compared.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import pathlib
import platform
import signal
import statistics
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "models" / "zoo"))
DEFAULT = "resnet18,mobilenet_v2,minilm,bert_base,resnet50,mlp"
SECONDS_PER_ROUND = 0.3
TOLERANCE = 1e-4  # of the largest output: a check against nonsense, accuracy.py has the real one


# ---------------------------------------------------------------- engines, each in its process
def load_mintor(path, threads):
    import mintor

    model = mintor.compile(str(path), threads=threads)
    return lambda inputs: list(model.run(inputs).values())


def load_ort(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Its idle threads spin, as they do by default and to its advantage; between its turns the whole
    # process is stopped.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)


LOADERS = {"mintor": load_mintor, "onnxruntime": load_ort}


def serve(channel, engine, path, threads, inputs):
    """Answers "outputs" with outputs, and a number of runs with their milliseconds."""
    begin = time.perf_counter()
    run = LOADERS[engine](path, threads)
    first = run(inputs)
    channel.send(time.perf_counter() - begin)
    while True:
        request = channel.recv()
        if request is None:
            return
        if request == "outputs":
            channel.send([np.asarray(o) for o in first])
            continue
        times = []
        for _ in range(request):
            begin = time.perf_counter()
            run(inputs)
            times.append((time.perf_counter() - begin) * 1e3)
        channel.send(times)


class Engine:
    """A process that is stopped except while it answers."""

    def __init__(self, name, path, threads, inputs):
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.channel, end = context.Pipe()
        arguments = (end, name, str(path), threads, inputs)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        end.close()
        self.load_seconds = self.channel.recv()
        self.pause()

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def ask(self, request):
        os.kill(self.process.pid, signal.SIGCONT)
        self.channel.send(request)
        answer = self.channel.recv()
        self.pause()
        return answer

    def close(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.channel.send(None)
        self.process.join(10)


# ---------------------------------------------------------------- one model
def measure(path, threads, inputs, rounds):
    """{engine: minimum and median ms, load s}, and the largest difference of outputs."""
    engines = [Engine(n, path, threads, inputs) for n in LOADERS]
    outputs = [e.ask("outputs") for e in engines]
    difference = max(
        float(np.abs(a.astype(float) - b.astype(float)).max() / max(np.abs(b).max(), 1e-30))
        for a, b in zip(*outputs, strict=True)
    )
    runs = {e.name: max(1, int(SECONDS_PER_ROUND * 1e3 / max(e.ask(3)))) for e in engines}
    times = {e.name: [] for e in engines}
    for r in range(rounds):
        for e in engines if r % 2 else engines[::-1]:
            # The first run after a pause finds cold caches.
            times[e.name] += e.ask(runs[e.name] + 1)[1:]
    result = {
        e.name: {
            "min": min(times[e.name]),
            "median": statistics.median(times[e.name]),
            "load": e.load_seconds,
        }
        for e in engines
    }
    for e in engines:
        e.close()
    return result, difference


def row(name, gflop, threads, result, difference):
    ours, theirs = result["mintor"], result["onnxruntime"]
    return {
        "model": name,
        "threads": threads,
        "gflop": gflop,
        "mintor": ours,
        "onnxruntime": theirs,
        "ratio": theirs["median"] / ours["median"],
        "gflops": gflop / ours["min"] * 1e3,
        "difference": difference,
    }


def markdown(rows):
    cpu = next(
        (
            x.partition(":")[2].strip()
            for x in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if x.startswith("model name")
        ),
        platform.machine(),
    )
    lines = [
        f"{cpu}, {os.cpu_count()} cores, {datetime.date.today()}; milliseconds, minimum / median; "
        "ratio of medians above 1: Mintor is faster.",
        "",
        "| model | GFLOP | threads | Mintor | ONNX Runtime | ratio | GFLOP/s | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        ours, theirs = r["mintor"], r["onnxruntime"]
        lines.append(
            f"| {r['model']} | {r['gflop']:.3g} | {r['threads']} "
            f"| {ours['min']:.4g} / {ours['median']:.4g} "
            f"| {theirs['min']:.4g} / {theirs['median']:.4g} "
            f"| {r['ratio']:.2f} | {r['gflops']:.4g} | {r['difference']:.0e} |"
        )
    return "\n".join(lines) + "\n"


def exported(name, folder):
    """(path of the ONNX file, inputs, GFLOP)."""
    import definitions
    import export

    path = pathlib.Path(folder) / f"{name}.onnx"
    if not path.exists():
        export.export(name, str(folder))
    with np.load(path.with_suffix(".in.npz")) as z:
        inputs = dict(z)
    net, args = definitions.make(name)
    return path, inputs, definitions.gflop(net, args)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=DEFAULT)
    parser.add_argument("--zoo", help="folder with, or for, the exported models")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    a = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="mintor-perf-") as scratch:
        for name in a.models.split(","):
            path, inputs, gflop = exported(name, a.zoo or scratch)
            for threads in map(int, a.threads.split(",")):
                result, difference = measure(path, threads, inputs, a.rounds)
                rows.append(row(name, gflop, threads, result, difference))
                print(markdown(rows[-1:]).splitlines()[-1], flush=True)
    text = markdown(rows)
    print("\n" + text)
    for path, content in ((a.json, json.dumps(rows, indent=1)), (a.markdown, text)):
        if path:
            pathlib.Path(path).write_text(content, encoding="utf-8")
    sys.exit(1 if any(r["difference"] > TOLERANCE for r in rows) else 0)


if __name__ == "__main__":
    main()
