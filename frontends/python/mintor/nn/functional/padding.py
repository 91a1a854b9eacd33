# SPDX-License-Identifier: Apache-2.0
"""Padding, in PyTorch's order: the last dimension first.

Takes an array of any shape; gives one with other sizes and the same dtype.
"""
from mintor import _mintor
from mintor import arrays

_pad = _mintor.find_operator("pad")
_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(x, pad, mode="constant", value=None):  # pylint: disable=redefined-outer-name
    """x with pad = (before, after) of the last dimension, then of the one before it, and so on.

    `mode`: constant (`value`, 0 where not given), reflect (without the border), replicate or
    circular. Negative ones crop. ValueError where reflect or circular need more than x has.
    """
    x = arrays.as_array(x)
    given = [one.__index__() for one in pad]
    if len(given) % 2 or len(given) > 2 * x.ndim:
        raise ValueError(f"pad: {tuple(given)} for an array of {x.ndim} dimensions")
    if mode not in _MODES:
        raise ValueError(f"pad: there is no mode {mode!r}; one of {', '.join(_MODES)}")
    before, after = [0] * x.ndim, [0] * x.ndim
    for place in range(len(given) // 2):
        dim = x.ndim - 1 - place
        before[dim], after[dim] = given[2 * place:2 * place + 2]
        most = x.shape[dim] - (mode == "reflect")
        if mode in ("reflect", "circular") and max(before[dim], after[dim]) > most:
            raise ValueError(f"pad: {mode} takes at most {most} of dimension {dim} of shape "
                             f"{x.shape}, not {max(before[dim], after[dim])}")
    return _pad(x, before, after, _MODES[mode], float(value or 0))


__all__ = ["pad"]
