"""Local files that are replaced in one step."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def look(file: str | int) -> tuple[int, int]:
    """Return the size and the modification time of a file, given by its path or descriptor: they show changes."""
    stat = os.stat(file)  # noqa: PTH116 (Path takes no descriptor)
    return stat.st_size, stat.st_mtime_ns


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
