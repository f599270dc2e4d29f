"""Directories of this machine that are the bucket itself: it is mounted there, or its server keeps its files there.

Copying such a file to its object, or the object to the file, changes nothing, and deleting one of the two deletes both.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

from s3store import errors
from s3store.files.reader import RangeReader
from s3store.operations.hiding import hidden
from s3store.operations.places import PlaceError
from s3store.wire.objects import Objects, Target
from s3store.wire.responses import Response


class SameFileError(PlaceError):
    """A file of this machine and an object are the same file."""


class Mounts:
    """Tells whether files and objects of a run are the same ones. Ask it before a file or an object is deleted.

    The first file of each file system and pair of directories is tested; threads wait for that.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._same: dict[tuple[Any, ...], bool] = {}

    def refuse_same(self, path: Path, objects: Objects, target: Target) -> None:
        """Raise SameFileError if the file at `path` is the object `target`: one GET for the first file.

        That file is hidden while the object is read. Raises the errors of renaming and reading, after which
        nothing is known, and nothing may be deleted.
        """
        pair = (path.stat().st_dev, *_above(path, target.key))
        with self._lock:
            if pair not in self._same:
                with hidden(path):
                    is_there = _is_there(objects, target)
                self._same[pair] = not is_there
            same = self._same[pair]
        if same:
            raise SameFileError(
                f"{path} is the object {target.key!r} itself: its directory is the bucket, mounted, or is where the "
                "server keeps its files. Nothing is to be copied or deleted."
            )


def _above(path: Path, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the two directories below which both have the same name: they are the same for all files of a tree."""
    here, there = list(path.parts), key.split("/")
    while here and there and here[-1] == there[-1]:
        here.pop()
        there.pop()
    return tuple(here), tuple(there)


def _is_there(objects: Objects, target: Target) -> bool:
    """Return whether an object can be read. A listing or the headers can be older than the directory of a server."""

    def fetch(start: int, stop: int | None, etag: str | None) -> Response:
        return objects.bucket.get(target.key, target.params, start=start, stop=stop, etag=etag)

    try:
        with closing(RangeReader(target.key, fetch)) as reader:
            reader.read(1)
    except errors.ObjectNotFoundError:
        return False
    except errors.AccessDeniedError as error:
        if error.code != "InvalidObjectState":
            raise
        # It is in an archive.
    return True
