#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The backend suite that comes inside the installed `onnx` package, against one engine.

  conformance.py [--engine mintor|evaluator|reference|ort] [--only TEXT] [--json FILE]
                 [--write-list FILE]

Takes: nothing but the package. Gives: passed/all per kind, and with --write-list the names of the
cases that pass, the form that test_conformance.py holds the importer to.
Keeps true: a case runs in a worker process that is replaced when it crashes or hangs, so one bad
case costs one case. It passes when every output of every data set agrees with the case's own
tolerances, dtype and shape included.
"""

import argparse
import collections
import glob
import json
import multiprocessing
import os
import sys

import numpy as np
import onnx
import op_harness
from onnx import numpy_helper

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
# Outputs drawn from a generator: their values cannot agree, their dtype and shape must.
RANDOM = ("bernoulli", "random", "dropout_default_mask_ratio", "training_dropout")


def load_cases():
    from onnx.backend.test import loader

    return [(kind, c) for kind in KINDS for c in loader.load_model_tests(kind=kind)]


def plain(value):
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if value is None else np.asarray(value)


def read_value(path, info):
    kind = info.type.WhichOneof("value")
    with open(path, "rb") as f:
        blob = f.read()
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(blob))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(blob))
    return numpy_helper.to_array(onnx.TensorProto.FromString(blob))


def read_values(folder, stem, infos):
    paths = [os.path.join(folder, f"{stem}_{i}.pb") for i in range(len(infos))]
    return [read_value(p, i) for p, i in zip(paths, infos) if os.path.exists(p)]


def model_and_data(case):
    if case.model is not None:
        return case.model, [(plain(i), plain(o)) for i, o in case.data_sets]
    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
    sets = []
    for folder in sorted(glob.glob(os.path.join(case.model_dir, "test_data_set_*"))):
        inputs = read_values(folder, "input", model.graph.input)
        sets.append((inputs, read_values(folder, "output", model.graph.output)))
    return model, sets


def compare(got, want, case):
    """What is wrong with one output, or ""."""
    if isinstance(want, list):
        if not isinstance(got, (list, tuple)) or len(got) != len(want):
            return "sequence length"
        return next((r for r in (compare(g, w, case) for g, w in zip(got, want)) if r), "")
    if want is None or got is None:
        return "" if want is None and got is None else "one is absent"
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return f"shape {got.shape}, want {want.shape}"
    if want.dtype == object or want.dtype.kind in "US":
        return "" if np.array_equal(got.astype(str), want.astype(str)) else "strings differ"
    if got.dtype != want.dtype:
        return f"dtype {got.dtype}, want {want.dtype}"
    if any(x in case.name for x in RANDOM):
        return ""
    if want.dtype.kind in "biu":
        return "" if np.array_equal(got, want) else "integers differ"
    close = np.allclose(got.astype(np.float64), want.astype(np.float64), case.rtol, case.atol, True)
    return "" if close else "values"


def run_case(case, prepare):
    model, sets = model_and_data(case)
    run = prepare(model)
    if not sets:
        return "no data"
    names = [i.name for i in model.graph.input]
    for inputs, outputs in sets:
        got = run(dict(zip(names, inputs)))
        if len(got) != len(outputs):
            return "output count"
        for g, w in zip(got, outputs):
            wrong = compare(g, w, case)
            if wrong:
                return wrong
    return ""


def worker(engine, channel):
    """Answers indices with (index, what is wrong or "")."""
    os.environ["MINTOR_ONNX_ENGINE"] = engine
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 2)
    found = load_cases()
    channel.send([(kind, c.name) for kind, c in found])
    while True:
        index = channel.recv()
        if index is None:
            return
        try:
            wrong = run_case(found[index][1], op_harness.engine_runner)
        except Exception as error:
            wrong = f"{type(error).__name__}: {str(error)[:160]}"
        channel.send((index, wrong))


class Pool:
    """One worker, started again when it dies."""

    def __init__(self, engine):
        self.engine = engine
        self.context = multiprocessing.get_context("spawn")
        self.start()

    def start(self):
        self.channel, end = self.context.Pipe()
        self.process = self.context.Process(target=worker, args=(self.engine, end), daemon=True)
        self.process.start()
        self.names = self.channel.recv()

    def ask(self, index, timeout):
        self.channel.send(index)
        try:
            if self.channel.poll(timeout):
                return self.channel.recv()[1]
            wrong = "HANG"
        except (EOFError, ConnectionResetError):
            wrong = "CRASH"
        self.process.terminate()
        self.process.join()
        self.start()
        return wrong


def run_suite(engine, wanted, timeout=60):
    """{(kind, name): what is wrong or ""} of the cases that `wanted(name)` takes."""
    pool = Pool(engine)
    results = {}
    for index, (kind, name) in enumerate(pool.names):
        if wanted(name):
            results[kind, name] = pool.ask(index, timeout)
    pool.channel.send(None)
    return results


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engines = ("mintor", "evaluator", "reference", "ort")
    parser.add_argument("--engine", default="mintor", choices=engines)
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--json", help="write every case and what is wrong with it")
    parser.add_argument("--write-list", help="write the names of the cases that pass")
    a = parser.parse_args()
    results = run_suite(a.engine, lambda name: a.only in name)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({f"{k}/{n}": r for (k, n), r in results.items()}, f, indent=0, sort_keys=True)
    passed = sorted(n for (_, n), r in results.items() if not r)
    if a.write_list:
        with open(a.write_list, "w", encoding="utf-8") as f:
            f.write("\n".join(passed) + "\n")
    every = collections.Counter(kind for kind, _ in results)
    good = collections.Counter(kind for (kind, _), r in results.items() if not r)
    for kind in every:
        print(f"  {kind}: {good[kind]}/{every[kind]}")
    crashed = sum(r in ("CRASH", "HANG") for r in results.values())
    print(f"{a.engine}: {len(passed)}/{len(results)} pass, {crashed} crash or hang")
    sys.exit(1 if crashed else 0)


if __name__ == "__main__":
    main()
