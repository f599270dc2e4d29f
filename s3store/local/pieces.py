"""A part of a local file, as a response body."""

from __future__ import annotations

from typing import IO


class Piece:
    """The bytes of an open file from `start` up to `stop`. Closing it closes the file."""

    def __init__(self, file: IO[bytes], start: int, stop: int) -> None:
        file.seek(start)
        self._file = file
        self._left = max(0, stop - start)

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
