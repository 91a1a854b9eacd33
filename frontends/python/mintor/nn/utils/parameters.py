# SPDX-License-Identifier: Apache-2.0
"""What training loops do to parameters and their gradients, under PyTorch's names.

Takes parameters, one or several. Keeps true: nothing here reads a value, so that a step that uses
it is replayed.
"""
import math

from mintor import arrays
from mintor import functions
from mintor import gradients


def _listed(parameters):
    return [parameters] if isinstance(parameters, arrays.Array) else list(parameters)


def get_total_norm(tensors, norm_type=2.0):
    """The norm of all elements of several arrays together."""
    tensors = _listed(tensors)
    if not tensors:
        return arrays.array(0.0)
    return functions.norm(functions.stack([functions.norm(one, norm_type) for one in tensors]),
                          norm_type)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales gradients so that their norm, taken together, is at most max_norm; gives the norm.

    With error_if_nonfinite it is read: ValueError where it is NaN or infinite.
    """
    del foreach
    found = [one for one in _listed(parameters) if one.grad is not None]
    with gradients.no_grad():
        total = get_total_norm([one.grad for one in found], norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise ValueError(f"clip_grad_norm_: the norm of the gradients is {total.item()}")
        scale = functions.minimum(max_norm / (total + 1e-6), 1.0)
        for one in found:
            one.grad = one.grad * arrays.cast(scale, one.grad.dtype)
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limits every element of the gradients to [-clip_value, clip_value]."""
    del foreach
    with gradients.no_grad():
        for one in _listed(parameters):
            if one.grad is not None:
                one.grad = functions.clip(one.grad, -clip_value, clip_value)


def parameters_to_vector(parameters):
    """All elements of parameters, one after another."""
    return functions.concat([functions.reshape(one, (-1,)) for one in _listed(parameters)], 0)


def vector_to_parameters(vec, parameters):
    """Gives parameters the elements of a vector, in order. ValueError where it has another number
    of them.
    """
    vec, start, parameters = arrays.as_array(vec), 0, _listed(parameters)
    wanted = sum(math.prod(one.shape) for one in parameters)
    if vec.shape != (wanted,):
        raise ValueError(f"vector_to_parameters: the vector has the shape {vec.shape}, expected "
                         f"({wanted},)")
    for one in parameters:
        count = math.prod(one.shape)
        one.assign(functions.reshape(vec[start:start + count], one.shape))
        start += count


clip_grad_norm, clip_grad_value = clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value", "clip_grad_value_",
           "get_total_norm", "parameters_to_vector", "vector_to_parameters"]
