# SPDX-License-Identifier: Apache-2.0
"""save and load: arrays in the files of NumPy, PyTorch, Jittor and safetensors.

Takes paths; save goes by the ending, load by what the file is. Keeps true: see README.md.
"""
import importlib
import os

from mintor import model
from mintor._mintor import CompileError, InternalError

# Modules of formats, which are imported when a file is one of theirs.
_WRITERS = {".pkl": "numpy_pickles", ".pickle": "numpy_pickles", ".npz": "npz",
            ".safetensors": "safetensors", ".pth": "torch_writer", ".pt": "torch_writer",
            ".bin": "torch_writer", ".ckpt": "torch_writer"}


def save(obj, path, metadata=None):
    """Writes arrays, and what holds them, to a file that PyTorch, NumPy or Jittor can read.

    `obj`: a `state_dict()`, or arrays, ndarrays, numbers, strings, None in dictionaries, lists and
    tuples; for .npz and .safetensors a dictionary of arrays by name. `path`: its ending decides:
    .pth, .pt, .bin, .ckpt (PyTorch's zip form), .safetensors, .npz, .pkl (a pickle of ndarrays,
    which is Jittor's form). `metadata`: text by name, for .safetensors. One array in several
    places (tied weights) is written once in .pth and .pkl. Every dtype goes into every format.

    The file is written under another name first: what was there stays until all is written.
    ValueError for another ending; TypeError for what cannot be in the file; OSError.

    >>> import os, tempfile
    >>> import mintor as mt
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> mt.save({"w": mt.array([1.0, 2.0])}, path, metadata={"step": "3"})
    >>> state = mt.load(path)
    >>> state["w"].tolist(), state.metadata
    ([1.0, 2.0], {'step': '3'})
    """
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in _WRITERS:
        raise ValueError(f"save: there is no format for '{ending}'; {', '.join(_WRITERS)}")
    if hasattr(obj, "state_dict"):
        raise TypeError(f"save: a {type(obj).__name__} is no array; save its state_dict()")
    _format(_WRITERS[ending]).save(obj, path, metadata)


def load(path, threads=0, target="", check=False, trained=None):
    """What a file of weights holds, or the package in a folder.

    A file: .pth, .pt, .bin of PyTorch (the zip form and the one before), .safetensors, .npz, .pkl
    of NumPy or Jittor; what it is shows in the file. Gives what was saved, with arrays in the place
    of ndarrays and tensors; tensors that were one are one array. Nothing that the file says is run.
    From .safetensors a dictionary that has `metadata`.

    A folder: opens the package that `compile`, `export` or `save` of a model wrote, building its
    library when it is not there. `threads`: 0 is every core; `target`: one of its levels, the best
    that this CPU runs by default; `check`: the SHA-256 of the weights is compared; `trained`: which
    parameters runs train, a name or several, None for all (`Model.set_trained` changes it later).

    TypeError for arguments of packages with a file. CompileError, with the path, where the file is
    none of these, is damaged, or holds what is no array, number or container; where the folder is
    no package.
    """
    if not os.path.isfile(path):
        return model.load(path, threads, target, check, trained)
    if threads or target or check or trained is not None:
        raise TypeError("load: threads, target, check and trained are of packages, which are "
                        "folders")
    whole = _format("whole")
    try:
        return _load_file(whole.mapped(path))
    except whole.Unreadable as error:
        help_text = f"\n  help: {error.help}" if error.help else ""
        raise CompileError(f"error: load: {path} {error}{help_text}") from error
    except (OSError, InternalError):
        raise
    except Exception as error:      # whatever parsers raise for bytes that are something else
        raise CompileError(f"error: load: {path} is damaged, or is no file of weights: "
                           f"{type(error).__name__}: {str(error)[:200]}") from error


def _format(name):
    return importlib.import_module(f"mintor.files.{name}")


def _load_file(view):
    if view[:2] == b"PK":
        archive = _format("archive").Archive(view)
        torch_reader = _format("torch_reader")
        return torch_reader.load_zip(archive) if torch_reader.is_zip(archive) else \
            _format("npz").load(archive)
    if _format("safetensors").is_safetensors(view):
        return _format("safetensors").load(view)
    if _format("torch_reader").is_legacy(view):
        return _format("torch_reader").load_legacy(view)
    return _format("numpy_pickles").load(view)
