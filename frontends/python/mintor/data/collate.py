# SPDX-License-Identifier: Apache-2.0
"""Samples to batches.

Takes lists of samples; gives one structure of their kind with arrays that have one dimension more.
Keeps true: stacking is NumPy's, so that workers can do it; dtypes are those of mt.array (Python's
floats are float32).
"""
import numpy

from mintor import arrays


def _is_array(value):
    return isinstance(value, (numpy.ndarray, numpy.generic, arrays.Array)) or \
        hasattr(value, "__dlpack__")


def _host(value):
    """An array or tensor as an ndarray."""
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        return numpy.asarray(value)
    return arrays.as_array(value).numpy()


def _stack_arrays(samples):
    found = [_host(one) for one in samples]
    for one in found:
        if one.shape != found[0].shape:
            raise ValueError(f"samples of the shapes {found[0].shape} and {one.shape} cannot be "
                             "stacked; give a collate_fn that pads them, or batch_size=None")
    return numpy.stack(found)


def _stack_lists(samples):
    sizes = sorted({len(one) for one in samples})
    if len(sizes) > 1:
        raise ValueError(f"samples of {sizes[0]} and {sizes[1]} parts cannot be stacked")
    return [stack(list(part)) for part in zip(*samples)]


def stack(samples):
    """As default_collate, with ndarrays."""
    first = samples[0]
    if _is_array(first):
        return _stack_arrays(samples)
    if isinstance(first, (bool, int, float)):
        made = numpy.asarray(samples)
        return made.astype(numpy.float32) if made.dtype == numpy.float64 else made
    if isinstance(first, (str, bytes)):
        return list(samples)
    if isinstance(first, dict):
        for one in samples:
            if set(one) != set(first):
                raise ValueError(f"samples with the keys {sorted(map(str, first))} and "
                                 f"{sorted(map(str, one))} cannot be stacked")
        return {key: stack([one[key] for one in samples]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*_stack_lists(samples))
    if isinstance(first, (list, tuple)):
        return _stack_lists(samples)
    raise TypeError(f"samples of the type {type(first).__name__} cannot be stacked: arrays, "
                    "numbers, strings, dictionaries, tuples and lists can; give a collate_fn")


def with_arrays(tree):
    """The same structure with arrays in the place of ndarrays."""
    if isinstance(tree, (numpy.ndarray, numpy.generic)):
        return arrays.array(tree)
    if isinstance(tree, dict):
        return {key: with_arrays(value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(with_arrays, tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(with_arrays, tree))
    return tree


def default_collate(batch):
    """Samples stacked: arrays, ndarrays, tensors and numbers become arrays with a first dimension;
    strings a list; dictionaries, named tuples, tuples and lists one of batches (tuples as lists).

    Python's floats become float32, integers int64. ValueError where shapes, lengths or keys differ;
    TypeError for other types.
    """
    return with_arrays(stack(batch))


def default_convert(sample):
    """A sample with arrays in the place of ndarrays; all else as it is."""
    return with_arrays(sample)
