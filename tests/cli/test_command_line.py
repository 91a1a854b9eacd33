# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: exit codes, messages, every command on a small graph.

Takes `mintor` beside this Python (or $MINTOR); needs neither PyTorch nor ONNX. Keeps true: each
error's text names what is wrong and what to do, and each exit code means what the design says.
"""
import json

import numpy
import pytest
from cli_helper import ELEMENTWISE, mintor


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "scale.graph"
    path.write_text(ELEMENTWISE)
    return path


def test_help_shows_every_command_and_examples():
    shown = mintor("--help")
    assert shown.returncode == 0
    for command in ("compile", "run", "verify", "bench", "analyze", "inspect", "opt",
                    "quantize", "supported-ops", "doctor"):
        assert command in shown.stdout
        one = mintor(command, "--help")
        assert one.returncode == 0
        assert f"mintor {command}" in one.stdout.split("Examples:")[1]


@pytest.mark.parametrize("arguments, message", [
    ([], "required"),
    (["compil", "x"], "did you mean 'compile'?"),
    (["run"], "MODEL is required"),
    (["run", "x", "--jit", "magic"], "--jit"),
    (["bench", "x", "--threads", "many"], "--threads"),
    (["compile", "MODEL"], "compile needs -o DIR, or --emit"),
    (["run", "MODEL", "--target", "v3,v4"], "--target names several levels"),
    (["run", "MODEL", "--input", "x"], "expected name=file.npy"),
    (["run", "MODEL", "--target", "v9"], "there is no target level 'v9'"),
    (["opt", "MODEL", "relu_away"], "there is no graph pass relu_away"),
])
def test_usage_errors_are_2(graph, arguments, message):
    ended = mintor(*[graph if argument == "MODEL" else argument for argument in arguments])
    assert ended.returncode == 2, ended
    assert message in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("arguments, message", [
    (["run", "MODEL"], "error: run: input 'x' is missing"),
    (["run", "MODEL", "--input", "y=z.npy"], "the model has no input 'y'"),
    (["run", "missing.onnx"], "missing.onnx"),
    (["inspect", "."], "has no manifest.json"),
])
def test_model_errors_are_1(graph, arguments, message):
    ended = mintor(*[graph if argument == "MODEL" else argument for argument in arguments],
                   cwd=graph.parent)
    assert ended.returncode == 1, ended
    assert ended.stderr.startswith("error: ")
    assert message in ended.stderr


def test_run_gives_the_outputs(graph, tmp_path):
    x = numpy.arange(12, dtype=numpy.float32).reshape(3, 4) - 5
    numpy.save(tmp_path / "x.npy", x)
    ended = mintor("run", graph, "--input", f"x={tmp_path}/x.npy", "--save", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    numpy.testing.assert_array_equal(numpy.load(tmp_path / "out" / "r.npy"), x * x)


@pytest.mark.parametrize("stage", ["graph", "kernel", "program", "source", "asm"])
def test_every_stage_is_text(graph, stage):
    ended = mintor("compile", graph, f"--emit={stage}")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) > 3


def test_emitted_graph_is_read_again(graph, tmp_path):
    assert mintor("compile", graph, "--emit=graph", "-o", tmp_path / "a.graph").returncode == 0
    again = mintor("opt", tmp_path / "a.graph")
    assert again.returncode == 0, again.stderr
    assert again.stdout == (tmp_path / "a.graph").read_text()


def test_package_from_start_to_end(graph, tmp_path):
    package = tmp_path / "scale"
    ended = mintor("compile", graph, "-o", package, "--build")
    assert ended.returncode == 0, ended.stderr
    assert (package / "manifest.json").is_file()
    verified = mintor("verify", package)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "same bits" in verified.stdout
    inspected = json.loads(mintor("inspect", package, "--json").stdout)
    assert inspected["manifest"]["name"] == "scale"
    assert "src/program.cpp" in inspected["files"]


def test_damaged_package_is_found(graph, tmp_path):
    package = tmp_path / "scale"
    assert mintor("compile", graph, "-o", package, "--build").returncode == 0
    with open(package / "src" / "program.cpp", "a", encoding="utf-8") as source:
        source.write("// more\n")
    ended = mintor("verify", package)
    assert ended.returncode == 1
    assert "FAILED src/program.cpp" in ended.stdout


def test_verify_compares_every_level(graph):
    ended = mintor("verify", graph, "--compilers", "gcc,nosuchcompiler")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ok     evaluator r: same bits" in ended.stdout
    assert "jit reference threads 7" in ended.stdout
    assert "package by gcc" in ended.stdout
    assert "skip   package by nosuchcompiler: not found on PATH" in ended.stdout


def test_bench_and_analyze_for_machines(graph):
    bench = mintor("bench", graph, "--json", "--threads", "1,2", "--seconds", "0", "--no-peak",
                   "--profile")
    results = json.loads(bench.stdout)["results"]
    assert [result["threads"] for result in results] == [1, 2]
    assert all(result["median_ms"] > 0 and result["kernels"] for result in results)
    analyzed = json.loads(mintor("analyze", graph, "--json").stdout)
    assert analyzed["symbols"] == {"batch": 1}
    assert analyzed["flops"] == 8
    assert analyzed["inputs"] == [{"name": "x", "dtype": "f32", "shape": "[batch, 4]"}]


def test_doctor_names_what_is_here():
    ended = mintor("doctor", "--json")
    checks = {check["check"]: check for check in json.loads(ended.stdout)}
    assert ended.returncode == 0
    assert checks["level reference"]["ok"]


def test_opt_lists_rewrites():
    ended = mintor("opt", "--list")
    assert ended.returncode == 0
    assert "graph passes" in ended.stdout
    assert "  order " in ended.stdout


def test_json_of_every_command_that_reports(tmp_path, graph):
    def told(*arguments):
        ended = mintor(*arguments, "--json", cwd=graph.parent)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    compiled = told("compile", "scale.graph", "-o", "out", "--build")
    assert compiled["kernels"] == 1 and compiled["library_bytes"] > 1000
    assert (graph.parent / compiled["library"]).stat().st_size == compiled["library_bytes"]
    numpy.save(graph.parent / "x.npy", numpy.array([[1, -2, 3, numpy.nan]], numpy.float32))
    output, = told("run", "out", "--input", "x=x.npy", "--save", "y")["outputs"]
    assert (output["name"], output["dtype"], output["shape"]) == ("r", "f32", [1, 4])
    assert output["values"] == [1, 4, 9, None] and len(output["sha256"]) == 64
    verified = told("verify", "out")
    assert verified["compared"] == len(verified["comparisons"]) - sum(
        one["outcome"] == "skip" for one in verified["comparisons"]) > 0
    assert told("tune", "scale.graph", "--db", "records", "--budget", "0")["kernels"] >= 0
    ended = mintor("compile", "scale.graph", "--emit=graph", "--json", cwd=graph.parent)
    assert ended.returncode == 2 and "--json has no use beside --emit" in ended.stderr


def test_doctor_says_what_to_install(tmp_path):
    ended = mintor("doctor", "--json", env={"PATH": str(tmp_path), "HOME": str(tmp_path),
                                            "MINTOR_PYTHON": "/nowhere/python"})
    checks = {check["check"]: check for check in json.loads(ended.stdout)}
    assert checks["gcc"] == {"check": "gcc", "ok": False, "detail": "not found: builds packages",
                             "help": "apt install gcc"}
    assert checks["python"]["help"] == "apt install python3, or set MINTOR_PYTHON"
    assert checks["cache"]["ok"] and "made when it is needed" in checks["cache"]["detail"]
    assert not (tmp_path / ".cache").exists()
    ended = mintor("doctor", "--json", env={"PATH": str(tmp_path), "HOME": str(tmp_path),
                                            "MINTOR_CACHE_DIR": "/dev/null/cache"})
    checks = {check["check"]: check for check in json.loads(ended.stdout)}
    assert not checks["cache"]["ok"]
    assert checks["cache"]["detail"] == "'/dev/null/cache' cannot be made in '/dev/null'"
    (tmp_path / "gcc").write_text("#!/bin/sh\necho 'gcc (Debian 4.9.2-1) 4.9.2'\n")
    (tmp_path / "gcc").chmod(0o755)
    ended = mintor("doctor", env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)})
    assert "gcc (Debian 4.9.2-1) 4.9.2: 12 or later is needed" in ended.stdout
    assert "\x1b" not in ended.stdout
