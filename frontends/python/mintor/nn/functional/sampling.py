# SPDX-License-Identifier: Apache-2.0
"""Reading images at computed places, under PyTorch's names.

Takes x[N, C, D..] and places; gives values there. Keeps true: places, what lies outside, and the
order of weights are PyTorch's.
"""
import itertools

from mintor import arrays
from mintor import functions

_OUTSIDE = ("zeros", "border", "reflection")
_CUBIC = -0.75      # the coefficient of Keys' kernel that PyTorch takes


def affine_grid(theta, size, align_corners=False):
    """Places for grid_sample: theta[N, 2, 3] (or [N, 3, 4]) applied to those of an image.

    `size`: the shape of what grid_sample is to give, [N, C, H, W] (or [N, C, D, H, W]). Gives
    [N, H, W, 2] (or [N, D, H, W, 3]). ValueError where theta does not fit.
    """
    theta, space = arrays.as_array(theta), tuple(size)[2:]
    rank = len(space)
    if theta.shape != (size[0], rank, rank + 1):
        raise ValueError(f"affine_grid: theta has the shape {theta.shape}, expected "
                         f"{(size[0], rank, rank + 1)}")
    lines = []
    for length in reversed(space):          # x first
        line = arrays.linspace(-1, 1, length) if length > 1 else arrays.zeros(1)
        lines.append(line if align_corners else line * ((length - 1) / length))
    base = [functions.broadcast_to(functions.reshape(line, (-1,) + (1,) * place), space)
            for place, line in enumerate(lines)]
    base = functions.stack([*base, arrays.ones(*space)], -1)
    flat = functions.reshape(arrays.cast(base, theta.dtype), (-1, rank + 1))
    return functions.reshape(flat @ functions.matrix_transpose(theta), (size[0], *space, rank))


def _reflected(place, low, high):
    """A place between low and high, reflected at both as often as it takes."""
    span = high - low
    if span <= 0:
        return place * 0
    away = functions.abs(place - low)
    turns = functions.floor(away / span)
    rest = away - turns * span
    is_even = functions.equal(functions.remainder(turns, 2), 0)
    return functions.where(is_even, rest, span - rest) + low


def _inside(place, length, outside, align_corners):
    """A place, where what lies outside is read."""
    if outside == "zeros":
        return place
    if outside == "reflection":
        place = _reflected(place, 0, length - 1) if align_corners else \
            _reflected(place, -0.5, length - 0.5)
    return functions.clip(place, 0, length - 1)


def _read(x, places):
    """x[N, C, D..] at whole places, one array a dimension; 0 outside."""
    space = x.shape[2:]
    flat, valid = 0, None
    for place, length in zip(places, space):
        fits = functions.logical_and(place >= 0, place <= length - 1)
        valid = fits if valid is None else functions.logical_and(valid, fits)
        flat = flat * length + arrays.cast(functions.clip(place, 0, length - 1), "int64")
    index = functions.reshape(flat, (x.shape[0], 1, -1))
    values = functions.take_along_axis(functions.reshape(x, (*x.shape[:2], -1)), index, 2)
    values = functions.reshape(values, (*x.shape[:2], *flat.shape[1:]))
    return functions.where(functions.unsqueeze(valid, 1), values, arrays.zeros((), dtype=x.dtype))


def _weighted(x, taps):
    """The sum over all combinations of taps, (place, weight) for each dimension."""
    total = 0
    for chosen in itertools.product(*taps):
        weight = chosen[0][1]
        for _, other in chosen[1:]:
            weight = weight * other
        total = total + _read(x, [place for place, _ in chosen]) * functions.unsqueeze(weight, 1)
    return total


def _linear_taps(place):
    low = functions.floor(place)
    part = place - low
    return (low, 1 - part), (low + 1, part)


def _cubic_taps(place, inside):
    low = functions.floor(place)
    part = place - low

    def near(t):            # at a distance below 1
        return ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1

    def far(t):             # from 1 to 2
        return ((_CUBIC * t - 5 * _CUBIC) * t + 8 * _CUBIC) * t - 4 * _CUBIC
    weights = far(part + 1), near(part), near(1 - part), far(2 - part)
    return [(inside(low + step), weight) for step, weight in zip((-1, 0, 1, 2), weights)]


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """x[N, C, H, W] at grid[N, Ho, Wo, 2] (x, y from -1 to 1): [N, C, Ho, Wo]; or 3 dimensions.

    `mode`: bilinear (of 3 dimensions trilinear), nearest, bicubic (of 2). `padding_mode`: zeros,
    border or reflection for what lies outside. `align_corners`: -1 and 1 are the middles of the
    outermost elements, not their edges. ValueError for other modes and shapes.
    """
    x, grid = arrays.as_array(x), arrays.as_array(grid)
    rank = x.ndim - 2
    if rank not in (2, 3) or grid.ndim != x.ndim or grid.shape[-1] != rank or \
            grid.shape[0] != x.shape[0]:
        raise ValueError(f"grid_sample: x of shape {x.shape} at a grid of shape {grid.shape}")
    if mode not in ("bilinear", "nearest", "bicubic") or mode == "bicubic" and rank == 3:
        raise ValueError(f"grid_sample: there is no mode {mode!r} for {rank} dimensions")
    if padding_mode not in _OUTSIDE:
        raise ValueError(f"grid_sample: padding_mode is {', '.join(_OUTSIDE)}, not "
                         f"{padding_mode!r}")
    taps = []
    for dim, length in enumerate(x.shape[2:]):
        given = grid[..., rank - 1 - dim]       # x comes first
        place = (given + 1) * ((length - 1) / 2) if align_corners else \
            ((given + 1) * length - 1) / 2

        def inside(one, length=length):
            return _inside(one, length, padding_mode, align_corners)
        if mode == "bicubic":
            taps.append(_cubic_taps(place, inside))
        elif mode == "bilinear":
            taps.append(_linear_taps(inside(place)))
        else:
            taps.append([(functions.rint(inside(place)), 1.0)])
    if mode == "nearest":
        return _read(x, [place for (place, _), in taps])
    return _weighted(x, taps)


__all__ = ["affine_grid", "grid_sample"]
