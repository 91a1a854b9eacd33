# SPDX-License-Identifier: Apache-2.0
"""Layers that are a function with options: activations, pools, losses, ...

Takes a function of functional and how many of its arguments are inputs of a call; gives a class
whose arguments are the others, with their names, order and defaults. Keeps true: an option is an
attribute and may be written later; `training` is the module's mode and no option.
"""
import inspect

from mintor import arrays
from mintor.nn.module import Module


class FunctionLayer(Module):
    """Calls its class's function. A subclass says `function=`, `inputs=` (1), `buffers=` (options
    that are arrays of the module: in its state) and `order=` (options that come in another order
    than the function's).
    """

    _function, _names, _takes_training, _buffer_names = None, (), False, ()

    def __init_subclass__(cls, function=None, inputs=1, buffers=(), order=None, **options):
        super().__init_subclass__(**options)
        if function is None:
            return
        parameters = dict(list(inspect.signature(function).parameters.items())[inputs:])
        cls._takes_training = parameters.pop("training", None) is not None
        if order:
            parameters = {name: parameters[name].replace(
                kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in order}
        cls._function, cls._names = staticmethod(function), tuple(parameters)
        cls._buffer_names = tuple(buffers)
        cls.__signature__ = inspect.Signature(list(parameters.values()))

    def __init__(self, *given, **named):
        try:
            options = self.__signature__.bind(*given, **named)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        options.apply_defaults()
        for name, value in options.arguments.items():
            if name in self._buffer_names:
                self.register_buffer(name, value if value is None else arrays.as_array(value))
            else:
                setattr(self, name, value)

    def execute(self, *inputs, **named):
        options = {name: getattr(self, name) for name in self._names} | named
        if self._takes_training:
            options["training"] = self.training
        return self._function(*inputs, **options)

    def extra_repr(self):
        parts = []
        for name, parameter in self.__signature__.parameters.items():
            value = getattr(self, name)
            if name in self._buffer_names or (
                    parameter.default is not parameter.empty and value == parameter.default):
                continue
            parts.append(f"{name}={value!r}" if parts or parameter.default is not parameter.empty
                         else str(value))
        return ", ".join(parts)
