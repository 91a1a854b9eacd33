# SPDX-License-Identifier: Apache-2.0
"""Packages for other machines than this one, small ones, and bare ones.

Takes cross compilers and qemu's user mode (.ci/setup). Keeps true: every package carries outputs of
this machine's own level, which are to be met bit for bit wherever it is built for.
"""
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import onnx.parser
import pytest
from onnx import numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MINTOR = os.environ.get("MINTOR", str(pathlib.Path(sys.executable).parent / "mintor"))
STRICT = "WARN=-Wall -Wextra -Werror"
MODELS = {
    "convolution": ("float[1, 3, 10, 10] x", """
        c = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w3x3, w8)
        r = Relu (c)
        p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]> (r)
        f = Flatten (p)
        y = MatMul (f, w200x10)"""),
    "lstm": ("float[5, 2, 8] x", """
        o, h, y = LSTM<hidden_size = 12, direction = "bidirectional"> (x, w2x48x8, w2x48x12)"""),
    "transformer": ("float[2, 7, 16] x", """
        q = MatMul (x, w16x16)
        k = MatMul (x, v16x16)
        t = Transpose<perm = [0, 2, 1]> (k)
        s = MatMul (q, t)
        a = Softmax<axis = -1> (s)
        c = MatMul (a, x)
        d = Add (c, x)
        n = LayerNormalization<axis = -1> (d, v16, u16)
        m = MatMul (n, w16x40)
        e = Erf (m)
        g = Mul (m, e)
        l = MatMul (g, w40x16)
        y = Add (l, n)"""),
    "quantised": ("float[3, 64] x", """
        b, scale, zero = DynamicQuantizeLinear (x)
        i = MatMulInteger (b, i64x24, zero)
        y = Cast<to = 1> (i)"""),
}
WEIGHTS = {"w3x3": (8, 3, 3, 3), "w8": (8,), "w200x10": (200, 10), "w2x48x8": (2, 48, 8),
           "w2x48x12": (2, 48, 12), "w16x16": (16, 16), "v16x16": (16, 16), "v16": (16,),
           "u16": (16,), "w16x40": (16, 40), "w40x16": (40, 16), "i64x24": (64, 24)}


def run(*command, cwd=None, **variables):
    """What it prints; fails the test when the command does."""
    ended = subprocess.run([str(part) for part in command], cwd=cwd, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env={**os.environ, **variables})
    assert ended.returncode == 0, " ".join(map(str, command)) + "\n" + ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A function: the package of a model for some levels, written and not built."""
    place = tmp_path_factory.mktemp("edge")

    def written(name, target, *options):
        path = place / f"{name}.onnx"
        if not path.exists():
            declared, text = MODELS[name]
            model = onnx.parser.parse_model(
                f'<ir_version: 8, opset_import: ["": 17]> {name} ({declared}) => (float[*] y) '
                f"{{{text}\n}}".replace("float[*]", "float"))
            random = numpy.random.default_rng(1)
            for weight, shape in WEIGHTS.items():
                if weight in text:
                    values = random.standard_normal(shape, numpy.float32) / 4
                    values = (values * 100).astype(numpy.int8) if weight[0] == "i" else values
                    model.graph.initializer.append(numpy_helper.from_array(values, weight))
            onnx.save(model, path)
        folder = place / f"{name}_{target}{''.join(options)}".replace("-", "_").replace(",", "_")
        if not folder.exists():
            run(MINTOR, "compile", path, "-o", folder, "--target", target, *options)
        return folder

    return written


def built(folder, out, *settings):
    run("make", "-s", f"-j{os.cpu_count()}", f"OUT={out}", STRICT, *settings, f"{out}/verify",
        cwd=folder)
    return folder / out


def verified(folder, out, *settings):
    """Builds and runs the package's own cases, which are to be equal."""
    built(folder, out, *settings)
    said = run("make", "-s", f"OUT={out}", STRICT, *settings, "verify", cwd=folder)
    assert "largest error 0 " in said and "ok" in said, said


def emulated(machine, *options):
    return " ".join([f"RUN=qemu-{machine} -L /usr/{machine}-linux-gnu", *options])


def compiled_by(cc, cxx, *settings):
    return [f"CC={cc}", f"CXX={cxx}", *settings]


@pytest.mark.parametrize("name", list(MODELS))
def test_neon_has_the_bits_of_x86(package, name):
    target = "neon,neon-dot" if name == "quantised" else "neon"
    verified(package(name, target), "build", emulated("aarch64"))


@pytest.mark.parametrize("name", list(MODELS))
def test_rvv_has_the_bits_of_x86(package, name):
    """One library, whatever the length of the CPU's registers."""
    clang = compiled_by("clang-19 --target=riscv64-linux-gnu",
                        "clang++-19 --target=riscv64-linux-gnu", "AR=riscv64-linux-gnu-ar")
    folder = package(name, "rvv")
    for length in (128, 512):
        verified(folder, "build", *clang,
                 emulated("riscv64", f"-cpu rv64,v=true,vlen={length}"))
    disassembled = run("llvm-objdump-19", "-d", "--mattr=+v", folder / "build/src_kernels_rvv.o")
    if name in ("convolution", "transformer"):
        assert "vfmacc.vf" in disassembled and "fmadd.s" not in disassembled
    ended = subprocess.run(["make", "-s", emulated("riscv64"), *clang, "verify"], cwd=folder,
                           text=True, capture_output=True)
    assert ended.returncode != 0 and "rvv" in ended.stdout + ended.stderr  # a CPU without vectors


def test_rvv_without_a_compiler_that_has_it(package):
    """gcc 12 makes plain code of the same text."""
    verified(package("transformer", "rvv"), "gcc", emulated("riscv64", "-cpu rv64,v=true"))


def test_both_levels_of_aarch64(package):
    """The lower one is taken where the CPU has no dot product; both have the same bits."""
    folder = package("quantised", "neon,neon-dot")
    for cpu, level in (("cortex-a53", "neon"), ("max", "neon-dot")):
        said = run("make", "-s", f"{emulated('aarch64')} -cpu {cpu}", "verify", cwd=folder)
        assert f"at level {level}: ok" in said, said


def test_the_compiler_builds_for_another_machine(package):
    folder = package("convolution", "neon")
    assert json.loads((folder / "manifest.json").read_text())["machine"] == "aarch64"
    ended = subprocess.run([MINTOR, "compile", folder.parent / "convolution.onnx", "-o",
                            folder.parent / "cross", "--target", "neon", "--build"],
                           text=True, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    library = (folder.parent / "cross" / "build" / "libcross.so").read_bytes()
    assert library[:4] == b"\x7fELF" and library[18] == 183  # EM_AARCH64


def test_what_another_machine_cannot(package, tmp_path):
    path = package("convolution", "neon").parent / "convolution.onnx"
    for arguments, message in (
            (["run", path, "--seed", "0", "--target", "neon"],
             "level 'neon' is for aarch64, this machine is x86_64"),
            (["compile", path, "-o", tmp_path / "two", "--target", "v3,neon"],
             "'neon' is a level of aarch64, 'v3' one of x86_64"),
            (["compile", path, "-o", tmp_path / "one", "--target", "neon", "--build",
              "--compiler", "powerpc-linux-gnu-gcc"],
             "install aarch64-linux-gnu-gcc (Debian: g++-aarch64-linux-gnu), or set CC")):
        ended = subprocess.run([MINTOR, *map(str, arguments)], text=True, capture_output=True)
        assert ended.returncode == 1 and message in ended.stderr, ended.stderr


PORTS = {
    "riscv64": [*compiled_by("riscv64-linux-gnu-gcc", "riscv64-linux-gnu-g++",
                             "AR=riscv64-linux-gnu-ar"), emulated("riscv64")],
    # The package that brings asm/ for both (gcc-multilib) excludes Debian's cross compilers.
    "x86_32": ["EXTRA=-m32 -msse2 -mfpmath=sse -idirafter /usr/include/x86_64-linux-gnu"],
}


@pytest.mark.parametrize("port", list(PORTS))
def test_reference_runs_anywhere(package, port):
    verified(package("transformer", "reference"), port, *PORTS[port])


def built_by_cmake(folder, out, cc, cxx):
    run("cmake", "-S", folder, "-B", folder / out, f"-DCMAKE_C_COMPILER={cc}",
        f"-DCMAKE_CXX_COMPILER={cxx}")
    run("cmake", "--build", folder / out, "-j", os.cpu_count(), "--target", "verify")


def libraries_of(library):
    said = run("readelf", "-d", library)
    return {line.split("[")[1][:-1] for line in said.splitlines() if "(NEEDED)" in line}


def test_musl(package):
    """Debian's compiler for musl has no C++ library, not even headers of one: none is needed."""
    folder = package("transformer", "v3")
    verified(folder, "musl", *compiled_by("musl-gcc", "musl-gcc"))
    assert libraries_of(folder / "musl" / f"lib{folder.name}.so") == {"libc.so"}
    built_by_cmake(folder, "musl_cmake", "musl-gcc", "musl-gcc")
    verified(package("convolution", "reference"), "musl_2", "THREADS=2",
             *compiled_by("musl-gcc", "musl-gcc"))


ZIG = shutil.which("zig") or (importlib.util.find_spec("ziglang") and "ziglang")


@pytest.mark.skipif(not ZIG, reason="no zig here; pip install ziglang brings it (80 MB)")
def test_zig(package):
    """A clang newer than Debian's, with headers and libraries of its own."""
    zig = ZIG if ZIG != "ziglang" else f"{sys.executable} -m ziglang"
    verified(package("transformer", "v3,v4"), "zig",
             *compiled_by(f"{zig} cc", f"{zig} c++", f"AR={zig} ar"))


def test_small_packages(package):
    """Less code, equal bits; nothing but the package's functions is exported."""
    small, large = package("transformer", "v3", "--size"), package("transformer", "v3")
    kernels = []
    for folder in (small, large):
        verified(folder, "build")
        library = folder / "build" / f"lib{folder.name}.so"
        said = run("size", folder / "build" / "src_kernels_v3.o")
        kernels.append(int(said.splitlines()[1].split()[0]))
        exported = run("nm", "-D", "--defined-only", library)
        assert all(line.split()[-1].startswith(folder.name) for line in exported.splitlines())
    assert kernels[0] < 0.5 * kernels[1], kernels
    ended = subprocess.run([MINTOR, "compile", small.parent / "transformer.onnx", "-o", small,
                            "--target", "v3,v4", "--size"], text=True, capture_output=True)
    assert ended.returncode == 2 and "--size is for one level" in ended.stderr


def test_bare_machine(package):
    """open, context_create and run, linked against memcpy and memset and nothing else."""
    folder = package("convolution", "reference")
    for role in ("in", "out"):
        [array] = (folder / "verify" / "case0").glob(f"{role}_0_*.npy")
        (folder / f"{role}.bin").write_bytes(numpy.load(array).tobytes())
    run("make", "-s", f"-j{os.cpu_count()}", "OUT=bare", STRICT, "EXTRA=-ffreestanding",
        f"bare/lib{folder.name}.a", cwd=folder)
    shutil.copy(HERE / "bare_main.c", folder)
    run("gcc", "-O1", "-ffreestanding", "-nostdlib", "-static", "-Wl,--gc-sections",
        "-fno-tree-loop-distribute-patterns", "-Iinclude", f"-DNAME={folder.name}",
        f'-DHEADER="{folder.name}.h"', "bare_main.c", f"bare/lib{folder.name}.a", "-o", "bare/main",
        cwd=folder)
    run(folder / "bare" / "main")


def test_magika_is_small(tmp_path):
    """A trained model of 3 MB of weights: the library that runs it has less than 80 kB."""
    cache = ROOT / "build" / "demo"
    run(sys.executable, ROOT / "models/fetch.py", "--cache", cache, "--only", "magika", cwd=ROOT)
    run(MINTOR, "compile", cache / "models/magika/model.onnx", "-o", tmp_path / "magika",
        "--target", "v3", "--size", "--build")
    assert (tmp_path / "magika/build/libmagika.so").stat().st_size < 80_000
