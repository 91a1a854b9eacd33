# SPDX-License-Identifier: Apache-2.0
"""How far each layer of a model is from exact: Mintor's f32 beside PyTorch's, against f64.

Takes a folder of NAME.onnx with inputs (NAME.npz with `in_x`, or NAME.in.npz). A layer is one node
of layer_references.py; it gets the f32 operands that it has in a run of the whole model, so that
errors do not add up over layers. Gives a table with a line a model: the largest error over the
layer's largest output, of both, and the worst layers; --json has every layer. Exit status 1 where
a layer is above its limit: 4 times PyTorch's error, or 2e-5 where `winograd` computes it.
"""
import argparse
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import onnx
import torch
from layer_references import REFERENCES
from onnx import helper, numpy_helper

RATIO, WINOGRAD = 4.0, 2e-5
TILES = re.compile(r"winograd: layer_(\d+)(?:/[^:]*)?: tiles of (\d+) ")     # of --explain
LEAST = 2.0 ** -24      # of an output that is rounded once: no error is told below it


def inputs_of(path):
    both = path.with_suffix(".npz")
    if both.exists():
        return {k[3:]: v for k, v in np.load(both).items() if k.startswith("in_")}
    return dict(np.load(path.with_suffix(".in.npz")))


def recorded(path, names, inputs):
    """The values of `names` in a run of the whole model, by ONNX Runtime."""
    import onnxruntime

    model = onnx.load(path)
    known = {o.name for o in model.graph.output}
    further = [helper.make_empty_tensor_value_info(n) for n in names if n not in known]
    model.graph.output.extend(further)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory(prefix="mintor-errors-") as folder:
        onnx.save(model, f"{folder}/whole.onnx")
        session = onnxruntime.InferenceSession(f"{folder}/whole.onnx", options,
                                               ["CPUExecutionProvider"])
        return dict(zip(names, session.run(names, inputs), strict=True))


def layers_of(model, inputs):
    """(nodes, names of the tensors that depend on an input of the model)."""
    varying = set(inputs)
    for node in model.graph.node:
        if varying & set(node.input):
            varying |= set(node.output)
    nodes = [n for n in model.graph.node if n.op_type in REFERENCES and varying & set(n.input)]
    return nodes, varying


class Layers:
    """The layers of a model side by side: one model without connections, and its operands."""

    def __init__(self, path, inputs):
        model = onnx.load(path)
        self.nodes, varying = layers_of(model, inputs)
        wanted = {name for node in self.nodes for name in node.input if name}
        values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer
                  if i.name in wanted}
        values |= {k: v for k, v in inputs.items() if k in wanted}
        values |= recorded(path, sorted(wanted - set(values)), inputs)
        self.operands = [[values.get(name) for name in node.input] for node in self.nodes]
        self.fixed = {k: v for k, v in values.items() if k not in varying}
        self.inputs = {k: v for k, v in values.items() if k in varying}
        self.opset = model.opset_import

    def parts(self, most):
        """Ranges of layers whose weights and operands stay below `most` bytes together."""
        first, total = 0, 0
        for i, operands in enumerate(self.operands):
            size = sum(o.nbytes for o in operands if o is not None)
            if total and total + size > most:
                yield range(first, i)
                first, total = i, 0
            total += size
        yield range(first, len(self.nodes))

    def model(self, part):
        nodes, outputs = [], []
        for i in part:
            node = onnx.NodeProto()
            node.CopyFrom(self.nodes[i])
            node.name = f"layer_{i}"
            del node.output[:]
            node.output.append(f"y_{i}")
            nodes.append(node)
            outputs.append(helper.make_empty_tensor_value_info(f"y_{i}"))
        used = {name for i in part for name in self.nodes[i].input}
        dtype_of = helper.np_dtype_to_tensor_dtype
        inputs = [helper.make_tensor_value_info(k, dtype_of(v.dtype), v.shape)
                  for k, v in self.inputs.items() if k in used]
        weights = [numpy_helper.from_array(v, k) for k, v in self.fixed.items() if k in used]
        graph = helper.make_graph(nodes, "layers", inputs, outputs, weights)
        return helper.make_model(graph, opset_imports=self.opset), \
            {i.name: self.inputs[i.name] for i in inputs}


def ours(layers, threads, numerics):
    """Outputs of all layers, and for those that `winograd` took its tile."""
    import mintor

    outputs, tiles = {}, {}
    for part in layers.parts(256 << 20):
        model, inputs = layers.model(part)
        with tempfile.TemporaryDirectory(prefix="mintor-errors-") as folder:
            onnx.save(model, f"{folder}/layers.onnx")
            compiled = mintor.compile(f"{folder}/layers.onnx", threads=threads, numerics=numerics,
                                      explain=True)
        for name, value in compiled.run(inputs).items():
            outputs[int(name[2:])] = value
        for line in compiled.explanations:
            if found := TILES.match(line):
                tiles[int(found[1])] = int(found[2])
    return outputs, tiles


def error(got, exact):
    """(largest error, largest output), NaN where shapes differ."""
    if got.shape != exact.shape:
        return float("nan")
    return float(np.abs(got - exact).max(initial=0) / max(np.abs(exact).max(initial=0), 1e-300))


def measured(path, threads, numerics):
    inputs = inputs_of(path)
    layers = Layers(path, inputs)
    outputs, tiles = ours(layers, threads, numerics)
    rows = []
    for i, (node, operands) in enumerate(zip(layers.nodes, layers.operands, strict=True)):
        reference = REFERENCES[node.op_type]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        exact = reference(operands, attributes, torch.float64)
        single = reference(operands, attributes, torch.float32)
        row = {"layer": node.name or node.output[0], "op": node.op_type, "tile": tiles.get(i),
               "mintor": error(outputs[i], exact), "torch": error(single, exact)}
        row["ratio"] = row["mintor"] / max(row["torch"], LEAST)
        row["good"] = row["mintor"] <= WINOGRAD if row["tile"] else row["ratio"] <= RATIO
        rows.append(row)
    return rows


def worst(rows, key):
    return max(rows, key=lambda row: row[key], default=None)


def cell(row, *keys):
    return " | ".join("" if row is None else f"{row[k]:.2g}" if isinstance(row[k], float) else
                      str(row[k]) for k in keys)


def markdown(report):
    lines = ["| model | layers | worst ratio | its layer | Mintor | PyTorch | by Winograd | "
             "largest error | its layer | PyTorch |", "|" + "---|" * 10]
    for name, rows in report.items():
        tiled = [row for row in rows if row["tile"]]
        plain = worst([row for row in rows if not row["tile"]], "ratio")
        largest = worst(tiled, "mintor")
        lines.append(f"| {name} | {len(rows)} | {cell(plain, 'ratio', 'layer', 'mintor', 'torch')} "
                     f"| {len(tiled)} | {cell(largest, 'mintor', 'layer', 'torch')} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--models", help="names, separated by commas; without it all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--numerics", default="default")
    parser.add_argument("--json", type=pathlib.Path, help="every layer; earlier models stay")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = arguments.models.split(",") if arguments.models else \
        sorted(p.stem for p in arguments.folder.glob("*.onnx"))
    report = {}
    if arguments.json and arguments.json.exists():
        report = json.loads(arguments.json.read_text(encoding="utf-8"))
    bad = []
    for name in names:
        with torch.inference_mode():
            report[name] = measured(arguments.folder / f"{name}.onnx", arguments.threads,
                                    arguments.numerics)
        bad += [(name, row) for row in report[name] if not row["good"]]
        if arguments.json:  # after each: a run that is cut short keeps what it has
            arguments.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(markdown(report))
    for name, row in bad:
        print(f"above its limit: {name}: {row}", file=sys.stderr)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
