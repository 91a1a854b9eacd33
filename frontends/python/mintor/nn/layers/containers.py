# SPDX-License-Identifier: Apache-2.0
"""Containers of modules and parameters, as PyTorch's.

Takes modules or arrays; keeps them under their numbers or keys, which are their names in
state_dict. Keeps true: an entry is an attribute like any other, so that it is found by name.
"""
import collections

from mintor.nn.module import Module, Parameter


def _slots(module, table):
    return module.__dict__.get(table, {})


class _Listed(Module):
    """Entries under 0, 1, ...; `_entries`: the table of Module that holds them."""

    _entries = "_modules"

    def _checked(self, value):
        if not isinstance(value, Module):
            raise TypeError(f"{type(self).__name__} holds modules, got {value!r}")
        return value

    def _all(self):
        return list(_slots(self, self._entries).values())

    def _replace(self, entries):
        entries = [self._checked(entry) for entry in entries]
        for name in list(_slots(self, self._entries)):
            delattr(self, name)
        for place, entry in enumerate(entries):
            setattr(self, str(place), entry)

    def _name(self, place):
        names, place = list(_slots(self, self._entries)), place.__index__()
        if not -len(names) <= place < len(names):
            raise IndexError(f"{type(self).__name__}: {place} of {len(names)}")
        return names[place]

    def __len__(self):
        return len(_slots(self, self._entries))

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, place):
        if isinstance(place, slice):
            return type(self)(self._all()[place])
        return getattr(self, self._name(place))

    def __setitem__(self, place, value):
        setattr(self, self._name(place), self._checked(value))

    def __delitem__(self, place):
        entries = self._all()
        del entries[place]
        self._replace(entries)

    def append(self, value):
        """One more at the end; the container."""
        setattr(self, str(len(self)), self._checked(value))
        return self

    def extend(self, values):
        for value in list(values):
            self.append(value)
        return self

    def insert(self, place, value):
        entries = self._all()
        entries.insert(place, value)
        self._replace(entries)

    def pop(self, place=-1):
        value = self[place]
        del self[place]
        return value

    def __iadd__(self, values):
        return self.extend(values)

    def __add__(self, values):
        return type(self)([*self, *values])


class ModuleList(_Listed):
    """A list of modules."""

    def __init__(self, modules=None):
        self.extend(modules or ())

    def execute(self, *inputs):
        raise NotImplementedError("a ModuleList cannot be called; Sequential can")


class Sequential(_Listed):
    """Modules one after another; also of an OrderedDict, whose keys are their names, or a list."""

    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                setattr(self, name, self._checked(module))
            return
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            modules = modules[0]
        self.extend(modules)

    def __getitem__(self, place):
        if isinstance(place, str):
            return getattr(self, place)
        if isinstance(place, slice):
            return Sequential(collections.OrderedDict(list(self.named_children())[place]))
        return super().__getitem__(place)

    def execute(self, *inputs):
        modules = self._all()
        if not modules:
            return inputs[0] if len(inputs) == 1 else inputs
        made = modules[0](*inputs)
        for module in modules[1:]:
            made = module(made)
        return made


class ParameterList(_Listed):
    """A list of parameters; arrays become parameters."""

    _entries = "_parameters"

    def __init__(self, values=None):
        self.extend(values or ())

    def _checked(self, value):
        return value if isinstance(value, Parameter) else Parameter(value)

    def extra_repr(self):
        return "\n".join(f"\n  ({name}): Parameter of {value.dtype}{list(value.shape)}"
                         for name, value in _slots(self, self._entries).items())


class _Keyed(Module):
    """Entries under keys, which are strings that name no attribute of a module."""

    _entries = "_modules"

    def _checked(self, key, value):
        if not isinstance(value, Module):
            raise TypeError(f"{type(self).__name__} holds modules, got {value!r}")
        if not isinstance(key, str) or hasattr(type(self), key) or "." in key or not key:
            raise KeyError(f"{type(self).__name__}: {key!r} cannot be a key: a string without dots "
                           "that names no attribute of the container")
        return value

    def __len__(self):
        return len(_slots(self, self._entries))

    def __iter__(self):
        return iter(_slots(self, self._entries))

    def __contains__(self, key):
        return key in _slots(self, self._entries)

    def __getitem__(self, key):
        return _slots(self, self._entries)[key]

    def __setitem__(self, key, value):
        setattr(self, key, self._checked(key, value))

    def __delitem__(self, key):
        if key not in self:
            raise KeyError(key)
        delattr(self, key)

    def keys(self):
        return _slots(self, self._entries).keys()

    def values(self):
        return _slots(self, self._entries).values()

    def items(self):
        return _slots(self, self._entries).items()

    def pop(self, key):
        value = self[key]
        del self[key]
        return value

    def clear(self):
        for key in list(self):
            del self[key]

    def update(self, entries):
        """Entries of a dictionary, or pairs."""
        for key, value in entries.items() if hasattr(entries, "items") else entries:
            self[key] = value


class ModuleDict(_Keyed):
    """Modules by key."""

    def __init__(self, modules=None):
        self.update(modules or {})

    def execute(self, *inputs):
        raise NotImplementedError("a ModuleDict cannot be called; its entries can")


class ParameterDict(_Keyed):
    """Parameters by key; arrays become parameters."""

    _entries = "_parameters"

    def __init__(self, parameters=None):
        self.update(parameters or {})

    def _checked(self, key, value):
        super()._checked(key, self)
        return value if isinstance(value, Parameter) else Parameter(value)

    def extra_repr(self):
        return "".join(f"\n  ({name}): Parameter of {value.dtype}{list(value.shape)}"
                       for name, value in self.items())


__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]
