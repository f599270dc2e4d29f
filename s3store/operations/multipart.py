"""Multipart uploads that nobody finished: their parts are invisible, and they are paid for.

AWS: "ListMultipartUploads", "AbortMultipartUpload".
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

from s3store import errors
from s3store.operations.orphans.find import moment
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.spool import Spool
from s3store.storage import S3Storage
from s3store.wire import pool
from s3store.wire.objects import Objects
from s3store.wire.open_uploads import OpenUpload

__all__ = ["WEEK", "Leftover", "abort_uploads", "find_uploads", "scan_uploads"]

WEEK = timedelta(days=7)
"""The default age from which uploads are aborted."""

THREADS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An open multipart upload of the file `name`.

    `active` is the time of its last part, or of its start if it has none, and None if the server does not say it.
    `parts` is the number of parts, and `size` their size in bytes. `initiator` is who began it, if the server says so.
    """

    name: str
    key: str
    upload_id: str
    started: datetime | None
    active: datetime | None
    parts: int
    size: int
    initiator: str | None = None


def find_uploads(
    storage: S3Storage,
    path: str = "",
    *,
    older_than: timedelta = timedelta(0),
    now: datetime | None = None,
    threads: int = THREADS,
) -> list[Leftover]:
    """Return what `scan_uploads` yields, the oldest first."""
    return sorted(scan_uploads(storage, path, older_than=older_than, now=now, threads=threads), key=age_key)


def scan_uploads(
    storage: S3Storage,
    path: str = "",
    *,
    older_than: timedelta = timedelta(0),
    now: datetime | None = None,
    threads: int = THREADS,
) -> Iterator[Leftover]:
    """Yield the open multipart uploads below a directory, in any order. Memory does not grow with their number.

    `older_than` is the time since the last part arrived: an upload of days that continues is not a leftover. Sends one
    request for 1,000 uploads, and one for each upload that began before that. Raises the error of a request that
    failed.
    """
    objects = storage.objects
    listed = objects.bucket.open_uploads(objects.prefix(path), objects.listing_params)
    for first in listed:
        # The server has said what time it is.
        limit = moment(objects, now) - older_than
        began = (
            upload
            for upload in chain([first], listed)
            if not older_than or upload.started is None or upload.started <= limit
        )
        for outcome in pool.run(partial(_looked, objects), began, threads=threads):
            if outcome.error:
                raise outcome.error
            upload = outcome.result
            # Without a time, nobody knows that it is old.
            if upload and (not older_than or (upload.active and upload.active <= limit)):
                yield upload


def age_key(upload: Leftover) -> str:
    """Return what sorts uploads by age, the oldest first, and at their end those whose age is not known."""
    time = f"{upload.active.timestamp():020.6f}" if upload.active else "~"
    return "\0".join((time, upload.key, upload.upload_id))


def abort_uploads(
    storage: S3Storage,
    uploads: Collection[Leftover] | Spool[Leftover],
    *,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Abort uploads: S3 deletes their parts. Returns what was done, in uploads and bytes.

    An upload that has received a part since it was listed stays, and so does one that was completed.
    """
    watcher, began = watcher or Watcher(), time.monotonic()
    objects = storage.objects
    summary = Summary(command="multipart", objects=len(uploads))
    watcher.expect(len(uploads), sum(upload.size for upload in uploads))
    with objects.bucket.counted() as sent:
        for outcome in pool.run(partial(_abort, objects), uploads, threads=threads):
            upload = outcome.item
            if outcome.error:
                summary.failed.append(Failed.of(upload.name, outcome.error))
                watcher.step(Step(op="fail", name=upload.name, reason=str(outcome.error)))
            elif not outcome.result:
                summary.skipped += 1
                watcher.step(Step(op="keep", name=upload.name, reason="it has continued or ended since it was listed"))
            else:
                summary.deleted += 1
                summary.size += upload.size
                watcher.moved(upload.size)
                watcher.step(Step(op="abort", name=upload.name, size=upload.size))
    summary.requests, summary.seconds = len(sent), time.monotonic() - began
    return summary


def _looked(objects: Objects, upload: OpenUpload) -> Leftover | None:
    """Return an upload with its parts, or None if it has ended meanwhile."""
    try:
        parts = objects.bucket.list_parts(upload.key, upload.upload_id, objects.target_at(upload.key).params)
    except errors.ObjectNotFoundError:
        return None
    # SeaweedFS lists a part that was sent again twice.
    last = {part.number: part for part in parts}
    times = [upload.started, *(part.modified for part in parts)]
    return Leftover(
        name=objects.name(upload.key) or upload.key,
        key=upload.key,
        upload_id=upload.upload_id,
        started=upload.started,
        active=max((time for time in times if time), default=None),
        parts=len(last),
        size=sum(part.size or 0 for part in last.values()),
        initiator=upload.initiator,
    )


def _abort(objects: Objects, upload: Leftover) -> bool:
    """Abort an upload if it is as it was listed, and return whether it was."""
    known = OpenUpload(key=upload.key, upload_id=upload.upload_id, started=upload.started, initiator=upload.initiator)
    if _looked(objects, known) != upload:
        return False
    try:
        objects.bucket.abort_upload(upload.key, upload.upload_id, objects.target_at(upload.key).params)
    except errors.ObjectNotFoundError:
        return False
    return True
