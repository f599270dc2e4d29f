"""A remote object as a raw, seekable file: `io.RawIOBase` over range requests.

The first request checks that the object exists and returns its size, ETag and checksum. It requests the whole object,
so that sequential reading, the most common case, needs one request for any size. After a seek, the reader drops that
response and requests ranges. All requests contain the first ETag: the bytes of two versions are never mixed.
RFC 9110, sections 13.1.1 (If-Match) and 14 (ranges).
"""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3store import errors
from s3store.core.info import ObjectInfo
from s3store.core.parts import KIB, MIB
from s3store.wire import backoff
from s3store.wire.responses import Response

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Fetch = Callable[[int, int | None, str | None], Response]
"""Takes start, stop (None: the end) and etag (None: any version), and returns the response."""

BUFFER_SIZE = MIB
"""The size of a range request after a seek, in bytes."""

SMALL = 256 * KIB
"""Objects up to this size are read at once, which releases the connection. A seek forward by fewer bytes reads and
skips them."""

TAIL = 64 * KIB
"""A read this close to the end gets the whole end of the object, for ZIP, PDF and video files. They have their
directory at the end, and are read backwards in small steps."""

MD5_LIMIT = 8 * MIB
"""Objects up to this size are checked against the ETag if S3 has no CRC. For larger ones MD5 would be too slow."""

RESUMES = 6
"""The number of consecutive attempts to continue a broken response without receiving a byte."""

RESUME_SECONDS = 60.0
"""Seconds without a new byte after which a broken response is not continued."""

LOWEST_SPEED = KIB
"""A response that is slower than this, in bytes per second, for SPEED_SECONDS of waiting is not continued."""

SPEED_SECONDS = 30.0

_BROKEN = (errors.S3ConnectionError, errors.S3TimeoutError)


class RangeReader(io.RawIOBase):
    """Reads the object that `fetch` requests. Creating a reader sends the first request and raises its errors."""

    def __init__(self, key: str, fetch: Fetch) -> None:
        super().__init__()
        self.key = key
        self._fetch = fetch
        self._position = 0
        self._last_read = 0
        self._stream: Response | None = None
        self._stream_position = 0
        self._held = memoryview(b"")
        self._held_start = 0
        self._pace = _Pace()
        self.info = self._open()

    def _open(self) -> ObjectInfo:
        tries = _Tries()
        while True:
            answer = self._fetch(0, None, None)
            self._check = Check(answer.info)
            self._use(answer)
            if answer.info.size > SMALL:
                return answer.info
            try:
                self._hold(0, answer.info.size)
            except (*_BROKEN, errors.ChecksumError) as error:
                self._pace.refuse(error)
                tries.failed(error)
            else:
                return answer.info
            finally:
                self._drop()

    def _hold(self, start: int, size: int) -> None:
        """Read the response, from `start` to the end, into memory."""
        content = memoryview(bytearray(size - start))
        while self._stream_position < size:
            self._receive(content[self._stream_position - start :])
        self._held, self._held_start = content, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.info.size}[whence]
        if base + offset < 0:
            raise OSError(f"Cannot seek to {base + offset}, which is before the start of {self.key!r}.")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the start of `buffer` and return the number of bytes; 0 at the end."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        view = memoryview(buffer).cast("B")[: max(0, self.info.size - self._position)]
        if not view:
            return 0
        count = self._read_held(view) or self._read_remote(view)
        self._position += count
        self._last_read = self._position
        return count

    def readall(self) -> bytes:
        whole = io.BytesIO()
        block = memoryview(bytearray(min(BUFFER_SIZE, max(0, self.info.size - self._position))))
        while count := self.readinto(block):
            whole.write(block[:count])
        return whole.getvalue()

    def close(self) -> None:
        self._drop()
        super().close()

    def _read_held(self, view: memoryview) -> int:
        first = self._position - self._held_start
        if first < 0:
            return 0
        found = self._held[first : first + len(view)]
        view[: len(found)] = found
        return len(found)

    def _read_remote(self, view: memoryview) -> int:
        tries = _Tries()
        while True:
            try:
                self._go_to_position(len(view))
                return self._read_held(view) or self._receive(view)
            except _BROKEN as error:
                self._drop()
                self._pace.refuse(error)
                tries.failed(error)

    def _go_to_position(self, wanted: int) -> None:
        """Make the byte at the position the next one of the response, or of the bytes in memory."""
        if self._stream is not None:
            gap = self._position - self._stream_position
            if 0 <= gap <= SMALL:
                skipped = memoryview(bytearray(gap))
                while skipped:
                    skipped = skipped[self._receive(skipped) :]
                return
            self._drop()
        tail = max(0, self.info.size - TAIL)
        if self._position == self._last_read:
            # Sequential reading: keep one response open for the rest of the object.
            self._ask(self._position, None)
        elif self._position >= tail:
            self._ask(tail, None)
            self._hold(tail, self.info.size)
            self._drop()
        else:
            self._ask(self._position, min(self._position + wanted, self.info.size))

    def request(self, start: int, stop: int | None) -> Response:
        """Return the bytes from `start` to `stop` of the version that is open. Raises ObjectChangedError."""
        answer = self._fetch(start, stop, self.info.etag)
        # Some servers ignore If-Match.
        etags = answer.info.etag, self.info.etag
        if answer.info.size != self.info.size or (all(etags) and etags[0] != etags[1]):
            answer.body.close()
            raise errors.ObjectChangedError(
                f"{self.key!r} was replaced while it was being read. {errors.ObjectChangedError.advice}", key=self.key
            )
        return answer

    def _ask(self, start: int, stop: int | None) -> None:
        self._use(self.request(start, stop))

    def _use(self, answer: Response) -> None:
        self._stream = answer
        self._stream_position = answer.start

    def _receive(self, view: memoryview) -> int:
        assert self._stream is not None  # noqa: S101 (for the type checker)
        with self._pace.measured():
            count = self._stream.body.readinto(view)
        if self._pace.is_too_slow(count):
            raise errors.S3TimeoutError(
                f"The response for {self.key!r} is slower than {LOWEST_SPEED} bytes per second. "
                f"{errors.S3TimeoutError.advice}",
                operation="get_object",
                key=self.key,
            )
        if not count:
            # The connection was closed without an error, but before the last byte.
            raise errors.S3ConnectionError(
                f"The response for {self.key!r} ended after {self._stream_position} of {self.info.size} bytes.",
                operation="get_object",
                key=self.key,
            )
        self._check.update(self._stream_position, view[:count])
        self._stream_position += count
        return count

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.body.close()
            self._stream = None


class _Tries:
    """Limits the number and the duration of attempts to continue a broken response."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = 0
        self._clock = clock
        self._started = clock()

    def failed(self, error: errors.S3StoreError) -> None:
        """Wait, or raise `error` after the last attempt."""
        self._count += 1
        if self._count > RESUMES or self._clock() - self._started > RESUME_SECONDS:
            raise error
        backoff.wait(self._count)


class _Pace:
    """The speed at which a server sends, while the reader waits for it. Responses of one reader count together."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waited = 0.0
        self._received = 0
        self._slow = False

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add the duration of the block, also if it fails."""
        began = self._clock()
        try:
            yield
        finally:
            self._waited += self._clock() - began

    def is_too_slow(self, count: int) -> bool:
        """Add `count` bytes, and return whether too few arrived while SPEED_SECONDS were waited."""
        self._received += count
        if self._waited < SPEED_SECONDS:
            return False
        self._slow = self._received < LOWEST_SPEED * self._waited
        self._waited, self._received = 0.0, 0
        return self._slow

    def refuse(self, error: errors.S3StoreError) -> None:
        """Raise the error if it is about the speed: another response would be as slow."""
        if self._slow:
            raise error


class Check:
    """Compares an object that is read from the first to the last byte with its checksum."""

    def __init__(self, info: ObjectInfo) -> None:
        self._info = info
        self._seen = 0
        self._crc = 0
        self._wanted_crc = info.crc32 if info.crc32 and "-" not in info.crc32 else None
        by_etag = not self._wanted_crc and info.md5 and info.size <= MD5_LIMIT
        self._md5 = hashlib.md5(usedforsecurity=False) if by_etag else None

    def update(self, position: int, data: memoryview) -> None:
        """Add the bytes at `position`. Raises ChecksumError at the last byte if the object is damaged."""
        if position != self._seen:
            return
        self._seen += len(data)
        if self._wanted_crc:
            self._crc = zlib.crc32(data, self._crc)
            if self._seen == self._info.size:
                self._compare(base64.b64encode(self._crc.to_bytes(4, "big")).decode(), self._wanted_crc)
        elif self._md5:
            self._md5.update(data)
            if self._seen == self._info.size:
                self._compare(self._md5.hexdigest(), self._info.md5)

    def _compare(self, found: str, wanted: str | None) -> None:
        if found != wanted:
            raise errors.ChecksumError(
                f"{self._info.key!r} was damaged in transfer: its checksum is {found}, and S3 has {wanted}. "
                f"{errors.ChecksumError.advice}",
                operation="get_object",
                key=self._info.key,
            )
