# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/arrays.md and of the docstrings are run.

Takes the files; fails where what is printed differs.
"""
import doctest
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULES = ["amp", "arrays", "autograd", "checkpoints", "control_flow", "debugging", "gradients",
           "jit", "nn.layers.recurrent", "profiling", "running"]


def test_the_tutorial():
    failed, tried = doctest.testfile(str(ROOT / "docs" / "arrays.md"), module_relative=False)
    assert tried > 20 and failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    failed, tried = doctest.testmod(importlib.import_module(f"mintor.{name}"))
    assert tried > 0 and failed == 0
