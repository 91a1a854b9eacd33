# SPDX-License-Identifier: Apache-2.0
"""The examples of the pages for Python and of the docstrings are run.

Takes the files; fails where what is printed differs.
"""
import doctest
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULES = ["amp", "arrays", "autograd", "checkpoints", "control_flow", "data.loader", "debugging",
           "files", "gradients", "jit", "nn.layers.recurrent", "nn.summary", "profiling", "running"]


@pytest.mark.parametrize("name, least", [("arrays", 20), ("layers", 20),
                                         ("coming_from_pytorch", 10), ("coming_from_jittor", 8),
                                         ("packages_from_python", 15),
                                         ("weights_and_data", 25)])
def test_pages(name, least):
    failed, tried = doctest.testfile(str(ROOT / "docs" / f"{name}.md"), module_relative=False)
    assert tried >= least and failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    failed, tried = doctest.testmod(importlib.import_module(f"mintor.{name}"))
    assert tried > 0 and failed == 0
