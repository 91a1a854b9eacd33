#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random ONNX models of If, Loop and Scan in one another, beside ONNX Runtime.

  random_control.py [--seeds 0..1000] [--save FOLDER]

Takes: seeds; MINTOR_ONNX_ENGINE as in op_harness.py. Gives: what is wrong with each model, and exit
status 1 when anything is. Keeps true: a sub-graph reads whatever is made around it; conditions,
trip counts, what is carried and sizes of lists come from data; every other value has the shape that
its graph says.
"""

import argparse
import pathlib
import sys

import numpy as np
import op_harness
from onnx import TensorProto, helper

INPUTS = {"a": (2, 3), "b": (3,), "s": (), "w": (2, 3)}
DEEPEST = 3
UNARY = ("Tanh", "Neg", "Sigmoid", "Abs")
BINARY = ("Add", "Sub", "Min", "Max")


def port(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(shape))


class Graph:
    """A graph that grows: `values` are the names that it can read, with their shapes."""

    def __init__(self, rng, values, around=None):
        self.rng, self.values = rng, dict(values)
        self.nodes, self.counter = [], around.counter if around else [0]
        self.depth = around.depth + 1 if around else 0

    def name(self):
        self.counter[0] += 1
        return f"v{self.counter[0]}"

    def pick(self, *shapes):
        """A value of one of the shapes; what was made last is picked most."""
        fits = [name for name, has in self.values.items() if not shapes or has in shapes]
        weights = np.arange(1, len(fits) + 1) ** 2.0
        return str(self.rng.choice(fits, p=weights / weights.sum()))

    def node(self, op, inputs, shape=None, **attributes):
        """The output of a new node; one without a shape is read by nobody else."""
        result = self.name()
        self.nodes.append(helper.make_node(op, inputs, [result], **attributes))
        if shape is not None:
            self.values[result] = shape
        return result

    def constant(self, dtype, shape, values):
        tensor = helper.make_tensor("value", dtype, shape, values)
        return self.node("Constant", [], value=tensor)

    def condition(self):
        total = self.node("ReduceSum", [self.pick()], keepdims=0)
        limit = self.constant(TensorProto.FLOAT, [], [float(self.rng.standard_normal())])
        return self.node("Greater", [total, limit])

    def inside(self, values=()):
        return Graph(self.rng, {**self.values, **dict(values)}, self)

    def result(self, *shapes):
        """A value of this graph to be its output: (name, shape)."""
        name = self.pick(*shapes)
        return self.node("Identity", [name]), self.values[name]

    def proto(self, inputs, outputs):
        return helper.make_graph(self.nodes, self.name(), inputs, outputs)

    def summed(self, stacked, shape):
        """What a loop stacked is used as a sum, in which places count: how many there are is known
        to nobody."""
        axis = self.constant(TensorProto.INT64, [1], [0])
        sums = self.node("CumSum", [stacked, axis])
        self.node("ReduceSum", [sums, axis], shape, keepdims=0)

    # ------------------------------------------------------------ kinds of nodes
    def grow(self, steps):
        for _ in range(steps):
            chance = self.rng.random()
            if self.depth < DEEPEST and chance < 0.45:
                (self.branch, self.loop, self.scan)[self.rng.integers(3)]()
            elif self.depth < DEEPEST and chance < 0.55:
                (self.few, self.either, self.collected)[self.rng.integers(3)]()
            elif chance < 0.6:
                self.node("ReduceMean", [self.pick()], (), keepdims=0)
            elif chance < 0.7:
                name = self.pick()
                self.node(str(self.rng.choice(UNARY)), [name], self.values[name])
            else:
                x = self.pick()
                shape = self.values[x]
                y = self.pick(*[shape[d:] for d in range(len(shape) + 1)])
                self.node(str(self.rng.choice(BINARY)), [x, y], self.values[x])

    # Lists of a size that data decide: what else is made of one is its sum.
    def some(self):
        """The elements of a value that lie above a limit."""
        every = self.constant(TensorProto.INT64, [1], [-1])
        flat = self.node("Reshape", [self.pick(), every])
        limit = self.constant(TensorProto.FLOAT, [], [float(self.rng.standard_normal())])
        return self.node("Compress", [flat, self.node("Greater", [flat, limit])])

    def few(self):
        self.node("ReduceSum", [self.some()], (), keepdims=0)

    def either(self):
        condition, graphs = self.condition(), []
        for _ in range(2):
            inside = self.inside()
            inside.grow(self.rng.integers(0, 3))
            graphs.append(inside.proto([], [port(inside.some(), (None,))]))
        branches = {"then_branch": graphs[0], "else_branch": graphs[1]}
        self.node("ReduceSum", [self.node("If", [condition], **branches)], (), keepdims=0)

    def collected(self):
        """A loop that carries a list, and a sum of it; both begin with what there is."""
        first = [self.some(), self.pick(())]
        count, go, grown, sum_so_far = (self.name() for _ in range(4))
        inside = self.inside([(sum_so_far, ())])
        inside.grow(self.rng.integers(0, 3))
        longer = inside.node("Concat", [grown, inside.some()], axis=0)
        total = inside.node("ReduceSum", [longer], (), keepdims=0)
        outputs = [(inside.node("Identity", [go]), ()), (longer, (None,)), (total, ())]
        kinds = [TensorProto.BOOL, TensorProto.FLOAT, TensorProto.FLOAT]
        body = inside.proto(
            [
                port(count, (), TensorProto.INT64),
                port(go, (), TensorProto.BOOL),
                port(grown, (None,)),
                port(sum_so_far, ()),
            ],
            [port(*output, kind) for output, kind in zip(outputs, kinds)],
        )
        results = [self.name(), self.name()]
        trips = self.constant(TensorProto.INT64, [], [int(self.rng.integers(1, 4))])
        trips = "trips" if self.rng.random() < 0.3 else trips
        self.nodes.append(helper.make_node("Loop", [trips, "", *first], results, body=body))
        self.node("ReduceSum", [results[0]], (), keepdims=0)
        self.values[results[1]] = ()

    def branch(self):
        condition = self.condition()
        shapes = [self.values[self.pick()] for _ in range(self.rng.integers(1, 3))]
        graphs = []
        for _ in range(2):
            inside = self.inside()
            inside.grow(self.rng.integers(1, 4))
            outputs = [port(*inside.result(shape)) for shape in shapes]
            graphs.append(inside.proto([], outputs))
        results = [self.name() for _ in shapes]
        self.nodes.append(
            helper.make_node(
                "If", [condition], results, then_branch=graphs[0], else_branch=graphs[1]
            )
        )
        self.values.update(zip(results, shapes))

    def loop(self):
        first = [self.pick() for _ in range(self.rng.integers(0, 3))]
        shapes = [self.values[name] for name in first]
        count, go, carried = self.name(), self.name(), [self.name() for _ in first]
        inside = self.inside(zip(carried, shapes))
        if self.rng.random() < 0.5:
            inside.node("Cast", [count], (), to=TensorProto.FLOAT)
        inside.grow(self.rng.integers(1, 4))
        ends = self.rng.random() < 0.6
        again = inside.condition() if ends else inside.node("Identity", [go])
        outputs = [inside.result(shape) for shape in shapes]
        stacked = [inside.result() for _ in range(self.rng.integers(0 if first else 1, 2))]
        body = inside.proto(
            [port(count, (), TensorProto.INT64), port(go, (), TensorProto.BOOL)]
            + [port(*value) for value in zip(carried, shapes)],
            [port(again, (), TensorProto.BOOL)] + [port(*value) for value in outputs + stacked],
        )
        trips = self.constant(TensorProto.INT64, [], [int(self.rng.integers(1, 5))])
        trips = "trips" if self.rng.random() < 0.3 else trips
        start = self.condition() if self.rng.random() < 0.4 else ""
        results = [self.name() for _ in outputs + stacked]
        self.nodes.append(helper.make_node("Loop", [trips, start, *first], results, body=body))
        self.values.update(zip(results, shapes))
        for result, (_, shape) in zip(results[len(first) :], stacked):
            self.summed(result, shape)

    def scan(self):
        rows, axis, first = self.pick((2, 3)), int(self.rng.integers(2)), self.pick()
        state, row, shape = self.name(), self.name(), self.values[first]
        inside = self.inside([(state, shape), (row, (2, 3)[1 - axis : 2 - axis])])
        inside.grow(self.rng.integers(1, 4))
        output, stacked = inside.result(shape), inside.result()
        body = inside.proto(
            [port(state, shape), port(row, inside.values[row])], [port(*output), port(*stacked)]
        )
        results = [self.name(), self.name()]
        self.nodes.append(
            helper.make_node(
                "Scan",
                [first, rows],
                results,
                body=body,
                num_scan_inputs=1,
                scan_input_axes=[axis],
                scan_input_directions=[int(self.rng.integers(2))],
                scan_output_directions=[int(self.rng.integers(2))],
            )
        )
        self.values[results[0]] = shape
        self.summed(results[1], stacked[1])


def generate(seed):
    """A case of a model with a dozen nodes, each of which may hold more."""
    rng = np.random.default_rng(seed)
    graph = Graph(rng, INPUTS)
    graph.grow(12)
    outputs = [(name, shape) for name, shape in graph.values.items() if name not in INPUTS]
    inputs = [port(*value) for value in INPUTS.items()] + [port("trips", (), TensorProto.INT64)]
    proto = graph.proto(inputs, [port(*value) for value in outputs])
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    runs = []
    for trips in (3, 0):
        run = {name: rng.standard_normal(shape).astype("f") for name, shape in INPUTS.items()}
        runs.append({**run, "trips": np.array(trips)})
    return op_harness.Case(f"control {seed}", "", model, runs, 1e-4, 1e-4, False)


def check_seed(seed):
    """What is wrong with the model of a seed, or []. A sum of -0 is +0 in ONNX Runtime: signs of
    zeros do not count."""
    case, problems = generate(seed), []
    try:
        oracle = op_harness.ort_runner(case.model)
        engine = op_harness.engine_runner(case.model)
        for inputs in case.runs:
            for got, want in zip(engine(inputs), oracle(inputs), strict=True):
                problems.append(op_harness.difference(got + 0, want + 0, case))
    except Exception as error:
        problems.append(f"{type(error).__name__}: {str(error)[:400]}")
    return [problem for problem in problems if problem]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0..100", help="first..last, or one")
    parser.add_argument("--save", help="folder for failing models")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("..")
    failing = 0
    for seed in range(int(first), int(last or first) + 1):
        problems = check_seed(seed)
        failing += bool(problems)
        for problem in problems:
            print(f"seed {seed}: {problem}", flush=True)
        if problems and arguments.save:
            path = pathlib.Path(arguments.save) / f"{seed}.onnx"
            path.write_bytes(generate(seed).model.SerializeToString())
    print(f"{failing} fail")
    sys.exit(1 if failing else 0)


if __name__ == "__main__":
    main()
