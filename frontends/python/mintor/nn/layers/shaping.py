# SPDX-License-Identifier: Apache-2.0
"""Layers that move elements or measure vectors: shapes, pixels, windows, distances.

Takes options of functions; gives modules.
"""
from mintor import functions
from mintor.nn import functional
from mintor.nn.layers.function_layer import FunctionLayer
from mintor.nn.module import Module


def _flatten(x, start_dim=1, end_dim=-1):
    return functions.flatten(x, start_dim, end_dim)


class Flatten(FunctionLayer, function=_flatten):
    """Dimensions start_dim to end_dim as one."""


class Unflatten(Module):
    """One dimension as several."""

    def __init__(self, dim, unflattened_size):
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def execute(self, x):
        return functions.unflatten(x, self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Upsample(FunctionLayer, function=functional.interpolate, order=(
        "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")):
    """x[N, C, D..] with other sizes of space; see functional.interpolate."""


class UpsamplingNearest2d(FunctionLayer, function=functional.interpolate,
                          order=("size", "scale_factor")):
    """x[N, C, H, W] with other sizes, each pixel the nearest one."""


class UpsamplingBilinear2d(Module):
    """x[N, C, H, W] with other sizes, bilinear, corners on corners."""

    def __init__(self, size=None, scale_factor=None):
        self.size, self.scale_factor = size, scale_factor

    def execute(self, x):
        return functional.interpolate(x, self.size, self.scale_factor, "bilinear", True)


class PixelShuffle(FunctionLayer, function=functional.pixel_shuffle):
    """x[.., C * r * r, H, W] as [.., C, H * r, W * r]."""


class PixelUnshuffle(FunctionLayer, function=functional.pixel_unshuffle):
    """x[.., C, H * r, W * r] as [.., C * r * r, H, W]."""


class ChannelShuffle(FunctionLayer, function=functional.channel_shuffle):
    """Channels in groups, taken from each group in turn."""


class Unfold(FunctionLayer, function=functional.unfold):
    """The windows of x[N, C, H, W] as columns."""


class Fold(FunctionLayer, function=functional.fold):
    """Columns added up where their windows lie."""


class CosineSimilarity(FunctionLayer, function=functional.cosine_similarity, inputs=2):
    """The cosine of the angle between vectors along a dimension."""


class PairwiseDistance(FunctionLayer, function=functional.pairwise_distance, inputs=2):
    """The norm of the difference along the last dimension."""


__all__ = ["ChannelShuffle", "CosineSimilarity", "Flatten", "Fold", "PairwiseDistance",
           "PixelShuffle", "PixelUnshuffle", "Unflatten", "Unfold", "Upsample",
           "UpsamplingBilinear2d", "UpsamplingNearest2d"]
