# SPDX-License-Identifier: Apache-2.0
"""The models of unlisted_models.py, and what unlisted.py exports of them.

Takes the smallest models and an export that is made up; no engine is needed. Keeps true: weights
and inputs are the same on every call; a model that lies there with its case is not exported again,
one whose export was cut short is.
"""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import unlisted  # noqa: E402

torch = pytest.importorskip("torch")
import unlisted_models  # noqa: E402


def test_weights_and_inputs_are_the_same_on_every_call():
    (one, (x,)), (other, (again,)) = (unlisted_models.make("decoder_108") for _ in range(2))
    assert torch.equal(x, again)
    state = other.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in one.state_dict().items())
    assert not one.training
    with torch.no_grad():
        y = one(x)
    assert y.shape == (1, 3, 76, 108)
    assert torch.isfinite(y).all() and y.std() > 0.01


def test_twelve_models():
    assert len(unlisted_models.MODELS) == 12


def test_what_lies_there_is_not_exported_again(tmp_path, monkeypatch):
    made = []

    def export(name, folder):
        made.append(name)
        (folder / f"{name}.npz").touch()
        return {"gflop": 1.0, "params": 2}
    monkeypatch.setattr(unlisted, "export", export)
    unlisted.export_missing(["a", "b"], tmp_path)
    unlisted.export_missing(["a", "b"], tmp_path)
    assert made == ["a", "b"]
    (tmp_path / "b.npz").unlink()
    unlisted.export_missing(["a", "b", "c"], tmp_path)
    assert made == ["a", "b", "b", "c"]
    assert set(json.loads((tmp_path / "zoo.json").read_text(encoding="utf-8"))) == {"a", "b", "c"}
