# SPDX-License-Identifier: Apache-2.0
"""Changing the number of pixels, under PyTorch's names.

Takes x[N, C, D..]; gives the same kind. Keeps true: positions are found as PyTorch finds them.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import functions
from mintor.nn.functional import pooling

_resize = _mintor.find_operator("resize")
# mode: spatial dimensions, the operator's mode, how positions are found without align_corners,
# what nearest rounds.
_MODES = {
    "nearest": ((1, 2, 3), "nearest", "asymmetric", "floor"),
    "nearest-exact": ((1, 2, 3), "nearest", "half_pixel", "round_prefer_ceil"),
    "linear": ((1,), "linear", "half_pixel", "floor"),
    "bilinear": ((2,), "linear", "half_pixel", "floor"),
    "trilinear": ((3,), "linear", "half_pixel", "floor"),
    "bicubic": ((2,), "cubic", "half_pixel", "floor"),
}


def _each(value, rank, what):
    made = list(value) if isinstance(value, (tuple, list)) else [value] * rank
    if len(made) != rank:
        raise ValueError(f"interpolate: {what} {value} for {rank} dimensions of space")
    return made


def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None,
                recompute_scale_factor=None, antialias=False):
    """x[N, C, D..] with other sizes of space.

    Either `size` or `scale_factor`, one number or one a dimension. `mode`: nearest, nearest-exact,
    area; linear, bilinear, trilinear (1 to 3 dimensions of space); bicubic. ValueError for
    antialias, which is not there.
    """
    x = arrays.as_array(x)
    rank = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: takes either size or scale_factor")
    if antialias:
        raise ValueError("interpolate: antialias is not there")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(f"interpolate: mode {mode!r} has no align_corners")
    space, scales = x.shape[2:], [None] * rank
    if size is not None:
        sizes = [one.__index__() for one in _each(size, rank, "size")]
    else:
        given = [float(one) for one in _each(scale_factor, rank, "scale_factor")]
        sizes = [math.floor(own * scale) for own, scale in zip(space, given)]
        scales = scales if recompute_scale_factor else given
    if mode == "area":
        pools = (pooling.adaptive_avg_pool1d, pooling.adaptive_avg_pool2d,
                 pooling.adaptive_avg_pool3d)
        return pools[rank - 1](x, sizes)
    if mode not in _MODES:
        raise ValueError(f"interpolate: there is no mode {mode!r}; area, {', '.join(_MODES)}")
    ranks, kind, coordinates, rounding = _MODES[mode]
    if rank not in ranks:
        raise ValueError(f"interpolate: mode {mode!r} for x of shape {x.shape}")
    # Where a size stays, linear modes leave the dimension as it is, whatever the scale.
    scales = [made / own if scale is None or kind == "linear" and made == own else scale
              for scale, made, own in zip(scales, sizes, space)]
    return _resize(x, [*x.shape[:2], *sizes], 1.0, 1.0, *scales, kind,
                   "align_corners" if align_corners else coordinates, rounding)


def upsample(x, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """As interpolate."""
    return interpolate(x, size, scale_factor, mode, align_corners)


def pixel_shuffle(x, upscale_factor):
    """x[.., C * r * r, H, W] as [.., C, H * r, W * r]. ValueError where r does not fit."""
    x, r = arrays.as_array(x), upscale_factor
    *batch, channels, height, width = x.shape
    if channels % (r * r):
        raise ValueError(f"pixel_shuffle: {channels} channels are no multiple of {r * r}")
    n, c = len(batch), channels // (r * r)
    parts = functions.reshape(x, (*batch, c, r, r, height, width))
    parts = functions.permute_dims(parts, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return functions.reshape(parts, (*batch, c, height * r, width * r))


def pixel_unshuffle(x, downscale_factor):
    """x[.., C, H * r, W * r] as [.., C * r * r, H, W]. ValueError where r does not fit."""
    x, r = arrays.as_array(x), downscale_factor
    *batch, channels, height, width = x.shape
    if height % r or width % r:
        raise ValueError(f"pixel_unshuffle: {height} x {width} is no multiple of {r}")
    n = len(batch)
    parts = functions.reshape(x, (*batch, channels, height // r, r, width // r, r))
    parts = functions.permute_dims(parts, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return functions.reshape(parts, (*batch, channels * r * r, height // r, width // r))


def channel_shuffle(x, groups):
    """The channels of x[N, C, ..] in groups, taken from each group in turn. ValueError where groups
    do not divide them.
    """
    x = arrays.as_array(x)
    count, channels, *space = x.shape
    if channels % groups:
        raise ValueError(f"channel_shuffle: {groups} groups do not divide {channels} channels")
    parts = functions.reshape(x, (count, groups, channels // groups, *space))
    return functions.reshape(functions.swapaxes(parts, 1, 2), x.shape)


__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "upsample"]
