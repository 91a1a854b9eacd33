# SPDX-License-Identifier: Apache-2.0
"""What one ONNX node computes, by ONNX Runtime, and how much an answer may differ from it.

Takes: an operator, its attributes and arrays. Gives: `Oracle.run`, exact values; `Oracle.sample`,
the same node in double precision (single where ONNX Runtime has no double) with its operands moved
by a few units in the last place, as rounding would. What spreads far under that is ill-conditioned.
Keeps true: one node at a time and no graph optimisation, so that ONNX Runtime's own fusions have
no say. A dtype that it lacks is computed in a wider one and rounded or wrapped once.
"""

import functools

import numpy as np
import onnx
import onnxruntime
from onnx import helper

SAMPLES = 5  # moved ones; the first sample of a value is not moved
WIDER = {"float16": "float32", "uint8": "int32", "bool": "uint8"}


class Refused(Exception):
    """ONNX Runtime, or the generator, does not take this node."""


def chosen(arrays, outputs):
    """ONNX Runtime adds a chosen value and a zero, which loses -0; ONNX says: values are chosen."""
    return [np.where(*arrays)]


def rounded_once(arrays, outputs):
    """It casts f64 to f16 by way of f32, which rounds twice."""
    if arrays[0].dtype != np.float64 or outputs[0].dtype != np.float16:
        return outputs
    return [narrowed(arrays[0], np.float16)]


def wrapped(arrays, outputs):
    """It sums integers in f64, which rounds large ones and stops at the limits of i64."""
    x, axes = arrays[0], arrays[1] if len(arrays) > 1 else None
    if x.dtype.kind == "f" or outputs[0].shape == x.shape:
        return outputs
    axes = None if axes is None or axes.size == 0 else tuple(int(a) for a in axes)
    return [np.sum(x, axis=axes, dtype=x.dtype).reshape(outputs[0].shape)]


# Where ONNX Runtime departs from the ONNX text, or from itself: what is right.
WRONG = {"Where": chosen, "Cast": rounded_once, "ReduceSum": wrapped}
LARGE = 1e15  # products of two, and their sums, are far from the largest f32


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@functools.lru_cache(maxsize=4096)
def session_for(proto, dtypes, opset):
    """A one-node session, or None where ONNX Runtime has no kernel for the dtypes."""
    node = onnx.NodeProto.FromString(proto)
    given = dict(zip([n for n in node.input if n], dtypes))
    inputs = [helper.make_tensor_value_info(n, onnx_type(d), None) for n, d in given.items()]
    outputs = [onnx.ValueInfoProto(name=n) for n in node.output]
    graph = helper.make_graph([node], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error) or "Type Error" in str(error):
            return None
        raise Refused(str(error)) from error


def narrowed(array, dtype):
    """An array of a wider dtype as `dtype`, rounded or wrapped once."""
    with np.errstate(all="ignore"):
        return np.asarray(array, dtype)


class Oracle:
    """One node. `fixed`: inputs by position whose dtype is what it is (scales, indices)."""

    def __init__(self, op, arity, outputs, opset, fixed=(), **attributes):
        self.names = [f"i{k}" if present else "" for k, present in enumerate(arity)]
        results = [f"o{k}" for k in range(outputs)]
        self.node = helper.make_node(op, self.names, results, **attributes)
        self.opset, self.fixed = opset, set(fixed)

    def call(self, arrays, node=None):
        """The outputs, or None where there is no kernel for these dtypes."""
        node = node or self.node
        if self.crashes(arrays):
            return [self.by_numpy(arrays)]
        given = {n: a for n, a in zip(self.names, arrays) if n}
        dtypes = tuple(a.dtype.name for a in given.values())
        session = session_for(node.SerializeToString(), dtypes, self.opset)
        if session is None:
            return None
        try:
            return [np.asarray(y) for y in session.run(None, given)]
        except Exception as error:
            raise Refused(str(error)) from error

    def crashes(self, arrays):
        """ONNX Runtime 1.32 divides by the zero elements of an operand of Einsum."""
        return self.node.op_type == "Einsum" and not all(a.size for a in arrays)

    def by_numpy(self, arrays):
        equation = self.node.attribute[0].s.decode()
        try:
            return np.asarray(np.einsum(equation, *arrays), arrays[0].dtype)
        except ValueError as error:
            raise Refused(str(error)) from error

    def with_cast_to(self, dtype):
        """The node with another target where it is a Cast."""
        node = onnx.NodeProto()
        node.CopyFrom(self.node)
        for attribute in node.attribute:
            if attribute.name == "to":
                attribute.i = onnx_type(dtype)
        return node

    def run(self, arrays):
        outputs = self.call(arrays)
        if outputs is not None and self.node.op_type in WRONG:
            return WRONG[self.node.op_type](arrays, outputs)
        if outputs is not None:
            return outputs
        kinds = {a.dtype.name for k, a in enumerate(arrays) if a is not None}
        for narrow, wide in WIDER.items():
            if narrow not in kinds:
                continue
            wider = [
                a.astype(wide) if a is not None and a.dtype == narrow and k not in self.fixed else a
                for k, a in enumerate(arrays)
            ]
            outputs = self.call(wider)
            if outputs is not None:
                return [narrowed(y, narrow) if y.dtype == wide else y for y in outputs]
        raise Refused(f"{self.node.op_type} has no kernel for {sorted(kinds)}")

    def sample(self, arrays, i):
        """The outputs in f64, from f64 operands; in f32 where there is no f64 kernel. Samples of
        even and odd number differ where that may overflow (without_overflow)."""
        is_cast = self.node.op_type == "Cast"
        for dtype in (np.float64, np.float32):
            node = self.with_cast_to(dtype) if is_cast else self.node
            wide = [
                narrowed(a, dtype)
                if a is not None and a.dtype.kind == "f" and k not in self.fixed
                else a
                for k, a in enumerate(arrays)
            ]
            outputs = self.call(wide, node)
            if outputs is not None and dtype == np.float32:
                outputs = self.without_overflow(wide, node, outputs, i)
            if outputs is not None:
                return [np.asarray(y, np.float64) for y in outputs]
        raise Refused(f"{self.node.op_type} has no kernel for floats")

    def without_overflow(self, arrays, node, outputs, i):
        """f32 outputs; what is not finite is that with all large operands small, or with all of
        them infinite: next to an infinity, an overflow gives NaN or not by the order of a sum and
        by what is rounded in it."""
        if all(np.isfinite(y).all() for y in outputs):
            return outputs
        floats = [
            a is not None and a.dtype.kind == "f" and k not in self.fixed
            for k, a in enumerate(arrays)
        ]
        then, others = (LARGE, np.inf)[i % 2], list(arrays)
        for k in np.flatnonzero(floats):
            large = np.isfinite(arrays[k]) & (np.abs(arrays[k]) > LARGE)
            others[k] = np.where(large, np.copysign(then, arrays[k]), arrays[k]).astype("f4")
        return [np.where(np.isfinite(y), y, z) for y, z in zip(outputs, self.call(others, node))]


def moved(rng, x, relative, absolute=0.0):
    """x (f64) with each element moved by up to so much."""
    with np.errstate(all="ignore"):
        y = np.asarray(x * (1 + relative * rng.uniform(-1, 1, x.shape)))
        return y + absolute * rng.uniform(-1, 1, x.shape) if absolute else y


def tolerance(want, samples):
    """Per element: how far an answer may be from `want`; inf where the samples disagree on what
    kind of value it is; 0 where all agree that it is no finite number."""
    dtype = want.dtype
    info = np.finfo(dtype)
    stacked = np.stack(samples)
    with np.errstate(all="ignore"):
        spread = np.max(np.abs(stacked - stacked[0]), axis=0)
        off = np.abs(want.astype(np.float64) - stacked[0])
        size = np.abs(want.astype(np.float64))
        allowed = 10 * spread + 2 * off + 4 * info.eps * size + 4 * float(info.smallest_subnormal)
        as_stored = stacked.astype(dtype)
        finite = np.isfinite(as_stored).all(axis=0) & np.isfinite(want)
        # Close to the largest number, one rounding decides.
        finite &= np.max(np.abs(stacked), axis=0) < 0.9 * float(info.max)
        alike = (as_stored == want) | (np.isnan(as_stored) & np.isnan(want))
        settled = alike.all(axis=0) & ~finite
        return np.where(finite, allowed, np.where(settled, 0, np.inf))
