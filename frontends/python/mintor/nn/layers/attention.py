# SPDX-License-Identifier: Apache-2.0
"""Attention of several heads, with PyTorch's arguments, defaults and names of parameters.

Takes sequences; gives what the queries read, and how much of each key.
"""
import math

from mintor import arrays
from mintor import functions
from mintor.nn import functional
from mintor.nn import init
from mintor.nn.functional.attention import attention_weights
from mintor.nn.layers.linear import Linear
from mintor.nn.module import Module, parameter


def added_mask(mask):
    """A mask as numbers that are added: bool says what takes no part."""
    if mask is None:
        return None
    mask = arrays.as_array(mask)
    return functions.where(mask, -math.inf, 0.0) if mask.dtype == bool else mask


class MultiheadAttention(Module):
    """Attention in num_heads parts of embed_dim, each with projections of its own.

    Called with query[L, N, E], key[S, N, kdim] and value[S, N, vdim] (batch first where the layer
    says so; or without batch) gives (output in the layout of query, weights[N, L, S]). Parameters:
    in_proj_weight[3 * E, E] (or q_, k_ and v_proj_weight where kdim or vdim differ), in_proj_bias,
    out_proj, and with add_bias_kv bias_k and bias_v. ValueError where num_heads does not divide
    embed_dim.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False,
                 add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None,
                 dtype=None):
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: {num_heads} heads do not divide embed_dim "
                             f"{embed_dim}")
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads
        self._same = self.kdim == embed_dim and self.vdim == embed_dim

        def optional(shape, wanted):
            return parameter(shape, dtype, device) if wanted else None
        self.register_parameter("in_proj_weight", optional((3 * embed_dim, embed_dim), self._same))
        for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(f"{name}_proj_weight",
                                    optional((embed_dim, size), not self._same))
        self.register_parameter("in_proj_bias", optional((3 * embed_dim,), bias))
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, optional((1, 1, embed_dim), add_bias_kv))
        self.reset_parameters()

    def reset_parameters(self):
        """Projections of the input as Xavier has them, biases of 0."""
        for one in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight,
                    self.v_proj_weight):
            if one is not None:
                init.xavier_uniform_(one)
        for one in (self.in_proj_bias, self.out_proj.bias):
            if one is not None:
                init.zeros_(one)
        for one in (self.bias_k, self.bias_v):
            if one is not None:
                init.xavier_normal_(one)

    def _projected(self, query, key, value):
        """query, key and value, each [N, length, E], as the heads see them."""
        size = self.embed_dim
        biases = [None] * 3 if self.in_proj_bias is None else \
            functions.split(self.in_proj_bias, 3)
        if self._same and query is key and key is value:
            made = functional.linear(query, self.in_proj_weight, self.in_proj_bias)
            return [made[..., i * size:(i + 1) * size] for i in range(3)]
        weights = functions.split(self.in_proj_weight, 3) if self._same else \
            [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        return [functional.linear(x, weight, bias)
                for x, weight, bias in zip((query, key, value), weights, biases)]

    def _heads(self, x):
        """[N, length, E] as [N, heads, length, E / heads]."""
        parts = functions.reshape(x, (*x.shape[:2], self.num_heads, self.head_dim))
        return functions.permute_dims(parts, (0, 2, 1, 3))

    def _mask(self, attn_mask, key_padding_mask, batch, added):
        """Both masks as one, [N or 1, heads or 1, L or 1, S + added], or None."""
        attn_mask, key_padding_mask = added_mask(attn_mask), added_mask(key_padding_mask)
        if attn_mask is not None:
            shape = (1, 1) if attn_mask.ndim == 2 else (batch, self.num_heads)
            attn_mask = functions.reshape(attn_mask, (*shape, *attn_mask.shape[-2:]))
        if key_padding_mask is not None:
            if key_padding_mask.ndim == 1:
                key_padding_mask = functions.unsqueeze(key_padding_mask, 0)
            key_padding_mask = functions.expand_dims(key_padding_mask, (1, 2))
            attn_mask = key_padding_mask if attn_mask is None else attn_mask + key_padding_mask
        if attn_mask is not None and added:
            attn_mask = functional.pad(attn_mask, (0, added))
        return attn_mask

    # pylint: disable-next=too-many-arguments
    def execute(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):
        """key_padding_mask[N, S] and attn_mask[L, S] or [N * heads, L, S]: bool, true where a key
        takes no part, or numbers that are added. `is_causal` says that attn_mask is the causal one,
        and is that mask where none is given. Weights are means over heads, or [N, heads, L, S];
        None without need_weights.
        """
        query, key, value = (x if isinstance(x, arrays.Array) else arrays.as_array(x)
                             for x in (query, key, value))
        single = query.ndim == 2
        if is_causal and attn_mask is None:
            attn_mask = functions.triu(arrays.ones(
                (query.shape[-2 if single or self.batch_first else 0],
                 key.shape[-2 if single or self.batch_first else 0]), dtype="bool"), 1)
        known = {}

        def rows(x):       # one array for one that is given as several
            if id(x) not in known:
                known[id(x)] = functions.unsqueeze(x, 0) if single else \
                    x if self.batch_first else functions.swapaxes(x, 0, 1)
            return known[id(x)]
        q, k, v = self._projected(rows(query), rows(key), rows(value))
        batch, added = q.shape[0], 0
        if self.bias_k is not None:
            k, v = (functions.concat([x, functions.broadcast_to(bias, (batch, 1, self.embed_dim))],
                                     1) for x, bias in ((k, self.bias_k), (v, self.bias_v)))
            added += 1
        if self.add_zero_attn:
            k, v = (functional.pad(x, (0, 0, 0, 1)) for x in (k, v))
            added += 1
        mask = self._mask(attn_mask, key_padding_mask, batch, added)
        weights = attention_weights(self._heads(q), self._heads(k), mask)
        if self.dropout and self.training:
            weights = functional.dropout(weights, self.dropout)
        made = functions.permute_dims(functions.matmul(weights, self._heads(v)), (0, 2, 1, 3))
        made = self.out_proj(functions.reshape(made, (batch, q.shape[1], self.embed_dim)))
        made = functions.squeeze(made, 0) if single else \
            made if self.batch_first else functions.swapaxes(made, 0, 1)
        if not need_weights:
            return made, None
        weights = functions.mean(weights, 1) if average_attn_weights else weights
        return made, functions.squeeze(weights, 0) if single else weights


__all__ = ["MultiheadAttention"]
