# SPDX-License-Identifier: Apache-2.0
"""Small models of every structure: errors, bits on every way, symbolic sizes, packages.

The same checks on the large models are commands: accuracy.py, bits.py, package_checks.py, times.py.
"""

import accuracy
import bits
import numpy as np
import package_checks
import pytest
import tools

TINY = ("tiny_resnet", "tiny_bottleneck", "tiny_mobilenet", "tiny_bert", "mlp")
BATCH_NORM = ("tiny_resnet", "tiny_bottleneck", "tiny_mobilenet")


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("variant", ["fixed", "dynamic", "batch_norm"])
@pytest.mark.parametrize("numerics", ["default", "strict"])
def test_error_against_f64(exported, name, variant, numerics):
    if variant == "batch_norm" and name not in BATCH_NORM:
        pytest.skip("this model has no batch norm")
    options = {"dynamic": variant == "dynamic", "keep_batch_norm": variant == "batch_norm"}
    definitions, _ = tools.zoo()
    path = exported(name, **options)
    ours, theirs, where = accuracy.measure(path, definitions.ZOO[name].output_names, numerics)
    # A kept batch norm is arithmetic of its own, which PyTorch folds away in no run either.
    assert ours <= accuracy.LIMIT * theirs, f"{ours:.2e} at {where}; PyTorch has {theirs:.2e}"


# What users get, on every model (with the batch norms that it folds into weights), and strict where
# that is another graph; as packages by one compiler or the other, of one model by both.
BITS = [(name, "default") for name in TINY] + [("tiny_resnet", "strict")]


@pytest.mark.parametrize(("name", "numerics"), BITS)
def test_same_bits_everywhere(exported, name, numerics, capsys):
    path = exported(name, keep_batch_norm=name in BATCH_NORM)
    names = [n for n in ("gcc", "clang-19") if n in tools.compilers()] or list(tools.compilers())
    if name != "tiny_bert":
        names = names[BITS.index((name, numerics)) % len(names):][:1]
    inputs = bits.load_inputs(path)
    lines = list(
        bits.all_lines(
            path, inputs, tools.LEVELS, tools.THREADS, names, numerics, with_evaluator=True
        )
    )
    with capsys.disabled():
        for level in sorted({x.level for x in lines if x.outputs is None}):
            print(f"\nskipped by name: level {level}, which this CPU lacks", end="")
    wrong = bits.differing(lines)
    assert not wrong, "\n".join(f"{x.way} {x.level} {x.threads} {x.host}: {w}" for x, w in wrong)
    ways = {x.way for x in lines if x.outputs is not None}
    assert ways == {"evaluator", "jit", *names}


SIZES = {
    "tiny_resnet": [{"batch": n} for n in (1, 3, 8)],
    "tiny_mobilenet": [{"batch": n} for n in (1, 5)],
    "mlp": [{"batch": n} for n in (1, 2, 14, 33)],
    "tiny_bert": [{"batch": b, "seq": s} for b, s in ((1, 1), (1, 17), (3, 32), (2, 77))],
}


@pytest.mark.parametrize("name", SIZES)
def test_symbolic_sizes(exported, name):
    """One compile, several sizes: each agrees with PyTorch."""
    import mintor
    import torch

    definitions, _ = tools.zoo()
    zoo = definitions.ZOO[name]
    net, _ = definitions.make(name)
    model = mintor.compile(str(exported(name, dynamic=True)), threads=2)
    for sizes in SIZES[name]:
        args = zoo.resized(**sizes)(torch.Generator().manual_seed(3))
        wanted = list(
            zip(definitions.run(net, args), definitions.run(net, args, torch.float64), strict=True)
        )
        inputs = {n: a.numpy() for n, a in zip(zoo.input_names, args, strict=True)}
        answers = model.run(inputs)
        ours, theirs, where = accuracy.compare([answers[n] for n in zoo.output_names], wanted)
        assert ours <= max(accuracy.LIMIT * theirs, 1e-6), f"{sizes}: {ours:.2e} at {where}"


def test_symbolic_package_equals_jit(exported, tmp_path):
    import mintor

    path = exported("tiny_bert", dynamic=True)
    inputs = bits.load_inputs(path)
    package = tools.compile_package(path, tmp_path, tools.LEVELS)
    library = tools.build_package(package, next(iter(tools.compilers())))
    level = [x for x in tools.LEVELS if tools.cpu_has(x)][-1]
    outputs, _ = tools.drive(library, inputs, tmp_path, "--level", level)
    model = mintor.compile(str(path), target=level, threads=1)
    want = list(model.run(inputs).values())
    assert not bits.first_difference(outputs, want)


def test_package_promises(exported, tmp_path):
    path = exported("tiny_resnet")
    inputs = bits.load_inputs(path)
    levels = [x for x in ("v3", "v4") if tools.cpu_has(x)] or ["reference"]
    names = list(tools.compilers())[:2]
    found = list(
        package_checks.guarded(package_checks.checks(path, inputs, levels, names, tmp_path))
    )
    wrong = [f"{name}: {what}" for name, what in found if what]
    assert not wrong, "\n".join(wrong)


def test_verify_says_where(exported, tmp_path):
    """`mintor verify` meets the stored case, prints the largest error, and can fail."""
    path = exported("tiny_resnet")
    stem = str(path).removesuffix(".onnx")
    package = tmp_path / "right"
    case = f"{stem}.in.npz,{stem}.out.npz"
    tools.mintor("compile", path, "-o", package, "--case", case, "--build")
    assert "largest error" in tools.mintor("verify", package)

    with np.load(stem + ".out.npz") as z:
        wrong = {k: v.copy() for k, v in z.items()}
    wrong["y"].flat[3] += 1.0
    np.savez(tmp_path / "wrong.npz", **wrong)
    package = tmp_path / "wrong"
    case = f"{stem}.in.npz,{tmp_path}/wrong.npz"
    tools.mintor("compile", path, "-o", package, "--case", case, "--build")
    with pytest.raises(tools.Failed, match=r"0, 3"):
        tools.mintor("verify", package)
