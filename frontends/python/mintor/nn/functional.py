# SPDX-License-Identifier: Apache-2.0
"""Layers as functions, under PyTorch's names.

Takes arrays and PyTorch's arguments; gives arrays. Keeps true: nothing is computed here, each
function records a call or a few.
"""
from mintor import _mintor
from mintor import functions
from mintor.functions import (elu, gelu, leaky_relu, log_softmax, mish, one_hot, relu, sigmoid,
                              silu, softmax, softplus, softsign, tanh)

_linear = _mintor.find_operator("linear")
_conv = _mintor.find_operator("conv")
_max_pool = _mintor.find_operator("max_pool")
_avg_pool = _mintor.find_operator("avg_pool")


def linear(x, weight, bias=None):
    """x @ weight.T + bias; x[..., in], weight[out, in], bias[out]."""
    return _linear((x, weight) if bias is None else (x, weight, bias))


def _each(value, rank):
    return [value] * rank if isinstance(value, int) else list(value)


def _conv_nd(rank, x, weight, bias, stride, padding, dilation, groups):
    stride, dilation = _each(stride, rank), _each(dilation, rank)
    if padding == "valid":
        padding = 0
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ValueError("conv: padding='same' needs strides of 1")
        total = [d * (size - 1) for d, size in zip(dilation, weight.shape[2:])]
        before = [size // 2 for size in total]
        after = [size - b for size, b in zip(total, before)]
    else:
        before = after = _each(padding, rank)
    single = x.ndim == rank + 1
    if single:
        x = functions.unsqueeze(x, 0)
    operands = (x, weight) if bias is None else (x, weight, bias)
    made = _conv(operands, stride, before, after, dilation, groups)
    return functions.squeeze(made, 0) if single else made


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """x[N, C, L], weight[O, C / groups, K], bias[O]."""
    return _conv_nd(1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """x[N, C, H, W], weight[O, C / groups, KH, KW], bias[O]."""
    return _conv_nd(2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """x[N, C, D, H, W], weight[O, C / groups, KD, KH, KW], bias[O]."""
    return _conv_nd(3, x, weight, bias, stride, padding, dilation, groups)


def _pool_arguments(rank, kernel_size, stride, padding, dilation):
    kernel = _each(kernel_size, rank)
    return kernel, kernel if stride is None else _each(stride, rank), _each(padding, rank), \
        _each(dilation, rank)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The largest of each window; x[N, C, H, W]."""
    return _max_pool(x, *_pool_arguments(2, kernel_size, stride, padding, dilation), ceil_mode)


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window; x[N, C, H, W]."""
    return _avg_pool(x, *_pool_arguments(2, kernel_size, stride, padding, 1), ceil_mode,
                     count_include_pad)


def mse_loss(x, target, reduction="mean"):
    """Squared differences, their mean or sum."""
    return _reduced(functions.square(functions.subtract(x, target)), reduction)


def _reduced(values, reduction):
    if reduction == "none":
        return values
    if reduction == "sum":
        return functions.sum(values)
    if reduction == "mean":
        return functions.mean(values)
    raise ValueError(f"there is no reduction {reduction!r}; mean, sum or none")


def nll_loss(log_probabilities, target, reduction="mean"):
    """Minus the log-probability of each target class; log_probabilities[N, C], target[N]."""
    picked = functions.take_along_axis(log_probabilities, functions.unsqueeze(target, -1), 1)
    return _reduced(-functions.squeeze(picked, -1), reduction)


def cross_entropy(logits, target, reduction="mean"):
    """logits[N, C]; target[N] of classes, or [N, C] of probabilities."""
    target = functions.as_array(target)
    logs = log_softmax(logits, -1)
    if target.ndim == logits.ndim:
        return _reduced(-functions.sum(logs * target, -1), reduction)
    return nll_loss(logs, target, reduction)


__all__ = ["avg_pool2d", "conv1d", "conv2d", "conv3d", "cross_entropy", "elu", "gelu",
           "leaky_relu", "linear", "log_softmax", "max_pool2d", "mish", "mse_loss", "nll_loss",
           "one_hot", "relu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh"]
