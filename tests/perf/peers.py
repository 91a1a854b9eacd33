# SPDX-License-Identifier: Apache-2.0
"""Time Mintor beside other inference engines, on the same models, in one run, turn by turn.

Takes a folder of NAME.onnx with NAME.npz (`in_x`, `out_y`) or NAME.in.npz and NAME.out.npz, and
zoo.json for GFLOP where there is one; without --folder some of models/zoo, exported. Gives median
milliseconds of each engine, r = best other / Mintor, geometric means of r and of each engine's; the
same as JSON with processor and commit. Rows of an earlier JSON are kept: models may be measured in
several short runs. Keeps true: each engine is a process of its own, stopped while another one runs;
in each round all take one turn; a turn in which others took the cores is repeated; outputs are
compared, and an engine that computes something else is shown but never the best.
"""
import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import turns

HERE = pathlib.Path(__file__).resolve().parent
ZOO = HERE.parent.parent / "models" / "zoo"
DEFAULT = "mintor,torch,onnxruntime,openvino,ncnn"
SMALL = "resnet18,mobilenet_v2,minilm,mlp"
TOLERANCE = 1e-3    # of the largest output: a check against nonsense
DISTURBED = 0.15    # processors that others used during a turn
REPEATS = 2


def start(engine, name, threads, arguments):
    python = dict(p.split("=", 1) for p in arguments.python).get(engine, sys.executable)
    return turns.Worker([python, HERE / "engines.py", engine, str(threads), name, arguments.folder,
                         arguments.modules, arguments.kept],
                        {"OMP_NUM_THREADS": str(threads)}, arguments.log)


def measured(name, threads, arguments):
    """The row of one model: of each engine its times, or why it has none."""
    workers, row = {}, {"model": name, "threads": threads, "engines": {}, "failed": {}}
    try:
        for engine in arguments.engines.split(","):
            worker = start(engine, name, threads, arguments)
            try:
                loaded = worker.ask("load")
                worker.ask(arguments.sample)  # warms up
            except turns.WorkerFailed as failure:
                row["failed"][engine] = str(failure)
                worker.close()
                continue
            workers[engine] = worker
            row["engines"][engine] = {**loaded, "ms": [], "used": [], "disturbed": 0}
        for _ in range(arguments.rounds):
            for engine, worker in workers.items():
                take_turn(worker, row["engines"][engine], arguments.sample)
    finally:
        for worker in workers.values():
            worker.close()
    return {**row, "engines": {engine: summary(of) for engine, of in row["engines"].items()}}


def take_turn(worker, record, seconds):
    for _ in range(REPEATS + 1):
        turn = worker.ask(seconds)
        if turn["others"] < DISTURBED:
            break
        record["disturbed"] += 1
    # The first run after a pause finds cold caches.
    record["ms"] += turn["ms"][1:] or turn["ms"]
    record["used"].append(turn["used"])


def summary(record):
    times = record.pop("ms")
    return {**record, "minimum": min(times), "median": statistics.median(times),
            "used": statistics.median(record["used"])}


def ratio(row, engine=None):
    """Time of `engine`, or of the best other one, over Mintor's; None where one is not known."""
    ours = row["engines"].get("mintor")
    others = [of["median"] for name, of in row["engines"].items()
              if not name.startswith("mintor") and engine in (None, name)
              and of["error"] <= TOLERANCE]
    return min(others) / ours["median"] if ours and others else None


def mean(ratios):
    known = [r for r in ratios if r]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None


def cell(value, digits=3):
    return "" if value is None else f"{value:.{digits}g}"


def time_cell(engine):
    if engine is None:
        return ""
    return cell(engine["median"], 4) if engine["error"] <= TOLERANCE else \
        f"({cell(engine['median'], 4)})"


def markdown(report):
    rows = report["rows"]
    engines = list(dict.fromkeys(e for row in rows for e in row["engines"]))
    others = [e for e in engines if not e.startswith("mintor")]
    lines = [f"{report['processor']}, {report['cores']} cores, {report['date']}, commit "
             f"{report['commit']}: median milliseconds, in brackets where outputs are not those of "
             "the model; r is the best other engine's over Mintor's, above 1: Mintor is faster.",
             "",
             f"| model | GFLOP | threads | {' | '.join(engines)} | r | GFLOP/s | error |",
             "|---" * (6 + len(engines)) + "|"]
    for row in rows:
        ours = row["engines"].get("mintor", {})
        times = [time_cell(row["engines"].get(e)) for e in engines]
        speed = row["gflop"] / ours["minimum"] * 1e3 if ours and row["gflop"] else None
        lines.append(f"| {row['model']} | {cell(row['gflop'])} | {row['threads']} | "
                     f"{' | '.join(times)} | {cell(ratio(row))} | {cell(speed)} | "
                     f"{cell(ours.get('error'), 1)} |")
    for threads in sorted({row["threads"] for row in rows}):
        of = [row for row in rows if row["threads"] == threads]
        means = [cell(mean(ratio(row, e) for row in of)) if e in others else "" for e in engines]
        lines.append(f"| geometric mean of ratios | | {threads} | {' | '.join(means)} | "
                     f"{cell(mean(map(ratio, of)))} | | |")
    return "\n".join(lines) + "\n"


def facts():
    cpu = [x.partition(":")[2].strip() for x in pathlib.Path("/proc/cpuinfo").read_text(
        encoding="utf-8").splitlines() if x.startswith("model name")]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, text=True,
                            capture_output=True, check=False).stdout.strip()
    return {"processor": cpu[0] if cpu else platform.machine(), "cores": os.cpu_count(),
            "date": str(datetime.date.today()), "commit": commit or "unknown"}


def exported(names, folder):
    """The models of models/zoo in `folder`; their modules are those of definitions.py."""
    subprocess.run([sys.executable, ZOO / "export.py", "--out", folder, "--models", names],
                   check=True)
    return folder


def earlier(path, rows):
    """Rows of the file that `rows` do not measure again."""
    if not path or not os.path.exists(path):
        return []
    again = {(row["model"], row["threads"]) for row in rows}
    kept = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["rows"]
    return [row for row in kept if (row["model"], row["threads"]) not in again]


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models")
    parser.add_argument("--folder")
    parser.add_argument("--modules", default=str(ZOO / "definitions.py"),
                        help="a file whose load(name, folder) or make(name) gives the PyTorch "
                        "module of a model, for torch and ncnn")
    parser.add_argument("--engines", default=DEFAULT)
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH",
                        help="the interpreter that has it installed")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=float, default=0.2)
    parser.add_argument("--kept", help="folder for what engines convert models to")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--log", type=argparse.FileType("a"), default=subprocess.DEVNULL,
                        help="what the engines print")
    return parser.parse_args()


def main():
    arguments = parsed()
    rows = []
    with tempfile.TemporaryDirectory(prefix="mintor-peers-") as scratch:
        arguments.kept = arguments.kept or scratch
        if not arguments.folder:
            arguments.models = arguments.models or SMALL
            arguments.folder = exported(arguments.models, scratch)
        folder = pathlib.Path(arguments.folder)
        index = folder / "zoo.json"
        known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
        names = arguments.models.split(",") if arguments.models else \
            sorted(p.stem for p in folder.glob("*.onnx"))
        for name in names:
            for threads in map(int, arguments.threads.split(",")):
                row = measured(name, threads, arguments)
                rows.append({**row, "gflop": known.get(name, {}).get("gflop")})
                print(f"{name} {threads}: " + ", ".join(
                    f"{e} {of['median']:.4g}" for e, of in row["engines"].items()) +
                    f", r {cell(ratio(row))} {row['failed'] or ''}", flush=True)
        # Written here: `earlier` reads what this run does not replace.
        report = {**facts(), "rows": earlier(arguments.json, rows) + rows}
    text = markdown(report)
    print("\n" + text)
    for path, content in ((arguments.json, json.dumps(report, indent=1)),
                          (arguments.markdown, text)):
        if path:
            pathlib.Path(path).write_text(content, encoding="utf-8")
    sys.exit(any(row["engines"].get("mintor", {"error": 1e30})["error"] > TOLERANCE
                 for row in rows))


if __name__ == "__main__":
    main()
