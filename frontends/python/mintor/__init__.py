# SPDX-License-Identifier: Apache-2.0
"""Mintor in Python: compile a model, run it, save it as a C++ package.

Takes model files and NumPy arrays; gives NumPy arrays. Keeps true: the same options as the
command line, with the same names (compiler/support/options.def), and the same bits.

>>> import mintor as mt                                             # doctest: +SKIP
>>> m = mt.compile("model.onnx", threads=2, shapes={"x": [1, 3, 224, 224]})
>>> y = m(x)
>>> m.save("out")
"""
from mintor._mintor import version as __version__
from mintor.arrays import (Array, arange, array, asarray, astype, empty, empty_like, eye,
                           frombuffer, from_dlpack, full, full_like, geomspace, identity, indices,
                           linspace, logspace, ones, ones_like, tensor, tri, zeros, zeros_like)
from mintor.control_flow import cond, scan, while_loop
from mintor.dtypes import (bfloat16, bool_, can_cast, finfo, float16, float32, float64, iinfo, int8,
                           int16, int32, int64, isdtype, result_type, uint8, uint16, uint32, uint64)
from mintor.errors import CompileError, DTypeError, InternalError
from mintor.functions import *  # pylint: disable=wildcard-import,redefined-builtin
from mintor.standard import *  # pylint: disable=wildcard-import
from mintor.standard import __array_api_version__, __array_namespace_info__
from mintor.autograd import Function
from mintor.checkpoints import checkpoint
from mintor.debugging import NotANumberError, debug_nan
from mintor.code import code
from mintor.gradients import backward, enable_grad, grad, jvp, no_grad, value_and_grad, vjp
from mintor.files import load, save
from mintor.model import Model, compile
from mintor.strings import decode_strings, encode_strings
from mintor.running import fetch, set_asynchronous, sync
from mintor.tools import compile_stats, explain, explain_miss, set_num_threads
from mintor import methods as _methods

_methods.install()

from mintor import amp, data, fft, linalg, memory, nn, optim, random  # noqa: E402
from mintor.exporting import export  # noqa: E402
from mintor.jit import jit  # noqa: E402
from mintor.profiling import profile  # noqa: E402
from mintor.nn import Module, Parameter, init  # noqa: E402
from mintor.optim import lr_scheduler  # noqa: E402
from mintor.random import (bernoulli, manual_seed, multinomial, rand, rand_like,  # noqa: E402
                           randint, randn, randn_like, randperm)

bool = bool_  # pylint: disable=redefined-builtin
