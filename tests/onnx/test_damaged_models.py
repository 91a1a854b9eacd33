# SPDX-License-Identifier: Apache-2.0
"""Damaged model files are refused with a reason, or compiled and right; damaged texts are refused,
or read back as they print; never anything else.

Takes: the cases of the `onnx` package and the golden files (tests/fuzz/corpus.py),
mintor_damaged_models and mintor_damaged_texts, which say what they hold each file to.
"""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build" / "default" / "tests"
DAMAGED_MODELS, DAMAGED_TEXTS = (PROGRAMS / f"mintor_damaged_{of}" for of in ("models", "texts"))
SEEDS, TEXT_SEEDS = "1..150", "1..50000"
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))


@pytest.mark.skipif(not DAMAGED_MODELS.exists(), reason=f"{DAMAGED_MODELS.name} is not built")
def test_refused_or_right(tmp_path):
    import corpus

    corpus.write_models(tmp_path)
    ended = subprocess.run([DAMAGED_MODELS, tmp_path, SEEDS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counts = ended.stdout
    assert " refused" in counts and " bits equal" in counts  # the damage leaves some that run


@pytest.mark.skipif(not DAMAGED_TEXTS.exists(), reason=f"{DAMAGED_TEXTS.name} is not built")
def test_texts_are_refused_or_read_back(tmp_path):
    import corpus

    corpus.write_texts(tmp_path, [])
    ended = subprocess.run([DAMAGED_TEXTS, tmp_path, TEXT_SEEDS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr + ended.stdout
