# SPDX-License-Identifier: Apache-2.0
"""Wrong model files are refused by `mintor analyze` with exit status 1 and a message that says why.

Takes: hostile_models.py, and a right model with bytes changed at random (the seed is printed).
Keeps true: at most 2 GiB of address space, a few seconds, no signal, no exit status but 0 and 1.
"""

import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys

import hostile_models
import pytest

SECONDS = 20
ADDRESS_SPACE = 2 << 30
MUTANTS = 150


def mintor_program():
    beside = pathlib.Path(sys.executable).parent / "mintor"
    return os.environ.get("MINTOR") or str(beside if beside.exists() else shutil.which("mintor"))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def analyze(path):
    return subprocess.run(
        [mintor_program(), "analyze", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        preexec_fn=limit_memory,
    )


@pytest.mark.parametrize("name", hostile_models.HOSTILE)
def test_refused_with_a_reason(name, tmp_path):
    make, words = hostile_models.HOSTILE[name]
    folder = tmp_path / "model"
    folder.mkdir()
    result = analyze(make(folder))
    said = result.stderr + result.stdout
    if words is None and result.returncode == 0:
        return
    assert result.returncode == 1, f"status {result.returncode}: {said[-2000:]}"
    assert "error: " in said, said[-2000:]
    missing = [w for w in (words or "").split() if w not in said]
    assert not missing, f"the message lacks {missing}: {said[-2000:]}"


@pytest.mark.parametrize("start", ["x", "w"])
def test_a_deep_chain_is_no_recursion(start, tmp_path):
    """20,000 operators one behind the other, on a small stack."""
    nodes, value = [], start
    for i in range(20_000):
        nodes.append(hostile_models.node(("Neg", "Abs", "Sin")[i % 3], [value], [f"v{i}"]))
        value = f"v{i}"
    factors = [value, "w"] if start == "x" else ["x", value]
    nodes.append(hostile_models.node("MatMul", factors, ["y"]))
    initializer = hostile_models.tensor("w", 1, [3, 2], bytes(24))
    path = hostile_models.write(tmp_path, hostile_models.model(nodes, [initializer]))

    def limit():
        limit_memory()
        resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))

    ended = subprocess.run([mintor_program(), "compile", str(path), "--emit=program"], text=True,
                           capture_output=True, timeout=5 * SECONDS, preexec_fn=limit)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.startswith("program ")


def test_changed_bytes(tmp_path):
    """A right model with a few bytes changed is taken or refused, and never anything else."""
    small = hostile_models.model(
        [
            hostile_models.node("MatMul", ["x", "w"], ["a"]),
            hostile_models.node("Softmax", ["a"], ["b"], axis=-1),
            hostile_models.node("ReduceMean", ["b"], ["y"], axes=[1], keepdims=0),
        ],
        [hostile_models.tensor("w", 1, [3, 4], bytes(range(48)))],
    ).SerializeToString()
    assert analyze(hostile_models.write(tmp_path, small)).returncode == 0
    for seed in range(MUTANTS):
        rng = random.Random(seed)
        mutant = bytearray(small)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(mutant))
            mutant[at] = rng.choice((0, 1, 127, 128, 255, mutant[at] ^ 1 << rng.randrange(8)))
        result = analyze(hostile_models.write(tmp_path, bytes(mutant)))
        assert result.returncode in (0, 1), f"seed {seed}: status {result.returncode}"
