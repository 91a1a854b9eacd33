# SPDX-License-Identifier: Apache-2.0
"""Normalisation by mean and variance, under PyTorch's names.

Takes x and weights; gives an array of x's shape and dtype. Keeps true: variances are means of
squared deviations, never differences of means; running statistics get new values in place, which
nothing differentiates.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import functions
from mintor import gradients

_batch_norm = _mintor.find_operator("batch_norm")
_batch_norm_training = _mintor.find_operator("batch_norm_training")
_instance_norm = _mintor.find_operator("instance_norm")
_layer_norm = _mintor.find_operator("layer_norm")
_rms_norm = _mintor.find_operator("rms_norm")
_group_norm = _mintor.find_operator("group_norm")
_local_response_norm = _mintor.find_operator("local_response_norm")


def _operands(x, weight, bias):
    """x with its scale and bias; a bias alone gets a scale of ones."""
    if bias is None:
        return (x,) if weight is None else (x, weight)
    return (x, arrays.ones_like(bias) if weight is None else weight, bias)


def _follow(running, made, momentum):
    """A running statistic moves by the part `momentum` towards a new one."""
    if running is not None:
        made = arrays.cast(made, running.dtype)
        _mintor.assign(running, running * (1 - momentum) + made * momentum)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
               eps=1e-5):
    """Every channel of x[N, C, ..] by its mean and variance, then weight[C] and bias[C].

    When training those of x, towards which the running ones move by the part `momentum` (the
    variance with divisor count - 1); otherwise the running ones. ValueError when training on one
    value a channel.
    """
    x = arrays.as_array(x)
    if not training:
        channels = x.shape[1]
        scale = arrays.ones(channels) if weight is None else weight
        shift = arrays.zeros(channels) if bias is None else bias
        return _batch_norm((x, scale, shift, running_mean, running_var), float(eps))
    count = math.prod(x.shape[:1] + x.shape[2:])
    if count == 1:
        raise ValueError(f"batch_norm: x of shape {x.shape} has one value a channel, which has no "
                         "variance")
    made, mean, variance = _batch_norm_training(_operands(x, weight, bias), float(eps))
    with gradients.no_grad():
        _follow(running_mean, mean, momentum)
        _follow(running_var, variance, momentum)
    return made


def instance_norm(x, running_mean=None, running_var=None, weight=None, bias=None,
                  use_input_stats=True, momentum=0.1, eps=1e-5):
    """Every channel of every image of x[N, C, D..] by its own mean and variance. ValueError where a
    channel has one value.
    """
    x = arrays.as_array(x)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    space = tuple(range(2, x.ndim))
    count = math.prod(x.shape[2:])
    if count == 1:
        raise ValueError(f"instance_norm: x of shape {x.shape} has one value a channel, which has "
                         "no variance")
    if running_mean is not None:
        with gradients.no_grad():
            _follow(running_mean, functions.mean(functions.mean(x, space), 0), momentum)
            _follow(running_var, functions.mean(functions.var(x, space, correction=1), 0), momentum)
    return _instance_norm(_operands(x, weight, bias), float(eps))


def _first_of_row(name, x, normalized_shape):
    """The dimension where rows of that shape begin."""
    shape = (normalized_shape,) if hasattr(normalized_shape, "__index__") else \
        tuple(normalized_shape)
    if not shape or x.shape[-len(shape):] != shape:
        raise ValueError(f"{name}: x of shape {x.shape} does not end with {shape}")
    return x.ndim - len(shape)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Every row of x, of shape normalized_shape, by its mean and variance, then weight and bias."""
    x = arrays.as_array(x)
    axis = _first_of_row("layer_norm", x, normalized_shape)
    return _layer_norm(_operands(x, weight, bias), axis, float(eps))


def rms_norm(x, normalized_shape, weight=None, eps=None):
    """Every row of x over the root of its mean square; eps: that of the dtype where not given."""
    x = arrays.as_array(x)
    axis = _first_of_row("rms_norm", x, normalized_shape)
    eps = dtypes.finfo(x.dtype).eps if eps is None else eps
    return _rms_norm(_operands(x, weight, None), axis, float(eps))


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """The channels of x[N, C, ..] in groups, each by its mean and variance. ValueError where
    num_groups does not divide the channels.
    """
    x = arrays.as_array(x)
    if x.shape[1] % num_groups:
        raise ValueError(f"group_norm: {num_groups} groups do not divide {x.shape[1]} channels")
    return _group_norm(_operands(x, weight, bias), num_groups, float(eps))


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """x over a power of the mean square of `size` neighbouring channels."""
    options = size, float(alpha), float(beta), float(k)
    if size % 2:
        return _local_response_norm(x, *options)
    # ONNX's window of an even size has one more behind, PyTorch's one more before.
    return functions.flip(_local_response_norm(functions.flip(x, 1), *options), 1)


def normalize(x, p=2.0, dim=1, eps=1e-12):
    """x over its p-norm along a dimension, at least eps."""
    x = arrays.as_array(x)
    return x / functions.maximum(functions.norm(x, p, dim, keepdims=True), eps)


__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm",
           "normalize", "rms_norm"]
