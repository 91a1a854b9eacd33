# SPDX-License-Identifier: Apache-2.0
"""weight_norm and spectral_norm in the form that PyTorch had first: by hooks before each forward.

Takes a module; gives it back. Keeps true: names in state_dict are those of that form (`weight_g`,
`weight_v`; `weight_orig`, `weight_u`, `weight_v`), which many files of weights have.
"""
from mintor import functions
from mintor.nn.module import Parameter
from mintor.nn.utils import parametrizations as form


def _add(module, name, parameters, buffers, compute):
    """Puts parameters and buffers in the place of one that `compute(module)` makes anew."""
    if module.__dict__.get("_parameters", {}).get(name) is None:
        raise ValueError(f"{type(module).__name__} has no parameter '{name}'")
    given = getattr(module, name)
    delattr(module, name)
    for end, value in parameters.items():
        setattr(module, name + end, Parameter(value, given.requires_grad))
    for end, value in buffers.items():
        module.register_buffer(name + end, value)

    def before(module, _):
        setattr(module, name, compute(module))
    before(module, ())
    handle = module.register_forward_pre_hook(before)
    _handles(module)[name] = handle, [*parameters, *buffers]
    return module


def _handles(module):
    return module.__dict__.setdefault("_normalised", {})


def _remove(module, name):
    if name not in _handles(module):
        raise ValueError(f"{type(module).__name__} has no '{name}' that is normalised")
    handle, ends = _handles(module).pop(name)
    handle.remove()
    value = getattr(module, name)
    for end in ends:
        delattr(module, name + end)
    setattr(module, name, Parameter(value))
    return module


def weight_norm(module, name="weight", dim=0):
    """A weight as `weight_g`, its length for each place of `dim` (None: one), and `weight_v`, its
    direction. ValueError where there is no such parameter.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        raise ValueError(f"{type(module).__name__} has no parameter '{name}'")

    def compute(module):
        v = getattr(module, name + "_v")
        return v * (getattr(module, name + "_g") / form.length_along(v, dim))
    return _add(module, name, {"_g": form.length_along(weight, dim), "_v": weight}, {}, compute)


def remove_weight_norm(module, name="weight"):
    """One parameter again. ValueError where weight_norm was not called."""
    return _remove(module, name)


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """A weight as `weight_orig` over its largest singular value, by `weight_u` and `weight_v`,
    which come nearer in each forward in training. ValueError where there is no such parameter.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        raise ValueError(f"{type(module).__name__} has no parameter '{name}'")
    dim = form._output_dim(module) if dim is None else dim
    rows, columns = form.as_matrix(weight, dim).shape

    def compute(module):
        given = getattr(module, name + "_orig")
        matrix = form.as_matrix(given, dim)
        u, v = getattr(module, name + "_u"), getattr(module, name + "_v")
        if module.training:
            for _ in range(n_power_iterations):      # v first, as that form had it
                form.power_iteration(functions.matrix_transpose(functions.detach(matrix)), v, u, 1,
                                     eps)
        return given / form.largest_singular_value(matrix, u, v)
    return _add(module, name, {"_orig": weight}, {
        "_u": form.unit_vector(rows, weight.dtype), "_v": form.unit_vector(columns, weight.dtype)},
        compute)


def remove_spectral_norm(module, name="weight"):
    """One parameter again. ValueError where spectral_norm was not called."""
    return _remove(module, name)


__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]
