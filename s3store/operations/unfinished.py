"""Files that are being downloaded: hidden beside their place, locked, and continued by the next run."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows: without locks, nothing is continued)
    fcntl = None  # type: ignore[assignment]

PART = ".s3store-part"
"""What the names of unfinished downloads end in."""

# What `replacing` writes.
_REPLACING = re.compile(r"\.s3store-[0-9a-f]{16}").fullmatch

_LONGEST = 255
_VERSION = 16
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """A directory that is open: the one at `parts` below `root`."""

    root: Path
    parts: tuple[str, ...]
    descriptor: int | None

    @property
    def path(self) -> Path:
        """The path, for messages, and for systems without descriptors of directories."""
        return self.root.joinpath(*self.parts)

    def at(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the arguments of functions of `os` about a name in this directory."""
        if self.descriptor is None:
            return str(self.path / name), {}
        return name, {"dir_fd": self.descriptor}

    def names(self) -> list[str]:
        """Return the names in the directory."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)  # noqa: PTH208 (Path takes no descriptor)

    def unlink(self, name: str) -> None:
        """Delete a file, which need not exist."""
        where, how = self.at(name)
        try:
            os.unlink(where, **how)
        except FileNotFoundError:
            return

    def close(self) -> None:
        """Close the directory."""
        if self.descriptor is not None:
            os.close(self.descriptor)


def is_partial(last: str) -> bool:
    """Return whether the last part of a name is that of an unfinished download."""
    return last.startswith(".") and (last.endswith(PART) or bool(_REPLACING(last)))


def part_name(last: str, etag: str | None) -> str:
    """Return the name of the unfinished download: with an ETag, it is continued only for the same content."""
    version = "" if etag is None else f".{hashlib.sha256(etag.encode()).hexdigest()[:_VERSION]}"
    name = f".{last}{version}{PART}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(last)).hexdigest()}{version}{PART}"
    return name


def open_part(spot: Spot, part: str) -> tuple[IO[bytes], str, bool]:
    """Open the file of an unfinished download, and return it, its name, and whether it is locked.

    If another process has it, the file has a random name.
    """
    if fcntl is not None and spot.descriptor is not None:
        descriptor = os.open(part, _OPEN, 0o666, dir_fd=spot.descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other process may have just published the file that was opened here, or it is a second name of a file.
            opened = os.fstat(descriptor)
            there = os.stat(part, dir_fd=spot.descriptor, follow_symlinks=False)
            own = os.path.samestat(opened, there) and opened.st_nlink == 1
        except OSError:
            own = False
        if own:
            return os.fdopen(descriptor, "r+b"), part, True
        os.close(descriptor)
    other = f".{secrets.token_hex(8)}{PART}"
    where, how = spot.at(other)
    return os.fdopen(os.open(where, _OPEN | os.O_EXCL, 0o666, **how), "r+b"), other, False


def forget_others(spot: Spot, last: str, part: str) -> None:
    """Delete what was downloaded of earlier versions of a file, unless another process is downloading them."""
    start = part_name(last, "").removesuffix(PART)[:-_VERSION]
    for name in spot.names():
        if len(name) == len(part) and name.startswith(start) and is_partial(name) and name != part:
            file, opened, _ = open_part(spot, name)
            file.close()
            spot.unlink(opened)
