# SPDX-License-Identifier: Apache-2.0
"""Adagrad and Adadelta, as torch.optim's.

Keeps true: the formulas are PyTorch's.
"""
from mintor import _mintor
from mintor.optim.adam import decay
from mintor.optim.optimizer import Optimizer, as_number


class Adagrad(Optimizer):
    """p -= lr * gradient / (sqrt(sum of squared gradients) + eps); lr falls by lr_decay."""

    _operator = _mintor.find_operator("adagrad")

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0,
                 eps=1e-10, *, maximize=False, **without_meaning):
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "maximize": maximize},
            **without_meaning)

    def _states_of(self, group):
        return ["sum"]

    def _first(self, name, group):
        return group["initial_accumulator_value"]

    def _flags_of(self, group):
        return (group["weight_decay"],)

    def _numbers_of(self, group, through):
        return [decay(group), float(group["eps"]),
                group["lr"] / (1 + through * group["lr_decay"])]


class Adadelta(Optimizer):
    """p -= lr * gradient * sqrt(mean square of steps + eps) / sqrt(mean square of gradients + eps).
    ValueError for a rho outside of 0 to 1.
    """

    _operator = _mintor.find_operator("adadelta")

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, *, maximize=False,
                 **without_meaning):
        if not 0 <= rho <= 1:
            raise ValueError(f"Adadelta: rho is {rho}, expected 0 to 1")
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
                                  "maximize": maximize}, **without_meaning)

    def _states_of(self, group):
        return ["square_avg", "acc_delta"]

    def _flags_of(self, group):
        return (group["weight_decay"],)

    def _numbers_of(self, group, through):
        rho = group["rho"]
        return [decay(group), float(rho), 1 - rho, float(group["eps"]), as_number(group["lr"])]
