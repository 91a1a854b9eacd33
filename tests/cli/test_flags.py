# SPDX-License-Identifier: Apache-2.0
"""Flags: what would be ignored is refused, what is misspelt gets the nearest name.

Keeps true: exit code 2 with nothing on stdout for each; the user's files are exit code 1.
"""
import json
import os

import numpy
import pytest
from cli_helper import ELEMENTWISE, KEPT, mintor, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """scale.graph, kept.graph and the built package scale."""
    place = tmp_path_factory.mktemp("flags")
    written(place, "scale.graph", ELEMENTWISE)
    written(place, "kept.graph", KEPT)
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
    ("run kept.graph --seed 0 --evaluate --threads 2", "--threads has no use beside --evaluate"),
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


@pytest.mark.parametrize("line, flops, needed", [
    ("conv n2 c6 9x8 k3x1 s2x1 p1x0 d1 g2 o4", 2 * 2 * 4 * 5 * 8 * 3 * 3, 13 / 15),
    ("conv c4 11 k3 o5", 2 * 5 * 9 * 3 * 4, 1),
    ("conv_transpose c4 5x5 k2 s2 o3 f64", 2 * 3 * 10 * 10 * 4 * 4, 1),
    ("matmul m3 k4 n5", 2 * 3 * 4 * 5, 1),
    ("matmul m3 k4 n5 b2", 2 * 2 * 3 * 4 * 5, 1)])
def test_bench_of_one_operator_counts_its_kernels(folder, line, flops, needed):
    """A kernel's operations are those that are needed: none on padding."""
    ended = mintor("bench", "--kernel", line, "--seconds", "0", "--profile", "--json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)["results"][0]
    contract = next(k for k in result["kernels"] if k["kernel"].endswith("contract"))
    assert result["flops"] == flops and contract["flops"] == pytest.approx(flops * needed)
    assert contract["contraction"]
    assert contract["gflops"] == pytest.approx(flops * needed / contract["ms"] * 1e-6)
    assert contract["share_of_peak"] == pytest.approx(contract["gflops"] / result["peak_gflops"])
    assert contract["bytes"] > 0 and contract["bound"] in ("arithmetic", "memory")


@pytest.mark.parametrize("line, said", [
    ("conv c64 28x28 k3 p1 o64", "tiles of 4 results: costs "),
    ("conv c4 7x7 k3 p1 o4", "no: costs "),
    ("conv c64 28x28 k5 p2 o64", "tiles of 4 results: costs "),
    ("conv c64 28x28 k3 s2 p1 o64", "no: windows have not as many taps each, or move by more"),
    ("conv c64 28x28 k3 p1 o64 g2", "no: it has groups"),
    ("conv c64 28x28 k3 p1 o64 f64", "no: an operand is f64, not f32")])
def test_explain_says_why_winograd_computes_a_convolution_or_not(folder, line, said):
    ended = mintor("bench", "--kernel", line, "--seconds", "0", "--no-peak", "--explain",
                   "--cache-dir", "explained_cache", cwd=folder)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("winograd: ")]
    assert len(lines) == 1 and said in lines[0], ended.stderr
    assert (" in tiles of 2, " in lines[0]) == ("costs" in said)


def test_a_jit_that_falls_back_says_so_once(folder):
    nowhere = {**os.environ, "MINTOR_JIT_LIBRARY": str(folder / "nowhere")}
    for command, told in (("bench scale.graph --threads 1,2 --seconds 0 --no-peak", 1),
                          ("bench scale.graph --seconds 0 --no-peak --jit system", 0)):
        ended = mintor(*command.split(), cwd=folder, env=nowhere)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr.count("warning: jit: libmintor_jit is not installed") == told
    checks = {c["check"]: c for c in json.loads(mintor("doctor", "--json", env=nowhere).stdout)}
    assert not checks["llvm"]["ok"] and "system's compiler is the JIT" in checks["llvm"]["detail"]


@pytest.mark.parametrize("line, problem", [
    ("pool n1", "'pool' is none of conv, conv_transpose, matmul"),
    ("conv c4 o4", "conv needs the size of the image"),
    ("conv 8x8 o4", "conv needs 'c'"),
    ("conv c4 8x8 o4 m3", "conv takes no 'm'"),
    ("conv c4 8x8 c5 o4", "'c5' says again"),
    ("conv c4 8x o4", "'8x' is no size"),
    ("conv c4 8x8 k3x3x3 o4", "'k' has another number of dimensions"),
    ("conv c4 8x8 g3 o4", "groups do not divide"),
    ("conv c4 8x8 o99999999999999999999", "is no size"),
    ("matmul m3 k4 n5 i32", "the dtype is i32"),
    ("matmul m3 k4", "matmul needs 'n'"),
    ("matmul m3 k4 n5 7x7", "takes no sizes without a letter"),
    ("", "is none of")])
def test_bench_refuses_lines_it_does_not_know(folder, line, problem):
    ended = mintor("bench", f"--kernel={line}" if line else "--kernel= ", "--no-peak", cwd=folder)
    assert ended.returncode == 1, ended.stderr
    assert problem in ended.stderr


def test_bench_takes_a_model_or_an_operator(folder):
    for arguments in ([], ["scale.graph", "--kernel", "matmul m3 k4 n5"]):
        ended = mintor("bench", *arguments, cwd=folder)
        assert ended.returncode == 2
        assert "expected a MODEL, or an operator after --kernel" in ended.stderr
