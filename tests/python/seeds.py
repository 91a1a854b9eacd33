# SPDX-License-Identifier: Apache-2.0
"""The command line of the random tests.

Takes a check from seed to None or a problem; gives a line for each problem and a count.
"""
import argparse


def run_seeds(name, check, description):
    """Exit status 1 when a seed fails."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", default="0..100", help="first..last, the last not included")
    first, last = map(int, parser.parse_args().seeds.split(".."))
    wrong = 0
    for seed in range(first, last):
        try:
            problem = check(seed)
        except Exception as error:  # pylint: disable=broad-except
            problem = f"{type(error).__name__}: {error}"
        if problem:
            wrong += 1
            print(f"seed {seed}: {problem}", flush=True)
    print(f"{name}: {last - first} tried, {wrong} wrong")
    return 1 if wrong else 0
