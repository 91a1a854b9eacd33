# SPDX-License-Identifier: Apache-2.0
"""Layers, under PyTorch's names; Jittor's spellings are taken too.

Takes and gives arrays. Keeps true: names, arguments and defaults are those of torch.nn.
"""
from mintor.nn import functional
from mintor.nn.layers import Identity, Linear, Relu, ReLU, Sigmoid, Tanh
from mintor.nn.module import Module, Parameter
from mintor.nn.recurrent import GRU, LSTM, RNN
from mintor.optim import SGD

__all__ = ["GRU", "Identity", "LSTM", "Linear", "Module", "Parameter", "RNN", "ReLU", "Relu", "SGD",
           "Sigmoid", "Tanh", "functional"]
