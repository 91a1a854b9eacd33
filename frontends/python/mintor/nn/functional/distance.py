# SPDX-License-Identifier: Apache-2.0
"""Distances and similarities of vectors, under PyTorch's names.

Takes two arrays that broadcast; gives one without the dimension of the vectors.
"""
from mintor import arrays
from mintor import functions


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between vectors along a dimension; norms are at least eps."""
    x1, x2 = arrays.as_array(x1), arrays.as_array(x2)
    norms = [functions.maximum(functions.norm(x, 2, dim, keepdims=True), eps) for x in (x1, x2)]
    return functions.sum(x1 / norms[0] * (x2 / norms[1]), dim)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return functions.norm(arrays.as_array(x1) - x2 + eps, p, -1, keepdims=keepdim)


__all__ = ["cosine_similarity", "pairwise_distance"]
