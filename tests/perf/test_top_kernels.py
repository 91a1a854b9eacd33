# SPDX-License-Identifier: Apache-2.0
"""What top_kernels.py flags.

Takes results that are made up; keeps true: a contraction is slow where it counts and is far from
both bounds.
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import top_kernels  # noqa: E402

KERNEL = {"kernel": "k", "launches": 1, "ms": 1.0, "share": 0.5, "contraction": True,
          "share_of_peak": 0.8, "share_of_bandwidth": 0.1, "bound": "arithmetic"}


@pytest.mark.parametrize("change, counted, slow", [
    ({}, 1, 1), ({"share_of_peak": 0.86}, 1, 0), ({"share_of_bandwidth": 0.81}, 1, 0),
    ({"share": 0.02}, 0, 0), ({"contraction": False}, 0, 0)])
def test_slow_contractions(change, counted, slow):
    kernel = {**KERNEL, **change}
    result = {"level": "v4", "threads": 1, "median_ms": 2.0, "kernels_share": 0.97,
              "kernels": [kernel]}
    assert top_kernels.is_slow(kernel) == slow
    text = top_kernels.markdown({"m": result}, 10)
    assert ("| slow |" in text) == slow
    assert f"| m | 2 | 97.0 % | {counted} | {slow} |" in text
    assert "(off)" not in text
    assert "(off)" in top_kernels.markdown({"m": {**result, "kernels_share": 0.9}}, 10)


def test_a_kernel_without_known_work_is_not_judged():
    kernel = {k: KERNEL[k] for k in ("kernel", "launches", "ms", "share")}
    assert not top_kernels.is_slow(kernel)
