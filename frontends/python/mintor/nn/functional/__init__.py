# SPDX-License-Identifier: Apache-2.0
"""Layers as functions, under PyTorch's names.

Takes arrays and PyTorch's arguments; gives arrays. Keeps true: nothing is computed here, each
function records a call or a few; names, order and defaults of arguments are torch.nn.functional's.
With `inplace` the array that was given gets the result.
"""
# pylint: disable=wildcard-import
from mintor.nn.functional.activation import *
from mintor.nn.functional.attention import *
from mintor.nn.functional.bags import *
from mintor.nn.functional.convolution import *
from mintor.nn.functional.ctc import *
from mintor.nn.functional.distance import *
from mintor.nn.functional.dropout import *
from mintor.nn.functional.linear import *
from mintor.nn.functional.losses import *
from mintor.nn.functional.normalization import *
from mintor.nn.functional.padding import *
from mintor.nn.functional.pooling import *
from mintor.nn.functional.resampling import *
from mintor.nn.functional.sampling import *
from mintor.nn.functional.unpooling import *
from mintor.nn.functional.windows import *

__all__ = [name for name, value in list(globals().items()) if callable(value)]
