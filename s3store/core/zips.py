"""The ZIP format, for archives that are sent while they are made: stored, in UTF-8, and of a length known before.

PKWARE: "APPNOTE.TXT - .ZIP File Format Specification", with Zip64 where a number needs it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_MAX_16 = 0xFFFF
_MAX_32 = 0xFFFFFFFF

# Names are UTF-8. The CRC-32 and the sizes of a file follow its content.
_UTF8, _FOLLOWS = 1 << 11, 1 << 3
_VERSION, _VERSION_64 = 20, 45
_UNIX = 3 << 8
_FILE_MODE, _FOLDER_MODE = 0o100644 << 16, (0o40755 << 16) | 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in an archive, or a folder if `name` ends with a slash. `size` is in bytes; `modified` is naive."""

    name: str
    size: int = 0
    modified: datetime | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")

    @property
    def is_large(self) -> bool:
        """Whether its size needs Zip64."""
        return self.size >= _MAX_32


def length_of(members: Iterable[Member]) -> int:
    """Return the length in bytes of the archive of these members."""
    offset = central = count = 0
    for member in members:
        central += len(central_header(member, crc=0, offset=offset))
        offset += len(local_header(member)) + member.size + len(descriptor(member, crc=0))
        count += 1
    return offset + central + len(end(count=count, size=central, offset=offset))


def local_header(member: Member) -> bytes:
    """Return what stands before the content of a member."""
    name = member.name.encode()
    flags = _UTF8 if member.is_folder else _UTF8 | _FOLLOWS
    size, extra = 0, b""
    if member.is_large:
        size, extra = _MAX_32, struct.pack("<HHQQ", 1, 16, 0, 0)
    fields = (_version(member.is_large), flags, 0, *_moment(member.modified), 0, size, size, len(name), len(extra))
    return struct.pack("<4sHHHHHLLLHH", b"PK\3\4", *fields) + name + extra


def descriptor(member: Member, *, crc: int) -> bytes:
    """Return what stands behind the content of a member: nothing for a folder."""
    if member.is_folder:
        return b""
    return struct.pack("<4sLQQ" if member.is_large else "<4sLLL", b"PK\7\x08", crc, member.size, member.size)


def central_header(member: Member, *, crc: int, offset: int) -> bytes:
    """Return the entry of a member in the directory at the end. `offset` is the position of its local header."""
    name = member.name.encode()
    large = ([member.size] * 2 if member.is_large else []) + ([offset] if offset >= _MAX_32 else [])
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = _version(bool(large))
    flags = _UTF8 if member.is_folder else _UTF8 | _FOLLOWS
    size = min(member.size, _MAX_32)
    fields = (_UNIX | version, version, flags, 0, *_moment(member.modified), crc, size, size, len(name), len(extra))
    mode = _FOLDER_MODE if member.is_folder else _FILE_MODE
    return struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\1\2", *fields, 0, 0, 0, mode, min(offset, _MAX_32)) + name + extra


def end(*, count: int, size: int, offset: int) -> bytes:
    """Return the end of an archive with `count` members, whose directory has `size` bytes and begins at `offset`."""
    found = b""
    if count > _MAX_16 - 1 or size >= _MAX_32 or offset >= _MAX_32:
        fields = (44, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
        found = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", *fields) + struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
    number = min(count, _MAX_16)
    return found + struct.pack(
        "<4sHHHHLLH", b"PK\5\6", 0, 0, number, number, min(size, _MAX_32), min(offset, _MAX_32), 0
    )


def _version(large: bool) -> int:
    return _VERSION_64 if large else _VERSION


def _moment(moment: datetime | None) -> tuple[int, int]:
    """Return time and date in the format of MS-DOS, which begins in 1980 and counts two seconds."""
    if moment is None or not 1980 <= moment.year <= 2107:
        moment = datetime(1980, 1, 1)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (moment.year - 1980) << 9 | moment.month << 5 | moment.day
