# SPDX-License-Identifier: Apache-2.0
"""Losses, under PyTorch's names.

Takes predictions and targets; gives the mean (reduction="mean"), the sum ("sum") or every value
("none"). The older `size_average` and `reduce` are taken as keywords. Keeps true: logarithms of
0 and overflows inside are avoided as PyTorch avoids them, in values and gradients.
"""
import functools
import inspect
import math

from mintor import _mintor
from mintor import arrays
from mintor import functions
from mintor.nn.functional.distance import cosine_similarity, pairwise_distance

_NAMES = {"input": "x", "input1": "x1", "input2": "x2"}      # PyTorch's names of inputs
_OLD = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in ("size_average", "reduce")]


def _loss(function):
    """Takes PyTorch's names of inputs and its older keywords for the reduction, too."""
    @functools.wraps(function)
    def loss(*inputs, size_average=None, reduce=None, **options):
        for name in _NAMES.keys() & options.keys():
            options[_NAMES[name]] = options.pop(name)
        if size_average is not None or reduce is not None:
            options["reduction"] = "none" if reduce is False else \
                "sum" if size_average is False else "mean"
        return function(*inputs, **options)
    signature = inspect.signature(function)
    loss.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *_OLD])
    return loss


def _reduced(values, reduction, weights=None):
    """Values by their reduction; with weights, which they contain, the mean is over these."""
    if reduction == "none":
        return values
    if reduction == "sum":
        return functions.sum(values)
    if reduction == "mean":
        return functions.mean(values) if weights is None else \
            functions.sum(values) / functions.sum(weights)
    raise ValueError(f"there is no reduction {reduction!r}; mean, sum or none")


def _weighted(values, weight):
    return values if weight is None else values * weight


def _same_shape(name, x, target):
    """Both as arrays; ValueError where their shapes differ."""
    x, target = arrays.as_array(x), arrays.as_array(target)
    if x.shape != target.shape:
        raise ValueError(f"{name}: the target has the shape {target.shape}, expected {x.shape}")
    return x, target


@_loss
def l1_loss(x, target, reduction="mean", weight=None):
    """|x - target|."""
    return _reduced(_weighted(functions.abs(functions.subtract(x, target)), weight), reduction)


@_loss
def mse_loss(x, target, reduction="mean", weight=None):
    """(x - target)^2."""
    return _reduced(_weighted(functions.square(functions.subtract(x, target)), weight), reduction)


@_loss
def smooth_l1_loss(x, target, reduction="mean", beta=1.0):
    """d^2 / (2 * beta) where d = |x - target| is below beta, d - beta / 2 elsewhere. ValueError for
    a beta below 0.
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is {beta}, expected at least 0")
    apart = functions.abs(functions.subtract(x, target))
    if beta:
        apart = functions.where(apart < beta, apart * apart * (0.5 / beta), apart - 0.5 * beta)
    return _reduced(apart, reduction)


@_loss
def huber_loss(x, target, reduction="mean", delta=1.0, weight=None):
    """d^2 / 2 where d = |x - target| is at most delta, delta * (d - delta / 2) elsewhere.
    ValueError for a delta that is not above 0.
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta is {delta}, expected more than 0")
    apart = functions.abs(functions.subtract(x, target))
    values = functions.where(apart <= delta, apart * apart * 0.5, (apart - 0.5 * delta) * delta)
    return _reduced(_weighted(values, weight), reduction)


def _classes(name, x, target, weight, ignore_index):
    """The dimension of classes, targets that can be looked up there, and how much each counts."""
    axis = 0 if x.ndim == 1 else 1
    if target.shape != x.shape[:axis] + x.shape[axis + 1:]:
        raise ValueError(f"{name}: the target has the shape {target.shape}, expected "
                         f"{x.shape[:axis] + x.shape[axis + 1:]} for x of shape {x.shape}")
    if target.dtype.kind not in "iu":
        raise ValueError(f"{name}: classes of dtype {target.dtype}, expected integers")
    for worst in _mintor.known_range(target) or ():
        if not 0 <= worst < x.shape[axis] and worst != ignore_index:
            raise IndexError(f"{name}: class {worst} of {x.shape[axis]}")
    counts = target != ignore_index
    target = functions.where(counts, target, 0)
    if weight is None:
        return axis, target, arrays.cast(counts, x.dtype)
    return axis, target, functions.where(counts, functions.take(weight, target, 0), 0.0)


def _picked(x, axis, target):
    """The elements of x at the target's classes."""
    places = functions.unsqueeze(target, axis)
    return functions.squeeze(functions.take_along_axis(x, places, axis), axis)


@_loss
def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    """Minus the log-probability x of each target class.

    x[N, C, ..] or x[C]; target[N, ..] of classes; weight[C]. A target of ignore_index counts
    nothing; the mean is over the weights of those that count.
    """
    x, target = arrays.as_array(x), arrays.as_array(target)
    axis, target, counts = _classes("nll_loss", x, target, weight, ignore_index)
    return _reduced(-_picked(x, axis, target) * counts, reduction, counts)


@_loss
def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean",
                  label_smoothing=0.0):
    """nll_loss of log_softmax(x); x[N, C, ..] or x[C].

    The target: classes [N, ..] (integers), or probabilities in the shape of x. label_smoothing: the
    part of each target that is spread over all classes. ValueError for a label_smoothing outside of
    0 to 1.
    """
    x, target = arrays.as_array(x), arrays.as_array(target)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is {label_smoothing}, expected 0 to 1")
    axis = 0 if x.ndim == 1 else 1
    logs, classes = functions.log_softmax(x, axis), x.shape[axis]
    of_class = None if weight is None else functions.reshape(
        weight, (-1,) + (1,) * (x.ndim - axis - 1))
    if target.shape == x.shape and target.ndim:
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        return _reduced(-functions.sum(_weighted(logs * target, of_class), axis), reduction)
    axis, target, counts = _classes("cross_entropy", x, target, weight, ignore_index)
    values = -_picked(logs, axis, target) * counts
    if label_smoothing:
        every = -functions.sum(_weighted(logs, of_class), axis)
        every = functions.where(counts == 0, 0.0, every) if weight is None else every * \
            arrays.cast(counts != 0, every.dtype)
        values = values * (1 - label_smoothing) + every * (label_smoothing / classes)
    return _reduced(values, reduction, counts)


def _log(x):
    """log(x), at least -100; its gradient at 0 is 0."""
    at_zero = x <= 0
    return functions.where(at_zero, -100.0, functions.maximum(
        functions.log(functions.where(at_zero, 1.0, x)), -100.0))


@_loss
def binary_cross_entropy(x, target, weight=None, reduction="mean"):
    """-(target * log(x) + (1 - target) * log(1 - x)); logarithms are at least -100."""
    x, target = _same_shape("binary_cross_entropy", x, target)
    values = -(target * _log(x) + (1 - target) * _log(1 - x))
    return _reduced(_weighted(values, weight), reduction)


@_loss
def binary_cross_entropy_with_logits(x, target, weight=None, reduction="mean", pos_weight=None):
    """binary_cross_entropy of sigmoid(x), without overflow; pos_weight counts targets of 1."""
    x, target = _same_shape("binary_cross_entropy_with_logits", x, target)
    tail = functions.softplus(-x)
    if pos_weight is not None:
        tail = tail * ((arrays.as_array(pos_weight) - 1) * target + 1)
    return _reduced(_weighted((1 - target) * x + tail, weight), reduction)


@_loss
def kl_div(x, target, reduction="mean", log_target=False):
    """target * (log(target) - x), x of log-probabilities; with log_target so is the target.

    reduction="batchmean" divides the sum by the first dimension, as the definition has it.
    """
    x, target = arrays.as_array(x), arrays.as_array(target)
    if log_target:
        values = functions.exp(target) * (target - x)
    else:
        some = target > 0
        own = functions.where(some, target * functions.log(functions.where(some, target, 1.0)), 0.0)
        values = own - target * x
    if reduction == "batchmean":
        return functions.sum(values) / x.shape[0]
    return _reduced(values, reduction)


@_loss
def hinge_embedding_loss(x, target, margin=1.0, reduction="mean"):
    """x where the target is 1, max(0, margin - x) where it is -1."""
    x, target = arrays.as_array(x), arrays.as_array(target)
    values = functions.where(target != 1, functions.maximum(margin - x, 0.0), 0.0) + \
        functions.where(target != -1, x, 0.0)
    return _reduced(values, reduction)


@_loss
def margin_ranking_loss(x1, x2, target, margin=0.0, reduction="mean"):
    """max(0, -target * (x1 - x2) + margin)."""
    apart = -arrays.as_array(target) * functions.subtract(x1, x2) + margin
    return _reduced(functions.maximum(apart, 0.0), reduction)


@_loss
def soft_margin_loss(x, target, reduction="mean"):
    """log(1 + exp(-target * x))."""
    return _reduced(functions.softplus(-arrays.as_array(target) * x), reduction)


@_loss
def multi_margin_loss(x, target, p=1, margin=1.0, weight=None, reduction="mean"):
    """sum over j != target of max(0, margin - x[target] + x[j])^p / C; x[N, C] or x[C]. ValueError
    for a p that is neither 1 nor 2.
    """
    x, target = arrays.as_array(x), arrays.as_array(target)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    own = functions.take_along_axis(x, functions.unsqueeze(target, -1), -1)
    values = functions.maximum(margin - own + x, 0.0)
    values = values * values if p == 2 else values
    if weight is not None:
        values = values * functions.unsqueeze(functions.take(weight, target, 0), -1)
    others = arrays.arange(x.shape[-1]) != functions.unsqueeze(target, -1)
    return _reduced(functions.sum(functions.where(others, values, 0.0), -1) / x.shape[-1],
                    reduction)


@_loss
def multilabel_margin_loss(x, target, reduction="mean"):
    """sum over targets i and others j of max(0, 1 - x[i] + x[j]) / C; targets end at the first -1.
    """
    x, target = _same_shape("multilabel_margin_loss", x, target)
    is_target = functions.cumprod(arrays.cast(target >= 0, "int32"), -1) > 0
    places = functions.unsqueeze(functions.where(is_target, target, -1), -1)
    chosen = functions.any(places == arrays.arange(x.shape[-1]), -2)
    own = functions.take_along_axis(x, functions.where(is_target, target, 0), -1)
    apart = functions.maximum(1 - functions.unsqueeze(own, -1) + functions.unsqueeze(x, -2), 0.0)
    counts = functions.unsqueeze(is_target, -1) & ~functions.unsqueeze(chosen, -2)
    values = functions.sum(functions.where(counts, apart, 0.0), (-2, -1)) / x.shape[-1]
    return _reduced(values, reduction)


@_loss
def multilabel_soft_margin_loss(x, target, weight=None, reduction="mean"):
    """The mean over classes of binary_cross_entropy_with_logits."""
    values = binary_cross_entropy_with_logits(x, target, weight, "none")
    return _reduced(functions.mean(values, -1), reduction)


@_loss
def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False,
                        reduction="mean"):
    """max(0, |anchor - positive| - |anchor - negative| + margin), p-norms of the last dimension.

    With `swap` the negative's distance is the smaller one of those to anchor and positive.
    """
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, reduction=reduction, margin=margin, swap=swap,
        distance_function=lambda one, other: pairwise_distance(one, other, p, eps))


@_loss
def triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=None,
                                      margin=1.0, swap=False, reduction="mean"):
    """As triplet_margin_loss, with a distance of the caller's."""
    distance = pairwise_distance if distance_function is None else distance_function
    far = distance(anchor, negative)
    if swap:
        far = functions.minimum(far, distance(positive, negative))
    return _reduced(functions.maximum(distance(anchor, positive) - far + margin, 0.0), reduction)


@_loss
def cosine_embedding_loss(x1, x2, target, margin=0.0, reduction="mean"):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    target = arrays.as_array(target)
    cosine = cosine_similarity(x1, x2, -1)
    values = functions.where(target == 1, 1 - cosine, 0.0) + \
        functions.where(target == -1, functions.maximum(cosine - margin, 0.0), 0.0)
    return _reduced(values, reduction)


@_loss
def gaussian_nll_loss(x, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log(var) + (x - target)^2 / var) / 2, var at least eps; `full`: with log(2 * pi) / 2.

    var: of x's shape, without its last dimension, with 1 there, or a number.
    """
    x, var = arrays.as_array(x), arrays.as_array(var)
    if var.ndim and var.ndim == x.ndim - 1:
        var = functions.unsqueeze(var, -1)
    var = var + functions.detach(functions.maximum(var, eps) - var)
    values = 0.5 * (functions.log(var) + functions.square(x - target) / var)
    return _reduced(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)


@_loss
def poisson_nll_loss(x, target, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """exp(x) - target * x, or without log_input x - target * log(x + eps).

    `full`: with Stirling's term, target * log(target) - target + log(2 * pi * target) / 2, where
    the target is above 1.
    """
    x, target = arrays.as_array(x), arrays.as_array(target)
    values = functions.exp(x) - target * x if log_input else x - target * functions.log(x + eps)
    if full:
        large = target > 1
        safe = functions.where(large, target, 1.0)
        stirling = safe * functions.log(safe) - safe + 0.5 * functions.log(2 * math.pi * safe)
        values = values + functions.where(large, stirling, 0.0)
    return _reduced(values, reduction)


__all__ = """
binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy
gaussian_nll_loss hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss
multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss nll_loss poisson_nll_loss
smooth_l1_loss soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss
""".split()
