# SPDX-License-Identifier: Apache-2.0
"""Transformers, with PyTorch's arguments, defaults and names of parameters.

Takes sequences [length, N, E], or batch first where the layer says so. Keeps true: masks are bool,
true where something takes no part, or numbers that are added.
"""
import copy
import math

from mintor import arrays
from mintor import functions
from mintor.nn import functional
from mintor.nn import init
from mintor.nn.layers.attention import MultiheadAttention
from mintor.nn.layers.containers import ModuleList
from mintor.nn.layers.dropout import Dropout
from mintor.nn.layers.linear import Linear
from mintor.nn.layers.normalization import LayerNorm
from mintor.nn.module import Module

_ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}


class _Layer(Module):
    """What encoder and decoder layers share: attention and a network of two layers, each added to
    what it takes. `_attentions`: names of the attentions, in order.
    """

    _attentions = ()

    # pylint: disable-next=too-many-arguments
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1,
                 activation=functional.relu, layer_norm_eps=1e-5, batch_first=False,
                 norm_first=False, bias=True, device=None, dtype=None):
        if isinstance(activation, str):
            if activation not in _ACTIVATIONS:
                raise ValueError(f"{type(self).__name__}: activation is relu, gelu or a function, "
                                 f"not {activation!r}")
            activation = _ACTIVATIONS[activation]
        self.activation, self.norm_first = activation, norm_first
        for name in self._attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias,
                                                   batch_first=batch_first, device=device,
                                                   dtype=dtype))
        self.linear1 = Linear(d_model, dim_feedforward, bias, device, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device, dtype)
        parts = range(1, len(self._attentions) + 2)
        for part in parts:
            setattr(self, f"norm{part}", LayerNorm(d_model, layer_norm_eps, bias=bias,
                                                   device=device, dtype=dtype))
        for part in parts:
            setattr(self, f"dropout{part}", Dropout(dropout))

    def _added(self, x, part, function):
        """x and what a function makes of it, with the normalisation of that part."""
        norm, dropped = getattr(self, f"norm{part}"), getattr(self, f"dropout{part}")
        if self.norm_first:
            return x + dropped(function(norm(x)))
        return norm(x + dropped(function(x)))

    def _network(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then a network of two layers, each added and normalised."""

    _attentions = ("self_attn",)

    def execute(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """src[L, N, E]; src_mask[L, L]; src_key_padding_mask[N, L]."""
        x = self._added(src, 1, lambda x: self.self_attn(
            x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0])
        return self._added(x, 2, self._network)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to what an encoder gave, then a network of two layers."""

    _attentions = ("self_attn", "multihead_attn")

    # pylint: disable-next=too-many-arguments
    def execute(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):
        """tgt[T, N, E]; memory[S, N, E]; tgt_mask[T, T]; memory_mask[T, S]."""
        x = self._added(tgt, 1, lambda x: self.self_attn(
            x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0])
        x = self._added(x, 2, lambda x: self.multihead_attn(
            x, memory, memory, memory_key_padding_mask, False, memory_mask,
            is_causal=memory_is_causal)[0])
        return self._added(x, 3, self._network)


def _copies(layer, count):
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """num_layers copies of an encoder layer, one after another, then `norm`."""

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True,
                 mask_check=True):
        del enable_nested_tensor, mask_check
        self.layers, self.num_layers, self.norm = _copies(encoder_layer, num_layers), num_layers, \
            norm

    def execute(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """num_layers copies of a decoder layer, one after another, then `norm`."""

    def __init__(self, decoder_layer, num_layers, norm=None):
        self.layers, self.num_layers, self.norm = _copies(decoder_layer, num_layers), num_layers, \
            norm

    # pylint: disable-next=too-many-arguments
    def execute(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                        memory_key_padding_mask, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder; matrices start as Xavier has them."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6,
                 dim_feedforward=2048, dropout=0.1, activation=functional.relu,
                 custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False,
                 norm_first=False, bias=True, device=None, dtype=None):
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                   batch_first, norm_first, bias, device, dtype)

        def norm():
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)
        self.encoder = custom_encoder if custom_encoder is not None else TransformerEncoder(
            TransformerEncoderLayer(*options), num_encoder_layers, norm())
        self.decoder = custom_decoder if custom_decoder is not None else TransformerDecoder(
            TransformerDecoderLayer(*options), num_decoder_layers, norm())
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        for one in self.parameters():
            if one.ndim > 1:
                init.xavier_uniform_(one)

    # pylint: disable-next=too-many-arguments
    def execute(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None,
                src_key_padding_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
                memory_is_causal=False):
        """src[S, N, E] and tgt[T, N, E]; gives [T, N, E]."""
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                            memory_key_padding_mask, tgt_is_causal, memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """[sz, sz]: minus infinity where a place comes after another, 0 elsewhere."""
        arrays.check_device(device)
        later = functions.triu(arrays.ones((sz, sz), dtype="bool"), 1)
        return arrays.cast(functions.where(later, -math.inf, 0.0), dtype or "float32")


__all__ = ["Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
           "TransformerEncoderLayer"]
