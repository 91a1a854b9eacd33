# SPDX-License-Identifier: Apache-2.0
"""The onnx.backend.base.Backend interface: the door for conformance suites.

Takes onnx.ModelProto objects; gives representations whose run(inputs) returns outputs in the
model's order. Keeps true: it is mintor.compile on the serialised model, nothing else; the onnx
package is needed here only.

>>> import mintor.backend as backend                                # doctest: +SKIP
>>> outputs = backend.prepare(model, "CPU").run([x])
"""
import os
import tempfile

import ml_dtypes
import numpy
import onnx
from onnx.backend.base import Backend, BackendRep

from mintor._mintor import CompileError
from mintor.model import compile as compile_model


class MintorRep(BackendRep):
    """A prepared model. `run` takes a list by position, a dictionary, or a single array."""

    def __init__(self, model, input_names, read):
        self._model = model
        self._input_names = input_names
        self._read = read

    def run(self, inputs, **kwargs):
        named = dict(inputs) if isinstance(inputs, dict) else self._by_name(inputs)
        ports = {name: (dtype, shape) for name, dtype, shape in self._model.inputs}
        # What is none of the compiled model's inputs is left out, unless its name is wrong.
        known = {name: value for name, value in named.items()
                 if name in ports or name not in self._input_names}
        for name, (dtype, shape) in ports.items():
            if name not in known and name not in self._read:
                known[name] = self._zeros(dtype, shape, known)
        outputs = self._model.run(known)
        # By position: an output that is an input too has another name here.
        return tuple(outputs[name] for name, _, _ in self._model.outputs)

    def _zeros(self, dtype, shape, known):
        """For an input that nothing reads; sizes that other inputs have are theirs."""
        sizes = {}
        for name, _, dims in self._model.inputs:
            sizes.update(zip(dims, numpy.shape(known.get(name, ()))))
        kinds = {"f64": "f8", "f32": "f4", "f16": "f2", "bf16": ml_dtypes.bfloat16, "bool": "?"}
        kind = kinds.get(dtype) or f"{dtype[0]}{int(dtype[1:]) // 8}"
        return numpy.zeros([dim if isinstance(dim, int) else sizes.get(dim, 1) for dim in shape],
                           kind)

    def _by_name(self, inputs):
        if isinstance(inputs, (numpy.ndarray, numpy.generic)):
            inputs = [inputs]
        if len(inputs) > len(self._input_names):
            raise CompileError(f"error: run: {len(inputs)} inputs were given, the model has "
                               f"{len(self._input_names)}: {', '.join(self._input_names)}")
        return dict(zip(self._input_names, inputs))


def _names_read(graph):
    """Names that the outputs or nodes of a graph take, bodies of loops and branches included."""
    names = {value.name for value in graph.output}
    for node in graph.node:
        names.update(node.input)
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                names |= _names_read(body)
    return names


class MintorBackend(Backend):
    """Models run on the CPU, on the level that this machine has."""

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        try:
            cls.prepare(model, device, **kwargs)
        except (ValueError, TypeError, onnx.checker.ValidationError):
            return False  # CompileError is a ValueError
        return True

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        super().prepare(model, device, **kwargs)
        if not cls.supports_device(device):
            raise ValueError(f"device {device} is not supported, CPU is")
        handle, path = tempfile.mkstemp(suffix=".onnx")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(model.SerializeToString())
            compiled = compile_model(path, **kwargs)
        finally:
            os.unlink(path)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [value.name for value in model.graph.input if value.name not in constants]
        return MintorRep(compiled, inputs, _names_read(model.graph))

    @classmethod
    def run_model(cls, model, inputs, device="CPU", **kwargs):
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, **kwargs):
        """One node on these inputs: a model is made around it."""
        super().run_node(node, inputs, device, outputs_info=outputs_info, **kwargs)
        values = [numpy.asarray(value) for value in inputs]
        names = [name for name in node.input if name]
        ports = [onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                 for name, value in zip(names, values)]
        results = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], node.op_type, ports, results)
        model = onnx.shape_inference.infer_shapes(onnx.helper.make_model(graph))
        inferred = {value.name: value for value in model.graph.value_info}
        for result in model.graph.output:
            if not result.HasField("type") and result.name in inferred:
                result.CopyFrom(inferred[result.name])
        return cls.run_model(model, values, device, **kwargs)

    @classmethod
    def supports_device(cls, device):
        return device.split(":")[0] == "CPU"


is_compatible = MintorBackend.is_compatible
prepare = MintorBackend.prepare
run_model = MintorBackend.run_model
run_node = MintorBackend.run_node
supports_device = MintorBackend.supports_device
