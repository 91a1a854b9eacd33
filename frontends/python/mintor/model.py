# SPDX-License-Identifier: Apache-2.0
"""compile, load and Model: the Python side of a compiled model.

Takes paths, options as keywords, NumPy arrays; gives Model objects and arrays; raises
CompileError for what the caller can fix, with the place and what to do. Keeps true: a keyword is
an option of compiler/support/options.def; nothing is decided here.
"""
import os

from mintor import _mintor

_OPTIONS = {row["name"]: row for row in _mintor.option_table()}


def _dim(dim):
    """One size: 224, "batch", "1..32", or (1, 32)."""
    if isinstance(dim, (tuple, list)):
        low, high = dim
        return f"{low}..{high}"
    return str(dim)


def _shape(name, shape):
    if isinstance(shape, str):
        return f"{name}={shape}"
    dims = [_dim(dim) for dim in shape]
    if not dims:
        return f"{name}=scalar"
    # The x between sizes cannot part names: commas do.
    plain = all(dim.replace("..", "").isdigit() for dim in dims)
    return f"{name}=" + ("x" if plain else ",").join(dims)


def _option_items(options):
    """(name, text) pairs as the compiler reads them."""
    items = []
    for name, value in options.items():
        row = _OPTIONS.get(name)
        if name == "shapes":
            items += [(name, _shape(key, shape)) for key, shape in (value or {}).items()]
        elif row and row["is_flag"]:
            items.append((name, "true" if value else "false"))
        elif row and row["is_list"] and not isinstance(value, str):
            items += [(name, str(item)) for item in value or ()]
        else:
            items.append((name, str(value)))  # an unknown name is refused there, by name
    return items


class Model:
    """A compiled model. Calls are safe from several threads; they take turns.

    `inputs` and `outputs` list (name, dtype, shape); a size that is not fixed is its symbol's
    name. `explanations` holds what explain=True asked for.
    """

    def __init__(self, native):
        self._native = native
        self._call = native.__call__

    def __call__(self, *inputs):
        """Inputs by position; one output as an array, several as a tuple.

        Arrays must have the model's dtypes (a CompileError names both otherwise); C-contiguous
        ones are read in place. Results are new arrays.
        """
        return self._call(*inputs)

    def run(self, inputs):
        """{input name: array} -> {output name: array}."""
        return self._native.run(inputs)

    def save(self, directory, target="", cases=(), rtol=1e-3, atol=1e-4):
        """Writes the package: a folder of C++ source, weights and runtime.

        `target`: levels, "v3,v4" (all with vectors by default). `cases`: pairs of dictionaries
        (inputs, expected outputs) for the package's own check; without any, seeded inputs and
        this model's outputs, to be met bit for bit.
        """
        self._native.save(os.fspath(directory), target, list(cases), rtol, atol)

    name = property(lambda self: self._native.name)
    numerics_hash = property(lambda self: self._native.numerics_hash)
    level = property(lambda self: self._native.level)
    inputs = property(lambda self: self._native.inputs)
    outputs = property(lambda self: self._native.outputs)
    kernels = property(lambda self: self._native.kernels)
    explanations = property(lambda self: self._native.explanations)
    warnings = property(lambda self: self._native.warnings)

    def __repr__(self):
        ports = lambda items: ", ".join(f"{name}: {dtype}{shape}" for name, dtype, shape in items)
        return f"<mintor.Model {self.name} ({ports(self.inputs)}) -> ({ports(self.outputs)})>"


def compile(model, *, target="native", threads=0, shapes=None, **options):
    """Compiles a model and loads it into this process.

    `model`: path of an .onnx file or of a graph's text. `target`: one level ("native", "v3",
    ...). `threads`: 0 is every core. `shapes`: {input: sizes}, a size being a number, a name, or a
    range (1, 32). Further keywords are the options of the command line: numerics="strict",
    explain=True, disable_pass=["fold"], jit="system", cache_dir="...".

    >>> m = mt.compile("model.onnx", shapes={"x": ["batch", 3, 224, 224]})   # doctest: +SKIP
    """
    given = {"target": "" if target == "native" else target, "threads": threads,
             "shapes": shapes, **options}
    return Model(_mintor.compile(os.fspath(model), _option_items(given)))


def load(path, threads=0, target=""):
    """Opens a package that compile or save wrote, building its library when it is not there.

    `target`: one of its levels; the best that this CPU runs by default. Raises CompileError when
    the folder is no package.
    """
    return Model(_mintor.load(os.fspath(path), threads, target))
