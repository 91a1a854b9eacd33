# SPDX-License-Identifier: Apache-2.0
"""Pooling as layers.

Takes the options of the functions of functional/pooling.py, in the order of torch.nn; gives
modules.
"""
from mintor.nn import functional
from mintor.nn.layers.function_layer import FunctionLayer
from mintor.nn.module import Module

_MAX = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
_LINE = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")


class MaxPool1d(FunctionLayer, function=functional.max_pool1d, order=_MAX):
    """The largest of each window; x[N, C, L]."""


class MaxPool2d(FunctionLayer, function=functional.max_pool2d, order=_MAX):
    """The largest of each window; x[N, C, H, W]."""


class MaxPool3d(FunctionLayer, function=functional.max_pool3d, order=_MAX):
    """The largest of each window; x[N, C, D, H, W]."""


class AvgPool1d(FunctionLayer, function=functional.avg_pool1d, order=_LINE):
    """The mean of each window; x[N, C, L]."""


class AvgPool2d(FunctionLayer, function=functional.avg_pool2d):
    """The mean of each window; x[N, C, H, W]."""


class AvgPool3d(FunctionLayer, function=functional.avg_pool3d):
    """The mean of each window; x[N, C, D, H, W]."""


class LPPool1d(FunctionLayer, function=functional.lp_pool1d):
    """The norm of each window; x[N, C, L]."""


class LPPool2d(FunctionLayer, function=functional.lp_pool2d):
    """The norm of each window; x[N, C, H, W]."""


class LPPool3d(FunctionLayer, function=functional.lp_pool3d):
    """The norm of each window; x[N, C, D, H, W]."""


class AdaptiveMaxPool1d(FunctionLayer, function=functional.adaptive_max_pool1d):
    """The largest of each of output_size cells; x[N, C, L]."""


class AdaptiveMaxPool2d(FunctionLayer, function=functional.adaptive_max_pool2d):
    """The largest of each of output_size cells; x[N, C, H, W]."""


class AdaptiveMaxPool3d(FunctionLayer, function=functional.adaptive_max_pool3d):
    """The largest of each of output_size cells; x[N, C, D, H, W]."""


class AdaptiveAvgPool1d(FunctionLayer, function=functional.adaptive_avg_pool1d):
    """The mean of each of output_size cells; x[N, C, L]."""


class AdaptiveAvgPool2d(FunctionLayer, function=functional.adaptive_avg_pool2d):
    """The mean of each of output_size cells; x[N, C, H, W]."""


class AdaptiveAvgPool3d(FunctionLayer, function=functional.adaptive_avg_pool3d):
    """The mean of each of output_size cells; x[N, C, D, H, W]."""


class _MaxUnpool(Module):
    """A class says its function."""

    _unpool = None

    def __init__(self, kernel_size, stride=None, padding=0):
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def execute(self, x, indices, output_size=None):
        return self._unpool(x, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """x[N, C, L] at the places that MaxPool1d gave with return_indices, zeros elsewhere."""
    _unpool = staticmethod(functional.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """x[N, C, H, W] at the places that MaxPool2d gave, zeros elsewhere."""
    _unpool = staticmethod(functional.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """x[N, C, D, H, W] at the places that MaxPool3d gave, zeros elsewhere."""
    _unpool = staticmethod(functional.max_unpool3d)


class Pool(Module):
    """Jittor's: op="maximum" or "mean" of each window of x[N, C, H, W]. ValueError for another op.
    """

    def __init__(self, kernel_size, stride=None, padding=0, dilation=None, return_indices=None,
                 ceil_mode=False, count_include_pad=True, op="maximum"):
        if op == "maximum":
            self.pool = MaxPool2d(kernel_size, stride, padding, dilation or 1,
                                  bool(return_indices), ceil_mode)
        elif op in ("mean", "average"):
            self.pool = AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad)
        else:
            raise ValueError(f"Pool: op is 'maximum' or 'mean', not {op!r}")

    def execute(self, x):
        return self.pool(x)


__all__ = ["Pool"] + [f"{name}{rank}d" for name in (
    "MaxPool", "MaxUnpool", "AvgPool", "LPPool", "AdaptiveMaxPool", "AdaptiveAvgPool")
                      for rank in (1, 2, 3)]
