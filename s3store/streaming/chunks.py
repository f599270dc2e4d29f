"""Iterators over the chunks of a remote object or a part of it, for streaming responses with WSGI and ASGI."""

from __future__ import annotations

import os
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import IO

from asgiref.sync import sync_to_async

from s3store import errors
from s3store.core.parts import KIB

CHUNK = 128 * KIB
"""The number of bytes in memory at a time."""


THREADS = 128
"""The number of streams in one process that wait for S3 at the same time. A thread starts when it is needed."""


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads in which streams wait: asyncio's own are few, and other code needs them."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="s3store-stream")


# A forked child has none of its parent's threads. Windows does not have this function.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_threads.cache_clear)


class Unpacked:
    """A file that decompresses an object. Reading raises ChecksumError if the bytes do not have the `encoding`."""

    def __init__(self, file: IO[bytes], *, encoding: str, bucket: str, key: str) -> None:
        self._file = file
        self._encoding = encoding
        self._bucket = bucket
        self._key = key

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def read(self, size: int, /) -> bytes:
        """Return at most `size` decompressed bytes; none at the end."""
        try:
            return self._file.read(size)
        except errors.S3StoreError:
            raise
        except (EOFError, OSError, zlib.error) as error:
            raise errors.ChecksumError(
                f"The content of key {self._key!r} in bucket {self._bucket!r} is not {self._encoding}, or is damaged: "
                f"{error}. Save the file again, or remove the Content-Encoding of the object.",
                operation="get_object",
                bucket=self._bucket,
                key=self._key,
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Chunks:
    """The rest of `file`, at most `size` bytes, in chunks. Closing it closes the file."""

    def __init__(self, file: IO[bytes], size: int | None) -> None:
        self._file = file
        self._left = size
        # A server may close the response while another thread is still reading.
        self._lock = threading.Lock()

    def read(self) -> bytes:
        """Return the next chunk, which is empty at the end."""
        with self._lock:
            if self._file.closed:
                return b""
            chunk = self._file.read(CHUNK if self._left is None else min(CHUNK, self._left))
            if self._left is not None:
                self._left -= len(chunk)
            return chunk

    def close(self) -> None:
        """Close the file, and the connection if it has unread bytes."""
        with self._lock:
            self._file.close()


class Chunks(_Chunks):
    """Chunks for WSGI."""

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        chunk = self.read()
        if not chunk:
            raise StopIteration
        return chunk


class AsyncChunks(_Chunks):
    """Chunks for ASGI, where Django would read a normal iterator to the end before it sends the first byte."""

    def __aiter__(self) -> AsyncChunks:
        return self

    async def __anext__(self) -> bytes:
        chunk = await sync_to_async(self.read, thread_sensitive=False, executor=_threads())()
        if not chunk:
            raise StopAsyncIteration
        return chunk
