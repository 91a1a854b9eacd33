# SPDX-License-Identifier: Apache-2.0
"""The reference evaluator's bits at every CPU level and thread count, operator by operator, through
the JIT.

Takes: every second case that sums or convolves, and every sixth of the others (which ones follows
from their names). Gives: a test each. Keeps true: a level that this CPU lacks is skipped by name.
"""

import zlib

import cases_contract
import cases_reduce
import cases_sizes
import op_harness
import pytest
import test_operators
from random_engine import same_bits

LEVELS = ("reference", "v3", "v4", "v4-vnni", "v4-bf16")


def chosen():
    whole = {c.name for group in (cases_contract, cases_reduce) for c in group.cases()}
    whole |= {c.name for c in cases_sizes.sums_of_any_length()}
    for name, c in test_operators.CASES.items():
        if {n.op_type for n in c.model.graph.node} & test_operators.EXPECTED_FAILURES:
            continue
        if zlib.crc32(name.encode()) % (2 if name in whole else 6) == 0:
            yield name


def level_here(level):
    from mintor import CompileError

    def compile_at(path, threads):
        import mintor

        try:
            return mintor.compile(path, target=level, threads=threads)
        except CompileError as error:
            if level in str(error) and "CPU" in str(error):
                return None
            raise

    return compile_at


@pytest.mark.parametrize("name", chosen())
def test_same_bits(name, tmp_path):
    c = test_operators.CASES[name]
    path = tmp_path / "case.onnx"
    path.write_bytes(c.model.SerializeToString())
    want = [op_harness.evaluator_runner(path, tmp_path)(inputs) for inputs in c.runs]
    skipped = []
    for level in LEVELS:
        for threads in (1, 3):
            model = level_here(level)(str(path), threads)
            if model is None:
                skipped.append(level)
                break
            for inputs, first in zip(c.runs, want):
                sizes = {n: x.shape for n, x in inputs.items()}
                outputs = model.run(inputs)
                assert outputs.keys() == first.keys()
                for output, value in outputs.items():
                    assert same_bits(value, first[output]), (
                        f"{level}, {threads} threads, {sizes}: {output} differs from the evaluator"
                    )
    if len(skipped) == len(LEVELS):
        pytest.skip("this CPU has none of the levels")
