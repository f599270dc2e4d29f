"""The file that `storage.open` returns: Django's File over the standard library's buffers and text wrapper."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File

from s3store.codec import unpacker
from s3store.content import Limited
from s3store.core.info import Grant
from s3store.inflate import encoding_of
from s3store.reader import BUFFER_SIZE, RangeReader
from s3store.writer import ObjectWriter

if TYPE_CHECKING:
    from s3store.storage import S3Storage

_REFUSED = {
    "a": "S3 cannot append to an object: read it, and write the whole of it anew",
    "+": "S3 cannot change an object in place: open it for reading, then for writing",
}


def check_mode(mode: str) -> str:
    """Return the mode without `b` and `t`: `r`, `w` or `x`. Raises ValueError or io.UnsupportedOperation."""
    letters = mode.replace("b", "", 1).replace("t", "", 1)
    for letter, reason in _REFUSED.items():
        if letter in letters and set(letters) <= set("rwxa+"):
            raise io.UnsupportedOperation(f"mode {mode!r}: {reason}.")
    if letters not in ("r", "w", "x") or ("b" in mode and "t" in mode):
        raise ValueError(f"{mode!r} is not a mode to open a file in: use 'rb', 'r', 'wb', 'w', 'xb' or 'x'.")
    return letters


class S3File(File):  # type: ignore[type-arg]  # generic in the stubs only
    """An open object. Not safe for use by two threads at once."""

    file: Any

    def __init__(
        self,
        storage: S3Storage,
        name: str,
        mode: str,
        raw: RangeReader | ObjectWriter,
        *,
        inflate: bool = False,
        encoding: str | None = None,
        newline: str | None = None,
    ) -> None:
        self._storage = storage
        self._raw = raw
        self._stored_name = name
        self.mode = mode
        stream: Any = raw
        if isinstance(raw, RangeReader):
            stream = io.BufferedReader(raw, max(1, min(raw.info.size, BUFFER_SIZE)))
            if inflate and (encoding_found := encoding_of(raw.info)):
                stream = io.BufferedReader(self._inflated(stream, encoding_found, name))
        if "b" not in mode:
            stream = io.TextIOWrapper(stream, encoding=encoding or "utf-8", newline=newline)
        super().__init__(stream, name)
        # File takes the mode from the stream, which knows none.
        self.mode = mode

    def _inflated(self, stream: io.BufferedReader, encoding: str, name: str) -> Limited:
        limit = self._storage.options.max_inflated_size
        return Limited(
            unpacker(encoding, stream),
            limit,
            SuspiciousFileOperation(
                f"{name!r} inflates to more than {limit} bytes. If that is expected, raise max_inflated_size."
            ),
        )

    @property
    def size(self) -> int:
        """Bytes that `read` returns in all; of a file that is being written, those written so far."""
        return self.tell() if isinstance(self._raw, ObjectWriter) else self._storage.size_of(self._raw.info)

    def tell(self) -> int:
        """The position; of a file that is being written, the bytes written so far."""
        if isinstance(self._raw, ObjectWriter) and not self.closed:
            self.file.flush()
            return self._raw.tell()
        position: int = self.file.tell()
        return position

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> S3File:
        """Go back to the start; open again after `close` or for another mode."""
        mode = mode or self.mode
        if self.closed or mode != self.mode:
            self.close()
            again = self._storage.open(self._stored_name, mode, *args, **kwargs)
            self.__dict__.update(again.__dict__)
            again.__dict__.clear()
        else:
            self.seek(0)
        return self

    def close(self) -> None:
        """Publish what was written, or free the connection. Closing again does nothing."""
        if isinstance(self._raw, ObjectWriter) and not self._raw.closed:
            try:
                self.file.flush()
            except BaseException:
                self._raw.discard()
                raise
            info = self._raw.commit()
            self._storage.remember(info)
        self.file.close()
        self._raw.close()

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is not None and isinstance(self._raw, ObjectWriter):
            # A text wrapper over a closed stream forgets the text it still holds.
            self._raw.discard()
        else:
            self.close()

    def __del__(self) -> None:
        # Before the garbage collector reaches a text wrapper, which would write what it holds.
        raw = self.__dict__.get("_raw")
        if isinstance(raw, ObjectWriter):
            raw.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.file)

    def peek(self, size: int = 0) -> bytes:
        """Return bytes that come next without moving on; binary mode only."""
        peeked: bytes = self.file.peek(size)
        return peeked

    def read1(self, size: int = -1) -> bytes:
        """Return bytes that are at hand, or that one request brings; binary mode only."""
        found: bytes = self.file.read1(size)
        return found

    def set_acl(self, acl: str) -> None:
        """Replace the object's ACL by a canned one; see `S3Storage.set_acl`."""
        self._storage.set_acl(self._stored_name, acl)

    def get_acl(self) -> tuple[Grant, ...]:
        """Return the grants of the object's ACL."""
        return self._storage.get_acl(self._stored_name)
