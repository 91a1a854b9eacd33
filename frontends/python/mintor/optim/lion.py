# SPDX-License-Identifier: Apache-2.0
"""Lion: steps by the sign of a mean of gradients (Chen et al. 2023, arXiv 2302.06675).

Keeps true: weight decay is decoupled.
"""
from mintor import _mintor
from mintor.optim.adam import decay
from mintor.optim.optimizer import Optimizer, as_number


class Lion(Optimizer):
    """p -= lr * (sign(beta1 * m + (1 - beta1) * gradient) + weight_decay * p); m is a mean of
    gradients by beta2.
    """

    _operator = _mintor.find_operator("lion")

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, *, maximize=False,
                 **without_meaning):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay,
                                  "maximize": maximize}, **without_meaning)

    def _states_of(self, group):
        return ["exp_avg"]

    def _flags_of(self, group):
        return (group["weight_decay"],)

    def _numbers_of(self, group, through):
        beta1, beta2 = group["betas"]
        return [decay({**group, "decoupled_weight_decay": True}), float(beta1), 1 - beta1,
                float(beta2), 1 - beta2, as_number(group["lr"])]
