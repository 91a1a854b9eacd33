# SPDX-License-Identifier: Apache-2.0
"""What is given where an array is expected: converted when nothing is lost, refused otherwise.

Takes any Python value and the dtype that a model wants; gives an array of that dtype; raises
CompileError with both names. Keeps true: a value that has a dtype (arrays, NumPy scalars, tensors)
is never converted; Python's own numbers have none: whole numbers are taken exactly, floats are
rounded once, and only where floats are wanted. bf16 is the dtype of ml_dtypes.
"""
import numpy

from mintor._mintor import CompileError


def as_array(value, dtype, name):
    """`value` as an array of `dtype`; `name` is "input 'x'", for the error."""
    numbers = _leaf_types(value)
    if numbers is not None:
        return _from_numbers(value, numbers, dtype, name)
    array = own_array(value, name)
    if array.dtype != dtype:
        raise CompileError(f"error: run: {name} has dtype {array.dtype}, expected {dtype}\n"
                           f"  help: {_way_from(array.dtype, dtype)}")
    return array


def _way_from(given, wanted):
    if wanted.name != "bfloat16":
        return "convert it with numpy.asarray(...).astype"
    if given.itemsize == 2 and given.kind in "uiV":
        return "bits of bf16 are taken as x.view(ml_dtypes.bfloat16)"
    return "convert it with x.astype(ml_dtypes.bfloat16)"


def own_array(value, name):
    """The array that the value says it is."""
    if type(value).__module__.split(".")[0] == "torch" and "bfloat16" in str(value.dtype):
        import torch  # pylint: disable=import-outside-toplevel
        import ml_dtypes  # pylint: disable=import-outside-toplevel
        return value.detach().contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
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


def _rounded(value, dtype):
    """numpy.asarray(value, dtype) with one rounding: ml_dtypes goes from double by way of float."""
    if dtype.name != "bfloat16":
        return numpy.asarray(value, dtype)
    exact = numpy.asarray(value, numpy.float64)
    narrow = exact.astype(numpy.float32)
    bits = narrow.view(numpy.uint32)
    # To odd: towards zero, and what was cut off kept in the last bit, which bf16 does not have.
    inexact = numpy.isfinite(narrow) & (narrow != exact)
    bits -= (inexact & (abs(narrow) > abs(exact))).astype(numpy.uint32)
    bits |= inexact.astype(numpy.uint32)
    return narrow.astype(dtype)


def _from_numbers(value, types, dtype, name):
    is_float = dtype.kind == "f" or dtype.name == "bfloat16"
    allowed = {bool} if dtype.kind == "b" else {bool, int, float} if is_float else {bool, int}
    if not types <= allowed:
        given = "floats" if float in types else "whole numbers"
        raise CompileError(f"error: run: {name} is given as Python {given}, expected "
                           f"{dtype}\n  help: convert it with numpy.asarray(..., "
                           f"numpy.{dtype.name})")
    try:
        with numpy.errstate(over="ignore"):  # found below
            array = _rounded(value, dtype)
        exact = numpy.asarray(value, object)
    except (OverflowError, TypeError, ValueError) as error:  # out of range, ragged
        raise CompileError(f"error: run: {name} cannot be {dtype}: {error}") from error
    kept = array.astype(numpy.float64) if dtype.name == "bfloat16" else array
    for given, stored in zip(exact.ravel().tolist(), kept.ravel().tolist()):
        lost = stored != given if not isinstance(given, float) else \
            numpy.isinf(stored) and not numpy.isinf(given)
        if lost:
            raise CompileError(f"error: run: {name} holds {given}, which is no {dtype}")
    return array
