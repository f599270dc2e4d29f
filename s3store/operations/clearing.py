"""Deletes files of a source that were compared with their copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from s3store.operations.places import Place
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.spool import Spool
from s3store.operations.sync.remote import Remote
from s3store.wire.deleting import Deletion


class Names:
    """The names whose last step in a run was not a failure, sorted. They are not in memory.

    A file that failed after it was compared once was listed again.
    """

    def __init__(self, steps: Spool[tuple[str, bool]]) -> None:
        self._steps = steps
        self._count = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for name, steps in groupby(self._steps, key=itemgetter(0)):
            *_, (_, is_done) = steps
            if is_done:
                yield name


Confirm = Callable[[Names], bool]


def delete_source(
    source: Place, names: Names, since: datetime, summary: Summary, confirm: Confirm, watcher: Watcher
) -> None:
    """Delete files of a source that have not changed since a moment, after a question, and note them in the summary."""
    delete = from_disk(source, since) if source.storage is None else from_storage(source, since)
    if not len(names) or not confirm(names):
        return
    for name in names:
        try:
            reason = delete(name)
        except OSError as error:
            summary.failed.append(Failed.of(name, error))
            watcher.step(Step(op="fail", name=name, reason=str(error)))
            continue
        summary.deleted += not reason
        watcher.step(Step(op="keep" if reason else "delete", name=name, reason=reason or "it is in the target"))


CHANGED = "it was changed during this run"


def from_disk(source: Place, since: datetime) -> Callable[[str], str]:
    """Return the function that deletes a file, and returns why it stays."""
    limit = since.timestamp()

    def delete(name: str) -> str:
        path = source.local / name
        status = path.lstat()
        if max(status.st_mtime, status.st_ctime) >= limit:
            return CHANGED
        path.unlink()
        return ""

    return delete


def from_storage(source: Place, since: datetime) -> Callable[[str], str]:
    """Return the function that deletes a file, and returns why it stays."""
    remote = Remote(source)

    def delete(name: str) -> str:
        target, bucket = remote.target(name), remote.objects.bucket
        info = bucket.find(target.key, target.params)
        if info is None or info.modified is None or info.modified >= since.replace(microsecond=0):
            return CHANGED
        (done,) = bucket.delete_listed([Deletion(key=target.key)], remote.objects.listing_params)
        if done.failure:
            raise OSError(f"{done.failure.code}: {done.failure.message}")
        return ""

    return delete
