# SPDX-License-Identifier: Apache-2.0
"""Shapes: reshaping, joining, splitting, repeating; elements move and keep their values.

Takes arrays and sizes; gives new arrays (there are no views).
"""
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import indexing
from mintor import reductions
from mintor.arguments import chosen, place_of, places_of

_as_array = arrays.as_array
_operator = _mintor.find_operator
_reshape = _operator("reshape")
_permute = _operator("permute")
_broadcast_to = _operator("broadcast_to")
_expand_dims = _operator("expand_dims")
_squeeze = _operator("squeeze")
_concat = _operator("concat")
_stack = _operator("stack")
_take = _operator("take")
_flip = _operator("flip")
_tile = _operator("tile")
_pad = _operator("pad")
_triangle = _operator("triangle")


def reshape(x, *shape, copy=None):
    """The elements in row-major order as another shape; one size may be -1."""
    del copy
    return _reshape(x, arrays.shape_of(shape))


def ravel(x):
    """All elements in one dimension."""
    return _reshape(x, (-1,))


def flatten(x, start_dim=0, end_dim=-1):
    """Dimensions start_dim..end_dim as one (PyTorch's)."""
    x = _as_array(x)
    if x.ndim == 0:
        return _reshape(x, (1,))
    start, end = place_of(start_dim, x.ndim), place_of(end_dim, x.ndim)
    middle = math.prod(x.shape[start:end + 1])
    return _reshape(x, x.shape[:start] + (middle,) + x.shape[end + 1:])


def permute_dims(x, axes):
    """Dimension d of the result is dimension axes[d] of x."""
    return _permute(x, axes)


def permute(x, *axes):
    """The dimensions in the given order."""
    return _permute(x, arrays.shape_of(axes))


def transpose(x, *axes):
    """Reversed dimensions; two integers swap them (PyTorch), a tuple permutes (NumPy)."""
    x = _as_array(x)
    if not axes or axes == (None,):
        return _permute(x, tuple(reversed(range(x.ndim))))
    if len(axes) == 2 and all(isinstance(axis, int) for axis in axes):
        return swapaxes(x, *axes)
    return _permute(x, arrays.shape_of(axes))


def swapaxes(x, first, second):
    """Two dimensions swapped."""
    x = _as_array(x)
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    return _permute(x, order)


def matrix_transpose(x):
    """The last two dimensions swapped. ValueError for a vector."""
    x = _as_array(x)
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: an array of {x.ndim} dimensions is no matrix")
    return swapaxes(x, -1, -2)


def t(x):
    """A matrix transposed; a vector is as it is. ValueError for more dimensions."""
    x = _as_array(x)
    if x.ndim > 2:
        raise ValueError(f"t: an array of {x.ndim} dimensions; use mT or permute")
    return transpose(x)


def moveaxis(x, source, destination):
    """Moves dimensions to other places; the others keep their order."""
    x = _as_array(x)
    sources = places_of(chosen(source), x.ndim)
    targets = places_of(chosen(destination), x.ndim)
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources)):
        order.insert(target, axis)
    return _permute(x, order)


def broadcast_to(x, shape):
    """x repeated along dimensions of size 1 and new ones in front, to that shape."""
    return _broadcast_to(x, arrays.shape_of((shape,)))


def expand(x, *shape):
    """Stretches dimensions of size 1; -1 keeps a size (PyTorch's)."""
    x, shape = _as_array(x), arrays.shape_of(shape)
    own = (1,) * (len(shape) - x.ndim) + x.shape
    return _broadcast_to(x, tuple(o if s == -1 else s for s, o in zip(shape, own)))


def broadcast_arrays(*xs):
    """All arrays in the shape that they have together; ValueError where there is none."""
    xs = [_as_array(x) for x in xs]
    shape = numpy.broadcast_shapes(*(x.shape for x in xs))
    return [_broadcast_to(x, shape) for x in xs]


def expand_dims(x, axis):
    """New dimensions of size 1 at these places of the result."""
    return _expand_dims(x, chosen(axis))


def unsqueeze(x, dim):
    """A new dimension of size 1 at that place."""
    return _expand_dims(x, (dim,))


def squeeze(x, axis=None, *, dim=None):
    """Without dimensions of size 1: all of them, or those named.

    ValueError where one that is named is not of size 1.
    """
    x, axes = _as_array(x), chosen(axis, dim)
    if axes is None:
        axes = [d for d, size in enumerate(x.shape) if size == 1]
    for place in places_of(axes, x.ndim):
        if x.shape[place] != 1:
            raise ValueError(f"squeeze: dimension {place} has size {x.shape[place]}, not 1")
    return _squeeze(x, axes)


def concatenate(xs, axis=0, *, dim=None):
    """Arrays side by side along an axis; flattened first where axis is None."""
    xs = [_as_array(x) for x in xs]
    if axis is None and dim is None:
        xs, axis = [ravel(x) for x in xs], 0
    return _concat(xs, axis if dim is None else dim)


cat = concat = concatenate


def stack(xs, axis=0, *, dim=None):
    """Arrays of one shape along a new axis. ValueError where shapes differ."""
    xs = [_as_array(x) for x in xs]
    if len({x.shape for x in xs}) > 1:
        raise ValueError("stack: the arrays have different shapes")
    return _stack(xs, axis if dim is None else dim)


def unstack(x, axis=0, *, dim=None):
    """The parts along an axis, without it."""
    x = moveaxis(_as_array(x), axis if dim is None else dim, 0)
    return tuple(indexing.get(x, i, fixed=True) for i in range(x.shape[0]))


unbind = unstack


def _sections(x, places, axis):
    starts = [0] + places
    index = [slice(None)] * x.ndim
    parts = []
    for begin, end in zip(starts, places + [x.shape[axis]]):
        index[axis] = slice(begin, end)
        parts.append(indexing.get(x, tuple(index), fixed=True))
    return parts


def split(x, sections, axis=0, *, dim=None):
    """An integer: that many equal sections. A list: sizes that sum to the extent, or places.

    ValueError where the sections are not equal, or where a list can be read both ways.
    """
    x = _as_array(x)
    axis = place_of(axis if dim is None else dim, x.ndim)
    size = x.shape[axis]
    if isinstance(sections, int):
        if sections < 1 or size % sections:
            raise ValueError(f"split: {size} elements do not make {sections} equal sections")
        return _sections(x, list(range(size // sections, size, size // sections)), axis)
    sections = [item.__index__() for item in sections]
    are_sizes = sum(sections) == size
    are_places = sections == sorted(sections) and \
        all(0 <= item <= size for item in sections)
    if are_sizes and are_places and len(sections) > 1 and sections[-1] < size:
        raise ValueError(f"split: {sections} can be sizes or places; use mt.chunk or slices")
    if are_sizes:
        places = [sum(sections[:i]) for i in range(1, len(sections))]
        return _sections(x, places, axis)
    return _sections(x, sections, axis)


def chunk(x, chunks, dim=0):
    """At most `chunks` parts of equal size, the last one smaller (PyTorch's)."""
    x = _as_array(x)
    size = x.shape[dim]
    step = max(1, -(-size // chunks))
    return _sections(x, list(range(step, size, step)), dim % x.ndim)


def flip(x, axis=None, *, dims=None):
    """The elements in opposite order along axes, or along all."""
    x = _as_array(x)
    axes = chosen(axis, dims)
    return _flip(x, tuple(range(x.ndim)) if axes is None else tuple(places_of(axes, x.ndim)))


def fliplr(x):
    """The order along dimension 1 reversed."""
    return flip(x, 1)


def flipud(x):
    """The order along dimension 0 reversed."""
    return flip(x, 0)


def rot90(x, k=1, axes=(0, 1)):
    """A quarter turn, k times, in the plane of two axes."""
    x = _as_array(x)
    first, second = places_of(axes, x.ndim)
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        x = flip(x, second)
    turned = swapaxes(x, first, second) if turns else _operator("positive")(x)
    return flip(turned, second) if turns == 3 else turned


def roll(x, shift, axis=None, *, shifts=None, dims=None):
    """Elements moved along axes, those that leave coming in at the other end."""
    x = _as_array(x)
    shift, axis = shifts if shift is None else shift, dims if axis is None else axis
    if axis is None:
        return reshape(roll(ravel(x), sum(chosen(shift)), 0), x.shape)
    by, axes = chosen(shift), chosen(axis)
    count = max(len(by), len(axes))
    for step, along in zip(by * (count // len(by)), axes * (count // len(axes))):
        along = place_of(along, x.ndim)
        size = x.shape[along]
        if size:
            x = concatenate(_sections(x, [size - step % size], along)[::-1], along)
    return x


def tile(x, repeats):
    """The whole array repeated along each dimension."""
    x = _as_array(x)
    repeats = arrays.shape_of((repeats,))
    rank = max(x.ndim, len(repeats))
    x = _reshape(x, (1,) * (rank - x.ndim) + x.shape)
    return _tile(x, (1,) * (rank - len(repeats)) + repeats)


def repeat(x, repeats, axis=None, *, dim=None):
    """Each element `repeats` times (NumPy's); see tile for the whole array. ValueError for negative
    counts, and for another number of counts than elements.
    """
    x = _as_array(x)
    axis = dim if axis is None else axis
    if axis is None:
        x, axis = ravel(x), 0
    axis = place_of(axis, x.ndim)
    size = x.shape[axis]
    if isinstance(repeats, int):
        if repeats < 0:
            raise ValueError("repeat: a count is negative")
        wide = _broadcast_to(_expand_dims(x, (axis + 1,)),
                             x.shape[:axis + 1] + (repeats,) + x.shape[axis + 1:])
        return _reshape(wide, x.shape[:axis] + (size * repeats,) + x.shape[axis + 1:])
    counts = _as_array(repeats).numpy()
    if counts.shape not in ((), (1,), (size,)):
        raise ValueError(f"repeat: {counts.size} counts for {size} elements; use tile to repeat "
                         "the whole array")
    places = numpy.repeat(numpy.arange(size), counts)
    return _take(x, arrays.array(places), axis)


def pad(x, widths, mode="constant", constant_values=0):
    """NumPy's pad: widths (before, after) of each dimension, of all, or one number.

    `mode`: constant, reflect, edge or wrap.
    """
    x = _as_array(x)
    pairs = numpy.broadcast_to(numpy.asarray(widths), (x.ndim, 2)).tolist()
    return _pad(x, [before for before, _ in pairs], [after for _, after in pairs], mode,
                float(constant_values))


def tril(x, k=0, *, diagonal=None):  # pylint: disable=redefined-outer-name
    """The lower triangle, up to the k-th diagonal; zeros elsewhere."""
    return _triangle(x, False, k if diagonal is None else diagonal)


def triu(x, k=0, *, diagonal=None):  # pylint: disable=redefined-outer-name
    """The upper triangle, from the k-th diagonal on; zeros elsewhere."""
    return _triangle(x, True, k if diagonal is None else diagonal)


def meshgrid(*xs, indexing="xy"):  # pylint: disable=redefined-outer-name
    """Coordinate arrays of a grid; "xy" or "ij". ValueError for another indexing."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    xs = [ravel(x) for x in xs]
    shape = [x.shape[0] for x in xs]
    made = [_broadcast_to(_reshape(x, (1,) * i + (-1,) + (1,) * (len(xs) - 1 - i)), shape)
            for i, x in enumerate(xs)]
    if indexing == "xy" and len(xs) > 1:
        return [swapaxes(x, 0, 1) for x in made]
    return made


def reshape_as(x, other):
    """x in the shape of another array."""
    return reshape(x, other.shape)


view_as = reshape_as


def expand_as(x, other):
    """x broadcast to the shape of another array."""
    return expand(x, other.shape)


def narrow(x, dim, start, length):
    """The elements start .. start + length - 1 along a dimension. IndexError where there are fewer.
    """
    x = _as_array(x)
    dim = place_of(dim, x.ndim)
    if not 0 <= start <= start + length <= x.shape[dim]:
        raise IndexError(f"narrow: {start}..{start + length} of {x.shape[dim]} elements")
    return x[(slice(None),) * dim + (slice(start, start + length),)]


def select(x, dim, index):
    """The part at one place of a dimension, without it."""
    x = _as_array(x)
    return x[(slice(None),) * place_of(dim, x.ndim) + (index,)]


def unflatten(x, dim, sizes):
    """One dimension as several."""
    x = _as_array(x)
    dim = place_of(dim, x.ndim)
    sizes = list(sizes)
    if -1 in sizes:
        known = -math.prod(sizes)
        sizes[sizes.index(-1)] = x.shape[dim] // known if known else 0
    return _reshape(x, x.shape[:dim] + tuple(sizes) + x.shape[dim + 1:])


def unfold(x, dim, size, step):
    """Windows along a dimension; their elements are a new last one (PyTorch's)."""
    x = _as_array(x)
    dim = place_of(dim, x.ndim)
    starts = numpy.arange(0, x.shape[dim] - size + 1, step)
    places = starts[:, None] + numpy.arange(size)
    return moveaxis(_take(x, arrays.array(places), dim), dim + 1, -1)


repeat_interleave = repeat
movedim = moveaxis
swapdims = swapaxes


def atleast_1d(x):
    """x, with one dimension where it has none."""
    x = _as_array(x)
    return _reshape(x, (1,)) if x.ndim == 0 else x


def atleast_2d(x):
    """x, with dimensions of size 1 in front where it has fewer than two."""
    x = _as_array(x)
    return x if x.ndim >= 2 else _reshape(x, (1, -1))


def vstack(xs):
    """Rows (vectors count as rows) below each other."""
    return concatenate([atleast_2d(x) for x in xs], 0)


def hstack(xs):
    """Side by side: along axis 1, of vectors along axis 0."""
    xs = [atleast_1d(x) for x in xs]
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1)


def column_stack(xs):
    """Vectors as the columns of a matrix."""
    xs = [_as_array(x) for x in xs]
    return concatenate([x if x.ndim > 1 else _reshape(x, (-1, 1)) for x in xs], 1)


def append(x, values, axis=None):
    """Values behind those of x along an axis; both flattened without one."""
    return concatenate([x, values], axis)


def delete(x, places, axis):
    """Without what is at these places (an integer, a slice, integers) along an axis."""
    x = _as_array(x)
    kept = numpy.delete(numpy.arange(x.shape[axis]), places)
    return _take(x, arrays.array(kept), axis)


def diag(x, k=0):
    """The diagonal of a matrix; a matrix with a vector as its diagonal. ValueError for more than 2
    dimensions.
    """
    x = _as_array(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag: an array of {x.ndim} dimensions")
    size = x.shape[0] + abs(k)
    wide = _pad(x, [max(k, 0)], [max(-k, 0)], "constant", 0.0)
    rows, columns = numpy.indices((size, size))
    return _operator("where")(arrays.array(columns - rows == k), _reshape(wide, (1, size)),
                              arrays.zeros((), dtype=x.dtype))


def tril_indices(rows, k=0, columns=None):
    """Rows and columns of the elements up to the k-th diagonal of a matrix."""
    return tuple(arrays.array(places) for places in numpy.tril_indices(rows, k, columns))


def triu_indices(rows, k=0, columns=None):
    """Rows and columns of the elements from the k-th diagonal of a matrix on."""
    return tuple(arrays.array(places) for places in numpy.triu_indices(rows, k, columns))


def diagonal(x, offset=0, axis1=-2, axis2=-1):
    """Elements [i, i + offset] of two dimensions (the last two); they come last."""
    x = _as_array(x)
    axis1, axis2 = places_of((axis1, axis2), x.ndim)
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    places = numpy.arange(count)
    return x[..., places - min(offset, 0), places + max(offset, 0)]


def trace(x, offset=0, dtype=None):
    """The sum of the diagonal of the last two dimensions."""
    return reductions.sum(diagonal(x, offset), -1, dtype=dtype)


__all__ = """
append atleast_1d atleast_2d broadcast_arrays broadcast_to cat chunk column_stack concat
concatenate delete diag diagonal expand expand_as expand_dims flatten flip fliplr flipud hstack
matrix_transpose meshgrid moveaxis movedim narrow pad permute permute_dims ravel repeat
repeat_interleave reshape reshape_as roll rot90 select split squeeze stack swapaxes swapdims t
tile trace transpose tril tril_indices triu triu_indices unbind unflatten unfold unsqueeze unstack
view_as vstack
""".split()
