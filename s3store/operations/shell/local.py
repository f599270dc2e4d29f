"""Files of this machine that are to be copied to a storage."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from s3store.core import keys
from s3store.operations import hiding
from s3store.operations.reports import Watcher
from s3store.operations.unfinished import is_partial

_OPEN = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_CAREFUL = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalItem:
    """A file of this machine. `inside` is the name that it gets below the target; `size` is in bytes."""

    path: Path
    inside: str
    size: int
    walked: bool = False

    def open(self) -> IO[bytes]:
        """Open the file. Raises OSError for a file of a tree that is a link or no regular file by now."""
        descriptor = os.open(self.path, _OPEN | _CAREFUL if self.walked else _OPEN)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path} is not a regular file. Use - to copy standard input.")
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")


def walk(top: Path, watcher: Watcher) -> Iterator[LocalItem]:
    """Yield the files below a directory, in the order of their names. Raises OSError for a directory it cannot read.

    Links are not followed, and what is neither a file nor a directory is skipped: both with a warning.
    """
    yield from _walk(top, "", watcher)


def _walk(directory: Path, base: str, watcher: Watcher) -> Iterator[LocalItem]:
    for entry in sorted(_entries(directory, watcher), key=lambda entry: entry.name):
        inside = base + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{inside}/", watcher)
        elif entry.is_file(follow_symlinks=False):
            if not is_partial(entry.name):
                size = entry.stat(follow_symlinks=False).st_size
                yield LocalItem(path=Path(entry.path), inside=inside, size=size, walked=True)
        else:
            what = "a symbolic link" if entry.is_symlink() else "not a regular file"
            watcher.warn(f"{entry.path} is {what}. It is skipped.")


def _entries(directory: Path, watcher: Watcher) -> list[os.DirEntry[str]]:
    """Return what is in a directory, and tell the watcher of files that killed runs had hidden there."""
    listed, hidden = hiding.scan(directory)
    for name, error in hidden:
        restored = f"{directory / name} was hidden by a run that was killed. It has its name again."
        watcher.warn(str(error or restored))
    return listed


def one(path: Path) -> LocalItem:
    """Return one file that the user has named: a link is followed. Raises OSError if it does not exist."""
    return LocalItem(path=path, inside=path.name, size=path.stat().st_size)


def check_inside(item: LocalItem) -> None:
    """Raise ValueError if a storage would give the file another name: `a\\b` is `a/b` there."""
    cleaned = keys.clean_name(item.inside)
    if cleaned != item.inside:
        raise keys.UnsafeNameError(f"{item.inside!r} is not a possible name in a storage. Rename the file.")


def remove_empty(top: Path) -> None:
    """Delete the directories below `top`, and `top` itself, that are empty."""
    for directory, _, _ in os.walk(top, topdown=False):
        try:
            Path(directory).rmdir()
        except OSError:
            # Something is left in it.
            continue
