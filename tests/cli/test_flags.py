# SPDX-License-Identifier: Apache-2.0
"""Flags: what would be ignored is refused, what is misspelt gets the nearest name.

Keeps true: exit code 2 with nothing on stdout for each; the user's files are exit code 1.
"""
import os

import numpy
import pytest
from cli_helper import ELEMENTWISE, SORTED, mintor, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """scale.graph, sorted.graph and the built package scale."""
    place = tmp_path_factory.mktemp("flags")
    written(place, "scale.graph", ELEMENTWISE)
    written(place, "sorted.graph", SORTED)
    numpy.save(place / "x.npy", numpy.ones((2, 4), numpy.float32))
    made = mintor("compile", "scale.graph", "-o", "scale", "--build", cwd=place)
    assert made.returncode == 0, made.stderr
    return place


@pytest.mark.parametrize("arguments, message", [
    # What a package cannot follow.
    ("run scale --seed 0 --shape x=2x4", "--shape says how to compile"),
    ("run scale --seed 0 --numerics strict", "--numerics says how to compile"),
    ("run scale --seed 0 --evaluate", "--evaluate needs the model's file"),
    ("bench scale --disable-pass simplify", "--disable-pass says how to compile"),
    ("verify scale --seed 3", "--seed gives a package nothing to compare with"),
    ("verify scale --input x=x.npy", "--input gives a package nothing to compare with"),
    ("verify scale --tolerance 1e-3", "--tolerance is that of --case"),
    ("verify scale --against onnxruntime", "--against needs the model's file"),
    ("verify scale --shape x=2x4", "--shape says how to compile"),
    # What has no use beside the others.
    ("verify scale.graph --against onnxruntime", "needs an .onnx file, MODEL is 'scale.graph'"),
    ("verify scale.graph --tolerance 1", "--tolerance is that of --against and --case"),
    ("verify scale.graph --case a.npz,b.npz --seed 1", "--seed has no use beside --case"),
    ("verify scale.graph --case a.npz", "expected in.npz,out.npz"),
    ("compile scale.graph --emit=graph --build", "--build has no use beside --emit"),
    ("compile scale.graph --emit=graph --case a,b", "--case has no use beside --emit"),
    ("compile scale.graph -o out --compiler gcc", "--compiler is that of --build"),
    ("compile scale.graph -o out --rtol 1", "--rtol and --atol are those of --case"),
    ("run sorted.graph --seed 0 --evaluate --threads 2", "--threads has no use beside --evaluate"),
    ("bench scale.graph --target v3,v4", "--target names several levels"),
    # Values that nothing can make right.
    ("compile scale.graph -o out --case a,b --rtol -1", "a tolerance is '-1'"),
    ("compile scale.graph -o out --case a,b --atol nan", "a tolerance is 'nan'"),
    ("verify scale.graph --case a,b --tolerance inf", "a tolerance is 'inf'"),
    ("run scale.graph --seed -2", "--seed"),
    ("run scale.graph --target v3,v9", "there is no target level 'v9'"),
    ("compile scale.graph -o out --disable-pass ordr", "did you mean 'order'?"),
    ("compile scale.graph -o out --stop-after ordr", "did you mean 'order'?"),
    ("run scale.graph --shape 2x4", "--shape: '2x4' has no name="),
    ("compile scale.graph --emit=grap",
     "did you mean 'graph'? one of: graph, kernel, program, source, llvm-ir, asm, obj"),
    ("run scale.graph --jit magic", "give one of: auto, llvm, system"),
    # Misspelt flags.
    ("compile scale.graph --emitt=graph", "did you mean '--emit'?"),
    ("run scale.graph --targt v3", "did you mean '--target'?"),
    ("verify scale.graph --frobnicate", "mintor verify --help shows every flag"),
    ("--versio", "did you mean '--version'?"),
    ("opt scale.graph ordr", "did you mean 'order'?"),
    ("opt scale.graph --kernel k", "--kernel is for a text that holds kernels"),
])
def test_usage(folder, arguments, message):
    ended = mintor(*arguments.split(), cwd=folder)
    assert ended.returncode == 2, ended
    assert ended.stderr.startswith("usage: ")
    assert message in ended.stderr
    assert ended.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_forbidden_folder(folder, tmp_path):
    tmp_path.chmod(0o500)
    ended = mintor("run", "scale.graph", "--seed", "0", "--save", tmp_path / "out", cwd=folder)
    tmp_path.chmod(0o700)
    assert ended.returncode == 1
    assert "Permission denied" in ended.stderr


@pytest.mark.parametrize("place", ["/proc/no", "scale.graph/out"])
def test_save_where_nothing_can_be_saved(folder, place):
    ended = mintor("run", "scale.graph", "--seed", "0", "--save", place, cwd=folder)
    assert ended.returncode == 1, ended
    assert ended.stderr.startswith("error: file: ")
    assert place in ended.stderr


def test_disable_pass_is_everywhere(folder):
    for command in ("run --seed 0", "bench --seconds 0 --no-peak", "verify --threads 1"):
        name, *rest = command.split()
        ended = mintor(name, "scale.graph", *rest, "--disable-pass", "fold_constants", cwd=folder)
        assert ended.returncode == 0, ended.stderr


def test_explain_says_each_line_once_and_the_time_of_passes(folder):
    ended = mintor("compile", "scale.graph", "-o", "explained", "--explain", cwd=folder)
    lines = ended.stderr.splitlines()
    assert ended.returncode == 0
    decisions = [line for line in lines if line.startswith("fusion: ")]
    reasons = [line.split(": ", 2)[-1] if line.count(": ") > 2 else line for line in decisions]
    assert decisions and len(set(reasons)) == len(reasons)
    assert sum("starts a kernel" in line for line in decisions) == 1, decisions
    times = [line for line in lines if line.startswith("time: pass ")]
    assert any(line.startswith("time: pass order: ") for line in times)
    assert all(line.endswith((" us", " ms")) for line in times)


def test_bench_of_a_small_model_counts_microseconds(folder):
    ended = mintor("bench", "scale.graph", "--seconds", "0", "--no-peak", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert " us, fastest " in ended.stdout
    assert " 0.000" not in ended.stdout
