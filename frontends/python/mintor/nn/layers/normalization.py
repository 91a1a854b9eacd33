# SPDX-License-Identifier: Apache-2.0
"""Normalisation layers, with PyTorch's arguments, defaults and names of state.

Takes x[N, C, D..], or rows. Keeps true: running statistics are buffers that get new values in
place, so that a training step that is replayed moves them.
"""
import numpy

from mintor import _mintor
from mintor import arrays
from mintor import gradients
from mintor.nn import functional
from mintor.nn import init
from mintor.nn.layers.function_layer import FunctionLayer
from mintor.nn.module import Module, parameter


def _as_identity(weight, bias):
    """Scales of 1 and biases of 0, where there are any."""
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


class _WithStatistics(Module):
    """weight and bias (1 and 0) with `affine`; running_mean, running_var and
    num_batches_tracked with `track_running_stats`. `_ranks`: how many dimensions x may have.
    """

    _ranks = ()

    # pylint: disable-next=too-many-arguments
    def _set(self, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(
                name, parameter((num_features,), dtype, device) if wanted else None)
        zeros = numpy.zeros(num_features, "float32")
        for name, value in (("running_mean", zeros), ("running_var", zeros + 1),
                            ("num_batches_tracked", numpy.int64(0))):
            self.register_buffer(
                name, arrays.array(value, dtype if value.ndim else None)
                if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Statistics of no batch: mean 0, variance 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self):
        self.reset_running_stats()
        _as_identity(self.weight, self.bias)

    def _check(self, x):
        name = type(self).__name__
        if self._ranks and x.ndim not in self._ranks:
            expected = " or ".join(map(str, self._ranks))
            raise ValueError(f"{name}: x has the shape {x.shape}, expected {expected} dimensions")

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, " \
               f"affine={self.affine}, track_running_stats={self.track_running_stats}"


class _BatchNorm(_WithStatistics):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True,
                 device=None, dtype=None, *, bias=True):
        self._set(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def _part(self):
        """By how much running statistics move: the momentum, or without one the mean of all."""
        if self.momentum is not None:
            return self.momentum
        return 1 / arrays.cast(self.num_batches_tracked, "float32")

    def _count(self):
        with gradients.no_grad():
            _mintor.assign(self.num_batches_tracked, self.num_batches_tracked + 1)

    def execute(self, x):
        x = arrays.as_array(x)
        self._check(x)
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"{type(self).__name__}: x has the shape {x.shape}, expected "
                             f"{self.num_features} channels")
        own = self.training or self.running_mean is None
        follows = self.training and self.track_running_stats
        if follows:
            self._count()
        return functional.batch_norm(
            x, self.running_mean if follows or not own else None,
            self.running_var if follows or not own else None, self.weight, self.bias, own,
            self._part() if follows else 0.0, self.eps)


class BatchNorm1d(_BatchNorm):
    """Every channel of x[N, C] or x[N, C, L] by its mean and variance over all else.

    While training by those of x, towards which running_mean and running_var move by the part
    `momentum` (None: the mean of all batches); after eval() by the running ones.
    """
    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As BatchNorm1d, of x[N, C, H, W]."""
    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """As BatchNorm1d, of x[N, C, D, H, W]."""
    _ranks = (5,)


class BatchNorm(_BatchNorm):
    """Jittor's: as BatchNorm1d, of any number of dimensions."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, is_train=True, sync=True):
        del sync
        super().__init__(num_features, eps, momentum, affine)
        self.training = is_train


class _InstanceNorm(_WithStatistics):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False,
                 track_running_stats=False, device=None, dtype=None, *, bias=True):
        self._set(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def execute(self, x):
        x = arrays.as_array(x)
        self._check(x)
        single = x.ndim == self._ranks[0]
        if x.shape[0 if single else 1] != self.num_features and self.affine:
            raise ValueError(f"{type(self).__name__}: x has the shape {x.shape}, expected "
                             f"{self.num_features} channels")
        own = self.training or not self.track_running_stats
        made = functional.instance_norm(        # batches are not counted, as PyTorch has it
            x[None] if single else x, self.running_mean, self.running_var, self.weight, self.bias,
            own, self.momentum or 0.0, self.eps)
        return made[0] if single else made


class InstanceNorm1d(_InstanceNorm):
    """Every channel of every image of x[N, C, L] by its own mean and variance."""
    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As InstanceNorm1d, of x[N, C, H, W]."""
    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As InstanceNorm1d, of x[N, C, D, H, W]."""
    _ranks = (4, 5)


class InstanceNorm(InstanceNorm2d):
    """Jittor's: as InstanceNorm2d, with weight and bias."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, is_train=True, sync=True):
        del sync
        super().__init__(num_features, eps, momentum, affine)
        self.training = is_train


class LayerNorm(Module):
    """Every row of x, of shape normalized_shape, by its mean and variance; then weight, bias."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None,
                 dtype=None):
        self.normalized_shape = (normalized_shape,) if hasattr(normalized_shape, "__index__") \
            else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, wanted in (("weight", True), ("bias", bias)):
            self.register_parameter(name, parameter(self.normalized_shape, dtype, device)
                                    if elementwise_affine and wanted else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Ones and zeros again."""
        _as_identity(self.weight, self.bias)

    def execute(self, x):
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, " \
               f"elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """Every row of x over the root of its mean square; then weight."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None,
                 dtype=None):
        self.normalized_shape = (normalized_shape,) if hasattr(normalized_shape, "__index__") \
            else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter("weight", parameter(self.normalized_shape, dtype, device)
                                if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Ones again."""
        _as_identity(self.weight, None)

    def execute(self, x):
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, " \
               f"elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """The channels of x[N, C, ..] in groups, each by its mean and variance; then weight, bias.
    ValueError where num_groups does not divide num_channels.
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *,
                 bias=True):
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_groups} groups do not divide {num_channels} "
                             "channels")
        self.num_groups, self.num_channels, self.eps, self.affine = \
            num_groups, num_channels, eps, affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(
                name, parameter((num_channels,), dtype, device) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Ones and zeros again."""
        _as_identity(self.weight, self.bias)

    def execute(self, x):
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class LocalResponseNorm(FunctionLayer, function=functional.local_response_norm):
    """x over a power of the mean square of neighbouring channels."""


__all__ = ["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm",
           "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "LocalResponseNorm",
           "RMSNorm"]
