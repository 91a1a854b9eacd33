# SPDX-License-Identifier: Apache-2.0
"""Indexing and assignment against NumPy: random indices of every kind, and the edges by name.

Takes arrays of 0 to 4 dimensions, sizes 0 and 1 among them. Keeps true: what NumPy gives is given,
what NumPy refuses as an IndexError is refused as one.
"""
import hypothesis
import numpy
import pytest
from hypothesis import strategies

import mintor as mt
from array_batch import Batch

SHAPES = [(), (1,), (5,), (3, 4), (1, 4), (2, 3, 4), (2, 1, 3), (0, 3), (3, 2, 2, 3)]


def an_integer(draw, size):
    place = int(draw.integers(-size, size))
    return (place, numpy.int64(place), mt.array(place))[int(draw.integers(0, 3))] \
        if draw.integers(0, 4) == 0 else place


def a_slice(draw, size):
    bounds = [None if draw.integers(0, 3) == 0 else int(draw.integers(-size - 2, size + 3))
              for _ in range(2)]
    step = [None, 1, 2, 3, -1, -2][int(draw.integers(0, 6))]
    return slice(bounds[0], bounds[1], step)


def of_numpy(index):
    """The same index for NumPy."""
    if isinstance(index, tuple):
        return tuple(of_numpy(item) for item in index)
    return index.numpy() if isinstance(index, mt.Array) else index


def an_index(draw, shape):
    """Integers, slices, None, Ellipsis, arrays of integers and of bools."""
    items, dimension, rank = [], 0, len(shape)
    common = [(), (2,), (3, 1), (1, 2), (0,)][int(draw.integers(0, 5))]
    while dimension < rank and draw.integers(0, 6):
        kind, size = int(draw.integers(0, 8)), shape[dimension]
        if kind == 0:
            items += [None] * (sum(item is None for item in items) < 2)
            continue
        if kind <= 2 and size:
            items.append(an_integer(draw, size))
        elif kind == 3 and size:
            places = draw.integers(-size, size, common)
            items.append([places, mt.array(places), places.tolist()][int(draw.integers(0, 3))]
                         if common else a_slice(draw, size))
        elif kind == 4:
            deep = min(int(draw.integers(1, 3)), rank - dimension)
            mask = numpy.zeros(shape[dimension:dimension + deep], bool)
            chosen = draw.integers(0, 2, common[:1] or (1,))
            flat = mask.reshape(-1)
            if flat.size:
                flat[draw.permutation(flat.size)[:chosen.size if common else 1]] = True
            if len(common) == 1 and mask.sum() == common[0] or not any(
                    isinstance(item, (list, numpy.ndarray, mt.Array)) for item in items):
                items.append(mask if draw.integers(0, 2) else mt.array(mask))
                dimension += deep
                continue
            items.append(a_slice(draw, size))
        else:
            items.append(a_slice(draw, size))
        dimension += 1
    if draw.integers(0, 3) == 0:
        # A mask stays at its dimensions: NumPy takes an empty one for any.
        masked = any(getattr(item, "dtype", None) == bool for item in items)
        items.insert(len(items) if masked else int(draw.integers(0, len(items) + 1)), Ellipsis)
    return items[0] if len(items) == 1 and draw.integers(0, 2) else tuple(items)


def type_names(index):
    return [type(item).__name__ for item in (index if isinstance(index, tuple) else (index,))]


def described(shape, index):
    return f"{list(shape)}[{of_numpy(index)!r}]"


SEEDS = strategies.lists(strategies.tuples(strategies.sampled_from(SHAPES),
                                           strategies.integers(0, 2 ** 32 - 1)),
                         min_size=40, max_size=40)
SETTINGS = hypothesis.settings(max_examples=12, deadline=None, derandomize=True, database=None,
                               phases=[hypothesis.Phase.generate],
                               suppress_health_check=list(hypothesis.HealthCheck))


@SETTINGS
@hypothesis.given(SEEDS)
def test_reading(seeds):
    batch = Batch()
    for shape, seed in seeds:
        draw = numpy.random.default_rng(seed)
        x = numpy.arange(int(numpy.prod(shape))).reshape(shape)
        index = an_index(draw, shape)
        try:
            expected = x[of_numpy(index)]
        except IndexError:
            if "Array" in str(type_names(index)):
                continue   # its values are not known
            batch.refused(described(shape, index), lambda: mt.array(x)[index], IndexError)
            continue
        batch.add(described(shape, index), lambda: mt.array(x)[index], expected)
    batch.compare()


def assigned(x, index, value):
    a = mt.array(x)
    a[index] = value
    return a


@SETTINGS
@hypothesis.given(SEEDS)
def test_assignment(seeds):
    """With broadcasting. Places that repeat take one of the values, the last: NumPy's order."""
    batch = Batch()
    for shape, seed in seeds:
        draw = numpy.random.default_rng(seed)
        x = numpy.arange(int(numpy.prod(shape)), dtype="float32").reshape(shape)
        index = an_index(draw, shape)
        expected = x.copy()
        try:
            part = expected[of_numpy(index)].shape
        except IndexError:
            if "Array" in str(type_names(index)):
                continue   # its values are not known
            batch.refused(described(shape, index), lambda: assigned(x, index, 1), IndexError)
            continue
        kept = part[int(draw.integers(0, len(part) + 1)):]
        value_shape = tuple(1 if draw.integers(0, 3) == 0 else size for size in kept)
        value = -1 - draw.integers(0, 50, value_shape)
        kinds = [value, mt.array(value), value.tolist()]
        given = kinds[int(draw.integers(0, 3 if value.size else 2))]
        expected[of_numpy(index)] = value
        batch.add(f"{described(shape, index)} = {list(value_shape)}",
                  lambda: assigned(x, index, given), expected)
    batch.compare()


# ---- by name ----

def test_repeated_indices_count_once():
    x, index = mt.zeros(4), [1, 1, 2, 1]
    x[index] += 1
    assert x.tolist() == [0, 1, 1, 0]
    expected = numpy.zeros(4)
    expected[index] += 1
    assert x.tolist() == expected.tolist()


def test_scatter_add_counts_all():
    x = mt.scatter_add(mt.zeros(4), 0, mt.array([1, 1, 2, 1]), mt.ones(4))
    assert x.tolist() == [0, 3, 1, 0]
    y = mt.index_add(mt.zeros((2, 3)), 1, [0, 0, 2], mt.ones((2, 3)))
    assert y.tolist() == [[2, 0, 1], [2, 0, 1]]


def test_repeated_places_take_the_last_value():
    x = mt.zeros(3)
    x[[0, 0, 1]] = mt.array([1.0, 2.0, 3.0])
    assert x.tolist() == [2, 3, 0]


@pytest.mark.parametrize("index", [5, -6, (0, 0), (slice(None), 1), [0, 7], numpy.array([-6]),
                                   (Ellipsis, Ellipsis), numpy.ones(4, bool), 1.5, [1.5], "a"])
def test_out_of_range_is_an_index_error(index):
    x = mt.arange(5)
    with pytest.raises(IndexError):
        x[index]  # pylint: disable=pointless-statement
    with pytest.raises(IndexError):
        x[index] = 0


def test_values_that_do_not_fit():
    x = mt.zeros((2, 3))
    with pytest.raises(ValueError):
        x[0] = mt.zeros(2)
    with pytest.raises(ValueError):
        x[:, [0, 1]] = mt.zeros((2, 3))
    with pytest.raises(ValueError):
        x[mt.ones((2, 3), dtype=bool)] = mt.zeros(5)


def test_there_are_no_views():
    x = mt.arange(4)
    part = x[1:3]
    x[1] = 10
    part[1] = 20
    assert part.tolist() == [1, 20] and x.tolist() == [0, 10, 2, 3]


def test_boolean_assignment_of_a_number_reads_nothing():
    x = mt.array([1.0, -2.0, 3.0])
    x[x < 0] = 0
    assert x.tolist() == [1, 0, 3]
    x[x > 0] += 1
    assert x.tolist() == [2, 0, 4]


def test_a_number_that_the_dtype_cannot_hold():
    x = mt.zeros(3, dtype="int8")
    for index in (0, [0, 1], mt.array([True, False, True]), slice(None)):
        with pytest.raises(OverflowError):
            x[index] = 300
    assert x.tolist() == [0, 0, 0]


def test_assignment_keeps_the_dtype():
    x = mt.zeros(3, dtype="int32")
    x[0] = 2.7
    x[1:] = mt.array([3.9, -1.9])
    assert x.dtype == mt.int32 and x.tolist() == [2, 3, -1]


def test_gradients_pass_indexing():
    x = mt.array([1.0, 2.0, 3.0, 4.0])
    picked = x[[0, 0, 2]] * mt.array([1.0, 10.0, 100.0])
    assert mt.grad(picked.sum(), x).tolist() == [11, 0, 100, 0]
    assert mt.grad(x[::-2].sum(), x).tolist() == [0, 1, 0, 1]
    y = x * 1
    y[1:3] = x[2:] * 5
    assert mt.grad(y.sum(), x).tolist() == [1, 0, 5, 6]


def test_iteration_and_membership():
    x = mt.array([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]] and len(x) == 2
    assert 3 in x and 5 not in x
    with pytest.raises(TypeError):
        iter(mt.array(1.0))
    with pytest.raises(TypeError):
        len(mt.array(1.0))
