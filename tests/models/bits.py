#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Are the bits of a model the same everywhere? Prints a table; exit status 1 when they differ.

  bits.py MODEL.onnx [--inputs IN.npz] [--levels reference,v3,v4] [--threads 1,2,3,7]
          [--compilers gcc,clang-19] [--numerics default|strict] [--no-jit] [--evaluate]

Takes: any model; inputs by name from IN.npz, else from MODEL.in.npz beside it, else from a seed.
Gives: a line for each of: the reference evaluator, with --evaluate; the JIT and the package built
by each compiler; each level; each thread count; and, for each way and level, a host that flushes
subnormals to zero and rounds down, and a host that lends its own threads. Every compiler's package
and every level's JIT is compiled separately, from an empty cache. A level that this CPU lacks is
listed as skipped, by name.
Keeps true: the first line is what the others are compared with, byte for byte (NaN = NaN).
"""

import argparse
import hashlib
import pathlib
import sys
import tempfile
from dataclasses import dataclass

import numpy as np
import tools


@dataclass
class Line:
    way: str
    level: str
    threads: str
    host: str
    outputs: list | None  # None: skipped
    note: str = ""


def canonical(array):
    """The bytes that are compared: every NaN as the one positive quiet NaN."""
    array = np.ascontiguousarray(array)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return array.tobytes()


def digest(outputs):
    h = hashlib.sha256()
    for o in outputs:
        h.update(f"{o.dtype} {o.shape} ".encode())
        h.update(canonical(o))
    return h.hexdigest()[:16]


def first_difference(got, want):
    for i, (g, w) in enumerate(zip(got, want)):
        if g.dtype != w.dtype or g.shape != w.shape:
            return f"output {i}: {g.dtype}{g.shape}, want {w.dtype}{w.shape}"
        if canonical(g) != canonical(w):
            differs = ~((g == w) & (np.signbit(g) == np.signbit(w)) | (g != g) & (w != w))
            at = tuple(int(k) for k in np.argwhere(differs)[0])
            return f"output {i}: {differs.sum()} of {g.size}, first at {at}: {g[at]!r}, {w[at]!r}"
    return f"{len(got)} outputs, want {len(want)}" if len(got) != len(want) else ""


def jit_lines(model, inputs, folder, levels, threads, numerics):
    for level in levels:
        work = pathlib.Path(folder) / f"jit-{level}"
        work.mkdir()
        options = ["--numerics", numerics]
        try:
            answers = tools.jit(model, inputs, work, level, threads, *options)
            hostile = tools.jit(
                model, inputs, work, level, [2], *options, "--flush-to-zero", "--round-down"
            )
        except tools.Skipped as why:
            yield Line("jit", level, "-", "-", None, str(why))
            continue
        for n, outputs in zip(threads, answers):
            yield Line("jit", level, str(n), "plain", outputs)
        yield Line("jit", level, "2", "flush, round down", hostile[0])


def package_lines(model, inputs, folder, levels, threads, numerics, compiler):
    work = pathlib.Path(folder) / compiler
    work.mkdir()
    package = tools.compile_package(model, work, levels, "--numerics", numerics)
    library = tools.build_package(package, compiler)
    for level in levels:
        runs = [(str(n), "plain", ["--threads", n]) for n in threads]
        runs.append(("2", "flush, round down", ["--threads", 2, "--flush-to-zero", "--round-down"]))
        runs.append(("host's 3", "flush, round down", ["--host-threads", 3, "--flush-to-zero"]))
        for label, host, options in runs:
            try:
                outputs, _ = tools.drive(library, inputs, work, "--level", level, *options)
            except tools.Skipped as why:
                yield Line(compiler, level, "-", "-", None, str(why))
                break
            yield Line(compiler, level, label, host, outputs)


def all_lines(
    model, inputs, levels, threads, names, numerics="default", with_jit=True, with_evaluator=False
):
    """Lines of every way; the caller compares."""
    with tempfile.TemporaryDirectory(prefix="mintor-bits-") as folder:
        if with_evaluator:
            outputs = tools.evaluate(model, inputs, folder, numerics)
            yield Line("evaluator", "-", "1", "plain", outputs)
        if with_jit:
            yield from jit_lines(model, inputs, folder, levels, threads, numerics)
        for compiler in names:
            yield from package_lines(model, inputs, folder, levels, threads, numerics, compiler)


def differing(lines):
    """The lines whose bytes are not those of the first that ran, each with where it differs."""
    ran = [x for x in lines if x.outputs is not None]
    found = []
    for line in ran[1:]:
        where = first_difference(line.outputs, ran[0].outputs)
        if where:
            found.append((line, where))
    return found


def print_table(lines, stream=sys.stdout):
    wrong = {id(line): where for line, where in differing(lines)}
    print(f"{'way':10} {'level':10} {'threads':8} {'host':18} SHA-256", file=stream)
    for x in lines:
        what = digest(x.outputs) if x.outputs is not None else f"skipped: {x.note}"
        end = f"  DIFFERS: {wrong[id(x)]}" if id(x) in wrong else ""
        print(f"{x.way:10} {x.level:10} {x.threads:8} {x.host:18} {what}{end}", file=stream)


def seeded_inputs(path):
    """Inputs made from a seed: floats in -1..1, integers in 0..9; a symbolic size becomes 3."""
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    known = {i.name for i in graph.initializer}
    rng = np.random.default_rng(11)
    inputs = {}
    for i in graph.input:
        if i.name in known:
            continue
        dims = i.type.tensor_type.shape.dim
        shape = [d.dim_value if d.HasField("dim_value") else 3 for d in dims]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
        if np.issubdtype(dtype, np.floating):
            inputs[i.name] = (rng.random(shape) * 2 - 1).astype(dtype)
        else:
            inputs[i.name] = rng.integers(0, 9, shape).astype(dtype)
    return inputs


def load_inputs(model, given=None):
    path = pathlib.Path(given) if given else pathlib.Path(model).with_suffix(".in.npz")
    if given or path.exists():
        with np.load(path) as z:
            return dict(z)
    return seeded_inputs(model)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--inputs", help=".npz with the inputs by name")
    parser.add_argument("--levels", default=",".join(tools.LEVELS))
    parser.add_argument("--threads", default=",".join(map(str, tools.THREADS)))
    parser.add_argument("--compilers", default=",".join(tools.compilers()))
    parser.add_argument("--numerics", default="default", choices=("strict", "default"))
    parser.add_argument("--no-jit", action="store_true")
    parser.add_argument("--evaluate", action="store_true", help="the reference evaluator first")
    a = parser.parse_args()
    inputs = load_inputs(a.model, a.inputs)
    names = a.compilers.split(",") if a.compilers else []
    try:
        lines = list(
            all_lines(
                a.model,
                inputs,
                a.levels.split(","),
                [int(n) for n in a.threads.split(",")],
                names,
                a.numerics,
                not a.no_jit,
                a.evaluate,
            )
        )
    except tools.Failed as error:
        sys.exit(f"error: bits: {error}")
    print_table(lines)
    wrong = differing(lines)
    ran = sum(x.outputs is not None for x in lines)
    skipped = sorted({x.level for x in lines if x.outputs is None})
    print(f"{ran} runs, {len(wrong)} differ; levels skipped: {', '.join(skipped) or 'none'}")
    sys.exit(1 if wrong or ran < 2 else 0)


if __name__ == "__main__":
    main()
