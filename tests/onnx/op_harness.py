# SPDX-License-Identifier: Apache-2.0
"""One-operator ONNX models, an oracle for them, and the comparison.

Takes: `case(op, inputs, attributes, ...)` from the cases_*.py files. Gives: `Case` objects, and for
each its expected outputs from ONNX Runtime (or, where that lacks the type or operator, from the
`onnx` package's reference evaluator).
Keeps true: inputs come from a seed made of the case's name; integers, booleans and moved data are
compared exactly, NaN equal to NaN; every case says why it is there.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from urllib.parse import unquote

import ml_dtypes
import numpy as np
import onnx
from onnx import helper, numpy_helper

F32, F64, F16 = np.float32, np.float64, np.float16
I8, I16, I32, I64 = np.int8, np.int16, np.int32, np.int64
U8, U16, U32, U64, BOOL = np.uint8, np.uint16, np.uint32, np.uint64, np.bool_
NEWEST = min(onnx.defs.onnx_opset_version(), 25)  # what ONNX Runtime 1.32 takes


@dataclass
class Case:
    """`runs` are dicts of inputs: more than one where sizes are symbolic."""

    name: str
    why: str
    model: onnx.ModelProto
    runs: list
    rtol: float
    atol: float
    exact: bool


@dataclass
class Tensor:
    """An input: an array, made from the seed when only its shape is given."""

    shape: tuple
    dtype: type = F32
    low: float = -2.0
    high: float = 2.0
    values: np.ndarray | None = None
    constant: bool = False  # an initializer instead of an input
    symbols: dict = field(default_factory=dict)  # dim -> (name, other sizes to run)


def t(*shape, dtype=F32, low=-2.0, high=2.0, **symbols):
    """A random input; `t(2, 3, d0=("n", [1, 5]))` has symbol n for dim 0, run at 2, 1 and 5 too."""
    named = {int(k[1:]): v for k, v in symbols.items()}
    return Tensor(shape, dtype, low, high, symbols=named)


def given(values, dtype=None):
    array = np.array(values) if dtype is None else np.array(values, dtype)
    return Tensor(array.shape, array.dtype.type, values=array)


def const(values, dtype=None):
    tensor = given(values, dtype)
    tensor.constant = True
    return tensor


def weights(*shape, dtype=F32, low=-1.0, high=1.0):
    return Tensor(shape, dtype, low, high, constant=True)


def random_array(rng, shape, dtype, low, high):
    if dtype == BOOL:
        return rng.random(shape) < 0.5
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return rng.integers(
            max(low, info.min), min(high, info.max), shape, endpoint=True, dtype=dtype
        )
    return (rng.random(shape) * (high - low) + low).astype(dtype)


def fill(tensor, rng, sizes):
    if tensor.values is not None:
        return tensor.values
    shape = list(tensor.shape)
    for dim, (symbol, _) in tensor.symbols.items():
        shape[dim] = sizes.get(symbol, shape[dim])
    return np.asarray(random_array(rng, shape, tensor.dtype, tensor.low, tensor.high), tensor.dtype)


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def value_info(name, tensor):
    shape = [tensor.symbols[d][0] if d in tensor.symbols else n for d, n in enumerate(tensor.shape)]
    return helper.make_tensor_value_info(name, onnx_type(tensor.dtype), shape)


def typed_outputs(model, ranks=()):
    """Outputs with the dtype (and shape, where it is known) that shape inference finds; where it
    finds none (GroupNormalization of opset 21), the type of the first input. `ranks` are those of
    outputs whose shape depends on data."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    del model.graph.output[:]
    model.graph.output.extend(inferred.graph.output)
    for output in model.graph.output:
        if not output.type.tensor_type.elem_type:
            output.type.CopyFrom(model.graph.input[0].type)
    for output, rank in zip(model.graph.output, ranks):
        shape = output.type.tensor_type.shape
        shape.SetInParent()
        for _ in range(rank - len(shape.dim)):
            shape.dim.add()
    return model


def graph_model(nodes, tensors, outputs, opset, rng, ranks=()):
    """A model of `nodes` over named Tensors."""
    inputs = [value_info(n, x) for n, x in tensors.items() if not x.constant]
    constants = [
        numpy_helper.from_array(fill(x, rng, {}), n) for n, x in tensors.items() if x.constant
    ]
    infos = [helper.make_empty_tensor_value_info(n) for n in outputs]
    graph = helper.make_graph(nodes, "case", inputs, infos, constants)
    imports = [helper.make_opsetid("", opset)]
    ir_version = max(4, helper.find_min_ir_version_for(imports))
    model = helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
    return typed_outputs(model, ranks)


def all_sizes(tensors):
    """The sizes to run: as declared, then each symbol's others one after the other."""
    symbols = {}
    for x in tensors.values():
        for name, others in x.symbols.values():
            symbols.setdefault(name, others)
    return [{}] + [{name: size} for name, others in symbols.items() for size in others]


def graph_case(
    name, why, nodes, tensors, outputs, opset=17, rtol=1e-5, atol=1e-6, exact=False, ranks=()
):
    """A Case from nodes and named Tensors."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    model = graph_model(nodes, tensors, outputs, opset, rng, ranks)
    runs = [
        {n: fill(x, rng, sizes) for n, x in tensors.items() if not x.constant}
        for sizes in all_sizes(tensors)
    ]
    return Case(name, why, model, runs, rtol, atol, exact)


def case(
    op,
    inputs,
    why,
    opset=17,
    outputs=1,
    tag="",
    domain="",
    tolerance=None,
    exact=False,
    ranks=(),
    **attrs,
):
    """A Case of one node; a None input is absent."""
    names, tensors = [], {}
    for i, x in enumerate(inputs):
        names.append("" if x is None else f"in{i}")
        if x is not None:
            tensors[names[-1]] = x
    results = [f"out{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain=domain, **attrs)
    shapes = "_".join("x".join(map(str, x.shape)) or "scalar" for x in tensors.values())
    dtype = np.dtype(next(iter(tensors.values())).dtype).name
    name = "-".join(x for x in (op, tag, dtype, shapes, f"opset{opset}") if x)
    rtol, atol = tolerance or (1e-5, 1e-6)
    return graph_case(name, why, [node], tensors, results, opset, rtol, atol, exact, ranks)


# ---------------------------------------------------------------- oracle and engine
def ort_runner(model):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda inputs: session.run(None, inputs)


def reference_runner(model):
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(model)
    return lambda inputs: evaluator.run(None, inputs)


# ONNX Runtime adds products of bytes up in 16 bits that saturate, on CPUs without VNNI.
SATURATING = {"MatMulInteger", "ConvInteger"}


def oracle_runner(model):
    if SATURATING & {node.op_type for node in model.graph.node}:
        return reference_runner(model)
    try:
        return ort_runner(model)
    except Exception:  # an operator or type that ONNX Runtime does not implement
        return reference_runner(model)


def mintor_runner(model):
    from mintor import backend

    prepared = backend.prepare(model, "CPU")
    return lambda inputs: list(prepared.run(list(inputs.values())))


def loaded(file):
    array = np.load(file)  # which knows no bfloat16
    return array.view(ml_dtypes.bfloat16) if array.dtype == "V2" else array


def evaluator_runner(path, folder):
    """The reference evaluator on the graph after the numerics passes: the bits to have."""
    mintor = pathlib.Path(sys.executable).with_name("mintor")

    def run(inputs):
        command = [mintor, "run", path, "--evaluate", "--save", folder / "evaluated"]
        for i, (name, value) in enumerate(inputs.items()):
            np.save(folder / f"in{i}.npy", value)
            command += ["--input", f"{name}={folder}/in{i}.npy"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        # A character that is not plain is %XX in the file's name.
        files = {unquote(p.stem): p for p in (folder / "evaluated").glob("*.npy")}
        return {name: loaded(file) for name, file in files.items()}

    return run


def graph_runner(model):
    """Mintor's importer and its reference evaluator: nothing is compiled."""

    def run(inputs):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.onnx"
            path.write_bytes(model.SerializeToString())
            found = evaluator_runner(path, pathlib.Path(folder))(inputs)
            return [found[output.name] for output in model.graph.output]

    return run


def engine_runner(model):
    """The engine under test; MINTOR_ONNX_ENGINE=reference|ort tests the tests, =evaluator the
    importer alone."""
    name = os.environ.get("MINTOR_ONNX_ENGINE", "mintor")
    engines = {
        "mintor": mintor_runner,
        "evaluator": graph_runner,
        "reference": reference_runner,
        "ort": ort_runner,
    }
    return engines[name](model)


def same(got, want):
    """Where two arrays of one dtype hold the same value: NaN as NaN, zeros of one sign."""
    if want.dtype.kind not in "fc":
        return got == want
    return ((got == want) & (np.signbit(got) == np.signbit(want))) | ((got != got) & (want != want))


def difference(got, want, c):
    """What is wrong with `got`, or None."""
    got, want = np.asarray(got), np.asarray(want)
    if got.dtype != want.dtype:
        return f"dtype {got.dtype}, want {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, want {want.shape}"
    if c.exact or want.dtype.kind in "biu":
        fine = same(got, want)
        if fine.all():
            return None
        at = tuple(int(i) for i in np.argwhere(~fine)[0])
        count = f"{(~fine).sum()} of {want.size} values differ"
        return f"{count}, first at {at}: {got[at]}, want {want[at]}"
    error = np.abs(got.astype(F64) - want.astype(F64))
    # Infinities of one sign, zeros of one sign and NaNs are equal; everything else must lie within
    # the tolerance.
    fine = same(got, want)
    fine |= (error <= c.atol + c.rtol * np.abs(want.astype(F64))) & ~((got == 0) & (want == 0))
    if fine.all():
        return None
    at = tuple(int(i) for i in np.argwhere(~fine)[0])
    count = f"{(~fine).sum()} of {want.size} outside the tolerance"
    return f"{count}, first at {at}: {got[at]}, want {want[at]}"


def check(c):
    """Run one case at all its sizes; gives a list of differences."""
    problems = []
    oracle, engine = oracle_runner(c.model), engine_runner(c.model)
    for inputs in c.runs:
        with np.errstate(all="ignore"):
            want, got = oracle(inputs), engine(inputs)
        if len(got) != len(want):
            problems.append(f"{len(got)} outputs, want {len(want)}")
            continue
        sizes = {n: x.shape for n, x in inputs.items()}
        for i, (g, w) in enumerate(zip(got, want)):
            wrong = difference(g, w, c)
            if wrong:
                problems.append(f"output {i} at {sizes}: {wrong}")
    return problems
