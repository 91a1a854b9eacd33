# SPDX-License-Identifier: Apache-2.0
"""Layers that are products with weights, with PyTorch's arguments, defaults and initial values.

Takes x[..., in]; gives [..., out].
"""
import math

from mintor.nn import functional
from mintor.nn import init
from mintor.nn.module import Module, parameter


class Identity(Module):
    """Gives what it is given; takes any arguments when it is made."""

    def __init__(self, *_, **__):
        pass

    def execute(self, x):
        return x


class Linear(Module):
    """x @ weight.T + bias; x[..., in_features].

    weight[out_features, in_features] and bias[out_features] start uniform in
    +-1 / sqrt(in_features), as torch.nn.Linear's.
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        self.in_features, self.out_features = in_features, out_features
        self.weight = parameter((out_features, in_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """New initial values."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def execute(self, x):
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, " \
               f"bias={self.bias is not None}"


class Bilinear(Module):
    """x1 @ weight[o] @ x2 + bias[o] for each o; weight[out, in1, in2] and bias start uniform in
    +-1 / sqrt(in1_features).
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None,
                 dtype=None):
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self.weight = parameter((out_features, in1_features, in2_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """New initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def execute(self, x1, x2):
        return functional.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self):
        return f"in1_features={self.in1_features}, in2_features={self.in2_features}, " \
               f"out_features={self.out_features}, bias={self.bias is not None}"


__all__ = ["Bilinear", "Identity", "Linear"]
