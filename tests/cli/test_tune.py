# SPDX-License-Identifier: Apache-2.0
"""`mintor tune` and `--db`: records are written, go on, replay, and are refused with a reason.

Takes a matmul as text; runs the command. Keeps true: nothing here depends on which candidate is
the fastest.
"""
import json

import pytest
from cli_helper import mintor, written

MATMUL = """graph dense {
  x = input f32[24, 40]
  w = parameter f32[40, 72] random 1
  y = contract f32[24, 72] (x, w)  m = 24, n = 72, k = 40 | x[m, k] y[k, n]
  r = relu f32[24, 72] (y)
  results r
}
"""
TUNE = ("tune", "dense.graph", "--db", "db", "--candidates", "3", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tune")
    written(place, "dense.graph", MATMUL)
    return place


@pytest.fixture(scope="module")
def tuned(folder):
    ended = mintor(*TUNE, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended


def records(folder):
    return [json.loads(line) for line in (folder / "db").read_text().splitlines()]


def test_tune_measures_shows_progress_and_goes_on(folder, tuned):
    assert "1 kernels, 0 known, 1 measured" in tuned.stdout
    assert "[####################] 1/1  " in tuned.stderr
    assert " of the default" in tuned.stderr
    record, = records(folder)
    assert record["version"] == 1 and record["threads"] == 1 and record["cpu"]
    assert record["candidate"].startswith("register_tile rows=")
    assert 0 < record["seconds"] <= record["default_seconds"]
    again = mintor(*TUNE, cwd=folder)
    assert "1 kernels, 1 known, 0 measured" in again.stdout
    assert len(records(folder)) == 1


def test_a_record_replays_to_the_same_source(folder, tuned):
    record, = records(folder)
    record["candidate"] = "register_tile rows=2 vectors=1 outermost=panels"
    written(folder, "other", json.dumps(record) + "\n")
    compiled = [mintor("compile", "dense.graph", "--emit=source", *flags, cwd=folder)
                for flags in ([], ["--db", "other"], ["--db", "other", "--explain"])]
    assert [one.returncode for one in compiled] == [0, 0, 0], compiled
    default, replayed, explained = compiled
    assert replayed.stdout == explained.stdout != default.stdout
    said, = [line for line in explained.stderr.splitlines() if line.startswith("record: ")]
    assert said.endswith(": register_tile rows=2 vectors=1 outermost=panels")


def test_a_record_of_another_cpu_is_refused_with_a_reason(folder, tuned):
    record, = records(folder)
    cpu = record["cpu"]
    record["cpu"] = "Some CPU"
    written(folder, "other_cpu", json.dumps(record) + "\n")
    ended = mintor("compile", "dense.graph", "--emit=source", "--db", "other_cpu", "--explain",
                   cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert f": refused: it was measured on 'Some CPU', this is '{cpu}'" in ended.stderr
    assert f"no record is of use on this CPU, '{cpu}'" in ended.stderr
    assert ended.stdout == mintor("compile", "dense.graph", "--emit=source", cwd=folder).stdout


@pytest.mark.parametrize("arguments, said, code", [
    (["tune", "dense.graph"], "tune needs --db F", 2),
    (["tune", "--db", "db"], "tune takes a MODEL, or an operator by --kernel", 2),
    (["tune", "dense.graph", "--db", "db", "--target", "v3,v4"],
     "--target names several levels", 2),
    (["compile", "dense.graph", "--emit=source", "--db", "none"], "there is no file 'none'", 1),
    (["tune", "dense.graph", "--db", "no/such/folder"], "'no/such/folder' cannot be written", 1),
])
def test_what_is_wrong_is_said(folder, tuned, arguments, said, code):
    ended = mintor(*arguments, cwd=folder)
    assert ended.returncode == code, ended
    assert said in ended.stderr
