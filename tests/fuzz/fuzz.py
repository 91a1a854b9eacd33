#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the libFuzzer targets, each on a core of its own.

  fuzz.py --build build/fuzz --seconds 600

Takes: a build with -DMINTOR_FUZZ=ON, and how long. Gives: of each target how many inputs it ran and
what they reached, and the inputs that it failed on, in BUILD/found; exit status 1 when there is
one. Keeps true: what was found interesting stays in BUILD/corpus for the next run.

An input has 2 s and 1 GiB in a build without sanitizers. With them the code takes about four times
as long, and memory beside the program's own: 8 s, 2 GiB.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

import corpus

TARGETS = {"models": "import", "texts": "text"}  # and their seeds
LIMITS = ["-timeout=8", "-rss_limit_mb=2048", f"-max_len={4 * corpus.LARGEST}"]


def start(build, target, seconds):
    kept, found = (build / name / target for name in ("corpus", "found"))
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    log = (build / f"{target}.log").open("w")
    command = [build / "tests" / f"mintor_fuzz_{target}", f"-max_total_time={seconds}", *LIMITS,
               f"-artifact_prefix={found}/", "-print_final_stats=1", kept,
               build / "seeds" / TARGETS[target]]
    path = f"{os.environ['PATH']}:/usr/lib/llvm-19/bin"  # names of functions in back traces
    return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": path})


def report(build, target, status):
    """One line; whether nothing was found."""
    log = (build / f"{target}.log").read_text(errors="replace")
    reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    executed = re.search(r"number_of_executed_units: (\d+)", log)
    cover, features, kept = reached[-1] if reached else ("?", "?", "?")
    print(f"{target}: {executed.group(1) if executed else '?'} inputs, {cover} edges, "
          f"{features} features, {kept} kept, " + ("clean" if status == 0 else f"see {target}.log"))
    for line in log.splitlines():
        if "ERROR: " in line or "runtime error" in line or "Test unit written" in line:
            print(f"  {line}")
    return status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    seeds = arguments.build / "seeds"
    if not seeds.exists():
        corpus.write(seeds)
    running = {name: start(arguments.build, name, arguments.seconds) for name in TARGETS}
    clean = [report(arguments.build, name, process.wait()) for name, process in running.items()]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
