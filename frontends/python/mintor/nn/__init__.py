# SPDX-License-Identifier: Apache-2.0
"""Layers, under PyTorch's names; Jittor's spellings are taken too.

Takes and gives arrays. Keeps true: names, arguments and defaults are those of torch.nn; so are the
names of parameters. Functions of functional (`nn.relu`) and optimizers are here too, as Jittor has
them.
"""
# pylint: disable=wildcard-import
from mintor.functions import bmm, logsumexp, matmul
from mintor.nn import functional, init, utils
from mintor.nn.functional import *
from mintor.nn.functional import binary_cross_entropy as bce_loss
from mintor.nn.functional import cross_entropy as cross_entropy_loss
from mintor.nn.layers import *
from mintor.nn.module import Module, Parameter
from mintor.nn.summary import summary
from mintor.optim import (Adadelta, Adagrad, Adam, Adamax, AdamW, LBFGS, Lion, NAdam, RAdam,
                          RMSprop, SGD)
