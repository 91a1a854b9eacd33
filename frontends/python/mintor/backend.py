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

import numpy
import onnx
from onnx.backend.base import Backend, BackendRep

from mintor.model import compile as compile_model


class MintorRep(BackendRep):
    """A prepared model. `run` takes a list by position, a dictionary, or a single array."""

    def __init__(self, model, input_names, output_names):
        self._model = model
        self._input_names = input_names
        self._output_names = output_names
        self._dtypes = {name: dtype for name, dtype, _ in model.inputs}

    def run(self, inputs, **kwargs):
        if isinstance(inputs, dict):
            named = dict(inputs)
        else:
            if isinstance(inputs, (numpy.ndarray, numpy.generic)):
                inputs = [inputs]
            named = dict(zip(self._input_names, inputs))
        # An input that the outputs do not depend on is none of the compiled model.
        known = {name: self._as_array(name, value) for name, value in named.items()
                 if name in self._dtypes}
        outputs = self._model.run(known)
        return tuple(outputs[name] for name in self._output_names)

    def _as_array(self, name, value):
        array = numpy.asarray(value)
        # bf16 travels as its bits.
        if self._dtypes[name] == "bf16" and array.dtype.name == "bfloat16":
            array = array.view(numpy.uint16)
        return array


class MintorBackend(Backend):
    """Models run on the CPU, on the level that this machine has."""

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        try:
            cls.prepare(model, device, **kwargs)
        except ValueError:
            return False
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
        return MintorRep(compiled, inputs, [value.name for value in model.graph.output])

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
