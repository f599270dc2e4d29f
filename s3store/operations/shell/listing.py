"""What is in a storage: the entries of a directory, and the sizes of trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from s3store.core import globs
from s3store.core.globs import Filter
from s3store.core.info import ObjectInfo
from s3store.operations.shell.selecting import Selection

__all__ = ["Entry", "Usage", "entries", "usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a directory in a listing. `inside` is relative to the directory that is listed.

    For a directory, `name` ends with a slash and `info` is None. `size` is in bytes, and `modified` in UTC.
    """

    name: str
    inside: str
    info: ObjectInfo | None = None

    @property
    def size(self) -> int:
        """The size in bytes: 0 for a directory."""
        return self.info.size if self.info else 0

    @property
    def modified(self) -> datetime | None:
        """The time of the last write."""
        return self.info.modified if self.info else None

    def json(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        if self.info is None:
            return {"name": self.name, "type": "directory"}
        return {
            "name": self.name,
            "type": "file",
            "size": self.info.size,
            "modified": utc(self.info.modified),
            "etag": (self.info.etag or "").strip('"') or None,
            "storage_class": self.info.storage_class,
        }


def utc(moment: datetime | None) -> str | None:
    """Return a time as JSON has it."""
    return moment.astimezone(timezone.utc).isoformat() if moment else None


def entries(selection: Selection, *, recursive: bool = False, rules: Filter | None = None) -> Iterator[Entry]:
    """Yield what a place contains, in the order of the server: one request for 1,000 entries.

    Without `recursive`, directories are entries. Keys that are not possible names, and the objects that mark folders,
    are left out. Raises ObjectNotFoundError for a pattern that matches nothing; an empty directory is not an error.
    """
    flat = not recursive and (selection.kind == "directory" or (selection.kind == "pattern" and selection.is_flat))
    for entry in _one_level(selection) if flat else _files(selection):
        if rules is None or rules.takes(entry.inside.rstrip("/")):
            yield entry


def _files(selection: Selection) -> Iterator[Entry]:
    for item in selection.items(recursive=True):
        if item.name and not item.is_marker:
            yield Entry(name=item.name, inside=item.inside, info=item.info)


def _one_level(selection: Selection) -> Iterator[Entry]:
    objects = selection.objects
    pattern = selection.place.path if selection.kind == "pattern" else None
    found = False
    last = ""
    for page in objects.bucket.pages(selection.prefix, objects.listing_params, flat=True):
        level = []
        for key in page.prefixes:
            name = objects.name(key)
            # Some servers repeat a directory on the next page.
            if name and name != last and (pattern is None or globs.matches(pattern, name.rstrip("/"))):
                level.append(Entry(name=name, inside=name[len(selection.base) :]))
        for info in page.objects:
            item = selection.item(info)
            if item.name and not item.is_marker and (pattern is None or globs.matches(pattern, item.name)):
                level.append(Entry(name=item.name, inside=item.inside, info=info))
        last = page.prefixes[-1][len(objects.prefix("")) :] if page.prefixes else ""
        found = found or bool(level if pattern else page.prefixes or page.objects)
        yield from sorted(level, key=lambda entry: entry.name)
    if not found:
        selection.refuse_nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The number of objects in a directory, at any depth, and their bytes. `name` is that of the directory or file."""

    name: str
    files: int
    size: int

    def json(self) -> dict[str, Any]:
        """Return the usage as JSON has it."""
        return {"name": self.name, "files": self.files, "bytes": self.size}


def usage(selection: Selection, *, depth: int = 0, rules: Filter | None = None) -> list[Usage]:
    """Return the sizes of a place and of its directories down to `depth`: one request for 1,000 objects.

    For a pattern, each file or directory that matches is a place. Every object counts, as on the bill: also those that
    mark folders, and keys that are not names. Old versions and unfinished uploads do not.
    """
    totals: dict[str, list[int]] = {selection.base: [0, 0]} if selection.kind == "directory" else {}
    for item in selection.items(recursive=True, rules=rules):
        for name in _lines_of(selection, selection.base + item.inside, depth):
            total = totals.setdefault(name, [0, 0])
            total[0] += not item.is_marker
            total[1] += item.info.size
    return [Usage(name=name, files=files, size=size) for name, (files, size) in sorted(totals.items())]


def _lines_of(selection: Selection, name: str, depth: int) -> Iterator[str]:
    """Yield the names of the lines to which an object belongs."""
    top = name if selection.kind == "file" else selection.base
    if selection.kind == "pattern":
        top = _matched(selection.place.path, name)
    yield top
    below = name[len(top) :].split("/")[:-1]
    for count in range(1, min(depth, len(below)) + 1):
        yield top + "/".join(below[:count]) + "/"


def _matched(pattern: str, name: str) -> str:
    """Return what a pattern matches of a name: the name itself, or a directory with its slash."""
    parts = name.split("/")
    depth = pattern.count("/") + (not pattern.endswith("/"))
    if "**" in pattern or len(parts) <= depth:
        return name
    return "/".join(parts[:depth]) + "/"
