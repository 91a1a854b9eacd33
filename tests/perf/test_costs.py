# SPDX-License-Identifier: Apache-2.0
"""What costs.py says of figures, and its own measurement of a call.

Takes rows that are made up. Keeps true: each limit is of the models that have one, an engine that
is compared with is not judged.
"""
import argparse
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import costs  # noqa: E402


def engine(seconds=1.0, peak=500.0, anonymous=100.0):
    return {"seconds": seconds, "peak_mib": peak, "anonymous_mib": anonymous, "error": 0}


@pytest.mark.parametrize(("name", "ours", "arena", "missed"), [
    ("resnet50", engine(), 1.0, []),
    ("resnet50", engine(seconds=13), 1.0, ["mintor: 13 s, below 12 is wanted"]),
    ("resnet50", engine(peak=1100), 1.0, ["mintor: 1100 MiB, below 1024 is wanted"]),
    ("resnet50", engine(anonymous=300), 1.0, ["mintor: keeps more than ONNX Runtime"]),
    ("another", engine(seconds=100, peak=9000, anonymous=300), 1.0, []),
    ("another", engine(), 1.2, ["arena 1.200 of its lower bound"])])
def test_limits(name, ours, arena, missed):
    row = {"arena": arena, "engines": {"mintor": ours, "onnxruntime": engine(100, 9000, 200)}}
    assert costs.misses(name, row) == missed
    report = {"models": {name: row}, "call_us": 2.5, "abi_us": 0.5}
    assert costs.markdown(report).count("| onnxruntime |") == 1


def test_a_call_is_measured():
    mintor = pathlib.Path(sys.executable).parent / "mintor"
    call, abi = costs.call_microseconds(argparse.Namespace(mintor=str(mintor)))
    assert 0 < abi < call < 1000
