# SPDX-License-Identifier: Apache-2.0
"""How near the default schedule is to the best that tuning finds.

Takes operators as lines (of its own, or from the command line); runs `mintor tune` on each with an
empty file of records; prints a table, and with --json FILE writes the numbers. Keeps true: both
times are of one process, by turns. Run it on a machine that does nothing else.

    python tests/perf/tuned.py --threads 1 --candidates 64
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

# Sizes that nobody tuned for: odd images and channels, strides, a first layer, depthwise, 1-D,
# few rows, batches.
LINES = [
    "conv n1 c48 33x33 k3 s1 p1 o72 f32",
    "conv n1 c136 17x17 k3 s1 p1 o136 f32",
    "conv n1 c72 57x57 k1 o136 f32",
    "conv n1 c3 97x97 k5 s2 p2 o40 f32",
    "conv n1 c256 9x9 k3 s1 p1 o200 f32",
    "conv n2 c40 301 k9 s1 p4 o56 f32",
    "conv n1 c136 29x29 k3 s1 p1 g136 o136 f32",
    "conv n1 c96 45x45 k5 s2 p2 g96 o96 f32",
    "matmul m77 k300 n136",
    "matmul m211 k384 n1000",
    "matmul m7 k520 n1300",
    "matmul m65 k64 n77 b9",
]


def tuned(line, flags):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "records"
        subprocess.run([flags.mintor, "tune", "--kernel", line, "--db", path, "--threads",
                        str(flags.threads), "--candidates", str(flags.candidates)],
                       check=True, capture_output=True)
        return json.loads(path.read_text().splitlines()[0])


def main():
    beside = pathlib.Path(sys.executable).parent / "mintor"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="*", default=LINES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--candidates", type=int, default=64)
    parser.add_argument("--mintor", default=str(beside))
    parser.add_argument("--json", type=pathlib.Path)
    flags = parser.parse_args()
    rows = []
    for line in flags.lines:
        record = tuned(line, flags)
        rows.append({"line": line, **record})
        share = record["seconds"] / record["default_seconds"]
        print(f"{record['default_seconds'] * 1e6:10.1f} us  default is {share:5.2f} of tuned  "
              f"{line}: {record['candidate']}", flush=True)
    if flags.json:
        flags.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
