# SPDX-License-Identifier: Apache-2.0
"""The operator that made a NaN, with its line; profiles; what is pending for one array.

Takes programs with one fault; looks at what is said of it.
"""
import inspect
import json

import numpy
import pytest

import mintor as mt
from mintor import nn


def line():
    return inspect.currentframe().f_back.f_lineno


def test_the_first_operator_is_named_with_its_line():
    x = mt.array([1.0, -2.0, 4.0])
    with mt.debug_nan():
        y = mt.exp(x) * 2
        z = mt.log(x) + y; here = line()
        w = mt.sqrt(z - 100) * 2
        with pytest.raises(FloatingPointError) as found:
            w.numpy()
    assert str(found.value) == f"log made a NaN\n  at {__file__}:{here}"
    assert numpy.isnan(w.numpy()).tolist() == [True, True, False]      # the value is there
    assert numpy.isnan((mt.log(x) + 0).numpy()).any()                   # it is off again


def test_a_gradient_that_is_none_is_of_its_operator():
    w = nn.Parameter([0.0, 1.0])
    optim = nn.SGD([w], 0.1)
    with pytest.raises(mt.NotANumberError, match="the gradient of sqrt made a NaN") as found:
        with mt.debug_nan():
            y = mt.sqrt(w) * mt.array([0.0, 1.0]); here = line()
            optim.step(y.sum())
    assert f"{__file__}:{here}" in str(found.value)


def test_infinities_and_what_is_read():
    x = mt.array([0.0, 1.0])
    with mt.debug_nan():
        assert (1 / x).tolist() == [numpy.inf, 1]
    with mt.debug_nan(inf=True):
        with pytest.raises(mt.NotANumberError, match="divide made a NaN or an infinity"):
            (1 / x).numpy()
        with pytest.raises(mt.NotANumberError, match="is in an array that this computation takes"):
            (mt.array([numpy.inf]) + 1).numpy()
        safe = mt.where(x > 0, 1 / x, 0)                                # no result shows it
        assert safe.tolist() == [0, 1]
        assert mt.max(x).item() == 1 and mt.softmax(x).numpy().sum() == pytest.approx(1)


def test_a_switch():
    mt.debug_nan()
    try:
        with pytest.raises(mt.NotANumberError):
            (mt.array([0.0]) / 0.0).numpy()
    finally:
        mt.debug_nan(False)
    assert numpy.isnan((mt.array([0.0]) / 0.0).numpy()).all()


def test_half_precision_and_history():
    x = mt.array([-1.0], dtype="float16")
    y = x * 2
    y.numpy()
    with mt.debug_nan(), pytest.raises(mt.NotANumberError, match="log made a NaN"):
        mt.log(y).numpy()
