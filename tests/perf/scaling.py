# SPDX-License-Identifier: Apache-2.0
"""How packages scale over the cores: threads and contexts over one, beside the machine's limit.

Takes a folder of models as peers.py does; each becomes a package for this CPU, which scaling.c
runs. Gives a table, the median of the ratios of a round and the ratio of the fastest turns: rate of
all threads of the package's pool, and of a pool of the host through `parallel_for`, over that of
one thread; of a context on each core over one context; multiply-adds and reads of all cores over
one core's. --json has every rate. Keeps true: all of a model is of one process, by turns; models of
an earlier --json stay.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import engines
import numpy as np
import peers

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
THREADS, CONTEXTS, HEAVY = 1.85, 1.9, 1.0   # what is wanted, of models above so many GFLOP
RATIOS = {"pool": "thread", "parallel_for": "thread", "contexts": "context",
          "multiply_adds_beside": "multiply_adds", "reads_beside": "reads"}


def program(folder):
    """scaling.c, built."""
    out = pathlib.Path(folder) / "scaling"
    subprocess.run(["gcc", "-std=c11", "-O2", "-march=native", "-ffp-contract=fast", "-I", MODELS,
                    "-I", HERE.parent.parent / "runtime" / "include", HERE / "scaling.c",
                    MODELS / "host.c", "-o", out, "-ldl", "-lpthread"], check=True)
    return out


def package(case, kept):
    """The folder of the package `case.name`: built, where it is not there."""
    folder = pathlib.Path(kept) / case.name
    if not list(folder.glob("build/lib*.so")):
        engines.build_package(case, folder, "--target", "native")
    return folder


def measured(runner, case, arguments):
    folder = package(case, arguments.kept)
    library = next(folder.glob("build/lib*.so"))
    command = [runner, library, library.stem.removeprefix("lib"), "--weights",
               folder / "weights" / "weights.bin", "--threads", str(arguments.threads),
               "--rounds", str(arguments.rounds), "--seconds", str(arguments.seconds)]
    for i, (name, array) in enumerate(case.inputs.items()):
        np.save(folder / f"in{i}.npy", array)
        command += ["--input", f"{name}={folder / f'in{i}.npy'}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def ratio(row, way):
    """The median over rounds of `way`'s rate over that of what it is compared with."""
    return statistics.median(a / b for a, b in zip(row[way], row[RATIOS[way]], strict=True))


def fastest(row, way):
    """The same of the fastest turns: machines may do other work than ours."""
    return max(row[way]) / max(row[RATIOS[way]])


def misses(row):
    """What a model of that much work falls short of."""
    if (row["gflop"] or 0) <= HEAVY:
        return []
    wanted = {"pool": THREADS, "parallel_for": THREADS, "contexts": CONTEXTS}
    return [way for way, least in wanted.items() if ratio(row, way) < least * row["threads"] / 2]


def milliseconds(row, way):
    return f"{1e3 / statistics.median(row[way]):.4g}"


def markdown(report):
    lines = ["| model | GFLOP | threads | ms of one | ms of all | pool | parallel_for | contexts | "
             "multiply-adds | reads | falls short |", "|" + "---|" * 11]
    for row in report["rows"]:
        ratios = " | ".join(f"{ratio(row, way):.2f}, {fastest(row, way):.2f}"
                            for way in RATIOS)
        lines.append(f"| {row['model']} | {peers.cell(row['gflop'])} | {row['threads']} | "
                     f"{milliseconds(row, 'thread')} | {milliseconds(row, 'pool')} | {ratios} | "
                     f"{', '.join(misses(row))} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--models", help="names, separated by commas; without it all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each way in a round")
    parser.add_argument("--kept", help="folder for packages; those that lie there are used")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--markdown", type=pathlib.Path)
    arguments = parser.parse_args()
    index = arguments.folder / "zoo.json"
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    names = arguments.models.split(",") if arguments.models else \
        sorted(p.stem for p in arguments.folder.glob("*.onnx"))
    rows = []
    with tempfile.TemporaryDirectory(prefix="mintor-scaling-") as scratch:
        arguments.kept = arguments.kept or scratch
        runner = program(scratch)
        for name in names:
            case = engines.Case(name, arguments.folder, "", scratch)
            if arguments.build_only:
                package(case, arguments.kept)
                continue
            rows.append({"model": name, "gflop": known.get(name, {}).get("gflop"),
                         **measured(runner, case, arguments)})
    if arguments.build_only:
        return
    report = {**peers.facts(), "rows": peers.earlier(arguments.json, rows) + rows}
    text = markdown(report)
    print(text)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
