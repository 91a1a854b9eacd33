# SPDX-License-Identifier: Apache-2.0
"""Images to train on, drawn: one bright shape on a dark ground.

Takes a NumPy generator; gives images [n, 3, size, size], float32 in -1..1, and classes [n], int64.
"""
import numpy

KINDS = ("disc", "square", "ring", "cross", "triangle", "stripes")


def _covers(kind, x, y):
    """Where a shape of radius 1 around the origin is."""
    far = numpy.maximum(abs(x), abs(y))
    return {"disc": x ** 2 + y ** 2 < 1,
            "square": far < 0.9,
            "ring": abs(numpy.hypot(x, y) - 0.75) < 0.25,
            "cross": (numpy.minimum(abs(x), abs(y)) < 0.3) & (far < 1),
            "triangle": (abs(y) < 0.8) & (abs(x) < (y + 0.8) / 1.6),
            "stripes": (numpy.sin(8 * x) > 0) & (far < 1)}[kind]


def draw(rng, count, size=64, kinds=KINDS):
    """Places, sizes, colours and the noise of the ground are random."""
    classes = rng.integers(0, len(kinds), count)
    radius = rng.uniform(0.25, 0.4, (count, 1, 1))
    centre = rng.uniform(-1, 1, (2, count, 1, 1)) * (0.5 - radius)
    axis = (numpy.arange(size) + 0.5) / size - 0.5
    x = (axis[None, None, :] - centre[0]) / radius
    y = (axis[None, :, None] - centre[1]) / radius
    inside = numpy.select([(classes == place)[:, None, None] for place in range(len(kinds))],
                          [_covers(kind, x, y) for kind in kinds])[:, None]
    colour = rng.uniform(0, 1, (count, 3, 1, 1))
    ground = rng.normal(-0.8, 0.05, (count, 3, size, size))
    return numpy.where(inside, colour, ground).clip(-1, 1).astype("float32"), classes
