# SPDX-License-Identifier: Apache-2.0
"""Runs test suites and counts them honestly.

Takes --build DIR and --suites lint,ctest,pytest; gives the suites' own output, then one line per
suite and a closing line `N passed, N failed, N skipped`. A suite that ends badly without saying
which test failed counts as one failure. Counts are kept in build/test-results, from where
--summary adds up several runs. Exit status 0 only when nothing failed and something ran.
"""
import argparse
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


def run_lint(_build, _junit):
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


def run_ctest(build, junit):
    jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count())
    return run_junit(["ctest", "--test-dir", str(build), "--output-on-failure", "--progress",
                      "-j", jobs, "--output-junit", str(junit)], junit, cwd=ROOT)


def run_pytest(_build, junit):
    return run_junit([sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider",
                      f"--junitxml={junit}", "tests"], junit, cwd=ROOT)


SUITES = {"lint": run_lint, "ctest": run_ctest, "pytest": run_pytest}


def closing_line(counts):
    passed, failed, skipped = counts
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def run(build, suites):
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = [0, 0, 0]
    lines, failures = [], []
    for suite in suites:
        begin = time.monotonic()
        label = f"{build.name}-{suite}"
        *counts, names = SUITES[suite](build.resolve(), (RESULTS / f"{label}.xml").resolve())
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
    parser.add_argument("--summary", action="store_true", help="add up the runs so far")
    arguments = parser.parse_args()
    total = summary() if arguments.summary else run(arguments.build,
                                                    arguments.suites.split(","))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
