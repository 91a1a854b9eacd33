# SPDX-License-Identifier: Apache-2.0
"""What training loops do beside layers, under PyTorch's names.

Takes parameters, modules whose weights are normalised (`parametrize`, `parametrizations`), or
sequences of several lengths (`rnn`).
"""
# pylint: disable=wildcard-import
from mintor.nn.utils import parametrizations, parametrize, rnn
from mintor.nn.utils.normalised import *
from mintor.nn.utils.parameters import *
