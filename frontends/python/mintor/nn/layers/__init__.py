# SPDX-License-Identifier: Apache-2.0
"""Layers: modules with the names, arguments, defaults, parameters and initial values of torch.nn.

A file a family. Keeps true: what a layer computes is a function of functional; a layer keeps
options and parameters.
"""
# pylint: disable=wildcard-import
from mintor.nn.layers.activation import *
from mintor.nn.layers.attention import *
from mintor.nn.layers.containers import *
from mintor.nn.layers.convolution import *
from mintor.nn.layers.dropout import *
from mintor.nn.layers.embedding import *
from mintor.nn.layers.linear import *
from mintor.nn.layers.losses import *
from mintor.nn.layers.normalization import *
from mintor.nn.layers.padding import *
from mintor.nn.layers.pooling import *
from mintor.nn.layers.recurrent import *
from mintor.nn.layers.recurrent_cells import *
from mintor.nn.layers.shaping import *
from mintor.nn.layers.transformer import *

__all__ = [name for name, value in list(globals().items()) if isinstance(value, type)]
