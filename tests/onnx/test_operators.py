# SPDX-License-Identifier: Apache-2.0
"""Each operator case of cases_*.py through `mintor.backend`, beside ONNX Runtime.

expected_failures.txt names what the importer does not take yet, an operator a line: its cases must
fail with the message that names the operator, and one that begins to pass must leave the list.
"""

import dataclasses
import pathlib

import cases_by_data
import cases_contract
import cases_control
import cases_elementwise
import cases_exported
import cases_index
import cases_inside
import cases_meet
import cases_reduce
import cases_reported
import cases_shape
import cases_sizes
import numpy as np
import op_harness
import pytest

GROUPS = (
    cases_by_data,
    cases_elementwise,
    cases_reduce,
    cases_shape,
    cases_index,
    cases_contract,
    cases_sizes,
    cases_meet,
    cases_control,
    cases_inside,
    cases_exported,
    cases_reported,
)
LIST = pathlib.Path(__file__).with_name("expected_failures.txt")


def all_cases():
    found = {}
    for group in GROUPS:
        for c in group.cases():
            name = c.name
            while name in found:
                name += "+"
            found[name] = c
    return found


def expected_failures():
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {x.split()[0] for x in lines if x and not x.startswith("#")}


CASES = all_cases()
EXPECTED_FAILURES = expected_failures()


@pytest.mark.parametrize("name", CASES)
def test_operator(name):
    c = CASES[name]
    operators = {n.op_type for n in c.model.graph.node}
    missing = operators & EXPECTED_FAILURES
    if missing:
        with pytest.raises(Exception, match="|".join(missing)):
            op_harness.check(c)
        pytest.xfail(f"not supported yet: {', '.join(sorted(missing))}")
    problems = op_harness.check(c)
    assert not problems, f"{c.why}:\n" + "\n".join(problems)


@pytest.mark.parametrize("exact", [True, False])
def test_a_zero_of_the_other_sign_is_a_difference(exact):
    c = CASES["Neg-zeros-float32-20-opset17"]
    c = dataclasses.replace(c, exact=exact)
    zero = np.zeros(3, np.float32)
    assert op_harness.difference(zero, zero, c) is None
    assert op_harness.difference(-zero, zero, c) is not None
    assert op_harness.difference(zero + 1e-9, zero, c) is None or exact


def test_list_names_only_tested_operators():
    tested = {n.op_type for c in CASES.values() for n in c.model.graph.node}
    assert tested >= EXPECTED_FAILURES
