# SPDX-License-Identifier: Apache-2.0
"""Linear algebra: LAPACK on the host, through NumPy.

Takes matrices, or stacks of them in the last two dimensions, float32 or float64 (integers as
float32); gives arrays of their dtype. What is a factorisation or a solution reads its operands. All
have gradients of the first order (PyTorch's formulas) but pinv, lstsq and factorisations that are
not unique, whose gradients are refused.
"""
import collections

import numpy

from mintor import arrays
from mintor import autograd
from mintor import elementwise as ew
from mintor import reductions
from mintor import shaping
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


def _t(x):
    return matrix_transpose(x)


def _tril(x, k=0):
    return shaping.tril(x, k)


def _diagonal(x):
    """Vectors as the diagonals of matrices."""
    return x.unsqueeze(-1) * arrays.eye(x.shape[-1], dtype=x.dtype)


class _Refused(autograd.Function):
    """The value of a function of the host, for which gradients are an error."""

    @staticmethod
    def forward(ctx, name, made, *given):
        ctx.name = name
        return made

    @staticmethod
    def backward(ctx, *gradients):
        raise NotImplementedError(f"{ctx.name} has no gradient: it is computed on the host; use "
                                  "detach() where none is meant to pass")


def _refused(name, made, *given):
    """`made`, a constant, but an error where a gradient by `given` is asked for."""
    return _Refused.apply(name, made, *given)


class _Cholesky(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        made = _host(numpy.linalg.cholesky, x)
        ctx.save_for_backward(made)
        return made

    @staticmethod
    def backward(ctx, gradient):
        lower, = ctx.saved_tensors
        inverse = inv(lower)
        middle = _tril(matmul(_t(lower), gradient))
        middle = middle - 0.5 * _diagonal(diagonal(middle, 0, -2, -1))
        made = matmul(matmul(_t(inverse), middle), inverse)
        return 0.5 * (made + _t(made))


def cholesky(x, upper=False):
    """The lower triangle L with L @ L.mT == x (upper: U with U.mT @ U)."""
    made = _Cholesky.apply(_floats(x))
    return _t(made) if upper else made


class _Qr(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        made = _host(lambda values: tuple(numpy.linalg.qr(values)), x)
        ctx.save_for_backward(*made)
        return made

    @staticmethod
    def backward(ctx, of_q, of_r):
        q, r = ctx.saved_tensors
        middle = matmul(r, _t(of_r)) - matmul(_t(of_q), q)
        middle = _tril(middle) + _t(_tril(middle, -1))
        return matmul(of_q + matmul(q, middle), _t(inv(r)))


def qr(x, mode="reduced"):
    """(Q, R): orthonormal columns and an upper triangle; "reduced" or "complete".

    A gradient is refused of "complete", and of matrices with more columns than rows.
    """
    x = _floats(x)
    rows, columns = x.shape[-2:]
    if rows >= columns and (mode == "reduced" or rows == columns):
        return QRResult(*_Qr.apply(x))
    made = _host(lambda values: tuple(numpy.linalg.qr(values, mode)), x)
    return QRResult(*(_refused("qr", one, x) for one in made))


class _Svd(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        made = _host(lambda values: tuple(numpy.linalg.svd(values, False)), x)
        ctx.save_for_backward(*made)
        return made

    @staticmethod
    def backward(ctx, of_u, of_s, of_vh):
        u, s, vh = ctx.saved_tensors
        left, right = matmul(_t(u), of_u), matmul(vh, _t(of_vh))
        square = s * s
        apart = square.unsqueeze(-2) - square.unsqueeze(-1) + arrays.eye(s.shape[-1], dtype=s.dtype)
        middle = (left - _t(left)) / apart * s.unsqueeze(-2)
        middle = middle + s.unsqueeze(-1) * ((right - _t(right)) / apart) + _diagonal(of_s)
        made = matmul(matmul(u, middle), vh)
        rows, columns = u.shape[-2], vh.shape[-1]
        if rows > columns:
            rest = of_u / s.unsqueeze(-2)
            made = made + matmul(rest - matmul(u, matmul(_t(u), rest)), vh)
        if columns > rows:
            rest = of_vh / s.unsqueeze(-1)
            made = made + matmul(u, rest - matmul(matmul(rest, _t(vh)), vh))
        return made


def svd(x, full_matrices=True):
    """(U, S, Vh) with U @ diag(S) @ Vh == x, S descending.

    A gradient is refused of full matrices where x is not square.
    """
    x = _floats(x)
    if not full_matrices or x.shape[-2] == x.shape[-1]:
        return SVDResult(*_Svd.apply(x))
    made = _host(lambda values: tuple(numpy.linalg.svd(values, full_matrices)), x)
    return SVDResult(*(_refused("svd", one, x) for one in made))


class _Svdvals(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        u, s, vh = _host(lambda values: tuple(numpy.linalg.svd(values, False)), x)
        ctx.save_for_backward(u, vh)
        return s

    @staticmethod
    def backward(ctx, gradient):
        u, vh = ctx.saved_tensors
        return matmul(u * gradient.unsqueeze(-2), vh)


def svdvals(x):
    """Singular values, descending."""
    return _Svdvals.apply(_floats(x))


class _Eigh(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        made = _host(lambda values: tuple(numpy.linalg.eigh(values)), x)
        ctx.save_for_backward(*made)
        return made

    @staticmethod
    def backward(ctx, of_values, of_vectors):
        values, vectors = ctx.saved_tensors
        apart = values.unsqueeze(-2) - values.unsqueeze(-1)
        apart = apart + arrays.eye(values.shape[-1], dtype=values.dtype)
        middle = matmul(_t(vectors), of_vectors) / apart
        middle = middle - _diagonal(diagonal(middle, 0, -2, -1)) + _diagonal(of_values)
        return matmul(matmul(vectors, middle), _t(vectors))


class _Eigvalsh(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        values, vectors = _host(lambda given: tuple(numpy.linalg.eigh(given)), x)
        ctx.save_for_backward(vectors)
        return values

    @staticmethod
    def backward(ctx, gradient):
        vectors, = ctx.saved_tensors
        return matmul(vectors * gradient.unsqueeze(-2), _t(vectors))


def eigh(x):
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    return EighResult(*_Eigh.apply(_floats(x)))


def eigvalsh(x):
    """Eigenvalues of symmetric matrices, ascending."""
    return _Eigvalsh.apply(_floats(x))


def pinv(x, rtol=None):
    """The pseudo-inverse (Moore and Penrose); its gradient is refused."""
    x = _floats(x)
    return _refused("pinv", _host(numpy.linalg.pinv, x, rtol=_number(rtol)), x)


def matrix_rank(x, rtol=None):
    """How many singular values are not small; int64."""
    return _host(numpy.linalg.matrix_rank, x, rtol=_number(rtol))


def _number(value):
    return value.numpy() if isinstance(value, arrays.Array) else value


def lstsq(a, b):
    """The least-squares solution of a @ x == b; its gradient is refused."""
    a, b = _floats(a), _floats(b)
    right = b.numpy()
    made = _host(lambda left: numpy.linalg.lstsq(left, right, rcond=None)[0], a)
    return _refused("lstsq", made, a, b)


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
    """The norm of matrices: fro, nuc, 1, -1, 2, -2, inf, -inf. ValueError for another order."""
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
