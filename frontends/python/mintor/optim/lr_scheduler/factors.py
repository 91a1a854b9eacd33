# SPDX-License-Identifier: Apache-2.0
"""Schedules that multiply the first rates by a factor of the epoch.

Keeps true: an epoch multiplies the rate that is there by the ratio of two factors, so that several
schedules of one optimizer multiply their effects, as PyTorch's do.
"""
import bisect
import math

from mintor.optim.lr_scheduler.scheduler import LRScheduler


class _Factor(LRScheduler):
    """A subclass defines `factor(epoch)`; rates fall towards `eta_min`."""

    eta_min = 0.0

    def factor(self, epoch):
        """What the first rates are multiplied by in an epoch."""
        raise NotImplementedError

    def at(self):
        factor = self.factor(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * factor for base in self.base_lrs]

    def get_lr(self):
        now, before = self.factor(self.last_epoch), self.factor(self.last_epoch - 1)
        if not before:
            return self.at()
        if now == before:
            return [group["lr"] for group in self.optimizer.param_groups]
        return [self.eta_min + (group["lr"] - self.eta_min) * (now / before)
                for group in self.optimizer.param_groups]


class StepLR(_Factor):
    """gamma more every step_size epochs."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return self.gamma ** (max(epoch, 0) // self.step_size)


class MultiStepLR(_Factor):
    """gamma more at each of the milestones."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return self.gamma ** bisect.bisect_right(self.milestones, epoch)


class ExponentialLR(_Factor):
    """gamma more every epoch."""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return self.gamma ** max(epoch, 0)


class ConstantLR(_Factor):
    """`factor` for total_iters epochs, then 1. ValueError for a factor outside of 0 to 1."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor is {factor}, expected 0 to 1")
        self.constant, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return self.constant if 0 <= epoch < self.total_iters else 1.0


class LinearLR(_Factor):
    """From start_factor to end_factor in total_iters epochs. ValueError for factors outside of 0 to
    1.
    """

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5,
                 last_epoch=-1):
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: start_factor {start_factor} and end_factor {end_factor} "
                             "have to be in 0 to 1, the first one above 0")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        if epoch < 0:
            return 1.0
        return self.start_factor + (self.end_factor - self.start_factor) * \
            min(epoch, self.total_iters) / self.total_iters


class PolynomialLR(_Factor):
    """(1 - epoch / total_iters) ** power, 0 from there on."""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return (1 - min(max(epoch, 0), self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(_Factor):
    """Half a cosine from the first rate to eta_min in T_max epochs, and back."""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch):
        return (1 + math.cos(math.pi * max(epoch, 0) / self.T_max)) / 2


class _Called(LRScheduler):
    """A function of the epoch for each group; one for all may be given."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        groups = len(optimizer.param_groups)
        functions = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else \
            [lr_lambda] * groups
        if len(functions) != groups:
            raise ValueError(f"{type(self).__name__}: {len(functions)} functions for {groups} "
                             "groups")
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


class LambdaLR(_Called):
    """The first rate times lr_lambda(epoch)."""

    def get_lr(self):
        return [base * function(self.last_epoch)
                for base, function in zip(self.base_lrs, self.lr_lambdas)]


class MultiplicativeLR(_Called):
    """lr_lambda(epoch) more every epoch."""

    def get_lr(self):
        groups = self.optimizer.param_groups
        if self.last_epoch == 0:
            return [group["lr"] for group in groups]
        return [group["lr"] * function(self.last_epoch)
                for group, function in zip(groups, self.lr_lambdas)]
