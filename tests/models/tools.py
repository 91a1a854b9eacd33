# SPDX-License-Identifier: Apache-2.0
"""What the model tests share: the command line, packages by several compilers, runs of both kinds.

Takes: `mintor` beside this Python (or $MINTOR). Gives: functions that compile, build and run, with
outputs as NumPy arrays by name. Keeps true: a level that this CPU lacks is `Skipped`, by name,
never left out silently; every helper program is built into a folder of the caller.
"""

import atexit
import ctypes
import functools
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
from urllib.parse import unquote

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEVELS = ("reference", "v3", "v4") if platform.machine() == "x86_64" else ("reference",)
THREADS = (1, 2, 3, 7)
# Exit codes of drive.c: 10 + mt_status.
UNSUPPORTED_CPU = 10 + 5


class Skipped(Exception):
    """A level that this CPU lacks."""


class Failed(Exception):
    """A tool ended badly; the message has its command and what it said."""


def run(command, **options):
    """Standard output of a command that must succeed."""
    command = [str(c) for c in command]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode:
        said = (result.stdout + result.stderr)[-4000:]
        raise Failed(f"{' '.join(command)}\nended with status {result.returncode}:\n{said}")
    return result.stdout


def mintor_program():
    beside = pathlib.Path(sys.executable).parent / "mintor"
    return os.environ.get("MINTOR") or str(beside if beside.exists() else shutil.which("mintor"))


def mintor(*arguments, **options):
    return run([mintor_program(), *arguments], **options)


@functools.cache
def compilers():
    """The C and C++ compilers to build packages with, by name: gcc and the clangs that are here."""
    found = {}
    for name, c, cxx in (
        ("gcc", "gcc", "g++"),
        ("clang-16", "clang-16", "clang++-16"),
        ("clang-19", "clang-19", "clang++-19"),
        ("clang", "clang", "clang++"),
    ):
        if shutil.which(c) and shutil.which(cxx) and not (name == "clang" and len(found) > 1):
            found[name] = (c, cxx)
    return found


# ---------------------------------------------------------------- levels of this CPU
@functools.cache
def cpu_flags():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    line = next((x for x in text.splitlines() if x.startswith(("flags", "Features"))), "")
    return frozenset(line.partition(":")[2].split())


def cpu_has(level):
    needed = {
        "reference": (),
        "v3": ("avx2", "fma", "bmi2", "f16c"),
        "v4": ("avx512f", "avx512bw", "avx512dq", "avx512vl"),
    }[level]
    return cpu_flags().issuperset(needed)


# ---------------------------------------------------------------- packages
def compile_package(model, folder, levels, *options, name=None):
    """`mintor compile` to folder/<name>; gives that folder. A package is named after its folder."""
    package = pathlib.Path(folder) / (name or "model")
    mintor("compile", model, "-o", package, "--target", ",".join(levels), *options)
    return package


def build_package(package, compiler, extra="", label=None, warn="-Wall -Wextra"):
    """The library, built by one compiler with the package's own Makefile."""
    c, cxx = compilers()[compiler]
    out = f"build-{label or compiler}"
    arguments = [f"OUT={out}", f"CC={c}", f"CXX={cxx}", f"WARN={warn}"]
    target = f"{out}/lib{pathlib.Path(package).name}.so"
    run(["make", "-C", package, f"-j{os.cpu_count()}", *arguments, f"EXTRA={extra}", target])
    return pathlib.Path(package) / target


@functools.cache
def helper(name, flags=(), compiler="gcc"):
    """A helper built from this folder's C sources: drive, count (a library), modes (a library)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mintor-helper-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    out = folder / name
    shared = [] if name == "drive" else ["-shared", "-fPIC"]
    sources = [HERE / f"{n}.c" for n in ((name, "host", "modes") if name == "drive" else (name,))]
    include = f"-I{ROOT / 'runtime' / 'include'}"
    command = [compiler, "-std=c11", "-O1", "-g", include, *flags, *shared, *sources, "-o", out]
    run([*command, "-rdynamic", "-ldl", "-lpthread"])
    return out


def drive(library, inputs, folder, *options, flags=(), compiler="gcc", environment=None):
    """Runs a package by drive.c; gives (outputs in the model's order, the line it printed)."""
    folder = pathlib.Path(folder)
    package = pathlib.Path(library).parent.parent
    name = pathlib.Path(library).stem.removeprefix("lib")
    command = [helper("drive", tuple(flags), compiler), library, name]
    command += ["--weights", package / "weights" / "weights.bin", "--out", folder / "out"]
    for key, value in inputs.items():
        path = folder / f"in-{key.replace('/', '_')}.npy"
        np.save(path, value)
        command += ["--input", f"{key}={path}"]
    command = [str(c) for c in command + list(options)]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    if result.returncode == UNSUPPORTED_CPU:
        raise Skipped(result.stderr.strip())
    if result.returncode:
        said = (result.stdout + result.stderr)[-4000:]
        raise Failed(f"{' '.join(command)}\nended with status {result.returncode}:\n{said}")
    outputs, count = [], 0
    while (folder / f"out{count}.npy").exists():
        outputs.append(np.load(folder / f"out{count}.npy"))
        count += 1
    return outputs, result.stdout.strip()


# ---------------------------------------------------------------- the evaluator
def evaluate(model, inputs, folder, numerics):
    """Outputs, in the model's order, of the reference evaluator: slow, and the bits to have."""
    import onnx

    folder = pathlib.Path(folder)
    command = ["run", model, "--evaluate", "--numerics", numerics, "--save", folder / "evaluated"]
    for i, (name, value) in enumerate(inputs.items()):
        np.save(folder / f"given{i}.npy", value)
        command += ["--input", f"{name}={folder}/given{i}.npy"]
    mintor(*command)
    # A character that is not plain is %XX in the file's name.
    files = {unquote(p.stem): p for p in (folder / "evaluated").glob("*.npy")}
    outputs = onnx.load(model, load_external_data=False).graph.output
    return [np.load(files[o.name]) for o in outputs]


# ---------------------------------------------------------------- the JIT, in a process of its own
def jit(model, inputs, folder, level, threads, *options, cache=None):
    """Outputs, in the model's order, of mt.compile in a fresh process, for each thread count."""
    if not cpu_has(level):
        raise Skipped(f"this CPU lacks {level}")
    folder = pathlib.Path(folder)
    np.savez(folder / "jit-in.npz", **inputs)
    environment = {**os.environ, "MINTOR_CACHE_DIR": str(cache or folder / "jit-cache")}
    command = [sys.executable, HERE / "jit_run.py", model, folder / "jit-in.npz"]
    command += [folder / "jit-out.npz", "--target", level, "--threads", ",".join(map(str, threads))]
    run([*command, *options], env=environment)
    with np.load(folder / "jit-out.npz") as z:
        answers = []
        for n in threads:
            keys = sorted(
                (k for k in z if k.startswith(f"{n}:")), key=lambda k: int(k.split(":")[1])
            )
            answers.append([z[k] for k in keys])
    return answers


def set_modes(flush_to_zero, round_down):
    """Sets this thread's floating-point modes (jit_run.py does, in its own process)."""
    call = ctypes.CDLL(str(helper("modes"))).modes_set
    call.restype = ctypes.c_ulonglong
    return call(int(flush_to_zero), int(round_down))


# ---------------------------------------------------------------- models
def zoo():
    """The zoo's modules: definitions and export."""
    folder = str(ROOT / "models" / "zoo")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import definitions
    import export

    return definitions, export


def largest_error(got, want):
    """(largest error over largest output, where)."""
    error = np.abs(got.astype(np.float64) - want.astype(np.float64))
    if not np.isfinite(got).all():
        return float("inf"), tuple(int(i) for i in np.argwhere(~np.isfinite(got))[0])
    at = np.unravel_index(int(np.argmax(error)), error.shape)
    return float(error.max() / np.abs(want).max()), tuple(int(i) for i in at)
