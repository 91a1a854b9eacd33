# SPDX-License-Identifier: Apache-2.0
"""Activations, under PyTorch's names.

Takes an array of any shape; gives one of that shape. Integers are taken as float32.
"""
from mintor import _mintor
from mintor import arrays
from mintor import functions
from mintor import random
from mintor.nn.functional.common import in_place

_celu = _mintor.find_operator("celu")
_selu = _mintor.find_operator("selu")
_prelu = _mintor.find_operator("prelu")
_shrink = _mintor.find_operator("shrink")
_hard_sigmoid = _mintor.find_operator("hard_sigmoid")
_hard_swish = _mintor.find_operator("hard_swish")


def relu(x, inplace=False):
    """max(x, 0); a NaN stays one."""
    return in_place(x, functions.relu(x), inplace)


def relu_(x):
    """relu in place."""
    return relu(x, True)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return functions.sigmoid(x)


def tanh(x):
    """The hyperbolic tangent."""
    return functions.tanh(x)


def softsign(x):
    """x / (1 + |x|)."""
    return functions.softsign(x)


def relu6(x, inplace=False):
    """min(max(x, 0), 6)."""
    return hardtanh(x, 0.0, 6.0, inplace)


def hardtanh(x, min_val=-1.0, max_val=1.0, inplace=False):
    """x limited to [min_val, max_val]; the gradient at the limits is 0."""
    x = arrays.as_array(x)
    inside = functions.where(x <= min_val, min_val, functions.where(x >= max_val, max_val, x))
    return in_place(x, inside, inplace)


def threshold(x, threshold, value, inplace=False):  # pylint: disable=redefined-outer-name
    """x where it is above the threshold, `value` elsewhere."""
    x = arrays.as_array(x)
    return in_place(x, functions.where(x <= threshold, value, x), inplace)


def elu(x, alpha=1.0, inplace=False):
    """x above 0, alpha * (exp(x) - 1) below."""
    return in_place(x, functions.elu(x, alpha), inplace)


def celu(x, alpha=1.0, inplace=False):
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)."""
    return in_place(x, _celu(x, float(alpha)), inplace)


def selu(x, inplace=False):
    """elu scaled so that layers keep mean 0 and variance 1."""
    return in_place(x, _selu(x), inplace)


def leaky_relu(x, negative_slope=0.01, inplace=False):
    """x above 0, negative_slope * x below."""
    return in_place(x, functions.leaky_relu(x, negative_slope), inplace)


def prelu(x, weight):
    """x above 0, weight * x below; weight has one element, or one a channel (dimension 1).
    ValueError for another number of weights.
    """
    x, weight = arrays.as_array(x), arrays.as_array(weight)
    if weight.ndim == 1 and weight.shape[0] != 1:
        if x.ndim < 2 or x.shape[1] != weight.shape[0]:
            raise ValueError(f"prelu: {weight.shape[0]} weights for x of shape {x.shape}")
        weight = functions.reshape(weight, (-1,) + (1,) * (x.ndim - 2))
    elif weight.ndim == 1 and x.ndim == 0:
        weight = functions.squeeze(weight, 0)
    return _prelu(x, weight)


def rrelu(x, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    """leaky_relu with a slope drawn for each element when training, else the middle one."""
    x = arrays.as_array(x)
    slope = random.uniform(lower, upper, x.shape, x.dtype) if training else (lower + upper) / 2
    return in_place(x, functions.where(x < 0, x * slope, x), inplace)


def gelu(x, approximate="none"):
    """The Gaussian error linear unit; approximate="tanh" for its tanh form. ValueError for another
    form.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")
    return functions.gelu(x, approximate)


def glu(x, dim=-1):
    """a * sigmoid(b) of the halves a and b of x along a dimension. ValueError for an odd size."""
    x = arrays.as_array(x)
    if x.shape[dim] % 2:
        raise ValueError(f"glu: dimension {dim} of shape {x.shape} cannot be halved")
    a, b = functions.chunk(x, 2, dim)
    return a * sigmoid(b)


def silu(x, inplace=False):
    """x * sigmoid(x)."""
    return in_place(x, functions.silu(x), inplace)


def mish(x, inplace=False):
    """x * tanh(softplus(x))."""
    return in_place(x, functions.mish(x), inplace)


def hardswish(x, inplace=False):
    """x * min(max(x + 3, 0), 6) / 6."""
    return in_place(x, _hard_swish(x), inplace)


def hardsigmoid(x, inplace=False):
    """min(max(x + 3, 0), 6) / 6."""
    return in_place(x, _hard_sigmoid(x), inplace)


def softplus(x, beta=1.0, threshold=20.0):  # pylint: disable=redefined-outer-name
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""
    x = arrays.as_array(x)
    scaled = x if beta == 1 else x * beta
    made = functions.softplus(scaled)
    return functions.where(scaled > threshold, x, made if beta == 1 else made / beta)


def logsigmoid(x):
    """log(sigmoid(x)), without overflow."""
    return -functions.softplus(-arrays.as_array(x))


def hardshrink(x, lambd=0.5):
    """x outside of [-lambd, lambd], 0 inside."""
    return _shrink(x, float(lambd), 0.0)


def softshrink(x, lambd=0.5):
    """x moved by lambd towards 0, 0 inside of [-lambd, lambd]."""
    return _shrink(x, float(lambd), float(lambd))


def tanhshrink(x):
    """x - tanh(x)."""
    x = arrays.as_array(x)
    return x - tanh(x)


def _dimension(dim, rank):
    """PyTorch's choice where a softmax does not say its dimension."""
    return dim if dim is not None else 0 if rank in (0, 1, 3) else 1


def softmax(x, dim=None, dtype=None):
    """exp(x) over its sum along a dimension."""
    x = arrays.as_array(x) if dtype is None else arrays.cast(arrays.as_array(x), dtype)
    return functions.softmax(x, _dimension(dim, x.ndim))


def softmin(x, dim=None, dtype=None):
    """softmax of -x."""
    return softmax(-arrays.as_array(x), dim, dtype)


def log_softmax(x, dim=None, dtype=None):
    """The logarithm of softmax, without overflow."""
    x = arrays.as_array(x) if dtype is None else arrays.cast(arrays.as_array(x), dtype)
    return functions.log_softmax(x, _dimension(dim, x.ndim))


def gumbel_softmax(logits, tau=1.0, hard=False, eps=1e-10, dim=-1):
    """Samples of a relaxed one-hot distribution; with `hard` one-hot, with the gradient of soft."""
    del eps
    logits = arrays.as_array(logits)
    uniform = functions.maximum(random.rand_like(logits), 1e-30)
    soft = functions.softmax((logits - functions.log(-functions.log(uniform))) / tau, dim)
    if not hard:
        return soft
    place = functions.argmax(soft, dim, keepdims=True)
    one = functions.put_along_axis(arrays.zeros_like(soft), place, 1.0, dim)
    return one - functions.detach(soft) + soft


swish = silu


__all__ = """
celu elu gelu glu gumbel_softmax hardshrink hardsigmoid hardswish hardtanh leaky_relu log_softmax
logsigmoid mish prelu relu relu6 relu_ rrelu selu sigmoid silu softmax softmin softplus softshrink
softsign swish tanh tanhshrink threshold
""".split()
