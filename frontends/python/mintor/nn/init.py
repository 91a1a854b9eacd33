# SPDX-License-Identifier: Apache-2.0
"""Initial values of parameters, under PyTorch's names; Jittor's are taken too.

Takes an array, which gets new values in place and is given back. Keeps true: values are drawn from
the global random stream, at once, so that models are made without compiling anything.
"""
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import random

_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


def _set(tensor, values):
    """The array with these values, in its own dtype."""
    values = numpy.broadcast_to(values, tensor.shape).astype(dtypes.as_numpy(tensor.dtype))
    _mintor.assign(tensor, arrays.array(values))
    return tensor


def _drawn(distribution, shape, generator):
    stream = random.default_generator if generator is None else generator
    return stream.host(distribution, tuple(shape), dtypes.float32).numpy()


def calculate_gain(nonlinearity, param=None):
    """How much a nonlinearity shrinks the deviation of what passes it, as a factor against that.
    ValueError for another nonlinearity.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity not in _GAINS:
        raise ValueError(f"there is no nonlinearity {nonlinearity!r}; leaky_relu, "
                         + ", ".join(_GAINS))
    return _GAINS[nonlinearity]


def _fans(tensor):
    """How many inputs each output of a weight has, and the other way round."""
    if tensor.ndim < 2:
        raise ValueError(f"an array of shape {tensor.shape} has no fan in and fan out: it takes at "
                         "least 2 dimensions")
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _fan(tensor, mode):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is fan_in or fan_out, not {mode!r}")
    return _fans(tensor)[mode == "fan_out"]


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform in [a, b)."""
    return _set(tensor, _drawn("uniform", tensor.shape, generator) * (b - a) + a)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal, with that mean and deviation."""
    return _set(tensor, _drawn("normal", tensor.shape, generator) * std + mean)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, drawn again where outside of [a, b]. ValueError where that is empty, or far from the
    mean.
    """
    low, high = max((a - mean) / std, -8.0), min((b - mean) / std, 8.0)
    if low >= high:
        raise ValueError(f"trunc_normal_: [{a}, {b}] is empty, or far from mean {mean}")
    nearest = min(max(0.0, low), high)          # where the density is largest
    made = numpy.empty(0)
    while made.size < math.prod(tensor.shape):
        places = _drawn("uniform", (4 * math.prod(tensor.shape),), generator) * (high - low) + low
        heights = _drawn("uniform", places.shape, generator)
        kept = heights < numpy.exp((nearest ** 2 - places.astype("float64") ** 2) / 2)
        made = numpy.concatenate([made, places[kept]])
    values = made[:math.prod(tensor.shape)].reshape(tensor.shape) * std + mean
    return _set(tensor, numpy.clip(values, a, b))


def constant_(tensor, val=0.0):
    """One value everywhere."""
    return _set(tensor, val)


def ones_(tensor):
    """All 1."""
    return _set(tensor, 1)


def zeros_(tensor):
    """All 0."""
    return _set(tensor, 0)


def eye_(tensor):
    """The identity; a matrix. ValueError for other shapes."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: takes a matrix, got shape {tensor.shape}")
    return _set(tensor, numpy.eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """A convolution that gives its input channels, as many as there are outputs. ValueError for
    other shapes, and where groups do not divide the outputs.
    """
    if tensor.ndim not in (3, 4, 5) or tensor.shape[0] % groups:
        raise ValueError(f"dirac_: takes the weight of a convolution whose outputs {groups} groups "
                         f"divide, got shape {tensor.shape}")
    values, each = numpy.zeros(tensor.shape), tensor.shape[0] // groups
    middle = tuple(size // 2 for size in tensor.shape[2:])
    for group in range(groups):
        for channel in range(min(each, tensor.shape[1])):
            values[(group * each + channel, channel, *middle)] = 1
    return _set(tensor, values)


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform in +-gain * sqrt(6 / (fan in + fan out))."""
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with the deviation gain * sqrt(2 / (fan in + fan out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform in +-gain * sqrt(3 / fan); a: the slope of leaky_relu."""
    if 0 in tensor.shape:
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with the deviation gain / sqrt(fan)."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)),
                   generator)


def orthogonal_(tensor, gain=1, generator=None):
    """A matrix with orthogonal rows or columns, of dimension 0 and all others together. ValueError
    for a vector.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: takes at least 2 dimensions, got shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = _drawn("normal", (max(rows, columns), min(rows, columns)), generator)
    q, r = numpy.linalg.qr(drawn.astype("float64"))
    q = q * numpy.sign(numpy.diag(r))
    return _set(tensor, (q if rows >= columns else q.T).reshape(tensor.shape) * gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """A matrix whose columns have the part `sparsity` of zeros, the rest normal. ValueError for
    other shapes.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: takes a matrix, got shape {tensor.shape}")
    values = _drawn("normal", tensor.shape, generator) * std
    order = numpy.argsort(_drawn("uniform", tensor.shape, generator), 0)
    count = math.ceil(sparsity * tensor.shape[0])
    numpy.put_along_axis(values, order[:count], 0, 0)
    return _set(tensor, values)


def invariant_uniform_(tensor, mode="fan_in"):
    """Jittor's: kaiming_uniform_ of a linear layer."""
    return kaiming_uniform_(tensor, 0, mode, "linear")


def relu_invariant_gauss_(tensor, mode="fan_in"):
    """Jittor's: kaiming_normal_ of relu."""
    return kaiming_normal_(tensor, 0, mode, "relu")


gauss_, zero_, one_, xavier_gauss_ = normal_, zeros_, ones_, xavier_normal_
xavier_uniform, xavier_normal = xavier_uniform_, xavier_normal_
kaiming_uniform, kaiming_normal = kaiming_uniform_, kaiming_normal_
