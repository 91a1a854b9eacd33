# SPDX-License-Identifier: Apache-2.0
"""Bags of rows of a table, under PyTorch's names.

Takes places and where each bag begins; gives one vector a bag. Keeps true: where bags begin are
numbers of the run, so that other ones compile nothing.
"""
import math

from mintor import arrays
from mintor import functions
from mintor.nn.functional.linear import embedding


def _bags(x, offsets):
    """Of each place of x which bag it is in."""
    begun = arrays.arange(x.shape[0])[:, None] >= offsets[None, :]
    return functions.sum(begun, 1) - 1


# pylint: disable-next=too-many-arguments
def embedding_bag(x, weight, offsets=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
                  mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False,
                  padding_idx=None):
    """The sum, mean or largest values of rows of weight[num, dim], a vector a bag.

    x[bags, places], or x[places] with offsets[bags], where each bag begins. Rows of padding_idx do
    not count; a bag of none gives 0. per_sample_weights, in the shape of x, for mode="sum" alone.
    ValueError for other arguments.
    """
    x, weight = arrays.as_array(x), arrays.as_array(weight)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode is 'sum', 'mean' or 'max', not {mode!r}")
    if per_sample_weights is not None and mode != "sum":
        raise ValueError("embedding_bag: per_sample_weights need mode='sum'")
    if x.ndim != (2 if offsets is None else 1):
        raise ValueError(f"embedding_bag: x has the shape {x.shape}, expected [bags, places], or "
                         "[places] with offsets")
    rows = embedding(x, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        rows = rows * functions.unsqueeze(per_sample_weights, -1)
    counts = arrays.ones(x.shape, dtype=bool) if padding_idx is None else \
        x != padding_idx % weight.shape[0]
    rows = functions.where(functions.unsqueeze(counts, -1), rows,
                           -math.inf if mode == "max" else 0.0)
    counts = arrays.cast(counts, rows.dtype)
    if offsets is None:
        number = functions.sum(counts, 1, keepdims=True)
        made = functions.max(rows, 1) if mode == "max" else functions.sum(rows, 1)
    else:
        offsets = arrays.as_array(offsets)
        offsets = offsets[:-1] if include_last_offset else offsets
        bag = _bags(x, offsets)
        whole = functions.broadcast_to(functions.unsqueeze(bag, -1), rows.shape)
        number = functions.unsqueeze(functions.scatter(
            arrays.zeros(offsets.shape, dtype=rows.dtype), 0, bag, counts, "sum"), -1)
        first = arrays.full((offsets.shape[0], rows.shape[1]), -math.inf if mode == "max" else 0.0,
                            rows.dtype)
        made = functions.scatter(first, 0, whole, rows, "amax" if mode == "max" else "sum")
    if mode == "mean":
        return made / functions.maximum(number, 1.0)
    return functions.where(number == 0, 0.0, made)


__all__ = ["embedding_bag"]
