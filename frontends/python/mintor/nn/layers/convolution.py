# SPDX-License-Identifier: Apache-2.0
"""Convolutions of 1 to 3 dimensions of space, with PyTorch's arguments and initial values.

Takes x[N, C, D..] or x[C, D..]. Keeps true: a class says how many dimensions of space it has and
its function, nothing else.
"""
import math

from mintor.nn import functional
from mintor.nn import init
from mintor.nn.functional.common import each
from mintor.nn.functional.convolution import padding_of
from mintor.nn.module import Module, parameter

_PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate",
                  "circular": "circular"}


class _Convolution(Module):
    """What convolutions and their transposes share; weight and bias start uniform in
    +-1 / sqrt(fan in).
    """

    _rank, _convolve, _transposed = 0, None, False

    # pylint: disable-next=too-many-arguments
    def _set(self, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
             padding_mode, device, dtype):
        name, rank = type(self).__name__, self._rank
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"{name}: {groups} groups do not divide {in_channels} input and "
                             f"{out_channels} output channels")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"{name}: there is no padding_mode {padding_mode!r}; "
                             + ", ".join(_PADDING_MODES))
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = tuple(each(kernel_size, rank, f"{name}: kernel_size"))
        self.stride = tuple(each(stride, rank, f"{name}: stride"))
        self.dilation = tuple(each(dilation, rank, f"{name}: dilation"))
        self.padding = padding if isinstance(padding, str) else \
            tuple(each(padding, rank, f"{name}: padding"))
        self.padding_mode = padding_mode
        rows, columns = (in_channels, out_channels) if self._transposed else \
            (out_channels, in_channels)
        self.weight = parameter((rows, columns // groups, *self.kernel_size), dtype, device)
        self.register_parameter("bias", parameter((out_channels,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        fan = math.prod(self.weight.shape[1:])
        bound = 1 / math.sqrt(fan) if fan else 0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self):
        extra = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, " \
                f"stride={self.stride}"
        usual = {"padding": (0,) * self._rank, "dilation": (1,) * self._rank,
                 "output_padding": (0,) * self._rank, "groups": 1, "padding_mode": "zeros"}
        for name, value in usual.items():
            if getattr(self, name, value) != value:
                extra += f", {name}={getattr(self, name)!r}"
        return extra if self.bias is not None else extra + ", bias=False"


class _Direct(_Convolution):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1,
                 groups=1, bias=True, padding_mode="zeros", device=None, dtype=None):
        self._set(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
                  padding_mode, device, dtype)

    def execute(self, x):
        padding = self.padding
        if self.padding_mode != "zeros":
            before, after = padding_of(padding, self.kernel_size, self.stride, self.dilation)
            both = [side for pair in zip(before[::-1], after[::-1]) for side in pair]
            x, padding = functional.pad(x, both, _PADDING_MODES[self.padding_mode]), 0
        return self._convolve(x, self.weight, self.bias, self.stride, padding, self.dilation,
                              self.groups)


class _Transposed(_Convolution):
    _transposed = True

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0,
                 output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros",
                 device=None, dtype=None):
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: padding_mode is 'zeros' alone")
        self.output_padding = tuple(each(output_padding, self._rank))
        self._set(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
                  padding_mode, device, dtype)

    def _added(self, x, output_size):
        """The output_padding that makes a size."""
        if output_size is None:
            return self.output_padding
        sizes, own = list(output_size)[-self._rank:], x.shape[-self._rank:]
        least = [(size - 1) * stride - 2 * pad + dilation * (kernel - 1) + 1
                 for size, stride, pad, dilation, kernel in zip(
                     own, self.stride, self.padding, self.dilation, self.kernel_size)]
        added = [size - low for size, low in zip(sizes, least)]
        if any(not 0 <= one < stride for one, stride in zip(added, self.stride)):
            raise ValueError(f"{type(self).__name__}: output_size {sizes} is not between {least} "
                             f"and {[low + s - 1 for low, s in zip(least, self.stride)]}")
        return added

    def execute(self, x, output_size=None):
        return self._convolve(x, self.weight, self.bias, self.stride, self.padding,
                              self._added(x, output_size), self.groups, self.dilation)


class Conv1d(_Direct):
    """x[N, C, L]; weight[O, C / groups, K]."""
    _rank, _convolve = 1, staticmethod(functional.conv1d)


class Conv2d(_Direct):
    """x[N, C, H, W]; weight[O, C / groups, KH, KW].

    `padding`: a number or one a dimension, "same" or "valid"; `padding_mode`: zeros, reflect,
    replicate, circular.
    """
    _rank, _convolve = 2, staticmethod(functional.conv2d)


class Conv3d(_Direct):
    """x[N, C, D, H, W]; weight[O, C / groups, KD, KH, KW]."""
    _rank, _convolve = 3, staticmethod(functional.conv3d)


class ConvTranspose1d(_Transposed):
    """x[N, C, L]; weight[C, O / groups, K]."""
    _rank, _convolve = 1, staticmethod(functional.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """x[N, C, H, W]; weight[C, O / groups, KH, KW]; may be called with an output_size."""
    _rank, _convolve = 2, staticmethod(functional.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """x[N, C, D, H, W]; weight[C, O / groups, KD, KH, KW]."""
    _rank, _convolve = 3, staticmethod(functional.conv_transpose3d)


Conv, ConvTranspose = Conv2d, ConvTranspose2d

__all__ = ["Conv", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose", "ConvTranspose1d",
           "ConvTranspose2d", "ConvTranspose3d"]
