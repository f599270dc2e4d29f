"""File objects that compress and decompress with gzip and Brotli. Brotli needs the extra s3store[brotli]."""

from __future__ import annotations

import gzip
import io
from contextlib import AbstractContextManager
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured

from s3store.core.info import ObjectInfo
from s3store.core.parts import KIB

ENCODINGS = ("gzip", "br")
"""The supported Content-Encodings."""

_BLOCK = 64 * KIB
# The best compression of each. Brotli's takes about twenty times as long as gzip's.
_GZIP_LEVEL, _BROTLI_QUALITY = 9, 11


def encoding_of(info: ObjectInfo) -> str | None:
    """Return the encoding of the object's bytes, by its Content-Encoding, or None if it is not supported."""
    # Some servers keep aws-chunked, the encoding of the transfer.
    tokens = {token.strip().lower() for token in (info.content_encoding or "").split(",")} - {"aws-chunked", ""}
    return next((encoding for encoding in ENCODINGS if tokens == {encoding}), None)


def packer(encoding: str, target: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """Return a file that compresses what is written to it into `target`.

    The same content always gives the same bytes, which contain neither a name nor a time.
    """
    if encoding == "gzip":
        made = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=target, mtime=0)
        return cast("IO[bytes]", made)
    return cast("IO[bytes]", _BrotliWriter(target, _brotli().Compressor(quality=_BROTLI_QUALITY)))


def unpacker(encoding: str, source: IO[bytes]) -> IO[bytes]:
    """Return a file that decompresses `source` in bounded memory.

    Reading raises EOFError if the bytes end too early, and OSError or zlib.error if they are damaged.
    """
    made = gzip.GzipFile(fileobj=source, mode="rb") if encoding == "gzip" else _BrotliReader(source, _brotli())
    return cast("IO[bytes]", made)


def _brotli() -> Any:
    try:
        import brotli
    except ImportError:
        brotli = None
    # Older versions cannot decompress in bounded memory.
    if not hasattr(brotli, "Decompressor") or not hasattr(brotli.Decompressor, "can_accept_more_data"):
        raise ImproperlyConfigured("Brotli needs the package brotli 1.2 or newer: pip install 's3store[brotli]'")
    return brotli


class _BrotliWriter(io.RawIOBase):
    def __init__(self, target: IO[bytes], compressor: Any) -> None:
        super().__init__()
        self._target = target
        self._compressor = compressor

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._target.write(self._compressor.process(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._target.write(self._compressor.finish())
        super().close()


class _BrotliReader(io.RawIOBase):
    def __init__(self, source: IO[bytes], brotli: Any) -> None:
        super().__init__()
        self._brotli = brotli
        self._source = source
        self._restart()

    def _restart(self) -> None:
        self._decompressor = self._brotli.Decompressor()
        self._pending = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: ARG002 (only SEEK_SET)
        self._source.seek(0)
        self._restart()
        while self._position < offset and self.read(min(_BLOCK, offset - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while not self._pending and not self._decompressor.is_finished():
            self._pending = self._unpack()
        found = self._pending[: len(view)]
        view[: len(found)] = found
        self._pending = self._pending[len(found) :]
        self._position += len(found)
        return len(found)

    def _unpack(self) -> bytes:
        wants = self._decompressor.can_accept_more_data()
        block = self._source.read(_BLOCK) if wants else b""
        try:
            unpacked: bytes = self._decompressor.process(block, output_buffer_limit=_BLOCK)
        except self._brotli.error:
            raise OSError("The bytes are not Brotli or are damaged.") from None
        # The decompressor may still have output that exceeded the limit.
        if wants and not block and not unpacked and not self._decompressor.is_finished():
            raise EOFError("The Brotli stream is incomplete.")
        return unpacked
