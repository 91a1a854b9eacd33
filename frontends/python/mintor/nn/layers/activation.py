# SPDX-License-Identifier: Apache-2.0
"""Activations as layers.

Takes the options of the functions of functional/activation.py; gives modules.
"""
from mintor.nn import functional
from mintor.nn import init as initial
from mintor.nn.layers.function_layer import FunctionLayer
from mintor.nn.module import Module, parameter


def _layer(name, function):
    """The class of that name, documented as its function."""
    made = type(FunctionLayer)(name, (FunctionLayer,), {"__doc__": function.__doc__,
                                                        "__module__": __name__}, function=function)
    return made


CELU = _layer("CELU", functional.celu)
ELU = _layer("ELU", functional.elu)
GELU = _layer("GELU", functional.gelu)
GLU = _layer("GLU", functional.glu)
Hardshrink = _layer("Hardshrink", functional.hardshrink)
Hardsigmoid = _layer("Hardsigmoid", functional.hardsigmoid)
Hardswish = _layer("Hardswish", functional.hardswish)
Hardtanh = _layer("Hardtanh", functional.hardtanh)
LeakyReLU = _layer("LeakyReLU", functional.leaky_relu)
LogSigmoid = _layer("LogSigmoid", functional.logsigmoid)
LogSoftmax = _layer("LogSoftmax", functional.log_softmax)
Mish = _layer("Mish", functional.mish)
ReLU = _layer("ReLU", functional.relu)
ReLU6 = _layer("ReLU6", functional.relu6)
RReLU = _layer("RReLU", functional.rrelu)
SELU = _layer("SELU", functional.selu)
SiLU = _layer("SiLU", functional.silu)
Sigmoid = _layer("Sigmoid", functional.sigmoid)
Softmax = _layer("Softmax", functional.softmax)
Softmin = _layer("Softmin", functional.softmin)
Softplus = _layer("Softplus", functional.softplus)
Softshrink = _layer("Softshrink", functional.softshrink)
Softsign = _layer("Softsign", functional.softsign)
Tanh = _layer("Tanh", functional.tanh)
Tanhshrink = _layer("Tanhshrink", functional.tanhshrink)
Threshold = _layer("Threshold", functional.threshold)
Relu, Relu6, Leaky_relu, Swish = ReLU, ReLU6, LeakyReLU, SiLU


class Softmax2d(Module):
    """softmax over the channels of x[N, C, H, W] or x[C, H, W]."""

    def execute(self, x):
        return functional.softmax(x, -3)


class PReLU(Module):
    """x above 0, weight * x below; weight[num_parameters], one or one a channel."""

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        self.num_parameters = num_parameters
        self.weight = parameter((num_parameters,), dtype, device)
        initial.constant_(self.weight, init)

    def execute(self, x):
        return functional.prelu(x, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


__all__ = """
CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU Leaky_relu LogSigmoid
LogSoftmax Mish PReLU RReLU ReLU ReLU6 Relu Relu6 SELU SiLU Sigmoid Softmax Softmax2d Softmin
Softplus Softshrink Softsign Swish Tanh Tanhshrink Threshold
""".split()
