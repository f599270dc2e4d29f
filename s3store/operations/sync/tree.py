"""A directory of this machine, whose files are opened without leaving it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class OutsideError(OSError):
    """A path that leads through a symbolic link, or through something that is not a directory."""


class Tree:
    """Opens files below `root` by their names. `follow` allows symbolic links below the root; the root may be one."""

    def __init__(self, root: Path, *, follow: bool = False) -> None:
        self.root = root
        self._links = 0 if follow else _NOFOLLOW

    @contextmanager
    def parent(self, name: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """Yield a descriptor of the directory of a file, and the last part of its name.

        With `create`, missing directories are created. Raises OutsideError, and FileNotFoundError.
        """
        *parents, last = name.split("/")
        descriptor = os.open(self.root, os.O_RDONLY | _DIRECTORY | _CLOEXEC)
        try:
            for part in parents:
                below = self._below(descriptor, part, name, create=create)
                os.close(descriptor)
                descriptor = below
            yield descriptor, last
        finally:
            os.close(descriptor)

    def _below(self, descriptor: int, part: str, name: str, *, create: bool) -> int:
        flags = os.O_RDONLY | _DIRECTORY | _CLOEXEC | self._links
        if create:
            try:
                return os.open(part, flags, dir_fd=descriptor)
            except FileNotFoundError:
                # Another thread can need the same directory.
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            except OSError:
                # The second attempt says why.
                pass
        try:
            return os.open(part, flags, dir_fd=descriptor)
        except OSError as error:
            # Systems differ in what they say about a symbolic link.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            link = stat.S_ISLNK(os.stat(part, dir_fd=descriptor, follow_symlinks=False).st_mode)
            what = "is a symbolic link, which is not followed" if link else "is a file and not a directory"
            raise OutsideError(f"{name!r} is not accessible in {str(self.root)!r}: {part!r} {what}.") from None

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading. Raises OutsideError for a symbolic link, and for anything but a regular file."""
        if os.open not in os.supports_dir_fd:  # pragma: no cover (Windows, where links are rare)
            with (self.root / name).open("rb") as file:
                yield file
            return
        with self.parent(name) as (descriptor, last):
            # A file can have become a pipe, which would wait for a writer.
            flags = os.O_RDONLY | _CLOEXEC | _NONBLOCK | self._links
            try:
                opened = os.open(last, flags, dir_fd=descriptor)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                raise OutsideError(f"{name!r} is a symbolic link, which is not followed.") from None
        with open(self.root / name, "rb", opener=lambda *_: opened) as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise OutsideError(f"{name!r} is not a regular file.")
            yield file

    def make_directory(self, name: str) -> None:
        """Create a directory, and those above it. An existing one is not an error."""
        with self.parent(f"{name}/x", create=True):
            return
