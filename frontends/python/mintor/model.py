# SPDX-License-Identifier: Apache-2.0
"""compile, load and Model: the Python side of a compiled model.

Takes paths, options as keywords, NumPy arrays; gives Model objects and arrays; raises
CompileError for what the caller can fix, with the place and what to do. Keeps true: a keyword is
an option of compiler/support/options.def; nothing is decided here.
"""
import numbers
import os

import numpy

from mintor import _mintor
from mintor._mintor import CompileError

_OPTIONS = {row["name"]: row for row in _mintor.option_table()}


# Options that print, which a library does not do.
_COMMAND_LINE_ONLY = {
    "emit": "mintor compile MODEL --emit=... prints a stage",
    "dump_changed": "mintor compile MODEL -o DIR --dump-changed prints what passes change",
}


def _refuse(option, problem, help_text):
    raise CompileError(f"error: compile: {option} {problem}\n  help: {help_text}")


def _dim(name, dim):
    """One size: 224, "batch", "1..32", or (1, 32)."""
    if isinstance(dim, (tuple, list)) and len(dim) == 2:
        low, high = dim
        return f"{_dim(name, low)}..{_dim(name, high)}"
    if isinstance(dim, bool) or not isinstance(dim, (str, numbers.Integral)):
        _refuse("shapes", f"has the size {dim!r} for '{name}'",
                "a size is a number, a name, or a range (1, 32)")
    return str(dim)


def _shape(name, shape):
    if not isinstance(name, str):
        raise TypeError(f"shapes maps names of inputs to sizes, got the name {name!r}")
    if isinstance(shape, str):
        return f"{name}={shape}"
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"shapes has {shape!r} for '{name}', expected a list of sizes")
    dims = [_dim(name, dim) for dim in shape]
    if not dims:
        return f"{name}=scalar"
    # The x between sizes cannot part names: commas do.
    plain = all(dim.replace("..", "").isdigit() for dim in dims)
    return f"{name}=" + ("x" if plain else ",").join(dims)


def _shape_items(shapes):
    if shapes is None:
        return []
    if not isinstance(shapes, dict):
        raise TypeError(f"shapes is {shapes!r}, expected a dictionary {{input: sizes}}")
    return [_shape(name, shape) for name, shape in shapes.items()]


def _state_items(states):
    if states is None:
        return []
    if not isinstance(states, dict):
        raise TypeError(f"states is {states!r}, expected a dictionary {{input: output}}")
    for name in (*states, *states.values()):
        if not isinstance(name, str):
            raise TypeError(f"states maps names of inputs to names of outputs, got {name!r}")
    return [f"{name}={output}" for name, output in states.items()]


def option_items(options):
    """(name, text) pairs as the compiler reads them."""
    items = []
    for name, value in options.items():
        row = _OPTIONS.get(name)
        if name in _COMMAND_LINE_ONLY:
            if value:
                _refuse(name, "is an option of the command line", _COMMAND_LINE_ONLY[name])
        elif name == "shapes":
            items += [(name, text) for text in _shape_items(value)]
        elif name == "states":
            items += [(name, text) for text in _state_items(value)]
        elif row and row["is_flag"]:
            items.append((name, "true" if value else "false"))
        elif row and row["is_list"] and not isinstance(value, str):
            items += [(name, str(item)) for item in value or ()]
        else:
            items.append((name, str(value)))  # an unknown name is refused there, by name
    return items


def _native_value(name, text):
    return property(lambda self: getattr(self._native, name), doc=text)


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
        ones are read in place. Python's own numbers and lists of them have no dtype and are
        taken when they fit; bf16 is ml_dtypes.bfloat16. Results are new arrays.
        """
        return self._call(*inputs)

    def run(self, inputs, entry=None):
        """{input name: array} -> {output name: array}, by the first entry or another by name.

        A run of an entry that updates changes this model's states: what runs after it sees them.
        """
        return self._native.run(inputs) if entry is None else \
            self._native.run_entry(entry, inputs)

    def parameter(self, name):
        """The value of a parameter or state now; CompileError where there is none of the name."""
        return self._native.parameter(name)

    def set_parameter(self, name, value):
        """Gives a state or parameter another value of its shape, in its dtype."""
        self._native.set_parameter(name, numpy.asarray(value))

    def reset(self):
        """Gives all states and parameters the values that they started with."""
        self._native.reset()

    def save_parameters(self, path):
        """Writes all states and parameters, by name, as a .safetensors file.

        It is written beside `path` and renamed: there is never a part of one.
        """
        self._native.save_parameters(os.fspath(path))

    def load_parameters(self, path, allow_missing=False, allow_unknown=False):
        """Takes the values of a .safetensors file; after an error all are as before.

        CompileError where a name of the model is missing (unless `allow_missing`: it keeps its
        value), where the model has no such name (unless `allow_unknown`), where dtypes or shapes
        differ, or the file is damaged.
        """
        self._native.load_parameters(os.fspath(path), allow_missing, allow_unknown)

    def set_trained(self, names, trained=True):
        """Whether runs train these parameters: a name, several, or None for all with a gradient.

        What is not trained keeps its bits, with its optimizer's states and its gradient, and costs
        no time. `model.set_trained(None, False); model.set_trained(["fc.weight", "fc.bias"])`
        trains a head only.
        """
        for name in [names] if names is None or isinstance(names, str) else names:
            self._native.set_trained(name, bool(trained))

    def save(self, directory, target="", cases=(), rtol=1e-3, atol=1e-4):
        """Writes the package: a folder of C++ source, weights and runtime.

        `target`: levels, "v3,v4" (all with vectors by default). `cases`: pairs of dictionaries
        (inputs, expected outputs) for the package's own check; without any, seeded inputs and
        this model's outputs, to be met bit for bit.
        """
        self._native.save(os.fspath(directory), target, list(cases), rtol, atol)

    name = _native_value("name", "Its name.")
    numerics_hash = _native_value("numerics_hash", "What decides its bits (docs/numerics.md).")
    level = _native_value("level", "The CPU level that runs.")
    entries = _native_value("entries", "{entry: (inputs, outputs)}, the first one called by run.")
    states = _native_value("states", "Names of the parameters that runs change.")
    parameters = _native_value("parameters", "Names of all parameters, also those that stay.")
    inputs = _native_value("inputs", "(name, dtype, shape) of each input.")
    outputs = _native_value("outputs", "(name, dtype, shape) of each output.")
    kernels = _native_value("kernels", "Its kernels.")
    explanations = _native_value("explanations", "What explain=True asked for.")
    warnings = _native_value("warnings", "What the compiler noticed.")

    def __repr__(self):
        ports = lambda items: ", ".join(f"{name}: {dtype}{shape}" for name, dtype, shape in items)
        return f"<mintor.Model {self.name} ({ports(self.inputs)}) -> ({ports(self.outputs)})>"


def compile(model, *, target="native", threads=0, shapes=None, **options):
    """Compiles a model and loads it into this process.

    `model`: path of an .onnx file or of a graph's text. `target`: one level ("native", "v3",
    ...). `threads`: 0 is every core. `shapes`: {input: sizes}, a size being a number, a name, or a
    range (1, 32). Further keywords are the options of the command line: numerics="strict",
    explain=True, disable_pass=["fold_constants"], jit="system", cache_dir="...". `states`:
    {input: output}, what the model hands from run to run by itself, zero at first: neither is
    passed any more, and reset() begins a new stream.

    >>> m = mt.compile("model.onnx", shapes={"x": ["batch", 3, 224, 224]})   # doctest: +SKIP
    """
    given = {"target": "" if target == "native" else target, "threads": threads,
             "shapes": shapes, **options}
    return Model(_mintor.compile(os.fspath(model), option_items(given)))


def load(path, threads=0, target="", check=False, trained=None):
    """Opens a package that compile or save wrote, building its library when it is not there.

    `target`: one of its levels; the best that this CPU runs by default. `check`: the SHA-256 of the
    weights is compared, which reads all of them. `trained`: of the parameters that have a gradient,
    runs train those alone that are named, one or several; None trains all. Raises CompileError when
    the folder is no package, the weights are damaged, or it has no such parameter.
    """
    names = [trained] if isinstance(trained, str) else trained
    return Model(_mintor.load(os.fspath(path), threads, target, check,
                              None if names is None else list(names)))
