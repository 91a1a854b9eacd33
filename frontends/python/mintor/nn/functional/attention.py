# SPDX-License-Identifier: Apache-2.0
"""Attention, under PyTorch's name.

Takes queries, keys and values; gives what each query reads. Keeps true: scores of a query are
softmax's exact two-pass form.
"""
import math

from mintor import arrays
from mintor import functions
from mintor.nn.functional.dropout import dropout


def attention_weights(query, key, attn_mask=None, is_causal=False, scale=None):
    """softmax(query @ key^T * scale + mask): [.., queries, keys]."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = functions.matmul(query * scale, functions.swapaxes(key, -1, -2))
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: takes attn_mask or is_causal, not both")
        shape = scores.shape[-2:]
        attn_mask = functions.tril(arrays.ones(shape, dtype="bool"))
    if attn_mask is not None:
        attn_mask = arrays.as_array(attn_mask)
        scores = functions.where(attn_mask, scores, -math.inf) if attn_mask.dtype == bool else \
            scores + attn_mask
    return functions.softmax(scores, -1)


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False,
                                 scale=None, enable_gqa=False):
    """softmax(query @ key^T / sqrt(E) + attn_mask) @ value.

    query[.., L, E], key[.., S, E], value[.., S, V]; gives [.., L, V]. `attn_mask` broadcasts to
    [.., L, S]: bool, true where a key takes part, or numbers that are added. With is_causal a query
    sees the keys up to its own place. With enable_gqa key and value have fewer heads (dimension
    -3), each of which serves several of query.
    """
    query, key, value = (arrays.as_array(x) for x in (query, key, value))
    if enable_gqa and key.shape[-3] != query.shape[-3]:
        key, value = (functions.repeat_interleave(x, query.shape[-3] // x.shape[-3], -3)
                      for x in (key, value))
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return functions.matmul(weights, value)


__all__ = ["scaled_dot_product_attention"]
