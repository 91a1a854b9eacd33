# SPDX-License-Identifier: Apache-2.0
"""Checks the house style on every file of the repository.

Takes nothing (or --json); gives one line per problem, `path:line: rule: what`, and exit status 1
when there is one. A rule is a function in rules_*.py, from all files to problems; adding one is
adding a function whose name starts with rule_. Warnings are printed and do not fail.
"""
import argparse
import importlib
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
MODULES = ["rules_size", "rules_text", "rules_layout"]


def repository_files(root):
    """Path -> text of every file that is tracked, or new and not ignored; binary ones left out."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], cwd=root, stdout=subprocess.PIPE, check=True)
    files = {}
    for name in sorted(set(listed.stdout.decode().split("\0")) - {""}):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            files[name] = data.decode("utf-8", errors="replace")
    return files


def rules():
    found = {}
    for module in MODULES:
        loaded = importlib.import_module(module)
        for name, function in vars(loaded).items():
            if name.startswith("rule_"):
                found[name.removeprefix("rule_")] = function
    return found


def main():
    parser = argparse.ArgumentParser(description="Checks the house style.")
    parser.add_argument("--json", action="store_true", help="rule -> problems, on stdout")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    files = repository_files(arguments.root)
    report = {}
    for name, rule in rules().items():
        problems = []
        for where, what in rule(files):
            warning = what.startswith("warning: ")
            line = f"{where}: {name}: {what}"
            if warning:
                print(line, file=sys.stderr)
            else:
                problems.append(line)
        report[name] = problems
    count = sum(len(problems) for problems in report.values())
    if arguments.json:
        print(json.dumps(report))
    else:
        for problems in report.values():
            for problem in problems:
                print(problem)
        print(f"lint: {len(files)} files, {len(report)} rules, {count} problems")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
