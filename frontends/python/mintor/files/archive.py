# SPDX-License-Identifier: Apache-2.0
"""Zip files, as members in memory.

Takes the bytes of a file; gives the bytes of members, those that are stored as views. Keeps true:
nothing is unpacked to disk, so names are names alone; members are checked by their CRC, do not
share bytes, and what is compressed comes out of the budget.
"""
import io
import struct
import zipfile
import zlib

from mintor.files.whole import Budget, Unreadable

_LOCAL_HEADER = struct.Struct("<4s22xHH")


class _ViewFile(io.RawIOBase):
    """A view of bytes as a file, without a copy."""

    def __init__(self, view):
        super().__init__()
        self._view, self._place = view, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        start = (0, self._place, len(self._view))[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer):
        part = self._view[self._place:self._place + len(buffer)]
        buffer[:len(part)] = part
        self._place += len(part)
        return len(part)


class Archive:
    """The members of a zip file by name."""

    def __init__(self, view):
        self._view, self.budget = view, Budget(len(view))
        self._zip = zipfile.ZipFile(_ViewFile(view))
        members = self._zip.infolist()
        self._members = {member.filename: member for member in members}
        if len(self._members) < len(members):
            raise Unreadable("has two members of one name")
        ends = sorted((member.header_offset, member.header_offset + _LOCAL_HEADER.size +
                       member.compress_size) for member in members)
        for (_, end), (start, _) in zip(ends, [*ends[1:], (len(view), 0)]):
            if end > start:
                raise Unreadable("has members that overlap")

    def names(self):
        """Names of the members, in the order of the file."""
        return list(self._members)

    def read(self, name):
        """The bytes of a member; Unreadable where there is none, or it is damaged."""
        member = self._members.get(name)
        if member is None:
            raise Unreadable(f"has no member '{name[:100]}'")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED,
                                                                zipfile.ZIP_DEFLATED):
            raise Unreadable(f"has a member '{name}' that is encrypted or compressed otherwise "
                             "than by deflate")
        if member.compress_type == zipfile.ZIP_DEFLATED:
            self.budget.take(member.file_size)
            return memoryview(self._zip.read(member))
        return self._stored(member)

    def _stored(self, member):
        if member.compress_size != member.file_size:
            raise Unreadable(f"is damaged: '{member.filename}' says two sizes")
        start = member.header_offset
        magic, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(self._view[start:start + 30])
        start += 30 + name_bytes + extra_bytes
        data = self._view[start:start + member.file_size]
        if magic != b"PK\3\4" or len(data) != member.file_size or zlib.crc32(data) != member.CRC:
            raise Unreadable(f"is damaged: the checksum of '{member.filename}' is another one")
        return data
