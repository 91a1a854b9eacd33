#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a package promises to its host, tried on a real one. Prints a line a check.

  package_checks.py MODEL.onnx [--inputs IN.npz] [--levels v3,v4] [--compilers gcc,clang-19]

Takes: any model. Gives: builds under -Wall -Wextra -Werror with each compiler; no exported name
but `<name>_*`; nothing needed but libc and libm, no C++ runtime, no raw system call; level objects
without weak symbols; code below 1 MB; ASan, UBSan and TSan clean with two contexts in two threads
that each use a pool; no allocation in `run`, counted on all threads.
Exit status 1 when a check fails.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import bits
import tools

CODE_LIMIT = 1 << 20
LIBRARIES = re.compile(r"^(libc\.so\.6|libm\.so\.6|ld-linux.*|libpthread\.so\.0|libdl\.so\.2)$")
# Undefined symbols that a package may not have: C++ runtime, raw system calls, printing, ending.
FORBIDDEN = re.compile(
    r"^(_Zn|_Zd|_ZSt|_ZNSt|__cxa_(?!finalize)|__gxx|_Unwind|syscall|puts|printf|putchar|fwrite|"
    r"fputs|fputc|perror|abort|_?exit|quick_exit|__assert_fail|system|popen|fork)"
)
SANITIZERS = {
    "address": "detect_leaks=1:abort_on_error=0",
    "undefined": "halt_on_error=1:print_stacktrace=1",
    "thread": "halt_on_error=1",
}


def symbols(library, *options):
    """(type, name) of each symbol that nm prints."""
    lines = tools.run(["nm", *options, library]).splitlines()
    return [tuple(x.split()[-2:]) for x in lines if len(x.split()) >= 2]


def check_exports(library):
    name = library.stem.removeprefix("lib")
    found = [n for _, n in symbols(library, "-D", "--defined-only")]
    strange = [n for n in found if not n.startswith(name + "_")]
    return f"exports {strange[:5]}" if strange or not found else None


def check_needs(library):
    dynamic = tools.run(["readelf", "-d", "-W", library])
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
    strange = [n for n in needed if not LIBRARIES.match(n)]
    undefined = [n.partition("@")[0] for _, n in symbols(library, "-D", "--undefined-only")]
    forbidden = [n for n in undefined if FORBIDDEN.match(n)]
    if strange or forbidden:
        return f"needs libraries {strange}, symbols {forbidden[:5]}"
    return None


def check_code_size(library):
    sizes = dict(re.findall(r"^(\.\w+)\s+(\d+)", tools.run(["size", "-A", library]), re.M))
    code = sum(int(sizes.get(s, 0)) for s in (".text", ".rodata", ".eh_frame"))
    return f"code is {code} bytes, the limit {CODE_LIMIT}" if code >= CODE_LIMIT else None


def check_weak(build):
    """A weak symbol of two level objects would be merged, perhaps into the higher level's copy."""
    objects = [o for o in build.rglob("*.o") if "kernels_" in o.name]
    weak = [(o.name, n) for o in objects for kind, n in symbols(o) if kind in ("W", "V", "u")]
    if not objects:
        return f"no objects of levels below {build}"
    return f"weak symbols {weak[:3]}" if weak else None


def check_canary(folder):
    """count.c must see an allocation, or its zero would say nothing."""
    source = pathlib.Path(folder) / "canary.c"
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n#include <sys/mman.h>\n"
        "void count_begin(void); long count_end(void); void* _Znwm(size_t);\n"
        "int main(void) { count_begin(); void* volatile p = malloc(9); p = calloc(3, 3);\n"
        'p = mmap(0, 4096, 3, 34, -1, 0); p = _Znwm(7); printf("%ld", count_end()); }\n',
        encoding="utf-8",
    )
    library = tools.helper("count")
    program = pathlib.Path(folder) / "canary"
    tools.run(["gcc", source, library, f"-Wl,-rpath,{library.parent}", "-o", program])
    counted = tools.run([program])
    return None if counted == "4" else f"the counter saw {counted} of 4 allocations"


def check_allocations(library, inputs, folder):
    for options in ([], ["--threads", 3]):
        environment = {"LD_PRELOAD": str(tools.helper("count"))}
        _, line = tools.drive(library, inputs, folder, *options, environment=environment)
        if not line.endswith("allocations 0"):
            return f"{line} with {options}"
    return None


def check_sanitizer(package, inputs, folder, sanitizer, compiler):
    flags = f"-fsanitize={sanitizer} -fno-sanitize-recover=all -g"
    label = f"{sanitizer}-{compiler}"
    library = tools.build_package(package, compiler, flags, label)
    variable = {"address": "ASAN", "undefined": "UBSAN", "thread": "TSAN"}[sanitizer] + "_OPTIONS"
    options = ["--contexts", 2, "--threads", 2, "--repeat", 2]
    driver = (f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all")
    tools.drive(
        library,
        inputs,
        folder,
        *options,
        flags=driver,
        compiler=tools.compilers()[compiler][0],
        environment={variable: SANITIZERS[sanitizer]},
    )
    return None


def checks(model, inputs, levels, names, folder, sanitizers=tuple(SANITIZERS)):
    """(name of the check, what is wrong or None), in order."""
    folder = pathlib.Path(folder)
    package = tools.compile_package(model, folder, levels)
    yield "the counter counts", check_canary(folder)
    for compiler in names:
        library = tools.build_package(package, compiler, warn="-Wall -Wextra -Werror")
        yield f"{compiler}: -Wall -Wextra -Werror", None
        yield f"{compiler}: exports", check_exports(library)
        yield f"{compiler}: needs", check_needs(library)
        yield f"{compiler}: code below 1 MB", check_code_size(library)
        yield f"{compiler}: no weak symbol", check_weak(library.parent)
        yield f"{compiler}: no allocation in run", check_allocations(library, inputs, folder)
    for sanitizer in sanitizers:
        compiler = names[0]
        wrong = check_sanitizer(package, inputs, folder, sanitizer, compiler)
        yield f"{compiler}: {sanitizer} sanitizer, two contexts", wrong


def guarded(found):
    """Turns a tool's failure into the failed check that it is; nothing can follow it."""
    try:
        yield from found
    except (tools.Failed, subprocess.CalledProcessError) as error:
        yield "a tool", str(error)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--inputs", help=".npz with the inputs by name")
    parser.add_argument("--levels", default="v3,v4")
    parser.add_argument("--compilers", default=",".join(tools.compilers()))
    a = parser.parse_args()
    inputs = bits.load_inputs(a.model, a.inputs)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mintor-checks-") as folder:
        found = checks(a.model, inputs, a.levels.split(","), a.compilers.split(","), folder)
        for name, wrong in guarded(found):
            print(
                f"{'FAILED' if wrong else 'ok':7} {name}{': ' + wrong if wrong else ''}", flush=True
            )
            failed += bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
