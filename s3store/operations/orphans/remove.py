"""Deletes orphans, or moves them to another place. Each row is looked up once more just before the file goes."""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from s3store import errors
from s3store.core.info import ObjectInfo
from s3store.operations.orphans.find import Orphan, Orphans, without_references
from s3store.operations.orphans.targets import target_of
from s3store.operations.places import Place
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.rows import columns, name_at
from s3store.wire import pool
from s3store.wire.conditions import conditions_of
from s3store.wire.deleting import Deleted, Deletion

BATCH = 250
"""The number of files between two look-ups. A row that is committed after the look-up of its file comes too late."""

THREADS = 32


def delete_orphans(found: Orphans, *, threads: int = THREADS, watcher: Watcher | None = None) -> Summary:
    """Delete orphans, and return what was done. 250 files in a request.

    A file stays if a row or `S3STORE_REFERENCES` names it by now, or if it is not the one that was listed. Servers that
    ignore the condition of a delete cost a HEAD request more for each file. Raises RowsError if a table cannot be read
    that could be read before.
    """
    return _Removal(found, threads, watcher or Watcher()).run("deleted", lambda _: None)


def move_orphans(found: Orphans, target: Place, *, threads: int = THREADS, watcher: Watcher | None = None) -> Summary:
    """Move orphans below a directory, and return what was done. Files there are never replaced.

    Inside a bucket, S3 copies them. They are deleted as `delete_orphans` deletes, once the copy is complete. Raises
    PlaceError for a place in which orphans are looked for: the next run would find them there.
    """
    return _Removal(found, threads, watcher or Watcher()).run("sent", target_of(found, target))


class _Removal:
    """One run. All its steps are told by the caller's thread."""

    def __init__(self, found: Orphans, threads: int, watcher: Watcher) -> None:
        self._found = found
        self._objects = found.wire
        self._bucket = found.wire.bucket
        self._threads = threads
        self._watcher = watcher
        self._unread = {counted.source for counted in found.counted if counted.error}
        self._summary = Summary(command="orphans")

    def run(self, counter: str, keep: Callable[[Orphan], None]) -> Summary:
        """Call `keep` for each orphan, and then delete it."""
        began, summary = time.monotonic(), self._summary
        with self._bucket.counted() as sent:
            self._watcher.expect(self._found.count, self._found.size)
            probe = self._objects.target(f".s3store/probe/{secrets.token_hex(8)}")
            pinned = conditions_of(self._bucket, probe.key, probe.params).delete
            left = self._still_unused()
            while batch := list(islice(left, BATCH)):
                self._remove(batch, keep, pinned=pinned, op="delete" if counter == "deleted" else "move")
        summary.sent = summary.deleted if counter == "sent" else 0
        summary.objects, summary.requests, summary.seconds = self._found.count, len(sent), time.monotonic() - began
        return summary

    def _still_unused(self) -> Iterator[Orphan]:
        """Yield the orphans that the references, read once more, do not name."""
        for orphan, is_used in without_references(self._found):
            if is_used:
                self._keep(orphan, "it is in use now")
            else:
                yield orphan

    def _remove(self, batch: Sequence[Orphan], keep: Callable[[Orphan], None], *, pinned: bool, op: str) -> None:
        kept = []
        for outcome in pool.run(keep, self._unused(batch), threads=self._threads):
            if outcome.error:
                self._fail(Failed.of(outcome.item.name, outcome.error))
            else:
                kept.append(outcome.item)
        unchanged = kept if pinned else self._unchanged(kept)
        ordered = sorted(self._unused(unchanged), key=lambda orphan: orphan.name)
        wanted = {self._objects.key(orphan.name): orphan for orphan in ordered}
        deletions = [Deletion(key=key, etag=orphan.etag if pinned else None) for key, orphan in wanted.items()]
        for done in self._deleted(deletions):
            orphan = wanted[done.deletion.key]
            if done.failure is None:
                self._summary.deleted += 1
                self._summary.size += orphan.size
                self._watcher.moved(orphan.size)
                self._watcher.step(Step(op=op, name=orphan.name, size=orphan.size))
            elif done.failure.code == "PreconditionFailed":
                self._keep(orphan, "it was replaced")
            else:
                self._fail(Failed(name=orphan.name, code=done.failure.code, why=done.failure.message))

    def _deleted(self, wanted: Sequence[Deletion]) -> Sequence[Deleted]:
        """Delete objects, and return the outcomes: failures of all of them if the request fails."""
        if not wanted:
            return []
        try:
            return self._bucket.delete_listed(wanted, self._objects.listing_params)
        except errors.S3StoreError as error:
            return [Deleted.failed(deletion, error) for deletion in wanted]

    def _unused(self, batch: Sequence[Orphan]) -> list[Orphan]:
        """Return the orphans that no row names now, in whatever form of Unicode."""
        keys = {form: orphan for orphan in batch for form in self._forms(orphan)}
        used: set[str] = set()
        for column in columns():
            if str(column) in self._unread:
                continue
            exact = {name: key for key in keys if (name := name_at(self._objects, column, key)) is not None}
            names = exact | {f"/{name}": key for name, key in exact.items()}
            used |= {keys[names[name]].name for name in (column.named(names) if names else ())}
        for orphan in batch:
            if orphan.name in used:
                self._keep(orphan, "a row names it now")
        return [orphan for orphan in batch if orphan.name not in used]

    def _forms(self, orphan: Orphan) -> set[str]:
        forms = {orphan.name, *(unicodedata.normalize(form, orphan.name) for form in ("NFC", "NFD"))}
        return {self._objects.key(name) for name in forms}

    def _unchanged(self, batch: Sequence[Orphan]) -> list[Orphan]:
        """Return the orphans that are still the objects that were listed: a request each."""

        def look(orphan: Orphan) -> ObjectInfo | None:
            target = self._objects.target(orphan.name)
            return self._bucket.find(target.key, target.params)

        found = []
        for outcome in pool.run(look, batch, threads=self._threads):
            if outcome.error:
                self._fail(Failed.of(outcome.item.name, outcome.error))
            elif outcome.result and _bare(outcome.result.etag) == _bare(outcome.item.etag):
                found.append(outcome.item)
            else:
                self._keep(outcome.item, "it was replaced")
        return found

    def _keep(self, orphan: Orphan, reason: str) -> None:
        self._summary.skipped += 1
        self._watcher.step(Step(op="keep", name=orphan.name, size=orphan.size, reason=reason))

    def _fail(self, failed: Failed) -> None:
        self._summary.failed.append(failed)
        self._watcher.step(Step(op="fail", name=failed.name, reason=failed.why))


def _bare(etag: str | None) -> str:
    """Return an ETag without its quotes: listings of some servers have none."""
    return (etag or "").strip('"')
