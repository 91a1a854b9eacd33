# SPDX-License-Identifier: Apache-2.0
"""What the operators of random models ask of their operands, and sizes as values.

Takes: values, and the Builder for what makes nodes. Gives: conditions for `g.pick`, `need`, and
nodes that compute a shape. Keeps true: sizes that are computed come from shapes, never from data.
"""

from random_oracle import Refused
from random_values import BOOL, FLOATS, I64, INTS

ANY = FLOATS + INTS + (BOOL,)


def exact(v):
    return v.exact()


def finite(v):
    return v.finite()


def filled(v):
    return all(a.size for a in v.data)


def need(condition, why="does not fit"):
    if not condition:
        raise Refused(why)


def shape_of(g, x):
    return g.node("Shape", [x])


def dim_of(g, x, axis):
    """One dimension as a list of one."""
    how = g.number(0, 1)
    shape = shape_of(g, x)
    if how:
        return g.node("Gather", [shape, g.constant([axis], I64)], axis=0)
    return g.node("Slice", [shape, g.constant([axis], I64), g.constant([axis + 1], I64)])
