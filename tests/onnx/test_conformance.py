# SPDX-License-Identifier: Apache-2.0
"""The cases of the `onnx` package's backend suite that must pass: conformance_passes.txt.

Made by `conformance.py --write-list`; it only grows. conformance_misses.txt says of every other
case what is missing. None of those may crash or hang, which `conformance.py` over all of them
shows.
"""

import pathlib

import conformance

MISSES = pathlib.Path(__file__).with_name("conformance_misses.txt")
LIST = pathlib.Path(__file__).with_name("conformance_passes.txt")


def test_listed_cases_pass():
    listed = set(LIST.read_text(encoding="utf-8").split())
    assert listed, "an empty list would pass whatever the importer does"
    results = conformance.run_suite("mintor", listed.__contains__)
    found = {name for _, name in results}
    assert listed <= found, f"no such case: {sorted(listed - found)[:5]}"
    wrong = {name: r for (_, name), r in results.items() if r}
    assert not wrong, "\n".join(f"{name}: {r}" for name, r in sorted(wrong.items()))


def test_every_case_is_in_one_list():
    listed = LIST.read_text(encoding="utf-8").split()
    lines = MISSES.read_text(encoding="utf-8").splitlines()
    missed = [x.partition(":") for x in lines if not x.startswith("#")]
    assert all(reason.strip() for _, _, reason in missed)
    every = sorted(c.name for _, c in conformance.load_cases())
    assert sorted(listed + [name for name, _, _ in missed]) == every
