# SPDX-License-Identifier: Apache-2.0
"""Calls of the array API's functions with random arguments, each beside NumPy's.

Takes a Draw (shape, dtype, seed); adds one comparison to a Batch, or none where the function has no
meaning for it. Keeps true: sums and products are of numbers for which the bound means something.
"""
import numpy

import mintor as mt
from array_batch import BFLOAT16, DTYPES, dtype_of, is_float, promoted, random_values
from mintor import dtypes

SHAPES = [(), (0,), (1,), (4,), (17,), (3, 4), (1, 5), (5, 1), (0, 3), (3, 0), (2, 3, 4), (2, 1, 3),
          (1, 1), (2, 0, 2), (2, 2, 2, 3)]
FLOAT32 = numpy.dtype("float32")


def arithmetic(x):
    """x in the floats that NumPy knows how to compute in."""
    return x.astype(FLOAT32) if x.dtype == BFLOAT16 else x


class Draw:
    """Random arguments of one call."""

    def __init__(self, seed, shape, dtype):
        self.generator = numpy.random.default_rng(seed)
        self.shape, self.name, self.dtype = shape, dtype, dtype_of(dtype)
        self.x = random_values(self.generator, dtype, shape)
        self.a = mt.array(self.x)
        self.rank = len(shape)

    def integer(self, low, high):
        """In low..high."""
        return int(self.generator.integers(low, high + 1))

    def flag(self):
        return bool(self.integer(0, 1))

    def axis(self):
        """An axis from either end; None where there is none."""
        return self.integer(-self.rank, self.rank - 1) if self.rank else None

    def axes(self):
        """None, one axis or several."""
        if not self.rank or self.integer(0, 3) == 0:
            return None
        if self.flag():
            return self.axis()
        count = self.integer(1, self.rank)
        chosen = self.generator.choice(self.rank, count, replace=False)
        return tuple(int(axis) - self.rank * self.integer(0, 1) for axis in chosen)

    def more(self, shape=None, dtype=None):
        """Another array."""
        shape = self.shape if shape is None else shape
        x = random_values(self.generator, dtype or self.name, shape)
        return x, mt.array(x)

    def finite(self):
        """The array without infinities and NaN, where sums of those depend on the order."""
        if is_float(self.dtype):
            self.x = numpy.where(numpy.abs(arithmetic(self.x)) < 1e3, self.x, 1).astype(self.dtype)
            self.a = mt.array(self.x)


# ---- the calls: (Draw, Batch, label) -> one comparison ----

def reduction(name):
    def call(d, batch, label):
        d.finite()
        axes, keep = d.axes(), d.flag()
        x, function = d.x, getattr(numpy, name)
        dtype, bound, any_zero = None, 0.0, True
        if name in ("sum", "prod"):
            dtype = dtypes.widened(d.dtype)
            if is_float(d.dtype):
                magnitude = getattr(numpy, name)(numpy.abs(x.astype("float64")), axis=axes)
                bound = loose(magnitude, x, axes)
            x = x.astype(dtype if not is_float(d.dtype) else "float64")
        elif name in ("mean", "std", "var"):
            dtype = d.dtype if is_float(d.dtype) else FLOAT32
            if not is_float(d.dtype) and d.x.size and numpy.abs(d.x.astype(float)).max() > 1e6:
                d.x = (d.x % 50).astype(d.dtype)
                d.a = mt.array(d.x)
            x = d.x.astype("float64")
            bound = "near"
        elif name in ("max", "min"):
            if d.x.size == 0:
                return
            x = arithmetic(d.x)
            dtype = d.dtype
        with numpy.errstate(all="ignore"):
            expected = function(x, axis=axes, keepdims=keep)
        batch.add(label, lambda: getattr(mt, name)(d.a, axis=axes, keepdims=keep), expected,
                  dtype or expected.dtype, bound if bound != "near" else near(d, dtype), any_zero)
    return call


def near(d, dtype):
    """What the mean's and the variance's error may be: of the largest element, squared."""
    return 64.0 if dtype.itemsize > 2 else 8.0


def loose(magnitude, x, axes):
    """Sums may be off by the rounding of the magnitudes that are added."""
    total = numpy.asarray(magnitude).max() if numpy.size(magnitude) else 0
    small = numpy.abs(numpy.asarray(x.astype("float64")).sum(axis=axes)).min() if x.size else 0
    return 1e9 if small == 0 else 4.0 + 4.0 * total / small


def place(name):
    def call(d, batch, label):
        axis, keep = (None if d.flag() else d.axis()), d.flag()
        if d.x.size == 0 or axis is None and keep and not d.rank:
            return
        x = arithmetic(d.x)
        batch.add(label, lambda: getattr(mt, name)(d.a, axis=axis, keepdims=keep),
                  getattr(numpy, name)(x, axis=axis, keepdims=keep))
    return call


def truth(name):
    def call(d, batch, label):
        axes, keep = d.axes(), d.flag()
        batch.add(label, lambda: getattr(mt, name)(d.a, axis=axes, keepdims=keep),
                  getattr(numpy, name)(arithmetic(d.x), axis=axes, keepdims=keep),
                  "int64" if name == "count_nonzero" else "bool")
    return call


def cumulative(name, reference):
    def call(d, batch, label):
        d.finite()
        if is_float(d.dtype):
            d.x = numpy.rint(arithmetic(d.x) % 3).astype(d.dtype)
            d.a = mt.array(d.x)
        if not d.rank:
            return
        axis, initial = d.axis(), d.flag()
        dtype = dtypes.widened(d.dtype)
        expected = reference(d.x.astype("float64" if is_float(dtype) else dtype), axis=axis)
        if initial:
            shape = list(d.shape)
            shape[axis] = 1
            expected = numpy.concatenate([numpy.full(shape, name == "cumulative_prod"), expected],
                                         axis)
        batch.add(label, lambda: getattr(mt, name)(d.a, axis=axis, include_initial=initial),
                  expected.astype(dtype), dtype, 1.0)
    return call


def diff(d, batch, label):
    if not d.rank:
        return
    axis, n = d.axis(), d.integer(0, 2)
    if d.name == "bfloat16" and n > 1:
        n = 1
    expected = numpy.diff(arithmetic(d.x), n=n, axis=axis).astype(d.dtype)
    batch.add(label, lambda: mt.diff(d.a, n=n, axis=axis), expected, d.dtype, 0, True)


def moving(name, arguments, reference=None):
    """Elements move: NumPy's function of the same arguments gives the same."""
    def call(d, batch, label):
        given = arguments(d)
        if given is None:
            return
        function = reference or getattr(numpy, name)
        batch.add(f"{label} {given}", lambda: getattr(mt, name)(d.a, *given), function(d.x, *given))
    return call


def a_shape(d):
    """Another shape of as many elements."""
    count = d.x.size
    if count == 0:
        return ((0, d.integer(0, 3)),)
    first = int(d.generator.choice([n for n in range(1, count + 1) if count % n == 0]))
    return ((-1, first) if d.flag() else (first, count // first),)


def an_order(d):
    return (tuple(int(axis) for axis in d.generator.permutation(d.rank)),)


def a_wider_shape(d):
    return ((d.integer(0, 2),) * d.integer(0, 2) + tuple(
        d.integer(0, 3) if size == 1 else size for size in d.shape),)


def with_axis(d, *others):
    return None if not d.rank else (d.axis(), *others)


def squeezed(d):
    ones = [axis for axis, size in enumerate(d.shape) if size == 1]
    return (tuple(ones),)


def shifts(d):
    if d.flag() or not d.rank:
        return (d.integer(-5, 5),)
    return (d.integer(-5, 5), d.axis())


def joining(name, same_shape):
    def call(d, batch, label):
        if not d.rank and not same_shape:
            return
        axis = d.integer(-d.rank - same_shape, d.rank - 1 + same_shape) if same_shape else d.axis()
        xs, arrays = [d.x], [d.a]
        for _ in range(d.integer(0, 2)):
            shape = list(d.shape)
            if not same_shape:
                shape[axis] = d.integer(0, 3)
            x, a = d.more(shape)
            xs.append(x)
            arrays.append(a)
        reference = numpy.stack if same_shape else numpy.concatenate
        batch.add(label, lambda: getattr(mt, name)(arrays, axis=axis), reference(xs, axis=axis))
    return call


def unstack(d, batch, label):
    if d.rank:
        axis = d.axis()
        batch.add(label, lambda: mt.unstack(d.a, axis=axis), numpy.unstack(d.x, axis=axis))


def broadcast_arrays(d, batch, label):
    x, a = d.more((d.integer(0, 3),) + (1,) * d.rank)
    batch.add(label, lambda: mt.broadcast_arrays(d.a, a), list(numpy.broadcast_arrays(d.x, x)))


def meshgrid(d, batch, label):
    if d.rank != 1:
        return
    x, a = d.more((d.integer(0, 4),))
    way = "ij" if d.flag() else "xy"
    batch.add(label, lambda: mt.meshgrid(d.a, a, indexing=way),
              list(numpy.meshgrid(d.x, x, indexing=way)))


def repeat(d, batch, label):
    axis = None if d.flag() else d.axis()
    size = d.x.size if axis is None else d.shape[axis]
    counts = d.integer(0, 3) if d.flag() else d.generator.integers(0, 3, size)
    given = counts if isinstance(counts, int) else mt.array(counts)
    batch.add(label, lambda: mt.repeat(d.a, given, axis=axis), numpy.repeat(d.x, counts, axis))


def take(d, batch, label):
    if not d.rank or 0 in d.shape:
        return
    axis = d.axis()
    places = d.generator.integers(-d.shape[axis], d.shape[axis], d.integer(0, 5))
    batch.add(label, lambda: mt.take(d.a, mt.array(places), axis=axis),
              numpy.take(d.x, places, axis=axis))


def take_along_axis(d, batch, label):
    if not d.rank or 0 in d.shape:
        return
    axis = d.axis()
    shape = [size if d.flag() else 1 for size in d.shape]
    shape[axis] = d.integer(1, 4)
    places = d.generator.integers(-d.shape[axis], d.shape[axis], shape)
    batch.add(label, lambda: mt.take_along_axis(d.a, mt.array(places), axis=axis),
              numpy.take_along_axis(d.x, places, axis))


def ordering(name):
    def call(d, batch, label):
        if not d.rank:
            return
        axis, descending = d.axis(), d.flag()
        x = arithmetic(d.x)
        if descending:
            flipped = numpy.argsort(numpy.flip(x, axis), axis, kind="stable")
            places = numpy.flip(x.shape[axis] - 1 - flipped, axis)
        else:
            places = numpy.argsort(x, axis, kind="stable")
        expected = places if name == "argsort" else numpy.take_along_axis(d.x, places, axis)
        batch.add(label, lambda: getattr(mt, name)(d.a, axis=axis, descending=descending), expected)
    return call


def searchsorted(d, batch, label):
    if d.rank != 1:
        return
    ordered = numpy.sort(arithmetic(d.x)).astype(d.dtype)
    x, a = d.more((2, 3))
    side = "right" if d.flag() else "left"
    batch.add(label, lambda: mt.searchsorted(mt.array(ordered), a, side=side),
              numpy.searchsorted(arithmetic(ordered), arithmetic(x), side), "int64")


def unique(name):
    def call(d, batch, label):
        if d.name == "bfloat16":
            return
        expected = getattr(numpy, name)(d.x)
        if name == "unique_values":
            expected = numpy.sort(expected)
        expected = list(expected) if isinstance(expected, tuple) else expected
        batch.add(label, lambda: getattr(mt, name)(d.a), expected, None, 0, True)
    return call


def isin(d, batch, label):
    x, a = d.more((3,))
    invert = d.flag()
    batch.add(label, lambda: mt.isin(d.a, a, invert=invert),
              numpy.isin(arithmetic(d.x), arithmetic(x), invert=invert))


def nonzero(d, batch, label):
    if d.rank:
        batch.add(label, lambda: mt.nonzero(d.a), list(numpy.nonzero(d.x)))


def where(d, batch, label):
    condition, c = d.more(None, "bool")
    other = d.generator.choice(DTYPES)
    x, a = d.more(d.shape[-1:], other)
    dtype = promoted(d.dtype, x.dtype)
    batch.add(label, lambda: mt.where(c, d.a, a),
              numpy.where(condition, d.x.astype(dtype), x.astype(dtype)))


def whole_numbers(d, shape):
    """Small whole numbers, of which products and sums are exact."""
    low = 0 if d.dtype.kind in "ub" else -2
    x = d.generator.integers(low, 2 if d.name == "bool" else 3, shape).astype(d.dtype)
    return x, mt.array(x)


def exactly(function, *xs):
    """A product of whole numbers: in 64 bits, then in the dtype."""
    dtype = xs[0].dtype
    return function(*(x.astype("float64") for x in xs)).astype(dtype)


def matmul(d, batch, label):
    if d.name == "bool":
        return
    m, k, n = d.integer(0, 4), d.integer(0, 5), d.integer(0, 4)
    left, right = d.generator.choice([(0, 0), (1, 0), (0, 1), (2, 2), (1, 2)])
    x, a = whole_numbers(d, (3,) * int(left == 2) + ((m, k) if left else (k,)))
    y, b = whole_numbers(d, (1,) * int(right == 2) + ((k, n) if right else (k,)))
    batch.add(label, lambda: a @ b, exactly(numpy.matmul, x, y), None, 0, True)


def vecdot(d, batch, label):
    if d.name == "bool":
        return
    x, a = whole_numbers(d, (2, 1, 4))
    y, b = whole_numbers(d, (3, 4))
    batch.add(label, lambda: mt.vecdot(a, b), exactly(numpy.vecdot, x, y), None, 0, True)


def tensordot(d, batch, label):
    if d.name == "bool":
        return
    x, a = whole_numbers(d, (2, 3, 4))
    axes, shape = [(0, (2, 2)), (1, (4, 2)), (2, (3, 4, 2)), (((0, 2), (1, 0)), (4, 2, 3))][
        d.integer(0, 3)]
    y, b = whole_numbers(d, shape)
    batch.add(label, lambda: mt.tensordot(a, b, axes=axes),
              exactly(lambda p, q: numpy.tensordot(p, q, axes), x, y), None, 0, True)


def matrices(name):
    def call(d, batch, label):
        if d.rank >= 2:
            k = d.integer(-3, 3)
            reference = getattr(numpy, name)
            batch.add(label, lambda: getattr(mt, name)(d.a, k=k), reference(d.x, k))
    return call


def binary(name):
    def call(d, batch, label):
        shape = tuple(d.integer(0, 2) if size == 1 else size for size in d.shape)
        shape = shape[d.integer(0, d.rank):]
        x, a = d.more(shape)
        if d.name == "bool":
            return
        expected = getattr(numpy, name)(arithmetic(d.x), arithmetic(x))
        if expected.dtype != bool:
            expected = expected.astype(d.dtype)
        batch.add(label, lambda: getattr(mt, name)(d.a, a), expected, None, 0, True)
    return call


CALLS = {
    **{name: reduction(name) for name in "sum prod mean std var max min".split()},
    **{name: place(name) for name in ("argmax", "argmin")},
    **{name: truth(name) for name in ("all", "any", "count_nonzero")},
    "cumulative_sum": cumulative("cumulative_sum", numpy.cumsum),
    "cumulative_prod": cumulative("cumulative_prod", numpy.cumprod),
    "diff": diff,
    "reshape": moving("reshape", a_shape), "permute_dims": moving("permute_dims", an_order),
    "broadcast_to": moving("broadcast_to", a_wider_shape),
    "flip": moving("flip", lambda d: (d.axes(),)),
    "expand_dims": moving("expand_dims", lambda d: (d.integer(-d.rank - 1, d.rank),)),
    "squeeze": moving("squeeze", squeezed), "roll": moving("roll", shifts),
    "moveaxis": moving("moveaxis", lambda d: with_axis(d, d.axis())),
    "tile": moving("tile", lambda d: (
        tuple(d.generator.integers(0, 3, d.integer(0, 3)).tolist()),)),
    "matrix_transpose": moving("matrix_transpose", lambda d: None if d.rank < 2 else ()),
    "concat": joining("concat", False), "stack": joining("stack", True), "unstack": unstack,
    "broadcast_arrays": broadcast_arrays, "meshgrid": meshgrid, "repeat": repeat,
    "take": take, "take_along_axis": take_along_axis, "sort": ordering("sort"),
    "argsort": ordering("argsort"), "searchsorted": searchsorted, "isin": isin, "nonzero": nonzero,
    **{name: unique(name) for name in
       "unique_all unique_counts unique_inverse unique_values".split()},
    "where": where, "matmul": matmul, "vecdot": vecdot, "tensordot": tensordot,
    "tril": matrices("tril"), "triu": matrices("triu"),
    **{name: binary(name) for name in "add subtract multiply maximum minimum equal less".split()},
}
