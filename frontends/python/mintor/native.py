# SPDX-License-Identifier: Apache-2.0
"""Native operators that are public functions, with what they do.

Takes names; gives operators whose `__doc__` begins with how they are called. Keeps true: their
arguments are given by position.
"""
from mintor import _mintor

UNARY = {
    "abs": "The absolute value.",
    "acos": "The arc cosine, in [0, pi].",
    "acosh": "The inverse of cosh.",
    "asin": "The arc sine, in [-pi/2, pi/2].",
    "asinh": "The inverse of sinh.",
    "atan": "The arc tangent, in [-pi/2, pi/2].",
    "atanh": "The inverse of tanh.",
    "bitwise_invert": "All bits the other way; of bool as logical_not. TypeError for floats.",
    "ceil": "The least integer that is not less; in the dtype of x.",
    "cos": "The cosine.",
    "cosh": "The hyperbolic cosine.",
    "detach": "x, through which no gradient passes.",
    "erf": "The error function.",
    "exp": "e^x.",
    "exp2": "2^x.",
    "expm1": "exp(x) - 1, exact near 0.",
    "floor": "The greatest integer that is not greater; in the dtype of x.",
    "isfinite": "Whether x is neither infinite nor NaN; bool.",
    "isinf": "Whether x is infinite; bool.",
    "isnan": "Whether x is NaN; bool.",
    "log": "The natural logarithm; -inf of 0, NaN below.",
    "log10": "The logarithm to base 10.",
    "log1p": "log(1 + x), exact near 0.",
    "log2": "The logarithm to base 2.",
    "logical_not": "Whether x is 0; bool.",
    "mish": "x * tanh(softplus(x)).",
    "negative": "-x.",
    "positive": "x.",
    "reciprocal": "1 / x.",
    "relu": "The larger one of x and 0.",
    "rint": "The nearest integer, of two the even one; in the dtype of x.",
    "rsqrt": "1 / sqrt(x).",
    "sigmoid": "1 / (1 + exp(-x)).",
    "sign": "-1, 0 or 1 as x is negative, zero or positive; NaN of NaN.",
    "silu": "x * sigmoid(x).",
    "sin": "The sine.",
    "sinh": "The hyperbolic sine.",
    "softplus": "log(1 + exp(x)).",
    "softsign": "x / (1 + abs(x)).",
    "sqrt": "The square root; NaN below 0.",
    "square": "x * x.",
    "tan": "The tangent.",
    "tanh": "The hyperbolic tangent.",
    "trunc": "x without what is behind the point; in its dtype.",
}
_BINARY = {
    "add": "x + y.",
    "bitwise_and": "The bits of both; of bool as logical_and. TypeError for floats.",
    "bitwise_left_shift": "x * 2^y, of integers; bits beyond those of the dtype are lost.",
    "bitwise_or": "The bits of either; of bool as logical_or. TypeError for floats.",
    "bitwise_right_shift": "x / 2^y, of integers, towards minus infinity.",
    "bitwise_xor": "The bits of one of both; of bool as logical_xor. TypeError for floats.",
    "divide": "x / y; of integers as float32, or float64 beside one.",
    "equal": "Whether x == y; bool.",
    "floor_divide": "The greatest integer that is not greater than x / y; in the dtype of both.",
    "fmod": "What is left of x / y, with the sign of x.",
    "greater": "Whether x > y; bool.",
    "greater_equal": "Whether x >= y; bool.",
    "less": "Whether x < y; bool.",
    "less_equal": "Whether x <= y; bool.",
    "logical_and": "Whether neither is 0; bool.",
    "logical_or": "Whether x or y is not 0; bool.",
    "logical_xor": "Whether one of both is 0; bool.",
    "matmul": "The matrix product of the last two dimensions, those before broadcast; a vector on "
              "the left is a row, on the right a column, which the result lacks. ValueError where "
              "the inner sizes differ.",
    "maximum": "The larger one; NaN where one is NaN.",
    "minimum": "The smaller one; NaN where one is NaN.",
    "multiply": "x * y.",
    "not_equal": "Whether x != y; bool.",
    "remainder": "x - floor_divide(x, y) * y, with the sign of y.",
    "subtract": "x - y.",
}


def function(name, public=None):
    """The operator of a name, with its text (under the name that it is public by)."""
    made, public = _mintor.find_operator(name), public or name
    if public in UNARY:
        made.__doc__ = f"{public}(x)\n\n{UNARY[public]}"
    else:
        made.__doc__ = f"{public}(x, y)\n\n{_BINARY[public]}"
    return made
