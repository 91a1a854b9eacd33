# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent, as torch.optim.SGD.

Takes parameters and a loss; gives parameters and velocities new values. Keeps true: the formula and
its corner cases (first velocity, nesterov, maximize) are PyTorch's.
"""
from mintor import _mintor
from mintor.optim.optimizer import Optimizer, as_number


class SGD(Optimizer):
    """p -= lr * v, where v = momentum * v + (1 - dampening) * (gradient + weight_decay * p).
    ValueError for nesterov without a momentum, or with dampening.
    """

    _operator = _mintor.find_operator("sgd")
    _counts = {}

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False,
                 *, maximize=False, **without_meaning):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum and no dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov,
                                  "maximize": maximize}, **without_meaning)

    def _states_of(self, group):
        return ["momentum_buffer"] if group["momentum"] else []

    def _flags_of(self, group):
        return group["weight_decay"], group["momentum"], group["nesterov"]

    def _numbers_of(self, group, through):
        part = 1 - group["dampening"] if through else 1     # the first velocity is the gradient
        return [as_number(number) for number in (group["weight_decay"], group["momentum"], part,
                                             group["lr"])]

    def _through(self, state):
        return "momentum_buffer" in state

    def _passed(self, state, group):
        pass
