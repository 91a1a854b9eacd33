# SPDX-License-Identifier: Apache-2.0
"""Random numbers: ranges and moments, seeds, streams, and that a repeated step draws anew.

Takes fixed seeds. Keeps true: a bound is far outside of what chance does to this many numbers.
"""
import numpy
import pytest

import mintor as mt
from mintor import _mintor

FLOATS = ("float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_and_normal(dtype):
    mt.random.seed(1)
    x = mt.rand(20000, dtype=dtype)
    assert x.dtype == getattr(mt, dtype)
    values = x.numpy().astype("float64")
    assert values.min() >= 0 and values.max() < 1 and abs(values.mean() - 0.5) < 0.02
    values = mt.randn(20000, dtype=dtype).numpy().astype("float64")
    assert abs(values.mean()) < 0.05 and abs(values.std() - 1) < 0.05
    values = mt.random.uniform(-3, 5, size=(100, 100), dtype=dtype).numpy().astype("float64")
    assert values.min() >= -3 and values.max() <= 5 and abs(values.mean() - 1) < 0.2
    values = mt.random.normal(4.0, 0.5, size=10000, dtype=dtype).numpy().astype("float64")
    assert abs(values.mean() - 4) < 0.05 and abs(values.std() - 0.5) < 0.05


def test_integers():
    mt.random.seed(2)
    wide = (-2 ** 63, 2 ** 63 - 1)
    for arguments, low, high in (((-3, 4), -3, 4), ((5,), 0, 5), (wide, None, None)):
        x = mt.randint(*arguments, size=1000)
        assert x.dtype == mt.int64 and x.shape == (1000,)
        if low is not None:
            assert sorted(set(x.tolist())) == list(range(low, high))
    assert mt.randint(10, (2, 3)).shape == (2, 3)
    assert mt.randint(0, 2, 4, dtype="int8").dtype == mt.int8
    with pytest.raises(ValueError):
        mt.randint(5, 5)


def test_the_same_seed_gives_the_same_numbers():
    mt.random.seed(3)
    first = [mt.rand(5).tolist(), mt.randn(2, 3).tolist(), mt.randint(9, (4,)).tolist()]
    mt.random.seed(3)
    assert first == [mt.rand(5).tolist(), mt.randn(2, 3).tolist(), mt.randint(9, (4,)).tolist()]
    one, other = mt.random.Generator(7), mt.random.Generator(7)
    mt.rand(3)
    assert one.rand(4).tolist() == other.rand(4).tolist()
    state = one.get_state()
    drawn = one.randn(3).tolist()
    one.set_state(state)
    assert one.randn(3).tolist() == drawn and mt.random.Generator(8).rand(4).tolist() != drawn


def test_a_repeated_step_draws_anew_and_compiles_nothing():
    drawn = []
    for i in range(5):
        drawn.append(tuple((mt.rand(3) * 2).tolist()))
        if i == 0:
            before = _mintor.statistics()["compiled"]
    assert len(set(drawn)) == 5 and _mintor.statistics()["compiled"] == before


def test_other_draws():
    mt.random.seed(4)
    x = mt.zeros((3, 2), dtype="float64")
    assert mt.rand_like(x).dtype == mt.float64 and mt.randn_like(x).shape == (3, 2)
    assert sorted(mt.randperm(6).tolist()) == list(range(6))
    assert sorted(mt.random.permutation(mt.array([3, 1, 2])).tolist()) == [1, 2, 3]
    heads = mt.bernoulli(mt.full((10000,), 0.25))
    assert heads.dtype == mt.float32 and abs(heads.mean().item() - 0.25) < 0.03
    assert set(mt.random.choice(mt.array([5, 7]), 50).tolist()) == {5, 7}
    assert len(set(mt.random.choice(9, 9, replace=False).tolist())) == 9
    assert mt.rand().shape == () and mt.rand(2, 0).shape == (2, 0)
    assert mt.rand((2, 3)).shape == (2, 3)
    assert numpy.isfinite(mt.randn(1000).numpy()).all()


def test_places_by_their_probability():
    mt.random.seed(0)
    p = mt.array([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    drawn = mt.multinomial(p, 4000, replacement=True).numpy()
    assert drawn.shape == (2, 4000) and set(drawn[0]) == {0, 2} and set(drawn[1]) == {1}
    assert abs((drawn[0] == 2).mean() - 0.75) < 0.03
    assert mt.multinomial(p, 1).shape == (2, 1)
    few = mt.multinomial(mt.ones(5), 5).tolist()
    assert sorted(few) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="6 samples of 5 places without replacement"):
        mt.multinomial(mt.ones(5), 6)
