# SPDX-License-Identifier: Apache-2.0
"""Damaged model files are refused with a reason, or compiled and right; never anything else.

Takes: the cases of the `onnx` package (tests/fuzz/corpus.py) and mintor_damaged_models, which says
what it holds each file to.
"""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAMAGED_MODELS = ROOT / "build" / "default" / "tests" / "mintor_damaged_models"
SEEDS = "1..150"
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))


@pytest.mark.skipif(not DAMAGED_MODELS.exists(), reason=f"{DAMAGED_MODELS.name} is not built")
def test_refused_or_right(tmp_path):
    import corpus

    corpus.write_models(tmp_path)
    ended = subprocess.run([DAMAGED_MODELS, tmp_path, SEEDS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counts = ended.stdout
    assert " refused" in counts and " bits equal" in counts  # the damage leaves some that run
