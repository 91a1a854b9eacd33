# SPDX-License-Identifier: Apache-2.0
"""Modules and containers: names, state, tied weights, modes, text; layers' own rules and errors.

Takes small modules of both libraries.
"""
import collections
import copy
import pickle

import numpy
import pytest
import torch

import mintor as mt
from mintor import nn
from torch_pairs import copy_weights, inputs_of


class Tied(nn.Module):
    def __init__(self):
        self.embedding, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(self.embedding(x))


def test_tied_weights_stay_tied():
    model = Tied()
    assert list(model.state_dict()) == ["embedding.weight", "head.weight"]
    assert len(model.parameters()) == 1
    values = numpy.arange(15, dtype="float32").reshape(5, 3)
    for again in (model, copy.deepcopy(model)):
        again.load_state_dict({"embedding.weight": values, "head.weight": values})
        assert again.head.weight is again.embedding.weight
        mt.optim.SGD(again.parameters(), 0.1).step(again(mt.array([1, 2])).sum())
        assert again.head.weight.tolist() == again.embedding.weight.tolist() != values.tolist()


def test_sequential_and_lists():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    model = nn.Sequential(a, b, c)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert model[0] is a and model[-1] is c and len(model) == 3 and list(model) == [a, b, c]
    assert isinstance(model[:2], nn.Sequential) and list(model[1:]) == [b, c]
    assert list(model[1:].state_dict()) == ["2.weight", "2.bias"]      # names stay, as PyTorch's
    model.append(nn.Tanh()).insert(1, nn.Identity())
    assert [type(one).__name__ for one in model] == ["Linear", "Identity", "ReLU", "Linear", "Tanh"]
    assert list(model.state_dict())[-1] == "3.bias"
    del model[1]
    assert model.pop() is not c and list(model) == [a, b, c]
    model[1] = nn.Sigmoid()        # in its place
    assert isinstance(model[1], nn.Sigmoid) and list(model.state_dict())[-1] == "2.bias"
    named = nn.Sequential(collections.OrderedDict([("first", a), ("second", c)]))
    assert named.first is a and named["second"] is c and named[1] is c
    assert list(nn.Sequential([a, c])) == [a, c]        # Jittor's
    parts = nn.ModuleList([a]) + [b]
    parts += [c]
    parts.extend([nn.Tanh()])
    assert [name for name, _ in parts.named_children()] == ["0", "1", "2", "3"]
    assert list(parts[1:3]) == [b, c] and parts[-1] is parts[3]
    with pytest.raises(TypeError, match="ModuleList holds modules, got 3"):
        parts.append(3)
    with pytest.raises(IndexError, match="4 of 4"):
        parts[4]  # pylint: disable=pointless-statement


def test_dictionaries_and_parameters():
    modules = nn.ModuleDict({"left": nn.Linear(2, 2), "right": nn.ReLU()})
    modules["more"] = nn.Tanh()
    modules.update([("last", nn.Sigmoid())])
    assert list(modules) == ["left", "right", "more", "last"] and "left" in modules
    assert list(modules.state_dict()) == ["left.weight", "left.bias"] and len(modules) == 4
    assert modules.pop("right") and "right" not in modules and not hasattr(modules, "right")
    with pytest.raises(KeyError, match="'keys' cannot be a key"):
        modules["keys"] = nn.ReLU()
    numbers = nn.ParameterList([mt.ones(2), nn.Parameter([1.0])])
    numbers.append(mt.zeros(3))
    assert list(numbers.state_dict()) == ["0", "1", "2"] and len(numbers.parameters()) == 3
    assert isinstance(numbers[0], nn.Parameter)
    by_key = nn.ParameterDict({"a": mt.ones(2)})
    by_key["b"] = nn.Parameter([2.0])
    assert list(by_key.state_dict()) == ["a", "b"] and isinstance(by_key["a"], nn.Parameter)

    class Holder(nn.Module):
        def __init__(self):
            self.numbers, self.by_key = numbers, by_key
    assert list(Holder().state_dict()) == ["numbers.0", "numbers.1", "numbers.2", "by_key.a",
                                           "by_key.b"]


def test_loading_says_what_is_wrong_and_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = {name: one.numpy() + 1 for name, one in model.state_dict().items()}
    with pytest.raises(KeyError, match=r"of Sequential: missing \['0.bias'\], unexpected \['x'\]"):
        model.load_state_dict({**{name: one for name, one in state.items() if name != "0.bias"},
                               "x": state["0.bias"]})
    with pytest.raises(ValueError, match=r"'0.bias' has shape \(2,\), expected \(3,\)"):
        model.load_state_dict({**state, "0.bias": numpy.zeros(2)})
    assert model[1].weight.tolist() == [1, 1, 1]
    found = model.load_state_dict({"0.bias": state["0.bias"], "y": 1}, strict=False)
    assert found.missing_keys == [name for name in state if name != "0.bias"]
    assert found.unexpected_keys == ["y"]
    model.load_state_dict({name: torch.tensor(one) for name, one in state.items()})
    assert model[1].num_batches_tracked.item() == 1 and model[1].weight.tolist() == [2, 2, 2]


def test_modes_dtypes_and_what_is_found_by_name():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.Dropout()))
    assert next(model.parameters()) is model[0].weight and model.parameters()[1] is model[0].bias
    assert model.get_submodule("1.0") is model[1][0]
    assert model.get_parameter("1.0.bias") is model[1][0].bias
    with pytest.raises(AttributeError, match="no module '1.2'"):
        model.get_submodule("1.2")
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "1.0", "1.1"]
    assert [name for name, _ in model.named_parameters("net", recurse=True)][0] == "net.0.weight"
    assert [name for name, _ in model.named_buffers()] == [
        f"1.0.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")]
    model.eval()
    assert not any(module.training for module in model.modules())
    assert not model.train(False).training and model.train()[1][1].training
    model.requires_grad_(False)
    assert not any(one.requires_grad for one in model.parameters())
    model.double()
    assert model[0].weight.dtype == "float64" and model[1][0].running_var.dtype == "float64"
    assert model[1][0].num_batches_tracked.dtype == "int64"
    assert model.to("cpu").to(mt.float32)[0].bias.dtype == "float32"
    model.apply(lambda module: nn.init.ones_(module.weight) if isinstance(module, nn.Linear)
                else None)
    assert model[0].weight.tolist() == [[1, 1]] * 3
    with pytest.raises(TypeError, match="'weight' is a parameter"):
        model[0].weight = mt.ones(3, 2)
    with pytest.raises(ValueError, match="no device 'cuda'"):
        model.to("cuda")


def test_buffers_and_bare_arrays():
    class Model(nn.Module):
        def __init__(self):
            self.register_buffer("kept", mt.zeros(2))
            self.register_buffer("transient", mt.ones(2), persistent=False)
            self.bare = mt.ones(3)
    model = Model()
    assert list(model.state_dict()) == ["kept"] and len(model.buffers()) == 2
    model.kept = mt.ones(2)
    assert model.state_dict()["kept"].tolist() == [1, 1]


def test_state_that_is_kept_and_tables():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    kept = copy.deepcopy(model.state_dict())
    nn.init.zeros_(model[0].weight)
    assert model.state_dict()["0.weight"].tolist() == [[0, 0]] * 2 != kept["0.weight"].tolist()
    model.load_state_dict(kept)
    assert model[0].weight.tolist() == kept["0.weight"].tolist()
    assert list(model._modules) == ["0", "1"] and not model._parameters and not model[1]._modules


def test_copies_and_pickles_are_apart():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.GELU())
    x, = inputs_of([(2, 1, 6, 6)])
    before = model.eval()(x).numpy()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again(x).numpy().tobytes() == before.tobytes()
        nn.init.zeros_(again[0].weight)
        assert list(again.state_dict()) == list(model.state_dict())
    assert model(x).numpy().tobytes() == before.tobytes()


def test_text_of_modules():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2),
                          nn.ModuleList([nn.Dropout(0.1), nn.ReLU()]), nn.LeakyReLU(0.2),
                          nn.MaxPool2d(2, stride=1), nn.Embedding(4, 2, padding_idx=0),
                          nn.CrossEntropyLoss(label_smoothing=0.1))
    assert repr(model) == """Sequential(
  (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
  (1): BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (2): ModuleList(
    (0): Dropout(p=0.1)
    (1): ReLU()
  )
  (3): LeakyReLU(negative_slope=0.2)
  (4): MaxPool2d(2, stride=1)
  (5): Embedding(4, 2, padding_idx=0)
  (6): CrossEntropyLoss(label_smoothing=0.1)
)"""


def test_summary_computes_and_changes_nothing():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    model[0].requires_grad_(False)
    before = mt.compile_stats()["compiled"]
    text = nn.summary(model, (3, 4))
    assert mt.compile_stats()["compiled"] == before
    assert text.splitlines()[1].split() == ["0", "(Linear)", "[3,", "8]", "40"]
    assert text.endswith("total: 74 parameters, 34 trained")
    assert model[1].num_batches_tracked.item() == 0


def test_batch_norm_far_from_zero():
    x = numpy.random.default_rng(0).normal(1000, 0.01, (64, 3, 4, 4)).astype("float32")
    layer = nn.BatchNorm2d(3, eps=1e-12)
    y = layer(mt.array(x)).numpy().astype("float64")
    numpy.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-3)
    numpy.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=5e-3)     # 6e-5 is a unit of 1000
    theirs = torch.nn.BatchNorm2d(3, eps=1e-12)
    theirs(torch.tensor(x))
    numpy.testing.assert_allclose(layer.running_var.numpy(), theirs.running_var.numpy(), rtol=1e-4)
    layer.eval()
    assert layer.running_mean.numpy() == pytest.approx(100, rel=1e-3)


def test_statistics_move_in_a_replayed_step():
    ours, theirs = nn.Sequential(nn.Linear(3, 4, False), nn.BatchNorm1d(4)), \
        torch.nn.Sequential(torch.nn.Linear(3, 4, False), torch.nn.BatchNorm1d(4))
    copy_weights(ours, theirs)
    optimizers = mt.optim.Adam(ours.parameters()), torch.optim.Adam(theirs.parameters())
    for step in range(5):
        x, = inputs_of([(6, 3)], step)
        optimizers[0].step((ours(mt.array(x)) ** 3).mean())
        optimizers[1].zero_grad()
        (theirs(torch.tensor(x)) ** 3).mean().backward()
        optimizers[1].step()
        if step == 1:
            before = mt.compile_stats()["compiled"]
    assert mt.compile_stats()["compiled"] == before
    for name, one in theirs.state_dict().items():
        numpy.testing.assert_allclose(ours.state_dict()[name].numpy(), one.numpy(), rtol=1e-3,
                                      atol=1e-5)
    assert ours[1].num_batches_tracked.item() == 5


def test_layers_inside_of_jit():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(True), nn.Dropout(),
                          nn.Linear(8, 1))
    traced, optimizer = mt.jit(model), mt.optim.Adam(model.parameters())
    for step in range(4):
        x, = inputs_of([(5, 4)], step)
        optimizer.step((traced(x) ** 2).mean())
    assert traced.reasons == [] and model[1].num_batches_tracked.item() == 4
    model.eval()
    assert traced(x).tolist() == model(mt.array(x)).tolist()


def test_dropout():
    mt.manual_seed(0)
    x = mt.ones(100, 50)
    layer = nn.Dropout(0.25)
    y = layer(x).numpy()
    assert set(numpy.unique(y)) == {0.0, numpy.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03
    assert layer(x).tolist() != y.tolist()
    assert layer.eval()(x) is x
    channels = nn.Dropout2d(0.5)(mt.ones(20, 10, 3, 3)).numpy()
    assert set(channels.reshape(200, 9).sum(1)) == {0.0, 18.0}
    assert nn.Dropout(1.0)(x).numpy().sum() == 0 and nn.Dropout(0.0)(x).numpy().min() == 1
    drawn = mt.randn(400, 50)
    kept = nn.AlphaDropout(0.3)(drawn).numpy()
    assert abs(kept.mean()) < 0.05 and abs(kept.std() - 1) < 0.05
    slope = mt.grad(nn.functional.dropout(drawn, 0.5).sum(), drawn).numpy()
    assert set(numpy.unique(slope)) == {0.0, 2.0}
    before = mt.compile_stats()["compiled"]
    for p in (0.1, 0.2, 0.3):       # a number of the run
        layer.train().p = p
        assert abs((layer(x).numpy() == 0).mean() - p) < 0.04
    assert mt.compile_stats()["compiled"] <= before + 1
    with pytest.raises(ValueError, match="Dropout: p is 1.5"):
        nn.Dropout(1.5)


def test_results_in_place():
    x = mt.array([-1.0, 2.0])
    y = nn.ReLU(inplace=True)(x)
    assert y is x and x.tolist() == [0, 2]
    assert nn.functional.hardtanh(x, inplace=True).tolist() == [0, 1] == x.tolist()


def test_transposed_convolutions_of_a_size():
    ours, theirs = nn.ConvTranspose2d(2, 3, 3, 2), torch.nn.ConvTranspose2d(2, 3, 3, 2)
    copy_weights(ours, theirs)
    x, = inputs_of([(1, 2, 4, 4)])
    got, wanted = ours(x, (10, 9)), theirs(torch.tensor(x), output_size=(10, 9))
    numpy.testing.assert_allclose(got.numpy(), wanted.detach().numpy(), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"output_size \[11, 9\] is not between \[9, 9\]"):
        ours(x, (11, 9))


def test_jittors_spellings():
    model = nn.Sequential(nn.Conv(1, 4, 3, 1, 1), nn.BatchNorm(4), nn.Relu(),
                          nn.Pool(2, 2, op="maximum"), nn.Flatten(), nn.Linear(16, 3))
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    first = None
    for _ in range(5):
        x, = inputs_of([(2, 1, 4, 4)])
        loss = nn.cross_entropy_loss(model(mt.array(x)), mt.array([0, 2]))
        optimizer.step(loss)
        first = first or loss.item()
    assert loss.item() < first
    assert nn.relu(mt.array([-1.0])).item() == 0 and nn.softmax(mt.ones(1, 2), dim=1).tolist() == \
        [[0.5, 0.5]]
    assert nn.Pool(2, op="mean")(mt.ones(1, 1, 2, 2)).item() == 1


def test_functions_are_in_nn_too():
    for name in nn.functional.__all__:      # and no file of that name
        assert getattr(nn, name) is getattr(nn.functional, name) and callable(getattr(nn, name))
    assert nn.linear(mt.ones(1, 2), mt.ones(3, 2)).tolist() == [[2, 2, 2]]
    assert {"Linear", "Conv2d", "Dropout", "LSTM"} <= set(nn.layers.__all__)


@pytest.mark.parametrize("make, text", [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), "2 groups do not divide 3 input and 4 output"),
    (lambda: nn.Conv2d(4, 4, (3, 3, 3)), r"kernel_size is \(3, 3, 3\), expected 2 integers"),
    (lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), "no padding_mode 'mirror'; zeros"),
    (lambda: nn.Conv2d(1, 1, 3)(mt.ones(2, 3)), r"conv2d: x has the shape \(2, 3\), expected 4"),
    (lambda: nn.ConvTranspose2d(1, 1, 3, output_padding=1)(mt.ones(1, 1, 2, 2)),
     r"output_padding \[1, 1\] has to be smaller than stride \[1, 1\]"),
    (lambda: nn.MaxPool2d(2, padding=2)(mt.ones(1, 1, 4, 4)), "more than half of the kernel"),
    (lambda: nn.BatchNorm2d(3)(mt.ones(2, 3)), r"BatchNorm2d: x has the shape \(2, 3\)"),
    (lambda: nn.BatchNorm1d(3)(mt.ones(2, 4)), "expected 3 channels"),
    (lambda: nn.BatchNorm1d(3)(mt.ones(1, 3)), "has one value a channel"),
    (lambda: nn.LayerNorm((2, 3))(mt.ones(3, 2)), r"does not end with \(2, 3\)"),
    (lambda: nn.GroupNorm(3, 4), "3 groups do not divide 4 channels"),
    (lambda: nn.Embedding(3, 2, padding_idx=3), "padding_idx 3 of 3 rows"),
    (lambda: nn.Embedding(3, 2)(mt.array([3])), "index 3 is out of range"),
    (lambda: nn.ReflectionPad1d(3)(mt.ones(1, 1, 3)), "reflect takes at most 2 of dimension 2"),
    (lambda: nn.ZeroPad2d((1, 2, 3)), r"padding is \(1, 2, 3\), expected 4 integers"),
    (lambda: nn.Upsample(scale_factor=2, mode="bilinear")(mt.ones(1, 1, 3)), "mode 'bilinear'"),
    (lambda: nn.Upsample()(mt.ones(1, 1, 3)), "either size or scale_factor"),
    (lambda: nn.PixelShuffle(2)(mt.ones(1, 3, 2, 2)), "3 channels are no multiple of 4"),
    (lambda: nn.MaxPool2d(), "MaxPool2d: missing a required argument: 'kernel_size'"),
    (lambda: nn.GELU("exact")(mt.ones(1)), "not 'exact'"),
    (lambda: nn.GLU()(mt.ones(3)), "cannot be halved"),
    (lambda: nn.ModuleList()(mt.ones(1)), "a ModuleList cannot be called"),
])
def test_errors(make, text):
    with pytest.raises((ValueError, TypeError, IndexError, NotImplementedError), match=text):
        make()


def test_the_first_step_after_loading_is_a_step_like_others():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.1), nn.Linear(4, 1))
    mt.sync()       # what other tests left
    model.load_state_dict({name: one.numpy() for name, one in model.state_dict().items()})
    optimizer, counts = mt.optim.Adam(model.parameters()), []
    for step in range(3):
        before = mt.compile_stats()["compiled"]
        x, = inputs_of([(6, 3)], step)
        optimizer.step((model(mt.array(x)) ** 2).mean())
        mt.sync()
        counts.append(mt.compile_stats()["compiled"] - before)
    assert counts == [1, 0, 0]
