# SPDX-License-Identifier: Apache-2.0
"""One step of recurrent layers, with PyTorch's arguments and names of parameters.

Takes x[batch, in] or x[in] and a state; gives the state after it. Keeps true: a cell is a layer of
one step, so that its numbers are those of nn.RNN, LSTM and GRU.
"""
import math

from mintor import arrays
from mintor import functions
from mintor.nn import init
from mintor.nn.layers.recurrent import one_layer
from mintor.nn.module import Module, parameter


class _Cell(Module):
    """What cells share. `_gates`: of a cell; `_states`: how many it carries."""

    _gates, _states, _mode = 1, 1, ""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self._gates * hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        for name, shape in shapes.items():
            setattr(self, name, parameter(shape, dtype, device))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, parameter((rows,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """All weights uniform in +-1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for one in self.parameters():
            init.uniform_(one, -bound, bound)

    def execute(self, x, hx=None):
        """x[batch, in] or x[in]; hx[batch, hidden] or hx[hidden], zeros where not given (LSTMCell:
        a pair). ValueError for other shapes.
        """
        x, name = arrays.as_array(x), type(self).__name__
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(f"{name}: x has the shape {x.shape}, expected [batch, "
                             f"{self.input_size}] or [{self.input_size}]")
        shape = (*x.shape[:-1], self.hidden_size)
        if hx is None:
            states = [arrays.zeros(shape, dtype=x.dtype)] * self._states
        else:
            states = [arrays.as_array(one) for one in (hx if self._states > 1 else [hx])]
        if len(states) != self._states or any(one.shape != shape for one in states):
            raise ValueError(f"{name}: takes {self._states} states of shape {shape}, got "
                             f"{[one.shape for one in states]}")
        missing = (1,) * (3 - x.ndim)       # one step, and one row where there is no batch
        whole = [functions.reshape(one, missing + one.shape) for one in (x, *states)]
        weights = [self.weight_ih, self.weight_hh]
        weights += [self.bias_ih, self.bias_hh] if self.bias else []
        _, *after = one_layer([*whole, *weights], self._mode)
        after = [functions.reshape(one, shape) for one in after]
        return after[0] if self._states == 1 else tuple(after)

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """tanh(w_ih @ x + b_ih + w_hh @ h + b_hh), or relu of it. ValueError for another nonlinearity.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None,
                 dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: there is no nonlinearity {nonlinearity!r}; tanh or relu")
        self.nonlinearity, self._mode = nonlinearity, "RNN_" + nonlinearity.upper()
        super().__init__(input_size, hidden_size, bias, device, dtype)


class LSTMCell(_Cell):
    """A step of LSTM; takes and gives a pair (h, c)."""

    _gates, _states, _mode = 4, 2, "LSTM"


class GRUCell(_Cell):
    """A step of GRU."""

    _gates, _states, _mode = 3, 1, "GRU"


__all__ = ["GRUCell", "LSTMCell", "RNNCell"]
