# SPDX-License-Identifier: Apache-2.0
"""Gradients of what was traced.

Takes arrays and functions of arrays; gives arrays that hold gradients. Keeps true: nothing is
differentiated while Python runs: a gradient is a call like any other, and the compiler makes it
when the values are needed; gradients of any order are gradients of gradients.
"""
import contextlib
import functools
import weakref

from mintor import _mintor
from mintor import arrays

_gradient = _mintor.find_operator("gradient")


class _Gradients(contextlib.ContextDecorator):
    """Whether what is computed can be differentiated later."""

    def __init__(self, on):
        self._on, self._before = on, []

    def __enter__(self):
        self._before.append(_mintor.set_gradients(self._on))

    def __exit__(self, *_):
        _mintor.set_gradients(self._before.pop())


def no_grad():
    """A context, or decorator, in which results are constants for every gradient."""
    return _Gradients(False)


def enable_grad():
    """Undoes no_grad inside of it."""
    return _Gradients(True)


def _listed(xs):
    """xs as a list, and what makes the same structure of a list."""
    if isinstance(xs, arrays.Array):
        return [xs], lambda made: made[0]
    if isinstance(xs, dict):
        return list(xs.values()), lambda made: dict(zip(xs, made))
    if not isinstance(xs, (list, tuple)):
        raise TypeError(f"grad: with respect to {xs!r}, which is no array")
    return list(xs), list


def _cotangent(y, grad_outputs):
    if grad_outputs is not None:
        return arrays.as_array(grad_outputs)
    if y.size != 1:
        raise ValueError(f"grad: y has {int(y.size)} elements; give grad_outputs, or a y of one")
    return arrays.ones_like(y)


def grad(y, xs, grad_outputs=None, create_graph=False):
    """The gradients of y with respect to xs.

    `y`: an array of one element, or of any number with `grad_outputs`, an array of its shape that
    says how much each element counts; a list of such arrays with a list of grad_outputs is summed.
    `xs`: an array, or a list, tuple or dictionary of arrays, which is the structure of the result.
    What y does not depend on gets zeros. With create_graph the result can be differentiated again.

    >>> import mintor as mt
    >>> x = mt.array([1.0, 2.0])
    >>> mt.grad((x * x).sum(), x).tolist()
    [2.0, 4.0]
    """
    wanted, rebuild = _listed(xs)
    for x in wanted:
        if not isinstance(x, arrays.Array):
            raise TypeError(f"grad: with respect to {x!r}, which is no array")
        if x.dtype.kind not in "fV":
            raise TypeError(f"grad: with respect to an array of dtype {x.dtype}; it has to be "
                            "floating-point")
    if isinstance(y, (list, tuple)):
        cotangents = grad_outputs or [None] * len(y)
        made = [grad(one, wanted, cotangent, create_graph) for one, cotangent in zip(y, cotangents)]
        return rebuild([functools.reduce(lambda a, b: a + b, parts) for parts in zip(*made)])
    if not isinstance(y, arrays.Array) or y.dtype.kind not in "fV":
        raise TypeError("grad: of something that is no floating-point array")
    cotangent = _cotangent(y, grad_outputs)
    _mintor.include_history(y, wanted)
    with _Gradients(create_graph):
        made = _gradient([y, cotangent, *wanted])
    return rebuild([made] if isinstance(made, arrays.Array) else list(made))


_trained = {}           # id -> weak reference of arrays that require gradients


def _watch(array):
    """Remembers an array as one that backward() gives a gradient."""
    key = id(array)
    _trained[key] = weakref.ref(array, lambda _: _trained.pop(key, None))


_mintor.set_watch(_watch)


def backward(y, gradient=None, parameters=None):
    """Adds the gradients of y to `.grad` of the arrays that require them and that y depends on.

    `parameters`: of these alone. Errors as of grad.
    """
    if parameters is None:
        parameters = [reference() for reference in list(_trained.values())]
        parameters = [one for one in parameters if one is not None and one.requires_grad]
    reached = [one for one, yes in zip(parameters, _mintor.depends_on(y, parameters)) if yes]
    if not reached:
        return
    for one, made in zip(reached, grad(y, reached, gradient)):
        with _Gradients(False):
            one.grad = made if one.grad is None else one.grad + made


def _call(fn, arguments, argnums, options):
    """fn's result, and copies of the arguments that it is differentiated with respect to."""
    places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    given = list(arguments)
    for place in places:
        given[place] = _copies(given[place])
    return fn(*given, **options), [given[place] for place in places]


def _copies(value):
    if isinstance(value, dict):
        return {key: _copies(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(item, arrays.Array) for item in value):
        return type(value)(_copies(item) for item in value)
    return arrays.array(value)


def value_and_grad(fn, argnums=0, has_aux=False):
    """A function that gives fn's value and its gradients by the arguments at `argnums`.

    >>> import mintor as mt
    >>> value, slope = mt.value_and_grad(lambda x: x ** 3)(mt.array(2.0))
    >>> float(value), float(slope)
    (8.0, 12.0)
    """
    @functools.wraps(fn)
    def differentiated(*arguments, **options):
        result, at = _call(fn, arguments, argnums, options)
        y = result[0] if has_aux else result
        slopes = [grad(y, x, create_graph=True) for x in at]
        return result, slopes[0] if isinstance(argnums, int) else tuple(slopes)
    return differentiated


def vjp(fn, *primals):
    """fn's value at the primals, and a function from its cotangent to those of the primals."""
    y, at = _call(fn, primals, range(len(primals)), {})

    def pull_back(cotangent):
        return tuple(grad(y, x, cotangent, create_graph=True) for x in at)
    return y, pull_back


def jvp(fn, primals, tangents):
    """fn's value at the primals, and its change along the tangents."""
    y, at = _call(fn, primals, range(len(primals)), {})
    probe = arrays.zeros_like(y)
    pulled = [grad(y, x, probe, create_graph=True) for x in at]
    change = None
    for one, tangent in zip(pulled, tangents):
        part = grad((one * arrays.as_array(tangent)).sum(), probe, create_graph=True)
        change = part if change is None else change + part
    return y, change


__all__ = ["backward", "enable_grad", "grad", "jvp", "no_grad", "value_and_grad", "vjp"]
