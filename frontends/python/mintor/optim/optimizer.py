# SPDX-License-Identifier: Apache-2.0
"""What optimizers share: groups of parameters, and the step as one call.

Takes parameters; gives them new values. Keeps true: `step(loss)` records one call, which the
compiler turns into backward and update; nothing is differentiated in Python. The loss's graph stays
usable. Numbers of a group (lr, momentum) are numbers of the run: changing them compiles nothing.
"""
from mintor import _mintor
from mintor import arrays


class Optimizer:
    """Base of optimizers: `_record` of a subclass makes a group's new values."""

    def __init__(self, parameters, defaults):
        self.defaults = defaults
        self.param_groups = []
        self.state = {}
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

    def step(self, loss):
        """Backward of `loss` (one element), and update of this optimizer's parameters."""
        if not isinstance(loss, arrays.Array) or loss._count != 1:
            raise ValueError("step: the loss has to be an array of one element")
        trained = [[one for one in group["params"] if one.requires_grad]
                   for group in self.param_groups]
        _mintor.include_history(loss, [one for group in trained for one in group])
        for group, parameters in zip(self.param_groups, trained):
            if parameters:
                self._record(loss, group, parameters)
        _mintor.flush()

    def _record(self, loss, group, parameters):
        raise NotImplementedError
