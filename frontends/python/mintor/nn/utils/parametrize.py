# SPDX-License-Identifier: Apache-2.0
"""Parameters that are computed from others, as torch.nn.utils.parametrize.

Takes a module, the name of a parameter, and a module that computes it; from then on reading the
name computes it, assigning it finds what it is computed from. Keeps true: names in state_dict are
PyTorch's (`parametrizations.weight.original`, or `original0`, `original1`, ... of several).
"""
from mintor.nn.layers.containers import ModuleDict
from mintor.nn.module import Module, Parameter


class ParametrizationList(Module):
    """What a parameter is computed from, and how: modules called one after another."""

    def __init__(self, first, original):
        made = first.right_inverse(original) if hasattr(first, "right_inverse") else original
        self._count = len(made) if isinstance(made, (tuple, list)) else 0
        self._length = 0
        if self._count:
            for place, one in enumerate(made):
                setattr(self, f"original{place}", Parameter(one, original.requires_grad))
        else:
            self.original = Parameter(made, original.requires_grad)
        self.append(first)

    def append(self, module):
        """One more module, called last."""
        setattr(self, str(self._length), module)
        self._length += 1

    def _originals(self):
        return [getattr(self, f"original{place}") for place in range(self._count)] or \
            [self.original]

    def execute(self):
        made = getattr(self, "0")(*self._originals())
        for place in range(1, self._length):
            made = getattr(self, str(place))(made)
        return made

    def right_inverse(self, value):
        """Gives the originals values from which `value` is computed."""
        for place in reversed(range(self._length)):
            module = getattr(self, str(place))
            value = module.right_inverse(value) if hasattr(module, "right_inverse") else value
        for one, new in zip(self._originals(), value if self._count else [value]):
            one.assign(new)


def _computed(name):
    def read(self):
        return self.parametrizations[name]()
    return property(read, doc=f"Computed by parametrizations.{name}.")


class _Parametrized:
    """What a module's class gets in front: assigning a computed name goes to the originals."""

    def __setattr__(self, name, value):
        computed = self.__dict__.get("parametrizations")
        if computed is not None and name in computed:
            computed[name].right_inverse(value)
        else:
            super().__setattr__(name, value)


def is_parametrized(module, name=None):
    """Whether a parameter of a module is computed from others, or any is."""
    computed = module.__dict__.get("parametrizations")
    return computed is not None and (len(computed) > 0 if name is None else name in computed)


def register_parametrization(module, name, parametrization):
    """From now on `module.name` is what `parametrization` computes from the parameter that it was;
    the module.

    A parametrization may have `right_inverse`, which gives that parameter, or several, for a value.
    Registered again, it takes what the one before gives. ValueError where there is no such
    parameter.
    """
    parametrization.train(module.training)
    if is_parametrized(module, name):
        module.parametrizations[name].append(parametrization)
        return module
    original = module.__dict__.get("_parameters", {}).get(name)
    if original is None:
        raise ValueError(f"{type(module).__name__} has no parameter '{name}'")
    made = ParametrizationList(parametrization, original).train(module.training)
    delattr(module, name)
    if not is_parametrized(module):
        kind = type(module)
        module.__class__ = type(f"Parametrized{kind.__name__}", (_Parametrized, kind), {})
        module.parametrizations = ModuleDict()
    setattr(type(module), name, _computed(name))
    module.parametrizations[name] = made
    return module


def remove_parametrizations(module, name, leave_parametrized=True):
    """A parameter again, with the value that was computed, or with that of the original; the
    module. ValueError where it is none that is computed, or with leave_parametrized=False there
    are several originals.
    """
    if not is_parametrized(module, name):
        raise ValueError(f"{type(module).__name__} has no '{name}' that is computed")
    computed = module.parametrizations[name]
    if not leave_parametrized and computed._count:
        raise ValueError(f"'{name}' is computed from {computed._count} parameters")
    value = Parameter(computed() if leave_parametrized else computed.original,
                      computed._originals()[0].requires_grad)
    delattr(type(module), name)
    del module.parametrizations[name]
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__mro__[2]
    setattr(module, name, value)
    return module


__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization",
           "remove_parametrizations"]
