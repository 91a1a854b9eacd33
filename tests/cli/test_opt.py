# SPDX-License-Identifier: Apache-2.0
"""mintor opt takes what Mintor prints: graphs with side files, several kernels, programs, repros.

Keeps true: a text at fault is its writer's error (exit code 1), with the rule that it breaks.
"""
import os
import pathlib
import re

import pytest
from cli_helper import ELEMENTWISE, TABLE, mintor, written

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def table(tmp_path):
    return written(tmp_path, "table.graph", TABLE)


def test_side_files_are_found_and_kept(table, tmp_path):
    first = tmp_path / "first.graph"
    assert mintor("compile", table, "--emit=graph", "-o", first).returncode == 0
    assert (tmp_path / "first.graph.blobs").is_file()
    shown = mintor("opt", first, "compose_reindex")
    assert shown.returncode == 0, shown.stderr
    assert "their bytes are kept only with -o FILE" in shown.stderr
    second = tmp_path / "second.graph"
    assert mintor("opt", first, "compose_reindex", "-o", second).returncode == 0
    assert second.read_text() == shown.stdout
    again = mintor("run", second, "--seed", "0")
    assert again.stdout == mintor("run", table, "--seed", "0").stdout, again.stderr


def test_emit_to_stdout_says_what_is_missing(table, tmp_path):
    ended = mintor("compile", table, "--emit=graph")
    assert ended.returncode == 0
    assert "warning: the text names 1 large constants" in ended.stderr
    small = written(tmp_path, "small.graph", ELEMENTWISE)
    assert mintor("compile", small, "--emit=graph").stderr == ""


@pytest.mark.parametrize("stage", ["kernel", "program"])
def test_one_kernel_of_several(table, tmp_path, stage):
    text = tmp_path / "all"
    assert mintor("compile", table, f"--emit={stage}", "--target", "reference,v3", "-o",
                  text).returncode == 0
    names = sorted(set(re.findall(r"^kernel (\w+) ", text.read_text(), re.M)))
    assert len(names) == 2
    unnamed = mintor("opt", text, "simplify")
    assert unnamed.returncode == 1
    assert "name one with --kernel" in unnamed.stderr and names[0] in unnamed.stderr
    level = mintor("opt", text, "--kernel", names[0], "simplify")
    assert level.returncode == 1
    assert "is there for the levels reference, v3" in level.stderr
    found = mintor("opt", text, "--kernel", names[0], "--target", "v3", "simplify")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(f"kernel {names[0]} (")
    wrong = mintor("opt", text, "--kernel", names[0] + "x")
    assert f"has no kernel '{names[0]}x'" in wrong.stderr
    assert f"did you mean '{names[0]}'?" in wrong.stderr


def test_a_broken_text_is_no_bug_of_mintor(tmp_path):
    loop = "  for i in 0..4 {\n    y[i] = x[i]\n  }\n"
    text = "kernel k (x: f32[4], y: out f32[4]) {\n" + loop + loop + "}\n"
    ended = mintor("opt", written(tmp_path, "k.kernel", text), cwd=tmp_path)
    assert ended.returncode == 1, ended
    assert ended.stderr.startswith("error: opt: verify kernel k: ")
    assert "the name i is bound twice" in ended.stderr
    assert "k.kernel" in ended.stderr
    assert not (tmp_path / "mintor-repro.txt").exists()


def test_a_loop_that_nobody_could_unroll(tmp_path):
    text = ("kernel k (x: f32[4], y: out f32[4]) {\n  unrolled i in 0..100000000 {\n"
            "    y[i % 4] = x[i % 4]\n  }\n}\n")
    ended = mintor("opt", written(tmp_path, "k.kernel", text), "expand_unrolled", cwd=tmp_path)
    assert ended.returncode == 1, ended
    assert "an unrolled loop of more than 4096 iterations" in ended.stderr


def test_a_repro_is_input_to_opt(tmp_path):
    """A compiler that takes no source at all is what an emitted fault looks like."""
    graph = written(tmp_path, "it's.graph", TABLE)
    for name in ("c++", "g++", "gcc", "cc"):
        refuses = pathlib.Path(written(tmp_path, name, "#!/bin/sh\necho one\necho two\nexit 1\n"))
        refuses.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ended = mintor("run", graph.name, "--seed", "0", "--jit", "system", "--cache-dir", "a cache",
                   cwd=tmp_path, env={**os.environ, "PATH": path})
    assert ended.returncode == 3, ended
    assert "replay: mintor run 'it'\\''s.graph' --seed 0" in ended.stderr
    again = mintor("opt", "mintor-repro.txt", cwd=tmp_path)
    assert "internal" not in again.stderr
    text = (tmp_path / "mintor-repro.txt").read_text().split("graph table")[0]
    assert text and all(line.startswith("#") for line in text.splitlines())


@pytest.mark.parametrize("rewrite, message", [
    ("splt(i, 2)", "did you mean 'split'?"),
    ("simplfy", "did you mean 'simplify'?"),
    ("split", "steps have arguments: 'split(...)'"),
    ("split(", "schedule step"),
])
def test_unknown_rewrites_of_kernels(tmp_path, rewrite, message):
    text = "kernel k (x: f32[4], y: out f32[4]) {\n  for i in 0..4 {\n    y[i] = x[i]\n  }\n}\n"
    ended = mintor("opt", written(tmp_path, "k.kernel", text), rewrite)
    assert ended.returncode == 2, ended
    assert message in ended.stderr


def test_examples_of_the_documentation(tmp_path):
    text = (ROOT / "docs" / "architecture.md").read_text()
    dense = re.search(r"```\n(graph dense.*?)```", text, re.S).group(1)
    ended = mintor("compile", written(tmp_path, "dense.graph", dense), "--emit=kernel")
    assert ended.returncode == 0, ended.stderr
    golden = (ROOT / "tests" / "golden" / "steps" / "split.txt").read_text()
    stepped = mintor("opt", "-", "split(j, 8)", stdin=golden.split("---\n")[0])
    assert stepped.returncode == 0, stepped.stderr
    assert stepped.stdout == golden.split("---\n")[2]
