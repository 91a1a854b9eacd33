# SPDX-License-Identifier: Apache-2.0
"""What programs do with the training that mt.export wrote: checkpoints, masks, frozen parameters.

Takes small modules; compares with the same steps in Python bit for bit, and with the library of the
safetensors format. Keeps true: no test needs PyTorch.
"""
import numpy
import pytest

import mintor as mt
from mintor import nn

F = nn.functional
RATE = numpy.array(0.01)


class Net(nn.Module):
    def __init__(self, trained=True):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 20), nn.BatchNorm1d(20), nn.ReLU(),
                                  nn.Linear(20, 20), nn.BatchNorm1d(20), nn.ReLU())
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(20, 3)
        for one in self.body.parameters():
            one.requires_grad = trained

    def forward(self, x):
        return self.head(self.drop(self.body(x)))


def batches(count, rows=8):
    rng = numpy.random.default_rng(1)
    return [(rng.standard_normal((rows, 6), "float32"), rng.integers(0, 3, rows))
            for _ in range(count)]


def exported(folder, model, parameters=None):
    x, y = batches(1)[0]
    optimizer = mt.optim.Adam(parameters or model.parameters(), 0.01, weight_decay=0.1)
    mt.export(model, x, folder, train=True, loss=F.cross_entropy, targets=y, optimizer=optimizer,
              target="v3", shapes={"x": ["batch", 6], "target": ["batch"]})
    return mt.load(folder, threads=2)


def step(package, x, y):
    return float(package.run({"x": x, "target": y, "lr": RATE}, entry="train_step")["loss"])


def values(package):
    return {name: package.parameter(name) for name in package.parameters}


def same(got, wanted):
    assert set(got) == set(wanted)
    for name, value in wanted.items():
        numpy.testing.assert_array_equal(got[name], value, err_msg=name)


def test_a_checkpoint_goes_on_with_equal_bits_and_is_read_elsewhere(tmp_path):
    package = exported(tmp_path / "net", Net())
    data = batches(6)
    for x, y in data[:3]:
        step(package, x, y)
    package.run(dict(zip(("x", "target"), data[3])), entry="grads")
    package.save_parameters(tmp_path / "half.safetensors")
    half = values(package)
    rest = [step(package, x, y) for x, y in data[3:]]
    whole = values(package)
    again = mt.load(tmp_path / "net", threads=1)
    again.load_parameters(tmp_path / "half.safetensors")
    same(values(again), half)
    assert [step(again, x, y) for x, y in data[3:]] == rest
    same(values(again), whole)

    safetensors = pytest.importorskip("safetensors.numpy")
    read = safetensors.load_file(tmp_path / "half.safetensors")
    same(read, half)
    assert {"head.weight", "optimizer.exp_avg.head.weight", "grad.head.weight", "optimizer.step",
            "body.1.num_batches_tracked", "random.counter"} < set(read)
    safetensors.save_file(read, tmp_path / "theirs.safetensors", {"note": "of \"theirs\" é"})
    again.load_parameters(tmp_path / "theirs.safetensors")
    same(values(again), half)


def test_files_of_others_need_not_have_all(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    package = exported(tmp_path / "net", Net())
    before = values(package)
    model = Net()
    state = {name: one.numpy() for name, one in model.state_dict().items()}
    safetensors.save_file({**state, "more": numpy.ones(3, "float16")}, tmp_path / "model")
    with pytest.raises(mt.CompileError, match="'more' is no parameter"):
        package.load_parameters(tmp_path / "model", allow_missing=True)
    with pytest.raises(mt.CompileError, match="'optimizer.*' is missing"):
        package.load_parameters(tmp_path / "model", allow_unknown=True)
    same(values(package), before)
    package.load_parameters(tmp_path / "model", allow_missing=True, allow_unknown=True)
    same(values(package), {**before, **state})
    x = batches(1)[0][0]
    model.eval()
    numpy.testing.assert_array_equal(package(x), model(mt.array(x)).numpy())


def test_every_dtype_is_stored(tmp_path):
    class Kinds(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ("float64", "float32", "float16", "bfloat16", "int8", "int16", "int32",
                         "int64", "uint8", "uint16", "uint32", "uint64", "bool"):
                self.register_buffer(name, mt.array(numpy.arange(5) % 3).astype(name))

        def forward(self, x):
            return sum((one.astype("float32").sum() for _, one in self.named_buffers()), x)

    model, x = Kinds(), numpy.ones(2, "float32")
    mt.export(model, x, tmp_path / "kinds", target="v3")
    package = mt.load(tmp_path / "kinds")
    wanted = package(x)
    package.save_parameters(tmp_path / "file")
    stored = values(package)
    assert len(stored) == 13
    for name, value in stored.items():
        package.set_parameter(name, numpy.zeros_like(value))
    assert (package(x) == 1).all()
    package.load_parameters(tmp_path / "file")
    same(values(package), stored)
    numpy.testing.assert_array_equal(package(x), wanted)


def python_steps(model, optimizer, data):
    losses = []
    for x, y in data:
        loss = F.cross_entropy(model(mt.array(x)), mt.array(y))
        optimizer.step(loss)
        losses.append(loss.item())
    return losses


def compare_with_module(package, model):
    for name, one in model.state_dict().items():
        numpy.testing.assert_array_equal(package.parameter(name), one.numpy(), err_msg=name)


def test_a_mask_trains_the_head_alone(tmp_path):
    mt.manual_seed(4)
    model, data = Net(), batches(4)
    package = exported(tmp_path / "net", model)
    before = values(package)
    package.set_trained(None, False)
    package.set_trained(["head.weight", "head.bias"])
    losses = [step(package, x, y) for x, y in data]
    # As an optimizer of the head's parameters has it; buffers follow the module.
    optimizer = mt.optim.Adam(model.head.parameters(), 0.01, weight_decay=0.1)
    assert losses == python_steps(model, optimizer, data)
    compare_with_module(package, model)
    package.run(dict(zip(("x", "target"), data[0])), entry="grads")
    package.run({"lr": RATE}, entry="apply")
    for name, value in values(package).items():
        kept = numpy.array_equal(before[name], value)
        body = "body." in name and "running" not in name and "tracked" not in name
        assert kept or not body, name
    assert not numpy.array_equal(before["body.1.running_mean"],
                                 package.parameter("body.1.running_mean"))


def test_a_package_is_opened_for_a_part(tmp_path):
    package = exported(tmp_path / "net", Net())
    package.set_trained(None, False)
    package.set_trained(["head.weight", "head.bias"])
    opened = mt.load(tmp_path / "net", trained=["head.weight", "head.bias"])
    one = mt.load(tmp_path / "net", trained="head.bias")
    none = mt.load(tmp_path / "net", trained=())
    start = values(package)
    for x, y in batches(2):
        assert step(opened, x, y) == step(package, x, y)
        step(one, x, y)
        step(none, x, y)
    same(values(opened), values(package))
    changed = {name for name in start if "head." in name and
               not numpy.array_equal(one.parameter(name), start[name])}
    assert changed == {"head.bias", "optimizer.exp_avg.head.bias", "optimizer.exp_avg_sq.head.bias"}
    numpy.testing.assert_array_equal(none.parameter("head.bias"), start["head.bias"])
    opened.set_trained(None)
    step(opened, x, y)
    assert not numpy.array_equal(opened.parameter("body.0.weight"), start["body.0.weight"])
    with pytest.raises(mt.CompileError, match="trained: 'head.wait' is nothing that runs update"):
        mt.load(tmp_path / "net", trained=["head.wait"])
    package.save_parameters(tmp_path / "file.safetensors")
    with pytest.raises(TypeError, match="trained are of packages"):
        mt.load(tmp_path / "file.safetensors", trained=())


def test_a_mask_may_hold_any_part(tmp_path):
    """Each parameter alone left out: it keeps its bits, and the others are as without a mask."""
    package = exported(tmp_path / "net", Net())
    start = values(package)
    x, y = batches(1)[0]
    given = {"x": x, "target": y}

    def run():
        package.reset()
        losses = [step(package, x, y), float(package.run(given, entry="grads")["loss"])]
        package.run({"lr": RATE}, entry="apply")
        return losses[0], values(package)

    loss, free = run()
    step_alone = {}
    for name in [one for one in free if f"grad.{one}" in free]:
        package.set_trained(name, False)
        masked_loss, masked = run()
        package.set_trained(name, True)
        assert masked_loss == loss
        own = [one for one in free if one == name or
               one.endswith(f".{name}") and one.split(".")[0] in ("optimizer", "grad")]
        assert len(own) == 4
        for one in own:
            numpy.testing.assert_array_equal(masked[one], start[one], err_msg=one)
        step_alone[name] = masked
    # The last layer's bias changes no other gradient before the second step.
    assert len(step_alone) == 10
    buffers = ["body.1.running_mean", "body.1.running_var", "body.1.num_batches_tracked"]
    package.set_trained(buffers, False)
    masked = run()[1]
    for name in buffers:
        numpy.testing.assert_array_equal(masked[name], start[name])
    numpy.testing.assert_array_equal(masked["head.bias"], free["head.bias"])
    package.set_trained(buffers)
    # One launch makes the parameter and what the optimizer keeps of it.
    moment = "optimizer.exp_avg.head.bias"
    package.set_trained(moment, False)
    package.reset()
    step(package, x, y)
    masked = values(package)
    package.set_trained(moment)
    package.reset()
    step(package, x, y)
    same(masked, {**values(package), moment: start[moment]})


def test_frozen_parameters_are_set_by_name(tmp_path):
    """Those that the optimizer does not have: packed when the package is opened, and anew."""
    mt.manual_seed(5)
    model = Net(trained=False)
    package = exported(tmp_path / "net", model, list(model.head.parameters()))
    assert "body.0.weight" in package.parameters and "body.0.weight" not in package.states
    other, (x, y) = Net(trained=False), batches(1)[0]
    package.set_parameter("body.0.weight", numpy.zeros((20, 6)))
    package(x)
    for name, one in other.state_dict().items():
        package.set_parameter(name, one.numpy())
    other.eval()
    numpy.testing.assert_array_equal(package(x), other(mt.array(x)).numpy())
    other.train()
    optimizer = mt.optim.Adam(other.head.parameters(), 0.01, weight_decay=0.1)
    counter = package.parameter("random.counter")
    mt.random.default_generator.set_state((mt.random.default_generator.get_state()[0],
                                           int(counter)))
    assert [step(package, x, y)] == python_steps(other, optimizer, [(x, y)])
    compare_with_module(package, other)
    package.reset()
    compare_with_module(package, model)
    with pytest.raises(mt.CompileError, match="nothing that runs update"):
        package.set_trained("body.0.weight", False)


def test_two_halves_of_a_batch_are_the_whole(tmp_path):
    """Gradients of two packages become their mean; both then have equal bits."""
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
    whole = exported(tmp_path / "net", model)
    halves = [mt.load(tmp_path / "net", threads=n) for n in (1, 2)]
    for x, y in batches(3, 12):
        step(whole, x, y)
        for n, half in enumerate(halves):
            half.run({"x": x[6 * n:6 * n + 6], "target": y[6 * n:6 * n + 6]}, entry="grads")
        for name in [one for one in whole.states if one.startswith("grad.")]:
            mean = sum(half.parameter(name) for half in halves) / 2
            for half in halves:
                half.set_parameter(name, mean)
        for half in halves:
            half.run({"lr": RATE}, entry="apply")
    same(values(halves[0]), values(halves[1]))
    for name, value in values(whole).items():
        numpy.testing.assert_allclose(halves[0].parameter(name), value, rtol=1e-4, atol=1e-6,
                                      err_msg=name)
