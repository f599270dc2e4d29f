"""The Range and Accept-Encoding headers of a request. RFC 9110."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Eighteen digits are an exabyte. Python raises an error for numbers of thousands of digits.
_RANGE = re.compile(r"([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})\Z")
_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The bytes from `start` up to `stop` (None: the end). A negative start counts from the end."""

    start: int
    stop: int | None = None

    def within(self, size: int) -> Requested | None:
        """Return the part of the range that is inside a file of `size` bytes, or None if there is none."""
        start = max(0, size + self.start) if self.start < 0 else self.start
        stop = size if self.stop is None else min(size, self.stop)
        return Requested(start=start, stop=stop) if start < stop else None

    def at_most(self, count: int | None) -> Requested:
        """Return the first `count` bytes of a range that has a start."""
        if count is None:
            return self
        limit = self.start + count
        return Requested(start=self.start, stop=limit if self.stop is None else min(limit, self.stop))


def parse_range(header: str) -> Requested | None:
    """Return the range of a Range header, or None for units other than bytes, which are ignored.

    Raises ValueError for several ranges, which could multiply the bytes to send, and for an invalid range.
    """
    unit, _, wanted = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    match = _RANGE.match(wanted.strip(" \t"))
    first, last = match.groups() if match else ("", "")
    if not first and last and int(last):
        return Requested(start=-int(last))
    if first and (not last or int(first) <= int(last)):
        return Requested(start=int(first), stop=int(last) + 1 if last else None)
    raise ValueError(f"not a single, valid range of bytes: {header!r}")


def accepts(encoding: str, header: str | None) -> bool:
    """Return whether an Accept-Encoding header allows an encoding. A missing header allows none."""
    weights = {}
    for item in (header or "").lower().split(","):
        coding, _, parameter = item.partition(";")
        match = _WEIGHT.match(parameter)
        weights[coding.strip()] = float(match[1]) if match else 1.0
    return weights.get(encoding, weights.get("*", 0.0)) > 0
