# SPDX-License-Identifier: Apache-2.0
"""Nested lists, tuples and dictionaries of arrays.

Takes a structure; gives its items in order, or the structure with others in their place. Keeps
true: named tuples and subclasses of dict stay what they are.
"""


def items_of(tree):
    """What is no list, tuple or dictionary, in order."""
    if isinstance(tree, (list, tuple)):
        return [item for part in tree for item in items_of(part)]
    if isinstance(tree, dict):
        return [item for part in tree.values() for item in items_of(part)]
    return [tree]


def with_items(tree, items):
    """The same structure, its items taken from an iterator in the order of items_of."""
    if isinstance(tree, (list, tuple)):
        made = [with_items(part, items) for part in tree]
        return type(tree)(*made) if hasattr(tree, "_fields") else type(tree)(made)
    if isinstance(tree, dict):
        made = [(key, with_items(part, items)) for key, part in tree.items()]
        return type(tree)(made)
    return next(items)
