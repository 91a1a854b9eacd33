# SPDX-License-Identifier: Apache-2.0
"""Layers with PyTorch's arguments, defaults and initial values.

Takes sizes; gives modules. Keeps true: parameters are drawn from the global random stream.
"""
import math

from mintor import dtypes
from mintor import functions
from mintor import random
from mintor.nn import functional
from mintor.nn.module import Module, Parameter


def uniform_parameter(shape, bound, dtype):
    """A parameter whose elements are uniform in +-bound."""
    drawn = random.default_generator.host("uniform", shape, dtypes.float32)
    values = (drawn.numpy() * 2 - 1) * bound
    return Parameter(values.astype(dtypes.as_numpy(dtype)))


class Linear(Module):
    """x @ weight.T + bias; x[..., in_features].

    weight[out_features, in_features] and bias[out_features] start uniform in
    +-1 / sqrt(in_features), as torch.nn.Linear's.
    """

    def __init__(self, in_features, out_features, bias=True, dtype=dtypes.float32):
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(in_features) if in_features > 0 else 0
        self.weight = uniform_parameter((out_features, in_features), bound, dtype)
        if bias:
            self.bias = uniform_parameter((out_features,), bound, dtype)
        else:
            self.register_parameter("bias", None)

    def execute(self, x):
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, " \
               f"bias={self.bias is not None}"


class Identity(Module):
    """Gives what it is given."""

    def execute(self, x):
        return x


class ReLU(Module):
    """max(x, 0)."""

    def execute(self, x):
        return functions.relu(x)


Relu = ReLU


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def execute(self, x):
        return functions.sigmoid(x)


class Tanh(Module):
    """tanh(x)."""

    def execute(self, x):
        return functions.tanh(x)
