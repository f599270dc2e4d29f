"""Bytes on their way into the bucket: a temporary file, which becomes the content of an object or disappears."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from types import TracebackType
from typing import IO

from s3store.local.refusals import Refusal


class Incoming:
    """A temporary file in a directory. Leaving the `with` block deletes it, unless it was moved.

    Raises Refusal as soon as there are more than `limit` bytes.
    """

    def __init__(self, directory: Path, limit: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / secrets.token_hex(16)
        self.size = 0
        self._limit = limit
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._file: IO[bytes] = self.path.open("xb")

    def write(self, block: bytes) -> None:
        """Add bytes."""
        self.size += len(block)
        if self._limit is not None and self.size > self._limit:
            raise Refusal("EntityTooLarge")
        self._md5.update(block)
        self._file.write(block)

    @property
    def md5(self) -> str:
        """The MD5 of the bytes, as hexadecimal digits."""
        return self._md5.hexdigest()

    def move_to(self, path: Path) -> None:
        """Move the complete file. Another process may remove the directory, if it became empty, at any moment."""
        self._file.close()
        attempt = 1
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.path.replace(path)
                break
            except FileNotFoundError:
                if attempt == _TRIES:
                    raise
                attempt += 1

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


_TRIES = 10
