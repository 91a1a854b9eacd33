# SPDX-License-Identifier: Apache-2.0
"""What functions of layers share: one number or one a dimension, missing batch, results in place.

Takes arguments as PyTorch's callers write them; gives them in one form.
"""
from mintor import _mintor
from mintor import arrays
from mintor import functions


def each(value, rank, what="a size"):
    """`value` as a list of one integer a dimension. ValueError where there are too few or many."""
    if hasattr(value, "__index__"):
        return [value.__index__()] * rank
    made = [item.__index__() for item in value]
    if len(made) == 1:
        made *= rank
    if len(made) != rank:
        raise ValueError(f"{what} is {tuple(made)}, expected {rank} integers")
    return made


def with_batch(name, function, x, rank):
    """function(x) of x[N, C, D..] with that many spatial dimensions, or of x[C, D..]."""
    x = arrays.as_array(x)
    if x.ndim == rank + 2:
        return function(x)
    if x.ndim != rank + 1:
        raise ValueError(f"{name}: x has the shape {x.shape}, expected {rank + 2} dimensions "
                         f"(batch, channels, {rank} of space), or {rank + 1} without batch")
    return functions.squeeze(function(functions.unsqueeze(x, 0)), 0)


def in_place(x, made, inplace):
    """What was made; with `inplace` x itself, which gets that value."""
    if not inplace:
        return made
    _mintor.assign(x, made)
    return x
