"""Byte ranges of HTTP (RFC 9110, section 14), as S3 supports them: one range, in bytes."""

from __future__ import annotations

import re

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]+)-([0-9]+)|\*)/([0-9]+)\Z")


def header(start: int, stop: int | None = None) -> str:
    """Return a Range header for the bytes from `start` up to, not including, `stop` (None: the end)."""
    return f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"


def parse_content_range(value: str) -> tuple[int, int]:
    """Return the position of the first byte and the size of the object from a Content-Range header.

    Raises ValueError if the header is not a single range with the size of the object.
    """
    match = _CONTENT_RANGE.match(value)
    first, last, total = (int(number) if number else None for number in match.groups()) if match else (None,) * 3
    if total is None or (first is not None and last is not None and not first <= last < total):
        raise ValueError(f"not a byte range of an object of known size: {value!r}")
    return total if first is None else first, total
