# SPDX-License-Identifier: Apache-2.0
"""Random loops of user code with an index, for the check of indices.

Takes a seed; gives the text, and which index values it has when it runs, by C++'s rules of types.
Keeps true: a text runs for a few thousand iterations at most.
"""
import random

import mintor as mt

BITS = {"int": 32, "unsigned": 32, "int64_t": 64}
MOST_ITERATIONS = 3000


def passes(case, compiled, *arguments):
    """Whether the check takes the text of a case, which `compiled` compiles of the arguments; where
    not, it is for the index."""
    try:
        compiled(*arguments)
    except mt.CompileError as error:
        assert "index of out is not known" in str(error), (case.source, error)
        return False
    return True


class Wraps(Exception):
    """A signed number overflows, a divisor is 0, or the loop runs too long: no case to judge."""


def settle(value, kind):
    """As the type holds it."""
    if kind == "unsigned":
        return value % 2**32
    if kind == "uint8_t":
        return value % 256
    if not -2**(BITS[kind] - 1) <= value < 2**(BITS[kind] - 1):
        raise Wraps
    return value


def common(a, b):
    """The type that arithmetic of two types is in."""
    kinds = {"int" if kind == "uint8_t" else kind for kind in (a, b)}
    return next(kind for kind in ("int64_t", "unsigned", "int") if kind in kinds)


class Expression:
    """`text`, and a function of the variables that gives its value and type."""

    def __init__(self, text, value):
        self.text, self.value = text, value


def literal(number):
    return Expression(str(number) if number >= 0 else f"({number})", lambda env: (number, "int"))


def variable(name):
    return Expression(name, lambda env: env[name])


def arithmetic(sign, x, y):
    def value(env):
        (a, a_kind), (b, b_kind) = x.value(env), y.value(env)
        kind = common(a_kind, b_kind)
        a, b = settle(a, kind), settle(b, kind)
        if sign in "/%":
            if b == 0:
                raise Wraps
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return settle(quotient if sign == "/" else a - b * quotient, kind), kind
        return settle({"+": a + b, "-": a - b, "*": a * b}[sign], kind), kind
    return Expression(f"({x.text} {sign} {y.text})", value)


def compared(sign, x, y):
    def value(env):
        (a, a_kind), (b, b_kind) = x.value(env), y.value(env)
        kind = common(a_kind, b_kind)
        a, b = settle(a, kind), settle(b, kind)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign], "bool"
    return Expression(f"{x.text} {sign} {y.text}", value)


def called(name, x, y):
    def value(env):
        return {"mt_imin": min, "mt_imax": max}[name](x.value(env)[0], y.value(env)[0]), "int64_t"
    return Expression(f"{name}({x.text}, {y.text})", value)


def chosen(condition, x, y):
    def value(env):
        kind = common(x.value(env)[1], y.value(env)[1])
        return settle((x if condition.value(env)[0] else y).value(env)[0], kind), kind
    return Expression(f"({condition.text} ? {x.text} : {y.text})", value)


def expression(rng, names, depth):
    pick = rng.random()
    if depth == 0 or pick < 0.25:
        return variable(rng.choice(names)) if names and rng.random() < 0.7 else literal(
            rng.randint(-3, 6))
    x, y = (expression(rng, names, depth - 1) for _ in range(2))
    if pick < 0.75:
        return arithmetic(rng.choice("++--*"), x, y)
    if pick < 0.83:
        return arithmetic(rng.choice("/%"), x, literal(rng.randint(1, 4)))
    if pick < 0.92:
        return called(rng.choice(["mt_imin", "mt_imax"]), x, y)
    return chosen(condition_of(rng, names), x, y)


def condition_of(rng, names):
    return compared(rng.choice(["<", "<=", ">", ">="]), expression(rng, names, 1),
                    expression(rng, names, 1))


class Case:
    """`source` writes out(index) where its guards hold; `indices()` runs it. `sizes`: names of
    int64_t that it may use.
    """

    def __init__(self, seed, sizes=()):
        rng = random.Random(seed)
        self.loops, names, text = [], list(sizes), ""
        for depth in range(rng.randint(1, 3)):
            name, kind = f"v{depth}", rng.choice(["int64_t", "int", "int", "unsigned", "uint8_t"])
            start, end = expression(rng, names, 1), expression(rng, names, 1)
            up = rng.random() < 0.75
            step = rng.choice([1, 1, 1, 2, 3]) * (1 if up else -1)
            if not names or rng.random() < 0.6:
                start, end = literal(rng.randint(0, 2)), literal(rng.randint(1, 6))
                start, end = (start, end) if up else (end, start)
            sign = rng.choice(["<", "<="] if up else [">", ">="])
            test = compared(sign, variable(name), end)
            self.loops.append((name, kind, start, test, step))
            text += (f"for ({kind} {name} = {start.text}; {test.text}; {name} "
                     f"{'+' if up else '-'}= {abs(step)}) ")
            names.append(name)
        self.guard = condition_of(rng, names) if rng.random() < 0.5 else None
        self.index = expression(rng, names, rng.randint(1, 2))
        if self.guard:
            text += f"if ({self.guard.text}) "
        self.source = text + f"\n  out({self.index.text}) = 1;"

    def indices(self, **sizes):
        """Every value of the index; None where C++ gives the text no meaning, or it is long."""
        self.left, found = MOST_ITERATIONS, set()
        try:
            self._run(0, {name: (size, "int64_t") for name, size in sizes.items()}, found)
        except Wraps:
            return None
        return found

    def _run(self, depth, env, found):
        if depth == len(self.loops):
            if self.guard is None or self.guard.value(env)[0]:
                value, _ = self.index.value(env)
                found.add(settle(value, "int64_t"))
            return
        name, kind, start, test, step = self.loops[depth]
        env = {**env, name: (settle(start.value(env)[0], kind), kind)}
        while test.value(env)[0]:
            self.left -= 1
            if self.left < 0:
                raise Wraps
            self._run(depth + 1, env, found)
            env[name] = (settle(env[name][0] + step, kind), kind)
