#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One package of a model with open sizes against ONNX Runtime, at sizes that nobody listed.

  open_sizes.py MODEL.onnx --size h=32..640/32 [--size NAME=LOW..HIGH[/STEP] ..]
                --input x=1,3,h,48 [--input NAME=DIMENSIONS ..] [--value sr=16000 ..]
                [--below bytes=257 ..] [--runs 10] [--seed 0] [--tolerance 1e-3]

Takes: how large each size may be, and the inputs in terms of sizes ("" of a scalar). Inputs are
uniform in 0..1; whole numbers are below 10, or as --below says; --value sets all elements. The
model is compiled as it is in its file. Gives: a line per run, the largest error of each output over
its largest value, at least 1. Keeps true: all runs are of one package and one context, sizes from
the seed; exit status 1 where an error is above the tolerance.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime


def pairs(items):
    return dict(item.split("=", 1) for item in items)


def drawn(text, rng):
    """A size of "LOW..HIGH/STEP"."""
    span, _, step = text.partition("/")
    low, high = map(int, span.split(".."))
    return int(rng.choice(np.arange(low, high + 1, int(step or 1))))


def drawn_inputs(session, a, rng):
    sizes = {name: drawn(text, rng) for name, text in pairs(a.size).items()}
    shapes, values, below = pairs(a.input), pairs(a.value), pairs(a.below)
    inputs = {}
    for port in session.get_inputs():
        words = [word for word in shapes.get(port.name, "").split(",") if word]
        shape = [sizes[word] if word in sizes else int(word) for word in words]
        dtype = {"tensor(float)": np.float32, "tensor(int32)": np.int32}.get(port.type, np.int64)
        if port.name in values:
            array = np.full(shape, float(values[port.name]))
        elif dtype == np.float32:
            array = rng.random(shape)
        else:
            array = rng.integers(0, int(below.get(port.name, 10)), shape)
        inputs[port.name] = array.astype(dtype)
    return sizes, inputs


def error_of(got, wanted):
    if got.shape != wanted.shape:
        raise SystemExit(f"shape {got.shape}, ONNX Runtime's is {wanted.shape}")
    if wanted.size == 0:
        return 0.0
    apart = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
    return float(apart.max() / max(1.0, np.abs(wanted).max()))


def package_of(model, folder):
    import mintor

    program = pathlib.Path(sys.executable).parent / "mintor"
    subprocess.run([program, "compile", model, "-o", folder, "--build"], check=True)
    return mintor.load(folder)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    for name in ("size", "input", "value", "below"):
        parser.add_argument(f"--{name}", action="append", default=[])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    a = parser.parse_args(arguments)
    session = onnxruntime.InferenceSession(a.model, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_outputs()]
    rng = np.random.default_rng(a.seed)
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="mintor-sizes-") as folder:
        package = package_of(a.model, folder)
        for _ in range(a.runs):
            sizes, inputs = drawn_inputs(session, a, rng)
            got, wanted = package.run(inputs), session.run(names, inputs)
            errors = [error_of(got[n], w) for n, w in zip(names, wanted, strict=True)]
            worst = max(worst, *errors)
            text = ", ".join(f"{name} = {size}" for name, size in sizes.items())
            print(f"{text}: error {max(errors):.2g}", flush=True)
    print(f"{a.runs} runs, largest error {worst:.2g}")
    return int(not worst <= a.tolerance)


if __name__ == "__main__":
    sys.exit(main())
