"""Local files: replaced in one step, and read without changes in between."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.core.files.base import File


def look(file: str | int) -> tuple[int, int]:
    """Return the size and the modification time of a file, given by its path or descriptor: they show changes."""
    stat = os.stat(file)  # noqa: PTH116 (Path takes no descriptor)
    return stat.st_size, stat.st_mtime_ns


class FileChangedError(OSError):
    """A local file was changed while it was being read."""


class LocalFile(File):  # type: ignore[type-arg]  # generic in the stubs only
    """A local file, open for reading. Reading its end raises FileChangedError if it has changed since it was opened."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, name)
        self._local = file
        self._seen = look(file.fileno())

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all that are left."""
        data = self._local.read(size)
        if (size < 0 or len(data) < size) and look(self._local.fileno()) != self._seen:
            raise FileChangedError(f"{self._local.name} was changed while it was being saved. Save it again.")
        return data


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield an open binary file that replaces the file at `path` when the block ends, and is deleted if it raises.

    The permissions follow the umask.
    """
    partial = path.with_name(f".s3store-{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
