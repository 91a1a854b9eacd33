# SPDX-License-Identifier: Apache-2.0
"""LBFGS (Nocedal 1980), as torch.optim.LBFGS.

Takes a function that computes loss and gradients anew, which it calls several times a step. Keeps
true: directions are computed on the host, from gradients that are read; state and choices are
PyTorch's.
"""
import numpy

from mintor import arrays
from mintor.optim.line_search import Point, strong_wolfe
from mintor.optim.optimizer import Optimizer


class LBFGS(Optimizer):
    """Steps along the direction of Newton's method, of a Hessian that is known by the last
    `history_size` changes of gradients.

    `max_iter` directions a step, `max_eval` evaluations (max_iter * 5 / 4 by default). It ends
    where the largest gradient is at most `tolerance_grad`, or changes are below `tolerance_change`.
    `line_search_fn`: None (the step is lr) or "strong_wolfe". ValueError for several groups, and
    for another line search.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7,
                 tolerance_change=1e-9, history_size=100, line_search_fn=None):
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn is None or 'strong_wolfe', not "
                             f"{line_search_fn!r}")
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval or max_iter * 5 // 4,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS: takes one group of parameters")

    @property
    def _parameters(self):
        return self._trained()[0]

    def _gradient(self):
        return numpy.concatenate([
            (numpy.zeros(one.shape, one.dtype) if one.grad is None else one.grad.numpy()).ravel()
            for one in self._parameters])

    def _move(self, values, length, direction):
        """Gives the parameters values + length * direction."""
        start = 0
        for one, value in zip(self._parameters, values):
            part = direction[start:start + value.size].reshape(value.shape)
            one.assign((value + value.dtype.type(length) * part).astype(value.dtype))
            start += value.size

    def _values(self):
        return [one.numpy() for one in self._parameters]

    @staticmethod
    def _direction(gradient, state):
        """Minus the inverse Hessian times the gradient, by the two loops over the changes."""
        made, parts = -gradient, []
        for change, step, scale in zip(*(reversed(state[name]) for name in
                                         ("old_dirs", "old_stps", "ro"))):
            parts.append((step @ made) * scale)
            made = made - parts[-1] * change
        made = made * state["H_diag"]
        for change, step, scale in zip(state["old_dirs"], state["old_stps"], state["ro"]):
            made = made + step * (parts.pop() - (change @ made) * scale)
        return made

    @staticmethod
    def _remember(gradient, state, history_size):
        """Takes the last step into what is known of the Hessian."""
        change = gradient - state["prev_flat_grad"]
        step = state["d"] * gradient.dtype.type(state["t"])
        product = change @ step
        if product <= 1e-10:
            return
        for name, value in (("old_dirs", change), ("old_stps", step), ("ro", 1 / product)):
            state[name] = [*state[name], value][-history_size:]
        state["H_diag"] = product / (change @ change)

    def step(self, loss=None):
        """Several steps; `loss` is a function that clears the gradients, computes the loss, calls
        its backward() and gives it. Gives the first loss. TypeError for anything else.
        """
        if not callable(loss) or isinstance(loss, arrays.Array):
            raise TypeError("LBFGS: step takes a function that computes the loss and its gradients")
        group, first = self.param_groups[0], None
        state = self.state[self._parameters[0]]
        evaluations = 0

        def evaluate():
            nonlocal first, evaluations
            made = loss()
            first, evaluations = made if first is None else first, evaluations + 1
            return float(made), self._gradient()
        value, gradient = evaluate()
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        for place in range(group["max_iter"]):
            if numpy.abs(gradient).max() <= group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(old_dirs=[], old_stps=[], ro=[], H_diag=gradient.dtype.type(1))
                direction = -gradient
            else:
                self._remember(gradient, state, group["history_size"])
                direction = self._direction(gradient, state)
            before, length = value, float(group["lr"])
            if state["n_iter"] == 1:
                length *= min(1.0, 1.0 / float(numpy.abs(gradient).sum()))
            state.update(prev_flat_grad=gradient, prev_loss=value, d=direction, t=length)
            slope = float(gradient @ direction)
            if slope > -group["tolerance_change"]:
                break
            values = self._values()
            if group["line_search_fn"]:
                def at(length):
                    self._move(values, length, direction)
                    found, there = evaluate()
                    return Point(length, found, there, float(there @ direction))
                point = strong_wolfe(at, Point(0.0, value, gradient, slope), length,
                                     float(numpy.abs(direction).max()),
                                     group["max_eval"] - evaluations)
                self._move(values, point.length, direction)
                value, gradient, length = point.loss, point.gradient, point.length
                state["t"] = length
            else:
                self._move(values, length, direction)
                if place + 1 < group["max_iter"]:       # what is not used is not computed
                    value, gradient = evaluate()
            if evaluations >= group["max_eval"] or \
                    numpy.abs(direction * length).max() <= group["tolerance_change"] or \
                    abs(value - before) < group["tolerance_change"]:
                break
        state["func_evals"] += evaluations
        return first

    @staticmethod
    def _loaded(name, value, parameter):
        def host(one):
            return numpy.asarray(arrays.as_array(one).numpy(), parameter.dtype)
        if isinstance(value, (list, tuple)):
            return [one if one is None else host(one) for one in value]     # PyTorch's "al"
        if name in ("func_evals", "n_iter"):
            return int(value)
        if getattr(value, "ndim", 0) == 0:
            return float(value) if name != "H_diag" else parameter.dtype.type(float(value))
        return host(value)
