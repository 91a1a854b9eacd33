# SPDX-License-Identifier: Apache-2.0
"""verify with cases and compilers, packages damaged or replaced, outputs and bf16 in files.

Keeps true: a comparison that was asked for is made; nobody's files are removed.
"""
import json
import os
import shutil
import subprocess

import numpy
import pytest
from cli_helper import BRAIN_FLOATS, ELEMENTWISE, KEPT, ONE_RATE, TABLE, mintor, written

import mintor as mintor_module


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    place = tmp_path_factory.mktemp("packages")
    graph = written(place, "scale.graph", ELEMENTWISE)
    made = mintor("compile", graph, "-o", place / "scale", "--build")
    assert made.returncode == 0, made.stderr
    x = numpy.arange(8, dtype=numpy.float32).reshape(2, 4) - 3
    numpy.savez(place / "in.npz", x=x)
    numpy.savez(place / "out.npz", r=x * x)
    numpy.savez(place / "bad.npz", r=x * x + 1)
    return place / "scale"


@pytest.mark.parametrize("subject", ["scale", "scale.graph"])
def test_verify_compares_with_a_case(package, subject):
    place = package.parent
    good = mintor("verify", subject, "--case", "in.npz,out.npz", cwd=place)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "case r: same bits" in good.stdout
    bad = mintor("verify", subject, "--case", "in.npz,bad.npz", cwd=place)
    assert bad.returncode == 1
    assert "FAILED" in bad.stdout and "largest error 1 " in bad.stdout
    loose = mintor("verify", subject, "--case", "in.npz,bad.npz", "--tolerance", "1", cwd=place)
    assert loose.returncode == 0, loose.stdout


@pytest.mark.parametrize("inputs, outputs, message", [
    ({}, {}, "input 'x' is missing"),
    ({"x": (2, 4)}, {}, "output 'r' is missing"),
    ({"x": (2, 4), "z": (1,)}, {"r": (2, 4)}, "there is no input 'z'"),
    ({"x": (2, 4)}, {"r": (2, 4), "y": (2, 4)}, "there is no output 'y'"),
    ({"x": (2, 5)}, {"r": (2, 4)}, "input 'x' is f32[batch, 4], the case has f32[2, 5]"),
    ({"x": (2, 4)}, {"r": (8,)}, "output 'r' is f32[batch, 4], the case has f32[8]"),
])
def test_a_case_that_does_not_fit_is_refused(package, tmp_path, inputs, outputs, message):
    for name, arrays in (("in.npz", inputs), ("out.npz", outputs)):
        numpy.savez(tmp_path / name, **{key: numpy.zeros(shape, numpy.float32)
                                        for key, shape in arrays.items()})
    ended = mintor("compile", package.parent / "scale.graph", "-o", "made", "--case",
                   "in.npz,out.npz", cwd=tmp_path)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert not (tmp_path / "made").exists()


def test_weights_in_the_library_and_what_its_code_takes(tmp_path):
    graph = written(tmp_path, "table.graph", TABLE)
    made = mintor("compile", graph, "-o", tmp_path / "table", "--target", "reference,v3",
                  "--embed-weights", "--settable-parameters", "--build")
    assert made.returncode == 0, made.stderr
    shutil.rmtree(tmp_path / "table/weights")
    ended = mintor("run", tmp_path / "table", "--seed", "0")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(mintor("inspect", tmp_path / "table", "--json").stdout)
    assert told["manifest"]["embedded_weights"]
    assert sorted(told["library"]["code"]) == ["reference", "shared", "v3"]
    assert 0 < told["library"]["code"]["v3"] < told["library"]["bytes"]


def test_verify_fails_without_a_case(package, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(package, copy)
    fields = json.loads((copy / "manifest.json").read_text())
    del fields["cases"][0]["outputs"]["r"]
    (copy / "manifest.json").write_text(json.dumps(fields))
    ended = mintor("verify", copy)
    assert ended.returncode == 1 and "case0 r: the case does not have it" in ended.stdout
    (copy / "manifest.json").write_text(json.dumps({**fields, "cases": []}))
    ended = mintor("verify", copy)
    assert ended.returncode == 1 and "FAILED cases: the package has none" in ended.stdout
    numpy.savez(tmp_path / "none.npz")
    ended = mintor("verify", copy, "--case", f"{package.parent}/in.npz,{tmp_path}/none.npz")
    assert ended.returncode == 1 and "none.npz' holds no outputs" in ended.stdout
    ended = mintor("verify", copy, "--case", f"{package.parent}/in.npz,{package.parent}/out.npz")
    assert ended.returncode == 0, ended.stdout


# Its seeded case is one that a run takes, though small integers choose the branch that ends it.
def test_a_branch_that_cannot_be_ends_the_run(tmp_path):
    graph = written(tmp_path, "rate.graph", ONE_RATE)
    made = mintor("compile", graph, "-o", tmp_path / "rate", "--build")
    assert made.returncode == 0 and "no case" not in made.stderr, made.stderr
    assert mintor("verify", tmp_path / "rate").returncode == 0
    x = numpy.arange(4, dtype=numpy.float32)
    model = mintor_module.load(str(tmp_path / "rate"))
    assert (model.run({"rate": numpy.int64(16000), "x": x})["y"] == -x).all()
    for subject in (model, mintor_module.compile(str(graph))):
        with pytest.raises(mintor_module.CompileError) as ended:
            subject.run({"rate": numpy.int64(8000), "x": x})
        assert "node 'slow' (LSTM): x has 5 dimensions" in str(ended.value)
        assert "must be" not in str(ended.value)
    none = written(tmp_path, "none.graph",
                   ONE_RATE.replace("eq bool[]", "lt bool[]").replace("16000", "-5"))
    made = mintor("compile", none, "-o", tmp_path / "none")
    assert made.returncode == 0
    assert "the package has no case to verify 'forward' with" in made.stderr
    assert "node 'slow' (LSTM): x has 5 dimensions" in made.stderr


def test_a_flipped_bit_of_the_weights_is_found(tmp_path):
    made = mintor("compile", written(tmp_path, "table.graph", TABLE), "-o", "table", "--build",
                  "--target", "reference", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    package = tmp_path / "table"
    weights = package / "weights" / "weights.bin"
    assert mintor("verify", package).returncode == 0
    mintor_module.load(package, check=True)
    damaged = bytearray(weights.read_bytes())
    damaged[33] ^= 1
    weights.write_bytes(damaged)
    mintor_module.load(package)  # nobody asked
    with pytest.raises(mintor_module.CompileError, match="weights.bin: is damaged: the SHA-256"):
        mintor_module.load(package, check=True)
    ended = mintor("verify", package)
    assert ended.returncode == 1
    assert "FAILED weights/weights.bin: is missing or differs from the manifest" in ended.stdout
    assert "FAILED reference opens: " in ended.stdout and "is damaged" in ended.stdout
    by_make = subprocess.run(["make", "-s", "-C", package, "verify"], capture_output=True,
                             text=True, check=False)
    assert by_make.returncode != 0
    assert "weights.bin: is damaged: the SHA-256" in by_make.stderr


def test_verify_builds_a_package_with_other_compilers(package):
    before = sorted(os.listdir(package / "build"))
    ended = mintor("verify", package, "--compilers", "gcc,nosuchcompiler")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ok     by gcc v3 verify/case0 r: same bits" in ended.stdout
    assert "skip   package by nosuchcompiler: not found on PATH" in ended.stdout
    assert sorted(os.listdir(package / "build")) == before


def test_verify_takes_the_threads(package):
    ended = mintor("verify", package.parent / "scale.graph", "--threads", "5")
    assert ended.returncode == 0, ended.stdout
    assert "threads 5 r" in ended.stdout
    assert "threads 1" not in ended.stdout


@pytest.mark.parametrize("manifest, message", [
    ("{}", "cannot be used"),
    ("{", "cannot be used"),
    (None, "has format version 99"),
])
@pytest.mark.parametrize("command", ["run", "verify", "inspect", "bench"])
def test_damaged_manifest(package, tmp_path, command, manifest, message):
    copy = tmp_path / "copy"
    shutil.copytree(package, copy)
    if manifest is None:
        fields = json.loads((copy / "manifest.json").read_text())
        manifest = json.dumps({**fields, "format_version": 99})
    (copy / "manifest.json").write_text(manifest)
    ended = mintor(command, copy)
    assert ended.returncode == 1, ended
    assert "manifest.json" in ended.stderr and message in ended.stderr


def test_replacing_keeps_what_is_not_the_packages(package, tmp_path):
    copy = tmp_path / "scale"
    shutil.copytree(package, copy)
    graph = package.parent / "scale.graph"
    assert mintor("compile", graph, "-o", copy).returncode == 0
    (copy / "src" / "mine.cpp").write_text("int mine;\n")
    ended = mintor("compile", graph, "-o", copy)
    assert ended.returncode == 1
    assert "holds 'src/mine.cpp', which the package there does not list" in ended.stderr
    assert (copy / "src" / "mine.cpp").read_text() == "int mine;\n"


def test_a_link_stays_a_link(package, tmp_path):
    graph = package.parent / "scale.graph"
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    ended = mintor("compile", graph, "-o", link)
    assert ended.returncode == 0, ended.stderr
    assert link.is_symlink()
    assert (tmp_path / "real" / "manifest.json").is_file()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    ended = mintor("compile", graph, "-o", tmp_path / "lost")
    assert ended.returncode == 1
    assert "is a link that leads nowhere" in ended.stderr


def test_outputs_with_slashes_have_files_of_their_own(tmp_path):
    text = ELEMENTWISE.replace("results r", 'results "a/1" = r, "b/1" = y, "../c" = x')
    ended = mintor("run", written(tmp_path, "names.graph", text), "--seed", "0", "--save",
                   tmp_path / "out" / "deep")
    assert ended.returncode == 0, ended.stderr
    assert sorted(os.listdir(tmp_path / "out" / "deep")) == [
        "%2E.%2Fc.npy", "a%2F1.npy", "b%2F1.npy"]
    assert "output 'a/1' is in a%2F1.npy" in ended.stderr


def test_bf16_files(tmp_path):
    graph = written(tmp_path, "brain.graph", BRAIN_FLOATS)
    bits = (numpy.arange(6, dtype=numpy.float32).reshape(2, 3).view(numpy.uint32) >> 16)
    bits = bits.astype(numpy.uint16)
    twice = ((2 * numpy.arange(6, dtype=numpy.float32)).view(numpy.uint32) >> 16).reshape(2, 3)
    numpy.save(tmp_path / "bits.npy", bits)
    numpy.save(tmp_path / "void.npy", bits.view("V2"))
    for name in ("bits", "void"):
        ended = mintor("run", graph, "--input", f"x={name}.npy", "--save", name, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        saved = numpy.load(tmp_path / name / "r.npy")
        assert saved.dtype.str == "|V2"
        numpy.testing.assert_array_equal(saved.view(numpy.uint16), twice)
    again = mintor("run", graph, "--input", "x=void/r.npy", cwd=tmp_path)
    assert again.stdout == "r bf16[2, 3] 0 4 8 12 16 20\n", again.stderr
    numpy.savez(tmp_path / "in.npz", x=bits)
    numpy.savez(tmp_path / "out.npz", r=twice.astype(numpy.uint16))
    assert mintor("verify", graph, "--case", "in.npz,out.npz", cwd=tmp_path).returncode == 0
    made = mintor("compile", graph, "-o", "brain", "--build", "--case", "in.npz,out.npz",
                  cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    verified = mintor("verify", "brain", cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_what_does_not_compile_is_evaluated(tmp_path):
    graph = written(tmp_path, "kept.graph", KEPT)
    numpy.save(tmp_path / "x.npy", numpy.array([3, 1, 2, -1, 0, 5], numpy.float32))
    for command in ("run", "verify"):
        ended = mintor(command, graph, "--input", f"x={tmp_path}/x.npy")
        assert ended.returncode == 1
        assert "reference evaluator: mintor run MODEL --evaluate" in ended.stderr
    ended = mintor("run", graph, "--input", f"x={tmp_path}/x.npy", "--evaluate")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "y f32[1] -1\n"


def test_evaluation_shows_updates(tmp_path):
    graph = written(tmp_path, "step.graph", """graph step {
  x = input f32[2]
  w = parameter f32[2] random 1
  z = sub f32[2] (x, x)
  results z
  updates w := z
}
""")
    ended = mintor("run", graph, "--seed", "0", "--evaluate")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "z f32[2] 0 0\nupdate w f32[2] 0 0\n"



def test_a_model_of_several_entries(tmp_path):
    model = written(tmp_path, "count.graph", """graph forward {
  x = input f32[4]
  w = parameter f32[4] {1, 2, 3, 4}
  y = mul f32[4] (x, w)
  results y
}
graph step {
  g = input f32[4]
  w = parameter f32[4] {1, 2, 3, 4}
  z = sub f32[4] (w, g)
  results z
  updates w := z
}
""")
    package = tmp_path / "count"
    made = mintor("compile", model, "-o", package, "--build")
    assert made.returncode == 0, made.stderr
    verified = mintor("verify", package)
    assert verified.returncode == 0, verified.stdout
    assert "case0 y: same bits" in verified.stdout and "case1 z: same bits" in verified.stdout
    manifest = json.loads((package / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["entries"]] == ["forward", "step"]
    assert [case["entry"] for case in manifest["cases"]] == ["forward", "step"]
    numpy.save(tmp_path / "g.npy", numpy.ones(4, numpy.float32))
    for subject in (package, model):
        for more in ([], ["--evaluate"] if subject == model else []):
            ran = mintor("run", subject, "--entry", "step", "--input",
                         f"g={tmp_path / 'g.npy'}", *more)
            assert ran.stdout.startswith("z f32[4] 0 1 2 3"), ran.stdout + ran.stderr
        wrong = mintor("run", subject, "--entry", "stop", "--seed", 0)
        assert wrong.returncode == 1 and "did you mean 'step'?" in wrong.stderr, wrong.stderr
    alone = mintor("bench", model)
    assert alone.returncode == 1 and "has 2 entries, one is expected here" in alone.stderr


@pytest.mark.parametrize("command", ["run", "verify", "inspect", "bench"])
def test_a_folder_that_is_no_package(tmp_path, command):
    ended = mintor(command, tmp_path)
    assert ended.returncode == 1
    assert "is no package: it has no manifest.json" in ended.stderr
