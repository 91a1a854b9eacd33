# SPDX-License-Identifier: Apache-2.0
"""Values of a random ONNX model, and the case that a model becomes.

Takes: arrays, one for each run of the model. Gives: `Value`, with how sure it is and samples of
what is only near; `Case`. Keeps true: the arrays of a value have one dtype and rank.
"""

import math
from dataclasses import dataclass

import numpy as np

F64, F32, F16 = (np.dtype(d) for d in ("float64", "float32", "float16"))
I64, I32, U8, BOOL = (np.dtype(d) for d in ("int64", "int32", "uint8", "bool"))
FLOATS, INTS = (F32, F32, F16, F64), (I64, I32, U8)
# How sure a value is. moves: the very bits of operands. exact: rounded once from exact operands,
# the same everywhere but for the sign of zeros. sums: exact where whole numbers are summed that
# fit, else near. near: within a tolerance.
MOVES, EXACT, SUMS, NEAR = range(4)


@dataclass
class Value:
    """A value at every size: `data[s]`; `samples[s]` are there when it is only near."""

    name: str
    dtype: np.dtype
    data: list
    sure: int = MOVES
    samples: list | None = None
    constant: bool = False
    naming: int = 0  # of an input's sizes: 0 by symbol, 1 without a name, 2 by names of its own

    @property
    def rank(self):
        return self.data[0].ndim

    @property
    def dims(self):
        """Per dimension its sizes, one for each run."""
        return [tuple(a.shape[d] for a in self.data) for d in range(self.rank)]

    def sample(self, s, i):
        return self.samples[s][i] if self.samples else self.data[s].astype(np.float64)

    def exact(self):
        return self.sure <= EXACT

    def is_float(self):
        return self.dtype.kind == "f"

    def finite(self):
        return all(np.isfinite(a).all() for a in self.data) if self.is_float() else True

    def largest(self):
        """The largest magnitude, at least 1; inf when some are not whole or not finite."""
        most = 1.0
        for a in self.data:
            a = a.astype(np.float64)
            if not (np.isfinite(a).all() and (a == np.rint(a)).all()):
                return math.inf
            most = max(most, np.abs(a).max(initial=0))
        return most


@dataclass
class Case:
    """`runs[s]`: inputs; `wants[s]`: per output the array and its tolerance, None: exact, with
    the bits of zeros when `bits` says so."""

    name: str
    model: bytes
    runs: list
    wants: list
    bits: list
