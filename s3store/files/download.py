"""The content of a file to a local file: the only way in which s3store downloads to this machine.

Large objects arrive in pieces, several at a time, all of the same ETag. AWS: "Use Byte-Range Fetches" in "Performance
design patterns for Amazon S3".
"""

from __future__ import annotations

import os
import zlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass
from threading import Lock
from typing import IO, Any, Protocol

from s3store import errors
from s3store.conf.options import Options
from s3store.core import crc, parts
from s3store.core.info import ObjectInfo
from s3store.core.parts import MIB
from s3store.files.file import S3File
from s3store.files.pieces import PartReader, Pieces, write_at
from s3store.files.reader import RangeReader
from s3store.files.upload import transfer_of
from s3store.wire.responses import Response

BLOCK = MIB
"""The number of bytes that each thread holds in memory."""

HELPERS = 8
"""The number of threads that help with large files, in commands that process many files."""

# A server that ignores ranges or the ETag, or an object that was replaced meanwhile: one response is consistent.
_IN_ONE_STREAM = (errors.InvalidResponseError, errors.ObjectChangedError)

# Windows cannot write at a position without moving another one.
_BY_POSITION = hasattr(os, "pwrite")


class Crew(Protocol):
    """The threads that help with downloads, and what is told about their progress."""

    @property
    def helpers(self) -> int:
        """The number of threads besides the caller's."""

    def submit(self, work: Callable[[], None], /) -> Future[None]:
        """Run something in a thread."""

    def pace(self, size: int, /) -> None:
        """Wait until it is the turn of `size` more bytes. Raises if the download is to end."""

    def moved(self, size: int, /) -> None:
        """Note bytes that have arrived."""


class Helpers:
    """A crew of up to `count` threads. They start when they are needed."""

    def __init__(self, count: int, moved: Callable[[int], None] = lambda _: None) -> None:
        self.helpers = count
        self.moved = moved
        self._threads = ThreadPoolExecutor(count, "s3store-piece") if count else None

    def submit(self, work: Callable[[], None], /) -> Future[None]:
        """Run something in a thread."""
        assert self._threads is not None  # noqa: S101 (there are helpers)
        return self._threads.submit(copy_context().run, work)

    def pace(self, size: int, /) -> None:
        """Do not wait: the bandwidth is not limited."""

    def close(self) -> None:
        """End the threads."""
        if self._threads:
            self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Helpers:
        """Return the crew."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What has arrived: its bytes, and the facts about the object. `resumed`: an earlier run wrote some of it."""

    size: int
    info: ObjectInfo | None
    resumed: bool = False


def in_pieces(info: ObjectInfo, options: Options) -> bool:
    """Return whether an object is downloaded in pieces: it is larger than `multipart_threshold`, and has an ETag."""
    return bool(info.etag) and info.size > transfer_of(options).threshold and _BY_POSITION


def download(
    file: Any,
    target: IO[bytes],
    *,
    again: Callable[[], AbstractContextManager[Any]],
    crew: Crew | None = None,
    resume: bool = False,
) -> Arrived:
    """Write the content of an open file to a local binary file, which is replaced as a whole. Memory stays bounded.

    `again` opens the file once more, if its object has to be read as one stream: the server ignores ranges or
    conditions, or the object was replaced. With `resume`, pieces that an earlier call has written are kept, and this
    call notes its own. Without a crew, the options of the storage say how many threads help. Raises ChecksumError, and
    what reading and writing raise.
    """
    reader = plain_reader(file)
    if crew is None:
        with Helpers(transfer_of(file._options).threads - 1 if reader else 0) as own:
            return download(file, target, again=again, crew=own, resume=resume)
    if reader and in_pieces(reader.info, file._options) and (crew.helpers or resume):
        pieces = _pieces(reader.info, file._options, target, noted=resume)
        try:
            _Run(reader, target, pieces, crew).receive()
        except _IN_ONE_STREAM:
            pieces.forget()
            with again() as other:
                return _streamed(other, target, crew)
        pieces.complete()
        target.seek(reader.info.size)
        return Arrived(size=reader.info.size, info=reader.info, resumed=bool(pieces.found))
    return _streamed(file, target, crew)


def plain_reader(file: Any) -> RangeReader | None:
    """Return the reader of the stored bytes if reading the file returns just these. Not of a class of the project."""
    return file._plain_reader if type(file) is S3File else None


def _pieces(info: ObjectInfo, options: Options, target: IO[bytes], *, noted: bool) -> Pieces:
    return Pieces(target, info.size, parts.part_size_of(info.size, transfer_of(options).part_size), noted=noted)


def _streamed(file: Any, target: IO[bytes], crew: Crew) -> Arrived:
    target.seek(0)
    target.truncate()
    size = 0
    for block in file.chunks(BLOCK):
        crew.pace(len(block))
        target.write(block)
        size += len(block)
        crew.moved(len(block))
    reader = plain_reader(file)
    return Arrived(size=size, info=reader.info if reader else None)


class _Run:
    """One download in pieces. The caller's thread reads from the start, in one response, and helpers from the end."""

    def __init__(self, reader: RangeReader, target: IO[bytes], pieces: Pieces, crew: Crew) -> None:
        self._reader = reader
        self._target = target
        self._pieces = pieces
        self._crew = crew
        self._left = deque(number for number in range(pieces.count) if number not in pieces.found)
        wanted = reader.info.crc32
        # That of a file which was continued is not known.
        self._wanted = wanted if wanted and "-" not in wanted and not pieces.found else None
        self._crcs: dict[int, int] = {}
        # Linux lets one thread at a time write to a file, and the others would wait in a loop: half of the CPU.
        self._writing = Lock()
        self._stopped = False

    def receive(self) -> None:
        """Write all pieces that are not in the file."""
        for number in self._pieces.found:
            start, stop = self._pieces.place(number)
            self._crew.moved(stop - start)
        helpers = [self._crew.submit(self._help) for _ in range(min(self._crew.helpers, len(self._left) - 1))]
        try:
            for number in self._claimed(self._left.popleft):
                if self._reader.tell() == self._pieces.place(number)[0]:
                    self._take(self._reader, number)
                else:
                    self._request(number)
            for helper in helpers:
                if not helper.cancel():
                    helper.result()
        except BaseException:
            self._stopped = True
            raise
        finally:
            # A helper that writes to the file after its end would write to another one.
            for helper in helpers:
                helper.cancel()
            wait(helpers)
        self._check()

    def _help(self) -> None:
        try:
            for number in self._claimed(self._left.pop):
                self._request(number)
        except BaseException:
            self._stopped = True
            raise

    def _request(self, number: int) -> None:
        start, stop = self._pieces.place(number)

        def fetch(first: int, last: int | None, _: str | None) -> Response:
            return self._reader.request(first, last)

        with PartReader(self._reader.key, fetch, start=start, stop=stop) as part:
            self._take(part, number)

    def _claimed(self, claim: Callable[[], int]) -> Iterator[int]:
        while not self._stopped:
            try:
                yield claim()
            except IndexError:
                return

    def _take(self, reader: RangeReader, number: int) -> None:
        start, stop = self._pieces.place(number)
        buffer = memoryview(bytearray(min(BLOCK, stop - start)))
        digest = 0
        while start < stop and not self._stopped:
            block = buffer[: min(BLOCK, stop - start)]
            filled = 0
            while filled < len(block):
                filled += reader.readinto(block[filled:])
            self._crew.pace(len(block))
            if self._wanted:
                digest = zlib.crc32(block, digest)
            with self._writing:
                write_at(self._target, block, start)
            self._crew.moved(len(block))
            start += len(block)
        if start == stop:
            self._crcs[number] = digest
            self._pieces.arrived(number)

    def _check(self) -> None:
        """Raise ChecksumError if S3 has another CRC."""
        if not self._wanted:
            return
        found = crc.combined(
            (self._crcs[number], stop - start)
            for number in range(self._pieces.count)
            for start, stop in [self._pieces.place(number)]
        )
        text = b64encode(found.to_bytes(4, "big")).decode()
        if text != self._wanted:
            raise errors.ChecksumError(
                f"{self._reader.key!r} was damaged in transfer: its checksum is {text}, and S3 has {self._wanted}. "
                f"{errors.ChecksumError.advice}",
                operation="get_object",
                key=self._reader.key,
            )
