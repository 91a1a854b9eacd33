# SPDX-License-Identifier: Apache-2.0
"""Adam and what varies it: AdamW, NAdam, RAdam, Adamax; as torch.optim's.

Keeps true: powers of the betas are computed here in double precision, for parameters that have
taken as many steps, and are numbers of the run.
"""
from mintor import _mintor
from mintor import arrays
from mintor import elementwise
from mintor.optim.optimizer import Optimizer, square_root


def decay(group):
    """What weight decay adds of a parameter, or, decoupled, leaves of it."""
    if group.get("decoupled_weight_decay"):
        return 1 - group["lr"] * group["weight_decay"]
    return float(group["weight_decay"])


class _Moments(Optimizer):
    """Means of gradients and of their squares."""

    _decoupled = False

    def _states_of(self, group):
        return ["exp_avg", "exp_avg_sq"]

    def _flags_of(self, group):
        return group["weight_decay"], group["decoupled_weight_decay"]

    @staticmethod
    def _first_numbers(group):
        beta1, beta2 = group["betas"]
        return [decay(group), 1 - beta1, float(beta2), 1 - beta2]


class Adam(_Moments):
    """p -= lr * m / (sqrt(v) + eps) of the means m of gradients and v of their squares, both
    corrected for their start at 0; with amsgrad the largest v so far.
    """

    _operator = _mintor.find_operator("adam")

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
                 *, maximize=False, decoupled_weight_decay=False, **without_meaning):
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay},
            **without_meaning)

    def _states_of(self, group):
        return super()._states_of(group) + (["max_exp_avg_sq"] if group["amsgrad"] else [])

    def _flags_of(self, group):
        return *super()._flags_of(group), group["amsgrad"]

    def _numbers_of(self, group, through):
        beta1, beta2 = group["betas"]
        step = through + 1
        return [*self._first_numbers(group), group["lr"] / (1 - beta1 ** step),
                square_root(1 - beta2 ** step), float(group["eps"])]


class AdamW(Adam):
    """Adam whose weight decay is taken from the parameters, not added to the gradients."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
                 amsgrad=False, *, maximize=False, **without_meaning):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize,
                         decoupled_weight_decay=True, **without_meaning)


class NAdam(_Moments):
    """Adam with Nesterov's momentum, whose coefficient grows by momentum_decay."""

    _operator = _mintor.find_operator("nadam")
    _counts = {"step": 0, "mu_product": 1.0}

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 momentum_decay=4e-3, decoupled_weight_decay=False, *, maximize=False,
                 **without_meaning):
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay}, **without_meaning)

    @staticmethod
    def _momentum(group, step):
        return group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))

    def _through(self, state):
        return state.get("step", 0), state.get("mu_product", 1.0)

    def _passed(self, state, group):
        super()._passed(state, group)
        state["mu_product"] = state.get("mu_product", 1.0) * self._momentum(group, state["step"])

    def _numbers_of(self, group, through):
        step, product = through[0] + 1, through[1]
        now, after = self._momentum(group, step), self._momentum(group, step + 1)
        lr, product = group["lr"], product * now
        return [*self._first_numbers(group), 1 - group["betas"][1] ** step, float(group["eps"]),
                lr * (1 - now) / (1 - product), lr * after / (1 - product * after)]


class RAdam(_Moments):
    """Adam that takes the mean's step alone until the variance is known well enough."""

    _operator = _mintor.find_operator("radam")

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 decoupled_weight_decay=False, *, maximize=False, **without_meaning):
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay},
            **without_meaning)

    def _numbers_of(self, group, through):
        beta1, beta2 = group["betas"]
        step = through + 1
        power = beta2 ** step
        most = 2 / (1 - beta2) - 1
        length = most - 2 * step * power / (1 - power)
        ratio = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        if isinstance(length, arrays.Array):
            rectified = elementwise.where(length > 5, abs(ratio) ** 0.5, 0.0)
        else:
            rectified = square_root(ratio) if length > 5 else 0.0
        return [*self._first_numbers(group), group["lr"] / (1 - beta1 ** step),
                square_root(1 - power), float(group["eps"]), rectified]


class Adamax(Optimizer):
    """Adam with the largest gradient, forgotten slowly, in place of the mean square."""

    _operator = _mintor.find_operator("adamax")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, *,
                 maximize=False, **without_meaning):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps,
                                  "weight_decay": weight_decay, "maximize": maximize},
                         **without_meaning)

    def _states_of(self, group):
        return ["exp_avg", "exp_inf"]

    def _flags_of(self, group):
        return (group["weight_decay"],)

    def _numbers_of(self, group, through):
        beta1, beta2 = group["betas"]
        return [decay(group), 1 - beta1, float(beta2), float(group["eps"]),
                group["lr"] / (1 - beta1 ** (through + 1))]
