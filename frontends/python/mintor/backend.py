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
from mintor.strings import decode_strings, encode_strings


# Element types that the compiled model has as the bits of floats in u8 ...
_BITS = {getattr(onnx.TensorProto, name): numpy.dtype(kind) for name, kind in (
    ("FLOAT8E4M3FN", ml_dtypes.float8_e4m3fn), ("FLOAT8E4M3FNUZ", ml_dtypes.float8_e4m3fnuz),
    ("FLOAT8E5M2", ml_dtypes.float8_e5m2), ("FLOAT8E5M2FNUZ", ml_dtypes.float8_e5m2fnuz),
    ("FLOAT8E8M0", ml_dtypes.float8_e8m0fnu), ("FLOAT4E2M1", ml_dtypes.float4_e2m1fn))}
# ... and as numbers in i8 or u8.
_NUMBERS = {getattr(onnx.TensorProto, name): numpy.dtype(kind) for name, kind in (
    ("INT4", ml_dtypes.int4), ("UINT4", ml_dtypes.uint4), ("INT2", ml_dtypes.int2),
    ("UINT2", ml_dtypes.uint2))}


def _stored(value):
    """An array of strings or a small element type as the compiled model takes it; others as they
    are.
    """
    kind = getattr(value, "dtype", None)
    if kind is not None and kind.kind in "OSU":
        return encode_strings(value)
    if kind in _BITS.values():
        return value.view(numpy.uint8)
    if kind in _NUMBERS.values():
        return value.astype(numpy.int8 if kind.name.startswith("int") else numpy.uint8)
    return value


def _as_element(value, element):
    if element == onnx.TensorProto.STRING:
        return decode_strings(value)
    if element in _BITS:
        return value.view(_BITS[element])
    return value.astype(_NUMBERS[element]) if element in _NUMBERS else value


def _is_plain(value):
    return value.type.WhichOneof("value") == "tensor_type"


def _element_of(type_proto):
    """The type of the tensors in a sequence or an optional value, however nested."""
    while type_proto.WhichOneof("value") != "tensor_type":
        type_proto = getattr(type_proto, type_proto.WhichOneof("value")).elem_type
    return type_proto.tensor_type.elem_type


class StructuredRep(BackendRep):
    """A model with sequences or optional values: what its inputs hold is part of what is compiled,
    once for each structure. An item `i` of the sequence `x` is the input "x/i". Where how many
    items there are depends on inputs that are one whole number, these are part of it, too.
    """

    def __init__(self, model, kwargs):
        self._source = model
        self._source_names = {value.name for value in model.graph.input}
        self._kwargs = kwargs
        self._compiled = {}

    def run(self, inputs, **kwargs):
        names = [value.name for value in self._source.graph.input]
        named = dict(inputs) if isinstance(inputs, dict) else dict(zip(names, inputs))
        flat = {}
        structure = []
        for value in self._source.graph.input:
            given = named.get(value.name)
            if _is_plain(value):
                flat[value.name] = given
            elif isinstance(given, (list, tuple)):
                items = [numpy.asarray(item) for item in given]
                flat.update((f"{value.name}/{i}", item) for i, item in enumerate(items))
                structure.append((value.name, tuple(item.shape for item in items)))
            else:
                structure.append((value.name, None if given is None else numpy.shape(given)))
                if given is not None:
                    flat[value.name] = numpy.asarray(given)
        rep = self._compiled_for(structure, flat)
        found = rep.run({name: value for name, value in flat.items()
                         if name not in self._source_names or name in rep.input_names})
        ports = dict(zip((name for name, _, _ in rep._model.outputs), found))
        return tuple(self._collected(value, ports) for value in self._source.graph.output)

    def _collected(self, value, ports):
        if value.name in ports:
            return ports[value.name]
        items = []
        if value.type.WhichOneof("value") == "optional_type" and f"{value.name}/0" not in ports:
            return None
        while f"{value.name}/{len(items)}" in ports:
            items.append(ports[f"{value.name}/{len(items)}"])
        return items

    def _compiled_for(self, structure, flat):
        numbers = {name: value for name, value in flat.items()
                   if name in self._source_names and numpy.size(value) == 1
                   and numpy.asarray(value).dtype.kind in "biu"}
        general = repr(structure)
        special = repr((structure, sorted((name, numpy.ravel(value)[0])
                                          for name, value in numbers.items())))
        for key in (general, special):
            if key in self._compiled:
                return self._compiled[key]
        try:
            return self._compiled.setdefault(general, self._prepare(dict(structure), {}))
        except CompileError:
            if not numbers:
                raise
        return self._compiled.setdefault(special, self._prepare(dict(structure), numbers))

    def _prepare(self, structure, numbers):
        """The model over tensors alone: sequences are constructed from their items, and `numbers`
        are constants.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self._source)
        del model.graph.input[:]
        nodes = []
        for value in self._source.graph.input:
            if value.name in numbers:
                model.graph.initializer.append(
                    onnx.numpy_helper.from_array(numpy.asarray(numbers[value.name]), value.name))
                continue
            if _is_plain(value):
                model.graph.input.append(value)
                continue
            shapes, element = structure[value.name], _element_of(value.type)
            if isinstance(shapes, tuple) and all(isinstance(shape, tuple) for shape in shapes):
                names = [f"{value.name}/{i}" for i in range(len(shapes))]
                for name, shape in zip(names, shapes):
                    model.graph.input.append(
                        onnx.helper.make_tensor_value_info(name, element, shape))
                nodes.append(onnx.helper.make_node(
                    "SequenceConstruct" if names else "SequenceEmpty", names, [value.name]))
            elif shapes is not None:
                model.graph.input.append(
                    onnx.helper.make_tensor_value_info(value.name, element, shapes))
            else:  # absent: so is every use of it
                for node in model.graph.node:
                    for i, name in enumerate(node.input):
                        if name == value.name:
                            node.input[i] = ""
        nodes.extend(model.graph.node)
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        return _prepare_plain(model, self._kwargs)


class MintorRep(BackendRep):
    """A prepared model. `run` takes a list by position, a dictionary, or a single array."""

    def __init__(self, model, input_names, read, elements):
        self._model = model
        self._input_names = input_names
        self._read = read
        self._elements = elements

    def run(self, inputs, **kwargs):
        named = dict(inputs) if isinstance(inputs, dict) else self._by_name(inputs)
        ports = {name: (dtype, shape) for name, dtype, shape in self._model.inputs}
        # What is none of the compiled model's inputs is left out, unless its name is wrong.
        known = {name: value for name, value in named.items()
                 if name in ports or name not in self._input_names}
        for name, (dtype, shape) in ports.items():
            if name not in known and name not in self._read:
                known[name] = self._zeros(dtype, shape, known)
        outputs = self._model.run({name: _stored(value) for name, value in known.items()})
        # By position: an output that is an input too has another name here.
        return tuple(_as_element(outputs[name], element) for (name, _, _), element
                     in zip(self._model.outputs, self._elements_in_order()))

    @property
    def input_names(self):
        return self._input_names

    def _elements_in_order(self):
        """Element types by output: those of a model without sequences are as many, in its order."""
        if len(self._elements) == len(self._model.outputs):
            return self._elements.values()
        return [self._elements.get(name.rpartition("/")[0], 0)
                for name, _, _ in self._model.outputs]

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


def _prepare_plain(model, kwargs):
    """The representation of a model whose inputs are tensors."""
    handle, path = tempfile.mkstemp(suffix=".onnx")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(model.SerializeToString())
        compiled = compile_model(path, **kwargs)
    finally:
        os.unlink(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in constants]
    elements = {value.name: _element_of(value.type) for value in model.graph.output}
    return MintorRep(compiled, inputs, _names_read(model.graph), elements)


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
        if all(map(_is_plain, (*model.graph.input, *model.graph.output))):
            return _prepare_plain(model, kwargs)
        return StructuredRep(model, kwargs)

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
