# SPDX-License-Identifier: Apache-2.0
"""A random ONNX model that grows node by node, with each value at every size it will be run at.

Takes: a seed, then operators from random_operators.py. Gives: a Builder, and from it `Case`s: a
model, its runs, and per output what ONNX Runtime computes and how far off an answer may be.
Keeps true: a node is added only after ONNX Runtime has taken it at the sizes that the model will be
run at; operators that jump (Floor, ArgMax, Less, casts to integers) get operands whose bits every
implementation must agree on, so that a difference is a fault.
"""

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper
from random_oracle import SAMPLES, Oracle, Refused, moved, onnx_type, tolerance
from random_values import BOOL, EXACT, FLOATS, INTS, MOVES, NEAR, SUMS, U8, Case, Value

MOST = 20_000  # elements of a value
MOST_DIMS = 5


def largest(x):
    return float(np.abs(x[np.isfinite(x)]).max(initial=0))


class Builder:
    """A model that grows node by node. `sizes`: symbol -> its sizes, one for each run."""

    def __init__(self, seed):
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.opset = int(self.rng.choice([13, 17, 18, 21]))
        self.nodes, self.values, self.used = [], {}, set()
        self.sizes = self.random_sizes()
        self.hard = self.chance(0.15)  # NaN, infinities, subnormals among the inputs
        self.counter = 0

    # ------------------------------------------------------------ chance
    def chance(self, p):
        return self.rng.random() < p

    def choose(self, items):
        items = list(items)
        if not items:
            raise Refused("nothing to choose from")
        return items[int(self.rng.integers(len(items)))]

    def number(self, low, high):
        """Low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def random_sizes(self):
        """Different sizes first, ones, even, large; nothing at last, in half of the models. Now and
        then one is longer than a block or a chunk of a sum."""
        names = ["n", "m", "k"]
        rows = [
            self.rng.permutation([2, 3, 5, 7])[:3],
            self.rng.choice([1, 1, 2, 9], 3),
            self.rng.choice([2, 4, 8, 16, 32], 3),
            self.rng.permutation([self.rng.choice([33, 63, 100, 257, 300]), 3, 1])[:3],
        ]
        if self.chance(0.15):
            rows.append(self.rng.permutation([9001, 1, 2])[:3])
        if self.chance(0.5):
            rows.append(self.rng.permutation([0, self.rng.choice([0, 1, 6]), 4])[:3])
        return {name: tuple(int(r[i]) for r in rows) for i, name in enumerate(names)}

    @property
    def count(self):
        return len(self.sizes["n"])

    def forget_run(self, s):
        """The model is not run at sizes that a node does not take."""
        self.sizes = {n: v[:s] + v[s + 1 :] for n, v in self.sizes.items()}
        for value in self.values.values():
            del value.data[s]
            if value.samples:
                del value.samples[s]

    # ------------------------------------------------------------ values
    def fresh_name(self, stem):
        self.counter += 1
        return f"{stem}{self.counter}"

    def add(self, value):
        self.values[value.name] = value
        return value

    def dim(self):
        """A random dimension: a symbol or a small number."""
        if self.chance(0.5):
            return self.sizes[self.choose(["n", "n", "m", "k"])]
        return (self.choose([1, 2, 3, 4, 5, 6, 8, 16, 17]),) * self.count

    def shape(self, low=0, high=4):
        return [self.dim() for _ in range(self.number(low, high))]

    def fixed(self, *sizes):
        return [(size,) * self.count for size in sizes]

    def numbers(self, shape, dtype):
        if dtype == BOOL:
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            low = 0 if dtype == U8 else -6
            return self.rng.integers(low, 7, shape).astype(dtype)
        x = self.rng.standard_normal(shape) * 2
        return x.astype(dtype)

    def hard_numbers(self, x):
        """Some elements become NaN, infinities, zeros of both signs, subnormals; limits."""
        dtype = x.dtype
        if dtype == BOOL:
            return x
        if dtype.kind == "f":
            tiny = float(np.finfo(dtype).smallest_subnormal)
            few = [np.nan, np.inf, -np.inf, -0.0, 0.0, 3 * tiny, -tiny, float(np.finfo(dtype).max)]
        else:
            few = [np.iinfo(dtype).min, np.iinfo(dtype).max]
        where = self.rng.random(x.shape) < 0.2
        return np.where(where, self.rng.choice(np.array(few, dtype), x.shape), x).astype(dtype)

    def fresh(self, dims, dtype, data=None, whole=None, easy=False):
        """A new input, or a parameter when its shape is fixed."""
        dtype = np.dtype(dtype)
        whole = self.chance(0.5) if whole is None else whole
        constant = all(len(set(d)) == 1 for d in dims) and self.chance(0.4)
        made = []
        for s in range(self.count):
            shape = tuple(d[s] for d in dims)
            if math.prod(shape) > MOST:
                raise Refused("too large")
            if constant and made:
                made.append(made[0])
                continue
            x = data(s, shape) if data else self.numbers(shape, dtype)
            if data is None and dtype.kind == "f" and whole:
                x = np.rint(x)
            if data is None and self.hard and not whole and not easy:
                x = self.hard_numbers(np.asarray(x, dtype))
            made.append(np.asarray(x, dtype))
        name = self.fresh_name("w" if constant else "x")
        naming = int(self.rng.choice(3, p=[0.8, 0.1, 0.1]))
        return self.add(Value(name, dtype, made, constant=constant, naming=naming))

    def constant(self, array, dtype=None):
        array = np.asarray(array, dtype)
        name = self.fresh_name("c")
        return self.add(Value(name, array.dtype, [array] * self.count, constant=True))

    def pick(self, *conditions, dtypes=None, rank=(0, MOST_DIMS)):
        """A value that there is, or now and then a new input."""
        dtypes = [np.dtype(d) for d in dtypes or FLOATS + INTS + (BOOL,)]
        fits = [
            v
            for v in self.values.values()
            if v.dtype in dtypes
            and rank[0] <= v.rank <= rank[1]
            and (not v.constant or v.rank)
            and all(c(v) for c in conditions)
        ]
        if fits and not self.chance(0.2):
            weights = np.arange(1, len(fits) + 1, dtype=float) ** 2
            weights *= [1.0 if v.name in self.used else 3.0 for v in fits]
            return fits[int(self.rng.choice(len(fits), p=weights / weights.sum()))]
        value = self.fresh(self.shape(rank[0], min(rank[1], 4)), self.choose(dtypes))
        if not all(c(value) for c in conditions):
            raise Refused("no such value")
        return value

    def like(self, x, dims=None, dtype=None, **kind):
        """A value of x's dtype and of the given dims (x's own), existing or new."""
        dims, dtype = x.dims if dims is None else dims, np.dtype(dtype or x.dtype)
        fits = [v for v in self.values.values() if v.dtype == dtype and v.dims == dims]
        if fits and self.chance(0.6):
            return self.choose(fits)
        return self.fresh(dims, dtype, **kind)

    def partner(self, x, dtype=None, **kind):
        """A value that broadcasts with x: of any rank, with dims that are x's, or 1."""
        dims = list(x.dims)
        for d in range(len(dims)):
            if self.chance(0.25):
                dims[d] = (1,) * self.count
            elif set(dims[d]) == {1} and self.chance(0.3):
                dims[d] = self.dim()
        if self.chance(0.3):
            dims = dims[self.number(0, len(dims)) :]
        elif len(dims) < 4 and self.chance(0.1):
            dims = [self.dim(), *dims]
        return self.like(x, dims, dtype, **kind)

    # ------------------------------------------------------------ nodes
    def node(
        self, op, inputs, outputs=1, sure=NEAR, ulps=2.0, blur=0, fixed=(), power=1, **attributes
    ):
        """Adds a node; its value, or the list of its values. Refused: nothing has changed.

        `ulps`: how far rounding moves operands and results, `blur` how far results, in ulps of the
        largest operand; `power` of operands in `sums`."""
        oracle = Oracle(
            op, [v is not None for v in inputs], outputs, self.opset, fixed, **attributes
        )
        results = self.run_everywhere(oracle, inputs)
        made = []
        for k in range(outputs):
            data = [r[k] for r in results]
            if max(a.size for a in data) > MOST or data[0].ndim > MOST_DIMS:
                raise Refused("too large")
            made.append(Value(self.fresh_name("v"), data[0].dtype, data))
        self.judge(oracle, inputs, made, sure, (ulps, blur), power)
        self.used |= {v.name for v in inputs if v is not None}
        names = [v.name if v is not None else "" for v in inputs]
        self.nodes.append(helper.make_node(op, names, [v.name for v in made], **attributes))
        for value in made:
            self.add(value)
        return made[0] if outputs == 1 else made

    def run_everywhere(self, oracle, inputs):
        results, s = [], 0
        while s < self.count:
            arrays = [None if v is None else v.data[s] for v in inputs]
            try:
                results.append(oracle.run(arrays))
                s += 1
            except Refused:
                if s == 0 or self.count <= 3 or self.chance(0.7):
                    raise
                self.forget_run(s)
        return results

    def judge(self, oracle, inputs, made, sure, rough, power):
        """Says of each result how sure it is, and makes the samples of what is only near."""
        data = [v for k, v in enumerate(inputs) if v is not None and k not in oracle.fixed]
        floats = [v for v in data if v.is_float()]
        operands = max([v.sure for v in floats], default=MOVES)
        if sure == SUMS:
            sure = EXACT if self.sums_fit(inputs, made[0].dtype, power) else NEAR
        if oracle.node.op_type == "Shape":
            operands = MOVES
        if made[0].dtype.kind != "f":
            if operands == NEAR:
                raise Refused("jumps on a value that is not exact")
            operands, sure = MOVES, MOVES
        for value in made:
            value.sure = max(operands, sure)
        if made[0].sure == NEAR:
            widest = max([np.finfo(v.dtype).eps for v in [*floats, *made] if v.is_float()])
            rough = [0 if sure == MOVES else widest * ulps for ulps in rough]
            for value, samples in zip(made, self.sampled(oracle, inputs, rough, len(made))):
                value.samples = samples

    def sums_fit(self, inputs, dtype, power):
        """Whole numbers whose sums of products have no rounding in any order."""
        if dtype.kind != "f":
            return True
        operands = [v for v in inputs if v is not None and v.is_float()]
        if not all(v.exact() for v in operands):
            return False
        most = max(a.size for v in operands for a in v.data)
        bound = math.prod(v.largest() ** power for v in operands) * max(1, most)
        return bound < {2: 2.0**11, 4: 2.0**24, 8: 2.0**53}[dtype.itemsize]

    def sampled(self, oracle, inputs, rough, outputs):
        """samples[output][run][sample]"""
        rough, blur = rough
        found = [[] for _ in range(outputs)]
        for s in range(self.count):
            rows = []
            floats = [v for v in inputs if v is not None and v.is_float()]
            most = max((largest(v.data[s]) for v in floats), default=0.0)
            for i in range(SAMPLES + 1):
                arrays = [None if v is None else self.operand(v, s, i, rough) for v in inputs]
                for k in oracle.fixed:
                    if inputs[k] is not None:
                        arrays[k] = inputs[k].data[s]
                outcome = oracle.sample(arrays, i)
                if i:
                    outcome = [moved(self.rng, y, rough, blur * most) for y in outcome]
                rows.append(outcome)
            for k in range(outputs):
                found[k].append([row[k] for row in rows])
        return found

    def operand(self, value, s, i, rough):
        if not value.is_float():
            return value.data[s]
        x = value.sample(s, i)
        return x if i == 0 else moved(self.rng, x, rough)

    # ------------------------------------------------------------ models
    def declared(self, value):
        """Its shape as a model says it: numbers, symbols, or nothing for a dimension."""
        names = {sizes: name for name, sizes in reversed(self.sizes.items())}
        dims = []
        for sizes in value.dims:
            if len(set(sizes)) == 1 and self.count > 1:
                dims.append(sizes[0])
            elif value.naming:
                dims.append(None if value.naming == 1 else f"{value.name}_{len(dims)}")
            else:
                if sizes not in names:
                    names[sizes] = f"d{len(names)}"
                    self.sizes[names[sizes]] = sizes
                dims.append(names[sizes])
        return dims

    def needed(self, outputs, cut=()):
        """The nodes that the outputs come from, in order, and the names that they read."""
        read, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if read & set(node.output) - set(cut):
                nodes.insert(0, node)
                read |= set(node.input) - {""}
        return nodes, read

    def model(self, outputs, cut=(), static=False):
        """The ONNX model of some values; those of `cut` are inputs. Gives its input names too."""
        nodes, read = self.needed(outputs, cut)
        made = {n for node in nodes for n in node.output}
        inputs, constants = [], []
        for value in list(self.values.values()):
            if value.name not in read or (value.name in made and value.name not in cut):
                continue
            if value.constant:
                constants.append(numpy_helper.from_array(value.data[0], value.name))
                continue
            dims = list(value.data[0].shape) if static else self.declared(value)
            inputs.append(helper.make_tensor_value_info(value.name, onnx_type(value.dtype), dims))
        # A cut value that is an output of a needed node keeps its name; the node gets another.
        renamed = []
        for node in nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for i, name in enumerate(copy.output):
                if name in cut:
                    copy.output[i] = name + "_unused"
            renamed.append(copy)
        infos = [
            helper.make_tensor_value_info(n, onnx_type(self.values[n].dtype), None) for n in outputs
        ]
        graph = helper.make_graph(renamed, f"seed_{self.seed}", inputs, infos, constants)
        imports = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=imports, ir_version=8, producer_name="")

    def case(self, outputs, cut=(), runs=None, static=False):
        model = self.model(outputs, cut, static)
        names = [v.name for v in model.graph.input]
        runs = range(self.count) if runs is None else runs
        wants = [[self.want(self.values[n], s) for n in outputs] for s in runs]
        return Case(
            f"seed {self.seed}",
            model.SerializeToString(),
            [{n: self.values[n].data[s] for n in names} for s in runs],
            wants,
            [self.values[n].sure == MOVES for n in outputs],
        )

    def want(self, value, s):
        if value.sure < NEAR:
            return value.data[s], None
        return value.data[s], tolerance(value.data[s], value.samples[s])

    def outputs(self):
        """What nobody reads, and now and then a value in between."""
        made = [n for node in self.nodes for n in node.output]
        return [n for n in made if n not in self.used or self.chance(0.1)]
