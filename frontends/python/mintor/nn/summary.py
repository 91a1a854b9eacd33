# SPDX-License-Identifier: Apache-2.0
"""A table of a model's layers, what they give and how many parameters they have.

Takes a model and an example of its input. Keeps true: shapes are known when calls are recorded, so
nothing is computed and nothing changes.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import gradients
from mintor import trees


def _shape(output):
    shapes = [str(list(one.shape)) for one in trees.items_of(output)
              if isinstance(one, arrays.Array)]
    return ", ".join(shapes)


def _count(parameters):
    return sum(math.prod(one.shape) for one in parameters)


def summary(model, *inputs):
    """The table as text: a line a module in the order of calls, then totals.

    `inputs`: what the model is called with; a tuple of integers is the shape of a float32 array.

    >>> import mintor as mt
    >>> print(mt.nn.summary(mt.nn.Sequential(mt.nn.Linear(4, 8), mt.nn.ReLU()), (2, 4)))
    module          output    parameters
    0 (Linear)      [2, 8]            40
    1 (ReLU)        [2, 8]             0
    total: 40 parameters, 40 trained
    """
    inputs = [arrays.zeros(one) if isinstance(one, tuple) and all(
        isinstance(size, int) for size in one) else one for one in inputs]
    rows, handles = [], []
    for name, module in model.named_modules():
        if next(iter(module.children()), None) is None:
            handles.append(module.register_forward_hook(
                lambda module, _, output, name=name: rows.append((
                    f"{name or 'model'} ({type(module).__name__})", _shape(output),
                    _count(module.parameters())))))
    kept = [(buffer, arrays.array(buffer)) for buffer in model.buffers()]
    try:
        with gradients.no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for buffer, value in kept:
            _mintor.assign(buffer, value)
    wide = max([len(row[0]) for row in rows] + [14]) + 2
    middle = max([len(row[1]) for row in rows] + [6]) + 2
    lines = [f"{'module':<{wide}}{'output':<{middle}}{'parameters':>12}"]
    lines += [f"{name:<{wide}}{shape:<{middle}}{count:>12,}" for name, shape, count in rows]
    whole = model.parameters()
    trained = _count(one for one in whole if one.requires_grad)
    lines.append(f"total: {_count(whole):,} parameters, {trained:,} trained")
    return "\n".join(line.rstrip() for line in lines)
