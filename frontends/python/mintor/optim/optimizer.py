# SPDX-License-Identifier: Apache-2.0
"""What optimizers share: groups of parameters, and the step as one call.

Takes parameters; gives them new values. Keeps true: `step(loss)` records one call a group, which
the compiler turns into backward and update; nothing is differentiated in Python. The loss's graph
stays usable. Numbers of a group (lr, momentum) are numbers of the run: changing them compiles
nothing.
"""
from mintor import _mintor
from mintor import arrays
from mintor import gradients


def clip_grad_norm_(parameters, max_norm, norm_type=2.0):
    """Scales gradients so that their norm, taken together, is at most max_norm; gives the norm."""
    parameters = [parameters] if isinstance(parameters, arrays.Array) else list(parameters)
    found = [one for one in parameters if one.grad is not None]
    if not found:
        return arrays.array(0.0)
    from mintor import functions  # pylint: disable=import-outside-toplevel
    with gradients.no_grad():
        norms = functions.stack([functions.norm(one.grad, norm_type) for one in found])
        total = functions.norm(norms, norm_type)
        scale = functions.minimum(max_norm / (total + 1e-6), 1.0)
        for one in found:
            one.grad = one.grad * arrays.cast(scale, one.dtype)
    return total


class Optimizer:
    """Base of optimizers: `_record` of a subclass makes a group's new values."""

    def __init__(self, parameters, defaults):
        self.defaults = defaults
        self.param_groups = []
        self.state = {}
        self._stepped = False
        if isinstance(parameters, arrays.Array):
            raise TypeError("an optimizer takes a list of parameters, not one array")
        given = list(parameters)
        if not given:
            raise ValueError("an optimizer needs at least one parameter")
        if not isinstance(given[0], dict):
            given = [{"params": given}]
        for group in given:
            self.add_param_group(group)

    def add_param_group(self, group):
        """{"params": [...], and what differs from the defaults}."""
        parameters = group["params"]
        parameters = [parameters] if isinstance(parameters, arrays.Array) else list(parameters)
        known = {id(one) for old in self.param_groups for one in old["params"]}
        for one in parameters:
            if not isinstance(one, arrays.Array):
                raise TypeError(f"an optimizer takes arrays, got {one!r}")
            if id(one) in known:
                raise ValueError("a parameter is in two groups of the optimizer")
            known.add(id(one))
        self.param_groups.append({**self.defaults, **group, "params": parameters})

    @property
    def lr(self):
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value):
        for group in self.param_groups:
            group["lr"] = value

    def _trained(self):
        return [[one for one in group["params"] if one.requires_grad]
                for group in self.param_groups]

    def step(self, loss=None):
        """With a loss (one element): its backward, and the update of this optimizer's parameters.

        Without: the update by the gradients that backward() added up; a parameter without one is
        left alone.
        """
        gradients.outside_of_bodies("step()")
        trained = self._trained()
        if loss is None:
            for group, parameters in zip(self.param_groups, trained):
                with_gradient = [one for one in parameters if one.grad is not None]
                if with_gradient:
                    self._record([one.grad for one in with_gradient], True, group, with_gradient)
            self._stepped = True
        else:
            self._check(loss)
            # Those that the loss does not reach are left alone.
            flat = [one for group in trained for one in group]
            reaches = _mintor.depends_on(loss, flat)
            if not all(reaches):
                reached = {id(one) for one, yes in zip(flat, reaches) if yes}
                trained = [[one for one in group if id(one) in reached] for group in trained]
                flat = [one for group in trained for one in group]
            in_python = gradients.points([loss], flat) != []    # hooks, functions with a backward
            if in_python:
                found = iter(gradients.grad(loss, flat))
            else:
                _mintor.include_history([loss], flat)
            for group, parameters in zip(self.param_groups, trained):
                if parameters:
                    sources = [next(found) for _ in parameters] if in_python else [loss]
                    self._record(sources, in_python, group, parameters)
        _mintor.flush()

    @staticmethod
    def _check(loss):
        if not isinstance(loss, arrays.Array) or loss._count != 1:
            raise ValueError("step: the loss has to be an array of one element")

    def backward(self, loss):
        """Adds the loss's gradients to `.grad`; starts from zero after a step."""
        self._check(loss)
        if self._stepped:
            self.zero_grad()
        gradients.backward(loss, parameters=[one for group in self._trained() for one in group])

    def clip_grad_norm(self, max_norm, norm_type=2.0):
        """See clip_grad_norm_; of all of this optimizer's parameters."""
        return clip_grad_norm_([one for group in self.param_groups for one in group["params"]],
                               max_norm, norm_type)

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients; with set_to_none=False they become zeros."""
        self._stepped = False
        for group in self.param_groups:
            for one in group["params"]:
                one.grad = None if set_to_none or one.grad is None else arrays.zeros_like(one)

    def _record(self, sources, given, group, parameters):
        """New values; `sources`: the loss, or, where gradients are given, one a parameter."""
        raise NotImplementedError
