# SPDX-License-Identifier: Apache-2.0
"""mt.jit: functions whose Python code runs once for each kind of arguments.

Takes a function of arrays; gives one that makes the same recorded calls without the Python code.
Keeps true: those calls are calls like any other: compiled together with what is around them,
differentiated, and never stale; what a call cannot repeat runs as Python every time.
"""
import collections
import functools
import itertools
import operator
import types

from mintor import _mintor
from mintor import arrays
from mintor import autograd
from mintor import gradients
from mintor import random
from mintor import repeated
from mintor import trees
from mintor.nn import module
from mintor.optim.optimizer import Optimizer

_MOST_KINDS = 64        # of arguments that are remembered
_MOST_ITEMS = 64        # of a list or dictionary that is looked into
_TABLES = ("_parameters", "_modules", "_buffers", "_transient", "_hooks")  # held as attributes too
_SIMPLE = (type(None), bool, int, float, complex, str, bytes)


def _items(held):
    return held.values() if isinstance(held, (dict, types.MappingProxyType)) else held


class _Seen:
    """What a function closes over, as something that can be compared; and what keeps it apart."""

    def __init__(self):
        self.alive = []         # so that no two have the same id
        self._contents = []     # of what can change without a module's attribute being set

    def is_same(self):
        """Whether lists, dictionaries and attributes that were looked into hold what they held."""
        return all(len(held) == len(before) and all(map(operator.is_, _items(held), before))
                   for held, before in self._contents)

    def of(self, value, depth=0):
        if isinstance(value, _SIMPLE):
            return type(value), value
        self.alive.append(value)
        if isinstance(value, module.Module):
            return id(value), tuple(self._of_module(one) for one in value.modules())
        if isinstance(value, (list, tuple, dict)):
            if not isinstance(value, tuple):
                self._contents.append((value, list(_items(value))))
            if len(value) > _MOST_ITEMS or depth > 3:
                return id(value), len(value)
            names = tuple(value) if isinstance(value, dict) else len(value)
            return type(value), names, tuple(self.of(item, depth + 1) for item in _items(value))
        if isinstance(value, type) and issubclass(value, autograd.Function):
            held = vars(value)
            self._contents.append((held, list(_items(held))))
            return id(value), tuple((name, self.of(item, 2)) for name, item in held.items())
        if isinstance(value, (arrays.Array, type, types.FunctionType, types.ModuleType)):
            return id(value)
        is_event = isinstance(value, (Jitted, random.Generator)) or (
            isinstance(value, Optimizer) and type(value).step is Optimizer.step)
        if is_event:        # what it does while the function runs says what that depends on
            return id(value)
        attributes = getattr(value, "__dict__", None)
        if attributes is None or depth > 1 or len(attributes) > _MOST_ITEMS:
            return id(value)
        self._contents.append((attributes, list(attributes.values())))
        return id(value), tuple((name, self.of(item, depth + 1))
                                for name, item in attributes.items())

    def _of_module(self, one):
        return id(one), tuple((name, self.of(value, 2)) for name, value in vars(one).items()
                              if name not in _TABLES and not isinstance(value, module.Module))


class _Closure:
    """Variables that a function, and functions that it names, close over."""

    def __init__(self, function):
        self._roots, self._cells, self._names = [], [], []
        self._enter(function, set())
        self._known, self._numbers, self._next = None, {}, itertools.count()

    def _enter(self, function, seen):
        own = getattr(function, "__self__", None)
        function = getattr(function, "__func__", function)
        if own is not None:
            self._roots.append(own)
        if isinstance(function, module.Module):
            self._roots.append(function)
        if isinstance(own, type) and issubclass(own, autograd.Function):
            self._enter_class(own, seen)
        if not isinstance(function, types.FunctionType) or function in seen:
            return
        seen.add(function)
        found = [(cell, None) for cell in function.__closure__ or ()]
        codes = [function.__code__]
        while codes:
            code = codes.pop()
            codes += [one for one in code.co_consts if isinstance(one, types.CodeType)]
            found += [(function.__globals__, name) for name in code.co_names
                      if name in function.__globals__]
        for where, name in found:
            value = self._read(where, name)
            if isinstance(value, type) and issubclass(value, autograd.Function):
                self._roots.append(value)
                self._enter_class(value, seen)
            if isinstance(value, (types.ModuleType, type)):
                continue
            (self._cells if name is None else self._names).append((where, name))
            if isinstance(value, Jitted):
                self._enter(value._function, seen)
            if isinstance(value, types.FunctionType) and not value.__module__.startswith("mintor"):
                self._enter(value, seen)

    def _enter_class(self, cls, seen):
        for name in ("forward", "setup_context", "backward"):
            self._enter(getattr(cls, name), seen)

    @staticmethod
    def _read(where, name):
        if name is not None:
            return where.get(name)
        try:
            return where.cell_contents
        except ValueError:          # not assigned yet
            return None

    def seen(self, others):
        """A number for what is closed over now, and what has to live as long as it counts."""
        values = [self._read(where, name) for where, name in self._cells]
        values += [where.get(name) for where, name in self._names]
        values += self._roots
        values += others
        if self._known is not None:
            changes, before, number, found = self._known
            if changes == module.changes() and len(before) == len(values) and \
                    all(map(operator.is_, before, values)) and found.is_same():
                return number, found.alive
        found = _Seen()
        seen = tuple(found.of(value) for value in values)
        if len(self._numbers) > _MOST_KINDS:
            self._numbers.clear()
        number = self._numbers.get(seen)
        if number is None:
            number = self._numbers[seen] = next(self._next)
        self._known = module.changes(), values, number, found
        return number, found.alive


class _Kind:
    """What was recorded for one kind of arguments."""

    def __init__(self, alive):
        self.alive, self.failures = alive, 0
        self.recorded = []      # of _Recorded

    def repeated(self, given):
        """What one of them gives for these arrays; None where none fits."""
        for recorded in self.recorded:
            if recorded.matches():
                made = recorded.repeat(given)
                if made is not None:
                    return made
                self.failures += 1
        return None


class _Recorded:
    """A function's calls, with what Python does each time, and the structure of its results."""

    def __init__(self, calls, events, structure, items):
        self._calls, self._events = calls, events
        self._structure, self._items = structure, items
        self._counts = [len(event.made()) for event in events]

    def matches(self):
        return self._calls.matches() and all(event.matches() for event in self._events)

    def repeat(self, given):
        """A list of the results of the recorded calls for these arrays; None where they are others.
        """
        undo = []
        made = self._made(list(given), undo)
        if made is None:
            for function in reversed(undo):
                function()
            return None
        count = len(made) - sum(self._counts)
        start = count
        for event, kept in zip(self._events, self._counts):
            event.take(made[start:start + kept])
            start += kept
        if self._structure is None and len(self._items) == 1 and self._items[0][0] == "made":
            return [made[0]]
        left = iter(made)
        return [trees.with_items(self._structure, iter([
            next(left) if place == "made" else given[item] if place == "given" else item
            for place, item in self._items]))]

    def _made(self, given, undo):
        for event in self._events:
            more = event.inputs(self._calls, undo)
            if more is None:
                return None
            given += more
        gradients.tie_lasting_hooks()
        return self._calls.replay(given)


class Jitted:
    """A function that mt.jit gave. `reasons`: why some kinds of arguments run as Python."""

    def __init__(self, function):
        functools.update_wrapper(self, function, updated=())
        self._function, self._closure = function, _Closure(function)
        self._kinds = collections.OrderedDict()
        self.reasons = []

    def __getattr__(self, name):        # of a module that was given
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._function, name)

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self):
        return f"<mintor.jit of {self._function!r}>"

    def __call__(self, *args, **options):
        key, given, others = _mintor.arguments((args, options))
        if any(hasattr(other, "__array__") for other in others):
            args, options = trees.with_items((args, options), iter([
                arrays.array(item) if hasattr(item, "__array__") else item
                for item in trees.items_of((args, options))]))
            key, given, others = _mintor.arguments((args, options))
        others = [one for one in others if not isinstance(one, _SIMPLE)]
        seen, alive = self._closure.seen(others)
        try:
            kind = self._kinds.get((key, seen, _mintor.modes()))
        except TypeError as error:
            raise TypeError(f"jit: arguments that are no arrays have to be hashable: {error}"
                            ) from None
        if kind is None:
            kind = self._kinds[key, seen, _mintor.modes()] = _Kind(alive)
            if len(self._kinds) > _MOST_KINDS:
                self._kinds.popitem(last=False)
        made = kind.repeated(given)
        if made is not None:
            return made[0]
        if kind.failures > 1:
            return self._function(*args, **options)
        return self._record(kind, args, options, given, others)

    def _record(self, kind, args, options, given, others):
        inside = [_inside(array) for array in given]
        left = iter(inside)
        args, options = trees.with_items((args, options), iter([
            next(left) if isinstance(item, arrays.Array) else item
            for item in trees.items_of((args, options))]))
        before, _ = self._closure.seen(others)
        recorded, events = _mintor.RecordedFunction(inside), []

        def watch(kind, *arguments):
            event = kind(*arguments)
            event.note(recorded)
            events.append(event)
        repeated.watches.append(watch)
        recorded.start()
        try:
            result = self._function(*args, **options)
        finally:
            recorded.stop()
            repeated.watches.remove(watch)
        for array, one in zip(given, inside):
            if not _mintor.is_same_value(array, one):
                _mintor.assign(array, one)
        del args, options
        if before != self._closure.seen(others)[0]:
            recorded.fail("a module or variable from outside that it changes")
        items = [_item(item, inside, recorded) for item in trees.items_of(result)]
        failure = recorded.finish([item for place, item in items if place == "made"] +
                                  [array for event in events for array in event.made()])
        result = trees.with_items(result, iter([given[item] if place == "given" else item
                                                for place, item in items]))
        if failure:
            kind.failures += 1
            if failure not in self.reasons:
                self.reasons.append(failure)
        else:
            kind.recorded.append(_Recorded(recorded, events, trees.with_items(
                result, iter([None] * len(items))), [
                    (place, None if place == "made" else item) for place, item in items]))
        return result


def _inside(array):
    """The argument as the function sees it: told apart from the same array from outside."""
    made = _mintor.alias(array, type(array))
    if array.requires_grad:
        made.requires_grad = True
    return made


def _item(item, inside, recorded):
    if isinstance(item, arrays.Array):
        for place, one in enumerate(inside):
            if item is one:
                return "given", place
        if recorded.has_made(item):
            return "made", item
    return "fixed", item


def jit(function=None):
    """The function, with its Python code run once for each kind of arguments.

    Arguments: arrays and ndarrays, lists, tuples and dictionaries of them; all else is hashable and
    static. The kind of arguments is their structure, shapes, dtypes, and static values; sizes that
    change compile once more, to a program for sizes in general, as everywhere. At each call are
    read: arrays and parameters of modules that the function closes over; modules (their mode,
    attributes, layers), numbers, lists and other variables that it, or functions that it names,
    refer to: where one has changed, the Python code runs again. ndarrays from outside are
    constants. Arrays that it changes in place are changed at each call; random numbers are drawn
    anew. The result can be differentiated, to any order, also by what the function closes over.

    An optimizer's `step(loss)` takes its numbers (learning rates, counts) and states of the time at
    each call; a mt.Function or mt.checkpoint passes gradients as it would outside.

    A function that reads values (a branch on one, `.numpy()`) or gradients (`.grad`, and with it
    `loss.backward()` and `step()` without a loss), reads or sets an optimizer's numbers, ties
    hooks, or keeps arrays elsewhere (a mt.Function's ctx by other ways than save_for_backward),
    runs as Python every time, with the same results; `jitted.reasons` says why. Print and the like
    happen only where the Python code runs.
    TypeError for an argument that is neither an array nor hashable.

    >>> import mintor as mt
    >>> @mt.jit
    ... def f(x, scale):
    ...     return mt.exp(x) * scale
    >>> f(mt.array([0.0, 1.0]), 2).numpy().round(3).tolist()
    [2.0, 5.436999797821045]
    """
    return jit if function is None else Jitted(function)
