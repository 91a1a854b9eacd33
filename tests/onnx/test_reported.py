# SPDX-License-Identifier: Apache-2.0
"""What users reported of importers and runtimes of ONNX, where ONNX Runtime itself crashes, says
otherwise than the standard, or is not what is asked: expected values are written down here. Others
are cases of cases_reported.py.
"""

import numpy as np
import onnx.parser
import pytest
from cases_control import nodes
from onnx import TensorProto, helper, numpy_helper

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def run(model, **inputs):
    from mintor import backend

    return backend.prepare(model, "CPU").run([np.array(x) for x in inputs.values()])


def model_of(text, inputs, outputs, initializers=(), opset=17):
    graph = helper.make_graph(nodes(text), "g", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def floats(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def integers(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.INT32, shape)


def test_a_loop_whose_carried_value_nobody_asks_for():
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[3] x, int64 m) => (float[k,3] y) {
          , rows = Loop (m, , x) <body = b (int64 i, bool c, float[3] v)
            => (bool d, float[3] w, float[3] row) { d = Identity(c) w = Add(v, x) row = Neg(w) }>
          y = Add(rows, x) }"""
    )
    x = np.array([1, 2, -4], np.float32)
    (y,) = run(model, x=x, m=np.int64(4))
    np.testing.assert_array_equal(y, np.stack([-x * (i + 2) + x for i in range(4)]))


def test_a_function_that_gives_what_it_takes():
    model = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 18, "local" : 1]>
        g (float[3] x) => (float[3] y) { y = local.same(x) }
        <opset_import: ["" : 18], domain: "local">
        same (x) => (x) { z = Neg(x) }"""
    )
    x = np.array([1, 2, -4], np.float32)
    np.testing.assert_array_equal(run(model, x=x)[0], x)


@pytest.mark.parametrize(
    "start,end,step,wanted",
    [
        (-1, INT64_MAX, -1, []),  # backwards from the last to behind the last
        (0, 10, INT64_MAX, [0]),
        (2, INT64_MAX, 2**62, [2]),
        (9, INT64_MIN, INT64_MIN, [9]),
        (9, INT64_MIN, -INT64_MAX, [9]),
        (INT64_MIN, INT64_MIN, 1, []),
    ],
)
def test_slices_to_the_ends_of_integers(start, end, step, wanted):
    values = {"start": start, "end": end, "step": step, "axis": 0}
    constants = [numpy_helper.from_array(np.array([v]), n) for n, v in values.items()]
    text = "y = Slice(x, start, end, axis, step)"
    model = model_of(text, [floats("x", 10)], [floats("y", None)], constants)
    (y,) = run(model, x=np.arange(10, dtype=np.float32))
    np.testing.assert_array_equal(y, np.array(wanted, np.float32))


@pytest.mark.parametrize("known", [False, True])
def test_integers_divided_by_zero(known):
    """Nothing stops: a quotient is 0, and what is left of x is x."""
    a, b = np.array([7, -7, 0, -(2**31)], np.int32), np.array([0, 0, 0, -1], np.int32)
    both = [integers("a", 4), integers("b", 4)]
    constants = [numpy_helper.from_array(a, "a"), numpy_helper.from_array(b, "b")]
    text = "q = Div(a, b) r = Mod(a, b) s = Mod<fmod = 1>(a, b)"
    outputs = [integers(n, 4) for n in "qrs"]
    if known:
        q, r, s = run(model_of(text, [], outputs, constants))
    else:
        q, r, s = run(model_of(text, both, outputs), a=a, b=b)
    np.testing.assert_array_equal(q, [0, 0, 0, -(2**31)])
    np.testing.assert_array_equal(r, s)


def external(name, shape, **entries):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def test_weights_behind_four_gigabytes_of_a_file(tmp_path):
    """Offsets beyond 32 bits, at odd places; a length that is not said; a file in a folder."""
    import mintor

    far = (5 << 30) + 3
    w, v = np.array([1, 2, 3], np.float32), np.array([-1, 5, 7], np.float32)
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "weights.bin").open("wb") as file:
        file.seek(far)  # a hole: nothing is stored there
        file.write(w.tobytes() + v.tobytes())
    weights = [
        external("w", [3], location="data/weights.bin", offset=far, length=12),
        external("v", [3], location="data/weights.bin", offset=far + 12),
    ]
    model = model_of("m = Mul(x, w) y = Add(m, v)", [floats("x", 3)], [floats("y", 3)], weights)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    x = np.array([1, 0.5, -1], np.float32)
    np.testing.assert_array_equal(mintor.compile(str(path))(x), x * w + v)


@pytest.mark.parametrize(
    "text,opset,said",
    [
        ("y = Squeeze(x, axis)", 13, "Squeeze"),  # of a dimension that is not 1
        ("y = Unsqueeze(x, far)", 13, "Unsqueeze"),
    ],
)
def test_refused_by_name(text, opset, said):
    constants = [
        numpy_helper.from_array(np.array([0]), "axis"),
        numpy_helper.from_array(np.array([9]), "far"),
    ]
    model = model_of(text, [floats("x", 3)], [floats("y", None)], constants, opset)
    with pytest.raises(Exception, match=said):
        run(model, x=np.zeros(3, np.float32))
