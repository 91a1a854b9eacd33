# SPDX-License-Identifier: Apache-2.0
"""nn.RNN, LSTM, GRU: PyTorch's values, gradients, names and training.

Takes layers of both libraries with the same weights; compares what they give.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn

CONFIGURATIONS = [  # layers, bias, batch first, bidirectional, first states, batch
    (1, True, False, False, False, 2),
    (2, True, True, True, True, 2),
    (1, False, True, False, True, 3),
    (2, True, False, True, True, None),
]


def pair(name, *sizes, **options):
    """The same layer in both libraries."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*sizes, **options)
    ours = getattr(nn, name)(*sizes, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({key: one.detach().numpy() for key, one in theirs.state_dict().items()})
    return ours, theirs


def listed(output, last):
    return [output, *(last if isinstance(last, tuple) else [last])]


def states_of(name, layers, directions, batch):
    shape = (layers * directions, 5) if batch is None else (layers * directions, batch, 5)
    made = tuple(torch.randn(shape, requires_grad=True) for _ in range(2 if name == "LSTM" else 1))
    return made if name == "LSTM" else made[0]


@pytest.mark.parametrize("name, options", [("RNN", {}), ("RNN", {"nonlinearity": "relu"}),
                                           ("LSTM", {}), ("GRU", {})])
@pytest.mark.parametrize("layers, bias, batch_first, bidirectional, given, batch", CONFIGURATIONS)
def test_values_and_gradients_are_those_of_torch(name, options, layers, bias, batch_first,
                                                 bidirectional, given, batch):
    ours, theirs = pair(name, 3, 5, layers, bias=bias, batch_first=batch_first,
                        bidirectional=bidirectional, **options)
    shape = (7, 3) if batch is None else (batch, 7, 3) if batch_first else (7, batch, 3)
    x = torch.randn(shape, requires_grad=True)
    first = states_of(name, layers, 1 + bidirectional, batch) if given else None
    states = [] if first is None else list(first) if name == "LSTM" else [first]
    inside = [mt.array(one) for one in (x, *states)]
    hx = None if first is None else tuple(inside[1:]) if name == "LSTM" else inside[1]
    got, expected = listed(*ours(inside[0], hx)), listed(*theirs(x, first))
    assert [one.shape for one in got] == [tuple(one.shape) for one in expected]
    for one, other in zip(got, expected):
        numpy.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-5, atol=1e-5)
    loss = lambda results: sum((one ** 2 * (i + 1)).sum() for i, one in enumerate(results))
    gradients = mt.grad(loss(got), [*inside, *ours.parameters()])
    wanted = torch.autograd.grad(loss(expected), [x, *states, *theirs.parameters()])
    for one, other in zip(gradients, wanted, strict=True):
        numpy.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-5)


def test_second_gradients():
    ours, theirs = pair("LSTM", 3, 5)
    x = torch.randn(4, 2, 3, requires_grad=True)
    inside = mt.array(x)
    slope = mt.grad((ours(inside)[0] ** 2).sum(), inside, create_graph=True)
    wanted, = torch.autograd.grad((theirs(x)[0] ** 2).sum(), x, create_graph=True)
    again = mt.grad((slope ** 2).sum(), ours.parameters())
    expected = torch.autograd.grad((wanted ** 2).sum(), theirs.parameters())
    for one, other in zip(again, expected, strict=True):
        numpy.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_training_follows_torch_and_compiles_once(name):
    ours, theirs = pair(name, 3, 8, 2, batch_first=True)
    optimizers = nn.SGD(ours.parameters(), 0.1), torch.optim.SGD(theirs.parameters(), 0.1)
    losses = []
    for step in range(6):
        x = numpy.random.default_rng(step).standard_normal((4, 6, 3)).astype("float32")
        wanted = numpy.cumsum(x, 1).mean(2, keepdims=True)
        loss = ((ours(x)[0] - wanted) ** 2).mean()
        optimizers[0].step(loss)
        other = ((theirs(torch.tensor(x))[0] - torch.tensor(wanted)) ** 2).mean()
        optimizers[1].zero_grad()
        other.backward()
        optimizers[1].step()
        losses.append((loss.item(), other.item()))
        if step == 1:     # the first took the weights, too
            before = mt.compile_stats()["compiled"]
    assert mt.compile_stats()["compiled"] == before
    numpy.testing.assert_allclose(*zip(*losses), rtol=1e-4)
    for one, other in zip(ours.parameters(), theirs.parameters()):
        numpy.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_lengths_and_batches_in_general():
    ours, theirs = pair("GRU", 3, 5)
    for steps, batch in ((4, 2), (6, 3), (9, 7), (30, 4)):
        x = torch.randn(steps, batch, 3)
        before = mt.compile_stats()["compiled"]
        numpy.testing.assert_allclose(ours(mt.array(x))[0].numpy(), theirs(x)[0].detach().numpy(),
                                      rtol=1e-5, atol=1e-5)
    assert mt.compile_stats()["compiled"] == before


def test_dropout_is_between_layers():
    layer = nn.LSTM(3, 40, 2, dropout=0.5)
    x = mt.array(numpy.ones((2, 1, 3), "float32"))
    assert layer(x)[0].tolist() != layer(x)[0].tolist()
    assert layer(x)[1][0][0].tolist() == layer(x)[1][0][0].tolist()     # of the first layer
    layer.eval()
    assert layer(x)[0].tolist() == layer(x)[0].tolist()
    everything = nn.RNN(3, 4, 2, dropout=1.0)
    zeros = nn.RNN(3, 4, 2)
    zeros.load_state_dict(everything.state_dict())
    zeros.weight_ih_l1.assign(mt.zeros(4, 4))
    numpy.testing.assert_allclose(everything(x)[0].numpy(), zeros(x)[0].numpy(), atol=1e-6)


def test_a_layer_inside_of_a_scan():
    layer = nn.GRU(3, 3)
    x = mt.array(numpy.random.default_rng(0).standard_normal((2, 4, 1, 3)).astype("float32"))
    got, _ = mt.scan(lambda h, part: (layer(part, h)[1], None), mt.zeros((1, 1, 3)), x)
    numpy.testing.assert_allclose(got.numpy(), layer(x.reshape(8, 1, 3))[1].numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_sequences_of_several_lengths(name):
    ours, theirs = pair(name, 3, 5, 2, bidirectional=True, batch_first=True)
    counts = []
    for lengths in ([2, 6, 4], [6, 1, 3], [3, 6, 6]):
        x = torch.randn(3, 7, 3, requires_grad=True)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, True, False)
        wanted, last = theirs(packed)
        wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(wanted, True, -1.0, 8)
        inside = mt.array(x)
        before = mt.compile_stats()["compiled"]
        own = nn.utils.rnn.pack_padded_sequence(inside, lengths, True, enforce_sorted=False)
        made, own_last = ours(own)
        got, known = nn.utils.rnn.pad_packed_sequence(made, True, -1.0, 8)
        assert known.tolist() == lengths
        for one, two in zip([got, *listed(None, own_last)[1:]], [wanted, *listed(None, last)[1:]],
                            strict=True):
            numpy.testing.assert_allclose(one.numpy(), two.detach().numpy(), rtol=1e-5, atol=1e-5)
        slope = mt.grad((got ** 2).sum(), inside)
        expected, = torch.autograd.grad((wanted ** 2).sum(), x)
        numpy.testing.assert_allclose(slope.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)
        counts.append(mt.compile_stats()["compiled"] - before)
    assert counts[2] == 0
    parts = [mt.ones(2, 3), mt.ones(4, 3)]
    assert nn.utils.rnn.pad_sequence(parts, True, -1.0).numpy()[0, 2:].tolist() == [[-1] * 3] * 2
    assert nn.utils.rnn.pack_sequence(parts[::-1]).lengths.tolist() == [4, 2]
    with pytest.raises(ValueError, match=r"lengths \[2, 4\] do not fall"):
        nn.utils.rnn.pack_sequence(parts)
    with pytest.raises(ValueError, match=r"lengths \[9, 1\] for 2 sequences of at most 4 steps"):
        nn.utils.rnn.pack_padded_sequence(mt.ones(4, 2, 3), [9, 1])


@pytest.mark.parametrize("name, options", [
    ("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu", "bias": False}), ("LSTMCell", {}),
    ("GRUCell", {}), ("GRUCell", {"bias": False})], ids=str)
def test_cells(name, options):
    ours, theirs = pair(name, 3, 5, **options)
    count = 2 if name == "LSTMCell" else 1
    for batch in ((4,), ()):
        x = torch.randn(*batch, 3, requires_grad=True)
        states = [torch.randn(*batch, 5, requires_grad=True) for _ in range(count)]
        inside = [mt.array(one) for one in (x, *states)]
        got, wanted = ours(inside[0]), theirs(x)
        again = ours(inside[0], tuple(inside[1:]) if count == 2 else inside[1])
        other = theirs(x, tuple(states) if count == 2 else states[0])
        got, wanted = (list(one) if count == 2 else [one] for one in (got, wanted))
        got += list(again) if count == 2 else [again]
        wanted += list(other) if count == 2 else [other]
        for one, two in zip(got, wanted, strict=True):
            numpy.testing.assert_allclose(one.numpy(), two.detach().numpy(), rtol=1e-5, atol=1e-6)
        slopes = mt.grad(sum((one ** 2).sum() for one in got), [*inside, *ours.parameters()])
        expected = torch.autograd.grad(sum((one ** 2).sum() for one in wanted),
                                       [x, *states, *theirs.parameters()])
        for one, two in zip(slopes, expected, strict=True):
            numpy.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-4, atol=1e-5)


def test_initial_weights_and_text():
    layer = nn.LSTM(3, 16, 2, bidirectional=True, dtype="float64")
    assert max(abs(one).max().item() for one in layer.parameters()) <= 0.25
    assert layer.weight_ih_l1_reverse.shape == (64, 32) and layer.bias_hh_l0.dtype == "float64"
    assert repr(layer) == "LSTM(3, 16, num_layers=2, bidirectional=True)"


@pytest.mark.parametrize("make, text", [
    (lambda: nn.LSTM(3, 5)(mt.zeros((7, 2, 4))), r"LSTM: x has the shape \(7, 2, 4\), expected "
     r"\[time, batch, 3\] or \[time, 3\]"),
    (lambda: nn.LSTM(3, 5)(mt.zeros((7, 2, 3)), mt.zeros((1, 2, 5))),
     "takes 2 first states, got 1"),
    (lambda: nn.GRU(3, 5)(mt.zeros((7, 2, 3)), mt.zeros((1, 3, 5))), r"first state has the shape "
     r"\(1, 3, 5\), expected \(1, 2, 5\)"),
    (lambda: nn.LSTMCell(3, 5)(mt.zeros((2, 3)), (mt.zeros((2, 5)), mt.zeros((2, 4)))),
     r"takes 2 states of shape \(2, 5\), got \[\(2, 5\), \(2, 4\)\]"),
    (lambda: nn.GRUCell(3, 5)(mt.zeros((2, 4))), r"expected \[batch, 3\] or \[3\]"),
    (lambda: nn.RNN(3, 5, nonlinearity="sin"), "no nonlinearity 'sin'; tanh or relu"),
    (lambda: nn.GRU(3, 0), "hidden_size 0 and num_layers 1"),
    (lambda: nn.GRU(3, 5, 2, dropout=1.5), "dropout 1.5 is no probability"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()
