# SPDX-License-Identifier: Apache-2.0
"""Runs test suites and counts them honestly.

Takes --build DIR and --suites lint,ctest,pytest, and --beside DIR, a build that was tested before:
C++ tests that cannot differ from its tests are left out. Gives the suites' own output, then a line
per suite and a closing line `N passed, N failed, N skipped`. A suite that ends badly without saying
which test failed counts as one failure. Counts are kept in build/test-results, from where
--summary adds up several runs. Exit status 0 only when nothing failed and something ran.
"""
import argparse
import filecmp
import json
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test-results"


def count_junit(path):
    """(passed, failed, skipped, names of failures) of a JUnit file."""
    passed = failed = skipped = 0
    failures = []
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname') or ''} {case.get('name')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            failures.append(name)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped, failures


def run_junit(command, junit, **options):
    junit.unlink(missing_ok=True)
    status = subprocess.run(command, **options).returncode
    if not junit.exists():
        return 0, 1, 0, [f"{command[0]} ended with status {status} and wrote no results"]
    passed, failed, skipped, failures = count_junit(junit)
    if status != 0 and failed == 0:
        failed, failures = 1, [f"{command[0]} ended with status {status}"]
    return passed, failed, skipped, failures


def run_lint(_build, _junit, _beside):
    script = str(ROOT / "tests" / "lint" / "lint.py")
    result = subprocess.run([sys.executable, script, "--json"], stdout=subprocess.PIPE, text=True)
    try:
        report = json.loads(result.stdout)
    except json.JSONDecodeError:
        return 0, 1, 0, [f"lint ended with status {result.returncode}"]
    for problems in report.values():
        for problem in problems:
            print(problem)
    failures = [f"lint {rule}" for rule, problems in report.items() if problems]
    return len(report) - len(failures), len(failures), 0, failures


def jobs():
    return os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count())


def tested_beside(build, beside):
    """Folders whose test program is that of `beside`, byte for byte, and opens nothing else."""
    def equal(name):
        files = [one / name for one in (build, beside)]
        return all(one.exists() for one in files) and filecmp.cmp(*files, shallow=False)

    library_too = equal("lib/libmintor_jit.so")
    for program in sorted((build / "tests").glob("mintor_*_tests")):
        if equal(f"tests/{program.name}") and (library_too or
                                               b"libmintor_jit" not in program.read_bytes()):
            yield program.name.removeprefix("mintor_").removesuffix("_tests")


def was_tested(build, name):
    """Whether there are results of a build's ctest, and newer than the program."""
    results = RESULTS / f"{build.name}-ctest.xml"
    program = build / "tests" / f"mintor_{name}_tests"
    return results.exists() and results.stat().st_mtime > program.stat().st_mtime


def run_ctest(build, junit, beside):
    left_out = [name for name in tested_beside(build, beside) if was_tested(beside, name)] \
        if beside else []
    options = ["-LE", f"^({'|'.join(left_out)})$"] if left_out else []
    if left_out:
        print(f"programs of {beside.name}, tested there: {' '.join(left_out)}", flush=True)
    return run_junit(["ctest", "--test-dir", str(build), "--output-on-failure", "--progress",
                      "-j", jobs(), "--output-junit", str(junit), *options], junit, cwd=ROOT)


def run_pytest(_build, junit, _beside):
    """In a process for each core; then what is marked `alone`, with the machine to itself."""
    parts = {"side by side": ["-m", "not alone", "-n", jobs(), "--dist", "worksteal"],
             "alone": ["-m", "alone"]}
    total, failures = [0, 0, 0], []
    for name, options in parts.items():
        part = junit.with_suffix(f".{name.replace(' ', '_')}.xml")
        *counts, failed = run_junit([sys.executable, "-m", "pytest", "-q", "-ra", "--durations=30",
                                     "-p", "no:cacheprovider", f"--junitxml={part}", *options,
                                     "tests"], part, cwd=ROOT)
        total = [a + b for a, b in zip(total, counts)]
        failures += failed
    return *total, failures


SUITES = {"lint": run_lint, "ctest": run_ctest, "pytest": run_pytest}


def closing_line(counts):
    passed, failed, skipped = counts
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def run(build, suites, beside):
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = [0, 0, 0]
    lines, failures = [], []
    for suite in suites:
        begin = time.monotonic()
        label = f"{build.name}-{suite}"
        *counts, names = SUITES[suite](build.resolve(), (RESULTS / f"{label}.xml").resolve(),
                                       beside)
        (RESULTS / f"{label}.json").write_text(json.dumps(counts))
        lines.append(f"{label}: {closing_line(counts)} in {time.monotonic() - begin:.0f} s")
        failures += [f"FAILED {label}: {name}" for name in names]
        total = [a + b for a, b in zip(total, counts)]
    print("\n".join([""] + failures + lines + [closing_line(total)]))
    return total


def summary():
    total = [0, 0, 0]
    for path in sorted(RESULTS.glob("*.json")):
        counts = json.loads(path.read_text())
        print(f"{path.stem}: {closing_line(counts)}")
        total = [a + b for a, b in zip(total, counts)]
    print(closing_line(total))
    return total


def main():
    parser = argparse.ArgumentParser(description="Runs test suites and counts them.")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "default")
    parser.add_argument("--suites", default="lint,ctest,pytest")
    parser.add_argument("--beside", type=pathlib.Path, help="a build that was tested before")
    parser.add_argument("--summary", action="store_true", help="add up the runs so far")
    arguments = parser.parse_args()
    total = summary() if arguments.summary else run(
        arguments.build, arguments.suites.split(","), arguments.beside)
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
