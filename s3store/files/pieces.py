"""Pieces of a large object: each is read by a request of its own, and noted when it is in the local file."""

from __future__ import annotations

import os
from typing import IO

from s3store.core.info import ObjectInfo
from s3store.files.reader import Check, Fetch, RangeReader

_HEAD = b"s3store pieces 1 "
_HEAD_SIZE = len(_HEAD) + 8


class PartReader(RangeReader):
    """Reads a part of an object. Creating a reader sends one request, for exactly that part."""

    def __init__(self, key: str, fetch: Fetch, *, start: int, stop: int | None) -> None:
        self._first = start
        # A broken response is continued up to the end of the part, not of the object.
        super().__init__(key, lambda first, _, etag: fetch(first, stop, etag))

    def _open(self) -> ObjectInfo:
        answer = self._fetch(self._first, None, None)
        self._check = Check(answer.info)
        self._use(answer)
        self._position = self._last_read = self._first
        return answer.info


class Pieces:
    """The pieces of an object of `size` bytes in a local file. `found` are the numbers (from 0) of those in the file.

    With `noted`, the file ends with a note after the content, until `complete`: one byte for each piece. An interrupted
    download is continued with it.
    """

    def __init__(self, file: IO[bytes], size: int, piece_size: int, *, noted: bool) -> None:
        self._descriptor = file.fileno()
        self._size = size
        self._piece_size = piece_size
        self._noted = noted
        self.count = -(-size // piece_size)
        self.found = self._read() if noted else frozenset()
        if not self.found:
            self.forget()
            if noted:
                write_at(file, self._head + bytes(self.count), size)
        self._file = file

    @property
    def _head(self) -> bytes:
        return _HEAD + self._piece_size.to_bytes(8, "big")

    def _read(self) -> frozenset[int]:
        """Return the pieces that an earlier run noted. A note about another size is not found."""
        os.lseek(self._descriptor, self._size, os.SEEK_SET)
        note = os.read(self._descriptor, _HEAD_SIZE + self.count + 1)
        if len(note) != _HEAD_SIZE + self.count or not note.startswith(self._head):
            return frozenset()
        return frozenset(number for number, flag in enumerate(note[_HEAD_SIZE:]) if flag == 1)

    def place(self, number: int) -> tuple[int, int]:
        """Return the first byte of a piece, and the one after its last."""
        start = number * self._piece_size
        return start, min(start + self._piece_size, self._size)

    def arrived(self, number: int) -> None:
        """Note that a piece is in the file."""
        if self._noted:
            write_at(self._file, b"\1", self._size + _HEAD_SIZE + number)

    def complete(self) -> None:
        """Remove the note: all pieces are in the file."""
        os.ftruncate(self._descriptor, self._size)

    def forget(self) -> None:
        """Empty the file."""
        os.ftruncate(self._descriptor, 0)


def write_at(file: IO[bytes], data: bytes | memoryview, position: int) -> None:
    """Write bytes at a position of a file. Several threads can do it at the same time."""
    view = memoryview(data)
    while view:
        count = os.pwrite(file.fileno(), view, position)
        view, position = view[count:], position + count
