# SPDX-License-Identifier: Apache-2.0
"""Products: dot, tensordot, einsum and their kin.

Takes arrays, of one dtype by promotion; gives arrays. Each is a matmul, or a product and a sum.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import elementwise as ew
from mintor import reductions
from mintor import shaping
from mintor.arguments import chosen, place_of, places_of

_as_array = arrays.as_array
_operator = _mintor.find_operator
_einsum = _operator("einsum")
_reshape = _operator("reshape")
_permute = _operator("permute")
_expand_dims = _operator("expand_dims")


def dot(a, b):
    """NumPy's dot of vectors and matrices: over the last of a and the last but one of b."""
    a, b = _as_array(a), _as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return ew.multiply(a, b)
    if b.ndim <= 2:
        return ew.matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


def inner(a, b):
    """Sums over the last dimensions of both."""
    a, b = _as_array(a), _as_array(b)
    return ew.multiply(a, b) if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, ((-1,), (-1,)))


def vdot(a, b):
    """The sum of products of all elements."""
    return ew.matmul(shaping.ravel(a), shaping.ravel(b))


def outer(a, b):
    """Every element of a with every one of b, both flattened."""
    return ew.multiply(_expand_dims(shaping.ravel(a), (1,)), _expand_dims(shaping.ravel(b), (0,)))


def mv(a, b):
    """A matrix by a vector."""
    return ew.matmul(a, b)


def tensordot(a, b, axes=2, *, dims=None):
    """Sums over pairs of axes; an integer: the last of a with the first of b. ValueError where
    sizes differ, or there are fewer axes.
    """
    a, b = _as_array(a), _as_array(b)
    axes = axes if dims is None else dims
    if isinstance(axes, int):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise ValueError(f"tensordot: {axes} axes of arrays of {a.ndim} and {b.ndim}")
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    of_a, of_b = places_of(chosen(axes[0]), a.ndim), places_of(chosen(axes[1]), b.ndim)
    if [a.shape[i] for i in of_a] != [b.shape[i] for i in of_b]:
        raise ValueError(f"tensordot: shapes {a.shape} and {b.shape} differ along {axes}")
    rest_a = [axis for axis in range(a.ndim) if axis not in of_a]
    rest_b = [axis for axis in range(b.ndim) if axis not in of_b]
    depth = math.prod(a.shape[axis] for axis in of_a)
    rows, columns = (math.prod(x.shape[i] for i in rest) for x, rest in ((a, rest_a), (b, rest_b)))
    left = _reshape(_permute(a, rest_a + of_a), (rows, depth))
    right = _reshape(_permute(b, of_b + rest_b), (depth, columns))
    return _reshape(ew.matmul(left, right),
                    [a.shape[i] for i in rest_a] + [b.shape[i] for i in rest_b])


def vecdot(a, b, axis=-1, *, dim=None):
    """The sum of products along an axis, counted from the last; the others are broadcast.
    ValueError where sizes differ.
    """
    a, b = _as_array(a), _as_array(b)
    axis = axis if dim is None else dim
    first, second = place_of(axis, a.ndim), place_of(axis, b.ndim)
    if a.shape[first] != b.shape[second]:
        raise ValueError(f"vecdot: sizes {a.shape[first]} and {b.shape[second]} differ")
    a, b = shaping.moveaxis(a, first, -1), shaping.moveaxis(b, second, -1)
    product = ew.multiply(a, b)
    return arrays.cast(reductions.sum(product, -1), product.dtype)


def einsum(equation, *operands):
    """Sums of products as NumPy writes them."""
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    return _einsum(operands, equation)


def cross(a, b, axis=-1, *, dim=None):
    """The vector product of vectors of 3 elements along an axis. ValueError for other sizes."""
    a, b = shaping.broadcast_arrays(a, b)
    axis = place_of(axis if dim is None else dim, a.ndim)
    if a.shape[axis] != 3:
        raise ValueError(f"cross: vectors of {a.shape[axis]} elements, expected 3")
    (a0, a1, a2), (b0, b1, b2) = shaping.unstack(a, axis), shaping.unstack(b, axis)
    return shaping.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis)


def kron(a, b):
    """Every element of a times the whole of b, in its place."""
    a, b = _as_array(a), _as_array(b)
    rank = max(a.ndim, b.ndim)
    own = [(1,) * (rank - x.ndim) + x.shape for x in (a, b)]
    left = _reshape(a, [size for extent in own[0] for size in (extent, 1)])
    right = _reshape(b, [size for extent in own[1] for size in (1, extent)])
    return _reshape(left * right, [first * second for first, second in zip(*own)])


def addmm(x, a, b, *, beta=1, alpha=1):
    """beta * x + alpha * (a @ b)."""
    return beta * _as_array(x) + alpha * ew.matmul(a, b)


def addcmul(x, a, b, *, value=1):
    """x + value * a * b."""
    return _as_array(x) + value * (_as_array(a) * _as_array(b))


def addcdiv(x, a, b, *, value=1):
    """x + value * a / b."""
    return _as_array(x) + value * (_as_array(a) / _as_array(b))


def cov(x, correction=1):
    """The covariance matrix of variables in rows."""
    x = shaping.atleast_2d(x)
    centred = x - reductions.mean(x, 1, True)
    return ew.matmul(centred, shaping.swapaxes(centred, 0, 1)) / (x.shape[1] - correction)


def corrcoef(x):
    """The correlation coefficients of variables in rows."""
    found = cov(x)
    scale = ew.sqrt(shaping.diagonal(found))
    return found / scale.unsqueeze(1) / scale.unsqueeze(0)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral by trapezoids along an axis."""
    y = shaping.moveaxis(_as_array(y), axis, -1)
    widths = dx if x is None else reductions.diff(shaping.moveaxis(
        shaping.broadcast_to(_as_array(x), y.shape), axis, -1) if _as_array(x).ndim > 1 else x)
    return reductions.sum((y[..., 1:] + y[..., :-1]) * widths, -1) / 2.0


__all__ = """
addcdiv addcmul addmm corrcoef cov cross dot einsum inner kron mv outer tensordot trapezoid vdot
vecdot
""".split()
