"""Moves the files of all rows from one place to another, and reports what rows and files do not have in common."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError, models

from s3store import errors
from s3store.core import keys
from s3store.core.parts import MIB
from s3store.operations.command import counted as counted_words
from s3store.operations.orphans.find import Counted, moment
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.rows import Column, columns, name_in
from s3store.operations.spool import Side, Spool, merged
from s3store.operations.sync import sync
from s3store.operations.sync.local import Walk
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found
from s3store.storage import S3Storage
from s3store.wire.deleting import Deletion

__all__ = ["migrate_media", "texts_with"]

THREADS = 32

Named = tuple[str, str, bool]
"""The name of a file relative to both places; the row that names it, for people; whether the site uses the target."""

Confirm = Callable[[list[str]], bool]


def migrate_media(
    source: Place,
    target: Place,
    *,
    verify: bool = False,
    delete_source: bool = False,
    confirm: Confirm = lambda _: True,
    bandwidth: int | None = None,
    threads: int = THREADS,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Summary:
    """Copy the files of all rows from `source` to `target`, and return what was done.

    The rows are those whose files are in one of the two places, so that it does not matter which of them the settings
    name. `verify` compares the content of each file, also after sending it. `delete_source` does the same, and then
    deletes the files in the source that were compared in this run and have not changed since: `confirm` is asked with
    their names. Nothing is deleted if a file failed. The other arguments are those of `sync`.

    `more` of the summary has `rows`, the number of rows; `counted` for each column; `missing`, the names that are in
    neither place, with a row; and `unknown`, the names of files in the source that no row knows. These stay.
    `replaced` are files that differ because the site has replaced them in the target, after the settings were
    switched: the newer file stays. Raises RowsError if a table cannot be read, PlaceError, and the errors of `sync`.
    """
    if target.storage is None:
        raise PlaceError("The target must be a storage: ALIAS:path.")
    watcher, began = watcher or Watcher(), time.monotonic()
    # A file that is written after this moment is not deleted, whatever was compared.
    since = _clock(source)
    told = _Compared(watcher)
    counted: list[Counted] = []
    with Spool[Named]() as named:
        for column in columns():
            counted.append(_add(named, column, source, target))
        with closing(Side[Named](lambda: _unique(named))) as wanted:
            replaced = _replaced(source, target, named, threads=threads)
            for name in sorted(replaced):
                watcher.warn(f"'{name}' was replaced in the target since the switch, so the file there stays.")
            summary = sync(
                source,
                target,
                names=(name for name, _, _ in _unique(named) if name not in replaced),
                verify=verify or delete_source,
                bandwidth=bandwidth,
                threads=threads,
                dry_run=dry_run,
                watcher=told,
            )
            unknown = list(_unknown(source, wanted))
        # A file that failed, because of its name for example, is not missing.
        failed = {failure.name for failure in summary.failed}
        absent = _absent(target, summary.more.pop("missing", [])) - failed
        missing = [{"name": name, "row": row} for name, row, _ in _unique(named) if name in absent]
    summary.command = "migrate-media"
    summary.more |= {
        "rows": sum(each.rows for each in counted),
        "counted": [{"source": each.source, "database": each.database, "rows": each.rows} for each in counted],
        "missing": missing,
        "unknown": unknown,
        "replaced": sorted(replaced),
    }
    if delete_source and summary.failed and not dry_run:
        text = f"Nothing was deleted in the source, because {counted_words(len(summary.failed), 'file')} failed."
        summary.warnings.append(text)
        watcher.warn(text)
    elif delete_source and not dry_run:
        _delete_source(source, target, sorted(told.names), since, summary, confirm, watcher)
    summary.seconds = time.monotonic() - began
    return summary


def _clock(place: Place) -> datetime:
    """Return the present time by the clock that dates the files of a place: of a server in whole seconds."""
    if place.storage is None:
        return datetime.now(timezone.utc)
    remote = Remote(place)
    remote.objects.bucket.page(remote.prefix, remote.objects.listing_params, flat=True, limit=1)
    return moment(remote.objects)


class _Compared(Watcher):
    """Passes everything on, and notes the names whose content was compared or sent."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.names: set[str] = set()

    def expect(self, objects: int, size: int) -> None:
        self._watcher.expect(objects, size)

    def moved(self, size: int) -> None:
        self._watcher.moved(size)

    def step(self, step: Step) -> None:
        # A file that failed after it was compared once was listed again.
        (self.names.discard if step.op == "fail" else self.names.add)(step.name)
        self._watcher.step(step)

    def warn(self, text: str) -> None:
        self._watcher.warn(text)


# Rows


def _add(named: Spool[Named], column: Column, source: Place, target: Place) -> Counted:
    number = 0
    for row in column.rows():
        there = name_at_place(target, column, row.name)
        name = name_at_place(source, column, row.name) or there
        if name is not None:
            named.add((name, str(row), there is not None and isinstance(column.storage, S3Storage)))
            number += 1
    return Counted(source=str(column), rows=number, database=column.database)


def _replaced(source: Place, target: Place, named: Spool[Named], *, threads: int) -> set[str]:
    """Return the names of files that differ, and that the site has written to the target after the source."""
    live = [name for name, _, is_live in named if is_live]
    if not live:
        return set()
    plan = sync(source, target, names=live, threads=threads, dry_run=True).plan or ()
    remote, modified = Remote(target), _times(source)
    found = set()
    for step in plan:
        there = remote.target(step.name)
        info = remote.objects.bucket.find(there.key, there.params)
        if info and info.modified and info.modified.timestamp() > modified(step.name):
            found.add(step.name)
    return found


def _times(source: Place) -> Callable[[str], float]:
    """Return a function that returns when a file of the source was written, in seconds."""
    if source.storage is None:
        return lambda name: (source.local / name).stat().st_mtime
    remote = Remote(source)

    def modified(name: str) -> float:
        there = remote.target(name)
        info = remote.objects.bucket.head(there.key, there.params)
        return info.modified.timestamp() if info.modified else 0.0

    return modified


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


def _unique(named: Spool[Named]) -> Iterator[Named]:
    previous = None
    for row in named:
        if row[0] != previous:
            yield row
        previous = row[0]


# Reports


def _unknown(source: Place, wanted: Side[Named]) -> Iterator[str]:
    """Yield the names of files in the source that no row knows."""
    found = Found()
    listed: Side[Any] = Side(lambda: _listed(source, found), ordered=source.storage is None)
    with closing(listed):
        for name, known, there in merged(wanted, listed, restarted=lambda _: None):
            if there is not None and known is None:
                yield name


def _listed(source: Place, found: Found) -> Iterator[Any]:
    return Walk(root=source.local).rows(found) if source.storage is None else Remote(source).rows(found)


def _absent(target: Place, names: list[str]) -> set[str]:
    """Return those of the names that the target does not have. A run that deleted the source has moved the others."""
    remote = Remote(target)
    found: Side[Any] = Side(lambda: remote.rows(Found()), ordered=False)
    wanted: Side[tuple[str]] = Side(lambda: [(name,) for name in names], ordered=False)
    if not names:
        return set()
    with closing(found), closing(wanted):
        pairs = merged(wanted, found, restarted=lambda _: None)
        return {name for name, missing, there in pairs if missing is not None and there is None}


def texts_with(text: str) -> list[Counted]:
    """Return the columns of text and JSON whose rows contain a text, such as MEDIA_URL: they may contain URLs of files.

    Reads each of these tables in its database. A column that cannot be read has an `error`.
    """
    found = []
    if not text.strip("/"):
        return []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.local_fields:
            if isinstance(field, models.TextField | models.CharField | models.JSONField):
                source = f"{model._meta.label}.{field.name}"
                try:
                    rows = models.QuerySet(model).filter(**{f"{field.attname}__icontains": text}).count()
                except DatabaseError as error:
                    found.append(Counted(source=source, rows=0, error=str(error)))
                    continue
                if rows:
                    found.append(Counted(source=source, rows=rows))
    return found


# Deleting the source


def _delete_source(
    source: Place,
    target: Place,
    names: list[str],
    since: datetime,
    summary: Summary,
    confirm: Confirm,
    watcher: Watcher,
) -> None:
    if source.storage is not None:
        _refuse_one_bucket(source, target, names)
    if not names or not confirm(names):
        return
    if source.storage is None:
        delete, names = _from_disk(source, target, since), _smallest_first(source, names)
    else:
        delete = _from_storage(source, since)
    for name in names:
        try:
            reason = delete(name)
        except OSError as error:
            summary.failed.append(Failed.of(name, error))
            watcher.step(Step(op="fail", name=name, reason=str(error)))
            continue
        summary.deleted += not reason
        watcher.step(Step(op="keep" if reason else "delete", name=name, reason=reason or "it is in the target"))


_CHANGED = "it was changed during this run"


def _refuse_one_bucket(source: Place, target: Place, names: list[str]) -> None:
    """Raise PlaceError if the source and the target are one bucket, under two URLs of its server or two names."""
    one, other = Remote(source), Remote(target)
    if not one.objects.may_share_bucket(other.objects):
        return
    for name in names[:3]:
        here, there = one.target(name), other.target(name)
        if here.key != there.key:
            return
        found = [remote.objects.bucket.find(here.key, here.params) for remote in (one, other)]
        if found[0] and found[1] and (found[0].etag, found[0].modified) == (found[1].etag, found[1].modified):
            raise _the_same(source, target)


def _the_same(source: Place, target: Place) -> PlaceError:
    return PlaceError(
        f"The files of {str(source)!r} and {str(target)!r} are the same files: both lead to one bucket. Nothing is to "
        "be copied or deleted."
    )


def _from_disk(source: Place, target: Place, since: datetime) -> Callable[[str], str]:
    """Return a function that deletes a file. It raises PlaceError if the directory is the bucket itself, mounted.

    After the first deletion, it reads the file in the target, and puts it back if that fails.
    """
    limit, remote, tested = since.timestamp(), Remote(target), False

    def delete(name: str) -> str:
        nonlocal tested
        path = source.local / name
        status = path.lstat()
        if max(status.st_mtime, status.st_ctime) >= limit:
            return _CHANGED
        if not tested:
            with tempfile.TemporaryDirectory() as directory:
                copy = shutil.copy2(path, directory)
                path.unlink()
                try:
                    with remote.reader(name) as file:
                        while file.read(MIB):
                            pass
                except BaseException as error:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(copy, path)
                    if isinstance(error, errors.ObjectNotFoundError):
                        raise _the_same(source, target) from error
                    raise
            tested = True
            return ""
        path.unlink()
        return ""

    return delete


def _smallest_first(source: Place, names: list[str]) -> list[str]:
    """Return the names with the one that is the cheapest to put back first."""

    def size(name: str) -> float:
        try:
            return (source.local / name).lstat().st_size
        except OSError:
            return float("inf")

    smallest = min(names, key=size)
    return [smallest, *(name for name in names if name != smallest)]


def _from_storage(source: Place, since: datetime) -> Callable[[str], str]:
    remote = Remote(source)

    def delete(name: str) -> str:
        target, bucket = remote.target(name), remote.objects.bucket
        info = bucket.find(target.key, target.params)
        if info is None or info.modified is None or info.modified >= since.replace(microsecond=0):
            return _CHANGED
        (done,) = bucket.delete_listed([Deletion(key=target.key)], remote.objects.listing_params)
        if done.failure:
            raise OSError(f"{done.failure.code}: {done.failure.message}")
        return ""

    return delete
