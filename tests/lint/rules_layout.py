# SPDX-License-Identifier: Apache-2.0
"""Where things lie: folder order of includes, goldens beside passes and steps, names, READMEs.

Take all files; give (place, problem). The order of compiler/ is read from compiler/README.md's
table, which is also the order of flow; targets see it up to codegen, frontends up to grad, the
runtime sees nothing of it.
"""
import pathlib
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SNAKE = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
NAMED_OTHERWISE = {"README.md", "LICENSE", "Makefile", "CMakeLists.txt", "SKILL.md"}
# Where a folder's golden text lies: items of the first have one file each in the second.
GOLDENS = {
    "compiler/graph/passes/": "tests/golden/passes/",
    "compiler/loop/passes/": "tests/golden/loop_passes/",
    "compiler/loop/steps/": "tests/golden/steps/",
}


def compiler_order(files):
    return re.findall(r"^\| `(\w+)` \|", files.get("compiler/README.md", ""), re.M)


def allowed(path, order):
    """Top-level prefixes that a file may include, or None when it may include anything."""
    parts = path.split("/")
    folders = lambda last: [f"compiler/{name}/" for name in order[:order.index(last) + 1]]
    if parts[0] == "compiler" and len(parts) > 2 and parts[1] in order:
        own = folders(parts[1])
        if parts[1] in ("jit", "tune", "package"):
            return own + ["runtime/include/"]
        if parts[1] in ("driver", "cli"):
            return own + ["runtime/include/", "targets/", "frontends/onnx/"]
        return own
    if parts[0] == "targets":
        return folders("codegen") + [f"targets/{parts[1]}/"]
    if parts[:2] == ["frontends", "onnx"]:
        return folders("grad") + ["frontends/onnx/"]
    if parts[0] == "runtime":
        return ["runtime/"]
    return None


def rule_folder_order(files):
    order = compiler_order(files)
    if not order:
        yield "compiler/README.md", "the table of folders is missing"
        return
    roots = ("compiler/", "targets/", "frontends/", "runtime/", "tests/")
    for path, text in files.items():
        if not path.endswith((".cpp", ".h", ".c")) or path.startswith("tests/"):
            continue
        prefixes = allowed(path, order)
        for found in INCLUDE.finditer(text):
            target = found.group(1)
            if prefixes is None or not target.startswith(roots):
                continue
            if not target.startswith(tuple(prefixes)):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{path}:{line}", f"includes '{target}', which comes later in the flow"


def rule_golden_present(files):
    for folder, goldens in GOLDENS.items():
        for path in files:
            if path.startswith(folder) and path.endswith(".cpp"):
                golden = f"{goldens}{pathlib.PurePath(path).stem}.txt"
                if golden not in files:
                    yield path, f"has no golden text {golden}"
        for path in files:
            if path.startswith(goldens) and path.endswith(".txt"):
                stem = pathlib.PurePath(path).stem.split(".")[0]
                if f"{folder}{stem}.cpp" not in files:
                    yield path, f"is the golden text of no file in {folder}"


def rule_snake_case(files):
    for path in files:
        name = pathlib.PurePath(path).name
        if path.startswith(("compiler/", "targets/", "frontends/", "runtime/", "cmake/")):
            if name not in NAMED_OTHERWISE and not SNAKE.match(name.lstrip(".")):
                yield path, "file names are snake_case"


def rule_readme_present(files):
    folders = {"/".join(path.split("/")[:2]) for path in files
               if path.startswith(("compiler/", "targets/", "frontends/")) and path.count("/") > 1}
    for folder in sorted(folders | {"runtime", "compiler"}):
        if f"{folder}/README.md" not in files:
            yield folder, "has no README.md (takes, gives, keeps true, files)"
