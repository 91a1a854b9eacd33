# SPDX-License-Identifier: Apache-2.0
"""Errors of the compiler, as Python sees them.

Gives the exceptions of the native half with what they mean.
"""
from mintor._mintor import CompileError, DTypeError, InternalError, NotANumberError

CompileError.__doc__ = """What the caller can put right: the text names the operator, its place, the
values that are wrong, and what to do. A ValueError."""
DTypeError.__doc__ = """An operator does not take operands of these dtypes. A CompileError and a
TypeError."""
InternalError.__doc__ = """A fault of the compiler, to be reported with its text. A RuntimeError."""
NotANumberError.__doc__ = """A value that is not a number was made under `debug_nan`: the text names
the operator and its place. A FloatingPointError."""
for _error in (CompileError, DTypeError, InternalError, NotANumberError):
    _error.__module__ = "mintor"
