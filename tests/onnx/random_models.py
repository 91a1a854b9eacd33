#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random ONNX models in Mintor against ONNX Runtime.

  random_models.py [--seeds 0..1000] [--fast] [--save FOLDER] [--no-shrink]

Takes: seeds. Gives: what is wrong with each model, shortened, and a count of verdicts; exit status
1 when a verdict is neither ok nor refused. `check_seed` is what the test uses.
Keeps true: a seed stands for one model as long as the table of operators (random_operators.py) and
ONNX Runtime stay the same; a failing model is kept by --save. How models are made is in
random_builder.py, what is right in random_oracle.py, running and shortening in random_engine.py.
"""

import argparse
import pathlib
import sys

import numpy as np
from random_builder import Builder
from random_engine import Shrinker, engine, text_of
from random_operators import ROWS
from random_oracle import Refused


def generate(seed, steps=None):
    """A Builder with 3 to 12 operators of the table."""
    g = Builder(seed)
    steps = steps or g.number(3, 12)
    rows, weights = zip(*[(row, weight) for row, weight in ROWS])
    weights = np.array(weights, float) / sum(weights)
    tries = 0
    while len(g.nodes) < steps and tries < 12 * steps:
        tries += 1
        row = rows[int(g.rng.choice(len(rows), p=weights))]
        before = dict(g.values), list(g.nodes), set(g.used)
        try:
            row(g)
        except Refused:
            g.values, g.nodes, g.used = before
    return g


# ---------------------------------------------------------------- command line
def check_seed(seed, running, full, shrink):
    """(Verdict, the Case that shows it)"""
    g = generate(seed)
    outputs = g.outputs()
    case = g.case(outputs)
    verdict = running.judge(case, full)
    if verdict.kind != "ok" and shrink:
        shrinker = Shrinker(g, running, verdict, full)
        shorter = shrinker.shrink(outputs)
        if shorter is not None:
            return shrinker.found, shorter
    return verdict, case


def run_seeds(seeds, arguments):
    counts = {}
    with engine() as running:
        for seed in seeds:
            verdict, case = check_seed(seed, running, not arguments.fast, not arguments.no_shrink)
            counts[verdict.kind] = counts.get(verdict.kind, 0) + 1
            if sum(counts.values()) % 50 == 0:
                print(f"{seed}: {counts}", file=sys.stderr, flush=True)
            if verdict.kind == "ok":
                continue
            print(f"seed {seed}: {verdict}\n{text_of(case.model)}\n", flush=True)
            if arguments.save:
                save(pathlib.Path(arguments.save) / f"{verdict.kind}_{seed}", case)
    return counts


def save(folder, case):
    """The model, and its first run's inputs and wanted outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model)
    for s, (inputs, wants) in enumerate(zip(case.runs, case.wants)):
        np.savez(folder / f"inputs_{s}.npz", **inputs)
        np.savez(folder / f"wants_{s}.npz", *[want for want, _ in wants])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0..100", help="first..last, or one")
    parser.add_argument("--fast", action="store_true", help="one level, no evaluator")
    parser.add_argument("--no-shrink", action="store_true", help="print failing models as they are")
    parser.add_argument("--save", help="folder for failing models, their inputs and outputs")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("..")
    counts = run_seeds(range(int(first), int(last or first) + 1), arguments)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    sys.exit(1 if set(counts) - {"ok", "refused"} else 0)


if __name__ == "__main__":
    main()
