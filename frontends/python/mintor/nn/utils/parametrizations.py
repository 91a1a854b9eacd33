# SPDX-License-Identifier: Apache-2.0
"""Weights by length and direction, or by their largest singular value: torch.nn.utils'
parametrizations of these names.

Takes a module; gives it back, its weight computed. Keeps true: names and values of parameters and
buffers are PyTorch's.
"""
from mintor import arrays
from mintor import functions
from mintor import gradients
from mintor.nn import init
from mintor.nn.functional.normalization import normalize
from mintor.nn.module import Module
from mintor.nn.utils.parametrize import register_parametrization


def length_along(v, dim):
    """The norm over all dimensions but one; with None or -1 over all of them."""
    if dim is None or dim == -1:
        return functions.sqrt(functions.sum(v * v))
    axes = tuple(axis for axis in range(v.ndim) if axis != dim % v.ndim)
    return functions.sqrt(functions.sum(v * v, axes, keepdims=True))


def as_matrix(weight, dim):
    """One dimension in front, all others flattened."""
    return functions.reshape(functions.moveaxis(weight, dim, 0), (weight.shape[dim], -1))


def unit_vector(length, dtype):
    """A random direction."""
    made = arrays.zeros(length, dtype=dtype)
    init.normal_(made)
    return normalize(made, dim=0)


def power_iteration(matrix, u, v, steps, eps):
    """Brings u and v, which get new values, nearer to the matrix's largest singular vectors."""
    with gradients.no_grad():
        for _ in range(steps):
            u.assign(normalize(matrix @ v, dim=0, eps=eps))
            v.assign(normalize(functions.matrix_transpose(matrix) @ u, dim=0, eps=eps))


def largest_singular_value(matrix, u, v):
    """u^T matrix v, of the values that u and v have now."""
    return functions.sum(functions.detach(u) * (matrix @ functions.detach(v)))


class _WeightNorm(Module):
    def __init__(self, dim):
        self.dim = dim

    def execute(self, length, v):
        return v * (length / length_along(v, self.dim))

    def right_inverse(self, weight):
        return length_along(weight, self.dim), weight


class _SpectralNorm(Module):
    def __init__(self, weight, steps, dim, eps):
        self.steps, self.eps = steps, eps
        self.dim = dim % weight.ndim
        if weight.ndim > 1:
            matrix = as_matrix(functions.detach(weight), self.dim)
            self.register_buffer("_u", unit_vector(matrix.shape[0], weight.dtype))
            self.register_buffer("_v", unit_vector(matrix.shape[1], weight.dtype))
            power_iteration(matrix, self._u, self._v, 15, eps)

    def execute(self, weight):
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iteration(functions.detach(matrix), self._u, self._v, self.steps, self.eps)
        return weight / largest_singular_value(matrix, self._u, self._v)

    def right_inverse(self, value):
        return value


def weight_norm(module, name="weight", dim=0):
    """A weight as its length (`original0`, one for each place of `dim`; None: one) and its
    direction (`original1`). ValueError where there is no such parameter.
    """
    return register_parametrization(module, name, _WeightNorm(dim))


def _output_dim(module):
    return 1 if "ConvTranspose" in type(module).__name__ else 0


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """A weight over its largest singular value, which `n_power_iterations` a forward in training
    approach. `dim`: that of the outputs. ValueError where there is no such parameter.
    """
    weight = module.__dict__.get("_parameters", {}).get(name)
    if weight is None:
        raise ValueError(f"{type(module).__name__} has no parameter '{name}'")
    dim = _output_dim(module) if dim is None else dim
    return register_parametrization(module, name,
                                    _SpectralNorm(weight, n_power_iterations, dim, eps))


__all__ = ["spectral_norm", "weight_norm"]
