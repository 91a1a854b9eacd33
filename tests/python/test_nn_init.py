# SPDX-License-Identifier: Apache-2.0
"""Initial values: distributions of nn.init and of layers against PyTorch's, and exact ones.

Takes fixed seeds. Keeps true: a bound is far outside of what chance does to this many numbers.
"""
import math

import numpy
import pytest
import torch

import mintor as mt
from mintor import nn

SHAPE = (60, 50, 3)


@pytest.mark.parametrize("name, options", [
    ("uniform_", {"a": -1.0, "b": 3.0}), ("normal_", {"mean": 1.0, "std": 0.2}),
    ("xavier_uniform_", {"gain": 2.0}), ("xavier_normal_", {}), ("kaiming_uniform_", {}),
    ("kaiming_uniform_", {"a": math.sqrt(5)}),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("trunc_normal_", {"std": 1.0, "a": -0.5, "b": 2.0}), ("trunc_normal_", {"std": 0.02}),
    ("trunc_normal_", {"a": 3.0, "b": 5.0}), ("orthogonal_", {"gain": 2.0})],
    ids=str)
def test_distributions_are_those_of_torch(name, options):
    mt.manual_seed(1)
    torch.manual_seed(1)
    array = nn.Parameter(numpy.zeros(SHAPE, "float32"))
    assert getattr(nn.init, name)(array, **options) is array
    ours, theirs = array.numpy().ravel(), \
        getattr(torch.nn.init, name)(torch.zeros(SHAPE), **options).numpy().ravel()
    # The largest distance of the distribution functions (Kolmogorov, Smirnov).
    places = numpy.sort(numpy.concatenate([ours, theirs]))
    apart = numpy.abs(numpy.searchsorted(numpy.sort(ours), places, "right") -
                      numpy.searchsorted(numpy.sort(theirs), places, "right")).max() / ours.size
    assert apart < 2.2 * math.sqrt(2 / ours.size), apart


@pytest.mark.parametrize("name, given, shape", [
    ("ones_", (), (2, 3)), ("zeros_", (), (2, 3)), ("constant_", (1.5,), (2, 3)),
    ("eye_", (), (3, 2)), ("dirac_", (), (4, 2, 3, 3)), ("dirac_", (2,), (4, 2, 5))])
def test_exact_values(name, given, shape):
    array = nn.Parameter(numpy.full(shape, 7.0, "float32"))
    getattr(nn.init, name)(array, *given)
    assert array.tolist() == getattr(torch.nn.init, name)(torch.zeros(shape), *given).tolist()


def test_orthogonal_and_sparse():
    for shape in ((6, 4), (4, 6), (4, 3, 2)):
        rows = nn.init.orthogonal_(nn.Parameter(numpy.zeros(shape, "float32"))).numpy()
        rows = rows.reshape(shape[0], -1)
        product = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
        numpy.testing.assert_allclose(product, numpy.eye(len(product)), atol=1e-5)
    values = nn.init.sparse_(nn.Parameter(numpy.zeros((10, 7), "float32")), 0.25).numpy()
    assert ((values == 0).sum(0) == 3).all()


@pytest.mark.parametrize("name, given", [
    ("Linear", (30, 40)), ("Bilinear", (10, 12, 20)), ("Conv2d", (12, 16, 3)),
    ("Conv1d", (12, 16, 5, 1, 0, 1, 4)), ("ConvTranspose2d", (12, 16, 3)), ("Embedding", (50, 30)),
    ("MultiheadAttention", (48, 4)), ("LSTM", (16, 24)), ("BatchNorm2d", (8,)),
    ("Transformer", (16, 2, 1, 1, 32))])
def test_layers_start_as_torchs(name, given):
    mt.manual_seed(3)
    torch.manual_seed(3)
    ours, theirs = getattr(nn, name)(*given), getattr(torch.nn, name)(*given)
    for key, wanted in theirs.state_dict().items():
        got, wanted = ours.state_dict()[key].numpy(), wanted.numpy()
        assert got.shape == wanted.shape
        if wanted.size < 200:       # too few to compare but by their bound
            assert abs(got).max() <= abs(wanted).max() * 1.6 + 1e-12, key
            continue
        scale = 5 / math.sqrt(wanted.size)
        assert abs(got.std() / wanted.std() - 1) < scale, key
        assert abs(got.mean() - wanted.mean()) < 2 * scale * wanted.std(), key
        assert 0.8 < abs(got).max() / abs(wanted).max() < 1.25, key


def test_seeds_decide_and_nothing_is_compiled():
    before = mt.compile_stats()["compiled"]
    made = []
    for _ in range(2):
        mt.manual_seed(5)
        made.append([one.tolist() for one in nn.TransformerEncoderLayer(8, 2, 16).parameters()])
    assert made[0] == made[1] and mt.compile_stats()["compiled"] == before
    generator = mt.random.Generator(7)
    one = nn.init.normal_(nn.Parameter(numpy.zeros(4, "float32")), generator=generator).tolist()
    assert one == nn.init.normal_(nn.Parameter(numpy.zeros(4, "float32")),
                                  generator=generator.manual_seed(7)).tolist()


def test_gains():
    for name, given in (("relu", ()), ("leaky_relu", (0.3,)), ("leaky_relu", ()), ("tanh", ()),
                        ("selu", ()), ("linear", ()), ("conv2d", ()), ("sigmoid", ())):
        assert nn.init.calculate_gain(name, *given) == torch.nn.init.calculate_gain(name, *given)


@pytest.mark.parametrize("make, text", [
    (lambda: nn.init.xavier_uniform_(nn.Parameter([1.0])), r"shape \(1,\) has no fan in"),
    (lambda: nn.init.kaiming_normal_(nn.Parameter([[1.0]]), mode="fan"), "not 'fan'"),
    (lambda: nn.init.calculate_gain("gelu"), "no nonlinearity 'gelu'; leaky_relu, linear"),
    (lambda: nn.init.eye_(nn.Parameter([1.0])), "takes a matrix"),
    (lambda: nn.init.trunc_normal_(nn.Parameter([1.0]), a=2.0, b=1.0), "is empty"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_gradients_are_clipped_and_parameters_are_vectors():
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    ours.load_state_dict({key: one.numpy() for key, one in theirs.state_dict().items()})
    for norm in (1.0, 2.0, math.inf):
        x = numpy.random.default_rng(0).standard_normal((4, 3)).astype("float32")
        ours.zero_grad()
        theirs.zero_grad()
        (ours(x) ** 2).sum().backward()
        (theirs(torch.tensor(x)) ** 2).sum().backward()
        got = nn.utils.clip_grad_norm_(ours.parameters(), 0.5, norm)
        wanted = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5, norm)
        assert got.item() == pytest.approx(wanted.item(), rel=1e-4)
        before = ours.weight.grad.tolist()
        nn.utils.clip_grad_norm_(ours.parameters(), 1e6, norm)      # nothing to be done
        assert ours.weight.grad.tolist() == before
        nn.utils.clip_grad_value_(ours.parameters(), 0.1)
        torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.1)
        for one, two in zip(ours.parameters(), theirs.parameters()):
            numpy.testing.assert_allclose(one.grad.numpy(), two.grad.numpy(), rtol=1e-4, atol=1e-6)
    vector = nn.utils.parameters_to_vector(ours.parameters())
    assert vector.tolist() == torch.nn.utils.parameters_to_vector(theirs.parameters()).tolist()
    nn.utils.vector_to_parameters(vector * 2, ours.parameters())
    assert ours.bias.tolist() == (2 * theirs.bias).tolist()
    with pytest.raises(ValueError, match=r"has the shape \(3,\), expected \(8,\)"):
        nn.utils.vector_to_parameters(mt.ones(3), ours.parameters())
    with pytest.raises(ValueError, match="the norm of the gradients is nan"):
        ours.bias.grad = mt.array([math.nan, 1.0])
        nn.utils.clip_grad_norm_(ours.parameters(), 1.0, error_if_nonfinite=True)
