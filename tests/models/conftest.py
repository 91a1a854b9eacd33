# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the model tests: exported models, once a session.

Gives: `exported(name, dynamic=..., keep_batch_norm=...)` -> path of the .onnx file, with its case
files beside it. Keeps true: only models small enough for every level are exported here; the larger
ones go through the commands bits.py, accuracy.py, package_checks.py and times.py.
"""

import pathlib

import pytest
import tools


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    _, export = tools.zoo()

    def get(name, **options):
        path = folder / f"{export.variant(name, **options)}.onnx"
        if not path.exists():
            export.export(name, str(folder), **options)
        return pathlib.Path(path)

    return get
