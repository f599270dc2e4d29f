"""Deletes files of a source that were compared with their copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter

from s3store import errors
from s3store.operations.mounts import Mounts, SameFileError
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.spool import Spool
from s3store.operations.sync.remote import Remote
from s3store.wire.copies import same_etag

Noted = tuple[str, bool, str]
"""A name, whether the step was not a failure, and the ETag of the source if a server has listed one."""


class Names:
    """The names whose last step in a run was not a failure, sorted. They are not in memory.

    A file that failed after it was compared once was listed again.
    """

    def __init__(self, steps: Spool[Noted]) -> None:
        self._steps = steps
        self._count = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.etags())

    def etags(self) -> Iterator[tuple[str, str]]:
        """Yield the names with the ETags of what was compared."""
        for name, steps in groupby(self._steps, key=itemgetter(0)):
            *_, (_, is_done, etag) = steps
            if is_done:
                yield name, etag


Confirm = Callable[[Names], bool]


def delete_source(
    source: Place,
    target: Place,
    names: Names,
    since: datetime,
    summary: Summary,
    confirm: Confirm,
    watcher: Watcher,
) -> None:
    """Delete files of a source that have not changed since a moment, after a question, and note them in the summary.

    Raises PlaceError, with all files there, if the source and the target are one bucket.
    """
    if source.storage is not None:
        refuse_one_bucket(source, target, names)
    if not len(names) or not confirm(names):
        return
    delete = from_disk(source, target, since) if source.storage is None else from_storage(source, since)
    for name, etag in names.etags():
        try:
            reason = delete(name, etag)
        except OSError as error:
            summary.failed.append(Failed.of(name, error))
            watcher.step(Step(op="fail", name=name, reason=str(error)))
            continue
        summary.deleted += not reason
        watcher.step(Step(op="keep" if reason else "delete", name=name, reason=reason or "it is in the target"))


CHANGED = "it was changed during this run"


def refuse_one_bucket(source: Place, target: Place, names: Iterable[str]) -> None:
    """Raise PlaceError if the source and the target are one bucket, under two URLs of its server or two names."""
    one, other = Remote(source), Remote(target)
    if not one.objects.may_share_bucket(other.objects):
        return
    for name in islice(names, 3):
        here, there = one.target(name), other.target(name)
        if here.key != there.key:
            return
        found = [remote.objects.bucket.find(here.key, here.params) for remote in (one, other)]
        if found[0] and found[1] and (found[0].etag, found[0].modified) == (found[1].etag, found[1].modified):
            raise the_same(source, target)


def the_same(source: Place, target: Place) -> PlaceError:
    """Return the error for two places that are one bucket."""
    return PlaceError(
        f"The files of {str(source)!r} and {str(target)!r} are the same files: both lead to one bucket. Nothing is to "
        "be copied or deleted."
    )


def from_disk(source: Place, target: Place, since: datetime) -> Callable[[str, str], str]:
    """Return the function that deletes a file, and returns why it stays. It is called as that of `from_storage`.

    It raises PlaceError if the directory is the bucket itself, mounted: with all files there.
    """
    limit, remote, mounts = since.timestamp(), Remote(target), Mounts()

    def delete(name: str, _: str) -> str:
        path = source.local / name
        status = path.lstat()
        if max(status.st_mtime, status.st_ctime) >= limit:
            return CHANGED
        try:
            mounts.refuse_same(path, remote.objects, remote.target(name))
        except SameFileError as error:
            raise the_same(source, target) from error
        path.unlink()
        return ""

    return delete


def from_storage(source: Place, since: datetime) -> Callable[[str, str], str]:
    """Return the function that deletes a file, and returns why it stays.

    Its arguments are a name, and the ETag of what was compared, or "" if no server has listed one. The time is not
    enough: AWS dates an upload in parts by its start.
    """
    remote = Remote(source)

    def delete(name: str, etag: str) -> str:
        target, bucket = remote.target(name), remote.objects.bucket
        info = bucket.find(target.key, target.params)
        if info is None or info.modified is None or info.modified >= since.replace(microsecond=0):
            return CHANGED
        if etag and not same_etag(etag, info.etag):
            return CHANGED
        try:
            bucket.delete(target.key, target.params, etag=info.etag)
        except errors.ObjectChangedError:
            return CHANGED
        return ""

    return delete
