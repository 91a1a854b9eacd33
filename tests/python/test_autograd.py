# SPDX-License-Identifier: Apache-2.0
"""Gradients written in Python: functions with a backward, hooks; against PyTorch.

Takes the same program in both; compares values, gradients and what hooks saw.
"""
import gc
import weakref

import numpy
import pytest
import torch

import mintor as mt
from mintor import nn

both = pytest.mark.parametrize("lib", [mt, torch], ids=["mintor", "torch"])


def function_of(lib):
    return mt.Function if lib is mt else torch.autograd.Function


def made(lib, values):
    return lib.tensor(values, dtype=lib.float32, requires_grad=True)


def grad(lib, y, xs, **options):
    if lib is torch:
        return torch.autograd.grad(y, xs, allow_unused=True, **options)
    return mt.grad(y, xs, **options)


def listed(arrays):
    return [None if one is None else numpy.asarray(one.detach().numpy()).tolist()
            for one in arrays]


def agree(program):
    """The program's arrays in both libraries."""
    ours, theirs = listed(program(mt)), listed(program(torch))
    for one, other in zip(ours, theirs, strict=True):
        other = numpy.zeros_like(one) if other is None else other
        numpy.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def cube(lib):
    class Cube(function_of(lib)):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            ctx.save_for_backward(x)
            return x * x * x * factor

        @staticmethod
        def backward(ctx, gradient):
            x, = ctx.saved_tensors
            return 3 * x * x * gradient * ctx.factor, None
    return Cube


def test_gradients_of_any_order():
    def program(lib):
        x = made(lib, [2.0, -1.0])
        y = cube(lib).apply(x, 0.5)
        first, = grad(lib, y.sum(), [x], create_graph=True)
        second, = grad(lib, first.sum(), [x], create_graph=True)
        third, = grad(lib, second.sum(), [x])
        return [y, first, second, third]
    agree(program)


def test_a_saved_result_is_differentiated_again():
    def program(lib):
        class Exp(function_of(lib)):
            @staticmethod
            def forward(ctx, x):
                y = lib.exp(x)
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, gradient):
                y, = ctx.saved_tensors
                return gradient * y
        x = made(lib, [0.3, -1.0])
        first, = grad(lib, (Exp.apply(x) * x).sum(), [x], create_graph=True)
        second, = grad(lib, (first * first).sum(), [x])
        return [first, second]
    agree(program)


def test_several_results_none_and_what_is_no_array():
    def program(lib):
        seen = []

        class Two(function_of(lib)):
            @staticmethod
            def forward(ctx, x, name, y):
                ctx.save_for_backward(x, y)
                return x * y, name, x + 2 * y

            @staticmethod
            def backward(ctx, product, nothing, total):
                x, y = ctx.saved_tensors
                seen.append((nothing, listed([product, total]), ctx.needs_input_grad))
                return product * y + total, None, None
        x, y = made(lib, [1.0, 2.0]), made(lib, [3.0, 4.0])
        product, name, total = Two.apply(x, "name", y)
        assert name == "name"
        found = grad(lib, (product * 3).sum(), [x, y], retain_graph=True) if lib is torch else \
            grad(lib, (product * 3).sum(), [x, y])
        assert seen == [(None, [[3.0, 3.0], [0.0, 0.0]], (True, False, True))]
        return [*found, *grad(lib, (product * total).sum(), [x, y])]
    agree(program)


def test_functions_in_a_row_and_side_by_side():
    def program(lib):
        Cube = cube(lib)
        w = made(lib, [0.5, 1.5])
        trunk = lib.sin(w) * w
        y = Cube.apply(trunk, 1.0) + Cube.apply(lib.exp(trunk), 2.0) * trunk
        return grad(lib, Cube.apply(y, 0.1).sum(), [w])
    agree(program)


def test_a_straight_through_gradient_ignores_the_graph():
    def program(lib):
        class Round(function_of(lib)):
            @staticmethod
            def forward(ctx, x):
                return lib.round(x)

            @staticmethod
            def backward(ctx, gradient):
                return gradient
        x = made(lib, [0.3, 1.7])
        y = Round.apply(x * 2)
        return [y, *grad(lib, (y * y).sum(), [x])]
    agree(program)


def test_setup_context_and_constants():
    def program(lib):
        class Split(function_of(lib)):
            @staticmethod
            def forward(x):
                return x * 2, x * 5

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.scale = 2.0
                ctx.mark_non_differentiable(output[1])

            @staticmethod
            def backward(ctx, gradient, _):
                return gradient * ctx.scale
        x = made(lib, [1.0, 2.0])
        a, b = Split.apply(x)
        return [a, b, *grad(lib, (a * b.detach() + a).sum(), [x])]
    agree(program)


def test_backward_reads_values():
    class Clipped(mt.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gradient):
            return gradient / float((gradient * gradient).sum()) ** 0.5
    x = mt.array([3.0, 4.0])
    assert mt.grad((Clipped.apply(x) ** 2).sum() / 2, x).numpy() == pytest.approx([0.6, 0.8])


def test_a_step_with_a_function_compiles_once():
    Cube, layer = cube(mt), nn.Linear(3, 4)
    optim, before = nn.SGD(layer.parameters(), 0.01), None
    reference = torch.nn.Linear(3, 4)
    with torch.no_grad():
        reference.weight.copy_(torch.tensor(layer.weight.numpy()))
        reference.bias.copy_(torch.tensor(layer.bias.numpy()))
    their = torch.optim.SGD(reference.parameters(), 0.01)
    for step in range(6):
        x = numpy.random.default_rng(step).standard_normal((5, 3)).astype("float32")
        optim.step((Cube.apply(layer(x), 0.5) ** 2).mean())
        their.zero_grad()
        (cube(torch).apply(reference(torch.tensor(x)), 0.5) ** 2).mean().backward()
        their.step()
        before = mt.compile_stats()["compiled"] if step == 1 else before
    assert mt.compile_stats()["compiled"] == before
    numpy.testing.assert_allclose(layer.weight.numpy(), reference.weight.detach().numpy(),
                                  rtol=1e-5, atol=1e-6)


def test_gradients_after_the_value_was_read():
    x = mt.array([2.0])
    y = cube(mt).apply(x * 2, 1.0)
    loss = (y * y).sum()
    assert loss.item() == 64 ** 2
    assert mt.grad(loss, x).item() == pytest.approx(2 * 64 * 3 * 16 * 2)


def test_what_is_saved_is_let_go():
    class Owner:
        pass

    class Holds(mt.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.owner = Owner()
            alive.append(weakref.ref(ctx.owner))
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient
    alive = []
    x = mt.array([1.0])
    for _ in range(3):
        y = Holds.apply(x).sum()
        mt.grad(y, x).item()
    del y
    mt.array([1.0]).sum().item()
    gc.collect()
    assert [reference() for reference in alive] == [None] * 3


def test_errors_name_the_function():
    class Wrong(mt.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.count = 1
            return x + y

        @staticmethod
        def backward(ctx, gradient):
            return gradient
    x = mt.array([1.0, 2.0])
    with pytest.raises(ValueError, match="Wrong.backward gave 1 gradients for 2 arguments"):
        mt.grad(Wrong.apply(x, x).sum(), x)

    class Shape(Wrong):
        @staticmethod
        def backward(ctx, gradient):
            return gradient, gradient.sum()
    with pytest.raises(ValueError, match=r"Shape gave a gradient of shape \(\) for an array of "
                                         r"shape \(2,\)"):
        mt.grad(Shape.apply(x, x).sum(), x)
    with pytest.raises(TypeError, match="save_for_backward takes arrays"):
        cube(mt).apply(x, 1.0) if False else mt.autograd.FunctionContext().save_for_backward(3)


def test_hooks_of_arrays():
    def program(lib):
        seen = []
        x = made(lib, [1.0, -2.0])
        h = x * x
        y = lib.sin(h)                       # used before the hook, and after
        handle = h.register_hook(lambda g: seen.append(g) or 3 * g)
        h.register_hook(lambda g: seen.append(g))
        z = (y * h).sum()
        keep = {"retain_graph": True} if lib is torch else {}
        first = grad(lib, z, [x], **keep)
        handle.remove()
        return [*first, *grad(lib, z, [x]), *seen]
    agree(program)


def test_a_hook_changes_what_a_gradient_by_its_array_gives():
    x = mt.array([1.0])
    h = x * 2
    h.register_hook(lambda g: g * 3)
    assert [one.item() for one in mt.grad((h * 2).sum(), [x, h])] == [12, 6]


def test_gradients_by_a_value_and_of_that_value():
    x = mt.array([0.5, 2.0])
    h = x * x
    z = (mt.sin(h) * h).sum()
    z.item()
    by_h, of_h = mt.grad(z, h), mt.grad(h.sum(), x)
    expected = numpy.cos(h.numpy()) * h.numpy() + numpy.sin(h.numpy())
    numpy.testing.assert_allclose(by_h.numpy(), expected, rtol=1e-5)
    assert of_h.tolist() == [1, 4]


def test_hooks_of_parameters_stay():
    seen = []
    w = nn.Parameter([1.0, 2.0])
    w.register_hook(lambda g: seen.append(g.tolist()) or g * 0.5)
    optim = nn.SGD([w], 0.5)
    for _ in range(2):
        optim.step((w * w).sum())
    assert seen == [[2, 4], [1, 2]] and w.tolist() == [0.25, 0.5]
    (w * 3).sum().backward()
    assert w.grad.tolist() == [1.5, 1.5]
    leaf = mt.array([1.0], requires_grad=True)
    leaf.register_hook(lambda g: g + 1)
    (leaf * 2).sum().backward()
    assert leaf.grad.tolist() == [3.0]
    with pytest.raises(TypeError, match="has no gradient"):
        mt.array([1]).register_hook(print)


def test_a_hook_of_a_value_that_nobody_holds():
    seen = []

    def loss(x):
        h = mt.exp(x)
        h.register_hook(lambda g: seen.append(g.tolist()))
        return (h * 2).sum()
    x = mt.array([0.0, 0.0])
    y = loss(x)
    y.item()
    assert mt.grad(y, x).tolist() == [2, 2] and seen == [[2, 2]]


def test_random_programs_with_hooks_and_functions():
    """A random chain in which some values pass a Function or have hooks: the same gradients."""
    for seed in range(12):
        def program(lib, seed=seed):
            rng = numpy.random.default_rng(seed)
            Cube = cube(lib)
            values = [made(lib, [0.3, -0.2]), made(lib, [0.5, 0.1])]
            xs = list(values)
            for _ in range(10):
                a, b = (values[rng.integers(len(values))] for _ in range(2))
                kind = rng.integers(5)
                new = [lambda: a * b, lambda: lib.sin(a) + b, lambda: Cube.apply(a, 0.7),
                       lambda: lib.cos(a - b), lambda: a + 0.5 * b][kind]()
                if rng.integers(3) == 0:
                    new.register_hook(lambda g: g * 0.9)
                values.append(new)
            y = (values[-1] * values[-2]).sum() + values[-3].sum()
            first = grad(lib, y, xs, create_graph=True)
            total = sum((one * one).sum() for one in first if one is not None)
            return [y, *first, *grad(lib, total, xs)]
        agree(program)


def test_hooks_of_modules():
    def program(lib):
        seen, linear = [], (nn if lib is mt else torch.nn).Linear
        layer = linear(3, 2)
        for place, one in enumerate(layer.parameters()):
            values = numpy.linspace(-1, 1, int(numpy.prod(one.shape)), dtype="float32")
            with lib.no_grad():
                one.copy_(lib.tensor(values.reshape(one.shape)) + place)
        handles = [
            layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,)),
            layer.register_forward_hook(lambda module, args, out: out + args[0].sum()),
            layer.register_full_backward_pre_hook(lambda module, grads: (grads[0] * 0.5,)),
            layer.register_full_backward_hook(
                lambda module, into, out: seen.extend([into[0], out[0]]) or (into[0] * 3,))]
        x = made(lib, [[1.0, 2.0, -1.0]])
        y = layer(x)
        found = grad(lib, (y * y).sum(), [x, *layer.parameters()])
        for handle in handles:
            handle.remove()
        return [y, *found, *seen, layer(x)]
    agree(program)


def test_a_backward_hook_where_no_gradient_of_the_input_is_asked_for():
    seen = []
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda module, into, out: seen.append((into, out[0].shape)))
    layer(mt.ones(3, 2)).sum().backward()
    assert seen == [((None,), (3, 1))] and layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_hooks_with_keywords():
    layer, seen = nn.Identity(), []
    layer.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] + 1,), kwargs),
                                    with_kwargs=True)
    layer.register_forward_hook(lambda module, args, kwargs, out: seen.append(kwargs),
                                with_kwargs=True)
    assert layer(mt.array([1.0])).item() == 2 and seen == [{}]
