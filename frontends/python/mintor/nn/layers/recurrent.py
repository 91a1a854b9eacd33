# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers with PyTorch's arguments, names of parameters and results.

Takes sequences, time first or batch first; gives what every step gives and the last states. Keeps
true: a layer is one call, a loop of the compiled program; weights have PyTorch's order of gates.
"""
import math

from mintor import _mintor
from mintor import arrays
from mintor import functions
from mintor.nn import functional
from mintor.nn import init
from mintor.nn.module import Module, parameter
from mintor.nn.utils.rnn import PackedSequence

_recurrent = _mintor.find_operator("recurrent")


def one_layer(operands, mode, directions=1, lengths=None):
    """All steps of a layer: operands are x[time, batch, in], first states [directions, batch,
    hidden] and the weights of each direction; gives what the steps give, then the last states.
    With lengths[batch] a row has that many steps; what it gives after them is 0.
    """
    if lengths is not None:
        operands = [*operands, lengths]
    return _recurrent(operands, mode, directions, lengths is not None)


class _Recurrent(Module):
    """What RNN, LSTM and GRU share. `_gates`: of a cell; `_states`: how many it carries."""

    _gates, _states, _mode = 1, 1, ""

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False,
                 dropout=0.0, bidirectional=False, device=None, dtype=None):
        if hidden_size < 1 or num_layers < 1:
            raise ValueError(f"{type(self).__name__}: hidden_size {hidden_size} and num_layers "
                             f"{num_layers} have to be at least 1")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: dropout {dropout} is no probability")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional = bidirectional
        rows = self._gates * hidden_size
        for name, layer in self._parts():
            size = input_size if layer == 0 else hidden_size * (1 + bidirectional)
            shapes = {"weight_ih": (rows, size), "weight_hh": (rows, hidden_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for kind, shape in shapes.items():
                setattr(self, f"{kind}_{name}", parameter(shape, dtype, device))
        self.reset_parameters()

    def reset_parameters(self):
        """All weights uniform in +-1 / sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for one in self.parameters():
            init.uniform_(one, -bound, bound)

    def _parts(self):
        """Of each layer and direction the end of its parameters' names, and the layer."""
        for layer in range(self.num_layers):
            yield f"l{layer}", layer
            if self.bidirectional:
                yield f"l{layer}_reverse", layer

    def _weights(self, layer):
        kinds = ("weight_ih", "weight_hh") + (("bias_ih", "bias_hh") if self.bias else ())
        return [getattr(self, f"{kind}_{name}") for name, of in self._parts() if of == layer
                for kind in kinds]

    def _first_states(self, x, hx):
        directions = 1 + self.bidirectional
        shape = (self.num_layers * directions, x.shape[1], self.hidden_size)
        if hx is None:
            return [arrays.zeros(shape, dtype=x.dtype)] * self._states
        given = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        if len(given) != self._states:
            raise ValueError(f"{type(self).__name__}: takes {self._states} first states, got "
                             f"{len(given)}")
        return [arrays.as_array(state) for state in given]

    def execute(self, x, hx=None):
        """x[time, batch, in] (batch first where the layer says so; or without batch; or sequences
        that nn.utils.rnn packed), and the first states, [layers * directions, batch, hidden],
        zeros where not given (LSTM: a pair). Gives what all steps give and the last states, in the
        same layout. ValueError for other shapes.
        """
        if isinstance(x, PackedSequence):
            made, last = self._steps(x.padded, hx, x.lengths)
            return PackedSequence(made, x.lengths), last
        x, name = arrays.as_array(x), type(self).__name__
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(f"{name}: x has the shape {x.shape}, expected [time, batch, "
                             f"{self.input_size}] or [time, {self.input_size}]")
        single = x.ndim == 2
        if single:
            x = functions.unsqueeze(x, 1)
            if hx is not None:
                several = isinstance(hx, (tuple, list))
                hx = [functions.unsqueeze(arrays.as_array(state), 1)
                      for state in (hx if several else [hx])]
        elif self.batch_first:
            x = functions.permute_dims(x, (1, 0, 2))
        made, last = self._steps(x, hx)
        if single:
            squeezed = [functions.squeeze(one, 1) for one in (
                last if self._states > 1 else (last,))]
            return functions.squeeze(made, 1), tuple(squeezed) if self._states > 1 else squeezed[0]
        return functions.permute_dims(made, (1, 0, 2)) if self.batch_first else made, last

    def _steps(self, x, hx, lengths=None):
        """All layers on x[time, batch, in]; what the last one gives, and the last states."""
        states, directions = self._first_states(x, hx), 1 + self.bidirectional
        expected = (self.num_layers * directions, x.shape[1], self.hidden_size)
        for state in states:
            if state.shape != expected:
                raise ValueError(f"{type(self).__name__}: a first state has the shape "
                                 f"{state.shape}, expected {expected}")
        last = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
            first, end = layer * directions, (layer + 1) * directions
            own = [state[first:end] if self.num_layers > 1 else state for state in states]
            x, *after = one_layer([x, *own, *self._weights(layer)], self._mode,
                                  directions, lengths)
            last.append(after)
        made = [functions.concat(parts, 0) if len(parts) > 1 else parts[0] for parts in zip(*last)]
        return x, made[0] if self._states == 1 else tuple(made)

    def extra_repr(self):
        extra = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (("num_layers", 1), ("bias", True), ("batch_first", False),
                            ("dropout", 0.0), ("bidirectional", False)):
            if getattr(self, name) != usual:
                extra += f", {name}={getattr(self, name)}"
        return extra


class RNN(_Recurrent):
    """h' = tanh(w_ih @ x + b_ih + w_hh @ h + b_hh), or relu of it; torch.nn.RNN.

    Gives (output[time, batch, directions * hidden], h[layers * directions, batch, hidden]); with
    `dropout`, zeros between layers while it trains. ValueError for another nonlinearity.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True,
                 batch_first=False, dropout=0.0, bidirectional=False, device=None,
                 dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: there is no nonlinearity {nonlinearity!r}; tanh or relu")
        self.nonlinearity, self._mode = nonlinearity, "RNN_" + nonlinearity.upper()
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, device, dtype)


class LSTM(_Recurrent):
    """Long short-term memory, gates i, f, g, o; torch.nn.LSTM without proj_size.

    Gives (output, (h, c)) as RNN; the first states are a pair (h, c).

    >>> import mintor as mt
    >>> output, (h, c) = mt.nn.LSTM(4, 8, num_layers=2)(mt.zeros((5, 3, 4)))
    >>> output.shape, h.shape, c.shape
    ((5, 3, 8), (2, 3, 8), (2, 3, 8))
    """

    _gates, _states, _mode = 4, 2, "LSTM"


class GRU(_Recurrent):
    """Gated recurrent unit, gates r, z, n; torch.nn.GRU. Gives (output, h) as RNN."""

    _gates, _states, _mode = 3, 1, "GRU"


__all__ = ["GRU", "LSTM", "RNN"]
