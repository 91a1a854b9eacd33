# SPDX-License-Identifier: Apache-2.0
"""Optimizers, under PyTorch's names, arguments and defaults.

Takes parameters; gives them new values, one call a group and step.
"""
from mintor.optim.optimizer import Optimizer
from mintor.optim.sgd import SGD

__all__ = ["Optimizer", "SGD"]
