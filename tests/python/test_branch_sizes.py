# SPDX-License-Identifier: Apache-2.0
"""Sizes that only a branch of mt.cond needs, where the other one is taken.

Takes a function whose branch cuts ten elements off; compares with NumPy, traced and as a package.
"""
import numpy
import pytest

import mintor as mt


class Tail(mt.Module):
    def execute(self, x, long):
        def tail(v):
            sums = mt.cumsum(mt.exp(v[10:] * 2), 0)
            return mt.cumsum(mt.tanh(sums)[::-1], 0).sum()
        return mt.cond(long, tail, lambda v: v.sum(), x)


def expected(x, long):
    if not long:
        return x.sum()
    return numpy.tanh(numpy.exp(x[10:] * 2).cumsum())[::-1].cumsum().sum()


def values(n):
    return numpy.random.default_rng(n).standard_normal(n).astype("float32")


def test_traced():
    for n in (20, 13, 17, 11, 10, 9, 4, 0):
        for long in (True, False):      # the tail of a shorter array has no elements
            made = Tail().execute(mt.array(values(n)), mt.array(long))
            numpy.testing.assert_allclose(made.numpy(), expected(values(n), long), 1e-5, 1e-5)


def test_a_package(tmp_path):
    mt.export(Tail(), (values(20), numpy.array(True)), tmp_path / "tail",
              shapes={"x0": ["n"]}, target="v3")
    package = mt.load(tmp_path / "tail")
    for n in (20, 11, 10, 9, 1):
        numpy.testing.assert_allclose(package(values(n), numpy.array(False)),
                                      expected(values(n), False), 1e-5, 1e-5)
        if n < 10:
            with pytest.raises(mt.CompileError, match=f"n - 10 is {n - 10}, must be 0 or at least"):
                package(values(n), numpy.array(True))
        else:
            numpy.testing.assert_allclose(package(values(n), numpy.array(True)),
                                          expected(values(n), True), 1e-5, 1e-5)
