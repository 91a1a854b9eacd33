# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of scaling.py, and scaling.c on a package.

Takes a row that is made up, and a model of one product. Keeps true: ratios are of one round, the
median counts; a model of little work is not judged; the program gives a rate for each way and
round, with inputs by name.
"""
import argparse
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers  # noqa: E402
import scaling  # noqa: E402

ROW = {"model": "m", "gflop": 2.0, "threads": 2, "thread": [10, 20, 10], "pool": [19, 20, 19],
       "parallel_for": [15, 30, 18], "context": [10, 10, 10], "contexts": [20, 19, 18],
       "multiply_adds": [50, 50, 50], "multiply_adds_beside": [100, 99, 80],
       "reads": [8, 8, 8], "reads_beside": [10, 11, 12]}
DENSE = """graph dense () {
  x = input      f32[64, 256]
  w = parameter  f32[256, 128] random 1
  y = contract   f32[64, 128] (x, w)  m = 64, n = 128, k = 256 | x[m, k] y[k, n]
  results y
}
"""


def test_ratios_are_medians_over_rounds():
    assert scaling.ratio(ROW, "pool") == pytest.approx(1.9)
    assert scaling.misses(ROW) == ["parallel_for"]
    assert scaling.misses({**ROW, "gflop": 0.5}) == []
    assert scaling.misses({**ROW, "contexts": [18, 18, 18]}) == ["parallel_for", "contexts"]


def test_table():
    text = scaling.markdown({**peers.facts(), "rows": [ROW]})
    assert ("| m | 2 | 2 | 100 | 52.63 | 1.90, 1.00 | 1.50, 1.50 | 1.90, 2.00 | 1.98, 2.00 | "
            "1.38, 1.50 | parallel_for |") in text


def test_rates_of_a_package(tmp_path):
    text = tmp_path / "dense.graph"
    text.write_text(DENSE, encoding="utf-8")
    subprocess.run([pathlib.Path(sys.executable).parent / "mintor", "compile", text, "-o",
                    tmp_path / "dense", "--build", "--target", "native"], check=True)
    case = types.SimpleNamespace(name="dense", inputs={"x": np.ones((64, 256), np.float32)})
    arguments = argparse.Namespace(kept=tmp_path, threads=2, rounds=2, seconds=0.01)
    row = scaling.measured(scaling.program(tmp_path), case, arguments)
    assert row["threads"] == 2
    for way in {*scaling.RATIOS, *scaling.RATIOS.values()}:
        assert len(row[way]) == 2 and min(row[way]) > 0, way
