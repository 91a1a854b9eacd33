#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Error of models of the zoo against a float64 run, beside PyTorch's own float32 error.

  accuracy.py [--models resnet18,minilm] [--zoo DIR] [--dynamic] [--target native]
              [--numerics default,strict]

Takes: names of models/zoo (exported to DIR, or to a scratch folder). Gives: a line for each model
and numerics: largest error over largest output of ours and of PyTorch, their ratio, and where ours
is. Exit status 1 when a ratio is above 4.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import tools

LIMIT = 4.0
DEFAULT = "resnet18,mobilenet_v2,minilm,bert_base"


def references(stem, names):
    with np.load(f"{stem}.ref.npz") as z:
        return [(z["f32_" + n], z["f64_" + n]) for n in names]


def compare(outputs, wanted):
    """(our error, PyTorch's error, where ours is), of the worst output by ratio."""
    rows = []
    for got, (single, double) in zip(outputs, wanted, strict=True):
        ours, where = tools.largest_error(got, double)
        theirs, _ = tools.largest_error(single, double)
        rows.append((ours, theirs, where))
    return max(rows, key=lambda r: r[0] / r[1])


def measure(path, output_names, numerics, target="native", threads=2):
    import mintor

    stem = str(path).removesuffix(".onnx")
    with np.load(stem + ".in.npz") as z:
        inputs = dict(z)
    model = mintor.compile(str(path), target=target, threads=threads, numerics=numerics)
    answers = model.run(inputs)
    return compare([answers[n] for n in output_names], references(stem, output_names))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=DEFAULT)
    parser.add_argument("--zoo", help="folder with, or for, the exported models")
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--target", default="native")
    parser.add_argument("--numerics", default="default,strict")
    a = parser.parse_args()
    definitions, export = tools.zoo()
    failed = False
    with tempfile.TemporaryDirectory(prefix="mintor-accuracy-") as scratch:
        for name in a.models.split(","):
            folder = pathlib.Path(a.zoo or scratch)
            path = folder / f"{export.variant(name, a.dynamic)}.onnx"
            if not path.exists():
                export.export(name, str(folder), dynamic=a.dynamic)
            names = definitions.ZOO[name].output_names
            for numerics in a.numerics.split(","):
                ours, theirs, where = measure(path, names, numerics, a.target)
                bad = not ours <= LIMIT * theirs
                failed |= bad
                print(
                    f"{'FAILED' if bad else 'ok':7} {path.stem:22} {numerics:8} "
                    f"ours {ours:.2e} at {where}, PyTorch {theirs:.2e}, ratio {ours / theirs:.2f}",
                    flush=True,
                )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
