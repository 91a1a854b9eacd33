# SPDX-License-Identifier: Apache-2.0
"""Which tests of a second build tests/run.py leaves out, and that it counts parts together.

Takes build folders of small files. Keeps true: what differs, or opens what differs, is run.
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import run

OPENS = b"dlopen libmintor_jit.so"


def build(folder, library=None, **programs):
    (folder / "tests").mkdir(parents=True)
    (folder / "lib").mkdir()
    for name, text in programs.items():
        (folder / "tests" / f"mintor_{name}_tests").write_bytes(text)
    if library:
        (folder / "lib" / "libmintor_jit.so").write_bytes(library)
    return folder


@pytest.mark.parametrize("library, expected", [(b"1", ["ir", "jit"]), (b"2", ["ir"]),
                                               (None, ["ir"])])
def test_equal_programs_are_left_out(tmp_path, library, expected):
    whole = build(tmp_path / "whole", b"1", ir=b"a", jit=OPENS, driver=b"b")
    reduced = build(tmp_path / "reduced", library, ir=b"a", jit=OPENS, driver=b"c", more=b"d")
    assert list(run.tested_beside(reduced, whole)) == expected
    assert not list(run.tested_beside(reduced, tmp_path / "no such build"))


def test_only_what_was_tested_is_left_out(tmp_path, monkeypatch):
    whole = build(tmp_path / "whole", ir=b"a")
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    assert not run.was_tested(whole, "ir")
    results = tmp_path / "whole-ctest.xml"
    results.write_text("")
    program = (whole / "tests" / "mintor_ir_tests").stat().st_mtime
    for newer, expected in ((1, True), (-1, False)):
        os.utime(results, (program + newer, program + newer))
        assert run.was_tested(whole, "ir") == expected


def test_both_parts_of_pytest_are_counted(tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "import os, pytest\n"
        "def test_side_by_side(): assert 'PYTEST_XDIST_WORKER' in os.environ\n"
        "def test_wrong(): assert False\n"
        "@pytest.mark.alone\n"
        "def test_alone(): assert 'PYTEST_XDIST_WORKER' not in os.environ\n")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    passed, failed, skipped, names = run.run_pytest(None, tmp_path / "pytest.xml", None)
    assert (passed, failed, skipped) == (2, 1, 0) and names == ["tests.test_it test_wrong"]
