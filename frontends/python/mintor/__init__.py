# SPDX-License-Identifier: Apache-2.0
"""Mintor in Python: compile a model, run it, save it as a C++ package.

Takes model files and NumPy arrays; gives NumPy arrays. Keeps true: the same options as the
command line, with the same names (compiler/support/options.def), and the same bits.

>>> import mintor as mt                                             # doctest: +SKIP
>>> m = mt.compile("model.onnx", threads=2, shapes={"x": [1, 3, 224, 224]})
>>> y = m(x)
>>> m.save("out")
"""
from mintor._mintor import CompileError, InternalError
from mintor._mintor import version as __version__
from mintor.model import Model, compile, load

__all__ = ["CompileError", "InternalError", "Model", "compile", "load", "__version__"]
