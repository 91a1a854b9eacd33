# SPDX-License-Identifier: Apache-2.0
"""The user's own C++ inside of what is traced.

Takes arrays and the text of C++17 statements; gives the arrays that these compute. Keeps true: the
text is checked before it is compiled (docs/user_code.md says what it may hold), and an error names
its line and column; a step that is replayed compiles nothing.
"""
from mintor import _mintor
from mintor import arrays
from mintor import dtypes

_code = _mintor.find_operator("code")


def _is_shape(shape):
    return hasattr(shape, "__index__") or all(hasattr(size, "__index__") for size in shape)


def code(shape, dtype, inputs, source, gradient=None):
    """What `source` computes from the inputs, as an array of this shape and dtype.

    source: the body of a C++17 function. in0, in1, ... are the inputs, `out` the result: elements
    are in0(i, j), sizes in0_shape0, in0_shape1, ... (int64_t; known when it runs, where a batch
    has changed). Results are zeros before it runs.
    With lists of shapes and dtypes there are several results, out0, out1, ..., and a list is given.
    gradient: for each input a source that computes its gradient, `din`, from in0, ..., out0, ...
    and dout0, ..., the gradients of the results; None for an input (or for all) without one.
    TypeError where gradient is no list; ValueError where numbers of shapes, dtypes or gradients do
    not fit.

    >>> import mintor as mt
    >>> x = mt.array([1.0, 2.0, 3.0])
    >>> mt.code(x.shape, x.dtype, [x], '''
    ... for (int64_t i = 0; i < in0_shape0; ++i) out(i) = in0(i) * 2;
    ... ''').numpy().tolist()
    [2.0, 4.0, 6.0]
    """
    inputs = [arrays.as_array(item) for item in inputs]
    single = _is_shape(shape) and not isinstance(dtype, (list, tuple))
    shapes, kinds = ([shape], [dtype]) if single else (list(shape), list(dtype))
    if len(shapes) != len(kinds):
        raise ValueError(f"code: {len(shapes)} shapes and {len(kinds)} dtypes")
    if isinstance(gradient, str):
        raise TypeError("code: gradient is a list, with a source or None for each input")
    gradients = [None] * len(inputs) if gradient is None else list(gradient)
    if len(gradients) != len(inputs):
        raise ValueError(f"code: {len(gradients)} gradients for {len(inputs)} inputs; None stands "
                         "for an input without one")
    types = []
    for size, kind in zip(shapes, kinds):
        types += [dtypes.short_name(kind), arrays.shape_of((size,))]
    made = _code(inputs, len(shapes), *types, source, *gradients)
    return (made[0] if isinstance(made, (list, tuple)) else made) if single else list(
        made if isinstance(made, (list, tuple)) else [made])
