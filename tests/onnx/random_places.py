# SPDX-License-Identifier: Apache-2.0
"""Operators of random models that move elements: places, shapes and sizes that are computed.

Takes: the Builder `g`, which picks operands. Gives: `ROWS`, a function and its weight an operator.
Keeps true: what ONNX or ONNX Runtime leaves open stays out, so that one answer is right.
"""

import numpy as np
from onnx import helper
from random_operands import ANY, dim_of, filled, need, shape_of
from random_oracle import onnx_type
from random_values import BOOL, EXACT, F16, F32, F64, FLOATS, I32, I64, MOVES, U8


def concat(g):
    x = g.pick(rank=(1, 5))
    axis = g.number(0, x.rank - 1)
    parts = [x]
    for _ in range(g.choose([1, 1, 2, 3])):
        dims = list(x.dims)
        if g.chance(0.6):
            dims[axis] = g.dim()
        parts.append(x if g.chance(0.15) else g.like(x, dims))
    order = g.rng.permutation(len(parts))
    sign = axis if g.chance(0.7) else axis - x.rank
    g.node("Concat", [parts[i] for i in order], sure=MOVES, axis=sign)


def split(g):
    x = g.pick(rank=(1, 5))
    axis = g.number(0, x.rank - 1)
    sizes = set(x.dims[axis])
    if len(sizes) == 1 and (size := sizes.pop()) >= 2 and g.chance(0.8):
        first = g.number(0, size)
        parts = [first, size - first] if g.chance(0.7) else [first, 0, size - first]
        return g.node(
            "Split", [x, g.constant(parts, I64)], len(parts), sure=MOVES, axis=axis
        )
    need(g.opset >= 18)
    return g.node("Split", [x], 2, sure=MOVES, axis=axis, num_outputs=2)


def split_computed(g):
    """In halves by sizes computed from the shape."""
    x = g.pick(rank=(1, 5))
    axis = g.number(0, x.rank - 1)
    size = dim_of(g, x, axis)
    half = g.node("Div", [size, g.constant([2], I64)])
    rest = g.node("Sub", [size, half])
    parts = g.node("Concat", [half, rest], axis=0)
    g.node("Split", [x, parts], 2, sure=MOVES, axis=axis)


def slice_fixed(g):
    x = g.pick(rank=(1, 5))
    axes = sorted(g.rng.permutation(x.rank)[: g.number(1, min(2, x.rank))].tolist())
    starts, ends, steps = [], [], []
    for _ in axes:
        step = g.choose([1, 1, 1, 2, 3, -1, -2])
        far = g.choose([2**31 - 1, 2**63 - 1, 100])
        starts.append(g.number(-4, 4) if step > 0 else g.choose([-1, far, 3, -2]))
        ends.append(g.choose([far, -1, 2, 5, -3]) if step > 0 else g.choose([-far, 0, 1, -6]))
        steps.append(step)
    kind = g.choose([I64, I32]) if max(map(abs, starts + ends)) < 2**31 else I64
    given = [g.constant(v, kind) for v in (starts, ends, axes, steps)]
    g.node("Slice", [x, *given], sure=MOVES)


def slice_computed(g):
    """From or to a place that is a part of the size."""
    x = g.pick(rank=(1, 5))
    axis = g.number(0, x.rank - 1)
    place = g.node("Div", [dim_of(g, x, axis), g.constant([g.choose([2, 3])], I64)])
    if g.chance(0.3):
        place = g.node("Sub", [place, g.constant([1], I64)])
    zero, end = g.constant([0], I64), g.constant([2**63 - 1], I64)
    bounds = [place, end] if g.chance(0.5) else [zero, place]
    steps = [g.constant([2], I64)] if g.chance(0.3) else []
    g.node("Slice", [x, *bounds, g.constant([axis], I64), *steps], sure=MOVES)


def pad(g):
    x = g.pick(dtypes=FLOATS + (I64, I32, U8, BOOL), rank=(1, 4))
    modes = ["constant", "constant", "constant", "edge", "reflect"]
    mode = g.choose(modes + ["wrap"] if g.opset >= 19 else modes)
    low = -1 if mode == "constant" else 0
    pads = [g.number(low, 2) if g.chance(0.6) else 0 for _ in range(2 * x.rank)]
    inputs = [x, g.constant(pads, I64)]
    if mode == "constant" and g.chance(0.5):
        inputs.append(g.constant(np.array(g.choose([0, 1, 2]), x.dtype)))
    g.node("Pad", inputs, sure=MOVES, mode=mode)


def pad_computed(g):
    """To a multiple of some size."""
    x = g.pick(dtypes=FLOATS + (I64,), rank=(1, 4))
    size, step = dim_of(g, x, x.rank - 1), g.constant([g.choose([2, 4, 8])], I64)
    over = g.node("Mod", [size, step])
    short = g.node("Mod", [g.node("Sub", [step, over]), step])
    before = g.constant([0] * (2 * x.rank - 1), I64)
    g.node("Pad", [x, g.node("Concat", [before, short], axis=0)], sure=MOVES)


def indices(g, dims, sizes, dtype=None):
    """New places among `sizes` (one for each run), also counted from the end."""

    def data(s, shape):
        need(sizes[s] or not np.prod(shape), "nothing to index")
        return g.rng.integers(-sizes[s], sizes[s], shape) if sizes[s] else np.zeros(shape)

    return g.fresh(dims, dtype or g.choose([I64, I32]), data)


def gather(g):
    x = g.pick(rank=(1, 5))
    axis = g.number(0, x.rank - 1)
    place = indices(g, g.shape(0, 2), x.dims[axis])
    g.node("Gather", [x, place], sure=MOVES, axis=axis)


def gather_computed(g):
    """At places that another value gives, modulo the size."""
    x = g.pick(filled, rank=(1, 4))
    axis = g.number(0, x.rank - 1)
    index = g.pick(filled, dtypes=(I64,), rank=(0, 2))
    size = g.node("Gather", [shape_of(g, x), g.constant(axis, I64)], axis=0)
    g.node("Gather", [x, g.node("Mod", [index, size])], sure=MOVES, axis=axis)


def gather_elements(g):
    x = g.pick(rank=(1, 4))
    axis = g.number(0, x.rank - 1)
    dims = list(x.dims)
    dims[axis] = g.dim()
    place = indices(g, dims, x.dims[axis])
    g.node("GatherElements", [x, place], sure=MOVES, axis=axis)


def gather_nd(g):
    x = g.pick(rank=(1, 4))
    batch = g.number(0, x.rank - 1) if g.chance(0.4) else 0
    depth = g.number(1, x.rank - batch)
    dims = x.dims[:batch] + g.shape(0, 2)
    columns = [indices(g, [*dims, (1,) * g.count], x.dims[batch + d], I64) for d in range(depth)]
    data = [np.concatenate([c.data[s] for c in columns], -1) for s in range(g.count)]
    for c in columns:
        del g.values[c.name]
    place = g.fresh([*dims, (depth,) * g.count], I64, lambda s, shape: data[s])
    g.node("GatherND", [x, place], sure=MOVES, batch_dims=batch)


def scatter_elements(g):
    """At places without repetition."""
    x = g.pick(rank=(1, 3))
    axis = g.number(0, x.rank - 1)
    dims = list(x.dims)
    count = min(x.dims[axis])
    need(count >= 1, "nothing to scatter to")
    dims[axis] = (g.number(1, min(count, 3)),) * g.count

    def data(s, shape):
        keys = g.rng.random([*shape[:axis], x.dims[axis][s], *shape[axis + 1 :]])
        return np.take(np.argsort(keys, axis), range(shape[axis]), axis)

    place = g.fresh(dims, I64, data)
    g.node("ScatterElements", [x, place, g.like(x, dims)], sure=MOVES, axis=axis)


def transpose(g):
    x = g.pick(rank=(2, 5))
    g.node("Transpose", [x], sure=MOVES, perm=g.rng.permutation(x.rank).tolist())


def reshape(g):
    """Dimensions kept by 0, one by -1, some merged."""
    x = g.pick(rank=(1, 5))
    keep = g.number(0, x.rank - 1)
    known = [d for d in range(keep, x.rank) if len(set(x.dims[d])) == 1]
    to = [0] * keep + [-1]
    if known and g.chance(0.7):
        size = x.dims[known[-1]][0]
        need(size, "nothing to reshape")
        parts = [p for p in (2, 3, 4, size) if size % p == 0]
        to.insert(g.number(keep, len(to)), g.choose(parts))
    g.node("Reshape", [x, g.constant(to, I64)], sure=MOVES)


def reshape_computed(g):
    """To [first dimensions, the product of the others], all computed."""
    x = g.pick(rank=(2, 5))
    cut = g.number(1, x.rank - 1)
    rest = dim_of(g, x, cut)
    for d in range(cut + 1, x.rank):
        rest = g.node("Mul", [rest, dim_of(g, x, d)])
    first = [dim_of(g, x, d) for d in range(cut)]
    g.node("Reshape", [x, g.node("Concat", [*first, rest], axis=0)], sure=MOVES)


def flatten(g):
    x = g.pick(rank=(1, 5))
    g.node("Flatten", [x], sure=MOVES, axis=g.number(0, x.rank))


def expand(g):
    x = g.pick(rank=(0, 4))
    to = [1 if len(set(d)) > 1 else g.choose([1, d[0]]) for d in x.dims]
    to = [g.number(1, 4) if d == 1 and set(x.dims[i]) == {1} else d for i, d in enumerate(to)]
    if g.chance(0.4):
        to.insert(0, g.number(1, 3))
    need(to)
    g.node("Expand", [x, g.constant(to, I64)], sure=MOVES)


def expand_like(g):
    """To the shape of another value."""
    y = g.pick(rank=(1, 4))
    dims = [(1,) * g.count if g.chance(0.5) else d for d in y.dims][g.number(0, y.rank - 1) :]
    x = g.like(y, dims, g.choose(ANY))
    g.node("Expand", [x, shape_of(g, y)], sure=MOVES)


def squeeze(g):
    x = g.pick(rank=(0, 5))
    ones = [d for d in range(x.rank) if set(x.dims[d]) == {1}]
    if ones and g.chance(0.5):
        return g.node("Squeeze", [x, g.constant([g.choose(ones)], I64)], sure=MOVES)
    need(x.rank < 5)
    axes = [g.number(-x.rank - 1, x.rank)]
    return g.node("Unsqueeze", [x, g.constant(axes, I64)], sure=MOVES)


def tile(g):
    x = g.pick(rank=(1, 4))
    times = [g.choose([1, 1, 2, 3, 0]) if g.chance(0.9) else 5 for _ in range(x.rank)]
    if g.chance(0.8):
        times = [max(t, 1) for t in times]
    g.node("Tile", [x, g.constant(times, I64)], sure=MOVES)


def space(g):
    x = g.pick(dtypes=(F32, F16, F64), rank=(4, 4))
    if g.chance(0.5):
        return g.node("SpaceToDepth", [x], sure=MOVES, blocksize=2)
    return g.node("DepthToSpace", [x], sure=MOVES, blocksize=2, mode=g.choose(["DCR", "CRD"]))


def trilu(g):
    x = g.pick(dtypes=(F32, I64, F64, BOOL), rank=(2, 4))
    inputs = [x] if g.chance(0.4) else [x, g.constant(g.number(-2, 2), I64)]
    g.node("Trilu", inputs, sure=MOVES, upper=g.number(0, 1))


def one_hot(g):
    x = g.pick(dtypes=(I64, I32), rank=(0, 3))
    values = g.constant([0, g.choose([1, 3])], g.choose([F32, I64]))
    inputs = [x, g.constant(g.number(1, 7), I64), values]
    g.node("OneHot", inputs, sure=MOVES, axis=g.choose([-1, 0]))


def shape_output(g):
    """A shape, or its size, as numbers that are used further."""
    x = g.pick()
    value = g.node(g.choose(["Shape", "Size"]), [x])
    if g.chance(0.5):
        value = g.node("Cast", [value], sure=MOVES, to=onnx_type(F32))
        g.node("Mul", [value, g.constant(np.array(0.5, F32))], sure=EXACT)


def range_of_size(g):
    x = g.pick(rank=(1, 5))
    size = g.node("Gather", [shape_of(g, x), g.constant(g.number(0, x.rank - 1), I64)], axis=0)
    step = g.choose([1, 1, 2, 3])
    places = g.node("Range", [g.constant(g.choose([0, 1]), I64), size, g.constant(step, I64)])
    to = g.choose([None, F32, I32])
    if to:
        g.node("Cast", [places], sure=MOVES, to=onnx_type(to))


def filled_shape(g):
    """ConstantOfShape of a shape, or of a shape put together from two."""
    x = g.pick(rank=(1, 3))
    shape = shape_of(g, x)
    if g.chance(0.5):
        y = g.pick(rank=(1, 3))
        shape = g.node("Concat", [shape, dim_of(g, y, g.number(0, y.rank - 1))], axis=0)
    dtype = g.choose([F32, I64, BOOL, F64])
    value = helper.make_tensor("value", onnx_type(dtype), [1], [g.choose([0, 1])])
    g.node("ConstantOfShape", [shape], sure=MOVES, value=value)


def tile_computed(g):
    """As often as another value is long."""
    x = g.pick(rank=(1, 2))
    y = g.pick(rank=(1, 4))
    times = dim_of(g, y, g.number(0, y.rank - 1))
    if x.rank == 2:
        times = g.node("Concat", [g.constant([1], I64), times][:: g.choose([1, -1])], axis=0)
    g.node("Tile", [x, times], sure=MOVES)


def expand_computed(g):
    """To a shape that holds a size of another value, x's own where x is not 1."""
    x = g.pick(rank=(0, 3))
    y = g.pick(rank=(1, 4))
    lead = dim_of(g, y, g.number(0, y.rank - 1))
    shape = g.node("Concat", [lead, shape_of(g, x)], axis=0) if x.rank else lead
    g.node("Expand", [x, shape], sure=MOVES)


def padded_then_cut(g):
    """Pad and slice back: places move and return."""
    x = g.pick(rank=(1, 4))
    amount = g.number(1, 3)
    zeros = [0] * (x.rank - 1)
    wide = g.node("Pad", [x, g.constant([*zeros, amount, *zeros, amount], I64)], sure=MOVES)
    bounds = [g.constant([v], I64) for v in (amount - 1, -amount, -1)]
    g.node("Slice", [wide, *bounds], sure=MOVES)


def scatter_nd(g):
    """Rows at places without repetition."""
    x = g.pick(rank=(1, 4))
    count = min(x.dims[0])
    need(count >= 1, "nothing to scatter to")
    rows = (g.number(1, min(count, 3)),) * g.count

    def data(s, shape):
        return g.rng.permutation(x.dims[0][s])[: shape[0], None]

    place = g.fresh([rows, (1,) * g.count], I64, data)
    g.node("ScatterND", [x, place, g.like(x, [rows, *x.dims[1:]])], sure=MOVES)


def cut_by_floats(g):
    """To half the size, the half computed in floats as exporters do."""
    x = g.pick(rank=(1, 4))
    axis = g.number(0, x.rank - 1)
    size = g.node("Cast", [dim_of(g, x, axis)], sure=MOVES, to=onnx_type(F32))
    half = g.node("Mul", [size, g.constant(np.array(0.5, F32))], sure=EXACT)
    whole = g.node(g.choose(["Floor", "Ceil"]), [half], sure=EXACT)
    end = g.node("Cast", [whole], to=onnx_type(I64))
    g.node("Slice", [x, g.constant([0], I64), end, g.constant([axis], I64)], sure=MOVES)


def turned_back(g):
    """Transpose, something of the same shape, transpose back."""
    x = g.pick(dtypes=FLOATS + (I64,), rank=(2, 4))
    order = g.rng.permutation(x.rank)
    turned = g.node("Transpose", [x], sure=MOVES, perm=order.tolist())
    other = g.node("Add", [turned, g.partner(turned)], sure=EXACT)
    if other.rank == x.rank:
        g.node("Transpose", [other], sure=MOVES, perm=np.argsort(order).tolist())


def halves(g):
    """Rotary embedding's rotation: the second half, negated, before the first."""
    x = g.pick(dtypes=FLOATS, rank=(1, 4))
    size = set(x.dims[-1])
    need(len(size) == 1 and (n := size.pop()) >= 2 and n % 2 == 0)
    axis = x.rank - 1
    a, b = g.node("Split", [x, g.constant([n // 2, n // 2], I64)], 2, sure=MOVES, axis=axis)
    turned = g.node("Concat", [g.node("Neg", [b], sure=EXACT), a], sure=MOVES, axis=axis)
    g.node("Add", [x, turned], sure=EXACT)


ROWS = (
    (concat, 6), (split, 4), (split_computed, 2), (slice_fixed, 5), (slice_computed, 3), (pad, 4),
    (pad_computed, 2), (gather, 4), (gather_computed, 3), (gather_elements, 3), (gather_nd, 3),
    (scatter_elements, 2), (transpose, 4), (reshape, 4), (reshape_computed, 3), (flatten, 1),
    (expand, 3), (expand_like, 2), (squeeze, 3), (tile, 2), (space, 1), (trilu, 1), (one_hot, 1),
    (shape_output, 2), (range_of_size, 2), (filled_shape, 2), (tile_computed, 1),
    (expand_computed, 2), (padded_then_cut, 2), (halves, 1), (scatter_nd, 2), (cut_by_floats, 2),
    (turned_back, 2),
)  # fmt: skip
