# SPDX-License-Identifier: Apache-2.0
"""No access outside of a buffer: a package's own `example` and `verify`, built without optimisation
(so that every load of the text is one of the program), run with pages that may not be touched right
behind and right before every input and every buffer of the runtime; empty inputs among them.
"""

import os
import subprocess

import numpy as np
import onnx
import pytest
import tools
from onnx import TensorProto as T
from onnx import helper, numpy_helper

FENCES = {"behind": (), "before": ("-DFENCE_BEFORE",)}
node = helper.make_node


def const(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.array(values, dtype), name)


def weights(name, *shape):
    return const(name, np.random.default_rng(1).standard_normal(shape), np.float32)


def moves():
    """Positions that come from data, padding, pieces side by side; masks."""
    inputs = {
        "x": (T.FLOAT, ["m", "k"]),
        "flags": (T.BOOL, ["m", "k"]),
        "ids": (T.INT64, ["n"]),
        "pairs": (T.INT64, ["n", 2]),
        "places": (T.INT64, ["m", "k"]),
        "lengths": (T.INT64, ["m"]),
    }
    nodes = [
        node("Gather", ["x", "ids"], ["rows"], axis=0),
        node("Pad", ["rows", "around", "seven"], ["y_gather_pad"]),
        node("Gather", ["x", "ids"], ["y_columns"], axis=1),
        node("Gather", ["ids", "ids"], ["again"], axis=0),
        node("Gather", ["x", "again"], ["rows_again"], axis=0),
        node("Pad", ["rows_again", "around"], ["y_again"]),
        node("GatherND", ["x", "pairs"], ["points"]),
        node("Pad", ["points", "few"], ["y_points"]),
        node("Pad", ["flags", "around"], ["y_flags"]),
        node("Where", ["flags", "x", "half"], ["y_where"]),
        node("Slice", ["x", "zero", "far", "last", "two"], ["evens"]),
        node("Concat", ["evens", "x"], ["pieces"], axis=1),
        node("Transpose", ["pieces"], ["y_pieces"]),
        node("Gather", ["pieces", "ids"], ["y_of_pieces"], axis=1),
        node("Tile", ["x", "three"], ["y_tiled"]),
        node("ScatterND", ["x", "pairs", "points"], ["y_scattered"]),
        node("GatherElements", ["x", "places"], ["elements"], axis=1),
        node("Pad", ["elements", "around"], ["y_elements"]),
        node("ReverseSequence", ["x", "lengths"], ["turned"], batch_axis=0, time_axis=1),
        node("Pad", ["turned", "around"], ["y_turned"]),
        node("OneHot", ["ids", "depth", "levels"], ["y_hot"]),
        node("Trilu", ["x"], ["y_triangle"]),
    ]
    constants = [
        const("around", [1000, 0, 3, 1]),
        const("few", [2, 3]),
        const("seven", 7, np.float32),
        const("half", 0.5, np.float32),
        *(const(name, [i]) for i, name in ((0, "zero"), (1 << 40, "far"), (1, "last"), (2, "two"))),
        const("three", [1, 3]),
        const("depth", 5),
        const("levels", [0, 1], np.float32),
    ]
    sizes = [(0, 64, 0), (5, 19, 4), (1, 16, 1), (3, 5, 0), (0, 7, 2), (0, 0, 0)]
    return inputs, nodes, constants, [dict(zip("mkn", s)) for s in sizes]


def sums():
    """Tiles and their tails, windows that leave their operand, lanes, rows."""
    inputs = {
        "x": (T.FLOAT, ["m", "k"]),
        "z": (T.FLOAT, ["k", "n"]),
        "image": (T.FLOAT, [1, 3, "m", "n"]),
        "h": (T.FLOAT16, ["m", "k"]),
    }
    nodes = [
        node("MatMul", ["x", "z"], ["product"]),
        node("Relu", ["product"], ["y_product"]),
        node("Transpose", ["x"], ["turned"]),
        node("MatMul", ["x", "turned"], ["y_squares"]),
        node("ReduceSum", ["x", "one"], ["y_sum"], keepdims=0),
        node("ReduceMax", ["x", "zero"], ["y_max"], keepdims=0),
        node("Softmax", ["x"], ["y_softmax"]),
        node("CumSum", ["x", "axis"], ["y_scan"]),
        node("Conv", ["image", "kernel"], ["conv"], pads=[1, 1, 1, 1]),
        node("MaxPool", ["conv"], ["y_pool"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Conv", ["image", "thin"], ["y_strided"], pads=[2, 2, 2, 2], strides=[2, 2], group=3),
        node("ConvTranspose", ["image", "back"], ["y_transposed"], strides=[2, 2]),
        node("Resize", ["image", "", "scales"], ["y_resized"], mode="linear"),
        node("GlobalAveragePool", ["image"], ["y_mean"]),
        node("Cast", ["h"], ["wide"], to=T.FLOAT),
        node("Mul", ["wide", "x"], ["scaled"]),
        node("Cast", ["scaled"], ["y_half"], to=T.FLOAT16),
    ]
    constants = [
        const("one", [1]),
        const("zero", [0]),
        const("axis", 1),
        weights("kernel", 5, 3, 3, 3),
        weights("thin", 3, 1, 3, 3),
        weights("back", 3, 4, 3, 3),
        const("scales", [1, 1, 2, 1.5], np.float32),
    ]
    sizes = [(5, 19, 7), (1, 1, 1), (15, 33, 50), (4, 0, 3), (2, 8195, 17)]
    return inputs, nodes, constants, [dict(zip("mkn", s)) for s in sizes]


def numbers():
    """Integer dot products and their tails, quantised values, narrow types."""
    inputs = {"x": (T.UINT8, ["m", "k"]), "z": (T.INT8, ["k", 21]), "f": (T.FLOAT, ["m", "k"])}
    nodes = [
        node("MatMulInteger", ["x", "z", "three"], ["y_product"]),
        node("Cast", ["x"], ["y_wide"], to=T.INT64),
        node("QuantizeLinear", ["f", "scale", "three"], ["q"]),
        node("Add", ["q", "x"], ["y_q"]),
        node("DequantizeLinear", ["x", "scale", "three"], ["y_d"]),
        node("Cast", ["f"], ["whole"], to=T.INT32),
        node("ReduceSum", ["whole", "one"], ["y_sum"]),
        node("DynamicQuantizeLinear", ["f"], ["y_u", "y_scale", "y_zero"]),
        node("Greater", ["f", "y_d"], ["more"]),
        node("Cast", ["more"], ["y_more"], to=T.DOUBLE),
    ]
    constants = [const("three", 3, np.uint8), const("scale", 0.05, np.float32), const("one", [1])]
    sizes = [(5, 19), (1, 1), (17, 8), (0, 3), (3, 0)]
    return inputs, nodes, constants, [dict(zip("mk", s)) for s in sizes]


def model_of(inputs, nodes, constants):
    infos = [helper.make_tensor_value_info(n, *v) for n, v in inputs.items()]
    results = [o for x in nodes for o in x.output if o.startswith("y_")]
    outputs = [helper.make_empty_tensor_value_info(n) for n in results]
    graph = helper.make_graph(nodes, "fenced", infos, outputs, constants)
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def values_for(inputs, sizes):
    rng = np.random.default_rng(5)
    values = {}
    for name, (dtype, shape) in inputs.items():
        shape = [sizes.get(d, d) for d in shape]
        numpy_type = helper.tensor_dtype_to_np_dtype(dtype)
        if np.issubdtype(numpy_type, np.floating):
            values[name] = rng.standard_normal(shape).astype(numpy_type)
        else:
            values[name] = rng.integers(0, 3, shape).astype(numpy_type)
    return values


def case_of(path, values, folder):
    """in.npz,out.npz for --case, the outputs by the reference evaluator."""
    folder.mkdir()
    given = []
    for name, value in values.items():
        np.save(folder / f"{name}.npy", value)
        given += ["--input", f"{name}={folder}/{name}.npy"]
    tools.mintor("run", path, *given, "--evaluate", "--save", folder / "out")
    np.savez(folder / "in.npz", **values)
    outputs = {p.stem: np.load(p) for p in (folder / "out").glob("*.npy")}
    np.savez(folder / "out.npz", **outputs)
    return f"{folder}/in.npz,{folder}/out.npz"


def run_fenced(fence, command, package):
    library = tools.helper("fence", FENCES[fence])
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    command = [str(c) for c in command]
    ended = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{fence}: {' '.join(command)}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module", params=[moves, sums, numbers])
def package(request, tmp_path_factory):
    """The package's folder, its levels here, and the folders of its cases."""
    folder = tmp_path_factory.mktemp(request.param.__name__)
    inputs, nodes, constants, sizes = request.param()
    path = folder / "model.onnx"
    onnx.save(model_of(inputs, nodes, constants), path)
    cases, options = [], []
    for i, size in enumerate(sizes):
        cases.append(folder / f"case{i}")
        options += ["--case", case_of(path, values_for(inputs, size), cases[-1])]
    levels = [x for x in tools.LEVELS if tools.cpu_has(x)]
    options += ["--rtol", 0, "--atol", 0]
    made = tools.compile_package(path, folder, levels, *options, name="fenced")
    slow = ["CXXFLAGS=-O0", "CFLAGS=-O0"]
    tools.run(["make", "-C", made, f"-j{os.cpu_count()}", *slow, "all", "build/verify"])
    return made, levels, cases


def test_the_fence_stands(tmp_path):
    source = tmp_path / "over.c"
    source.write_text(
        "#include <stdlib.h>\n"
        "int main(int argc, char** argv) {\n"
        "  volatile char* p = malloc(40);\n"
        "  return argc > 1 ? p[atoi(argv[1])] : p[0] + p[39];\n}\n",
        encoding="utf-8",
    )
    tools.run(["gcc", "-O0", source, "-o", tmp_path / "over"])
    for fence, outside in (("behind", 40), ("before", -1)):
        run_fenced(fence, [tmp_path / "over"], tmp_path)
        with pytest.raises(AssertionError):
            run_fenced(fence, [tmp_path / "over", outside], tmp_path)


@pytest.mark.parametrize("fence", FENCES)
def test_example_stays_inside(package, fence):
    made, levels, cases = package
    for case in cases:
        inputs = [f"{p.stem}={p}" for p in sorted(case.glob("*.npy"))]
        for level in levels:
            options = ["--level", level, "--weights", "weights/weights.bin"]
            run_fenced(fence, ["build/example", *inputs, *options], made)


@pytest.mark.parametrize("fence", FENCES)
def test_verify_stays_inside_and_has_the_same_bits(package, fence):
    made, levels, cases = package
    for level in levels:
        options = ["--level", level, "--weights", "weights/weights.bin"]
        said = run_fenced(fence, ["build/verify", "verify", *options], made)
        assert f"{len(cases)} cases at level {level}: ok" in said
