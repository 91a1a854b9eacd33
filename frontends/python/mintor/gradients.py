# SPDX-License-Identifier: Apache-2.0
"""Gradients of what was traced.

Takes arrays and functions of arrays; gives arrays that hold gradients. Keeps true: nothing is
differentiated while Python runs: a gradient is a call like any other, and the compiler makes it
when the values are needed; gradients of any order are gradients of gradients.


Where a gradient passes hooks or a function with a backward of its own (mintor/autograd.py), it is a
call up to there, then Python, then a call again.
"""
import collections
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
    if not isinstance(y, arrays.Array) or y.dtype.kind not in "fV":
        raise TypeError("grad: of something that is no floating-point array")
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
    TypeError for an x that is no array of floats.

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
    ys = list(y) if isinstance(y, (list, tuple)) else [y]
    given = grad_outputs if isinstance(y, (list, tuple)) else [grad_outputs]
    cotangents = [_cotangent(one, cotangent)
                  for one, cotangent in zip(ys, given or [None] * len(ys), strict=True)]
    return rebuild(_gradients_of(ys, cotangents, wanted, create_graph))


def _recorded(ys, cotangents, xs, stops=()):
    """One call: the gradients of ys by xs; nothing goes on beyond stops."""
    _mintor.include_history(ys, xs)
    made = _gradient([*ys, *cotangents, *xs, *stops], len(ys), len(stops))
    return [made] if isinstance(made, arrays.Array) else list(made)


def _gradients_of(ys, cotangents, xs, create_graph):
    with _Gradients(create_graph):
        return passed_on(ys, cotangents, xs)


def passed_on(ys, cotangents, xs):
    """The gradients of ys by xs for known cotangents, past all points; a list."""
    if not xs:
        return []
    found = points(ys, xs)
    if found:
        _mintor.include_history(ys, xs)
        return _Walk(ys, cotangents, xs, found).gradients()
    return _recorded(ys, cotangents, xs)


_hooked = {}            # id -> (weak reference, hooks) of arrays whose hooks outlive their values


def lasting_hooks(array):
    """The hooks of an array that is to have them whatever its value is."""
    key = id(array)
    if key not in _hooked:
        reference = weakref.ref(array, lambda _: _hooked.pop(key, None))
        _hooked[key] = reference, collections.OrderedDict()
        _mintor.set_hooks(array, _hooked[key][1])
    return _hooked[key][1]


def tie_lasting_hooks():
    """To the values that their arrays have now."""
    for reference, hooks in list(_hooked.values()):
        array = reference()
        if array is not None and _mintor.hooks_of(array) is not hooks:
            _mintor.set_hooks(array, hooks)


def points(ys, xs):
    """Where gradients of ys by xs leave the graph for Python: users before what they use."""
    if not _hooked and not _mintor.attachments():
        return []
    tie_lasting_hooks()
    return _mintor.gradient_points(ys, xs)


class _Walk:
    """Gradients with hooks and functions on the way, from the ys back.

    A seed is a value and the gradient that arrived there. At each point, what the seeds send there
    is one call; what Python makes of it is more seeds. What a hook gave goes on beyond its value.
    """

    def __init__(self, ys, cotangents, xs, found):
        self._xs, self._points = xs, found
        self._stops = [value for _, value, _, _ in found if value is not None]
        self._seeds, self._arriving, self._at_end = [], [], []
        self._hooked = []                   # values whose hooks were called, and what these gave
        for y, cotangent in zip(ys, cotangents):
            self._send(y, cotangent)

    def _send(self, value, gradient):
        if any(_mintor.is_same_value(value, stop) for stop in self._stops):
            self._arriving.append((value, gradient))    # until its hooks have been called
        else:
            self._seeds.append((value, gradient))

    def _reached(self, xs):
        """For each of xs what the seeds send there, or None."""
        if not xs:
            return []
        from_each = [_mintor.depends_on(y, xs, False) for y, _ in self._seeds]
        seeds = [seed for seed, reaches in zip(self._seeds, from_each) if any(reaches)]
        reached = [any(reaches[i] for reaches in from_each) for i in range(len(xs))]
        wanted = [x for x, yes in zip(xs, reached) if yes]
        if not wanted:
            return [None] * len(xs)
        made = iter(_recorded([y for y, _ in seeds], [gradient for _, gradient in seeds], wanted,
                              self._stops))
        return [next(made) if yes else None for yes in reached]

    def _arrived(self, xs):
        """As _reached, but what hooks gave where xs have hooks."""
        known = [next((made for value, made in self._hooked if _mintor.is_same_value(value, x)),
                      None) for x in xs]
        found = iter(self._reached([x for x, made in zip(xs, known) if made is None]))
        return [next(found) if made is None else made for made in known]

    def gradients(self):
        for call, value, tied, leads in self._points:
            if call is None:
                self._pass_hooks(value, tied)
            else:
                self._pass_function(call, tied, leads)
        for function in self._at_end:
            function()
        return [arrays.zeros_like(x) if made is None else made
                for x, made in zip(self._xs, self._arrived(self._xs))]

    def _pass_hooks(self, value, hooks):
        parts = [gradient for at, gradient in self._arriving if _mintor.is_same_value(at, value)]
        parts += [made for made in self._reached([value]) if made is not None]
        if not parts:
            return
        gradient = functools.reduce(lambda a, b: a + b, parts)
        gradient = arrays.cast(gradient, value.dtype)
        for hook in list(hooks.values()):
            made = hook(gradient)
            if made is not None:
                gradient = _checked(made, value, "a hook")
        self._hooked.append((value, gradient))
        self._seeds.append((value, gradient))

    def _pass_function(self, call, owner, leads):
        results = call.living_results()
        found = iter(self._arrived([result for result in results if result is not None]))
        gradients = [None if result is None else next(found) for result in results]
        if all(gradient is None for gradient in gradients):
            return
        taken = call.taken()
        made = owner.pass_back(call, gradients, leads, self._at_end)
        for value, gradient, wanted in zip(taken, made, leads):
            if gradient is not None and wanted:
                self._send(value, _checked(gradient, value, owner.name))


def _checked(gradient, value, who):
    """`gradient` as one of `value`: an array of its shape, with its dtype."""
    gradient = arrays.as_array(gradient)
    if gradient.shape != value.shape:
        raise ValueError(f"{who} gave a gradient of shape {gradient.shape} for an array of shape "
                         f"{value.shape}")
    return arrays.cast(gradient, value.dtype)


_trained = {}           # id -> weak reference of arrays that require gradients


def _watch(array):
    """Remembers an array as one that backward() gives a gradient."""
    key = id(array)
    _trained[key] = weakref.ref(array, lambda _: _trained.pop(key, None))


_mintor.set_watch(_watch)


def outside_of_bodies(name):
    """CompileError in a function of control flow, which cannot change arrays from outside."""
    op = _mintor.recorded_operator(False)
    if op:
        raise _mintor.CompileError(f"error: {op}: its function calls {name}, which changes arrays "
                                   "from outside\n  help: use mt.grad, and return what it gives")


def backward(y, gradient=None, parameters=None):
    """Adds the gradients of y to `.grad` of the arrays that require them and that y depends on.

    `parameters`: of these alone. Errors as of grad; CompileError in a function of cond, while_loop
    or scan.
    """
    outside_of_bodies("backward()")
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
