# SPDX-License-Identifier: Apache-2.0
"""Padding layers of 1 to 3 dimensions of space.

Takes sizes in PyTorch's order, the last dimension first, or one number for all sides.
"""
from mintor.nn import functional
from mintor.nn.module import Module


class _Pad(Module):
    """A class says its mode; its name ends with how many dimensions it pads."""

    _mode = ""

    def __init__(self, padding):
        sides = 2 * int(type(self).__name__[-2])
        self.padding = (padding,) * sides if hasattr(padding, "__index__") else tuple(padding)
        if len(self.padding) != sides:
            raise ValueError(f"{type(self).__name__}: padding is {self.padding}, expected {sides} "
                             "integers or one")

    def execute(self, x):
        return functional.pad(x, self.padding, self._mode)

    def extra_repr(self):
        return repr(self.padding)


class _Constant(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def execute(self, x):
        return functional.pad(x, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _Zeros(_Pad):
    _mode = "constant"


def _family(base, name, mode, doc):
    """The classes of 1 to 3 dimensions."""
    return [type(f"{name}{rank}d", (base,), {"_mode": mode, "__doc__": doc, "__module__": __name__})
            for rank in (1, 2, 3)]


ConstantPad1d, ConstantPad2d, ConstantPad3d = _family(_Constant, "ConstantPad", "constant",
                                                      "One value around x.")
ZeroPad1d, ZeroPad2d, ZeroPad3d = _family(_Zeros, "ZeroPad", "constant", "Zeros around x.")
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = _family(
    _Pad, "ReflectionPad", "reflect", "x reflected at its border, without the border.")
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = _family(
    _Pad, "ReplicationPad", "replicate", "The border of x, again and again.")
CircularPad1d, CircularPad2d, CircularPad3d = _family(_Pad, "CircularPad", "circular",
                                                      "x continued from its other side.")

__all__ = [f"{name}Pad{rank}d" for rank in (1, 2, 3) for name in (
    "Constant", "Zero", "Reflection", "Replication", "Circular")]
