# SPDX-License-Identifier: Apache-2.0
"""What training loops do beside layers, under PyTorch's names.

Takes parameters, or sequences of several lengths (`rnn`).
"""
# pylint: disable=wildcard-import
from mintor.nn.utils import rnn
from mintor.nn.utils.parameters import *
