# SPDX-License-Identifier: Apache-2.0
"""Compile a model in process and run it, once for each thread count. Started by tools.jit.

  jit_run.py MODEL IN.npz OUT.npz --target LEVEL --threads 1,2 [--numerics strict]
             [--flush-to-zero] [--round-down]

Takes: inputs by name. Gives: OUT.npz with `<threads>:<position>`. Keeps true: the host's modes are
set before the compile and the run, and are the same after both.
"""

import argparse

import mintor
import numpy as np
import tools


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("outputs")
    parser.add_argument("--target", default="native")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--numerics", default="default")
    parser.add_argument("--flush-to-zero", action="store_true")
    parser.add_argument("--round-down", action="store_true")
    a = parser.parse_args()
    with np.load(a.inputs) as z:
        inputs = dict(z)
    modes = tools.set_modes(a.flush_to_zero, a.round_down)
    answers = {}
    for threads in map(int, a.threads.split(",")):
        model = mintor.compile(a.model, target=a.target, threads=threads, numerics=a.numerics)
        for i, value in enumerate(model.run(inputs).values()):
            answers[f"{threads}:{i}"] = value
    if tools.set_modes(False, False) != modes:
        raise SystemExit("error: jit_run: the floating-point modes of this thread were changed")
    np.savez(a.outputs, **answers)


if __name__ == "__main__":
    main()
