# SPDX-License-Identifier: Apache-2.0
"""mt.jit: the same results as the function, and Python code that runs once.

Takes functions; compares with and without jit, and counts how often the Python code ran.
"""
import numpy
import pytest

import mintor as mt
from mintor import Module, nn
from jit_runs import runs


@pytest.fixture(autouse=True)
def _fresh():
    runs.count = 0


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


class Net(Module):
    def __init__(self):
        self.a, self.b, self.scale = nn.Linear(3, 4), nn.Linear(4, 2), 2.0

    def execute(self, x):
        runs.add()
        y = self.b(mt.tanh(self.a(x))) * self.scale
        return y if self.training else y + 100


def test_the_python_code_runs_once():
    @mt.jit
    def f(x, y):
        runs.add()
        return mt.exp(x) * y + 1
    for seed in range(4):
        x, y = values(3, seed=seed), values(3, seed=seed + 9)
        numpy.testing.assert_allclose(f(x, mt.array(y)).numpy(), numpy.exp(x) * y + 1, rtol=1e-6)
    assert runs.count == 1 and f.reasons == []


def test_sizes_in_general_compile_nothing_more():
    f = mt.jit(lambda x: (mt.sin(x) * 3).sum())
    total = lambda n: f(mt.array(values(n))).item()
    total(5), total(6)
    before = mt.compile_stats()["compiled"]
    for n in (7, 20, 101):
        assert total(n) == pytest.approx(float((numpy.sin(values(n)) * 3).sum()), rel=1e-4)
    assert mt.compile_stats()["compiled"] == before


def test_a_size_above_all_that_came_is_compiled_for_once():
    total = lambda n: mt.array(values(n)).cos().sum().item()
    wanted = lambda n: float(numpy.cos(values(n).astype("float64")).sum())
    total(5), total(6)
    before = mt.compile_stats()["compiled"]
    assert total(4096) == pytest.approx(wanted(4096), rel=1e-3)
    assert mt.compile_stats()["compiled"] == before
    for n in (4097, 20000, 4097, 8, 4096):
        assert total(n) == pytest.approx(wanted(n), rel=1e-3)
    assert mt.compile_stats()["compiled"] == before + 1


def test_structures_and_static_values():
    @mt.jit
    def f(tree, kind, *, times=1):
        runs.add()
        x, (y, n) = tree["x"], tree["rest"]
        return {"made": [x * times + n, y], "kind": kind, "same": tree["x"]}
    x, y = mt.array([1.0]), mt.array([2.0])
    for _ in range(3):
        made = f({"x": x, "rest": (y, 3)}, "k", times=5)
        assert made["made"][0].item() == 8 and made["made"][1] is y
        assert made["same"] is x and made["kind"] == "k"
    assert runs.count == 1
    assert f({"x": x, "rest": (y, 4)}, "k", times=5)["made"][0].item() == 9
    assert f({"x": x, "rest": (y, 4)}, "k", times=5.0)["made"][0].item() == 9
    assert runs.count == 3
    with pytest.raises(TypeError, match="hashable"):
        f({"x": x, "rest": (y, {1})}, "k")


def test_modules_are_read_at_each_call():
    net = Net()
    f = mt.jit(lambda x: net(x))
    x = mt.array(values(5, 3))
    same = lambda: numpy.testing.assert_array_equal(f(x).numpy(), net(x).numpy())
    same(), same()
    optim = nn.SGD(net.parameters(), 0.1)
    optim.step((f(x) ** 2).sum())                   # new values of the same parameters
    same()
    before = runs.count
    f(x), f(x)
    assert runs.count == before
    net.eval()
    same()
    net.scale = 7.0
    same()
    net.b = nn.Linear(4, 2)
    same()
    net.a.weight = nn.Parameter(values(4, 3, seed=5))
    same()
    net.a.weight.assign(mt.ones(4, 3))
    same()
    assert runs.count > before and f.reasons == []


def test_a_module_and_a_method():
    net = Net()
    f, x = mt.jit(net), mt.array(values(2, 3))
    f(x)
    assert f.parameters() == net.parameters() and runs.count == 1
    numpy.testing.assert_array_equal(f(x).numpy(), f(x).numpy())
    assert runs.count == 1

    class Trainer:
        def __init__(self):
            self.factor = 2

        @mt.jit
        def scaled(self, x):
            runs.add()
            return x * self.factor
    one, two = Trainer(), Trainer()
    two.factor = 3
    assert [t.scaled(mt.array(1.0)).item() for t in (one, two, one, two)] == [2, 3, 2, 3]
    one.factor = 5
    assert one.scaled(mt.array(1.0)).item() == 5

    class Counter:
        def __init__(self):
            self.calls = 0

        @mt.jit
        def next(self, x):
            self.calls += 1
            return x + self.calls
    counter = Counter()
    assert [counter.next(mt.array(0.0)).item() for _ in range(4)] == [1, 2, 3, 4]


def test_variables_that_it_closes_over():
    scale, table, x = [mt.array(2.0)], {"k": 1}, mt.array([1.0, 2.0])
    number = 10
    f = mt.jit(lambda: (x * scale[0] * table["k"] + number).tolist.__self__)
    assert f().tolist() == [12, 14] and f().tolist() == [12, 14]
    scale[0] = mt.array(3.0)
    assert f().tolist() == [13, 16]
    scale[0] = 10
    assert f().tolist() == [20, 30]
    table["k"] = 2
    assert f().tolist() == [30, 50]
    number = 0
    assert f().tolist() == [20, 40]
    x[0] = 5
    assert f().tolist() == [100, 40]


def test_gradients_of_any_order_and_of_what_it_closes_over():
    w = mt.array([0.5, -1.0])
    plain = lambda x: mt.sin(x * w) * x
    f, x = mt.jit(plain), mt.array([2.0, 3.0])
    f(x)

    def slopes(y):
        first = mt.grad(y.sum(), [x, w], create_graph=True)
        return first + mt.grad((first[0] * first[1]).sum(), [x, w])
    for one, other in zip(slopes(f(x)), slopes(plain(x))):
        numpy.testing.assert_array_equal(one.numpy(), other.numpy())


def test_gradients_inside():
    w = nn.Parameter([1.0, 2.0])

    @mt.jit
    def f(x):
        runs.add()
        loss = (x * x * w).sum()
        return loss, mt.grad(loss, [x, w], create_graph=True)
    for k in (1.0, 2.0, 3.0):
        base = mt.array([k, k])
        hidden = base * 2
        hidden.numpy()                              # its history is behind the argument
        loss, (dx, dw) = f(hidden)
        assert dx.tolist() == [4 * k, 8 * k] and dw.tolist() == [4 * k * k] * 2
        assert mt.grad(dx.sum(), base).tolist() == [4, 8]
    assert runs.count == 1


def test_arrays_that_are_changed_in_place():
    count, given = mt.array([0.0]), mt.array([1.0])

    @mt.jit
    def f(x):
        runs.add()
        count.__iadd__(1)
        x *= 2
        return x + count
    assert [f(given).item() for _ in range(4)] == [3, 6, 11, 20]
    assert count.item() == 4 and given.item() == 16 and runs.count == 1


def test_random_numbers_are_drawn_anew():
    f = mt.jit(lambda x: x + mt.rand(3) + mt.randn(3))
    plain = lambda x: x + mt.rand(3) + mt.randn(3)
    x = mt.zeros(3)
    mt.manual_seed(3)
    made = [f(x).tolist() for _ in range(3)]
    mt.manual_seed(3)
    assert made == [plain(x).tolist() for _ in range(3)]
    outer = mt.jit(lambda x: f(x) * 2)
    mt.manual_seed(3)
    made = [outer(x).tolist() for _ in range(3)]
    mt.manual_seed(3)
    assert made == [(plain(x) * 2).tolist() for _ in range(3)]


def test_what_cannot_be_repeated_runs_as_python():
    state = {}

    def keeps(x):
        state["last"] = x * 2
        return x + 1
    hidden = [[[[[[]]]]]]

    def keeps_hidden(x):
        hidden[0][0][0][0][0].append(x * 3)
        return x + 1
    for function, why in (
            (lambda x: x + 1 if x.sum() > 0 else x - 1, "a value that is read"),
            (keeps_hidden, "keeps elsewhere"), (keeps, "from outside that it changes"),
            (lambda x: mt.array(mt.random.permutation(2)) + x, "random numbers")):
        f = mt.jit(function)
        for sign in (1, -1, 1, -1):
            f(mt.array([2.0 * sign, 1.0]))
        assert why in " ".join(f.reasons)
    assert state["last"].tolist() == [-4, 2]
    branch = mt.jit(lambda x: x + 1 if x.sum() > 0 else x - 1)
    assert [branch(mt.array(float(k))).item() for k in (1, -1, 2, -2)] == [2, -2, 3, -3]


def test_arguments_that_are_one_array():
    f = mt.jit(lambda x, y: mt.grad((x * y).sum(), x))
    a, b = mt.array([2.0]), mt.array([3.0])
    assert [f(a, b).item(), f(a, a).item(), f(b, a).item(), f(b, b).item()] == [3, 4, 2, 6]
    w = mt.array([5.0])
    g = mt.jit(lambda x: x * w)
    assert [g(w).item(), g(a).item(), g(w).item(), g(b).item()] == [25, 10, 25, 15]


def test_no_grad_is_another_kind():
    f, x = mt.jit(lambda x: x * x), mt.array([3.0])
    with mt.no_grad():
        y = f(x)
    assert mt.grad(y.sum() + x.sum(), x).item() == 1
    assert mt.grad(f(x).sum(), x).item() == 6
    with mt.no_grad():
        y = f(x)
    assert mt.grad(y.sum() + x.sum(), x).item() == 1


def test_an_error_leaves_nothing_recorded():
    @mt.jit
    def f(x, fails):
        y = x + 1
        if fails:
            raise KeyError("as asked")
        return y
    with pytest.raises(KeyError):
        f(mt.array(1.0), True)
    assert f(mt.array(1.0), False).item() == 2
    assert mt._mintor.RecordedFunction([]).finish([]) == ""


def test_parameters_of_another_dtype():
    layer = nn.Linear(2, 2)
    f, x = mt.jit(lambda x: mt.sum(x @ layer.weight)), mt.array(values(3, 2))
    for dtype in ("float32", "float64", "float32"):
        layer.to(dtype)
        made = f(x)
        assert made.dtype == dtype
        numpy.testing.assert_allclose(made.item(), (x.numpy() @ layer.weight.numpy()).sum(),
                                   1e-4, 1e-6)
