"""Sizes, ages and times, as people write them and as commands show them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(i?)B?", re.IGNORECASE).fullmatch
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])").fullmatch
_LETTERS = "KMGTP"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_size(text: str) -> int:
    """Return the number of bytes of `512`, `10KB` (1,000 bytes each) or `10KiB` (1,024). Raises ValueError."""
    found = _SIZE(text.strip())
    if not found or (found[3] and not found[2]):
        raise ValueError(f"{text!r} is not a size. Give a number of bytes, or a size such as 10MiB or 1.5GB.")
    step = 1024 if found[3] else 1000
    power = _LETTERS.index(found[2].upper()) + 1 if found[2] else 0
    return int(float(found[1]) * step**power)


def parse_age(text: str) -> timedelta:
    """Return the time span of `30s`, `15m`, `12h`, `7d` or `2w`. Raises ValueError."""
    found = _AGE(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an age. Give a number and a unit: s, m, h, d or w, such as 7d.")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def parse_moment(text: str) -> datetime:
    """Return the time of an ISO 8601 text. Without an offset, it is local time. Raises ValueError."""
    plain = text.strip()
    try:
        # Python 3.10 does not know the letter.
        found = datetime.fromisoformat(plain[:-1] + "+00:00" if plain[-1:] in ("Z", "z") else plain)
    except ValueError:
        raise ValueError(f"{text!r} is not a time. Give it as 2026-01-31T12:00Z or 2026-01-31 12:00.") from None
    return found.astimezone(timezone.utc)


def human_size(size: float) -> str:
    """Return a number of bytes in words: `512 B`, `1.5 GiB`. Units are powers of 1,024."""
    power = 0
    while abs(size) >= 1023.95 and power < len(_LETTERS):
        size, power = size / 1024, power + 1
    return f"{size:.1f} {_LETTERS[power - 1]}iB" if power else f"{size:.0f} B"


def human_span(seconds: float) -> str:
    """Return a time span as a clock shows it: `0:58`, `1:02:03`."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(name: str) -> str:
    """Return a name in a form that a terminal shows in one line and does not interpret: `a\\x1b[2J`."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def printable_lines(text: str) -> str:
    """Return a text of several lines with each line in that form."""
    return "\n".join(map(printable, text.splitlines()))
