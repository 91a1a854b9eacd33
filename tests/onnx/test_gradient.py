# SPDX-License-Identifier: Apache-2.0
"""ai.onnx.preview.training's Gradient: a model that gives its own gradients, and takes a step.

Takes: a small network as an ONNX model, PyTorch's gradients of the same. Gives: a test each.
Keeps true: gradients are taken at the values that the node is given, which need not be those that
the names have in the model.
"""

import mintor
import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

TRAINING = "ai.onnx.preview.training"
RNG = np.random.default_rng(5)
X, W, B = (RNG.standard_normal(s).astype("float32") for s in ((4, 3), (3, 5), (5,)))


def model(given, xs, zs=(), y="loss", more=(), outputs=None, batch=4):
    """loss = sum of tanh(x w + b)^2, and its Gradient node."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["xw"]),
        helper.make_node("Add", ["xw", "b"], ["a"]),
        helper.make_node("Tanh", ["a"], ["t"]),
        helper.make_node("ReduceSumSquare", ["t"], ["loss"], keepdims=0),
        helper.make_node("ArgMax", ["t"], ["place"]),
        helper.make_node("Gradient", list(given), outputs or [f"d_{n}" for n in xs],
                         domain=TRAINING, xs=list(xs), y=y, **({"zs": list(zs)} if zs else {})),
        *more,
    ]  # fmt: skip
    inputs = [("x", [batch, 3]), ("w", [3, 5]), ("b", [5]), ("other", [batch, 3]), ("rate", [])]
    used = {n for node in nodes for n in node.input}
    results = outputs or [f"d_{n}" for n in xs]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs if n in used],
        [helper.make_empty_tensor_value_info(n) for n in results],
    )  # fmt: skip
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(TRAINING, 1)]
    )


def run(made, tmp_path, **inputs):
    path = tmp_path / "gradient.onnx"
    path.write_bytes(made.SerializeToString())
    return mintor.compile(str(path)).run(inputs)


def wanted(x=X, w=W, b=B):
    values = [torch.tensor(v, requires_grad=True) for v in (x, w, b)]
    loss = (torch.tanh(values[0] @ values[1] + values[2]) ** 2).sum()
    return [g.numpy() for g in torch.autograd.grad(loss, values)]


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [4, "batch"])
def test_of_all_inputs(tmp_path, batch):
    made = run(model("xwb", "xwb", batch=batch), tmp_path, x=X, w=W, b=B)
    for name, want in zip("xwb", wanted()):
        close(made[f"d_{name}"], want)


def test_of_a_value_in_the_middle(tmp_path):
    """`a` is a leaf: nothing flows on to what it is made of."""
    made = run(model(["a", "b"], ["a", "b"]), tmp_path, x=X, w=W, b=B)
    a = torch.tensor(X @ W + B, requires_grad=True)
    (want,) = torch.autograd.grad((torch.tanh(a) ** 2).sum(), a)
    close(made["d_a"], want.numpy())
    assert not made["d_b"].any()


@pytest.mark.parametrize(("xs", "zs"), [("xw", ""), ("w", "x")])
def test_at_other_values(tmp_path, xs, zs):
    given = ["other" if n == "x" else n for n in xs + zs]
    made = run(model(given, xs, zs), tmp_path, x=X, w=W, b=B, other=2 * X)
    for name, want in zip("xw", wanted(x=2 * X)):
        if name in xs:
            close(made[f"d_{name}"], want)


def test_a_step_of_training(tmp_path):
    step = [
        helper.make_node("Mul", ["d_w", "rate"], ["change"]),
        helper.make_node("Sub", ["w", "change"], ["next"]),
    ]
    whole = model("w", "w", more=step)
    del whole.graph.output[:]
    whole.graph.output.append(helper.make_empty_tensor_value_info("next"))
    made = run(whole, tmp_path, x=X, w=W, b=B, rate=np.array(0.1, "float32"))
    close(made["next"], W - 0.1 * wanted()[1])


@pytest.mark.parametrize(
    ("given", "xs", "y", "says"),
    [
        ("w", ["nobody"], "loss", "'nobody' is no tensor that is computed before it"),
        ("w", ["w"], "later", "'later' is no tensor that is computed before it"),
        ("w", ["b"], "loss", "another type or shape for 'b'"),
        ("w", ["w"], "place", "y is i64, which has no gradient"),
        ("wb", ["w"], "loss", "has 2 inputs"),
    ],
)
def test_errors(tmp_path, given, xs, y, says):
    with pytest.raises(mintor.CompileError, match=says):
        run(model(given, xs, y=y), tmp_path, x=X, w=W, b=B)
