#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a model takes to load and to become a package. Prints figures beside their limits.

  times.py [--resnet18 FILE] [--resnet50 FILE] [--zoo DIR] [--skip-package]

Takes: the ONNX files, exported to DIR when they are not given. Gives: JIT load of resnet18 from an
empty cache (limit 10 s) and from a warm one (0.15 s, without libLLVM in /proc/self/maps), measured
inside a process after `import mintor`; `mintor analyze` (1 s); compile and build of the resnet50
package (60 s, 3 GB of the largest process). Exit status 1 when a limit is missed.
"""

import argparse
import json
import os
import pathlib
import resource
import sys
import tempfile
import time

import tools

LOAD = """
import json, sys, time
import numpy, mintor
begin = time.perf_counter()
model = mintor.compile(sys.argv[1], threads=int(sys.argv[2]))
seconds = time.perf_counter() - begin
maps = open("/proc/self/maps").read()
print(json.dumps({"seconds": seconds, "llvm": "libLLVM" in maps or "libclang" in maps}))
"""


def load_seconds(model, cache, threads=2):
    environment = {**os.environ, "MINTOR_CACHE_DIR": str(cache)}
    out = tools.run([sys.executable, "-c", LOAD, model, threads], env=environment)
    return json.loads(out.splitlines()[-1])


def ensure(path, name, folder):
    if path:
        return path
    _, export = tools.zoo()
    target = pathlib.Path(folder) / f"{name}.onnx"
    if not target.exists():
        export.export(name, str(folder))
    return target


def jit_times(model, folder):
    """(what, value, limit, unit) of cold and warm loads; the median of three warm ones."""
    cache = pathlib.Path(folder) / "cache"
    cold = load_seconds(model, cache)
    yield "JIT load, empty cache", cold["seconds"], 10, "s"
    warm = [load_seconds(model, cache) for _ in range(3)]
    yield "JIT load, warm cache", sorted(w["seconds"] for w in warm)[1], 0.15, "s"
    yield "processes with LLVM in them when warm", sum(w["llvm"] for w in warm), 0.5, ""
    begin = time.perf_counter()
    tools.mintor("analyze", model)
    yield "mintor analyze", time.perf_counter() - begin, 1, "s"


def package_times(model, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    begin = time.perf_counter()
    tools.mintor("compile", model, "-o", pathlib.Path(folder) / "resnet50", "--build")
    yield "compile and build of the resnet50 package", time.perf_counter() - begin, 60, "s"
    # The largest of all processes so far; an earlier, larger one makes the figure an upper bound.
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    yield "largest process", peak / 2**20, 3, "GiB"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--resnet18")
    parser.add_argument("--resnet50")
    parser.add_argument("--zoo", help="folder with, or for, the exported models")
    parser.add_argument("--skip-package", action="store_true")
    a = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mintor-times-") as folder:
        zoo = a.zoo or folder
        found = (
            []
            if a.skip_package
            else list(package_times(ensure(a.resnet50, "resnet50", zoo), folder))
        )
        found += jit_times(ensure(a.resnet18, "resnet18", zoo), folder)
    for what, value, limit, unit in found:
        missed += value >= limit
        print(
            f"{'MISSED' if value >= limit else 'ok':7} {what}: {value:.3g} {unit} (below {limit})"
        )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
