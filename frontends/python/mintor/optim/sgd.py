# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent, as torch.optim.SGD.

Takes parameters and a loss; gives parameters and velocities new values. Keeps true: the formula and
its corner cases (first velocity, nesterov, maximize) are PyTorch's.
"""
from mintor import _mintor
from mintor import arrays
from mintor.optim.optimizer import Optimizer

_sgd = _mintor.find_operator("sgd")


class SGD(Optimizer):
    """p -= lr * v, where v = momentum * v + (1 - dampening) * (gradient + weight_decay * p)."""

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False,
                 maximize=False):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum and no dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov,
                                  "maximize": maximize})

    def _record(self, sources, given, group, parameters):
        with_velocity = group["momentum"] != 0
        if with_velocity:       # those that are new have a first step of their own
            new = [one for one in parameters if id(one) not in self.state]
            if new and len(new) < len(parameters):
                order = {id(one): source for one, source in zip(parameters, sources)}
                for some in (new, [one for one in parameters if id(one) in self.state]):
                    own = [order[id(one)] for one in some] if given else sources
                    self._record(own, given, group, some)
                return
            first = bool(new)
            velocities = [] if first else [self.state[id(one)] for one in parameters]
        else:
            first, velocities = False, []
        numbers = [float(group[name]) for name in ("lr", "momentum", "dampening", "weight_decay")]
        made = _sgd([*numbers, *sources, *parameters, *velocities], len(parameters), given,
                    group["weight_decay"] != 0, with_velocity, first, group["nesterov"],
                    group["maximize"])
        made = (made,) if isinstance(made, arrays.Array) else made
        for parameter, value in zip(parameters, made):
            _mintor.assign(parameter, value)
        for parameter, velocity in zip(parameters, made[len(parameters):]):
            self.state[id(parameter)] = velocity
