#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time trained models as they are in their files beside ONNX Runtime and OpenVINO, turn by turn.

  trained.py --models DIR --cases DIR [--only NAME,..] [--threads 1] [--rounds 3] [--sample 0.2]
             [--python mintor=PATH ..] [--json FILE]

Takes: DIR/NAME/*.onnx, and DIR/NAME/case*.json with the .npz beside it: `inputs`, each with its
name and the key of its array, or a dtype and a shape that noise is made for. Sizes that the file
leaves open stay open. --python names the interpreter that has an engine; one that is not installed
is left out.
Gives: a line per model, median milliseconds of each and the ratio of the faster other engine to
Mintor; the geometric mean and the least of the ratios.
Keeps true: each engine is a process of its own, stopped while another one runs.
"""

import argparse
import json
import math
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import numpy as np


# ---------------------------------------------------------------- engines, each in its process
def mintor(path, inputs, threads):
    import mintor as mt

    model = mt.compile(path, threads=threads)
    return lambda: model.run(inputs)


def onnxruntime(path, inputs, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)


def openvino(path, inputs, threads):
    import openvino as ov

    core = ov.Core()
    # f32 has to be asked for: it takes bf16 by itself where the processor has it.
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
    for name, array in inputs.items():
        request.set_tensor(name, ov.Tensor(array))
    return request.infer


ENGINES = {"mintor": mintor, "onnxruntime": onnxruntime, "openvino": openvino}


def inputs_of(case):
    meta = json.loads(pathlib.Path(case).read_text(encoding="utf-8"))
    arrays = pathlib.Path(case).with_suffix(".npz")
    stored = np.load(arrays) if arrays.exists() else {}
    noise = np.random.default_rng(1)
    made = {}
    for given in meta["inputs"]:
        key = given.get("key")
        array = stored[key] if key else noise.random(given["shape"]).astype(given["dtype"])
        made[given["name"]] = np.array(array, order="C")
    return made


def serve(engine, path, case, threads):
    """One answer in JSON for each line: milliseconds of runs in that many seconds."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print
    run = ENGINES[engine](path, inputs_of(case), threads)
    run()
    answers.write("[]\n")
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            run()
            times.append((time.perf_counter() - begin) * 1e3)
        answers.write(json.dumps(times) + "\n")


class Worker:
    """A process that is stopped except while it answers; `alive` says whether it ever did."""

    def __init__(self, python, words):
        self.process = subprocess.Popen(
            [python, __file__, "serve", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.alive = self.process.stdout.readline() == "[]\n"
        self.pause(True)

    def pause(self, stopped):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def sample(self, seconds):
        self.pause(False)
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        times = json.loads(self.process.stdout.readline())
        self.pause(True)
        return times[1:] or times  # the first run after a pause finds cold caches

    def close(self):
        self.process.kill()
        self.process.wait()


def measured(path, case, arguments):
    pythons = dict(p.split("=", 1) for p in arguments.python)
    workers, times = {}, {}
    for engine in ENGINES:
        words = (engine, path, case, arguments.threads)
        worker = Worker(pythons.get(engine, sys.executable), words)
        if worker.alive:
            workers[engine], times[engine] = worker, []
        else:
            worker.close()
    for _ in range(arguments.rounds):
        for engine, worker in workers.items():
            times[engine] += worker.sample(arguments.sample)
    for worker in workers.values():
        worker.close()
    return {engine: statistics.median(of) for engine, of in times.items()}


def ratio(row):
    others = [row[engine] for engine in row if engine != "mintor"]
    return min(others) / row["mintor"] if others and "mintor" in row else None


def main():
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:5], int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--cases", type=pathlib.Path, required=True)
    parser.add_argument("--only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=float, default=0.2)
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = {}
    for folder in sorted(arguments.models.iterdir()):
        files = sorted(folder.glob("*.onnx"))
        cases = sorted((arguments.cases / folder.name).glob("case*.json"))
        if not files or not cases:
            continue
        if arguments.only and folder.name not in arguments.only.split(","):
            continue
        row = rows[folder.name] = measured(files[0], cases[0], arguments)
        text = "  ".join(f"{engine} {of:.4g}" for engine, of in row.items())
        print(f"{folder.name:28} {text}  ratio {ratio(row) or float('nan'):.3f}", flush=True)
    ratios = [r for r in map(ratio, rows.values()) if r]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean {mean:.3f}, least {min(ratios):.3f}, of {len(ratios)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
