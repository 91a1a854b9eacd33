# SPDX-License-Identifier: Apache-2.0
"""Linear algebra: LAPACK on the host, through NumPy.

Takes matrices, or stacks of them in the last two dimensions, float32 or float64 (integers as
float32); gives arrays of their dtype. What is a factorisation or a solution reads its operands and
is a constant for gradients; inv, solve, det and slogdet have gradients of the first order.
"""
import collections

import numpy

from mintor import arrays
from mintor import elementwise as ew
from mintor import reductions
from mintor.arguments import chosen
from mintor.products import cross, outer, tensordot, vecdot
from mintor.shaping import diagonal, matrix_transpose, swapaxes, trace

matmul = ew.matmul
EighResult = collections.namedtuple("EighResult", "eigenvalues eigenvectors")
QRResult = collections.namedtuple("QRResult", "Q R")
SlogdetResult = collections.namedtuple("SlogdetResult", "sign logabsdet")
SVDResult = collections.namedtuple("SVDResult", "U S Vh")
LinAlgError = numpy.linalg.LinAlgError


def _floats(x):
    x = arrays.as_array(x)
    return x if x.dtype.kind in "fV" else arrays.cast(x, "float32")


def _host(function, x, *arguments, **options):
    """NumPy's function of x: of float64 as it is, of narrower dtypes in float32."""
    x = _floats(x)
    wide = x if x.dtype == "float64" else arrays.cast(x, "float32")
    made = function(wide.detach().numpy(), *arguments, **options)
    if not isinstance(made, tuple):
        return _as(made, x.dtype)
    return tuple(_as(item, x.dtype) for item in made)


def _as(made, dtype):
    made = numpy.asarray(made)
    return arrays.array(made) if made.dtype.kind in "biu" else arrays.array(made, dtype)


def inv(x):
    """The inverse of square matrices."""
    x = _floats(x)
    known = _host(numpy.linalg.inv, x)
    # With the value of `known`, and the derivative -known dx known.
    return known - matmul(matmul(known, x - x.detach()), known)


def _columns(a, b):
    return b.ndim == 1, b.unsqueeze(-1) if b.ndim == 1 else b


def solve(a, b):
    """x with a @ x == b; b is a vector or a stack of matrices."""
    a, b = _floats(a), _floats(b)
    dtype = numpy.promote_types(a.dtype, b.dtype)
    a, b = arrays.cast(a, dtype), arrays.cast(b, dtype)
    vector, columns = _columns(a, b)
    right = columns.detach().numpy()
    known = _host(lambda left: numpy.linalg.solve(left, right), a)
    inverse = _host(numpy.linalg.inv, a)
    made = known + matmul(inverse, (columns - columns.detach()) - matmul(a - a.detach(), known))
    return made.squeeze(-1) if vector else made


def det(x):
    """The determinants of square matrices."""
    x = _floats(x)
    value = _host(numpy.linalg.det, x)
    return value + _determinant_change(x, lambda cofactors: cofactors * value[..., None, None])


def _determinant_change(x, scaled):
    """Zero, with the derivative of a determinant by the inverse; zero where there is none."""
    try:
        cofactors = scaled(matrix_transpose(_host(numpy.linalg.inv, x)))
    except LinAlgError:
        return arrays.zeros_like(x).sum((-2, -1))
    return ((x - x.detach()) * cofactors).sum((-2, -1))


def slogdet(x):
    """Signs and logarithms of the magnitudes of determinants."""
    x = _floats(x)
    sign, logarithm = _host(lambda values: tuple(numpy.linalg.slogdet(values)), x)
    return SlogdetResult(sign, logarithm + _determinant_change(x, lambda cofactors: cofactors))


def cholesky(x, upper=False):
    """The lower triangle L with L @ L.mT == x (upper: U with U.mT @ U)."""
    return _host(numpy.linalg.cholesky, x, upper=upper)


def qr(x, mode="reduced"):
    """(Q, R): orthonormal columns and an upper triangle; "reduced" or "complete"."""
    return QRResult(*_host(lambda values: tuple(numpy.linalg.qr(values, mode)), x))


def svd(x, full_matrices=True):
    """(U, S, Vh) with U @ diag(S) @ Vh == x, S descending."""
    return SVDResult(*_host(lambda values: tuple(numpy.linalg.svd(values, full_matrices)), x))


def svdvals(x):
    """Singular values, descending."""
    return _host(numpy.linalg.svdvals, x)


def eigh(x):
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    return EighResult(*_host(lambda values: tuple(numpy.linalg.eigh(values)), x))


def eigvalsh(x):
    """Eigenvalues of symmetric matrices, ascending."""
    return _host(numpy.linalg.eigvalsh, x)


def pinv(x, rtol=None):
    """The pseudo-inverse (Moore and Penrose)."""
    return _host(numpy.linalg.pinv, x, rtol=_number(rtol))


def matrix_rank(x, rtol=None):
    """How many singular values are not small; int64."""
    return _host(numpy.linalg.matrix_rank, x, rtol=_number(rtol))


def _number(value):
    return value.numpy() if isinstance(value, arrays.Array) else value


def lstsq(a, b):
    """The least-squares solution of a @ x == b."""
    right = _floats(b).numpy()
    return _host(lambda left: numpy.linalg.lstsq(left, right, rcond=None)[0], a)


def matrix_power(x, n):
    """The product of n matrices x; of their inverses for n < 0."""
    x = arrays.as_array(x)
    if n < 0:
        return matrix_power(inv(x), -n)
    if n == 0:
        return arrays.zeros_like(x) + arrays.eye(x.shape[-1], dtype=x.dtype)
    made = None
    while n:
        if n & 1:
            made = x if made is None else matmul(made, x)
        n >>= 1
        x = matmul(x, x) if n else x
    return made


def vector_norm(x, axis=None, keepdims=False, ord=2):  # pylint: disable=redefined-builtin
    """The norm of that order over axes, or of all."""
    return reductions.norm(_floats(x), ord, axis, keepdims)


def matrix_norm(x, keepdims=False, ord="fro"):  # pylint: disable=redefined-builtin
    """The norm of matrices: fro, nuc, 1, -1, 2, -2, inf, -inf."""
    x = _floats(x)
    if ord == "fro":
        return reductions.norm(x, 2, (-2, -1), keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(x)
        made = {"nuc": reductions.sum, 2: reductions.max, -2: reductions.min}[ord](values, -1)
    elif ord in (1, -1, float("inf"), -float("inf")):
        sums = reductions.sum(ew.abs(x), -2 if abs(ord) == 1 else -1)
        made = (reductions.max if ord > 0 else reductions.min)(sums, -1)
    else:
        raise ValueError(f"matrix_norm: there is no order {ord!r}")
    return made[..., None, None] if keepdims else made


def norm(x, ord=None, axis=None, keepdims=False):  # pylint: disable=redefined-builtin
    """NumPy's norm: of vectors, or of matrices where two axes, or a 2-D array with an order."""
    x, axes = _floats(x), chosen(axis)
    if axes is None and ord is not None and x.ndim == 2:
        axes = (0, 1)
    if axes is not None and len(axes) == 2 and ord is not None:
        moved = x if axes == (x.ndim - 2, x.ndim - 1) else _to_the_end(x, axes)
        return matrix_norm(moved, keepdims, ord)
    return vector_norm(x, axes, keepdims, 2 if ord is None else ord)


def _to_the_end(x, axes):
    from mintor.shaping import moveaxis  # pylint: disable=import-outside-toplevel
    return moveaxis(x, axes, (-2, -1))


__all__ = """
cholesky cross det diagonal eigh eigvalsh inv lstsq matmul matrix_norm matrix_power matrix_rank
matrix_transpose norm outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
""".split()
