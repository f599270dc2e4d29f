"""A selection as one ZIP file that is sent while it is read: nothing is stored, and the length is known before."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from s3store import errors
from s3store.core import zips
from s3store.core.info import ObjectInfo
from s3store.core.parts import MIB
from s3store.core.zips import Member
from s3store.files.codec import encoding_of
from s3store.files.file import inflates
from s3store.files.reader import RangeReader
from s3store.files.stored import StoredFile
from s3store.folders.scope import Scope
from s3store.wire.objects import Objects

LONG = 240
"""The number of characters above which Windows may not be able to extract a path."""

_SMALL = MIB
_AHEAD_BYTES = 16 * MIB
_AHEAD_FILES = 64
_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Where the content of a member is: an object, or `text`."""

    member: Member
    info: ObjectInfo | None = None
    text: bytes = b""


class Archive:
    """A ZIP file as an iterable of bytes, for a StreamingHttpResponse. It can be read once.

    `name` is a file name for it, `size` its length in bytes: send it as Content-Length, so that clients notice a
    download that ends early. `entries` are the paths in it, `long` those of more than 240 characters, and
    `not_included` the paths of the selection that were missing. A file that is replaced or deleted while it is read
    ends the iteration with an exception.
    """

    content_type = "application/zip"

    def __init__(self, scope: Scope, contents: Sequence[Content], name: str, not_included: Sequence[str] = ()) -> None:
        self._scope = scope
        self._contents = contents
        self.name = name
        self.not_included = tuple(not_included)
        self.size = zips.length_of(content.member for content in contents)

    @property
    def entries(self) -> tuple[str, ...]:
        """The paths in the archive. Those of folders end with a slash."""
        return tuple(content.member.name for content in self._contents)

    @property
    def long(self) -> tuple[str, ...]:
        """The paths that Windows may not be able to extract."""
        return tuple(name for name in self.entries if len(name) > LONG)

    def __iter__(self) -> Iterator[bytes]:
        offset = 0
        directory: list[bytes] = []
        with _Ahead(self._scope, self._contents) as ahead:
            for content in self._contents:
                member, start, crc, size = content.member, offset, 0, 0
                head = zips.local_header(member)
                yield head
                for block in ahead.blocks(content):
                    crc = zlib.crc32(block, crc)
                    size += len(block)
                    yield block
                if size != member.size:
                    raise errors.build(
                        errors.ObjectChangedError,
                        f"{size} bytes were read instead of {member.size}",
                        operation="zip",
                        bucket=self._scope.objects.bucket.name,
                        key=content.info.key if content.info else member.name,
                    )
                tail = zips.descriptor(member, crc=crc)
                yield tail
                directory.append(zips.central_header(member, crc=crc, offset=start))
                offset += len(head) + size + len(tail)
        central = b"".join(directory)
        yield central + zips.end(count=len(directory), size=len(central), offset=offset)


class _Ahead:
    """Reads small files in parallel before their turn, within a few megabytes, and large ones block by block."""

    def __init__(self, scope: Scope, contents: Sequence[Content]) -> None:
        self._objects = scope.objects
        self._waiting = iter(contents)
        self._next: Content | None = None
        self._read: deque[tuple[Content, Future[bytes]]] = deque()
        self._bytes = 0
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3store-zip")

    def __enter__(self) -> _Ahead:
        return self

    def __exit__(self, *_: Any) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def blocks(self, content: Content) -> Iterator[bytes]:
        """Yield the content of the next member."""
        self._fill()
        if content.info is None:
            if content.text:
                yield content.text
        elif not content.member.size:
            return
        elif content.member.size <= _SMALL:
            wanted, future = self._read.popleft()
            self._bytes -= wanted.member.size
            yield future.result()
        else:
            reader = self._reader(content.info)
            try:
                while block := reader.read(MIB):
                    yield block
            finally:
                reader.close()

    def _fill(self) -> None:
        while self._bytes < _AHEAD_BYTES and len(self._read) < _AHEAD_FILES:
            content = next(self._waiting, None)
            if content is None:
                return
            if content.info and 0 < content.member.size <= _SMALL:
                future = self._pool.submit(copy_context().run, self._whole, content.info)
                self._read.append((content, future))
                self._bytes += content.member.size

    def _whole(self, info: ObjectInfo) -> bytes:
        reader = self._reader(info)
        try:
            return b"".join(iter(partial(reader.read, MIB), b""))
        finally:
            reader.close()

    def _reader(self, info: ObjectInfo) -> Any:
        if is_packed(self._objects, info):
            return StoredFile(self._objects, info, info.key)
        bucket, params = self._objects.bucket, self._objects.target_at(info.key).params

        def fetch(start: int, stop: int | None, etag: str | None) -> Any:
            return bucket.get(info.key, params, start=start, stop=stop, etag=etag or info.etag)

        return RangeReader(info.key, fetch)


def is_packed(objects: Objects, info: ObjectInfo) -> bool:
    """Return whether reading an object of the storage decompresses it."""
    return inflates(objects.options) and encoding_of(info) is not None
