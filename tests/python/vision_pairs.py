# SPDX-License-Identifier: Apache-2.0
"""The networks of models/vision in both libraries.

Takes nothing; gives `OURS`, the folder as a module, and `THEIRS`, the same text with PyTorch where
it imports mintor: a definition says the same in both. Keeps true: sys.modules has ours.
"""
import importlib
import pathlib
import sys
from unittest import mock

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
OURS = importlib.import_module("vision")


def _with_torch():
    replaced = {"mintor": torch, "mintor.nn": torch.nn,
                "mintor.nn.functional": torch.nn.functional}
    with mock.patch.dict(sys.modules, replaced):
        for name in [one for one in sys.modules if one.split(".")[0] == "vision"]:
            del sys.modules[name]
        return importlib.import_module("vision")


THEIRS = _with_torch()
