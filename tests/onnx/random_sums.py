# SPDX-License-Identifier: Apache-2.0
"""Operators of random models that sum: reductions, products, windows, resizing.

Takes: the Builder `g`, which picks operands. Gives: `ROWS`, a function and its weight an operator.
Keeps true: what ONNX or ONNX Runtime leaves open stays out (maxima of NaN or of nothing), so that
one answer is right.
"""

import numpy as np
from random_operands import exact, filled, finite, need, shape_of
from random_values import EXACT, F16, F32, F64, FLOATS, I32, I64, MOVES, NEAR, SUMS, U8


# Places along an axis: what rounding one moves a weight by, in ulps; and what is lost where a mean
# is taken away.
PLACES = 600


def axes_of(g, x):
    return sorted(g.rng.permutation(x.rank)[: g.number(1, x.rank)].tolist())


def reduced(g, op, x, axes, keepdims=None, **kind):
    """A reduction by the rules of the opset: axes an attribute at first, an input later."""
    keep = g.number(0, 1) if keepdims is None else keepdims
    if g.opset >= 18 or op == "ReduceSum":
        inputs = [x] if axes is None else [x, g.constant(axes, I64)]
        return g.node(op, inputs, keepdims=keep, **kind)
    attributes = {} if axes is None else {"axes": axes}
    return g.node(op, [x], keepdims=keep, **attributes, **kind)


def reduce_sum(g):
    x = g.pick(dtypes=FLOATS + (I64, I32), rank=(1, 5))
    op = g.choose(["ReduceSum", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceMean"])
    need(op != "ReduceMean" or x.is_float())
    need(op != "ReduceMean" or filled(x), "the mean of nothing")
    power = 2 if op == "ReduceSumSquare" else 1
    sure = NEAR if op == "ReduceMean" else SUMS
    axes = None if g.chance(0.1) else axes_of(g, x)
    reduced(g, op, x, axes, sure=sure, power=power)


def reduce_near(g):
    x = g.pick(finite, dtypes=(F32, F64), rank=(1, 5))
    op = g.choose(["ReduceL2", "ReduceLogSumExp", "ReduceProd"])
    reduced(g, op, x, axes_of(g, x), ulps=4)


def reduce_most(g):
    x = g.pick(finite, filled, dtypes=FLOATS + (I64, I32, U8), rank=(1, 5))
    reduced(g, g.choose(["ReduceMax", "ReduceMin"]), x, axes_of(g, x), sure=EXACT)


def arg_most(g):
    x = g.pick(exact, finite, filled, dtypes=FLOATS + (I64, I32, U8), rank=(1, 5))
    axis = g.number(-x.rank, x.rank - 1)
    flags = {"keepdims": g.number(0, 1)}
    if g.chance(0.2):
        flags["select_last_index"] = g.number(0, 1)
    g.node(g.choose(["ArgMax", "ArgMin"]), [x], axis=axis, **flags)


def softmax(g):
    x = g.pick(finite, dtypes=FLOATS, rank=(1, 4))
    op = g.choose(["Softmax", "Softmax", "LogSoftmax"])
    g.node(op, [x], axis=g.number(-x.rank, x.rank - 1), ulps=8)


def cum_sum(g):
    x = g.pick(dtypes=(F32, F64, I64, I32), rank=(1, 4))
    axis = g.constant(g.number(-x.rank, x.rank - 1), g.choose([I64, I32]))
    flags = {"exclusive": g.number(0, 1), "reverse": g.number(0, 1)}
    g.node("CumSum", [x, axis], sure=SUMS, fixed=(1,), **flags)


def layer_norm(g):
    need(g.opset >= 17)
    x = g.pick(finite, filled, dtypes=(F32, F64), rank=(2, 4))
    scale, bias = (g.like(x, x.dims[-1:], easy=True) for _ in "sb")
    g.node("LayerNormalization", [x, scale, bias], ulps=8, blur=PLACES, axis=-1)


def instance_norm(g):
    x = g.pick(finite, filled, dtypes=(F32,), rank=(3, 4))
    scale, bias = (g.like(x, x.dims[1:2], easy=True) for _ in "sb")
    g.node("InstanceNormalization", [x, scale, bias], ulps=8, blur=PLACES)


def by_parts(g):
    """A mean and a variance written out, as normalisations are exported."""
    x = g.pick(finite, filled, dtypes=(F32, F64, F16), rank=(1, 4))
    mean = reduced(g, "ReduceMean", x, [x.rank - 1], keepdims=1)
    centred = g.node("Sub", [x, mean], sure=EXACT)
    square = g.node("Mul", [centred, centred], sure=EXACT)
    variance = reduced(g, "ReduceMean", square, [x.rank - 1], keepdims=1)
    padded = g.node("Add", [variance, g.constant(np.array(0.01, x.dtype))], sure=EXACT)
    g.node("Div", [centred, g.node("Sqrt", [padded], sure=EXACT)], sure=EXACT)


def batch_norm(g):
    x = g.pick(finite, dtypes=(F32, F64), rank=(2, 4))
    channels = x.dims[1:2]
    scale, bias, mean = (g.like(x, channels, easy=True) for _ in "sbm")
    variance = g.fresh(channels, x.dtype, lambda s, t: g.rng.random(t) + 0.25)
    g.node("BatchNormalization", [x, scale, bias, mean, variance], ulps=4)


def matmul(g):
    x = g.pick(dtypes=(F32, F32, F64, F16, I32), rank=(1, 4))
    inner = x.dims[-1]
    batch = list(x.dims[:-2]) if g.chance(0.5) else []
    batch = [d if g.chance(0.8) else (1,) * g.count for d in batch]
    other = [*batch, inner, g.dim()] if g.chance(0.85) else [inner]
    pair = [x, g.like(x, other)]
    if x.rank >= 2 and len(other) >= 2 and g.chance(0.3):
        turned = [*batch, g.dim(), x.dims[-2]]
        pair = [g.like(x, turned), x]
    g.node("MatMul", pair, sure=SUMS)


def attention(g):
    """Softmax of scaled products of queries and keys, then values."""
    q = g.pick(finite, filled, dtypes=(F32, F16), rank=(2, 4))
    batch, width = q.dims[:-2], q.dims[-1]
    length = q.dims[-2] if g.chance(0.5) else g.dim()
    k = g.like(q, [*batch, length, width], easy=True)
    v = g.like(q, [*batch, length, g.dim()], easy=True)
    turned = list(range(q.rank - 2)) + [q.rank - 1, q.rank - 2]
    scores = g.node("MatMul", [q, g.node("Transpose", [k], sure=MOVES, perm=turned)], sure=SUMS)
    scaled = g.node("Mul", [scores, g.constant(np.array(0.25, q.dtype))], sure=EXACT)
    g.node("MatMul", [g.node("Softmax", [scaled], axis=-1, ulps=8), v])


def gemm(g):
    x = g.pick(dtypes=(F32, F32, F64, F16), rank=(2, 2))
    ta, tb = g.number(0, 1), g.number(0, 1)
    rows, inner = x.dims[::-1] if ta else x.dims
    columns = g.dim()
    y = g.like(x, [columns, inner] if tb else [inner, columns])
    one = (1,) * g.count
    shapes = [[rows, columns], [columns], [one, columns], [rows, one], [one], []]
    bias = [g.like(x, g.choose(shapes))] if g.chance(0.7) else []
    plain = g.chance(0.6)
    factors = {"alpha": 1.0, "beta": 1.0} if plain else {"alpha": 0.5, "beta": 1.5}
    g.node("Gemm", [x, y, *bias], sure=SUMS if plain else NEAR, transA=ta, transB=tb, **factors)


EQUATIONS = (
    "ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "i,j->ij", "ij->ji", "ij,ij->", "ij,ij->i", "ij->j",
    "bhqd,bhkd->bhqk", "bqhd,bkhd->bhqk", "ijk,k->ij", "abc,cd,b->ad", "...ij,...jk->...ik",
    "i,i->", "ij,k->ikj",
)  # fmt: skip


def einsum(g):
    equation = g.choose(EQUATIONS)
    left = equation.split("->")[0].split(",")
    dtype, sizes, operands = g.choose([F32, F32, F64]), {}, []
    for k, term in enumerate(left):
        letters = term.replace("...", "b")
        dims = [sizes.setdefault(c, g.dim()) for c in letters]
        if k == 0:
            x = g.pick(dtypes=(dtype,), rank=(len(letters), len(letters)))
            sizes.update(zip(letters, x.dims))
            operands.append(x)
        else:
            operands.append(g.like(operands[0], dims))
    g.node("Einsum", operands, sure=SUMS, equation=equation)


def image(g, dtypes=(F32,), *conditions):
    """A value with a batch, a fixed number of channels, and one or two sizes to slide along."""
    if g.chance(0.4):
        x = g.pick(*conditions, dtypes=dtypes, rank=(3, 4))
        if len(set(x.dims[1])) == 1:
            return x
    channels = (g.choose([1, 2, 3, 4, 6, 8, 16, 17]),) * g.count
    space = [g.dim() for _ in range(g.choose([1, 2, 2]))]
    x = g.fresh([g.dim(), channels, *space], g.choose(dtypes), easy=bool(conditions))
    need(all(c(x) for c in conditions))
    return x


def window(g, rank, kernel, dilated=True):
    """Strides, dilations and pads, or auto_pad."""
    attributes = {"strides": [g.choose([1, 1, 2, 3]) for _ in range(rank)]}
    if g.chance(0.25):
        attributes["auto_pad"] = g.choose(["SAME_UPPER", "SAME_LOWER", "VALID"])
        return attributes
    if dilated and g.chance(0.3):
        attributes["dilations"] = [g.choose([1, 2]) for _ in range(rank)]
    attributes["pads"] = [g.number(0, max(0, kernel[i % rank] - 1)) for i in range(2 * rank)]
    return attributes


def conv(g):
    x = image(g, (F32, F32, F32, F16))
    channels, rank = x.dims[1][0], x.rank - 2
    groups = g.choose(d for d in (1, 1, 1, 2, 3, channels) if channels and channels % d == 0)
    out = groups * g.choose([1, 2, 3, 4])
    kernel = [g.choose([1, 2, 3, 3, 5]) for _ in range(rank)]
    weight = g.fresh(g.fixed(out, channels // groups, *kernel), x.dtype, easy=True)
    bias = [g.fresh(g.fixed(out), x.dtype, easy=True)] if g.chance(0.5) else []
    attributes = window(g, rank, kernel)
    y = g.node(
        "Conv", [x, weight, *bias], sure=SUMS, kernel_shape=kernel, group=groups, **attributes
    )
    need(filled(y) or not filled(x), "a window that fits nowhere")


def conv_transpose(g):
    x = image(g)
    channels, rank = x.dims[1][0], x.rank - 2
    groups = g.choose(d for d in (1, 1, 2) if channels and channels % d == 0)
    kernel = [g.choose([1, 2, 3, 4]) for _ in range(rank)]
    strides = [g.choose([1, 2, 2, 3]) for _ in range(rank)]
    weight = g.fresh(g.fixed(channels, g.choose([1, 2, 3]), *kernel), x.dtype, easy=True)
    pads = [g.number(0, (k - 1) // 2) for k in kernel] * 2
    extra = [g.number(0, s - 1) for s in strides]
    g.node(
        "ConvTranspose", [x, weight], sure=SUMS, kernel_shape=kernel, group=groups, strides=strides,
        pads=pads, output_padding=extra,
    )  # fmt: skip


def pool(g):
    op = g.choose(["MaxPool", "AveragePool"])
    dtypes = (F32, F32, F64, F16) if op == "MaxPool" else (F32,)
    x = image(g, dtypes, finite)
    rank = x.rank - 2
    kernel = [g.choose([1, 2, 3, 3]) for _ in range(rank)]
    attributes = window(g, rank, kernel, dilated=op == "MaxPool")
    if "auto_pad" not in attributes and g.chance(0.3):
        attributes["ceil_mode"] = 1
    if op == "AveragePool":
        attributes["count_include_pad"] = g.number(0, 1)
    sure = EXACT if op == "MaxPool" else NEAR
    y = g.node(op, [x], sure=sure, kernel_shape=kernel, **attributes)
    need(filled(y), "a window that fits nowhere")


def global_pool(g):
    op = g.choose(["GlobalAveragePool", "GlobalMaxPool"])
    x = image(g, (F32,), finite, filled)
    g.node(op, [x], sure=EXACT if op == "GlobalMaxPool" else NEAR)


def resize_kind(g, rank):
    """Mode and coordinates; the modes that jump round where no two agree are left out."""
    coordinates = g.choose(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
    mode = g.choose(["nearest", "nearest", "linear", "linear", "cubic"])
    if mode == "nearest":
        coordinates = g.choose(["asymmetric", "half_pixel"])
        return {
            "mode": mode,
            "coordinate_transformation_mode": coordinates,
            "nearest_mode": g.choose(["floor", "round_prefer_floor"]),
        }
    return {"mode": mode, "coordinate_transformation_mode": coordinates}


def resize(g):
    x = image(g, (F32,), filled)
    kind = resize_kind(g, x.rank)
    sure = MOVES if kind["mode"] == "nearest" else NEAR
    if g.chance(0.6):
        # Halves and quarters: exact places in any precision.
        scales = [1.0, 1.0] + [g.choose([2.0, 0.5, 4.0, 1.5, 1.0]) for _ in x.dims[2:]]
        inputs = [x, None, g.constant(scales, F32)]
    else:
        sizes = g.constant([g.choose([1, 4, 8, 12]) for _ in x.dims[2:]], I64)
        kept = g.node("Slice", [shape_of(g, x), *(g.constant([v], I64) for v in (0, 2))])
        inputs = [x, None, None, g.node("Concat", [kept, sizes], axis=0)]
        if kind["mode"] == "nearest":
            kind["coordinate_transformation_mode"] = "asymmetric"
            kind["nearest_mode"] = "floor"
    g.node("Resize", inputs, sure=sure, blur=PLACES, fixed=(2,), **kind)


def resize_like(g):
    """To twice the size, computed from the shape."""
    x = image(g, (F32,), filled)
    shape = shape_of(g, x)
    ones = g.constant([1, 1] + [2] * (x.rank - 2), I64)
    sizes = g.node("Mul", [shape, ones])
    mode = g.choose(["nearest", "linear"])
    g.node(
        "Resize", [x, None, None, sizes], sure=MOVES if mode == "nearest" else NEAR, blur=PLACES,
        mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip


ROWS = (
    (reduce_sum, 4), (reduce_near, 2), (reduce_most, 3), (arg_most, 3), (softmax, 3),
    (cum_sum, 2), (layer_norm, 1), (batch_norm, 1), (matmul, 6), (gemm, 3), (attention, 2),
    (instance_norm, 1), (by_parts, 2), (einsum, 3), (conv, 4), (conv_transpose, 1), (pool, 3),
    (global_pool, 1), (resize, 3), (resize_like, 2),
)  # fmt: skip
