"""The files that rows name, by names relative to a place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from s3store.core import keys
from s3store.operations.places import Place
from s3store.operations.rows import Column, name_in
from s3store.operations.spool import Spool
from s3store.storage import S3Storage

Named = tuple[str, str, bool]
"""The name of a file relative to both places; the row that names it, for people; whether the site uses the target."""


def name_at_place(place: Place, column: Column, name: str) -> str | None:
    """Return the name of a row's file relative to a place, or None if the files of the column are elsewhere."""
    if place.storage is not None:
        found = name_in(place.storage.objects, column, name)
        path = keys.clean_name(place.path).rstrip("/")
        if not found or not path:
            return found
        return found[len(path) + 1 :] if found.startswith(f"{path}/") else None
    if not isinstance(column.storage, FileSystemStorage):
        return None
    root, above = os.path.realpath(column.storage.location), os.path.realpath(place.local)
    relative = Path(os.path.relpath(f"{root}/{name}", above))
    return None if relative.parts[:1] in ((), ("..",)) else relative.as_posix()


def refused_at(place: Place, column: Column, name: str) -> str | None:
    """Return the name of a row relative to a storage that refuses it, or None if the column has its files elsewhere."""
    storage = column.storage
    if not isinstance(storage, S3Storage) or place.storage is None:
        return None
    ours, theirs = place.storage.objects, storage.objects
    if (ours.bucket.name, ours.prefix("")) != (theirs.bucket.name, theirs.prefix("")):
        return None
    path = keys.clean_name(place.path).rstrip("/")
    below = name.removeprefix(f"{path}/") if path else name
    inside = (below != name or not path) and ".." not in below.split("/") and not below.startswith("/")
    return below if inside else None


def unique(named: Spool[Named]) -> Iterator[Named]:
    """Yield the first row of each name, by name."""
    previous = None
    for row in named:
        if row[0] != previous:
            yield row
        previous = row[0]
