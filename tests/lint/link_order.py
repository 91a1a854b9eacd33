# SPDX-License-Identifier: Apache-2.0
"""Proves on the finished archives that a folder uses only folders before it.

Takes the build folder; reads `nm` of the static libraries in generated/archives.txt, which are in
order of flow; gives one line for each symbol that a library needs and only a later one defines.
Registries that list what later folders hold (all_targets and the like) are the one way round.
"""
import pathlib
import re
import subprocess
import sys

# Functions that are declared in an early folder and defined with the items they list.
REGISTRIES = re.compile(r"^mintor::all_\w+\(")
# The targets are listed after the package folder but stand after codegen in the flow.
UNORDERED = {"mintor_runtime"}


def symbols(archive):
    """(defined, undefined) demangled names of one archive."""
    text = subprocess.run(["nm", "-C", "--extern-only", "--format=posix", archive], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    defined, undefined = set(), set()
    for line in text.splitlines():
        found = re.match(r"(.*?) ([A-Za-z])(?: |$)", line)
        if found:
            (undefined if found.group(2) in "Uwv" else defined).add(found.group(1))
    return defined, undefined - defined


def problems(build):
    names = (build / "generated" / "archives.txt").read_text().split()
    found = {name: symbols(build / f"lib{name}.a") for name in names}
    seen = set()
    for position, name in enumerate(names):
        defined, undefined = found[name]
        seen |= defined
        if name in UNORDERED:
            continue
        for symbol in sorted(undefined - seen):
            if REGISTRIES.match(symbol):
                continue
            for later in names[position + 1:]:
                if later not in UNORDERED and symbol in found[later][0]:
                    yield f"{name} needs {symbol}, which is defined in {later}"
                    break


def main():
    lines = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(lines) if lines else "every library needs only what comes before it")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
