# SPDX-License-Identifier: Apache-2.0
"""mintor.backend: how many inputs it takes, and what it calls compatible.

Takes models made with the onnx package. Keeps true: an input that nothing reads may be missing; one
too many is an error that says how many there are.
"""
import numpy
import pytest

onnx = pytest.importorskip("onnx")
backend = pytest.importorskip("mintor.backend")
FLOAT = onnx.TensorProto.FLOAT


def model_of(operator="Add"):
    """y = a + b; nothing reads `unused`."""
    def port(name, shape):
        return onnx.helper.make_tensor_value_info(name, FLOAT, shape)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(operator, ["a", "b"], ["y"])], "g",
        [port("a", [2, 2]), port("b", [2, 2]), port("unused", [3])], [port("y", [2, 2])])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)],
                                  ir_version=9)


def test_number_of_inputs():
    prepared = backend.prepare(model_of(), threads=1)
    x, rest = numpy.ones((2, 2), numpy.float32), numpy.zeros(3, numpy.float32)
    for inputs in ([x, x, rest], [x, x], {"a": x, "b": x}, {"a": x, "b": x, "unused": rest}):
        numpy.testing.assert_array_equal(prepared.run(inputs)[0], x + x)
    with pytest.raises(ValueError, match="4 inputs were given, the model has 3: a, b, unused"):
        prepared.run([x, x, rest, x])
    with pytest.raises(ValueError, match="input 'b' is missing"):
        prepared.run([x])
    with pytest.raises(ValueError, match="the model has no input 'zz'"):
        prepared.run({"a": x, "b": x, "zz": x})
    with pytest.raises(ValueError, match="has dtype float64, expected float32"):
        prepared.run([x.astype(numpy.float64), x])


def test_an_output_that_is_an_input():
    model = model_of()
    model.graph.output.append(model.graph.input[0])
    x = numpy.ones((2, 2), numpy.float32)
    y, a = backend.run_model(model, [x, x])
    numpy.testing.assert_array_equal(y, x + x)
    numpy.testing.assert_array_equal(a, x)


def test_is_compatible():
    assert backend.is_compatible(model_of())
    assert not backend.is_compatible(model_of("NoSuchOperator"))
    broken = model_of()
    broken.graph.node[0].input.append("c")
    assert not backend.is_compatible(broken)
    assert not backend.is_compatible(onnx.ModelProto())
    assert not backend.is_compatible(model_of(), "CUDA")
