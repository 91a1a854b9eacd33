# SPDX-License-Identifier: Apache-2.0
"""Random Python programs on arrays, run by NumPy and by Mintor, several steps each.

A program is drawn from a seed: a list of statements over a pool of arrays (element-wise operators,
reductions, slices, assignment, in-place operators, scatter, branches on values, loops whose length
depends on the step, cond, scan and while_loop inside of each other, shapes that change with it).
`run(program, library, step)` interprets it. Keeps true: both libraries see the same inputs; a value
is compared after each step, so what a replayed step gets wrong shows in a later one.

  python tests/python/random_programs.py --seeds 0..1000
"""
import random
import sys

import numpy

import mintor as mt
from seeds import run_seeds

UNARY = ["exp", "sin", "cos", "tanh", "abs", "square", "negative", "sqrt", "floor"]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum", "divide"]
REDUCTIONS = ["sum", "mean", "max", "min"]


class Numpy:
    """NumPy's side of what the programs do."""
    array = staticmethod(lambda values: values.copy())
    where = staticmethod(numpy.where)
    concatenate = staticmethod(numpy.concatenate)
    reshape = staticmethod(numpy.reshape)
    transpose = staticmethod(lambda x: x.T.copy())
    cumsum = staticmethod(lambda x, axis: numpy.cumsum(x, axis))
    read = staticmethod(numpy.asarray)

    @staticmethod
    def call(name, *operands):
        return getattr(numpy, name)(*operands)

    @staticmethod
    def scatter(x, places, values):
        made = x.copy()
        numpy.add.at(made, places, values)
        return made

    @staticmethod
    def scan(x):
        state, found = numpy.zeros_like(x[0]), []
        for row in x:
            state = state * 0.5 + row
            found.append(state)
        return numpy.stack(found)

    @staticmethod
    def cond(pred, f, g, *operands):
        return f(*operands) if pred else g(*operands)

    @staticmethod
    def while_loop(goes_on, body, init):
        while goes_on(*init):
            init = body(*init)
        return init

    @staticmethod
    def carry(f, init, xs):
        ys = []
        for x in xs:
            init, y = f(init, x)
            ys.append(y)
        return init, numpy.stack(ys)


class Mintor:
    """The same, traced."""
    array = staticmethod(mt.array)
    where = staticmethod(mt.where)
    concatenate = staticmethod(mt.concatenate)
    reshape = staticmethod(mt.reshape)
    transpose = staticmethod(lambda x: x.T)
    cumsum = staticmethod(lambda x, axis: mt.cumsum(x, axis))
    read = staticmethod(lambda x: x.numpy())

    @staticmethod
    def call(name, *operands):
        return getattr(mt, name)(*operands)

    @staticmethod
    def scatter(x, places, values):
        index = mt.broadcast_to(mt.array(places).reshape(-1, *[1] * (x.ndim - 1)), values.shape)
        return mt.scatter_add(x, 0, index, values)

    @staticmethod
    def scan(x):
        state, found = mt.zeros_like(x[0]), []
        for i in range(x.shape[0]):
            state = state * 0.5 + x[i]
            found.append(state)
        return mt.stack(found)

    cond = staticmethod(mt.cond)
    while_loop = staticmethod(mt.while_loop)
    carry = staticmethod(mt.scan)


def draw(seed):
    """The statements of a program, and how large its inputs are."""
    rng = random.Random(seed)
    kinds = ["unary", "binary", "scalar", "reduce", "slice", "assign", "in_place", "branch",
             "scatter", "concatenate", "transpose", "cumsum", "scan", "loop", "where", "keep",
             "cond", "while", "carry"]
    statements = []
    for _ in range(rng.randint(4, 14)):
        kind = rng.choice(kinds)
        statements.append((kind, [rng.randrange(1 << 16) for _ in range(6)]))
    return {"rows": rng.choice([1, 2, 3, 5, 7]), "columns": rng.choice([1, 2, 4, 17]),
            "varies": rng.random() < 0.3, "statements": statements}


def inputs_of(program, step):
    rng = numpy.random.default_rng(step)
    rows = program["rows"] + (step % 2 if program["varies"] else 0)
    shape = (rows, program["columns"])
    return [rng.standard_normal(shape), rng.uniform(0.5, 2, shape)]


def _control_flow(kind, numbers, x, y, lib, small, depth=0):
    """A branch or loop whose functions use y, and sometimes have one of their own."""
    name = UNARY[numbers[3] % 5 + 1]

    def inner(v):
        like = y if v.shape == y.shape else y[0]
        if depth < 2 and numbers[4 - depth] % 3 == 0:
            kinds = ["cond", "while", "carry"] if v.ndim else ["cond", "while"]
            return _control_flow(kinds[numbers[depth] % len(kinds)], numbers[1:] + numbers[:1], v,
                                 like, lib, small, depth + 1)
        return lib.call(name, v) * 0.5 + like
    if kind == "cond":
        return lib.cond((x - y).sum() > small, lambda v: inner(v) + y, lambda v: v * small - y, x)
    if kind == "while":
        most = 1 + numbers[5] % 4
        return lib.while_loop(lambda i, v: (i < most) & (v.sum() < 1e3),
                              lambda i, v: (i + 1, lib.call("tanh", inner(v)) + v * small),
                              (0, x))[1]
    last, stacked = lib.carry(lambda c, row: (lib.call("tanh", c * small + inner(row)), c + row),
                              x[0], lib.concatenate([x, y], 0))
    return stacked[:x.shape[0]] + last


def _statement(kind, numbers, pool, lib, step):
    pick = lambda n: pool[numbers[n] % len(pool)]
    x, y = pick(0), pick(1)
    same = [one for one in pool if one.shape == x.shape]
    y = same[numbers[1] % len(same)]
    small = numbers[2] % 7 / 4 - 0.5
    if kind == "unary":
        name = UNARY[numbers[2] % len(UNARY)]
        if name in ("exp", "sqrt", "square"):
            x = lib.call("sin", x) + (1.5 if name == "sqrt" else 0)
        return lib.call(name, x)
    if kind == "binary":
        name = BINARY[numbers[2] % len(BINARY)]
        if name == "divide":
            y = lib.call("abs", y) + 1
        return lib.call(name, lib.call("tanh", x), y)
    if kind == "scalar":
        return [x * (small + step), small - x, x / (small + 3), x + step][numbers[3] % 4]
    if kind == "reduce":
        axis = numbers[2] % 2
        name = REDUCTIONS[numbers[3] % len(REDUCTIONS)]
        made = getattr(x, name)(axis, keepdims=True)
        return made + lib.call("multiply", x, 0.5)
    if kind == "slice":
        size = x.shape[0]
        start = numbers[2] % size
        part = x[start::1 + numbers[3] % 2] if numbers[4] % 2 else x[::-1]
        return part + x[numbers[5] % size]
    if kind == "assign":
        x = x + 0
        x[numbers[2] % x.shape[0]] = small
        return x
    if kind == "in_place":
        x = x + 0
        x += y
        x *= 0.5
        return x
    if kind == "branch":
        return x + 1 if float(lib.read(y.sum())) > 0 else x * 2 - y
    if kind == "scatter":
        places = numpy.array([numbers[n] % x.shape[0] for n in (2, 3, 4)])
        return lib.scatter(x, places, lib.concatenate([x[:1]] * 3, 0))
    if kind == "concatenate":
        return lib.concatenate([x, y], 0)[:x.shape[0]]
    if kind == "transpose":
        return lib.transpose(lib.transpose(x) * 2)
    if kind == "cumsum":
        return lib.call("tanh", lib.cumsum(x, numbers[2] % 2))
    if kind == "scan":
        return lib.scan(x)
    if kind == "loop":
        for _ in range(1 + (numbers[2] + step) % 3):
            x = lib.call("sin", x) + y
        return x
    if kind == "where":
        return lib.where(x > small, x, lib.call("multiply", y, 0.25))
    if kind in ("cond", "while", "carry"):
        return _control_flow(kind, numbers, x, y, lib, small)
    return lib.reshape(lib.reshape(x, (-1,)), x.shape)


def run(program, lib, step):
    """The values that the program leaves, as ndarrays."""
    pool = [lib.array(values) for values in inputs_of(program, step)]
    for kind, numbers in program["statements"]:
        pool.append(_statement(kind, numbers, pool, lib, step))
    return [numpy.asarray(lib.read(value)) for value in pool]


def check(seed, steps=4):
    """None, or what differs."""
    program = draw(seed)
    with numpy.errstate(all="ignore"):
        for step in range(steps):
            expected, got = run(program, Numpy, step), run(program, Mintor, step)
            for place, (want, have) in enumerate(zip(expected, got)):
                if want.shape != have.shape or want.dtype != have.dtype:
                    return f"step {step}, value {place}: {have.dtype}{have.shape}, " \
                           f"expected {want.dtype}{want.shape}"
                if not numpy.allclose(want, have, rtol=1e-8, atol=1e-10, equal_nan=True):
                    return f"step {step}, value {place} differs by {abs(want - have).max()}"
    return None


if __name__ == "__main__":
    sys.exit(run_seeds("random programs", check, __doc__.splitlines()[0]))
