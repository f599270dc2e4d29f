"""Moves the files of all rows from one place to another, and reports what rows and files do not have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from django.apps import apps
from django.db import DatabaseError, models

from s3store.operations import clearing
from s3store.operations.clearing import Confirm, Noted
from s3store.operations.command import counted as counted_words
from s3store.operations.command import counting
from s3store.operations.named import Named, name_at_place, refused_at, unique
from s3store.operations.orphans.find import Counted, moment
from s3store.operations.places import Place, PlaceError
from s3store.operations.renames import Renames
from s3store.operations.reports import Step, Summary, Watcher
from s3store.operations.rows import Column, columns
from s3store.operations.spool import Side, Spool, merged
from s3store.operations.sync import sync
from s3store.operations.sync.local import Walk
from s3store.operations.sync.names import NameRefusedError, check_for_storage
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found
from s3store.storage import S3Storage

__all__ = ["migrate_media", "texts_with"]

THREADS = 32


def migrate_media(
    source: Place,
    target: Place,
    *,
    verify: bool = False,
    rewrite_names: bool = False,
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
    With `rewrite_names`, files whose names the target refuses get names that it accepts: the file appears under the new
    name in the source, is copied and compared, and then all rows that name it are changed in one transaction. Without
    it, they are failures. `renamed` lists them: `name`, `to` and `rows`, the number of rows.
    `replaced` are files that differ because the site has replaced them in the target, after the settings were
    switched: the newer file stays. Raises RowsError if a table cannot be read, PlaceError, and the errors of `sync`.
    """
    if target.storage is None:
        raise PlaceError("The target must be a storage: ALIAS:path.")
    watcher, began = watcher or Watcher(), time.monotonic()
    with ExitStack() as stack:
        storages = [place.storage for place in (source, target) if place.storage is not None]
        requests = stack.enter_context(counting(storage.objects.bucket for storage in storages))
        # A file that is written after this moment is not deleted, whatever was compared.
        since = _clock(source)
        steps = stack.enter_context(Spool[Noted]()) if delete_source and not dry_run else None
        told = _Compared(watcher, steps)
        named = stack.enter_context(Spool[Named]())
        renames = stack.enter_context(Renames(source, target)) if rewrite_names else None
        counted = [_add(named, column, source, target, renames) for column in columns()]
        renamed = renames.run(named, dry_run=dry_run, threads=threads, watcher=watcher) if renames else None
        with closing(Side[Named](lambda: unique(named))) as wanted:
            replaced = _replaced(source, target, named, threads=threads, watcher=watcher)
            summary = sync(
                source,
                target,
                names=(name for name, _, _ in unique(named) if name not in replaced),
                verify=verify or delete_source,
                bandwidth=bandwidth,
                threads=threads,
                dry_run=dry_run,
                watcher=told,
            )
            refused = _refused_and_unknown(summary, named)
            told.release(refused)
            unknown = [*_unknown(source, wanted), *refused]
        if renamed:
            unknown = [name for name in unknown if name not in renamed.old]
        summary.command = "migrate-media"
        missing = _missing(target, summary, named)
        if renamed:
            renamed.add_to(summary)
        summary.more |= {
            "rows": sum(each.rows for each in counted),
            "counted": [{"source": each.source, "database": each.database, "rows": each.rows} for each in counted],
            "missing": missing,
            "unknown": sorted(unknown),
            "replaced": sorted(replaced),
        }
        if steps is not None and _may_delete(summary, watcher):
            clearing.delete_source(source, target, clearing.Names(steps), since, summary, confirm, watcher)
        summary.requests = sum(map(len, requests))
    summary.seconds = time.monotonic() - began
    return summary


def _clock(place: Place) -> datetime:
    """Return the present time by the clock that dates the files of a place: of a server in whole seconds."""
    if place.storage is None:
        return datetime.now(timezone.utc)
    remote = Remote(place)
    remote.objects.bucket.page(remote.prefix, remote.objects.listing_params, flat=True, limit=1)
    return moment(remote.objects)


def _may_delete(summary: Summary, watcher: Watcher) -> bool:
    """Return whether no file failed. If one did, a warning says that nothing is deleted."""
    if not summary.failed:
        return True
    text = f"Nothing was deleted in the source, because {counted_words(len(summary.failed), 'file')} failed."
    summary.warnings.append(text)
    watcher.warn(text)
    return False


class _Compared(Watcher):
    """Passes everything on, and notes the names whose content was compared or sent, outside memory.

    Failures of names that the target refuses wait for `release`: a file that no row names is only unknown.
    """

    def __init__(self, watcher: Watcher, steps: Spool[Noted] | None) -> None:
        self._watcher = watcher
        self._steps = steps
        self._held: list[Step] = []

    def expect(self, objects: int, size: int) -> None:
        self._watcher.expect(objects, size)

    def moved(self, size: int) -> None:
        self._watcher.moved(size)

    def step(self, step: Step) -> None:
        if self._steps is not None:
            self._steps.add((step.name, step.op != "fail", step.etag))
        if step.op == "fail" and _is_refused(step.name):
            self._held.append(step)
        else:
            self._watcher.step(step)

    def release(self, unknown: Collection[str]) -> None:
        """Pass on what has waited, where `unknown` are the names that no row has."""
        for step in self._held:
            self._watcher.step(replace(step, op="unknown") if step.name in unknown else step)
        self._held.clear()

    def warn(self, text: str) -> None:
        self._watcher.warn(text)


def _is_refused(name: str) -> bool:
    try:
        check_for_storage(name)
    except NameRefusedError:
        return True
    # The key of a folder that has content.
    return name.endswith("/")


# Rows


def _add(named: Spool[Named], column: Column, source: Place, target: Place, renames: Renames | None) -> Counted:
    number = 0
    for row in column.rows():
        there = name_at_place(target, column, row.name)
        name = name_at_place(source, column, row.name) or there or refused_at(target, column, row.name)
        if name is None:
            continue
        number += 1
        if renames is None or not renames.take(column, row, name):
            named.add((name, str(row), there is not None and isinstance(column.storage, S3Storage)))
    return Counted(source=str(column), rows=number, database=column.database)


def _replaced(source: Place, target: Place, named: Spool[Named], *, threads: int, watcher: Watcher) -> set[str]:
    """Return the names of files that differ, and that the site has written to the target after the source."""
    if not any(is_live for _, _, is_live in named):
        return set()
    live = (name for name, _, is_live in named if is_live)
    plan = sync(source, target, names=live, threads=threads, dry_run=True).plan or ()
    remote, modified = Remote(target), _times(source)
    found = set()
    for step in plan:
        there = remote.target(step.name)
        info = remote.objects.bucket.find(there.key, there.params)
        if info and info.modified and info.modified.timestamp() > modified(step.name):
            found.add(step.name)
    for name in sorted(found):
        watcher.warn(f"'{name}' was replaced in the target since the switch, so the file there stays.")
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


# Reports


def _unknown(source: Place, wanted: Side[Named]) -> Iterator[str]:
    """Yield the names of files in the source that no row knows."""
    found = Found()
    listed: Side[Any] = Side(lambda: _listed(source, found), ordered=source.storage is None)
    with closing(listed):
        for name, known, there in merged(wanted, listed, restarted=lambda _: None):
            if there is not None and known is None:
                yield name


def _refused_and_unknown(summary: Summary, named: Spool[Named]) -> set[str]:
    """Remove the failures of files that no row names, and return their names: the target need not have them."""
    failed = {each.name for each in summary.failed if each.code == NameRefusedError.code}
    unknown = failed - {name for name, _, _ in unique(named) if name in failed} if failed else failed
    summary.failed = [each for each in summary.failed if each.name not in unknown]
    return unknown


def _listed(source: Place, found: Found) -> Iterator[Any]:
    return Walk(root=source.local).rows(found) if source.storage is None else Remote(source).rows(found)


def _missing(target: Place, summary: Summary, named: Spool[Named]) -> list[dict[str, str]]:
    """Return the names that neither place has, each with a row, of those that the source lacks."""
    # A file that failed, because of its name for example, is not missing.
    failed = {failure.name for failure in summary.failed}
    absent = _absent(target, summary.more.pop("missing", [])) - failed
    return [{"name": name, "row": row} for name, row, _ in unique(named) if name in absent]


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
