"""Direct uploads that nobody used: files and parts that stay below the directory `incoming/` of a storage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from s3store.operations.multipart import Leftover, age_key, scan_uploads
from s3store.operations.orphans.find import UPLOAD, Orphans, fill
from s3store.operations.reports import Watcher
from s3store.storage import S3Storage
from s3store.uploads.service import INCOMING
from s3store.uploads.tokens import RENEW_SECONDS

__all__ = ["DAYS", "LIFETIME", "expired_files", "expired_parts", "scan_parts"]

LIFETIME = timedelta(seconds=RENEW_SECONDS)
"""How long a direct upload can be continued and used: two days."""

DAYS = timedelta(days=3)
"""The default age from which direct uploads are deleted."""


def expired_files(
    storage: S3Storage,
    *,
    older_than: timedelta = DAYS,
    now: datetime | None = None,
    watcher: Watcher | None = None,
) -> Orphans:
    """Return direct uploads that arrived `older_than` ago, and that no row names: for `delete_orphans`.

    Only files with the names of direct uploads are among them. Sends one request for 1,000 files.
    """
    found = Orphans(storage=storage, wire=storage.objects)

    def takes(name: str, _: str) -> bool:
        return bool(UPLOAD.fullmatch(name))

    fill(found, INCOMING, takes, older_than=older_than, now=now, watcher=watcher or Watcher())
    found.doubts += [str(counted.error) for counted in found.counted if counted.error]
    return found


def expired_parts(
    storage: S3Storage, *, older_than: timedelta = DAYS, now: datetime | None = None, threads: int = 1
) -> list[Leftover]:
    """Return what `scan_parts` yields, the oldest first."""
    return sorted(scan_parts(storage, older_than=older_than, now=now, threads=threads), key=age_key)


def scan_parts(
    storage: S3Storage, *, older_than: timedelta = DAYS, now: datetime | None = None, threads: int = 1
) -> Iterator[Leftover]:
    """Yield large direct uploads whose last part arrived `older_than` ago, in any order: for `abort_uploads`."""
    return scan_uploads(storage, INCOMING, older_than=older_than, now=now, threads=threads)
