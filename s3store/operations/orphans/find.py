"""Finds the files that no row refers to: the listing first, then the rows, both sorted outside memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

from django.core.files.storage import InvalidStorageError, storages

from s3store.core.globs import Filter
from s3store.core.info import ObjectInfo
from s3store.operations import references
from s3store.operations.reports import Watcher
from s3store.operations.rows import Column, RowsError, columns, name_in
from s3store.operations.spool import Spool
from s3store.storage import S3StaticStorage, S3Storage
from s3store.uploads.service import INCOMING
from s3store.wire.objects import Objects

DAY = timedelta(days=1)
"""The minimum age of an orphan: the row of a file that was just saved may not be committed yet."""

# What s3store keeps for itself, below any directory: trash, records, probes.
_OWN = ".s3store"

UPLOAD = re.compile(rf"{INCOMING}/[^/]+/[^/]{{1,12}}/[0-9a-f]{{32}}(\.[^/]*)?")
"""The name of a direct upload in its storage: the label of the destination, the start of a digest, a random name."""

# A storage without an alias can be below this one: the fields of models have such storages.
_UPLOAD_BELOW = re.compile(rf"(.*/)?{UPLOAD.pattern}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A file that no row refers to. `size` is in bytes; `etag` and `modified` are those of the listing."""

    name: str
    size: int
    etag: str | None
    modified: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted: `rows` names of files in this storage, from `source`, a field or a setting.

    `database` is an alias of DATABASES, and `storage` says where the files of the field are. `error` says why the rows
    could not be read.
    """

    source: str
    rows: int
    database: str | None = None
    storage: str | None = None
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class Orphans:
    """The orphans of a storage, by name, and what they were compared with. Close it: there may be a temporary file.

    `objects` is the number of files that were listed, `referenced` of those that are in use, `young` of those that
    would be orphans at a greater age, and `protected` of those that belong to something else: direct uploads, the trash
    of folders, other storages of STORAGES. `count` and `size` (bytes) are those of the orphans. `doubts` are the
    reasons to delete none of them.
    """

    storage: S3Storage
    wire: Objects
    objects: int = 0
    referenced: int = 0
    young: int = 0
    protected: int = 0
    count: int = 0
    size: int = 0
    counted: list[Counted] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    _spool: Spool[Orphan] = field(default_factory=lambda: Spool(key=_name_of))

    def __iter__(self) -> Iterator[Orphan]:
        """Yield the orphans, sorted by name."""
        return iter(self._spool)

    def add(self, orphan: Orphan) -> None:
        """Add an orphan."""
        self._spool.add(orphan)
        self.count += 1
        self.size += orphan.size

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()

    def __enter__(self) -> Orphans:
        """Return the orphans."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Delete the temporary file."""
        self.close()


def find_orphans(
    storage: S3Storage,
    path: str = "",
    *,
    older_than: timedelta = DAY,
    rules: Filter = Filter(),  # noqa: B008 (immutable)
    now: datetime | None = None,
    watcher: Watcher | None = None,
) -> Orphans:
    """Return the files at or below a directory that nothing refers to. Sends one request for 1,000 files.

    A file is in use if a row of any model names it, in any database, in a field whose storage has the same bucket, or
    if `S3STORE_REFERENCES` names it. Files that are younger than `older_than` are left out. `rules` choose among the
    names. `now` is the time of the listing. Default: the earlier one of this machine's and the server's.

    Raises ValueError for a storage of static files: `prune` deletes those.
    """
    if isinstance(storage, S3StaticStorage):
        raise ValueError("Rows do not refer to static files. Delete those of old releases with: manage.py s3 prune")
    objects = storage.objects
    others = _others(objects)
    found = Orphans(storage=storage, wire=objects)

    def takes(name: str, key: str) -> bool:
        is_protected = _is_protected(name, key, others)
        found.protected += is_protected
        return not is_protected and rules.takes(name)

    fill(found, path, takes, older_than=older_than, now=now, watcher=watcher or Watcher())
    _doubt(found)
    return found


def fill(
    found: Orphans,
    path: str,
    takes: Callable[[str, str], bool],
    *,
    older_than: timedelta,
    now: datetime | None,
    watcher: Watcher,
) -> None:
    """Add the files below a directory that `takes`, a function of name and key, accepts and that nothing refers to."""
    try:
        with Spool[Orphan](key=_name_of) as listed:
            _list(found, listed, path, takes, older_than, now)
            # Rows after the listing: a row that is committed meanwhile keeps its file.
            with Spool[tuple[str]]() as used:
                directories = _read(found, used, watcher)
                _compare(found, listed, used, directories)
    except BaseException:
        found.close()
        raise


# The listing


def _list(
    found: Orphans,
    listed: Spool[Orphan],
    path: str,
    takes: Callable[[str, str], bool],
    older_than: timedelta,
    now: datetime | None,
) -> None:
    limit: datetime | None = None
    for name, info in found.wire.scan(path):
        limit = limit or moment(found.wire, now) - older_than
        if takes(name, info.key):
            found.objects += 1
            listed.add(_orphan(name, info, limit))


def moment(objects: Objects, now: datetime | None = None) -> datetime:
    """Return `now`. Default: the earlier one of this machine's time and the server's, if it is known."""
    here = now or datetime.now(timezone.utc)
    there = objects.bucket.date
    return min(here, there) if there and now is None else here


def _orphan(name: str, info: ObjectInfo, limit: datetime) -> Orphan:
    # A server that does not say when a file was written could have got it just now.
    is_old = info.modified is not None and info.modified <= limit
    return Orphan(name=name, size=info.size, etag=info.etag, modified=info.modified if is_old else None)


def is_examined(found: Orphans, prefix: str) -> bool:
    """Return whether a run looks for orphans below a prefix of keys of the same bucket, or below a part of it."""
    root = found.wire.prefix("")
    if not prefix.startswith(root):
        return root.startswith(prefix)
    return not _is_protected(prefix[len(root) :], prefix, _others(found.wire))


def _is_protected(name: str, key: str, others: set[str]) -> bool:
    if name.startswith(f"{INCOMING}/") or _UPLOAD_BELOW.fullmatch(name):
        return True
    if any(part.casefold().startswith(_OWN) for part in name.split("/")):
        return True
    return any(key == other or (other.endswith("/") and key.startswith(other)) for other in others)


def _others(objects: Objects) -> set[str]:
    """Return the prefixes of other storages below this one, and the key of a manifest of static files."""
    found: set[str] = set()
    root = objects.prefix("")
    for other in _configured():
        there = other.objects
        if there.may_share_bucket(objects):
            prefix = there.prefix("")
            if prefix != root and prefix.startswith(root):
                found.add(prefix)
        manifests = getattr(other, "manifest_storage", None)
        if isinstance(manifests, S3Storage):
            there = manifests.objects
            if there.may_share_bucket(objects):
                found.add(there.key(other.manifest_name))
    return found


def _configured(broken: list[str] | None = None) -> Iterator[Any]:
    """Yield the S3Storages of STORAGES. `broken` gets a sentence about each alias that cannot be loaded."""
    for alias in storages.backends:
        try:
            other = storages[alias]
        except InvalidStorageError as error:
            if broken is not None:
                broken.append(f"STORAGES[{alias!r}] cannot be loaded, so its files could be among the orphans: {error}")
            continue
        if isinstance(other, S3Storage):
            yield other


# What is in use


def _read(found: Orphans, used: Spool[tuple[str]], watcher: Watcher) -> set[str]:
    """Add all names in use to `used`, and return the directories in use."""
    for column in columns():
        found.counted.append(counted := _count(found, column, used))
        if counted.error:
            watcher.warn(counted.error)
    directories, number = _refer(found.storage, used)
    if number:
        found.counted.append(Counted(source=references.NAME, rows=number))
    return directories


def _refer(storage: S3Storage, used: Spool[tuple[str]]) -> tuple[set[str], int]:
    """Add the names of S3STORE_REFERENCES to `used`. Return the directories, and the number of both."""
    directories: set[str] = set()
    number = 0
    for name in references.references(storage):
        number += 1
        clean = references.cleaned(name)
        if clean and clean.endswith("/"):
            directories.add(clean)
        elif clean:
            used.add((clean,))
    return directories, number


def without(listed: Iterable[Orphan], used: Spool[tuple[str]], directories: set[str]) -> Iterator[tuple[Orphan, bool]]:
    """Yield each file, in the order of names, and whether it is in use: among these names, or below a directory."""
    names = iter(used)
    name = next(names, None)
    for orphan in listed:
        while name is not None and name[0] < orphan.name:
            name = next(names, None)
        yield orphan, (name is not None and name[0] == orphan.name) or _is_below(orphan.name, directories)


def without_references(found: Orphans) -> Iterator[tuple[Orphan, bool]]:
    """Yield each orphan, and whether S3STORE_REFERENCES names it now."""
    with Spool[tuple[str]]() as used:
        directories, _ = _refer(found.storage, used)
        yield from without(found, used, directories)


def _count(found: Orphans, column: Column, used: Spool[tuple[str]]) -> Counted:
    number, error = 0, None
    try:
        for row in column.rows():
            if (name := name_in(found.wire, column, row.name)) is not None:
                used.add((name,))
                number += 1
    except RowsError as failure:
        error = str(failure)
    where = _place_of(column.storage)
    return Counted(source=str(column), rows=number, database=column.database, storage=where, error=error)


def _place_of(storage: Any) -> str:
    """Return where the files of a storage are, for people."""
    if isinstance(storage, S3Storage):
        objects = storage.objects
        return f"{objects.options.bucket_name}/{objects.prefix('')}"
    return "chosen by each row" if storage is None else type(storage).__name__


def _compare(found: Orphans, listed: Spool[Orphan], used: Spool[tuple[str]], directories: set[str]) -> None:
    for orphan, is_used in without(listed, used, directories):
        if is_used:
            found.referenced += 1
        elif orphan.modified is None:
            found.young += 1
        else:
            found.add(orphan)


def _is_below(name: str, directories: set[str]) -> bool:
    """Return whether a file is below one of the directories, whose names end in a slash."""
    if not directories:
        return False
    parts = name.split("/")[:-1]
    return any("/".join(parts[:length]) + "/" in directories for length in range(len(parts) + 1))


# Doubts


def _doubt(found: Orphans) -> None:
    """Note the reasons for which nothing should be deleted."""
    unread = [counted for counted in found.counted if counted.error]
    found.doubts += [str(counted.error) for counted in unread]
    if found.count and not found.referenced:
        found.doubts.append("No row refers to a file in this storage. Its location may be wrong.")
    elif found.count * 2 > found.objects:
        found.doubts.append(
            f"{found.count} of {found.objects} files are orphans, more than half. The location may be wrong, or "
            f"{references.NAME} incomplete."
        )
    root = found.wire.prefix("")
    for other in _configured(found.doubts):
        if isinstance(other, S3StaticStorage) and other.objects.may_share_bucket(found.wire):
            static = other.objects.prefix("")
            if root.startswith(static):
                found.doubts.append(
                    f"Static files are in the same place: the location of {type(other).__name__} is "
                    f"{static.rstrip('/') or 'empty'}. Give static files a location of their own."
                )


def _name_of(orphan: Orphan) -> str:
    return orphan.name
