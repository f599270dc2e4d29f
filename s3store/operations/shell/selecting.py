"""Which objects a place in a storage names: a file, everything below a directory, or what matches a pattern."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from s3store import errors
from s3store.core import globs
from s3store.core.globs import Filter
from s3store.core.info import ObjectInfo
from s3store.operations.places import Place, PlaceError
from s3store.storage import S3Storage
from s3store.wire.objects import Objects

__all__ = ["DirectoryError", "Item", "Selection", "select"]

Kind = Literal["file", "directory", "pattern"]


class DirectoryError(PlaceError):
    """A place is a directory, and the command processes directories only if it is told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An object that a place names.

    `name` is its name in the storage, or None if the key cannot be a name. `inside` is the path that a copy has below
    its target: for a file, the last part of its name; otherwise what follows the directory that was given, or the
    directory in which a pattern starts.
    """

    key: str
    name: str | None
    inside: str
    shown: str
    info: ObjectInfo

    @property
    def is_marker(self) -> bool:
        """Whether the object marks a folder: its key ends with a slash."""
        return self.key.endswith("/")


class Selection:
    """What one place names. All requests are for one set of options of the storage."""

    requests = 0
    """The number of requests that finding out took."""

    def __init__(self, place: Place, objects: Objects, kind: Kind, info: ObjectInfo | None = None) -> None:
        self.place = place
        self.objects = objects
        self.kind = kind
        self._info = info

    @property
    def storage(self) -> S3Storage:
        """The storage of the place."""
        return storage_in(self.place)

    @property
    def is_many(self) -> bool:
        """Whether the place can name more than one object."""
        return self.kind != "file"

    @cached_property
    def base(self) -> str:
        """The name of the directory that `inside` is relative to: empty, or with a slash at its end."""
        path = self.place.path
        if self.kind == "directory":
            return path.rstrip("/") + "/" if path else ""
        found = globs.literal_prefix(path) if self.kind == "pattern" else path
        return found[: found.rfind("/") + 1]

    @cached_property
    def prefix(self) -> str:
        """What the keys of the listing start with."""
        base = self.objects.prefix(self.base)
        return base + globs.literal_prefix(self.place.path)[len(self.base) :] if self.kind == "pattern" else base

    @property
    def is_flat(self) -> bool:
        """Whether a pattern can only match directly in one directory: `photos/*.jpg`."""
        path = self.place.path
        return "**" not in path and "/" not in path[len(self.base) :]

    def shown(self, name: str) -> str:
        """Return a name as users write it: `ALIAS:name`."""
        return str(Place(path=name, storage=self.storage, alias=self.place.alias))

    def items(self, *, recursive: bool, rules: Filter | None = None) -> Iterator[Item]:
        """Yield the objects, also those that mark folders. Nothing is held in memory.

        Raises DirectoryError for a directory unless `recursive`, and ObjectNotFoundError if there is nothing.
        """
        if self.kind == "directory" and not recursive:
            raise DirectoryError(f"{self.place} is a directory. Give -r to process the files in it.")
        if self.kind == "pattern" and self.place.path.endswith("/") and not recursive:
            raise DirectoryError(f"{self.place} matches directories. Give -r to process the files in them.")
        found = False
        for item in self._found(recursive=recursive):
            found = True
            if rules is None or rules.takes(item.inside):
                yield item
        if not found:
            self.refuse_nothing()

    def refuse_nothing(self) -> None:
        """Raise ObjectNotFoundError, unless the place is the whole storage, which can be empty."""
        if self.place.path:
            raise self.nothing()

    def nothing(self) -> errors.S3StoreError:
        """Return the error for a place that names nothing."""
        what = "file matches" if self.kind == "pattern" else "file or directory has this name"
        return errors.build(
            errors.ObjectNotFoundError,
            f"no {what}",
            operation="find",
            bucket=self.objects.bucket.name,
            key=self.objects.prefix("") + self.place.path,
        )

    def _found(self, *, recursive: bool) -> Iterator[Item]:
        if self._info is not None:
            yield self.item(self._info)
            return
        flat = self.kind == "pattern" and self.is_flat and not recursive
        for page in self.objects.bucket.pages(self.prefix, self.objects.listing_params, flat=flat):
            for info in page.objects:
                item = self.item(info)
                if self.kind == "directory" or self._matches(item, recursive=recursive):
                    yield item

    def item(self, info: ObjectInfo) -> Item:
        """Return the object of a listing as an item."""
        name = self.objects.name(info.key)
        raw = info.key[len(self.objects.prefix("")) :]
        return Item(key=info.key, name=name, inside=raw[len(self.base) :], shown=self.shown(raw), info=info)

    def _matches(self, item: Item, *, recursive: bool) -> bool:
        if item.name is None:
            return False
        pattern = self.place.path
        if globs.matches(pattern, item.name):
            return True
        above = above_at(item.name, pattern)
        return recursive and above is not None and globs.matches(pattern, above)


def above_at(name: str, pattern: str) -> str | None:
    """Return the directory of a file that has as many parts as the pattern, or None if there is none."""
    if "**" in pattern:
        return None
    depth = pattern.count("/") + 1
    parts = name.split("/")
    return "/".join(parts[:depth]) if len(parts) > depth else None


def select(place: Place, *, directories_first: bool = False) -> Selection:
    """Find out what a place names: up to two requests, and none for a directory with its slash and for a pattern.

    A name with a slash at its end is a directory. A name without one is the file, if it exists, otherwise the
    directory; with `directories_first`, the other way round. A name with `[` is a pattern only if there is no such
    file. Raises ObjectNotFoundError if there is neither.
    """
    objects = storage_in(place).objects
    with objects.bucket.counted() as sent:
        found = _selected(place, objects, directories_first=directories_first)
    found.requests = len(sent)
    return found


def _selected(place: Place, objects: Objects, *, directories_first: bool) -> Selection:
    path = place.path
    if not path or (path.endswith("/") and not globs.has_magic(path)):
        return Selection(place, objects, "directory")
    if globs.has_magic(path):
        info = None if path.endswith("/") or "[" not in path else _file(objects, path)
        return Selection(place, objects, "file" if info else "pattern", info)
    asked: list[Kind] = ["directory", "file"] if directories_first else ["file", "directory"]
    for kind in asked:
        if kind == "file" and (info := _file(objects, path)):
            return Selection(place, objects, "file", info)
        if kind == "directory" and is_directory(objects, path):
            return Selection(place, objects, "directory")
    raise Selection(place, objects, "file").nothing()


def select_all(places: Iterable[Place], *, directories_first: bool = False) -> list[Selection]:
    """Find out what places name. Raises PlaceError for a local path, and the errors of `select`."""
    return [select(place, directories_first=directories_first) for place in places]


def is_directory(objects: Objects, path: str) -> bool:
    """Return whether there are keys below a directory: one request."""
    bucket, prefix = objects.bucket, objects.prefix(path)
    return bool(bucket.page(prefix, objects.listing_params, flat=False, limit=1).objects)


def storage_in(place: Place) -> S3Storage:
    """Return the storage of a place. Raises PlaceError for a local path."""
    if place.storage is None:
        hint = f"for a file in a storage, write ALIAS:{posixpath.basename(place.path) or 'path'}"
        raise PlaceError(f"{place.path!r} is a local path: {hint}.")
    return place.storage


def _file(objects: Objects, path: str) -> ObjectInfo | None:
    target = objects.target(path)
    return objects.bucket.find(target.key, target.params)
