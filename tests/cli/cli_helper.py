# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: the command, and small graphs.

Takes arguments; gives the finished process with its texts. Keeps true: `mintor` is the one beside
this Python, or $MINTOR.
"""
import os
import pathlib
import subprocess
import sys

BESIDE = pathlib.Path(sys.executable).parent / "mintor"
MINTOR = os.environ.get("MINTOR", str(BESIDE))
ELEMENTWISE = """graph scale (batch: 1..32) {
  x = input f32[batch, 4]
  y = mul f32[batch, 4] (x, x)
  r = relu f32[batch, 4] (y)
  results r
}
"""
# Two kernels, and a constant whose bytes lie in a side file.
TABLE = """graph table {
  x = input f32[20]
  w = parameter f32[20] random 1
  y = mul f32[20] (x, w)
  s = reduce f32[] (y) add dims = [0] identity -0
  results y, s
}
"""
BRAIN_FLOATS = """graph brain {
  x = input bf16[2, 3]
  y = cast f32[2, 3] (x)
  z = add f32[2, 3] (y, y)
  r = cast bf16[2, 3] (z)
  results r
}
"""
# A run at any other rate than 16000 ends.
ONE_RATE = """graph one_rate {
  rate = input i64[]
  x = input f32[4]
  k = constant i64[] 16000
  c = eq bool[] (rate, k)
  y = if f32[4] (c, x) {
    graph then {
      x = input f32[4]
      y = neg f32[4] (x)
      results y
    }
    graph else {
      needs 0 == 1 @ "node 'slow' (LSTM): x has 5 dimensions"
      x = input f32[4]
      results x
    }
  }
  results y
}
"""
# What the evaluator takes and no kernel can be made of.
KEPT = """graph kept (n: 0..6) {
  x = input f32[6]
  m = signbit bool[6] (x)
  y = compact f32[n] (x, m) symbol n
  results y
}
"""


def mintor(*arguments, cwd=None, stdin=None, env=None):
    return subprocess.run([MINTOR, *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
                          input=stdin, env=env)


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path
