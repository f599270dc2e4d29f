"""Brings back files that were deleted or replaced in a bucket that keeps versions.

AWS: "Restoring previous versions", "Working with delete markers".
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from itertools import groupby

from s3store import errors
from s3store.core.globs import Filter
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.spool import Spool
from s3store.storage import S3Storage
from s3store.uploads.service import INCOMING
from s3store.wire import pool
from s3store.wire.copying import copy_version
from s3store.wire.deleting import Deletion, Version
from s3store.wire.objects import Objects
from s3store.wire.settings import NONE, SET

__all__ = ["Restorable", "find_versions", "restore_versions", "scan_versions"]

THREADS = 32

_EVER = datetime.min.replace(tzinfo=timezone.utc)


class ChangedError(Exception):
    """A file has changed since it was decided what to restore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorable:
    """A file to restore: `version_id` is the version that it had, of `size` bytes, written at `modified`.

    `markers` are the delete markers that hide the version. They are deleted. If it is empty, newer versions exist, and
    the version is copied over the newest one.
    """

    name: str
    key: str
    version_id: str
    size: int
    modified: datetime | None
    markers: tuple[str, ...] = ()


def find_versions(
    storage: S3Storage,
    path: str = "",
    *,
    at: datetime | None = None,
    rules: Filter = Filter(),  # noqa: B008 (immutable)
) -> list[Restorable]:
    """Return what `scan_versions` yields."""
    return list(scan_versions(storage, path, at=at, rules=rules))


def scan_versions(
    storage: S3Storage,
    path: str = "",
    *,
    at: datetime | None = None,
    rules: Filter = Filter(),  # noqa: B008 (immutable)
) -> Iterator[Restorable]:
    """Yield the files below a directory, or the file `path`, that can be restored, by name.

    With `at`, those that existed at that time and are another version or deleted now. Without, those that are deleted
    now. Direct uploads, and what s3store keeps for itself, are left out. Files that came later are not among them.
    Sends one request for 1,000 versions. Raises ValueError for a time without a time zone.
    """
    if at is not None and at.tzinfo is None:
        raise ValueError("at must have a time zone.")
    objects = storage.objects
    prefix = objects.prefix(path)
    with Spool[Version](key=_key_of) as spool:
        for version in objects.bucket.versions(prefix.rstrip("/") if path else prefix, objects.listing_params):
            # The prefix is that of a file too: names that only begin in the same way are others.
            if not path or version.key.startswith(prefix) or version.key == prefix.rstrip("/"):
                spool.add(version)
        for key, versions in groupby(spool, key=_key_of):
            name = objects.name(key)
            if name is None or name.endswith("/") or is_own(name, path) or not rules.takes(name):
                continue
            if restorable := _decided(name, versions, at):
                yield restorable


def keeps_versions(storage: S3Storage) -> bool | None:
    """Return whether the bucket keeps what is deleted or replaced, or None if it did so once: one request.

    Where the server does not say, it may.
    """
    try:
        found = storage.objects.bucket.settings.read("versioning")
    except NotImplementedError:  # the development twin
        return False
    if found.state == SET:
        return found.value["Status"] == "Enabled" or None
    return found.state != NONE


def restore_versions(
    storage: S3Storage,
    found: Collection[Restorable] | Spool[Restorable],
    *,
    at: datetime | None = None,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Restore files, and return what was done. `at` is that of `find_versions`.

    No version is deleted, only delete markers. A file that has changed since it was found is a failure. A copy keeps
    the headers and the metadata of the version, and gets the default ACL of the storage. Sends two requests for each
    file.
    """
    watcher, began = watcher or Watcher(), time.monotonic()
    objects = storage.objects
    summary = Summary(command="restore", objects=len(found))
    watcher.expect(len(found), sum(each.size for each in found))
    with objects.bucket.counted() as sent:
        for outcome in pool.run(partial(_restore, objects, at), found, threads=threads):
            each = outcome.item
            if outcome.error:
                summary.failed.append(Failed.of(each.name, outcome.error))
                watcher.step(Step(op="fail", name=each.name, reason=str(outcome.error)))
            else:
                summary.sent += 1
                summary.size += each.size
                watcher.moved(each.size)
                watcher.step(step_of(each))
    summary.failed.sort(key=lambda failed: failed.name)
    summary.requests, summary.seconds = len(sent), time.monotonic() - began
    return summary


def step_of(each: Restorable) -> Step:
    """Return the step that restores a file."""
    what = "delete its delete marker" if each.markers else f"copy version {each.version_id}"
    return Step(op="restore", name=each.name, size=each.size, reason=what)


def _restore(objects: Objects, at: datetime | None, each: Restorable) -> None:
    versions = objects.bucket.versions(each.key, objects.listing_params)
    if _decided(each.name, [version for version in versions if version.key == each.key], at) != each:
        raise ChangedError("the file has changed since it was listed. Run the command again.")
    if each.markers:
        # The oldest first: after the latest one, SeaweedFS takes the marker below it for the latest version.
        wanted = [Deletion(key=each.key, version_id=marker) for marker in reversed(each.markers)]
        for done in objects.bucket.delete_listed(wanted, objects.listing_params):
            if done.failure:
                raise errors.S3StoreError(done.failure.message, code=done.failure.code)
    else:
        copy_version(objects, each.key, each.version_id, objects.target_at(each.key), size=each.size)


def _decided(name: str, versions: Iterable[Version], at: datetime | None) -> Restorable | None:
    """Return what restores a file, of all its versions, or None if it is as it was."""
    # boto3 tells versions and markers apart from each other, so that only times order them. Of one second, a marker is
    # taken for the later one.
    newest = sorted(versions, key=_age, reverse=True)
    if at is None:
        newer = list(_leading_markers(newest))
        wanted = newest[len(newer)] if newer and len(newest) > len(newer) else None
    else:
        newer = [version for version in newest if (version.modified or _EVER) > at]
        wanted = next((version for version in newest if version not in newer), None)
    if wanted is None or wanted.is_marker or not newer:
        return None
    markers = tuple(version.version_id for version in newer) if all(version.is_marker for version in newer) else ()
    return Restorable(
        name=name,
        key=wanted.key,
        version_id=wanted.version_id,
        size=wanted.size,
        modified=wanted.modified,
        markers=markers,
    )


def _age(version: Version) -> tuple[bool, datetime, bool]:
    return version.is_latest, version.modified or _EVER, version.is_marker


def _leading_markers(versions: Sequence[Version]) -> Iterator[Version]:
    for version in versions:
        if not version.is_marker:
            return
        yield version


def is_own(name: str, path: str) -> bool:
    """Return whether a file is a direct upload or belongs to s3store itself, and `path` is not there."""
    own = (f"{INCOMING}/", ".s3store/")
    return not f"{path}/".startswith(own) and (name.startswith(own[0]) or f"/{own[1]}" in f"/{name}")


def _key_of(version: Version) -> str:
    return version.key
