# SPDX-License-Identifier: Apache-2.0
"""Branches and loops on values: cond, while_loop, scan.

Takes Python functions of arrays; gives what they make, as one call each. A function is called once
for each trace, with placeholders in the place of its arguments; what it does with them becomes a
region of the program. Keeps true: the functions are called every time, so that what they close over
can never be stale; arrays that they close over are operands of the call, with gradients.
"""
from mintor import _mintor
from mintor import arrays
from mintor import trees

_cond = _mintor.find_operator("cond")
_while_loop = _mintor.find_operator("while_loop")
_scan = _mintor.find_operator("scan")
_SETTLING = (2, 1, 0)       # how often a function is called again for the dtypes of numbers in init


def _items(tree):
    """The arrays, and what becomes one, of a structure; None is no item."""
    return [item for item in trees.items_of(tree) if item is not None]


def _with_items(tree, items):
    """The structure with these items; None stays."""
    items = iter(items)
    return trees.with_items(tree, iter([None if item is None else next(items)
                                        for item in trees.items_of(tree)]))


def _structure(tree):
    """What two structures have in common when arrays can take each other's place."""
    if isinstance(tree, dict):
        return type(tree), tuple((key, _structure(item)) for key, item in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(_structure(item) for item in tree)
    return None if tree is None else ...


def _type(array):
    return f"{array.dtype.name}{list(array.shape)}"


class _Result:
    """What a function gave: its structure, its items, and what it did, for the call."""

    def __init__(self, tree, items, body):
        self.tree, self.items, self.body = tree, items, body


def _record(recorder, function, given, scanned, call):
    """Calls `call(placeholders of given)`; those from `scanned` on are slices."""
    try:
        tree = call(recorder.enter(given, scanned))
        items = [_array(item, function) for item in _items(tree)]
        return _Result(tree, items, recorder.finish(items))
    finally:
        recorder.leave()


def _array(item, function):
    if isinstance(item, arrays.Array):
        return item
    try:
        return arrays.as_array(item)
    except TypeError as error:
        name = getattr(function, "__name__", repr(function))
        raise TypeError(f"{name} gives {item!r}; it has to give arrays and numbers, or tuples, "
                        "lists and dictionaries of them") from error


def _listed(made):
    return list(made) if isinstance(made, tuple) else [made]


def _truth(value, op, what):
    """As an array of one bool without dimensions."""
    value = arrays.as_array(value)
    if value.size != 1:
        raise ValueError(f"{op}: {what} has {int(value.size)} elements, expected one")
    if value.dtype != bool:
        value = value != 0
    return value.reshape(()) if value.ndim else value


def cond(pred, true_fn, false_fn, *operands):
    """true_fn(*operands) where pred is true, else false_fn(*operands); only one of them runs.

    `pred`: an array or number of one element. `operands`: arrays, numbers, and tuples, lists and
    dictionaries of them. Both functions give the same structure of arrays of the same types.
    Gradients go to the operands and to arrays, parameters and modules that the functions use. Both
    functions are called by each call of cond, with placeholders whose values cannot be read; an
    array from outside cannot be assigned to in them. ValueError, TypeError where what they give
    differs; CompileError for what cannot be in them.

    >>> import mintor as mt
    >>> x = mt.array([1.0, -2.0])
    >>> mt.cond(x.sum() > 0, lambda v: v * 2, lambda v: -v, x).tolist()
    [-1.0, 2.0]
    """
    pred = _truth(pred, "cond", "the condition")
    given = [arrays.as_array(item) for item in _items(operands)]
    recorder = _mintor.BodyRecorder("cond", False)
    then, otherwise = [
        _record(recorder, function, given, len(given),
                lambda inside, of=function: of(*_with_items(operands, inside)))
        for function in (true_fn, false_fn)]
    if _structure(then.tree) != _structure(otherwise.tree):
        raise ValueError(f"cond: the functions give different structures, {_described(then)} and "
                         f"{_described(otherwise)}")
    for one, other in zip(then.items, otherwise.items):
        if not _mintor.have_same_type(one, other):
            raise TypeError(f"cond: the functions give {_type(one)} and {_type(other)} in the same "
                            "place; they have to be of one shape and dtype (astype, broadcast_to)")
    if not then.items:
        return then.tree
    made = _cond([pred, *given, *recorder.captures()], then.body, otherwise.body)
    return _with_items(then.tree, _listed(made))


def _described(result):
    return repr(_with_items(result.tree, [_Named(_type(item)) for item in result.items]))


class _Named:
    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return self._name


def _check_carried(op, function, before, structure, made):
    """What an iteration gives takes the place of what it was given."""
    name = getattr(function, "__name__", repr(function))
    if _structure(made.tree) != structure:
        raise ValueError(f"{op}: {name} gives {_described(made)} for carried values of another "
                         f"structure, {_described(before)}")
    for place, (old, new) in enumerate(zip(before.items, made.items)):
        if not _mintor.have_same_type(old, new):
            raise TypeError(f"{op}: carried value {place} starts as {_type(old)}, {name} makes it "
                            f"{_type(new)}; give init that shape and dtype, or convert what "
                            f"{name} gives (astype, broadcast_to)")


def _carried(init):
    """Arrays of carried values, and which of them were numbers that may still take a dtype."""
    items = _items(init)
    weak = [place for place, item in enumerate(items) if isinstance(item, (bool, int, float))]
    return [arrays.as_array(item) for item in items], weak


def _settle(values, weak, made):
    """Gives numbers of init the dtypes that the function gave them; whether one changed."""
    changed = False
    for place in weak:
        if place < len(made) and made[place].ndim == 0 and \
                values[place].dtype != made[place].dtype:
            values[place] = arrays.cast(values[place], made[place].dtype)
            changed = True
    return changed


def while_loop(cond_fn, body_fn, init):
    """Carries values from iteration to iteration as long as cond_fn(*values) is true.

    `init`: a tuple or list of arrays, numbers, or structures of them; or one array or dictionary.
    `body_fn(*values)` gives the next values, in the same structure and of the same types. Gives the
    last values. Gradients, captured arrays and what functions may do: as for cond. Numbers in init
    take the dtype that the body gives them. ValueError where init has no values.

    >>> import mintor as mt
    >>> mt.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, mt.array(1.0)))[1].item()
    8.0
    """
    several = isinstance(init, (tuple, list))
    values, weak = _carried(init)
    if not values:
        raise ValueError("while_loop: init has no values that a condition could depend on")
    structure = _structure(tuple(init) if several else init)

    def called(function):
        def call(inside):
            state = _with_items(init, inside)
            return function(*state) if several else function(state)
        return call

    def iteration(inside):
        made = called(body_fn)(inside)
        if not several:
            return made
        return tuple(made) if isinstance(made, (tuple, list)) else (made,)

    for tries_left in _SETTLING:
        recorder = _mintor.BodyRecorder("while_loop", True)
        body = _record(recorder, body_fn, values, len(values), iteration)
        if not (tries_left and _settle(values, weak, body.items)):
            break
    _check_carried("while_loop", body_fn, _Result(tuple(init) if several else init, values, None),
                   structure, body)
    goes_on = _record(recorder, cond_fn, values, len(values), lambda inside: _truth(
        called(cond_fn)(inside), "while_loop", "the condition"))
    made = _while_loop([*values, *recorder.captures()], goes_on.body, body.body)
    return _with_items(body.tree, _listed(made))


def _length(scanned, length):
    if length is not None and (not hasattr(length, "__index__") or length < 0):
        raise ValueError(f"scan: length is {length!r}, expected how many iterations there are")
    for item in scanned:
        if item.ndim == 0:
            raise ValueError("scan: xs holds an array without dimensions, it is cut along axis 0; "
                             "a list is a structure, mt.array(list) an array")
        if length is None:
            length = item.shape[0]
        elif item.shape[0] != length:
            raise ValueError(f"scan: xs holds arrays of {item.shape[0]} and of {length} slices"
                             if item is not scanned[0] else
                             f"scan: xs has {item.shape[0]} slices, length is {length}")
    if length is None:
        raise ValueError("scan: without xs, length says how many iterations there are")
    return length


def scan(f, init, xs=None, length=None, reverse=False):
    """Carries values along axis 0: f(carry, x) -> (carry, y); gives (last carry, stacked ys).

    `init`: arrays, numbers, or structures of them, also None; `xs`: the same, cut along axis 0, or
    None with `length`. `f` gives a carry of the types of init, and a y of any structure, also None.
    With `reverse`, from the last slice to the first; ys are in the order of xs. Gradients, captured
    arrays and what f may do: as for cond. Numbers in init take the dtype that f gives them.
    TypeError where f does not give a pair.

    >>> import mintor as mt
    >>> total, sums = mt.scan(lambda c, x: (c + x, c + x), 0.0, mt.array([1.0, 2.0, 3.0]))
    >>> total.item(), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    values, weak = _carried(init)
    scanned = [arrays.as_array(item) for item in _items(xs)]
    length = _length(scanned, length)
    if reverse:
        scanned = [item[::-1] for item in scanned]
    count = len(values)

    def iteration(inside):
        made = f(_with_items(init, inside[:count]), _with_items(xs, inside[count:]))
        if not isinstance(made, tuple) or len(made) != 2:
            raise TypeError(f"scan: {getattr(f, '__name__', f)} gives {type(made).__name__}, "
                            "expected (carry, y)")
        return made

    for tries_left in _SETTLING:
        recorder = _mintor.BodyRecorder("scan", True)
        body = _record(recorder, f, values + scanned, count, iteration)
        if not (tries_left and _settle(values, weak, body.items[:len(_items(body.tree[0]))])):
            break
    carry, y = body.tree
    carried = len(_items(carry))
    _check_carried("scan", f, _Result(init, values, None), _structure(init),
                   _Result(carry, body.items[:carried], None))
    if not body.items:
        return carry, y
    made = _listed(_scan([*values, *scanned, *recorder.captures()], body.body, count, len(scanned),
                         length))
    stacked = [item[::-1] for item in made[count:]] if reverse else made[count:]
    return _with_items(carry, made[:count]), _with_items(y, stacked)


__all__ = ["cond", "scan", "while_loop"]
