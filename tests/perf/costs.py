# SPDX-License-Identifier: Apache-2.0
"""What a model costs beside its runs: time and memory to the first result, memory kept, calls.

Takes a folder of models as peers.py does. Gives for the JIT with an empty cache, for the package
(compiled, built and loaded) and for ONNX Runtime: seconds from the file to the first result, MiB of
the largest process meanwhile, MiB of anonymous memory kept after two runs; the planned arena over
its lower bound; microseconds of a call from Python around a model of four elements. Exit status 1
where a limit is missed. Keeps true: each engine is a process of its own, one runs at a time.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import timeit

import engines
import peers
import turns

HERE = pathlib.Path(__file__).resolve().parent
ENGINES = ("mintor", "mintor-package", "onnxruntime")
SECONDS = {"resnet50": 12, "bert_base": 15, "vgg16": 20}    # from a file to the first result
PEAK_MIB = {"resnet50": 1024}
ANONYMOUS = ("resnet50",)       # below ONNX Runtime's
ARENA, CALL_US = 1.1, 3.0
PLAN = re.compile(r"arena (\d+) B, lower bound (\d+) B")
TINY = """graph tiny () {
  x = input  f32[4]
  y = relu   f32[4] (x)
  results y
}
"""


def measured(engine, name, arguments):
    """Time and memory of one engine, in a process that finds no compiled program."""
    with tempfile.TemporaryDirectory(prefix="mintor-costs-") as scratch:
        worker = turns.Worker(
            [sys.executable, HERE / "engines.py", engine, str(arguments.threads), name,
             arguments.folder, arguments.modules, scratch],
            {"OMP_NUM_THREADS": str(arguments.threads), "MINTOR_CACHE_DIR": scratch,
             "TMPDIR": scratch})
        try:
            loaded = worker.ask("load")
            worker.ask(0)
            return {**loaded, **worker.ask("memory")}
        finally:
            worker.close()


def arena(name, arguments):
    """Planned arena over its lower bound, the largest of the entries."""
    with tempfile.TemporaryDirectory(prefix="mintor-costs-") as scratch:
        case = engines.Case(name, arguments.folder, arguments.modules, scratch)
        said = subprocess.run(
            [arguments.mintor, "compile", case.path, "--emit=program", "--explain", "--target",
             "native", *engines.shape_flags(case)], check=True, capture_output=True, text=True)
    plans = [(int(a), int(b)) for a, b in PLAN.findall(said.stdout + said.stderr)]
    return max(a / b if b else 1.0 for a, b in plans)


def call_microseconds(arguments):
    """(by Python, by the C ABI) of a run that does next to nothing: medians."""
    import mintor
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="mintor-costs-") as scratch:
        text, package = pathlib.Path(scratch) / "tiny.graph", pathlib.Path(scratch) / "tiny"
        text.write_text(TINY, encoding="utf-8")
        subprocess.run([arguments.mintor, "compile", text, "-o", package, "--build"], check=True,
                       capture_output=True)
        model, x = mintor.load(str(package)), np.zeros(4, np.float32)
        times = timeit.repeat(lambda: model(x), number=10000, repeat=21)
        bench = subprocess.run([arguments.mintor, "bench", package, "--json", "--seconds", "0.3"],
                               check=True, capture_output=True, text=True)
    return (statistics.median(times) / 10000 * 1e6,
            json.loads(bench.stdout)["results"][0]["median_ms"] * 1e3)


def misses(name, row):
    """Limits that this model misses, in words."""
    missed = []
    ours = {e: of for e, of in row["engines"].items() if e.startswith("mintor")}
    for engine, of in ours.items():
        if of["seconds"] > SECONDS.get(name, float("inf")):
            missed.append(f"{engine}: {of['seconds']:.3g} s, below {SECONDS[name]} is wanted")
        if of["peak_mib"] > PEAK_MIB.get(name, float("inf")):
            missed.append(f"{engine}: {of['peak_mib']:.0f} MiB, below {PEAK_MIB[name]} is wanted")
        other = row["engines"].get("onnxruntime")
        if name in ANONYMOUS and other and of["anonymous_mib"] > other["anonymous_mib"]:
            missed.append(f"{engine}: keeps more than ONNX Runtime")
    if row["arena"] > ARENA:
        missed.append(f"arena {row['arena']:.3f} of its lower bound")
    return missed


def markdown(report):
    lines = ["| model | engine | seconds to the first result | largest process, MiB | "
             "anonymous, MiB | arena over its lower bound | missed |", "|" + "---|" * 7]
    for name, row in report["models"].items():
        missed = "; ".join(misses(name, row))
        for engine, of in row["engines"].items():
            lines.append(f"| {name} | {engine} | {of['seconds']:.3g} | {of['peak_mib']:.0f} | "
                         f"{of['anonymous_mib']:.0f} | {row['arena']:.4g} | {missed} |")
            missed = ""
    lines += ["", f"A call from Python takes {report['call_us']:.2f} us, of which the C ABI "
              f"{report['abi_us']:.2f} (below {CALL_US:g} more are wanted)."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--models", default=",".join(SECONDS))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--modules", default=str(peers.ZOO / "definitions.py"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mintor", default=str(pathlib.Path(sys.executable).parent / "mintor"))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    arguments = parser.parse_args()
    call, abi = call_microseconds(arguments)
    models = {name: {"arena": arena(name, arguments),
                     "engines": {e: measured(e, name, arguments)
                                 for e in arguments.engines.split(",")}}
              for name in arguments.models.split(",")}
    report = {**peers.facts(), "models": models, "call_us": call, "abi_us": abi}
    text = markdown(report)
    print(text)
    for path, content in ((arguments.json, json.dumps(report, indent=1)),
                          (arguments.markdown, text)):
        if path:
            path.write_text(content, encoding="utf-8")
    sys.exit(call - abi > CALL_US or any(misses(n, row) for n, row in models.items()))


if __name__ == "__main__":
    main()
