"""The file that `storage.open` returns: Django's File over the standard library's buffers and text wrapper."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File

from s3store.conf.options import Options
from s3store.core.info import Grant, ObjectInfo
from s3store.files.codec import encoding_of, unpacker
from s3store.files.content import Limited
from s3store.files.reader import BUFFER_SIZE, RangeReader
from s3store.files.upload import Upload
from s3store.files.writer import ObjectWriter, TextWriter
from s3store.wire.objects import Objects, Target

Reopen = Callable[..., Any]
"""Opens the same file again, with the mode and other arguments of `storage.open`."""

_REFUSED = {
    "a": "S3 cannot append to an object. Read it, then write the whole content again",
    "+": "S3 cannot change an object in place. Open it for reading, then for writing",
}


NO_PATH = "Files in S3 have no local path. Read them with open(), or download one with download_path()."


def check_mode(mode: str) -> str:
    """Return the mode without `b` and `t`: `r`, `w` or `x`. Raises ValueError or io.UnsupportedOperation."""
    letters = mode.replace("b", "", 1).replace("t", "", 1)
    for letter, reason in _REFUSED.items():
        if letter in letters and set(letters) <= set("rwxa+"):
            raise io.UnsupportedOperation(f"mode {mode!r}: {reason}.")
    if letters not in ("r", "w", "x") or ("b" in mode and "t" in mode):
        raise ValueError(f"{mode!r} is not a supported mode. Use 'rb', 'r', 'wb', 'w', 'xb' or 'x'.")
    return letters


def inflates(options: Options) -> bool:
    """Return whether compressed objects are decompressed on reading. One option is enough for both encodings."""
    return options.gzip or options.brotli


def content_size(info: ObjectInfo, options: Options, reopen: Reopen) -> int:
    """Return the size in bytes of what `read` returns for an object."""
    if not (inflates(options) and encoding_of(info)):
        return info.size
    if info.plain_size is not None:
        return info.plain_size
    with reopen("rb") as file:
        return sum(len(chunk) for chunk in file.chunks())


def open_file(
    objects: Objects, target: Target, mode: str, reopen: Reopen, *, encoding: str | None, newline: str | None
) -> S3File:
    """Open a file of a storage. Reading sends the first request here."""
    kind = check_mode(mode)
    bucket, key, params = objects.bucket, target.key, target.params
    raw: RangeReader | ObjectWriter
    if kind == "r":
        raw = RangeReader(key, lambda start, stop, etag: bucket.get(key, params, start=start, stop=stop, etag=etag))
    else:
        if kind == "x":
            bucket.refuse_existing(
                key, params, operation="open", advice="Open it with mode 'w' to replace it, or choose another name."
            )
        upload = Upload(bucket, objects.options, part_size=objects.options.file_buffer_size)
        raw = ObjectWriter(upload, key, objects.written(target), create=kind == "x")
    return S3File(objects, target, mode, raw, reopen, encoding=encoding, newline=newline)


class S3File(File):  # type: ignore[type-arg]  # generic in the stubs only
    """An open file: Django's File. Two threads must not use it at the same time."""

    file: Any

    # The compression of what `read` returns, if the object has one and the options do not undo it.
    _packing: str | None = None

    def __init__(
        self,
        objects: Objects,
        target: Target,
        mode: str,
        raw: RangeReader | ObjectWriter,
        reopen: Reopen,
        *,
        inflate: bool | None = None,
        encoding: str | None = None,
        newline: str | None = None,
    ) -> None:
        self._objects = objects
        self._target = target
        self._raw = raw
        self._reopen = reopen
        stream: Any = raw
        if isinstance(raw, RangeReader):
            stream = io.BufferedReader(raw, max(1, min(raw.info.size, BUFFER_SIZE)))
            found = encoding_of(raw.info)
            if found and (inflates(objects.options) if inflate is None else inflate):
                stream = io.BufferedReader(self._inflated(stream, found))
            elif found:
                self._packing = found
        if "b" not in mode:
            kind = io.TextIOWrapper if isinstance(raw, RangeReader) else TextWriter
            stream = kind(stream, encoding=encoding or "utf-8", newline=newline)
        super().__init__(stream, target.name)
        # File takes the mode from the stream, which has none.
        self.mode = mode

    def _inflated(self, stream: io.BufferedReader, encoding: str) -> Limited:
        limit = self._objects.options.max_inflated_size
        error = SuspiciousFileOperation(
            f"{self._target.name!r} has more than {limit} bytes after decompression. If this is expected, raise "
            "max_inflated_size."
        )
        return Limited(unpacker(encoding, stream), limit, error)

    @property
    def size(self) -> int:
        """The number of bytes that `read` returns in total. While writing: the number of bytes written so far."""
        if isinstance(self._raw, ObjectWriter):
            if not self.closed:
                self.file.flush()
            return self._raw.size
        return content_size(self._raw.info, self._objects.options, self._reopen)

    @property
    def _options(self) -> Options:
        """The options with which the file was opened."""
        return self._objects.options

    @property
    def _info(self) -> ObjectInfo:
        """The facts about an object that is open for reading."""
        assert isinstance(self._raw, RangeReader)  # noqa: S101 (the mode says so)
        return self._raw.info

    @property
    def _plain_reader(self) -> RangeReader | None:
        """The reader of the stored bytes if `read` returns them as they are, otherwise None."""
        raw = self._raw
        return raw if isinstance(raw, RangeReader) and getattr(self.file, "raw", None) is raw else None

    def tell(self) -> int:
        """Return the position. While writing: the number of bytes written so far."""
        if isinstance(self._raw, ObjectWriter) and not self.closed:
            self.file.flush()
            return self._raw.tell()
        position: int = self.file.tell()
        return position

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> S3File:
        """Go back to the start. Opens the file again after `close` or for another mode."""
        mode = mode or self.mode
        if self.closed or mode != self.mode:
            self.close()
            again = self._reopen(mode, *args, **kwargs)
            self.__dict__.update(again.__dict__)
            again.__dict__.clear()
        else:
            self.seek(0)
        return self

    def close(self) -> None:
        """Publish the written content, or release the connection. Closing again does nothing."""
        if isinstance(self._raw, ObjectWriter) and not self._raw.closed:
            try:
                self.file.flush()
            except BaseException:
                self._raw.discard()
                raise
            self._raw.commit()
        self.file.close()
        self._raw.close()

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is not None and isinstance(self._raw, ObjectWriter):
            # A text wrapper of a closed stream drops the text in its buffer.
            self._raw.discard()
        else:
            self.close()

    def __del__(self) -> None:
        # Before the garbage collector deletes a text wrapper, which would write its buffer.
        raw = self.__dict__.get("_raw")
        if isinstance(raw, ObjectWriter):
            raw.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("An open file cannot be pickled. Pickle its name, and open it again.")

    def __iter__(self) -> Iterator[Any]:
        # Django's File splits binary lines at every kind of line end.
        return super().__iter__() if "b" in self.mode else iter(self.file)

    @property
    def path(self) -> str:
        """Raise NotImplementedError: the file is not on this machine."""
        raise NotImplementedError(NO_PATH)

    def peek(self, size: int = 0) -> bytes:
        """Return the next bytes without moving the position. Binary mode only."""
        peeked: bytes = self.file.peek(size)
        return peeked

    def read1(self, size: int = -1) -> bytes:
        """Return buffered bytes, or the bytes of one request. Binary mode only."""
        found: bytes = self.file.read1(size)
        return found

    def set_acl(self, acl: str) -> None:
        """Replace the ACL with a canned ACL. Raises the errors of `S3Storage.set_acl`."""
        self._objects.bucket.put_acl(self._target.key, acl, self._target.params)

    def get_acl(self) -> tuple[Grant, ...]:
        """Return the grants of the ACL."""
        return self._objects.bucket.get_acl(self._target.key, self._target.params)
