# SPDX-License-Identifier: Apache-2.0
"""Attention and transformers against PyTorch's: masks, layouts, weights, gradients, training.

Takes small models of both libraries with the same weights.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn
from torch_pairs import Pairs, copy_weights, inputs_of, layer_pair

Q, K = (2, 5, 8), (2, 6, 8)
LATER = numpy.triu(numpy.ones((5, 6), bool), 2)
PADDED = numpy.array([[False] * 6, [False] * 4 + [True] * 2])
ADDED = numpy.random.default_rng(2).standard_normal((5, 6)).astype("float32")

# (options, options of the call, shapes)
ATTENTIONS = [
    ({"batch_first": True}, {}, [Q, K, K]),
    ({}, {}, [(5, 2, 8), (6, 2, 8), (6, 2, 8)]),
    ({}, {"need_weights": False}, [(5, 8), (6, 8), (6, 8)]),
    ({"batch_first": True, "bias": False}, {"average_attn_weights": False, "attn_mask": LATER},
     [Q, K, K]),
    ({"batch_first": True}, {"key_padding_mask": PADDED, "attn_mask": LATER}, [Q, K, K]),
    ({"batch_first": True}, {"key_padding_mask": PADDED}, [Q, K, K]),
    ({"batch_first": True}, {"attn_mask": ADDED}, [Q, K, K]),
    ({"batch_first": True}, {"attn_mask": numpy.stack([ADDED] * 4)}, [Q, K, K]),
    ({"batch_first": True, "kdim": 3, "vdim": 4}, {}, [Q, (2, 6, 3), (2, 6, 4)]),
    ({"batch_first": True, "add_bias_kv": True, "add_zero_attn": True},
     {"key_padding_mask": PADDED, "attn_mask": ADDED}, [Q, K, K]),
]


def each(options):
    return ({name: mt.array(one) if isinstance(one, numpy.ndarray) else one
             for name, one in options.items()},
            {name: torch.tensor(one) if isinstance(one, numpy.ndarray) else one
             for name, one in options.items()})


@pytest.mark.filterwarnings("ignore:.*mismatched key_padding_mask")
def test_attention_of_several_heads():
    pairs = Pairs()
    for options, call, shapes in ATTENTIONS:
        ours, theirs = layer_pair("MultiheadAttention", 8, 2, **options)
        own, other = each(call)
        pairs.run(f"{options}{call}", lambda *x: ours(*x, **own), lambda *x: theirs(*x, **other),
                  inputs_of(shapes), (ours.parameters(), list(theirs.parameters())))
    ours, theirs = layer_pair("MultiheadAttention", 8, 4, batch_first=True)
    pairs.run("of itself", lambda x: ours(x, x, x), lambda x: theirs(x, x, x), inputs_of([Q]),
              (ours.parameters(), list(theirs.parameters())))
    pairs.check()


def test_scaled_dot_product_attention():
    pairs, function = Pairs(), "scaled_dot_product_attention"
    keep = ~LATER
    for options, shapes in [
            ({}, [(2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)]),
            ({"is_causal": True}, [(2, 5, 4), (2, 6, 4), (2, 6, 4)]),
            ({"attn_mask": keep, "scale": 0.3}, [(2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 4)]),
            ({"attn_mask": ADDED}, [(5, 4), (6, 4), (6, 4)]),
            ({"enable_gqa": True}, [(2, 4, 5, 4), (2, 2, 6, 4), (2, 2, 6, 4)])]:
        own, other = each(options)
        pairs.run(str(options), lambda *x: getattr(nn.functional, function)(*x, **own),
                  lambda *x: getattr(torch.nn.functional, function)(*x, **other),
                  inputs_of(shapes))
    pairs.check()


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"},
                                     {"bias": False, "batch_first": True}], ids=str)
def test_layers_of_transformers(options):
    pairs, options = Pairs(), {"dim_feedforward": 12, "dropout": 0.0, **options}
    ours, theirs = layer_pair("TransformerEncoderLayer", 8, 2, **options)
    pairs.run("encoder", ours, theirs, inputs_of([(5, 2, 8)]),
              (ours.parameters(), list(theirs.parameters())))
    ours, theirs = layer_pair("TransformerDecoderLayer", 8, 2, **options)
    memory = (2, 6, 8) if options.get("batch_first") else (6, 2, 8)
    target = (2, 5, 8) if options.get("batch_first") else (5, 2, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    pairs.run("decoder", lambda x, y: ours(x, y, tgt_mask=mask),
              lambda x, y: theirs(x, y, tgt_mask=torch.tensor(mask.numpy())),
              inputs_of([target, memory]), (ours.parameters(), list(theirs.parameters())))
    pairs.check()


def test_whole_transformers_train_as_torchs():
    options = {"d_model": 8, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 1,
               "dim_feedforward": 16, "dropout": 0.0, "batch_first": True}
    ours, theirs = layer_pair("Transformer", **options)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert mask.tolist() == torch.nn.Transformer.generate_square_subsequent_mask(4).tolist()
    optimizers = mt.optim.AdamW(ours.parameters(), 1e-2, eps=1e-4), \
        torch.optim.AdamW(theirs.parameters(), 1e-2, eps=1e-4)
    before = None
    for step in range(5):
        source, target = inputs_of([(3, 6, 8), (3, 4, 8)], step)
        loss = (ours(source, mt.array(target), tgt_mask=mask) ** 2).mean()
        optimizers[0].step(loss)
        wanted = (theirs(torch.tensor(source), torch.tensor(target),
                         tgt_mask=torch.tensor(mask.numpy())) ** 2).mean()
        optimizers[1].zero_grad()
        wanted.backward()
        optimizers[1].step()
        assert loss.item() == pytest.approx(wanted.item(), rel=1e-4)
        if step == 1:
            before = mt.compile_stats()["compiled"]
    assert mt.compile_stats()["compiled"] == before
    assert len(list(ours.state_dict())) == len(list(theirs.state_dict()))


def test_encoders_copy_their_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0)
    stack = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))
    theirs = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0), 2, torch.nn.LayerNorm(8),
        enable_nested_tensor=False)
    copy_weights(stack, theirs)
    assert stack.layers[0].linear1.weight is not stack.layers[1].linear1.weight
    x, = inputs_of([(5, 2, 8)])
    padding = numpy.array([[False] * 5, [False, False, False, True, True]])
    got = stack(mt.array(x), src_key_padding_mask=padding).numpy()
    wanted = theirs(torch.tensor(x), src_key_padding_mask=torch.tensor(padding)).detach().numpy()
    numpy.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make, text", [
    (lambda: nn.MultiheadAttention(8, 3), "3 heads do not divide embed_dim 8"),
    (lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"), "relu, gelu or a function"),
    (lambda: nn.functional.scaled_dot_product_attention(
        mt.ones(2, 3), mt.ones(2, 3), mt.ones(2, 3), mt.ones(2, 2), is_causal=True), "not both"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()
