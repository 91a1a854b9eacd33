# SPDX-License-Identifier: Apache-2.0
"""Files of weights, both ways: with PyTorch, NumPy, the safetensors library, and Jittor's form.

Takes arrays of every dtype and shape that files treat apart; fails where a value, dtype, shape or
tie is lost.
"""
import collections
import hashlib
import os
import pickle

import ml_dtypes
import numpy
import pytest
import safetensors.numpy
import safetensors.torch
import torch

import mintor as mt
from mintor import nn, optim

DTYPES = ["float64", "float32", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8",
          "uint16", "uint32", "uint64", "bool"]
ENDINGS = ["pth", "pkl", "npz", "safetensors"]


def tensors():
    """By name: each dtype; 0-d, empty, strided, with an offset, repeated, tied, a parameter."""
    base = torch.arange(10.0)
    made = {name: (torch.arange(6).reshape(2, 3) % 2).to(getattr(torch, name)) for name in DTYPES}
    made |= {"scalar": torch.tensor(3.5), "empty": torch.zeros(0, 3),
             "columns": base[:6].reshape(2, 3).T, "offset": base[3:9:2],
             "expanded": torch.ones(1, 3).expand(4, 3), "base": base, "tied": made["float32"],
             "parameter": torch.nn.Parameter(torch.tensor([1.0, -2.0]))}
    return made


def as_numpy(tensor):
    return mt.array(tensor).numpy()


def same(got, wanted):
    """Arrays of the same names, dtypes, shapes and values."""
    assert list(got) == list(wanted)
    for name, value in wanted.items():
        value = as_numpy(value)
        assert isinstance(got[name], mt.Array), name
        assert got[name].dtype == value.dtype and got[name].shape == value.shape, name
        assert got[name].numpy().tobytes() == value.tobytes(), name


@pytest.mark.parametrize("is_zip", [True, False])
def test_from_pytorch(tmp_path, is_zip):
    path = tmp_path / "w.pth"
    torch.save(tensors(), path, _use_new_zipfile_serialization=is_zip)
    got = mt.load(path)
    same(got, tensors())
    assert got["tied"] is got["float32"]


@pytest.mark.parametrize("is_zip", [True, False])
def test_containers_from_pytorch(tmp_path, is_zip):
    layer = torch.nn.Linear(2, 1)
    given = {"state": layer.state_dict(), "list": [1, 2.5, None, "x", (True, layer.weight)],
             "size": torch.Size([2, 3]), "dtype": torch.bfloat16, "device": torch.device("cpu"),
             3: {"set": {1, 2}, "bytes": b"\0\xff"}, "count": collections.Counter([5, 5]),
             "numpy": numpy.float64(2.5)}
    torch.save(given, tmp_path / "w.bin", _use_new_zipfile_serialization=is_zip)
    got = mt.load(tmp_path / "w.bin")
    assert list(got) == list(given)
    assert isinstance(got["state"], collections.OrderedDict)
    same(got["state"], layer.state_dict())
    assert got["list"][:4] == [1, 2.5, None, "x"] and got["list"][4][1].shape == (1, 2)
    assert got["size"] == (2, 3) and got["dtype"] == mt.bfloat16 and got["device"] == "cpu"
    assert got[3] == {"set": {1, 2}, "bytes": b"\0\xff"} and got["count"] == {5: 2}
    assert got["numpy"] == 2.5
    assert got["list"][4][1] is got["state"]["weight"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_there_and_back(tmp_path, ending):
    given = {name: mt.array(value) for name, value in tensors().items()}
    given["tied"] = given["float32"]
    path = tmp_path / f"w.{ending}"
    mt.save(given, path)
    got = mt.load(path)
    same(got, given)
    assert (got["tied"] is got["float32"]) == (ending in ("pth", "pkl"))
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", ["pth", "pkl"])
def test_containers_there_and_back(tmp_path, ending):
    shared = [mt.array([1.0])]
    given = {"a": (1, 2.5, True, None, "text", b"bytes"), "set": {1}, "b": bytearray(b"x"),
             5: shared, "again": shared,
             "numpy": numpy.int64(7), "ndarray": numpy.arange(3), "dtype": mt.float16,
             "ordered": collections.OrderedDict(x=numpy.float32(0.5)), "large": 2 ** 100,
             "tensor": torch.ones(2), "default": collections.defaultdict(int, y=1)}
    given["ordered"]["self"] = given["ordered"]
    mt.save(given, tmp_path / f"w.{ending}")
    if ending == "pth":
        theirs = torch.load(tmp_path / "w.pth", weights_only=True)
        assert theirs["a"] == given["a"] and theirs["set"] == {1} and theirs["b"] == b"x"
    got = mt.load(tmp_path / f"w.{ending}")
    assert got["a"] == given["a"] and got["set"] == {1} and got["b"] == b"x"
    assert got[5] is got["again"]
    assert got["numpy"] == 7 and got["ndarray"].tolist() == [0, 1, 2] and got["dtype"] == mt.float16
    assert got["ordered"]["x"] == 0.5 and got["ordered"]["self"] is got["ordered"]
    assert got["large"] == 2 ** 100 and got["tensor"].tolist() == [1, 1]
    assert got["default"]["y"] == 1


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("mmap", [True, False])
def test_to_pytorch(tmp_path, weights_only, mmap):
    given = {name: mt.array(value) for name, value in tensors().items()}
    given["tied"] = given["float32"]
    mt.save(given, tmp_path / "w.pt")
    got = torch.load(tmp_path / "w.pt", weights_only=weights_only, mmap=mmap)
    for name, value in tensors().items():
        assert got[name].dtype == value.dtype and torch.equal(got[name], value.detach()), name
        assert got[name].data_ptr() % 64 == 0 or not mmap, name
    assert got["tied"].data_ptr() == got["float32"].data_ptr()


def test_models_both_ways(tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2),
                                 torch.nn.Linear(2, 2))
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours.load(tmp_path / "a.pth")
    same(ours.state_dict(), theirs.state_dict())
    ours[2].weight.assign(ours[2].weight + 1)
    ours.save(tmp_path / "b.pth")
    theirs.load_state_dict(torch.load(tmp_path / "b.pth", weights_only=True))
    same(ours.state_dict(), theirs.state_dict())


OPTIMIZERS = [("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.01, "amsgrad": True}),
              ("AdamW", {"lr": 0.01}), ("NAdam", {}), ("RAdam", {}), ("Adamax", {}),
              ("RMSprop", {"momentum": 0.5, "centered": True}), ("Adagrad", {}), ("Adadelta", {})]


@pytest.mark.parametrize("name, options", OPTIMIZERS)
def test_optimizers_both_ways(tmp_path, name, options):
    rng = numpy.random.default_rng(0)
    starts = [rng.standard_normal(shape).astype("float32") for shape in ((2, 3), (3,), ())]
    slopes = [[rng.standard_normal(one.shape).astype("float32") for one in starts]
              for _ in range(4)]

    def theirs_of(values):
        made = [torch.nn.Parameter(torch.tensor(one)) for one in values]
        return made, getattr(torch.optim, name)([{"params": made[:1]}, {"params": made[1:]}],
                                                **options)

    def ours_of(values):
        made = [nn.Parameter(one) for one in values]
        return made, getattr(optim, name)([{"params": made[:1]}, {"params": made[1:]}], **options)

    def step(parameters, optimizer, gradients):
        for one, gradient in zip(parameters, gradients):
            one.grad = torch.tensor(gradient) if isinstance(one, torch.Tensor) else \
                mt.array(gradient)
        optimizer.step()

    def check(a, b):
        for one, other in zip(a, b):
            numpy.testing.assert_allclose(as_numpy(one), as_numpy(other), 2e-6, 2e-6)

    parameters, theirs = theirs_of(starts)
    for gradients in slopes[:2]:
        step(parameters, theirs, gradients)
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    own, ours = ours_of([one.detach().numpy() for one in parameters])
    ours.load_state_dict(mt.load(tmp_path / "a.pth"))
    step(parameters, theirs, slopes[2])
    step(own, ours, slopes[2])
    check(own, parameters)
    mt.save(ours.state_dict(), tmp_path / "b.pth")
    parameters, theirs = theirs_of([one.numpy() for one in own])
    theirs.load_state_dict(torch.load(tmp_path / "b.pth", weights_only=True))
    step(parameters, theirs, slopes[3])
    step(own, ours, slopes[3])
    check(own, parameters)


def test_from_safetensors(tmp_path):
    given = {name: value.detach().contiguous().clone() for name, value in tensors().items()}
    safetensors.torch.save_file(given, tmp_path / "w.safetensors", {"format": "pt"})
    got = mt.load(tmp_path / "w.safetensors")
    assert got.metadata == {"format": "pt"}
    same(dict(sorted(got.items())), dict(sorted(given.items())))


def test_to_safetensors(tmp_path):
    given = {name: mt.array(value) for name, value in tensors().items()}
    mt.save(given, tmp_path / "w.safetensors", metadata={"schluessel": "\u00fc"})
    got = safetensors.torch.load_file(tmp_path / "w.safetensors")
    for name, value in tensors().items():
        assert got[name].dtype == value.dtype and torch.equal(got[name], value.detach()), name
    mt.save(mt.load(tmp_path / "w.safetensors"), tmp_path / "again.safetensors")
    with safetensors.safe_open(tmp_path / "again.safetensors", "np") as file:
        assert file.metadata() == {"schluessel": "\u00fc"}


def test_numpy_both_ways(tmp_path):
    given = {"a/b.c": numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
             "big": numpy.arange(3, dtype=">i4"), "zero": numpy.zeros((0, 2), "int8"),
             "bf16": numpy.ones(2, ml_dtypes.bfloat16), "bool": numpy.array(True)}
    for write in (numpy.savez, numpy.savez_compressed):
        write(tmp_path / "w.npz", **given)
        same(mt.load(tmp_path / "w.npz"), {name: mt.array(one.astype(one.dtype.newbyteorder("=")))
                                           for name, one in given.items()})
    mt.save(given, tmp_path / "v.npz")
    got = numpy.load(tmp_path / "v.npz")
    for name, value in given.items():
        native = value.astype(value.dtype.newbyteorder("="))
        assert (got[name].view(native.dtype) == native).all() and got[name].shape == value.shape


def test_a_long_string_of_python_2(tmp_path):
    data = bytes(range(256)) * 300
    (tmp_path / "w.pkl").write_bytes(b"T" + len(data).to_bytes(4, "little") + data + b".")
    assert mt.load(tmp_path / "w.pkl") == data.decode("latin1")


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_numpy(tmp_path, protocol):
    given = {"c": numpy.arange(6, dtype="float32").reshape(2, 3),
             "big": numpy.arange(3, dtype=">f8"),
             "f": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
             "bool": numpy.array([True]),
             "bf16": numpy.ones(3, ml_dtypes.bfloat16), "long": numpy.arange(100000)}
    with open(tmp_path / "w.pkl", "wb") as file:
        pickle.dump({**given, "n": numpy.float32(1.5)}, file, protocol)
    got = mt.load(tmp_path / "w.pkl")
    assert got.pop("n") == 1.5
    same(got, {name: mt.array(one.astype(one.dtype.newbyteorder("=")))
               for name, one in given.items()})


def test_pickle_and_jittor_read_it(tmp_path):
    mt.save({"w": mt.ones(2, 3), "b": mt.ones(2, dtype=mt.bfloat16)}, tmp_path / "w.pkl")
    data = (tmp_path / "w.pkl").read_bytes()
    got = pickle.loads(data)
    assert got["w"].dtype == "float32" and got["w"].shape == (2, 3) and (got["w"] == 1).all()
    assert got["b"].dtype == ml_dtypes.bfloat16
    assert data.endswith(b"HCAJSLHD") and hashlib.sha1(data[:-28]).digest() == data[-28:-8]
    assert b"numpy.core.multiarray" in data        # older versions have no numpy._core


class JittorVar:
    """Pickled as Jittor's own arrays are."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return JittorVar, (self.value,)


def test_from_jittor(tmp_path, monkeypatch):
    import types
    module = types.ModuleType("jittor")
    module.JittorVar = JittorVar
    monkeypatch.setitem(__import__("sys").modules, "jittor", module)
    monkeypatch.setattr(JittorVar, "__module__", "jittor")
    data = pickle.dumps({"w": JittorVar(numpy.ones(3, "float32")), "n": numpy.zeros(2)}, 4)
    data = data.replace(b"\x8c\x09JittorVar", b"\x8c\x03Var")
    # The frame is six letters shorter than it says.
    length = int.from_bytes(data[3:11], "little") - 6
    data = data[:3] + length.to_bytes(8, "little") + data[11:]
    (tmp_path / "w.pkl").write_bytes(data + hashlib.sha1(data).digest() + b"HCAJSLHD")
    got = mt.load(tmp_path / "w.pkl")
    assert got["w"].tolist() == [1, 1, 1] and got["n"].dtype == "float64"


def test_tied_weights_of_a_module(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

    model, other = Tied(), Tied()
    for ending in ENDINGS:
        model.save(tmp_path / f"w.{ending}")
        other.load(tmp_path / f"w.{ending}")
        assert other.a.weight is other.b.weight
        assert other.a.weight.tolist() == model.a.weight.tolist()
    theirs = torch.load(tmp_path / "w.pth", weights_only=True)
    assert theirs["a.weight"].data_ptr() == theirs["b.weight"].data_ptr()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failing_save_loses_nothing(tmp_path, ending):
    path = tmp_path / f"w.{ending}"
    mt.save({"w": mt.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="save: "):
        mt.save({"w": mt.ones(2), "x": object()}, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_what_save_refuses(tmp_path):
    with pytest.raises(ValueError, match="there is no format for '.onnx'"):
        mt.save({}, tmp_path / "w.onnx")
    with pytest.raises(TypeError, match="a Linear is no array; save its state_dict"):
        mt.save(nn.Linear(1, 1), tmp_path / "w.pth")
    with pytest.raises(TypeError, match="cannot save an object of builtins.function|cannot save"):
        mt.save({"f": len}, tmp_path / "w.pkl")
    with pytest.raises(TypeError, match="holds arrays alone, 'x' is a list"):
        mt.save({"x": [1]}, tmp_path / "w.npz")
    with pytest.raises(TypeError, match="has the dtype complex64"):
        mt.save({"x": numpy.ones(1, "complex64")}, tmp_path / "w.safetensors")
    with pytest.raises(TypeError, match="a .npz has no metadata"):
        mt.save({"x": mt.ones(1)}, tmp_path / "w.npz", metadata={})
    with pytest.raises(FileNotFoundError):
        mt.save({"x": mt.ones(1)}, tmp_path / "none" / "w.npz")
    assert os.listdir(tmp_path) == []


def test_a_link_stays_a_link_and_modes_stay(tmp_path):
    real = tmp_path / "real.npz"
    mt.save({"x": mt.ones(1)}, real)
    real.chmod(0o640)
    (tmp_path / "link.npz").symlink_to(real)
    mt.save({"x": mt.zeros(1)}, tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink() and mt.load(real)["x"].tolist() == [0]
    assert real.stat().st_mode & 0o777 == 0o640


def test_arguments_of_packages_are_not_of_files(tmp_path):
    mt.save({"x": mt.ones(1)}, tmp_path / "w.npz")
    with pytest.raises(TypeError, match="are of packages"):
        mt.load(tmp_path / "w.npz", threads=2)
