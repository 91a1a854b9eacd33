# SPDX-License-Identifier: Apache-2.0
"""Files of weights that are damaged, or written to do harm.

Takes pickles that call things, archives that claim things, files that are cut off or have flipped
bytes; fails where anything is run, where an error is not a CompileError with the path, or where a
damaged file gives other values without a word.
"""
import builtins
import collections
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile

import numpy
import pytest
import torch

import mintor as mt


def refused(path, data, match):
    path.write_bytes(data)
    with pytest.raises(mt.CompileError, match=match) as error:
        mt.load(path)
    assert str(error.value).startswith(f"error: load: {path} ")


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.reduction = function, arguments

    def __reduce__(self):
        return self.reduction


def text_global(name, call=b"(S'touch MARK'\ntR."):
    module, _, rest = name.partition(" ")
    return f"c{module}\n{rest}\n".encode() + call


ATTACKS = {
    "posix.system": pickle.dumps(Calls(os.system, "touch MARK"), 2),
    "builtins.eval": pickle.dumps(Calls(eval, "open('MARK', 'w')"), 4),
    "builtins.exec": pickle.dumps({"w": [Calls(exec, "open('MARK', 'w')")]}, 5),
    "builtins.getattr": pickle.dumps(Calls(getattr, "", "__class__"), 4),
    "builtins.print": pickle.dumps(Calls(print, "x"), 4),
    "subprocess.Popen": pickle.dumps(Calls(subprocess.Popen, ["touch", "MARK"]), 4),
    "os.system": text_global("os system"),
    "torch.hub.os.system": pickle.PROTO + b"\x04\x8c\x05torch\x8c\x0dhub.os.system\x93\x8c\x0a"
                           b"touch MARK\x85R.",
    "torch._utils.torch.hub": text_global("torch._utils torch.hub"),
    "numpy.core.multiarray.os.system": text_global("numpy.core.multiarray os.system"),
    "collections.OrderedDict.__class__": text_global("collections OrderedDict.__class__"),
    "numpy.testing._private.utils.runstring": text_global("numpy.testing._private.utils runstring"),
    "torch.load": text_global("torch load"),
    "torch.nn.modules.linear.Linear": b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}b.",
    "__main__.Net": text_global("__main__ Net"),
    "pathlib.PosixPath": text_global("pathlib PosixPath"),
    "functools.partial": text_global("functools partial"),
    "_codecs.decode": text_global("_codecs decode"),
}


def as_archive(pickled):
    """PyTorch's zip form with that pickle."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    return made.getvalue()


def as_legacy(pickled):
    """The form before it, with that pickle."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    return b"".join(pickle.dumps(one, 2) for one in head) + pickled + pickle.dumps([], 2)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("form", [bytes, as_archive, as_legacy])
def test_what_pickles_name_is_not_run(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    data = form(ATTACKS[name])
    for function in ("eval", "print"):
        monkeypatch.setattr(builtins, function, lambda *_: pytest.fail("was called"))
    refused(tmp_path / "w.pth", data,
            f"holds {name}, which is no array, number or container; nothing of it was run\n"
            "  help: save weights alone")
    assert os.listdir(tmp_path) == ["w.pth"]


OPCODES = {
    "calls a codec": pickle.dumps(Calls(__import__("_codecs").encode, "x", "rot13"), 2),
    "calls what is no function": b"\x80\x02X\x01\x00\x00\x00a)R.",
    "an opcode that makes objects": b"(S'touch MARK'\nios\nsystem\n.",
    "makes objects of any class": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
    "of any class": b"(ccollections\nOrderedDict\no.",
    "opcode": b"\x80\x02\x82\x01.",
    # State would become attributes of our own functions.
    "gives a state to what has none": b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00a"
                                      b"X\x01\x00\x00\x00bsb.",
    "refers to something outside": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "is cut off": b"\x80\x04\x96" + struct.pack("<Q", 1 << 40) + b"x.",
    "cut off": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
    "bytes that are not there": b"\x80\x02c__builtin__\nbytearray\nI9999999999\n\x85R.",
    "is damaged, or is no file of weights": b"no pickle at all",
    "is empty": b"",
    "the dtype object, which no array can have": pickle.dumps(numpy.array([{}, 1], object), 2),
}


@pytest.mark.parametrize("match", OPCODES)
def test_opcodes(tmp_path, match):
    refused(tmp_path / "w.pkl", OPCODES[match], match)


def test_a_place_in_the_memo_takes_no_memory(tmp_path):
    path = tmp_path / "w.pkl"
    path.write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
    assert mt.load(path) == 1


def test_containers_in_themselves_and_shared(tmp_path):
    tree = []
    tree.append(tree)
    wide = [1.0]
    for _ in range(200):
        wide = [wide, wide]                     # 2 ** 200 paths to the number
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps({"self": tree, "wide": wide}, 4))
    got = mt.load(path)
    assert got["self"][0] is got["self"] and got["wide"][0] is got["wide"][1]
    refused(path, b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b".", "RecursionError")


# --- PyTorch's tensors ---------------------------------------------------------------------------
class Global:
    def __init__(self, name):
        self.name = name


def tensor_pickle(offset, sizes, strides, count=4, kind="FloatStorage", key="0"):
    """A tensor of storage 0, as PyTorch pickles it."""
    class Pickler(pickle._Pickler):
        def persistent_id(self, obj):
            return obj if isinstance(obj, tuple) and obj[:1] == ("storage",) else None

        def save(self, obj, save_persistent_id=True):
            if isinstance(obj, Global):
                self.write(f"c{obj.name}\n".encode())
            else:
                super().save(obj, save_persistent_id)

    made = io.BytesIO()
    pickler = Pickler(made, 2)
    pickler.write(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(")
    for item in (("storage", Global(f"torch\n{kind}"), key, "cpu", count), offset, sizes, strides,
                 False, {}):
        pickler.save(item)
    pickler.write(b"tR.")
    return made.getvalue()


def tensor_archive(*arguments, data=b"\0" * 16, **options):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", tensor_pickle(*arguments, **options))
        archive.writestr("archive/data/0", data)
    return made.getvalue()


def test_a_tensor_within_its_storage(tmp_path):
    (tmp_path / "w.pth").write_bytes(tensor_archive(1, (3,), (1,)))
    assert mt.load(tmp_path / "w.pth").tolist() == [0, 0, 0]


@pytest.mark.parametrize("arguments, options, match", [
    ((0, (5,), (1,)), {}, "ends behind its storage of 4"),
    ((2, (3,), (1,)), {}, "ends behind its storage"),
    ((1 << 60, (1,), (1,)), {}, "ends behind its storage"),
    ((0, (2,), (1 << 62,)), {}, "ends behind its storage"),
    ((-1, (2,), (1,)), {}, "a wrong offset or strides"),
    ((0, (2,), (-1,)), {}, "strides has the shape"),
    ((0, (-2,), (1,)), {}, "a tensor has the shape"),
    ((0, (2, 2), (1,)), {}, "a wrong offset or strides"),
    ((0, (1 << 40,), (0,)), {}, "100 times its size in memory"),
    ((0, (4,), (1,)), {"count": 8}, "16 bytes of the storage '0', expected 32"),
    ((0, (4,), (1,)), {"count": -1}, "refers to what is no storage"),
    ((0, (4,), (1,)), {"key": "../../etc/passwd"}, "has no member"),
    ((0, (4,), (1,)), {"kind": "ComplexFloatStorage"}, "holds complex numbers"),
    ((0, (4,), (1,)), {"kind": "UntypedStorage", "count": 16}, "bytes without a dtype")])
def test_tensors_that_lie(tmp_path, arguments, options, match):
    refused(tmp_path / "w.pth", tensor_archive(*arguments, **options), match)


def test_many_tensors_of_one_storage(tmp_path):
    count, many = 1 << 20, 150
    parts = [tensor_pickle(0, (count - n,), (1,), count=count)[2:-1] for n in range(many)]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02](" + b"".join(parts) + b"e.")
        archive.writestr("archive/data/0", bytes(4 * count))
    refused(tmp_path / "w.pth", data.getvalue(), "100 times its size in memory")


@pytest.mark.parametrize("value, match", [
    (torch.eye(2).to_sparse(), "holds torch._utils._rebuild_sparse_tensor"),
    (torch.ones(2, dtype=torch.complex64), "complex numbers"),
    (torch.nn.Linear(1, 1), "holds torch.nn.modules.linear.Linear")])
def test_what_pytorch_saves_and_arrays_are_not(tmp_path, value, match):
    torch.save(value, tmp_path / "w.pth")
    refused(tmp_path / "w.pth", (tmp_path / "w.pth").read_bytes(), match)


# --- zip files -----------------------------------------------------------------------------------
def test_zip_files_that_grow(tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        numpy.lib.format.write_array_header_1_0(header, {
            "descr": "|u1", "fortran_order": False, "shape": (300 << 20,)})
        with archive.open("x.npy", "w") as member:
            member.write(header.getvalue())
            for _ in range(300):
                member.write(bytes(1 << 20))
    refused(tmp_path / "w.npz", made.getvalue(), "100 times its size in memory")


def test_zip_files_that_overlap(tmp_path):
    mt.save({"a": mt.zeros(100), "b": mt.zeros(100)}, tmp_path / "w.npz")
    data = bytearray((tmp_path / "w.npz").read_bytes())
    central = data.rfind(b"PK\1\2")             # the member b now begins where a does
    data[central + 42:central + 46] = bytes(4)
    refused(tmp_path / "w.npz", bytes(data), "overlap")


def test_stored_members_of_two_sizes(tmp_path):
    mt.save({"a": mt.zeros(100)}, tmp_path / "w.npz")
    data = bytearray((tmp_path / "w.npz").read_bytes())
    central = data.rfind(b"PK\1\2")             # the member takes no bytes of the file
    data[central + 20:central + 24] = bytes(4)
    refused(tmp_path / "w.npz", bytes(data), "says two sizes")


def test_zip_files_with_names(tmp_path):
    for names, match in ((["../x"], "neither NumPy's nor PyTorch's"),
                         (["x.npy", "x.npy"], "two members of one name")):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of a name that is there twice
            for name in names:
                archive.writestr(name, b"")
        refused(tmp_path / "w.npz", made.getvalue(), match)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("archive/data.pkl", b"")
    refused(tmp_path / "w.npz", made.getvalue(), "encrypted or compressed otherwise")


def test_pickles_in_npz(tmp_path):
    numpy.savez(tmp_path / "w.npz", x=numpy.array([Calls(os.system, "touch MARK")], object))
    refused(tmp_path / "w.npz", (tmp_path / "w.npz").read_bytes(),
            "has Python objects in 'x', which would be a pickle; nothing of it was run")


@pytest.mark.parametrize("header, match", [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,)}", "bytes, expected"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "has the shape"),
    ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "the dtype complex64"),
    ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "which no array can"),
    ("__import__('os').system('touch MARK')", "is damaged"),
    ("(" * 5000, "is damaged")])
def test_headers_of_npy(tmp_path, monkeypatch, header, match):
    monkeypatch.chdir(tmp_path)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        text = header.encode() + b"\n"
        archive.writestr("x.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + bytes(4))
    refused(tmp_path / "w.npz", made.getvalue(), match)
    assert os.listdir(tmp_path) == ["w.npz"]


# --- safetensors ---------------------------------------------------------------------------------
def entry(begin=0, end=4, dtype="F32", shape=(1,), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


@pytest.mark.parametrize("header, match", [
    ({"a": entry(), "b": entry()}, "overlap or leave gaps"),
    ({"a": entry(4, 8)}, "overlap or leave gaps"),
    ({"a": entry(0, 4)}, "has 8 bytes of data, expected 4"),
    ({"a": entry(0, 8)}, "has 8 bytes of 'a', expected 4"),
    ({"a": entry(4, 0)}, "expected 4"),
    ({"a": entry(-4, 0)}, "the place of 'a'"),
    ({"a": entry(0, 8, shape=(1 << 62, 4))}, "expected"),
    ({"a": entry(0, 8, shape=(1.0,))}, "'a' has the shape"),
    ({"a": entry(0, 8, shape=(True,))}, "'a' has the shape"),
    ({"a": entry(0, 8, "F8_E4M3", (8,))}, "dtype F8_E4M3"),
    ({"a": {"dtype": "F32", "shape": [1]}}, "lacks dtype, shape or data_offsets"),
    ({"a": entry(0, 8, more=1)}, "lacks dtype, shape or data_offsets"),
    ({"__metadata__": {"a": 1}}, "metadata that is not text"),
    ('{"a": %s, "a": %s}' % ((json.dumps(entry(0, 8, shape=(2,))),) * 2), "a name twice"),
    ('{"a": {"dtype": "F32", "dtype": "F32"}}', "a name twice"),
    ("{" + '"a":[' * 100000, "RecursionError|JSONDecodeError"),
    ("{nonsense", "JSONDecodeError"), ('{"a": "\xff"}', "UnicodeDecodeError")])
def test_headers_of_safetensors(tmp_path, header, match):
    text = header if isinstance(header, str) else json.dumps(header)
    data = text.encode("latin1")
    refused(tmp_path / "w.safetensors", struct.pack("<Q", len(data)) + data + bytes(8), match)


def test_a_header_longer_than_the_file(tmp_path):
    for length in (100, 1 << 63):
        refused(tmp_path / "w.safetensors", struct.pack("<Q", length) + b"{}", "is damaged|cut off")


# --- damage --------------------------------------------------------------------------------------
def values(tree):
    """The arrays of a tree, as what can be compared."""
    if isinstance(tree, dict):
        return set().union(*(values(value) for value in tree.values()))
    return {(str(tree.dtype), tree.shape, tree.numpy().tobytes())
            if isinstance(tree, mt.Array) else repr(tree)}


def whole_files(folder):
    """(name, bytes, whether other values would be noticed) of a file in each form."""
    state = collections.OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.ones(3).bfloat16(),
                                    c=torch.tensor(7))
    state["tied"] = state["a"]
    own = {name: mt.array(value) for name, value in state.items()}
    for name, is_zip in (("zip", True), ("legacy", False)):
        torch.save({"s": state}, folder / name, _use_new_zipfile_serialization=is_zip)
        yield name, (folder / name).read_bytes(), is_zip
    for ending in ("pth", "npz", "safetensors", "pkl"):
        mt.save(own, folder / f"own.{ending}")
        yield ending, (folder / f"own.{ending}").read_bytes(), ending not in ("safetensors",)
    plain = pickle.dumps({name: value.numpy() for name, value in own.items()}, 5)
    yield "pickle", plain, False


def test_damaged_files(tmp_path):
    """Cut off, and with bytes flipped: an error, or, where a checksum is, no other values."""
    rng = numpy.random.default_rng(int(os.environ.get("MINTOR_SEED", "0")))
    path, refusals = tmp_path / "w", 0
    for name, data, is_checked in whole_files(tmp_path):
        path.write_bytes(data)
        wanted = values(mt.load(path))
        cut = [data[:place] for place in sorted({*range(0, len(data), 7), len(data) - 1})]
        flipped = []
        for _ in range(250):
            changed = bytearray(data)
            for place in rng.integers(0, len(data), rng.integers(1, 4)):
                changed[place] ^= 1 << rng.integers(0, 8)
            flipped.append(bytes(changed))
        for damaged in cut + flipped:
            path.write_bytes(damaged)
            try:
                got = values(mt.load(path))
            except mt.CompileError as error:
                refusals += 1
                assert str(error).startswith(f"error: load: {path} "), name
                continue
            # A .pkl that does not end as such has no checksum; names are in none.
            if is_checked and damaged[-8:] == data[-8:]:
                assert got <= wanted, name
    assert refusals > 1000


def test_memory_of_hostile_files(tmp_path):
    """Sizes that files claim are compared with those they have before memory is taken."""
    script = tmp_path / "load.py"
    script.write_text("import resource, sys\nimport mintor as mt\n"
                      "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
                      "for path in sys.argv[1:]:\n"
                      "    try:\n        mt.load(path)\n"
                      "    except mt.CompileError:\n        pass\n"
                      "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
                      "print(after - before)\n")
    files = {"memo": b"\x80\x02K\x01r\xff\xff\xff\x7f.",
             "bytes": b"\x80\x05\x96" + struct.pack("<Q", 8 << 30) + b".",
             "frame": b"\x80\x04\x95" + struct.pack("<Q", 8 << 30) + b".",
             "repeat": tensor_archive(0, (1 << 33,), (0,)),
             "repeated": tensor_archive(0, (1 << 30, 0), (0, 0)),
             "legacy": as_legacy(tensor_pickle(0, (4,), (1,), count=1 << 33))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    made = subprocess.run([sys.executable, script, *(str(tmp_path / name) for name in files)],
                          capture_output=True, text=True, timeout=60, check=True)
    assert int(made.stdout) < 100_000           # KiB
