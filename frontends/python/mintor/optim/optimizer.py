# SPDX-License-Identifier: Apache-2.0
"""What optimizers share: groups of parameters, their states, and the step as one call.

Takes parameters; gives them new values. Keeps true: `step(loss)` records one call a group, which
the compiler turns into backward and update; nothing is differentiated in Python. The loss's graph
stays usable. Numbers of a group (lr, momentum) and what counts steps are numbers of the run:
changing them compiles nothing. Parameters that have taken another number of steps are a call of
their own.
"""
import collections
import math

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import gradients
from mintor.optim import repeated
from mintor.repeated import tell

# Accepted because PyTorch's optimizers take them: a step is one fused call in any case.
_WITHOUT_MEANING = ("foreach", "fused", "capturable", "differentiable")


def as_number(value):
    """A float, or the array of one that a step takes as an input."""
    return value if isinstance(value, arrays.Array) else float(value)


def square_root(value):
    return value ** 0.5 if isinstance(value, arrays.Array) else math.sqrt(value)


class _Noted:
    """An attribute that no function reads which mt.jit repeats: it is another one each time."""

    def __set_name__(self, owner, name):
        self._name = "_" + name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        _mintor.not_replayable("numbers of an optimizer that it reads or sets")
        return getattr(instance, self._name)

    def __set__(self, instance, value):
        _mintor.not_replayable("numbers of an optimizer that it reads or sets")
        setattr(instance, self._name, value)


class Optimizer:
    """Base of optimizers.

    A subclass names its traced operator (`_operator`) and says of a group how many arrays a
    parameter's state has (`_states_of`), which structure the update has (`_flags_of`), and which
    numbers it takes for parameters that have taken `step` steps (`_numbers_of`). TypeError for what
    is no array, and for arguments that there are not; ValueError for no parameters, one in two
    groups, and numbers out of their range.
    """

    _operator = None
    _counts = {"step": 0}       # numbers in a parameter's state, and what they start with
    param_groups, state = _Noted(), _Noted()

    def __init__(self, params, defaults, **without_meaning):
        for name in without_meaning:
            if name not in _WITHOUT_MEANING:
                raise TypeError(f"{type(self).__name__} has no argument {name!r}")
        for name in ("lr", "eps", "weight_decay", "momentum"):
            if defaults.get(name, 0) < 0:
                raise ValueError(f"{type(self).__name__}: {name} is {defaults[name]}, expected at "
                                 "least 0")
        for place, beta in enumerate(defaults.get("betas", ())):
            if not 0 <= beta < 1:
                raise ValueError(f"{type(self).__name__}: betas[{place}] is {beta}, expected 0 up "
                                 "to 1")
        self.defaults = defaults
        self.param_groups = []
        self.state = collections.defaultdict(dict)      # of each parameter: arrays and numbers
        self._stepped = False
        if isinstance(params, arrays.Array):
            raise TypeError("an optimizer takes a list of parameters, not one array")
        given = list(params)
        if not given:
            raise ValueError("an optimizer needs at least one parameter")
        if not isinstance(given[0], dict):
            given = [{"params": given}]
        for group in given:
            self.add_param_group(group)
        _mintor.flush()     # what parameters are made of is no part of the first step

    def add_param_group(self, group):
        """{"params": [...], and what differs from the defaults}. TypeError for what is no array;
        ValueError for a parameter that is in a group already.
        """
        params = group["params"]
        params = [params] if isinstance(params, arrays.Array) else \
            [one[1] if isinstance(one, tuple) else one for one in params]   # named_parameters()
        known = {id(one) for old in self.param_groups for one in old["params"]}
        for one in params:
            if not isinstance(one, arrays.Array):
                raise TypeError(f"an optimizer takes arrays, got {one!r}")
            if id(one) in known:
                raise ValueError("a parameter is in two groups of the optimizer")
            known.add(id(one))
        self.param_groups.append({**self.defaults, **group, "params": params})

    @property
    def lr(self):
        """The learning rate of the first group; assigned, that of all."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value):
        for group in self.param_groups:
            group["lr"] = value

    def _trained(self):
        return [[one for one in group["params"] if one.requires_grad]
                for group in self._param_groups]

    def decides_by(self):
        """What the calls of a step depend on, beside what the loss reaches: groups, which of their
        parameters are trained, the structure of their updates.
        """
        return self._stepped, [
            (id(group), [id(one) for one in trained], list(self._states_of(group)),
             [bool(one) for one in self._flags_of(group)], bool(group.get("maximize")))
            for group, trained in zip(self._param_groups, self._trained())]

    def step(self, loss=None):
        """With a loss (one element): its backward, and the update of this optimizer's parameters.

        Without: the update by the gradients that backward() added up; a parameter without one is
        left alone. A function is called first, and its result given back (PyTorch's closures).
        """
        gradients.outside_of_bodies("step()")
        result = None
        if callable(loss) and not isinstance(loss, arrays.Array):
            result, loss = loss(), None
        trained = self._trained()
        if loss is None:
            for group, parameters in zip(self._param_groups, trained):
                with_gradient = [one for one in parameters if one.grad is not None]
                if with_gradient:
                    self._update([one.grad for one in with_gradient], True, group, with_gradient)
            self._stepped = True
        else:
            self._check(loss)
            tell(repeated.Step, self)
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
            for group, parameters in zip(self._param_groups, trained):
                if parameters:
                    sources = [next(found) for _ in parameters] if in_python else [loss]
                    self._update(sources, in_python, group, parameters)
        _mintor.flush()
        return result

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
        """See nn.utils.clip_grad_norm_; of all of this optimizer's parameters."""
        from mintor.nn import utils  # pylint: disable=import-outside-toplevel
        every = [one for group in self._param_groups for one in group["params"]]
        return utils.clip_grad_norm_(every, max_norm, norm_type)

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients; with set_to_none=False they become zeros."""
        if self._stepped:
            _mintor.not_replayable("gradients of a step that it forgets")
        self._stepped = False
        for group in self._param_groups:
            for one in group["params"]:
                one.grad = None if set_to_none or one.grad is None else arrays.zeros_like(one)

    def _update(self, sources, given, group, parameters):
        """New values of a group's parameters; `sources`: the loss, or, where gradients are given,
        one a parameter.
        """
        kinds = {}              # by what they have been through; mostly all the same
        for place, one in enumerate(parameters):
            kinds.setdefault(self._through(self._state[one]), []).append(place)
        for through, places in kinds.items():
            self._record([sources[place] for place in places] if given else sources, given, group,
                         [parameters[place] for place in places], through)

    def _record(self, sources, given, group, parameters, through):
        states = self._states_of(group)
        held = [self._held(one, name, group) for name in states for one in parameters]
        numbers = self._numbers_of(group, through)
        narrow = all(one.dtype.itemsize == 2 for one in parameters)     # that would round eps to 0
        for place, number in enumerate(numbers):
            if isinstance(number, arrays.Array):
                _mintor.not_replayable("an optimizer's number that is an array")
                numbers[place] = arrays.cast(number, dtypes.float32 if narrow else
                                             parameters[0].dtype)
            elif narrow:
                numbers[place] = arrays.array(numpy.float32(number))
        made = self._operator([*numbers, *sources, *parameters, *held], len(parameters), given,
                              bool(group.get("maximize")), [bool(one) for one in
                                                            self._flags_of(group)])
        tell(repeated.Update, self, group, parameters, len(numbers))
        made = iter((made,) if isinstance(made, arrays.Array) else made)
        for one in parameters:
            _mintor.assign(one, next(made))
        for name in states:
            for one in parameters:
                self._state[one][name] = next(made)
        for one in parameters:
            self._passed(self._state[one], group)

    def _held(self, one, name, group):
        """An array of a parameter's state, at its first value where there is none yet."""
        state = self._state[one]
        if name not in state:
            state[name] = arrays.array(numpy.full(
                one.shape, self._first(name, group), dtypes.as_numpy(one.dtype)))
        return state[name]

    def _first(self, name, group):
        """The first value of a state."""
        del name, group
        return 0

    def _through(self, state):
        """What numbers of the update depend on beside the group: how many steps were taken."""
        return state.get("step", 0)

    def _passed(self, state, group):
        """Notes in a parameter's state that a step was taken."""
        del group
        state["step"] = state.get("step", 0) + 1

    def _states_of(self, group):
        """Names of the arrays that a parameter's state has, in the operator's order."""
        raise NotImplementedError

    def _flags_of(self, group):
        """The structure of the update, in the operator's order."""
        raise NotImplementedError

    def _numbers_of(self, group, through):
        """The numbers of the update, in the operator's order."""
        raise NotImplementedError

    def state_dict(self):
        """{"state": by number of parameter, "param_groups": with these numbers}, as PyTorch's."""
        numbers = {id(one): place for place, one in enumerate(
            one for group in self.param_groups for one in group["params"])}
        groups = [{**{name: value for name, value in group.items() if name != "params"},
                   "params": [numbers[id(one)] for one in group["params"]]}
                  for group in self.param_groups]
        return {"state": {numbers[id(one)]: dict(state) for one, state in self.state.items()
                          if id(one) in numbers and state}, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Takes what state_dict gave, PyTorch's too. ValueError where groups do not fit."""
        given = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in given]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(f"load_state_dict: groups of {sizes} parameters, expected {own}")
        self.state.clear()
        for group, new in zip(self.param_groups, given):
            group.update({name: value for name, value in new.items() if name != "params"})
            for one, number in zip(group["params"], new["params"]):
                for name, value in state_dict["state"].get(number, {}).items():
                    if value is not None:
                        self.state[one][name] = self._loaded(name, value, one)

    @staticmethod
    def _loaded(name, value, parameter):
        if getattr(value, "ndim", 0) == 0 and parameter.shape != ():
            value = float(value)
        if not hasattr(value, "ndim") or name in ("step", "mu_product"):
            value = float(value)
            return int(value) if name == "step" else value
        made = arrays.array(value, parameter.dtype)
        if made.shape != parameter.shape:
            raise ValueError(f"load_state_dict: {name} has the shape {made.shape}, expected "
                             f"{parameter.shape}")
        return made

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for place, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {place}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])
