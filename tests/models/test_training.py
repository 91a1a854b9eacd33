# SPDX-License-Identifier: Apache-2.0
"""models/fashion_mnist, short: a small net on made-up images, trained by Python and by C++.

Takes the example's own files, with a C and a C++ compiler. Keeps true: what its README shows works;
steps of a training package ask for no memory; contexts that share parameters have no data race.
"""
import pathlib
import subprocess
import sys

import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / "models" / "fashion_mnist"
WARNINGS = ["-O1", "-Wall", "-Wextra", "-Werror"]
C, CPP = ["cc", "-std=c11", *WARNINGS], ["c++", "-std=c++17", *WARNINGS]


def write_idx(path, array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def python(*command):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What train.py leaves behind; a class of images has a bright row of its own."""
    folder, rng = tmp_path_factory.mktemp("fashion"), numpy.random.default_rng(0)
    for part, count in (("train", 640), ("t10k", 200)):
        labels = rng.integers(0, 10, count).astype("uint8")
        images = rng.integers(0, 100, (count, 28, 28)).astype("uint8")
        images[numpy.arange(count), 2 * labels.astype("int64") + 4] += 150
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    said = python(EXAMPLE / "train.py", folder, "--epochs", 3, "--batch", 16, "--width", 4,
                  "--steps", 6, "--expect", 0.8)
    assert said.count("accuracy") == 3
    return folder


def build(folder, output, compiler, *sources):
    package = folder / "trainer"
    library = package / "build" / "libtrainer.so"
    subprocess.run([*compiler, "-I", package / "include", *sources, "-o", output, library,
                    "-lm", "-lpthread", f"-Wl,-rpath,{library.parent}"], check=True)
    return output


def test_cpp_trains_with_the_bits_of_python(folder):
    program = build(folder, folder / "train", CPP, EXAMPLE / "train.cpp")
    said = subprocess.run([program, folder, "6", "16", "2"], capture_output=True, text=True,
                          check=True).stdout
    assert "hidden.weight has its bits" in said
    # 5 updates of all ten parameters, 50 of the last layer's two.
    assert "\n150 sums of gradients became their mean\n" in said
    library = (folder / "trainer/build/libtrainer.so").stat().st_size
    assert f"the library has {library // 1024} KB" in said and "memory at most " in said
    lines = said.splitlines()
    tuned = next(line for line in lines if line.startswith("right with tuned"))
    assert int(tuned.split()[3]) > 160
    assert "6 losses of C++ are those of Python, bit for bit" in python(
        EXAMPLE / "check.py", folder, "--width", 4)
    assert (folder / "loss.svg").read_text().startswith("<svg")
    losses = (folder / "losses_cpp.txt").read_text()
    (folder / "losses_cpp.txt").write_text(losses.replace("0x1.", "0x1.0", 1))
    wrong = subprocess.run([sys.executable, EXAMPLE / "check.py", folder, "--width", "4"],
                           capture_output=True, text=True)
    (folder / "losses_cpp.txt").write_text(losses)
    assert wrong.returncode == 1 and "losses differ from step 0" in wrong.stderr


def test_steps_ask_for_no_memory(folder):
    program = build(folder, folder / "steps", C, HERE / "steps.c", HERE / "count.c")
    said = subprocess.run([program, "allocations", folder / "trainer/weights/weights.bin"],
                          capture_output=True, text=True, check=True).stdout
    assert said == "0 allocations, 0 with a mask\n"


def test_contexts_that_share_have_no_data_race(folder):
    """Built apart, with ThreadSanitizer, which ends with another status where it sees one."""
    package, output = folder / "trainer", folder / "raced"
    subprocess.run(["make", "-s", "-j2", "-C", package, f"OUT={output}", "CFLAGS=-O1",
                    "CXXFLAGS=-O1", "EXTRA=-fsanitize=thread", f"{output}/libtrainer.a"],
                   check=True, capture_output=True)
    program = folder / "share"
    subprocess.run([*C, "-fsanitize=thread", "-I", package / "include",
                    HERE / "steps.c", HERE / "no_count.c", "-o", program,
                    output / "libtrainer.a", "-lm", "-lpthread", "-ldl"], check=True)
    said = subprocess.run([program, "share", package / "weights/weights.bin"],
                          capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout == "equal scores\n", said.stdout + said.stderr
