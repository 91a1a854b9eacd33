# SPDX-License-Identifier: Apache-2.0
"""Loops as exporters write them: what is run to find out how often, and what is refused in a run.

Takes: models in ONNX's text form. Keeps true: the values that such loops give are cases of
cases_exported.py.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import pytest

MINTOR = os.environ.get("MINTOR") or str(pathlib.Path(sys.executable).parent / "mintor")
COUNTED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[b,4] x, float[c,4] z, int64 n, float[4,4] w) => (float[t,b,4] y, float[d,4] s) {
  s = Add(x, z) go = Constant <value = bool {1}> () zero = Constant <value = int64 {0}> ()
  k, h, y = Loop (, go, zero, x) <body = r (int64 i, bool c, int64 k, float[b,4] v)
      => (bool d, int64 l, float[b,4] u, float[b,4] row) {
    one = Constant <value = int64 {1}> () l = Add(k, one) d = Less(l, n)
    u = MatMul(v, w) row = Neg(u) }> }"""

UNREAD = """<ir_version: 8, opset_import: ["" : 17]>
g (float[3] x, int64 m) => (float[3] y) {
  none = Constant <value = float {7}> ()
  y = Loop (m, , none) <body = b (int64 i, bool c, float[3] v) => (bool d, float[3] w) {
    d = Identity(c) w = Neg(x) }> }"""


def test_iterations_are_counted_by_what_the_condition_needs(tmp_path):
    """Also where conditions on sizes stand around the loop, which values carried by it have."""
    path = tmp_path / "model.onnx"
    onnx.save(onnx.parser.parse_model(COUNTED), path)
    words = [MINTOR, "compile", str(path), "--emit=graph", "--stop-after=inline_calls"]
    graph = subprocess.run(words, text=True, capture_output=True, check=True).stdout
    assert graph.count(" loop ") == 2
    assert graph.count(" contract ") == 1


def test_a_run_without_iterations_of_what_they_alone_shape():
    from mintor import backend

    model = backend.prepare(onnx.parser.parse_model(UNREAD), "CPU")
    x = np.array([1, 2, -4], np.float32)
    np.testing.assert_array_equal(model.run([x, np.int64(2)])[0], -x)
    with pytest.raises(Exception, match="iterations is 0.* at least 1"):
        model.run([x, np.int64(0)])


@pytest.mark.parametrize("side", [20, 14])
def test_many_channels_of_an_open_batch_are_scheduled(side, tmp_path):
    """Two parts of the columns are tasks; what divides by the batch is asked where there is one."""
    w = onnx.numpy_helper.from_array(np.ones((256, 256, 3, 3), np.float32), "w")
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g (float[b,256,{side},{side}] x) => (float[b,256,{side},{side}] y)
    {{ y = Conv <pads = [1,1,1,1]> (x, w) }}"""
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(w)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    words = [MINTOR, "compile", str(path), "--explain", "--target=v3", "-o", str(tmp_path / "out")]
    ended = subprocess.run(words, text=True, capture_output=True, check=True)
    said = ended.stdout + ended.stderr
    assert ": winograd: tiles" in said
    assert "generic_loops" not in said
