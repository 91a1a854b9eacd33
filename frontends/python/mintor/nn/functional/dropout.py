# SPDX-License-Identifier: Apache-2.0
"""Dropout: zeros at random places while training, under PyTorch's names.

Takes probabilities as numbers of the run. Keeps true: places are drawn anew by a step that is
replayed; the global stream decides them (mt.manual_seed).
"""
import math

from mintor import arrays
from mintor import functions
from mintor import random
from mintor.nn.functional.common import in_place


def _drops(name, p):
    """Whether anything is dropped; where nothing is, no number is drawn (as PyTorch)."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is {p}, expected a probability")
    return p > 0


def _kept(x, shape, p):
    return random.rand(*shape, dtype=x.dtype if x.dtype == "float64" else "float32") >= p


def _dropped(name, x, shape, p, inplace):
    if not _drops(name, p):
        return x
    kept = _kept(x, shape, p)
    scale = 1 / (1 - p) if p < 1 else 0.0
    return in_place(x, functions.where(kept, x * scale, 0.0), inplace)


def dropout(x, p=0.5, training=True, inplace=False):
    """Each element 0 with the probability p, the others over 1 - p; x itself without training."""
    x = arrays.as_array(x)
    return _dropped("dropout", x, x.shape, p, inplace) if training else x


def _of_channels(rank):
    def dropped(x, p=0.5, training=True, inplace=False):
        x = arrays.as_array(x)
        if not training:
            return x
        whole = x.ndim - rank       # dimensions before those of space
        return _dropped(dropped.__name__, x, x.shape[:whole] + (1,) * rank, p, inplace)
    dropped.__name__ = dropped.__qualname__ = f"dropout{rank}d"
    dropped.__doc__ = "As dropout, of whole channels; x[N, C, D..]."
    return dropped


dropout1d, dropout2d, dropout3d = (_of_channels(rank) for rank in (1, 2, 3))


def _alpha(name, x, shape, p, inplace):
    """selu's value at minus infinity instead of 0; mean and variance stay."""
    low = -1.7580993408473766
    if not _drops(name, p):
        return x
    kept = _kept(x, shape, p)
    if p == 1:
        return in_place(x, arrays.zeros_like(x), inplace)
    a = 1 / math.sqrt((1 - p) * (1 + p * low * low))
    return in_place(x, functions.where(kept, x, low) * a - a * low * p, inplace)


def alpha_dropout(x, p=0.5, training=False, inplace=False):
    """Dropout that keeps the mean and variance of what selu gives."""
    x = arrays.as_array(x)
    return _alpha("alpha_dropout", x, x.shape, p, inplace) if training else x


def feature_alpha_dropout(x, p=0.5, training=False, inplace=False):
    """As alpha_dropout, of whole channels; x[N, C, ..]."""
    x = arrays.as_array(x)
    shape = x.shape[:2] + (1,) * (x.ndim - 2)
    return _alpha("feature_alpha_dropout", x, shape, p, inplace) if training else x


__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d",
           "feature_alpha_dropout"]
