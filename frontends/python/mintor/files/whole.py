# SPDX-License-Identifier: Apache-2.0
"""Files as a whole: read as one mapping, written under another name first.

Takes paths; gives a read-only view of bytes, or a file to write to. Keeps true: a file that was
there stays as it was until the new one is complete; what a file asks for beyond its own size is
bounded by `Budget`.
"""
import contextlib
import mmap
import os
import secrets


class Unreadable(ValueError):
    """What is wrong with a file, and what to do; `load` adds the path."""

    def __init__(self, problem, help_text=""):
        super().__init__(problem)
        self.help = help_text


class Budget:
    """How many bytes may be made of a file beyond those that it has: 64 MiB and 100 for each byte,
    for compressed members and tensors that repeat their elements.
    """

    def __init__(self, file_bytes):
        self._left = (64 << 20) + 100 * file_bytes

    def take(self, nbytes):
        """Unreadable where it is used up."""
        self._left -= nbytes
        if self._left < 0:
            raise Unreadable("would take more than 100 times its size in memory")


def mapped(path):
    """The bytes of a file, read-only, without reading them."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise Unreadable("is empty")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@contextlib.contextmanager
def replaced(path):
    """A file to write to, which takes the place of `path` when the block ends without an error."""
    path = os.path.realpath(os.fspath(path))
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"save: {path} is there and is no file")
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            if os.path.exists(path):
                os.fchmod(file.fileno(), os.stat(path).st_mode & 0o777)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
