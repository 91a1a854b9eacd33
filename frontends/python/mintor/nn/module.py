# SPDX-License-Identifier: Apache-2.0
"""Module: a part of a model, with parameters, buffers and modules of its own.

Takes nothing from whoever defines one but attributes: a Parameter or Module that is assigned is
found by name. Keeps true: `super().__init__()` may be left out; names of `state_dict` are
PyTorch's; a bare array attribute is neither parameter nor buffer.
"""
import collections
import types

import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import files
from mintor.nn import hooks


class Parameter(arrays.Array):
    """An array that optimizers change. `requires_grad=False` freezes it."""

    def __new__(cls, value, requires_grad=True):
        made = _mintor.alias(arrays.array(value), cls)
        made.requires_grad = requires_grad
        return made

    def __init__(self, value, requires_grad=True):
        pass

    def __reduce__(self):
        return Parameter, (self.numpy(), self.requires_grad)

    def __deepcopy__(self, memo):
        return Parameter(self, self.requires_grad)


def parameter(shape, dtype=None, device=None):
    """A parameter of zeros, float32 by default, for a layer to give values."""
    arrays.check_device(device)
    return Parameter(numpy.zeros(shape, dtypes.as_numpy(dtype or dtypes.float32)))


class _Listing(list):
    """A list that `next` takes, too: PyTorch gives iterators where Jittor gives lists."""

    def __next__(self):
        if not hasattr(self, "_left"):
            self._left = iter(self)
        return next(self._left)


LoadedKeys = collections.namedtuple("LoadedKeys", "missing_keys unexpected_keys")

_changes = [0]


def changes():
    """How often an attribute of any module was set or deleted."""
    return _changes[0]


class Module:
    """Base of models and layers; a subclass defines `execute` or `forward`."""

    training = True
    _hooks = None
    _parameters = _modules = _buffers = types.MappingProxyType({})      # of those that have none

    def _table(self, name):
        tables = self.__dict__
        if name not in tables:
            tables[name] = {}
        return tables[name]

    def __setattr__(self, name, value):
        _changes[0] += 1
        if isinstance(value, arrays.Array) and not isinstance(value, Parameter) and \
                self.__dict__.get("_parameters", {}).get(name) is not None:
            raise TypeError(f"{type(self).__name__}: '{name}' is a parameter; give it a "
                            "mt.nn.Parameter, or assign values with .assign()")
        where = "_parameters" if isinstance(value, Parameter) else \
            "_modules" if isinstance(value, Module) else \
            "_buffers" if name in self.__dict__.get("_buffers", ()) else None
        for table in ("_parameters", "_modules", "_buffers"):
            if table != where:
                self.__dict__.get(table, {}).pop(name, None)
        if where == "_buffers" and value is not None:
            value = arrays.as_array(value)
        if where:
            self._table(where)[name] = value        # in its old place, if it had one
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        _changes[0] += 1
        for table in ("_parameters", "_modules", "_buffers"):
            self.__dict__.get(table, {}).pop(name, None)
        object.__delattr__(self, name)

    def register_buffer(self, name, value, persistent=True):
        """An array that belongs to the module and is not trained."""
        _changes[0] += 1
        value = None if value is None else arrays.as_array(value)
        self._table("_buffers")[name] = value
        if not persistent:
            self._table("_transient")[name] = True
        object.__setattr__(self, name, value)

    def register_parameter(self, name, value):
        """A parameter under a name; None keeps the name free."""
        if value is None:
            _changes[0] += 1
            self._table("_parameters")[name] = None
            object.__setattr__(self, name, None)
        else:
            setattr(self, name, value)

    def add_module(self, name, module):
        """A module under a name; None keeps the name free."""
        setattr(self, name, module)

    register_module = add_module

    def __call__(self, *inputs, **options):
        if self._hooks is None:
            return self.execute(*inputs, **options)
        return hooks.call(self, self._hooks, inputs, options)

    def _hooks_of(self, kind):
        if self._hooks is None:
            _changes[0] += 1
            object.__setattr__(self, "_hooks", hooks.ModuleHooks())
        return getattr(self._hooks, kind)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Calls `hook(module, args)` before the module; what it gives, unless None, takes the
        place of args (a tuple, or one value). With with_kwargs `hook(module, args, kwargs)`, which
        gives both. A handle with `remove()`.
        """
        return hooks.add(self._hooks_of("before"), hook, prepend, with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Calls `hook(module, args, output)` after the module; what it gives, unless None, takes
        the place of the output. With with_kwargs `hook(module, args, kwargs, output)`. A handle.
        """
        return hooks.add(self._hooks_of("after"), hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Calls `hook(module, grad_output)` when gradients of the module's output were computed;
        what it gives, unless None, takes their place (a tuple, or one array). A handle.
        """
        return hooks.add(self._hooks_of("before_backward"), hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Calls `hook(module, grad_input, grad_output)` when gradients of the module's positional
        arguments were computed; what it gives, unless None, takes the place of grad_input. Both
        are tuples, with None for what is no array. A handle.
        """
        return hooks.add(self._hooks_of("backward"), hook, prepend)

    def execute(self, *inputs, **options):
        """What the module computes; `forward` where that is defined instead."""
        forward = getattr(type(self), "forward", None)
        if forward is None or forward is Module.forward:
            raise NotImplementedError(f"{type(self).__name__} defines neither execute nor forward")
        return self.forward(*inputs, **options)

    def forward(self, *inputs, **options):
        """What the module computes; a subclass defines this or `execute`."""
        return self.execute(*inputs, **options)

    def named_modules(self, prefix="", remove_duplicate=True, _seen=None):
        """(name, module) of this one and all inside, outermost first."""
        seen = set() if _seen is None else _seen
        if remove_duplicate and id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self.__dict__.get("_modules", {}).items():
            path = f"{prefix}.{name}" if prefix else name
            yield from module.named_modules(path, remove_duplicate, seen)

    def modules(self):
        """This module and all inside, each once."""
        return _Listing(module for _, module in self.named_modules())

    def get_submodule(self, target):
        """The module of a name with dots; AttributeError where there is none."""
        module = self
        for name in target.split(".") if target else ():
            module = module.__dict__.get("_modules", {}).get(name)
            if module is None:
                raise AttributeError(f"{type(self).__name__} has no module '{target}'")
        return module

    def get_parameter(self, target):
        """The parameter of a name with dots; AttributeError where there is none."""
        path, _, name = target.rpartition(".")
        found = self.get_submodule(path).__dict__.get("_parameters", {}).get(name)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no parameter '{target}'")
        return found

    def named_children(self):
        """(name, module) of the modules right inside."""
        return iter(self.__dict__.get("_modules", {}).items())

    def children(self):
        """The modules right inside."""
        return iter(self.__dict__.get("_modules", {}).values())

    def _named(self, table, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        modules = self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module.__dict__.get(table, {}).items():
                if value is None or remove_duplicate and id(value) in seen:
                    continue
                seen.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, parameter), in order of definition."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """All parameters, each once, in order of definition."""
        return _Listing(value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, buffer), in order of definition."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """All buffers, each once."""
        return _Listing(value for _, value in self.named_buffers(recurse=recurse))

    def state_dict(self, prefix="", keep_vars=False):
        """Arrays by name, in PyTorch's order; shared ones under each name. They are the module's
        own: copy.deepcopy keeps what they are now.
        """
        del keep_vars
        state = collections.OrderedDict()
        for path, module in self.named_modules(prefix.removesuffix("."), remove_duplicate=False):
            transient = module.__dict__.get("_transient", {})
            for table in ("_parameters", "_buffers"):
                for name, value in module.__dict__.get(table, {}).items():
                    if value is not None and not (table == "_buffers" and name in transient):
                        state[f"{path}.{name}" if path else name] = value
        return state

    def load_state_dict(self, state, strict=True, assign=False):
        """Takes the values of arrays by name, each in its own dtype; shared ones stay shared.

        Gives (missing_keys, unexpected_keys). Nothing is changed where there is an error: KeyError
        with `strict` where names do not match, ValueError where a shape does not.
        """
        del assign
        own = self.state_dict()
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        if strict and (missing or unexpected):
            raise KeyError(f"load_state_dict of {type(self).__name__}: missing {missing}, "
                           f"unexpected {unexpected}")
        given = {name: arrays.as_array(state[name]) for name in own if name in state}
        wrong = [f"'{name}' has shape {value.shape}, expected {own[name].shape}"
                 for name, value in given.items() if value.shape != own[name].shape]
        if wrong:
            raise ValueError(f"load_state_dict of {type(self).__name__}: " + "; ".join(wrong))
        for name, value in given.items():
            own[name].assign(value)
        return LoadedKeys(missing, unexpected)

    load_parameters = load_state_dict

    def save(self, path):
        """mt.save(self.state_dict(), path)."""
        files.save(self.state_dict(), path)

    def load(self, path, strict=True):
        """load_state_dict(mt.load(path), strict)."""
        return self.load_state_dict(files.load(path), strict)

    def train(self, mode=True):
        """Whether this module and all inside train; the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """train(False)."""
        return self.train(False)

    def is_training(self):
        """Whether it trains."""
        return self.training

    def requires_grad_(self, requires_grad=True):
        """Whether optimizers and backward() take the parameters; the module."""
        for one in self.parameters():
            one.requires_grad = requires_grad
        return self

    def apply(self, function):
        """Calls function(module) of all inside, then of this one; the module."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def to(self, *arguments, dtype=None, device=None, **_):
        """Floating-point parameters and buffers as another dtype; "cpu" is the only device."""
        dtype = arrays.dtype_for_to(arguments, dtype, device)
        for value in self.parameters() + self.buffers() if dtype is not None else ():
            if value.dtype.kind in "fV":
                _mintor.assign(value, arrays.cast(value, dtype))
        return self

    def float(self):
        """Floating-point parameters and buffers as float32; the module."""
        return self.to(dtypes.float32)

    def double(self):
        """Floating-point parameters and buffers as float64; the module."""
        return self.to(dtypes.float64)

    def half(self):
        """Floating-point parameters and buffers as float16; the module."""
        return self.to(dtypes.float16)

    def bfloat16(self):
        """Floating-point parameters and buffers as bfloat16; the module."""
        return self.to(dtypes.bfloat16)

    def cpu(self):
        """The module: there is no other device."""
        return self

    def zero_grad(self, set_to_none=True):
        """Forgets the gradients; with set_to_none=False they become zeros."""
        for one in self.parameters():
            one.grad = None if set_to_none or one.grad is None else arrays.zeros_like(one)

    def extra_repr(self):
        """What a subclass shows between the brackets of its text."""
        return ""

    def __repr__(self):
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ")
                 for name, module in self.named_children()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}({extra}\n  " + "\n  ".join(lines) + "\n)"
