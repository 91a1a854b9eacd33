# SPDX-License-Identifier: Apache-2.0
"""What one change should touch: adds items to a copy of the repository and builds it.

Takes the build folder of the checkout; copies the sources, adds a library operator, a graph pass,
a schedule step and a target as copies of existing ones under new names, edits nothing else, builds
`mintor` there (ccache makes that short), and asks it for each of them. Gives a line per item; ends
with status 1 when one needs more than its own file. Keeps true: the checkout is left alone.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ["cmake", "compiler", "frontends", "runtime", "targets"]
GRAPH = "graph tiny {\n  x = input f32[4]\n  r = neg f32[4] (x)\n  results r\n}\n"


def copy_renamed(scratch, source, target, renames):
    """A copy of one file in which whole words are renamed."""
    text = (scratch / source).read_text()
    for old, new in renames.items():
        text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, text)
    (scratch / target).parent.mkdir(parents=True, exist_ok=True)
    (scratch / target).write_text(text)


def add_items(scratch):
    """The additions of the table in the style guide, each in files of its own."""
    copy_renamed(scratch, "compiler/ops/library/softmax.cpp",
                 "compiler/ops/library/softmax_again.cpp",
                 {"softmax": "softmax_again", "log_softmax": "log_softmax_again"})
    copy_renamed(scratch, "compiler/graph/passes/compose_reindex.cpp",
                 "compiler/graph/passes/compose_again.cpp",
                 {"pass_compose_reindex": "pass_compose_again",
                  "compose_reindex": "compose_again"})
    copy_renamed(scratch, "compiler/loop/steps/parallelize.cpp",
                 "compiler/loop/steps/parallelize_again.cpp",
                 {"step_parallelize": "step_parallelize_again",
                  "parallelize": "parallelize_again"})
    for path in sorted((scratch / "targets" / "reference").rglob("*")):
        if path.is_file():
            name = path.relative_to(scratch)
            copy_renamed(scratch, name, str(name).replace("reference", "again"),
                         {"reference": "again", "target_reference": "target_again",
                          "supports_reference": "supports_again"})


def cache_options(build):
    """Options of the checkout's build that the copy takes over."""
    text = (build / "CMakeCache.txt").read_text()
    wanted = ["MINTOR_LLVM", "MINTOR_ONNX", "MINTOR_ONNX_PROTO", "CMAKE_BUILD_TYPE",
              "CMAKE_CXX_COMPILER", "CMAKE_C_COMPILER"]
    found = dict(re.findall(r"^(\w+):\w+=(.*)$", text, re.M))
    return [f"-D{name}={found[name]}" for name in wanted if found.get(name)]


def build_copy(scratch, build):
    environment = dict(os.environ, CCACHE_BASEDIR=str(scratch), CCACHE_NOHASHDIR="1")
    folder = scratch / "build" / "default"
    subprocess.run(["cmake", "-S", scratch, "-B", folder, "-G", "Ninja", "-DMINTOR_TESTS=OFF",
                    "-DMINTOR_PYTHON=OFF", *cache_options(build)], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "mintor"], check=True,
                   env=environment)
    return folder


def ask(scratch, folder):
    """(item, found, what was said) of each addition."""
    program = str(folder / "bin" / "mintor")
    (scratch / "tiny.graph").write_text(GRAPH)

    def run(*arguments):
        result = subprocess.run([program, *arguments], cwd=scratch, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode == 0, result.stdout

    listed = run("opt", "--list")
    symbols = subprocess.run(["nm", "-C", folder / "libmintor_ops.a"], check=True, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    yield ("library operator", "softmax_again(" in symbols, "softmax_again is not in the library")
    yield "graph pass", *run("opt", "tiny.graph", "compose_again")
    yield "schedule step", listed[0] and "parallelize_again(" in listed[1], listed[1]
    yield "target", *run("run", "tiny.graph", "--target", "again", "--seed", "0",
                         "--jit", "system", "--cache-dir", str(scratch / "cache"))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    scratch = build / "one_change"
    for name in FOLDERS:
        shutil.rmtree(scratch / name, ignore_errors=True)
        shutil.copytree(ROOT / name, scratch / name)
    for name in ("CMakeLists.txt", "LICENSE"):
        shutil.copy(ROOT / name, scratch / name)
    add_items(scratch)
    folder = build_copy(scratch, build)
    failed = 0
    for item, found, said in ask(scratch, folder):
        print(f"{'ok' if found else 'FAILED'} {item}" + ("" if found else f": {said}"))
        failed += not found
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
