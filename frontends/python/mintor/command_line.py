# SPDX-License-Identifier: Apache-2.0
"""The `mintor` command of an installed wheel: becomes the program that lies in the package.

Takes the process's arguments; does not return. Keeps true: the program finds libmintor_jit beside
itself, in ../lib.
"""
import os
import pathlib
import sys


def main():
    program = pathlib.Path(__file__).resolve().parent / "bin" / "mintor"
    os.environ.setdefault("MINTOR_PYTHON", sys.executable)
    os.execv(program, [str(program), *sys.argv[1:]])
