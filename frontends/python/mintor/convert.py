# SPDX-License-Identifier: Apache-2.0
"""What is given where an array is expected: converted when nothing is lost, refused otherwise.

Takes any Python value and the dtype that a model wants; gives an array of that dtype; raises
CompileError with both names. Keeps true: a value that has a dtype (arrays, NumPy scalars, tensors)
is never converted; Python's own numbers have none: whole numbers are taken exactly, floats are
rounded once, and only where floats are wanted. bf16, which NumPy lacks, travels as its bits.
"""
import numpy

from mintor._mintor import CompileError


def as_array(value, dtype, name, is_bf16=False):
    """`value` as an array of `dtype`; `name` is "input 'x'", for the error."""
    numbers = _leaf_types(value)
    if numbers is not None and not is_bf16:
        return _from_numbers(value, numbers, dtype, name)
    array = _own_array(value, name)
    if is_bf16 and array.dtype.name == "bfloat16":  # ml_dtypes
        return array.view(numpy.uint16)
    if array.dtype != dtype:
        found = "a Python number" if numbers is not None else f"dtype {array.dtype}"
        wanted = "uint16 (the bits of bf16)" if is_bf16 else str(dtype)
        raise CompileError(f"error: run: {name} has {found}, expected {wanted}\n"
                           "  help: convert it with numpy.asarray(...).astype")
    return array


def _own_array(value, name):
    """The array that the value says it is."""
    if type(value).__module__.split(".")[0] == "torch" and "bfloat16" in str(value.dtype):
        import torch  # pylint: disable=import-outside-toplevel
        return value.detach().contiguous().view(torch.int16).numpy().view(numpy.uint16)
    try:
        return numpy.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors with gradients
        raise CompileError(f"error: run: {name} is no array: {error}") from error


def _leaf_types(value):
    """The types of a number's or a nested list's leaves when all are Python's own; else None."""
    if type(value) in (bool, int, float):
        return {type(value)}
    if not isinstance(value, (list, tuple)):
        return None
    found = set()
    for item in value:
        types = _leaf_types(item)
        if types is None:
            return None
        found |= types
    return found


def _from_numbers(value, types, dtype, name):
    dtype = numpy.dtype(dtype)
    allowed = {"b": {bool}, "f": {bool, int, float}}.get(dtype.kind, {bool, int})
    if not types <= allowed:
        given = "floats" if float in types else "whole numbers"
        raise CompileError(f"error: run: {name} is given as Python {given}, expected "
                           f"{dtype}\n  help: convert it with numpy.asarray(..., "
                           f"numpy.{dtype.name})")
    try:
        with numpy.errstate(over="ignore"):  # found below
            array = numpy.asarray(value, dtype)
        exact = numpy.asarray(value, object)
    except (OverflowError, TypeError, ValueError) as error:  # out of range, ragged
        raise CompileError(f"error: run: {name} cannot be {dtype}: {error}") from error
    for given, stored in zip(exact.ravel().tolist(), array.ravel().tolist()):
        lost = stored != given if not isinstance(given, float) else \
            numpy.isinf(stored) and not numpy.isinf(given)
        if lost:
            raise CompileError(f"error: run: {name} holds {given}, which is no {dtype}")
    return array
