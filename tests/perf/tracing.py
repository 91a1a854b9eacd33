# SPDX-License-Identifier: Apache-2.0
"""What tracing costs: cold and warm starts, replayed steps, a call.

Takes --rounds; gives a table of medians. Each start is a process of its own, with a cache of
compiled programs that is empty, then as the first one left it.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CALLS = """
import time, numpy as np, mintor as mt
x = mt.array(np.ones(16, "float32"))
def trace():
    y = x
    for _ in range(250):
        y = mt.exp((y + x) * 0.5) - x
    return y
best = 1.0
for _ in range(30):
    begin = time.perf_counter()
    y = trace()
    best = min(best, time.perf_counter() - begin)
    y.numpy()
print('{"calls_1000": %r}' % best)
"""


def run(command, cache):
    environment = {**os.environ, "MINTOR_CACHE_DIR": str(cache),
                   "MINTOR_PERF_STARTED": repr(time.time())}
    done = subprocess.run([sys.executable, *command], env=environment, check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(rounds):
    """{"program, cache": {what: [values]}}"""
    found = {}
    for _ in range(rounds):
        for program in ("two_layers", "small_cnn"):
            with tempfile.TemporaryDirectory() as folder:
                for cache in ("empty", "warm"):
                    one = run([str(HERE / f"{program}.py")], pathlib.Path(folder) / "cache")
                    values = found.setdefault(f"{program}, {cache}", {})
                    for what, value in one.items():
                        values.setdefault(what, []).append(value)
        with tempfile.TemporaryDirectory() as folder:
            one = run(["-c", CALLS], pathlib.Path(folder) / "cache")
            found.setdefault("calls", {}).setdefault("calls_1000", []).append(one["calls_1000"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    for name, values in measured(parser.parse_args().rounds).items():
        print(name)
        for what, some in values.items():
            if isinstance(some[0], (int, float)) and not isinstance(some[0], bool):
                print(f"  {what:28} {statistics.median(some):.4f}   ({min(some):.4f} to "
                      f"{max(some):.4f})")
            else:
                print(f"  {what:28} {some[-1]}")


if __name__ == "__main__":
    main()
