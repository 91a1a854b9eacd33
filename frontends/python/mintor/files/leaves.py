# SPDX-License-Identifier: Apache-2.0
"""Arrays out of bytes, and arrays in nested containers.

Takes what a reader built: dictionaries, lists and tuples with `Pending` arrays; gives the same
containers with arrays. Keeps true: one tensor of a file is one array, wherever it is; a container
that is in itself, or shared, is walked once.
"""
import math

import numpy

from mintor import arrays
from mintor import dtypes
from mintor.files.whole import Unreadable


class Pending:
    """An array of a file that is not read yet. `key` is equal for what is the same tensor."""

    def key(self):
        return "pending", id(self)

    def set_state(self, state):
        """What a pickle says of it after it was made."""
        raise Unreadable("gives a state to what has none")

    def read(self):
        """Its elements as an ndarray, which may be a view of the file."""
        raise NotImplementedError

    def value(self):
        """What stands for it in the end."""
        return arrays.array(self.read())


def checked_dtype(dtype, what):
    """A NumPy dtype that arrays can have; Unreadable names it otherwise."""
    if dtype.newbyteorder("=").name not in dtypes.SHORT_NAMES:
        raise Unreadable(f"{what} has the dtype {dtype}, which no array can have")
    return dtype


def checked_sizes(sizes, what):
    """A shape as a tuple of integers that are at least 0."""
    if not isinstance(sizes, (tuple, list)) or \
            not all(type(size) is int and size >= 0 for size in sizes):
        raise Unreadable(f"{what} has the shape {str(sizes)[:100]}")
    return tuple(sizes)


def from_bytes(data, dtype, shape, what, order="C"):
    """The elements of a shape in its bytes; Unreadable where their number does not fit."""
    dtype, shape = checked_dtype(dtype, what), checked_sizes(shape, what)
    wanted = math.prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise Unreadable(f"{what} has {len(data)} bytes, expected {wanted} for {dtype}{shape}")
    made = numpy.frombuffer(data, numpy.uint8).view(dtype).reshape(shape, order=order)
    return native(made)


def native(array):
    """In this machine's order of bytes; of bool 0 and 1 alone."""
    if array.dtype.kind == "b":
        return array.view(numpy.uint8) != 0
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def is_array(value):
    """Whether a value is an array, an ndarray or a tensor."""
    return isinstance(value, (arrays.Array, numpy.ndarray)) or \
        hasattr(value, "__dlpack__") and hasattr(value, "shape")


def held(value):
    """An Array itself; an ndarray or tensor as an ndarray. TypeError for dtypes that no array has.
    """
    if isinstance(value, arrays.Array):
        return value
    made = value if isinstance(value, numpy.ndarray) else arrays.as_array(value).numpy()
    if made.dtype.newbyteorder("=").name not in dtypes.SHORT_NAMES:
        raise TypeError(f"save: an ndarray has the dtype {made.dtype}, which no array can have")
    return made.astype(made.dtype.newbyteorder("="), copy=False)


def as_ndarray(value):
    """What `held` gives as an ndarray in C's order."""
    value = held(value)
    return numpy.asarray(value.numpy() if isinstance(value, arrays.Array) else value, order="C")


def finished(tree, made=None):
    """The same tree with arrays in the place of what is pending."""
    made = {} if made is None else made
    if isinstance(tree, Pending):
        key = tree.key()
        if key not in made:
            made[key] = tree.value()
        return made[key]
    if isinstance(tree, memoryview):
        return bytes(tree)
    if not isinstance(tree, (dict, list, tuple)):
        return tree
    if id(tree) in made:
        return made[id(tree)][1]
    if isinstance(tree, tuple):
        found = tuple(finished(item, made) for item in tree)
        made[id(tree)] = tree, found        # `tree` is held, so that no other gets its id
        return found
    made[id(tree)] = tree, tree
    for key, item in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        tree[key] = finished(item, made)
    return tree


def by_name(tree, kind):
    """(name, ndarray) of a flat dictionary; TypeError names what is in the way."""
    if not isinstance(tree, dict):
        raise TypeError(f"save: {kind} holds arrays by name, got a {type(tree).__name__}")
    for name, value in tree.items():
        if not isinstance(name, str):
            raise TypeError(f"save: {kind} holds arrays by name, got the name {name!r}")
        if not is_array(value) and not isinstance(value, numpy.generic):
            raise TypeError(f"save: {kind} holds arrays alone, '{name}' is a "
                            f"{type(value).__name__}; .pkl and .pth hold other things too")
    return ((name, value if is_array(value) else numpy.asarray(value))
            for name, value in tree.items())
