# SPDX-License-Identifier: Apache-2.0
"""weight_norm and spectral_norm, in both forms, and parametrizations, beside PyTorch's.

Takes layers; fails where a name of a state, a value or a gradient differs.
"""
import copy

import numpy as np
import pytest
import torch
from torch_pairs import Pairs, copy_weights, inputs_of

import mintor as mt
from mintor import nn, optim
from mintor.nn.utils import parametrize

LAYERS = [("Linear", (4, 3), (2, 4)), ("Conv2d", (2, 3, 3), (1, 2, 5, 5)),
          ("ConvTranspose1d", (2, 3, 3), (1, 2, 5))]
FORMS = [("weight_norm", {}), ("weight_norm", {"dim": None}), ("weight_norm", {"dim": 1}),
         ("spectral_norm", {}), ("spectral_norm", {"n_power_iterations": 3, "dim": 1})]


@pytest.mark.parametrize("place", ["", "parametrizations."])
@pytest.mark.parametrize("name, options", FORMS)
def test_beside_pytorch(name, options, place):
    pairs = Pairs()
    for layer, given, shape in LAYERS:
        torch.manual_seed(0)
        form = [getattr(where.parametrizations if place else where, name)
                for where in (nn.utils, torch.nn.utils)]
        ours = form[0](getattr(nn, layer)(*given), **options)
        theirs = form[1](getattr(torch.nn, layer)(*given), **options)
        copy_weights(ours, theirs)
        for training in (True, True, False):
            ours.train(training)
            theirs.train(training)
            pairs.run(f"{layer} {training}", ours, theirs, inputs_of([shape]),
                      (ours.parameters(), list(theirs.parameters())))
            pairs.expect(f"{layer} buffers", [mt.array(one) for one in ours.buffers()],
                         [one.clone() for one in theirs.buffers()])
    pairs.check()


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_what_is_there_at_first(name):
    layer = nn.Linear(4, 3)
    before = layer.weight.numpy()
    layer.eval()
    made = getattr(nn.utils.parametrizations, name)(layer)
    assert made is layer and isinstance(layer, nn.Linear)
    if name == "weight_norm":
        np.testing.assert_allclose(layer.weight.numpy(), before, 1e-6)
    else:
        largest = np.linalg.svd(before)[1][0]
        np.testing.assert_allclose(layer.weight.numpy(), before / largest, 1e-3)
    assert "Parametrized" in repr(layer)
    optimizer = optim.SGD(layer.parameters(), 0.1)
    optimizer.step((layer(mt.ones(2, 4)) ** 2).sum())
    after = layer.weight.numpy()
    assert not np.allclose(after, before)
    other = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and list(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_array_equal(layer.weight.numpy(), after)
    assert parametrize.is_parametrized(other, "weight")


def test_old_form_removed():
    for add, remove in ((nn.utils.weight_norm, nn.utils.remove_weight_norm),
                        (nn.utils.spectral_norm, nn.utils.remove_spectral_norm)):
        layer = add(nn.Linear(4, 3))
        layer.eval()
        x = mt.ones(1, 4)
        before = layer(x).tolist()
        remove(layer)
        assert sorted(layer.state_dict()) == ["bias", "weight"] and layer(x).tolist() == before
        with pytest.raises(ValueError, match="Linear has no 'weight' that is normalised"):
            remove(layer)


def test_parametrizations_of_ones_own():
    class Symmetric(nn.Module):
        def forward(self, x):
            return mt.triu(x) + mt.triu(x, 1).T

    class Doubled(nn.Module):
        def forward(self, x):
            return 2 * x

        def right_inverse(self, x):
            return x / 2

    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    weight = layer.weight.numpy()
    assert (weight == weight.T).all()
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert (layer.weight.numpy() == 2 * weight).all()
    layer.weight = mt.eye(3) * 6
    assert layer.weight.tolist() == (np.eye(3) * 6).tolist()
    assert layer.parametrizations.weight.original.tolist() == (np.eye(3) * 3).tolist()
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tolist() == (np.eye(3) * 3).tolist()


def test_errors():
    new = nn.utils.parametrizations
    for call in (nn.utils.weight_norm, nn.utils.spectral_norm, new.weight_norm, new.spectral_norm):
        with pytest.raises(ValueError, match="ReLU has no parameter 'weight'"):
            call(nn.ReLU())
    with pytest.raises(ValueError, match="no 'weight' that is computed"):
        parametrize.remove_parametrizations(nn.Linear(1, 1), "weight")
    with pytest.raises(ValueError, match="is computed from 2 parameters"):
        parametrize.remove_parametrizations(nn.utils.parametrizations.weight_norm(nn.Linear(1, 1)),
                                            "weight", leave_parametrized=False)
