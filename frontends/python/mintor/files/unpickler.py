# SPDX-License-Identifier: Apache-2.0
"""Pickles, read without running what they say.

A pickle is a program: its opcodes may import any name and call it. Here a name is looked up in a
table, never imported; what is called is a function of that table; state is given to arrays alone.
Takes a view of bytes and the table; gives what the pickle builds. Keeps true: memory is taken only
for bytes that are there (Python's own unpickler, in C, allocates by what a pickle claims).
"""
import collections
import pickle

from mintor.files.leaves import Pending
from mintor.files.whole import Unreadable

_LARGE = 1 << 16


class Bytes:
    """A view as the file that an unpickler reads; long parts are views."""

    def __init__(self, view):
        self.view, self.place = view, 0

    def read(self, count):
        if not 0 <= count <= len(self.view) - self.place:
            raise Unreadable("is cut off")
        part = self.view[self.place:self.place + count]
        self.place += count
        return part if count > _LARGE else bytes(part)

    def readline(self):
        line = bytearray()
        while not line.endswith(b"\n"):
            chunk = bytes(self.view[self.place:self.place + _LARGE])
            if not chunk:
                raise Unreadable("is cut off")
            end = chunk.find(b"\n") + 1 or len(chunk)
            line += chunk[:end]
            self.place += end
        return bytes(line)

    def readinto(self, buffer):
        buffer[:] = self.read(len(buffer))
        return len(buffer)


def _latin1(text, encoding):
    """What protocol 2 makes bytes with; other codecs are not looked up."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Unreadable("calls a codec")
    return text.encode("latin1")


def _empty_bytes():
    return b""


def _ordered(*items):
    return collections.OrderedDict(*items)


def _counter(*items):
    return dict(*items)


def _bytearray(*of):
    """bytearray(count) would take memory for what is not there."""
    if of and not isinstance(of[0], (bytes, str)):
        raise Unreadable("has bytes that are not there")
    return bytearray(*of)


# What any pickle may name beside its library's own.
CONTAINERS = {
    "collections.OrderedDict": _ordered, "collections.Counter": _counter,
    "_codecs.encode": _latin1,
    **{f"{module}.{name}": made for module in ("builtins", "__builtin__") for name, made in (
        ("set", set), ("frozenset", frozenset), ("bytes", _empty_bytes), ("bytearray", _bytearray))}
}


def _refused(self):
    del self
    raise Unreadable("has an opcode that makes objects of any class",
                     "save arrays, numbers and containers alone")


_OBJECTS = (pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2,
            pickle.EXT4, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER)


class Unpickler(pickle._Unpickler):  # pylint: disable=protected-access
    """Reads one pickle after another from `file`.

    `makers`: {"module.name": a function, or a value that is no function}. `persistent`: what
    persistent ids mean.
    """

    def _decode_string(self, value):
        return super()._decode_string(bytes(value))     # views of long ones decode nothing

    dispatch = {**pickle._Unpickler.dispatch, **{code[0]: _refused for code in _OBJECTS}}

    def __init__(self, file, makers, persistent=None):
        super().__init__(file, encoding="latin1")
        self._makers = {**CONTAINERS, **makers}
        self._callable = {id(made) for made in self._makers.values() if callable(made)}
        self._persistent, self._file = persistent, file

    def find_class(self, module, name):
        found = self._makers.get(f"{module}.{name}")
        if found is None:
            raise Unreadable(f"holds {module}.{name}"[:200] + ", which is no array, number or "
                             "container; nothing of it was run",
                             "save weights alone: model.state_dict(), optimizer.state_dict()")
        return found

    def persistent_load(self, pid):
        if self._persistent is None:
            raise Unreadable("refers to something outside of it")
        return self._persistent(pid)

    def load_reduce(self):
        """Calls a function of the table."""
        arguments, function = self.stack.pop(), self.stack[-1]
        if id(function) not in self._callable or not isinstance(arguments, tuple):
            raise Unreadable("calls what is no function")
        self.stack[-1] = function(*arguments)

    def load_build(self):
        """Gives an array its state; of PyTorch's dictionaries forgets what they are annotated with.
        """
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, Pending):
            made.set_state(state)
        elif not isinstance(made, collections.OrderedDict):
            raise Unreadable("gives a state to what has none")

    def load_bytearray8(self):
        """As BINBYTES8: memory for what is there."""
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
