"""Files of this machine that have no name for a moment: each is in a locked directory beside its place.

A process that is killed leaves its file there. The next run that lists the directory above puts it back.
"""

from __future__ import annotations

import filecmp
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows: nothing is locked)
    fcntl = None  # type: ignore[assignment]

_START = ".s3store-hidden-"
_is_hiding = re.compile(re.escape(_START) + "[0-9a-f]{16}").fullmatch
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def is_hiding(last: str) -> bool:
    """Return whether the last part of a name is that of a directory in which a file is hidden."""
    return bool(_is_hiding(last))


@contextmanager
def hidden(path: Path) -> Iterator[None]:
    """Hide a file for the length of a block. Raises FileExistsError if something else has its name afterwards."""
    place = path.with_name(_START + secrets.token_hex(8))
    place.mkdir()
    there = place / path.name
    with _locked(place):
        try:
            path.rename(there)
            yield
        finally:
            try:
                if os.path.lexists(there):
                    _rename_back(there, path)
            finally:
                _remove_empty(place)


def scan(directory: Path) -> tuple[list[os.DirEntry[str]], list[tuple[str, OSError | None]]]:
    """Return what is in a directory, after `put_back`, and what that returned."""
    with os.scandir(directory) as entries:
        listed = list(entries)
    if not any(is_hiding(entry.name) for entry in listed):
        return listed, []
    found = put_back(directory)
    with os.scandir(directory) as entries:
        return [entry for entry in entries if not is_hiding(entry.name)], found


def put_back(directory: Path) -> list[tuple[str, OSError | None]]:
    """Give the files that killed processes have hidden in a directory their names again.

    Returns the name of each, with the error if it stays hidden: another file has its name, or its process still runs.
    A file is deleted if an equal one has its name.
    """
    found: list[tuple[str, OSError | None]] = []
    for place in sorted(directory.glob(f"{_START}*")):
        if not is_hiding(place.name) or place.is_symlink() or not place.is_dir():
            continue
        with _locked(place) as is_left:
            for there in sorted(place.iterdir()):
                path = directory / there.name
                try:
                    if not is_left:
                        raise BlockingIOError(f"Another process has hidden {path} for a moment. Run the command again.")
                    if path.is_file() and there.is_file() and filecmp.cmp(path, there, shallow=False):
                        there.unlink()
                    else:
                        _rename_back(there, path)
                except OSError as error:
                    found.append((there.name, error))
                else:
                    found.append((there.name, None))
            if is_left:
                _remove_empty(place)
    return found


def _rename_back(there: Path, path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} was created meanwhile. The file that had the name is {there}.")
    there.rename(path)


def _remove_empty(place: Path) -> None:
    with suppress(OSError):
        place.rmdir()


@contextmanager
def _locked(place: Path) -> Iterator[bool]:
    """Lock a directory for the length of a block. Yields False if another process has locked it."""
    if fcntl is None:  # pragma: no cover (Windows)
        yield True
        return
    descriptor, is_free = os.open(place, _ENTER), True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        except OSError:  # pragma: no cover (a file system without locks)
            pass
        yield is_free
    finally:
        os.close(descriptor)
