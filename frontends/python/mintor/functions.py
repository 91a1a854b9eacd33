# SPDX-License-Identifier: Apache-2.0
"""All functions on arrays, under their NumPy, PyTorch and array API names, in one namespace.

Each records a call (or a few) and computes nothing, but where its text says that it reads. `axis`
and `dim`, `keepdims` and `keepdim` are both taken. What NumPy and PyTorch mean differently is as
NumPy and the array API have it.
"""
# pylint: disable=wildcard-import,unused-wildcard-import,redefined-builtin
from mintor.elementwise import *
from mintor.gathering import *
from mintor.ordering import *
from mintor.products import *
from mintor.reductions import *
from mintor.shaping import *
from mintor.arrays import as_array
