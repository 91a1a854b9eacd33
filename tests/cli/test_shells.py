# SPDX-License-Identifier: Apache-2.0
"""Completion and the manual page: what shells and man make of them.

Takes what `mintor completion` and `mintor man` print; runs bash, zsh, fish and man on it. Keeps
true: every command and flag of --help is there, and nothing else is.
"""
import re
import subprocess

import pytest
from cli_helper import mintor

COMMANDS = sorted(re.findall(r"^  ([a-z-]+) ", mintor("--help").stdout.split("Subcommands:")[1],
                             re.M))


def completion(shell, tmp_path):
    shown = mintor("completion", shell)
    assert shown.returncode == 0 and shown.stderr == ""
    path = tmp_path / f"mintor.{shell}"
    path.write_text(shown.stdout)
    return path


def bash_words(script, *words, folder):
    code = (f"source {script}; COMP_WORDS=({' '.join(words)}); "
            f"COMP_CWORD={len(words) - 1}; _mintor; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    ended = subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=folder)
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.parametrize("words, expected", [
    (["mintor", "comp"], ["compile", "completion"]),
    (["mintor", "compile", "--em"], ["--emit"]),
    (["mintor", "compile", "--emit", "gr"], ["graph"]),
    (["mintor", "compile", "--emit", "=", "so"], ["source"]),
    (["mintor", "run", "--target", "v"], ["v3", "v4"]),
    (["mintor", "run", "--disable-pass", "fold_con"], ["fold_constants"]),
    (["mintor", "completion", "z"], ["zsh"]),
    (["mintor", "run", "mod"], ["model.onnx"]),
])
def test_bash(tmp_path, words, expected):
    (tmp_path / "model.onnx").touch()
    found = bash_words(completion("bash", tmp_path), *words, folder=tmp_path)
    assert [word for word in found if word in expected] == expected and len(found) <= 4, found


def test_bash_knows_every_command(tmp_path):
    found = bash_words(completion("bash", tmp_path), "mintor", "''", folder=tmp_path)
    assert sorted(set(found) - {"--help", "--version"}) == COMMANDS


def test_zsh_reads_it(tmp_path):
    script = completion("zsh", tmp_path)
    code = f"autoload -U compinit; compinit -D -u; source {script}; print $_comps[mintor]"
    ended = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True)
    assert (ended.stdout.strip(), ended.stderr) == ("_mintor", "")
    assert all(f"    '{name}:" in script.read_text() for name in COMMANDS)


def test_values_are_offered_once(tmp_path):
    """Winograd is a graph pass and a strategy."""
    found = bash_words(completion("bash", tmp_path), "mintor", "run", "--disable-pass", "''",
                       folder=tmp_path)
    assert "winograd" in found and len(found) == len(set(found))


@pytest.mark.parametrize("line, expected", [
    ("mintor comp", "compile"), ("mintor run --see", "--seed"),
    ("mintor compile --emit gr", "graph")])
def test_fish(tmp_path, line, expected):
    script = completion("fish", tmp_path)
    ended = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
                           capture_output=True, text=True, env={"HOME": str(tmp_path),
                                                                "PATH": "/usr/bin:/bin"})
    assert ended.stderr == ""
    assert expected in [row.split("\t")[0] for row in ended.stdout.splitlines()]


def test_man(tmp_path):
    page = tmp_path / "mintor.1"
    page.write_text(mintor("man").stdout)
    shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True,
                           text=True, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100",
                                           "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"})
    assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    text = re.sub(".\b", "", shown.stdout)
    for command in COMMANDS:
        assert f"mintor {command}" in text
        shown = mintor(command, "--help").stdout.split("Examples:")[0]
        flags = set(re.findall(r"--[a-z-]+", shown))
        assert flags <= set(re.findall(r"--[a-z-]+", text)), command
