"""Byte ranges of HTTP (RFC 9110, section 14), as far as S3 answers them: one range, in bytes."""

from __future__ import annotations

import re

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)$")


def header(start: int, stop: int | None = None) -> str:
    """Return a Range header for the bytes from `start` up to, not including, `stop` (None: the end)."""
    return f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"


def parse_content_range(value: str) -> tuple[int, int]:
    """Return the first byte and the whole object's size from a Content-Range header.

    Raises ValueError for anything that is not one range of an object whose size is known.
    """
    match = _CONTENT_RANGE.match(value)
    if not match:
        raise ValueError(f"not a byte range of an object of known size: {value!r}")
    first, _, total = match.groups()
    return int(first or total), int(total)
