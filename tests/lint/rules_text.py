# SPDX-License-Identifier: Apache-2.0
"""What may stand in a file: its head, no targets in the compiler, no machine's paths, no printing.

Take all files; give (place, problem). A head is the SPDX line and what follows it in the same
comment (or the module's docstring); it says what the file takes, gives and keeps true.
"""
import pathlib
import re

COMMENTED = {".cpp": "//", ".h": "//", ".c": "//", ".def": "//", ".cmake": "#", ".py": "#",
             ".sh": "#"}
SPDX = "SPDX-License-Identifier: Apache-2.0"
HEAD_MIN, HEAD_MAX = 3, 12  # a docstring's quotes do not count
# Headers whose head is the specification of what they define.
LONG_HEADS = {"compiler/loop/ir.h", "compiler/ir/graph.h", "compiler/program/program.h"}
TARGET_WORDS = re.compile(
    r"(?i)(?<![a-z])(avx[0-9a-z_]*|sse[0-9]?|neon|cuda|nvptx|x86[_0-9]*|aarch64|amx|vnni"
    r"|immintrin|arm_neon|_mm(256|512)?_\w+|__m(128|256|512)\w*)(?![a-z])")
MACHINE_PATH = re.compile(r"(?<![\w.$})])/(home|root|work|tmp|Users|mnt|opt)/\w")
# `_exit` is not among them: it ends a forked child, and nothing else can.
PRINTS = re.compile(r"\bstd::(cout|cerr|clog)\b|(?<![\w:.])(std::)?(printf|puts|exit|abort"
                    r"|quick_exit|terminate)\s*\(|\bfprintf\s*\(\s*std(err|out)\b")


def head_lines(path, text):
    """Lines of the head after a possible #! line, SPDX included."""
    lines = text.split("\n")
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    mark = COMMENTED.get(pathlib.PurePath(path).suffix, "#")
    count = 0
    while count < len(lines) and lines[count].startswith(mark):
        count += 1
    if path.endswith(".py") and count < len(lines) and lines[count].startswith('"""'):
        closing = count
        while closing < len(lines) and (lines[closing].count('"""') < (2 if closing == count
                                                                       else 1)):
            closing += 1
        count = closing - 1
    return count


def rule_file_head(files):
    for path, text in files.items():
        name = pathlib.PurePath(path)
        if name.suffix not in COMMENTED and name.name not in ("Makefile", "CMakeLists.txt"):
            continue
        if not text.strip():
            continue
        if SPDX not in "\n".join(text.split("\n")[:2]):
            yield f"{path}:1", f"the first line is not '{SPDX}'"
            continue
        lines = head_lines(path, text)
        if lines < HEAD_MIN:
            yield f"{path}:1", f"a head of {lines} lines; say what it takes, gives, keeps true"
        elif lines > HEAD_MAX and path not in LONG_HEADS:
            yield f"{path}:1", f"a head of {lines} lines, the limit is {HEAD_MAX}"


def rule_no_target_in_compiler(files):
    for path, text in files.items():
        if not path.startswith("compiler/") or path.endswith(".md"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = TARGET_WORDS.search(line)
            if found:
                yield f"{path}:{number}", (f"'{found.group(0)}' names a target; ask TargetInfo "
                                           "for the fact that is meant")


def rule_no_machine_path(files):
    for path, text in files.items():
        if path == "tests/lint/rules_text.py":
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = MACHINE_PATH.search(line)
            if found and not line.startswith("#!"):
                yield f"{path}:{number}", f"'{found.group(0)}...' is a path of some machine"


def rule_libraries_do_not_print(files):
    for path, text in files.items():
        library = path.startswith(("compiler/", "frontends/onnx/", "targets/", "runtime/"))
        if not library or path.startswith("compiler/cli/") or not path.endswith((".cpp", ".h")):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            code = re.sub(r'"(\\.|[^"\\])*"|//.*', "", line)
            found = PRINTS.search(code)
            if found:
                yield f"{path}:{number}", f"'{found.group(0)}': libraries never print or exit"


def rule_todo_has_reason(files):
    for path, text in files.items():
        if path.startswith("tests/lint/"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b(?!: \w.{9})", line):
                yield f"{path}:{number}", "a TODO says why it stays: 'TODO: reason'"
