# SPDX-License-Identifier: Apache-2.0
"""Sizes: of files, functions, lines, READMEs and the runtime.

Take all files; give (place, problem). Tables (.def), golden text, the licence and data are exempt
from the length of a file. Function lengths come from braces in C++ and from the syntax tree in
Python, so that a function counts from its signature to its closing line.
"""
import ast
import re

CODE = (".cpp", ".h", ".c", ".py")
FILE_WARN, FILE_LIMIT = 400, 800
FUNCTION_LIMIT = 100
WIDTH = 100
README_LIMIT = 40
RUNTIME_LIMIT = 5000
WIDTH_EXEMPT = re.compile(r"^(LICENSE|.*\.(txt|json|jsonl|csv|svg|md|def)|.*/golden/.*)$")
NOT_FUNCTION = re.compile(r"^\s*(inline\s+)?(namespace|struct|class|enum|union|extern \"C\")\b")


def rule_file_length(files):
    for path, text in files.items():
        lines = text.count("\n")
        if not path.endswith(CODE + (".cmake", ".sh")):
            continue
        if lines > FILE_LIMIT:
            yield path, f"{lines} lines, the limit is {FILE_LIMIT}"
        elif lines > FILE_WARN:
            yield path, f"warning: {lines} lines, aim at 150, {FILE_WARN} is much"


def rule_line_width(files):
    for path, text in files.items():
        if WIDTH_EXEMPT.match(path):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > WIDTH and "http" not in line:
                yield f"{path}:{number}", f"{len(line)} columns, the limit is {WIDTH}"


def without_literals(text):
    """C++ text with comments, literals and preprocessor lines blanked, line breaks kept."""
    pattern = re.compile(
        r'R"([^(\s]{0,16})\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def cpp_functions(text):
    """(first line, length) of each outermost block that is no namespace, class or enum."""
    stack = []  # is the block transparent (its inner blocks are looked at)?
    open_line = statement_line = 1
    number = 1
    statement = ""
    inside = None  # depth of the function we are in
    for character in without_literals(text):
        if character == "\n":
            number += 1
        if character == "{":
            transparent = bool(NOT_FUNCTION.match(statement.strip())) or "=" in re.sub(
                r"operator\s*[=<>!+*/-]+|[<>=!]=|\([^()]*\)", "", statement)
            if inside is None and not transparent:
                inside, open_line = len(stack), statement_line
            stack.append(transparent)
            statement = ""
        elif character == "}":
            if stack:
                stack.pop()
            if inside is not None and len(stack) == inside:
                yield open_line, number - open_line + 1
                inside = None
            statement = ""
        elif character == ";":
            statement = ""
        else:
            if not statement.strip():
                statement_line = number
            statement += character


def rule_function_length(files):
    for path, text in files.items():
        if path.endswith((".cpp", ".h", ".c")):
            found = cpp_functions(text)
        elif path.endswith(".py"):
            found = ((node.lineno, node.end_lineno - node.lineno + 1)
                     for node in ast.walk(ast.parse(text))
                     if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        else:
            continue
        for line, length in found:
            if length > FUNCTION_LIMIT:
                yield f"{path}:{line}", f"a function of {length} lines, limit {FUNCTION_LIMIT}"


def rule_readme_length(files):
    for path, text in files.items():
        if re.match(r"(compiler|targets|frontends|runtime)/.*README\.md$", path):
            lines = text.count("\n")
            if lines > README_LIMIT:
                yield path, f"{lines} lines, the limit is {README_LIMIT}"


def rule_runtime_total(files):
    total = sum(text.count("\n") for path, text in files.items()
                if path.startswith("runtime/") and path.endswith(CODE))
    if total > RUNTIME_LIMIT:
        yield "runtime", f"{total} lines in all, the limit is {RUNTIME_LIMIT}"
