# SPDX-License-Identifier: Apache-2.0
"""The operator that made a NaN, with its line; profiles; what is pending for one array.

Takes programs with one fault; looks at what is said of it.
"""
import inspect
import json

import numpy
import pytest

import mintor as mt
from mintor import Module, nn


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


class Net(Module):
    def __init__(self):
        self.wide, self.last = nn.Linear(64, 256), nn.Linear(256, 8)

    def execute(self, x):
        return self.last(mt.tanh(self.wide(x)))


def test_a_profile_names_kernels_by_modules(tmp_path):
    net = Net()
    optim = nn.SGD(net.parameters(), 0.01)
    x = mt.array(numpy.ones((100, 64), "float32"))
    with mt.profile() as p:
        for _ in range(3):
            loss = (net(x) ** 2).mean()
            optim.step(loss)
        loss.item()
    rows = p.rows
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert sum(row.count for row in rows) == len(p.launches) and len(p.launches) % 3 == 0
    assert [row.milliseconds for row in rows] == sorted((r.milliseconds for r in rows),
                                                        reverse=True)
    assert any("wide" in row.kernel for row in rows) and any("last" in row.kernel for row in rows)
    assert rows[0].kernel in str(p) and f"in {len(p.launches)} launches" in p.table()
    p.chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(events) == len(p.launches) and all(event["ts"] >= 0 for event in events)
    assert sum(event["dur"] for event in events) * 1e-6 < p.seconds

    with mt.profile() as nothing:
        pass
    assert nothing.rows == [] and "0 launches" in str(nothing)
    net(x).numpy()                                      # programs from before have no hook
    assert "__call__" in vars(Module)


def test_what_is_pending_for_one_array():
    x = mt.array([1.0, 2.0, 3.0])
    y, z = mt.exp(x) * 2, mt.sin(x)
    text = mt.explain(y)
    assert "exp" in text and "sin" not in text and "sin" in mt.explain()
    assert "exp" in mt.explain(y, "optimised") and "fusion: " in mt.explain(y, "decisions")
    assert "for" in mt.explain(y, "kernels") and "namespace" in mt.explain(y, "source")
    both = mt.explain(y, ("graph", "decisions"))
    assert both.startswith("graph:") and "decisions:" in both
    flushes = mt.compile_stats()["flushes"]
    assert mt.explain(z).count("sin") == 1 and mt.compile_stats()["flushes"] == flushes
    y.numpy()
    assert mt.explain(y) == ""
    with pytest.raises(ValueError, match="no section 'loops'; graph"):
        mt.explain(z, "loops")
