# SPDX-License-Identifier: Apache-2.0
"""What stderr shows where it is a terminal: colours, and progress on one line.

Takes the command with a pseudo-terminal as its stderr; compares with what a pipe gets. Keeps true:
a pipe gets neither; NO_COLOR and TERM=dumb are obeyed.
"""
import os
import pty
import subprocess

import pytest
from cli_helper import MINTOR, TABLE, mintor, written

RED = "\x1b[1;31merror:\x1b[0m "


def on_terminal(*arguments, cwd, **env):
    """What stderr shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([MINTOR, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=theirs,
                          cwd=cwd, env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **env}):
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # the other side is closed
            pass
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("env, coloured", [({}, True), ({"NO_COLOR": "1"}, False),
                                           ({"TERM": "dumb"}, False), ({"TERM": ""}, False)])
def test_colours(tmp_path, env, coloured):
    shown = on_terminal("run", "missing.graph", cwd=tmp_path, **env)
    assert (RED in shown) == coloured, shown
    assert ("\x1b[3" in shown or "\x1b[1" in shown) == coloured, shown
    assert "'missing.graph' cannot be opened" in shown


def test_a_pipe_gets_plain_text(tmp_path):
    ended = mintor("run", "missing.graph", cwd=tmp_path, env={**os.environ, "TERM": "xterm"})
    assert ended.stderr.startswith("error: load: 'missing.graph' cannot be opened")
    assert "\x1b" not in ended.stderr


def test_progress_is_for_terminals(tmp_path):
    written(tmp_path, "table.graph", TABLE)
    shown = on_terminal("compile", "table.graph", "-o", "out", "--build", cwd=tmp_path)
    assert "compiling the package" in shown and "[#" in shown, shown
    assert shown.endswith("\r\x1b[K")  # nothing is left of it
    ended = mintor("compile", "table.graph", "-o", "out", "--build", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_missing_file_is_named_with_the_one_that_was_meant(tmp_path):
    written(tmp_path, "model.graph", TABLE)
    for arguments, near in ((("run", "modle.graph"), "model.graph"),
                            (("run", "model.graph", "--input", "x=./y.npi"), "./y.npy")):
        (tmp_path / "y.npy").touch()
        ended = mintor(*arguments, cwd=tmp_path)
        assert ended.returncode == 1
        assert f"  help: did you mean '{near}'?" in ended.stderr, ended.stderr
