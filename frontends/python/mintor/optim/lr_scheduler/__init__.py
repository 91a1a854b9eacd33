# SPDX-License-Identifier: Apache-2.0
"""Schedules of learning rates, under PyTorch's names, arguments and defaults.

Takes an optimizer; writes the `lr` of its groups. Keeps true: a learning rate is a number of the
run, so that changing it compiles nothing.
"""
from mintor.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from mintor.optim.lr_scheduler.cycles import (CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR)
from mintor.optim.lr_scheduler.factors import (ConstantLR, CosineAnnealingLR, ExponentialLR,
                                               LambdaLR, LinearLR, MultiplicativeLR, MultiStepLR,
                                               PolynomialLR, StepLR)
from mintor.optim.lr_scheduler.plateau import ReduceLROnPlateau
from mintor.optim.lr_scheduler.scheduler import LRScheduler

_LRScheduler = LRScheduler

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts",
           "CyclicLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
           "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR",
           "StepLR"]
