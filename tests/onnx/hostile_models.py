# SPDX-License-Identifier: Apache-2.0
"""Model files that are wrong, on purpose or not: one function each, for test_hostile.py.

Takes: a folder to write to. Gives: `HOSTILE`: name -> (function, words the message must have, or
None where taking the model is right too); a function writes what it needs and gives the path.
Keeps true: every file is refused with a message (exit status 1), never with a crash, an endless
loop, memory in proportion to a number in the file, or a read outside the model's folder.
"""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)


def model(nodes, initializers=(), inputs=(X,), outputs=(Y,), opset=17):
    graph = helper.make_graph(nodes, "hostile", list(inputs), list(outputs), list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def write(folder, proto):
    path = folder / "model.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return path


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def tensor(name, dtype, dims, raw):
    t = TensorProto(name=name, data_type=dtype, raw_data=raw)
    t.dims.extend(dims)
    return t


def empty(folder):
    return write(folder, b"")


def no_protobuf(folder):
    return write(folder, b"\xff" * 4096)


def cut_short(folder):
    whole = model([node("Relu", ["x"], ["y"])], [tensor("w", 1, [64], bytes(256))])
    return write(folder, whole.SerializeToString()[:-100])


def unknown_operators(folder):
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Frobnicate", ["a"], ["b"]),
        node("Twist", ["b"], ["c"]),
    ]
    return write(folder, model([*nodes, node("Frobnicate", ["c"], ["y"])]))


def misspelt_operator(folder):
    return write(folder, model([node("Sofmax", ["x"], ["y"])]))


def unknown_domain(folder):
    proto = model([node("Relu", ["x"], ["y"], domain="com.example")])
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    return write(folder, proto)


def opset_of_the_future(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], opset=999))


def undefined_input(folder):
    return write(folder, model([node("Relu", ["nowhere"], ["y"])]))


def cycle(folder):
    return write(
        folder,
        model(
            [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
        ),
    )


def defined_twice(folder):
    return write(folder, model([node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])]))


def missing_output(folder):
    return write(folder, model([node("Relu", ["x"], ["z"])]))


def short_weights(folder):
    return write(
        folder, model([node("Add", ["x", "w"], ["y"])], [tensor("w", 1, [2, 3], bytes(8))])
    )


def long_weights(folder):
    return write(
        folder, model([node("Add", ["x", "w"], ["y"])], [tensor("w", 1, [2, 3], bytes(4000))])
    )


def negative_extent(folder):
    return write(
        folder, model([node("Add", ["x", "w"], ["y"])], [tensor("w", 1, [-2, -3], bytes(24))])
    )


def overflowing_extents(folder):
    return write(
        folder, model([node("Add", ["x", "w"], ["y"])], [tensor("w", 1, [2**62, 2**62], bytes(16))])
    )


def huge_reshape(folder):
    shape = numpy_helper.from_array(np.array([2**40, 2**40], np.int64), "s")
    return write(folder, model([node("Reshape", ["x", "s"], ["y"])], [shape]))


def huge_constant(folder):
    shape = numpy_helper.from_array(np.array([2**20, 2**20, 2**10], np.int64), "s")
    return write(folder, model([node("ConstantOfShape", ["s"], ["y"])], [shape]))


def huge_expand(folder):
    shape = numpy_helper.from_array(np.array([2**31, 2**31, 2, 3], np.int64), "s")
    return write(folder, model([node("Expand", ["x", "s"], ["y"])], [shape]))


def rank_of_hundred(folder):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1] * 100)
    return write(folder, model([node("Relu", ["x"], ["y"])], inputs=[x]))


def shapes_disagree(folder):
    weights = numpy_helper.from_array(np.zeros((4, 5), np.float32), "w")
    return write(folder, model([node("MatMul", ["x", "w"], ["y"])], [weights]))


def types_disagree(folder):
    weights = numpy_helper.from_array(np.zeros((2, 3), np.int32), "w")
    return write(folder, model([node("Add", ["x", "w"], ["y"])], [weights]))


def wrong_attribute(folder):
    return write(folder, model([node("Softmax", ["x"], ["y"], axis="two")]))


def axis_out_of_range(folder):
    return write(folder, model([node("Softmax", ["x"], ["y"], axis=7)]))


def zero_stride(folder):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 8, 8])
    return write(
        folder,
        model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 0])], inputs=[x]),
    )


def huge_padding(folder):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 8, 8])
    weights = numpy_helper.from_array(np.zeros((2, 2, 3, 3), np.float32), "w")
    pads = [2**62] * 4
    return write(folder, model([node("Conv", ["x", "w"], ["y"], pads=pads)], [weights], inputs=[x]))


def too_few_inputs(folder):
    return write(folder, model([node("Add", ["x"], ["y"])]))


def string_tensor(folder):
    words = helper.make_tensor("w", TensorProto.STRING, [2], [b"a", b"b"])
    return write(folder, model([node("Add", ["x", "w"], ["y"])], [words]))


def external(folder, location, offset=0, length=24):
    t = TensorProto(name="w", data_type=TensorProto.FLOAT)
    t.dims.extend([2, 3])
    t.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        t.external_data.add(key=key, value=str(value))
    return write(folder, model([node("Add", ["x", "w"], ["y"])], [t]))


def external_parent(folder):
    (folder.parent / "secret.bin").write_bytes(bytes(24))
    return external(folder, "../secret.bin")


def external_absolute(folder):
    secret = folder.parent / "secret.bin"
    secret.write_bytes(bytes(24))
    return external(folder, str(secret))


def external_link(folder):
    secret = folder.parent / "secret.bin"
    secret.write_bytes(bytes(24))
    (folder / "link.bin").symlink_to(secret)
    return external(folder, "link.bin")


def external_missing(folder):
    return external(folder, "absent.bin")


def external_short(folder):
    (folder / "short.bin").write_bytes(bytes(10))
    return external(folder, "short.bin")


def external_overflow(folder):
    (folder / "w.bin").write_bytes(bytes(64))
    return external(folder, "w.bin", offset=2**63 - 8, length=24)


def external_device(folder):
    (folder / "zero.bin").symlink_to("/dev/zero")
    return external(folder, "zero.bin")


def deep_nesting(folder):
    """An If in an If in an If, 2,000 deep."""
    inner = helper.make_graph(
        [node("Relu", ["x"], ["o"])], "g", [], [helper.make_empty_tensor_value_info("o")]
    )
    blob = inner.SerializeToString()

    def field(number, payload):
        length, out = len(payload), bytes([number << 3 | 2])
        while length >= 128:
            out, length = out + bytes([length & 127 | 128]), length >> 7
        return out + bytes([length]) + payload

    for _ in range(2000):
        branch = field(1, b"then_branch") + field(6, blob) + bytes([20 << 3 & 255 | 0x80, 1, 5])
        blob = field(1, field(4, b"If") + field(5, branch))
    graph = onnx.GraphProto(name="deep")
    graph.input.append(X)
    proto = model([node("Relu", ["x"], ["y"])]).SerializeToString()
    return write(folder, proto + field(7, blob))


def pipe(folder):
    """Opening it would wait for a writer for ever."""
    os.mkfifo(folder / "model.onnx")
    return folder / "model.onnx"


def one_file_many_times(folder):
    """1,000 tensors over the same megabyte."""
    (folder / "weights.bin").write_bytes(bytes(1 << 20))
    tensors = []
    for i in range(1000):
        t = TensorProto(name=f"w{i}", data_type=1, dims=[1 << 18])
        t.data_location = TensorProto.EXTERNAL
        t.external_data.add(key="location", value="weights.bin")
        tensors.append(t)
    return write(folder, model([node("Relu", ["x"], ["y"])], tensors))


def squared_forty_times(folder):
    """The product of sizes has 2^40 factors: a number that the run computes."""
    nodes = [node("Shape", ["x"], ["s0"])]
    nodes += [node("Mul", [f"s{i}", f"s{i}"], [f"s{i + 1}"]) for i in range(40)]
    nodes.append(node("ConstantOfShape", ["s40"], ["y"]))
    long = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["long"])
    return write(folder, model(nodes, inputs=[long]))


def summed_at_each_step(folder):
    """A constant of 65,536 elements, changed 1,000 times, and each time reduced to one."""
    size = numpy_helper.from_array(np.array([256, 256]))
    nodes = [
        node("Constant", [], ["size"], value=size),
        node("ConstantOfShape", ["size"], ["c0"]),
    ]
    for i in range(1000):
        nodes.append(node("Cos", [f"c{i}"], [f"c{i + 1}"]))
        nodes.append(node("ReduceSum", [f"c{i + 1}"], [f"r{i}"], keepdims=0))
    nodes.append(node("Add", ["x", "r999"], ["y"]))
    return write(folder, model(nodes))


def huge_resize(folder):
    """Tables of 16 million positions and four weights each."""
    scales = numpy_helper.from_array(np.array([1, 1, 9e5, 1], np.float32), "scales")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 18, 1])
    return write(
        folder,
        model([node("Resize", ["x", "", "scales"], ["y"], mode="cubic")], [scales], [image]),
    )


def huge_output_padding(folder):
    """A result that no machine holds is refused by name, not by an overflow further on."""
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 16])
    w = numpy_helper.from_array(np.ones((1, 1, 3), np.float32), "w")
    convolve = node("ConvTranspose", ["x", "w"], ["y"], name="wide", output_padding=[2**62])
    return write(folder, model([convolve], [w], [image]))


def index_out_of_range(folder):
    index = numpy_helper.from_array(np.array([9]), "index")
    return write(folder, model([node("Gather", ["x", "index"], ["y"], name="pick")], [index]))


def axes_without_end(folder):
    """A million axes that a run would give."""
    axes = helper.make_tensor_value_info("axes", TensorProto.INT64, [2**20])
    return write(
        folder, model([node("ReduceSum", ["x", "axes"], ["y"])], inputs=[X, axes], opset=18)
    )


def offset_groups_without_end(folder):
    """2^40 groups of 4 channels."""
    x, offset = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        for name, dims in (("x", [1, 4, 3, 3]), ("offset", ["n", 8, "h", "w"]))
    )
    w = numpy_helper.from_array(np.zeros((1, 4, 2, 2), np.float32), "w")
    groups = node("DeformConv", ["x", "w", "offset"], ["y"], offset_group=2**40)
    return write(folder, model([groups], [w], [x, offset], opset=22))


def input_without_a_type(folder):
    x = helper.make_empty_tensor_value_info("x")
    return write(folder, model([node("Relu", ["x"], ["y"])], inputs=[x]))


def functions(folder, *bodies):
    """Functions f0, f1, .. of these calls; the model calls f0."""
    proto = model([node("f0", ["x"], ["y"], domain="local")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for number, calls in enumerate(bodies):
        nodes = [node(op, ["a"], [f"b{i}"], domain="local" if op[0] == "f" else "")
                 for i, op in enumerate(calls)]  # fmt: skip
        proto.functions.append(
            helper.make_function("local", f"f{number}", ["a"], ["b0"], nodes, opsets)
        )
    return write(folder, proto)


def function_of_itself(folder):
    return functions(folder, ["f1"], ["f0"])


def functions_without_end(folder):
    """4^20 nodes."""
    return functions(folder, *([f"f{i + 1}"] * 4 for i in range(20)), ["Relu"])


def function_twice(folder):
    path = functions(folder, ["Relu"])
    proto = onnx.load(path)
    proto.functions.append(proto.functions[0])
    return write(folder, proto)


def function_of_another_opset(folder):
    path = functions(folder, ["Upsample"])
    proto = onnx.load(path)
    proto.functions[0].opset_import[0].version = 7
    return write(folder, proto)


def sparse(folder, dims, indices, values=2):
    t = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(values, np.float32), "w"),
        numpy_helper.from_array(np.array(indices, np.int64), "i"),
        dims,
    )
    proto = model([node("Add", ["x", "w"], ["y"])])
    proto.graph.sparse_initializer.append(t)
    return write(folder, proto)


def sparse_without_end(folder):
    return sparse(folder, [2**20, 2**20], [0, 1])


def sparse_outside(folder):
    return sparse(folder, [2, 3], [[0, 1], [1, 3]])


def sparse_twice(folder):
    return sparse(folder, [2, 3], [4, 4])


def sparse_without_indices(folder):
    return sparse(folder, [2, 3], [4])


def wide_strings(folder):
    """Thirty constants of 100 strings, one of them a megabyte."""
    words = [helper.make_tensor(f"w{i}", TensorProto.STRING, [100], [b"a" * 2**20] + [b""] * 99)
             for i in range(30)]  # fmt: skip
    return write(folder, model([node("Relu", ["x"], ["y"])], words))


HOSTILE = {
    "input_without_a_type": (input_without_a_type, "'x'"),
    "function_of_itself": (function_of_itself, "f0 themselves"),
    "functions_without_end": (functions_without_end, "functions expand"),
    "function_twice": (function_twice, "f0 twice"),
    "function_of_another_opset": (function_of_another_opset, "Upsample 7 17"),
    "sparse_without_end": (sparse_without_end, "sparse"),
    "sparse_outside": (sparse_outside, "w index 3"),
    "sparse_twice": (sparse_twice, "w ascend"),
    "sparse_without_indices": (sparse_without_indices, "w index"),
    "wide_strings": (wide_strings, "strings"),
    "offset_groups_without_end": (offset_groups_without_end, "DeformConv 1099511627776"),
    "axes_without_end": (axes_without_end, "ReduceSum 1048576"),
    "pipe": (pipe, "regular"),
    "one_file_many_times": (one_file_many_times, "weights.bin w8"),
    "squared_forty_times": (squared_forty_times, None),
    "summed_at_each_step": (summed_at_each_step, None),
    "huge_resize": (huge_resize, "Resize 16200000"),
    "huge_output_padding": (huge_output_padding, "ConvTranspose 'wide'"),
    "index_out_of_range": (index_out_of_range, "Gather 'pick' 9"),
    "empty": (empty, ""),
    "no_protobuf": (no_protobuf, ""),
    "cut_short": (cut_short, ""),
    "unknown_operators": (unknown_operators, "Frobnicate Twist"),
    "misspelt_operator": (misspelt_operator, "Sofmax Softmax"),
    "unknown_domain": (unknown_domain, "com.example"),
    "opset_of_the_future": (opset_of_the_future, "999"),
    "undefined_input": (undefined_input, "nowhere"),
    "cycle": (cycle, "b"),
    "defined_twice": (defined_twice, "y"),
    "missing_output": (missing_output, "y"),
    "short_weights": (short_weights, "w"),
    "long_weights": (long_weights, "w"),
    "negative_extent": (negative_extent, "w -2"),
    "overflowing_extents": (overflowing_extents, "w"),
    "huge_reshape": (huge_reshape, "Reshape"),
    "huge_constant": (huge_constant, None),
    "huge_expand": (huge_expand, None),
    "rank_of_hundred": (rank_of_hundred, "100"),
    "shapes_disagree": (shapes_disagree, "MatMul 3 4"),
    "types_disagree": (types_disagree, "Add"),
    "wrong_attribute": (wrong_attribute, "Softmax axis"),
    "axis_out_of_range": (axis_out_of_range, "Softmax 7"),
    "zero_stride": (zero_stride, "MaxPool 0"),
    "huge_padding": (huge_padding, "Conv"),
    "too_few_inputs": (too_few_inputs, "Add"),
    "string_tensor": (string_tensor, "strings"),
    "external_parent": (external_parent, "secret.bin"),
    "external_absolute": (external_absolute, "secret.bin"),
    "external_link": (external_link, "link.bin"),
    "external_missing": (external_missing, "absent.bin"),
    "external_short": (external_short, "short.bin"),
    "external_overflow": (external_overflow, "w offset"),
    "external_device": (external_device, "zero.bin"),
    "deep_nesting": (deep_nesting, ""),
}
