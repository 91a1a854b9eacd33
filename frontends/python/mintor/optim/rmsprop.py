# SPDX-License-Identifier: Apache-2.0
"""RMSprop, as torch.optim.RMSprop.

Keeps true: the formula is PyTorch's, eps beside the root.
"""
from mintor import _mintor
from mintor.optim.adam import decay
from mintor.optim.optimizer import Optimizer, as_number


class RMSprop(Optimizer):
    """p -= lr * gradient / (sqrt(v) + eps) of the mean v of squared gradients (of their variance
    with `centered`); with a momentum the steps are added up as velocities. ValueError for an alpha
    outside of 0 to 1.
    """

    _operator = _mintor.find_operator("rmsprop")

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0,
                 centered=False, *, maximize=False, **without_meaning):
        if not 0 <= alpha <= 1:
            raise ValueError(f"RMSprop: alpha is {alpha}, expected 0 to 1")
        super().__init__(params, {
            "lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay,
            "momentum": momentum, "centered": centered, "maximize": maximize}, **without_meaning)

    def _states_of(self, group):
        return ["square_avg"] + ["grad_avg"] * bool(group["centered"]) + \
            ["momentum_buffer"] * bool(group["momentum"])

    def _flags_of(self, group):
        return group["weight_decay"], group["centered"], group["momentum"]

    def _numbers_of(self, group, through):
        alpha = group["alpha"]
        return [decay(group), float(alpha), 1 - alpha, float(group["eps"]),
                float(group["momentum"]), as_number(group["lr"])]
