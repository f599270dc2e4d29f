"""Conversion of everything that `save` accepts to bytes.

Content can be bytes, str, a generator of chunks, or any file: even one that is not seekable, yields text, or returns
less than requested. It is always read to its end: claimed sizes can be wrong, and boto3's own uploader stores a
truncated object after a short read.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.core.files.base import File

from s3store.conf.sources import upload_directory
from s3store.core.disk import writing_to
from s3store.core.parts import MIB
from s3store.files.codec import packer

Content = Any
"""bytes, str, a file or Django File (binary or text), or an iterable of bytes or str."""

_COPY_BLOCK = MIB


def is_seekable(content: Content) -> bool:
    """Return whether the content can be read a second time."""
    if isinstance(content, str | bytes | bytearray | memoryview):
        return True
    try:
        return bool(content.seekable()) if hasattr(content, "seekable") else hasattr(content, "seek")
    except AttributeError:
        # Django's File around an object that has only `read`.
        return False


def rewind(content: Content) -> None:
    """Go back to the start, if the content is seekable."""
    if hasattr(content, "seek") and is_seekable(content):
        content.seek(0)


class Source:
    """Reads content from its start, in blocks of exactly the requested size."""

    def __init__(self, content: Content) -> None:
        rewind(content)
        self._content = content
        self._block = _COPY_BLOCK
        self._pieces = _pieces(content, lambda: self._block)
        self._pending = bytearray()

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer at the end."""
        while len(self._pending) < size:
            self._block = size - len(self._pending)
            piece = next(self._pieces, None)
            if piece is None:
                break
            if not self._pending and len(piece) == size:
                return piece
            self._pending += piece
        block = bytes(memoryview(self._pending)[:size])
        del self._pending[:size]
        return block

    def exhausted(self) -> bool:
        """Return whether the end is reached."""
        while not self._pending:
            piece = next(self._pieces, None)
            if piece is None:
                return True
            self._pending += piece
        return False

    def unread(self, block: bytes) -> None:
        """Put the last block back."""
        self._pending[:0] = block

    def copy_to(self, target: IO[bytes]) -> int:
        """Write the rest to `target`. Returns the number of bytes."""
        total = 0
        while block := self.read(_COPY_BLOCK):
            target.write(block)
            total += len(block)
        return total


def _pieces(content: Content, block: Callable[[], int]) -> Iterator[bytes]:
    for piece in _raw_pieces(content, block):
        if isinstance(piece, str):
            yield piece.encode()
        elif isinstance(piece, bytes | bytearray | memoryview):
            yield bytes(piece)
        else:
            raise TypeError(f"A file to save must yield bytes or str, not {type(piece).__name__}.")


def _raw_pieces(content: Content, block: Callable[[], int]) -> Iterator[Any]:
    if isinstance(content, str | bytes | bytearray | memoryview):
        yield content
    elif _has_own_chunks(content):
        yield from content.chunks()
    elif hasattr(content, "read"):
        while (piece := content.read(block())) or piece is None:
            if piece is None:
                raise BlockingIOError("The file to save is in non-blocking mode and has no data yet.")
            yield piece
    elif isinstance(content, Iterable):
        yield from content
    else:
        raise TypeError(f"Cannot save a {type(content).__name__}. Give bytes, str, a file, or an iterable of bytes.")


def _has_own_chunks(content: Content) -> bool:
    """Return whether the content has chunks of its own, which Django would save: File's are what `read` returns."""
    chunks = getattr(content, "chunks", None)
    return chunks is not None and getattr(chunks, "__func__", None) is not File.chunks


def spool(max_memory: int) -> IO[bytes]:
    """Return an empty temporary file, in memory up to `max_memory` bytes (0: no limit), then on disk.

    The directory is the setting FILE_UPLOAD_TEMP_DIR.
    """
    return _Spooled(max_memory)


class _Spooled(tempfile.SpooledTemporaryFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A temporary file whose errors name its directory if the disk is full."""

    def __init__(self, max_memory: int) -> None:
        self._directory = upload_directory() or tempfile.gettempdir()
        super().__init__(max_size=max_memory, dir=self._directory)

    def write(self, data: Any) -> int:
        """Write bytes."""
        with writing_to(self._directory):
            written: int = super().write(data)
        return written

    def seek(self, *place: int) -> int:
        """Move, which writes what the buffer holds."""
        with writing_to(self._directory):
            position: int = super().seek(*place)
        return position


@contextmanager
def repeatable(content: Content, max_memory: int) -> Iterator[Content]:
    """Yield the content, or a copy of it if it can be read only once."""
    if is_seekable(content):
        yield content
        return
    with spool(max_memory) as copy:
        Source(content).copy_to(copy)
        yield copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A compressed copy of content, its Content-Encoding, and the compressed and original size in bytes."""

    file: IO[bytes]
    encoding: str
    size: int
    plain_size: int


@contextmanager
def packed(content: Content, max_memory: int, *, encoding: str = "gzip") -> Iterator[Packed]:
    """Yield a compressed copy of the content. The same content gives the same bytes on every machine."""
    with spool(max_memory) as file:
        with packer(encoding, file) as target:
            plain_size = Source(content).copy_to(target)
        yield Packed(file=file, encoding=encoding, size=file.tell(), plain_size=plain_size)


class Limited(io.RawIOBase):
    """A readable file that raises `error` after `limit` bytes, as protection against decompression bombs."""

    def __init__(self, source: IO[bytes], limit: int, error: Exception) -> None:
        super().__init__()
        self._source = source
        self._limit = limit
        self._error = error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position. Going forward reads the bytes in between, with the same limit."""
        if whence == io.SEEK_END:
            while self.read(_COPY_BLOCK):
                pass
        target = offset if whence == io.SEEK_SET else self.tell() + offset
        if target < self.tell():
            return self._source.seek(target)
        while self.tell() < target and self.read(min(_COPY_BLOCK, target - self.tell())):
            pass
        return self.tell()

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the source. Raises `error` after the limit."""
        count: int = self._source.readinto(buffer)  # type: ignore[attr-defined]
        if self._limit and self._source.tell() > self._limit:
            raise self._error
        return count

    def close(self) -> None:
        self._source.close()
        super().close()
