# SPDX-License-Identifier: Apache-2.0
"""Products with weights, and rows of a table, under PyTorch's names.

Takes arrays and weights; gives arrays. Keeps true: weights have PyTorch's layouts.
"""
from mintor import _mintor
from mintor import arrays
from mintor import functions

_linear = _mintor.find_operator("linear")


def linear(x, weight, bias=None):
    """x @ weight.T + bias; x[..., in], weight[out, in], bias[out]."""
    return _linear((x, weight) if bias is None else (x, weight, bias))


def bilinear(x1, x2, weight, bias=None):
    """x1 @ weight[o] @ x2 for each o; x1[..., in1], x2[..., in2], weight[out, in1, in2]."""
    made = functions.einsum("...i,oij,...j->...o", x1, weight, x2)
    return made if bias is None else made + bias


def embedding(x, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
              sparse=False):
    """Rows of weight[num, dim] at the places x; gives [*x.shape, dim].

    The row padding_idx gets no gradient. With max_norm, rows of the table that are longer are
    shortened first, in place. `sparse` is accepted: gradients are dense. ValueError for
    scale_grad_by_freq, which is not there.
    """
    del sparse
    if scale_grad_by_freq:
        raise ValueError("embedding: scale_grad_by_freq is not there")
    x, weight = arrays.as_array(x), arrays.as_array(weight)
    if max_norm is not None:
        _shorten(weight, x, max_norm, norm_type)
    rows = functions.take(weight, x, 0)
    if padding_idx is None:
        return rows
    padding = functions.unsqueeze(x == padding_idx % weight.shape[0], -1)
    return functions.where(padding, functions.detach(rows), rows)


def _shorten(weight, x, max_norm, norm_type):
    """Rows of weight at the places x get a norm of at most max_norm."""
    from mintor import gradients  # pylint: disable=import-outside-toplevel
    with gradients.no_grad():
        rows = functions.take(weight, functions.reshape(x, (-1,)), 0)
        norms = functions.norm(rows, norm_type, -1, keepdims=True)
        short = functions.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)
        places = functions.broadcast_to(functions.reshape(x, (-1, 1)), short.shape)
        _mintor.assign(weight, functions.put_along_axis(weight, places, short, 0))


def one_hot(x, num_classes=-1):
    """Integers as rows with a single 1, int64; as many classes as needed where not said."""
    x = arrays.as_array(x)
    if num_classes == -1:
        num_classes = int(functions.max(x)) + 1
    return functions.one_hot(x, num_classes, "int64")


__all__ = ["bilinear", "embedding", "linear", "one_hot"]
