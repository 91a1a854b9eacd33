# SPDX-License-Identifier: Apache-2.0
"""What functions of cond, while_loop and scan cannot do, and what the messages say.

Takes functions that read values, change arrays from outside, or give what does not fit; fails where
an error is missing or says something else. Keeps true: after an error everything works as before.
"""
import pytest

import mintor as mt
from mintor import nn

def one_side(f):
    return lambda: mt.cond(True, f, lambda x: x, mt.ones(3))


outer = mt.zeros(3)


def changes(x):
    outer[0] = x[0]
    return x


def adds(x):
    same = outer
    same += x
    return x


class Double(mt.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


def draws(c, _):
    return c + mt.randn(3), None


ERRORS = {
    "a branch of Python": (one_side(lambda x: x if x.sum() > 0 else -x), mt.CompileError,
                           "cond: its function reads a value, where none is known.*use mt.where, "
                           "mt.cond or mt.while_loop"),
    "numpy()": (one_side(lambda x: x.numpy()), mt.CompileError, "reads a value"),
    "float()": (lambda: mt.scan(lambda c, x: (c + float(x), x), 0.0, mt.ones(3)), mt.CompileError,
                "scan: its function reads a value"),
    "fetch": (one_side(lambda x: mt.fetch(x, print)), mt.CompileError, "reads a value"),
    "an index": (one_side(changes), mt.CompileError, "gives an array from outside another value"
                 ".*take the array as an argument and return its new value"),
    "in place": (one_side(adds), mt.CompileError, "gives an array from outside another value"),
    "optimizer": (one_side(lambda x: nn.SGD([outer], 0.1).step(x.sum())), mt.CompileError,
                  r"its function calls step\(\)"),
    "backward": (one_side(lambda x: x.sum().backward()), mt.CompileError,
                 r"its function calls backward\(\)"),
    "a Function": (one_side(Double.apply), mt.CompileError,
                   "calls a mt.Function, whose gradient is made by Python.*write it with op"),
    "a hook": (one_side(lambda x: x.register_hook(print)), mt.CompileError,
               "ties a hook to a gradient"),
    "random": (lambda: mt.scan(draws, mt.zeros(3), length=2), mt.CompileError,
               "draws random numbers, which would be the same in all iterations"),
    "random, inner": (lambda: mt.scan(lambda c, _: mt.cond(True, lambda: draws(c, _), lambda: (
        c, None)), mt.zeros(3), length=2), mt.CompileError, "scan: its function draws random"),
    "types": (lambda: mt.cond(True, lambda x: x.sum(), lambda x: x, mt.ones(3)), TypeError,
              r"float32\[\] and float32\[3\] in the same place"),
    "structures": (lambda: mt.cond(True, lambda x: (x, x), lambda x: x, mt.ones(3)), ValueError,
                   r"different structures, \(float32\[3\], float32\[3\]\) and float32\[3\]"),
    "carry": (lambda: mt.scan(lambda c, x: (mt.stack([c, x]), None), mt.array(0.0), mt.ones(3)),
              TypeError, r"carried value 0 starts as float32\[\], <lambda> makes it float32\[2\]"),
    "carries": (lambda: mt.scan(lambda c, x: ((c, c), None), mt.array(0.0), mt.ones(3)),
                ValueError, "carried values of another structure"),
    "a dtype that never settles": (
        lambda: mt.scan(lambda c, x: (c.astype("float64" if c.dtype == "float32" else "float32"),
                                      None), 0.0, length=2), TypeError,
        "carried value 0 starts as float(32|64)"),
    "no pair": (lambda: mt.scan(lambda c, x: c, 0.0, mt.ones(3)), TypeError,
                r"gives Array, expected \(carry, y\)"),
    "condition": (lambda: mt.while_loop(lambda x: x > 0, lambda x: x - 1, (mt.ones(3),)),
                  ValueError, "while_loop: the condition has 3 elements, expected one"),
    "lengths": (lambda: mt.scan(lambda c, x: (c, None), 0.0, (mt.ones(3), mt.ones(4))), ValueError,
                "arrays of 4 and of 3 slices"),
    "length": (lambda: mt.scan(lambda c, x: (c, None), 0.0, mt.ones(3), length=4), ValueError,
               "xs has 3 slices, length is 4"),
    "a negative length": (lambda: mt.scan(lambda c, x: (c, None), 0.0, length=-1), ValueError,
                          "length is -1, expected how many"),
    "half a length": (lambda: mt.scan(lambda c, x: (c, None), 0.0, length=2.5), ValueError,
                      "length is 2.5, expected how many"),
    "no length": (lambda: mt.scan(lambda c, x: (c, None), 0.0), ValueError, "without xs, length"),
    "no slices": (lambda: mt.scan(lambda c, x: (c, None), 0.0, mt.array(1.0)), ValueError,
                  "without dimensions"),
    "no array": (lambda: mt.scan(lambda c, x: (c, "a"), 0.0, mt.ones(3)), TypeError, "gives 'a'"),
    "no values": (lambda: mt.while_loop(lambda: True, lambda: (), ()), ValueError, "no values"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    function, kind, text = ERRORS[name]
    with pytest.raises(kind, match="(?s)" + text):
        function()
    assert outer.tolist() == [0, 0, 0]
    assert (mt.ones(2) + 1).tolist() == [2, 2]      # what failed is left


def test_gradients_that_would_leave_a_function():
    x = mt.array([1.0, 2.0])
    z = x * 2
    with pytest.raises(mt.CompileError, match="by a value from outside that another one"):
        mt.cond(True, lambda v: mt.grad((v * z).sum(), x), lambda v: v, x)
    with pytest.raises(mt.CompileError, match="takes the gradient of a value from outside"):
        mt.cond(True, lambda v: mt.grad(z, x, mt.ones(2)), lambda v: v, x)


def test_values_of_a_function_stay_in_it():
    leaked = []
    assert mt.cond(True, lambda x: leaked.append(x * 2) or x, lambda x: x, mt.ones(2)).sum() == 2
    for use in (leaked[0].numpy, lambda: leaked[0] + 1, leaked[0].sum):
        with pytest.raises(mt.CompileError, match="(?s)made in a function of control flow is "
                                                  "used outside.*return it from the function"):
            use()
    with pytest.raises(mt.CompileError, match="made in another function"):
        mt.cond(True, lambda x: x + leaked[0], lambda x: x, mt.ones(2))
    assert repr(leaked[0]) == "<mintor.array of float32[2], not known>"


def test_printing_inside_shows_the_type(capsys):
    mt.scan(lambda c, x: (print(c) or c + x, None), 0.0, mt.ones(3))
    assert capsys.readouterr().out == "<mintor.array of float32[], not known>\n"


def test_an_error_of_the_function_is_the_error():
    def f(c, x):
        raise KeyError("mine")
    with pytest.raises(KeyError, match="mine"):
        mt.scan(f, 0.0, mt.ones(3))
