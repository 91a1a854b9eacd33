# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of peers.py and the processes of turns.py.

Takes rows that are made up, and a worker that answers with its number: no engine is needed. Keeps
true: what the table says of such rows; a worker runs in its turn only, and says why it failed.
"""
import json
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import peers  # noqa: E402
import turns  # noqa: E402

SERVER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import turns
def answer(request):
    print("noise of a library", flush=True)
    if request == "fail":
        raise ValueError("not this one")
    if request == "end":
        os._exit(3)
    if request == "wait":
        time.sleep(60)
    return [request, os.getpid()]
turns.serve(answer)
"""


@pytest.fixture
def worker():
    made = turns.Worker([sys.executable, "-c", SERVER, str(HERE)])
    yield made
    made.close()


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]


def test_worker_is_stopped_between_answers(worker):
    assert worker.ask("x") == ["x", worker.process.pid]
    assert state(worker.process.pid) == "T"
    assert worker.ask(3)[0] == 3


@pytest.mark.parametrize(("request_", "seconds", "message"), [
    ("fail", 60, "ValueError: not this one"), ("end", 60, "the process has ended: 3"),
    ("wait", 0.5, "no answer in time")])
def test_worker_says_why_it_failed(worker, request_, seconds, message):
    worker.ask("x")
    with pytest.raises(turns.WorkerFailed, match=message):
        worker.ask(request_, seconds)


def test_sample_counts_each_run_and_processors():
    taken = turns.sample(lambda: sum(range(1000)), 0.05)
    assert len(taken["ms"]) > 10 and sum(taken["ms"]) < 200
    assert 0.1 < taken["used"] < 1.5


def row(model, threads, **engines):
    of = {name: {"median": ms, "minimum": ms, "error": error}
          for name, (ms, error) in engines.items()}
    return {"model": model, "threads": threads, "gflop": 2.0, "failed": {}, "engines": of}


def test_ratio_is_of_the_best_right_engine():
    of = row("m", 1, mintor=(2.0, 0), mintor_package=(0.1, 0), slow=(6.0, 0), fast=(3.0, 0),
             wrong=(0.5, 0.1))
    assert peers.ratio(of) == 1.5
    assert peers.ratio(of, "slow") == 3
    assert peers.ratio(of, "wrong") is None
    assert peers.ratio(row("m", 1, slow=(6.0, 0))) is None
    assert peers.mean([2, 8, None]) == pytest.approx(4)
    assert peers.mean([None]) is None


def test_rows_measured_before_are_kept(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"rows": [row("a", 1, mintor=(9.0, 0)), row("a", 2), row("b", 1)]}),
                    encoding="utf-8")
    kept = peers.earlier(str(path), [row("a", 1)])
    assert [(r["model"], r["threads"]) for r in kept] == [("a", 2), ("b", 1)]
    assert peers.earlier(os.fspath(tmp_path / "none"), []) == []


def test_table_has_a_line_a_row_and_a_mean_for_each_thread_count():
    text = peers.markdown({**peers.facts(), "rows": [
        row("a", 1, mintor=(2.0, 1e-6), other=(4.0, 0)),
        row("b", 1, mintor=(1.0, 1e-6), other=(8.0, 0)), row("b", 2, other=(1.0, 0.5))]})
    assert "| a | 2 | 1 | 2 | 4 | 2 | 1e+03 | 1e-06 |" in text
    assert "| b | 2 | 2 |  | (1) |  |  |  |" in text
    assert "| geometric mean of ratios | | 1 |  | 4 | 4 | | |" in text
    assert "| geometric mean of ratios | | 2 |  |  |  | | |" in text
