# SPDX-License-Identifier: Apache-2.0
"""Optimizers, under PyTorch's names, arguments and defaults.

Takes parameters; gives them new values, one call a group and step.
"""
from mintor.optim import lr_scheduler
from mintor.optim.adagrad import Adadelta, Adagrad
from mintor.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from mintor.optim.lbfgs import LBFGS
from mintor.optim.lion import Lion
from mintor.optim.optimizer import Optimizer
from mintor.optim.rmsprop import RMSprop
from mintor.optim.sgd import SGD

__all__ = ["Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Lion", "NAdam", "Optimizer",
           "RAdam", "RMSprop", "SGD", "lr_scheduler"]
