"""What a browser asks for besides the file: one range of its bytes, and how they may be encoded. RFC 9110."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Eighteen digits are an exabyte. Python refuses to read numbers of thousands of them.
_RANGE = re.compile(r"([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})\Z")
_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The bytes from `start` up to `stop` (None: the end); a negative start counts from the end."""

    start: int
    stop: int | None = None

    def within(self, size: int) -> Requested | None:
        """Return the same range with both ends inside `size` bytes, or None when it has none of them."""
        start = max(0, size + self.start) if self.start < 0 else self.start
        stop = size if self.stop is None else min(size, self.stop)
        return Requested(start=start, stop=stop) if start < stop else None

    def at_most(self, count: int | None) -> Requested:
        """Return the first `count` bytes of a range that does not count from the end."""
        if count is None:
            return self
        limit = self.start + count
        return Requested(start=self.start, stop=limit if self.stop is None else min(limit, self.stop))


def parse_range(header: str) -> Requested | None:
    """Return what a Range header asks for; None for units other than bytes, which are ignored.

    Raises ValueError for several ranges, which can cost a server many times an object's size, and for impossible ones.
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
    raise ValueError(f"not a range of bytes that can be answered: {header!r}")


def accepts(encoding: str, header: str | None) -> bool:
    """Whether an Accept-Encoding header allows an encoding. Clients that send none hardly ever inflate."""
    weights = {}
    for item in (header or "").lower().split(","):
        coding, _, parameter = item.partition(";")
        match = _WEIGHT.match(parameter)
        weights[coding.strip()] = float(match[1]) if match else 1.0
    return weights.get(encoding, weights.get("*", 0.0)) > 0
