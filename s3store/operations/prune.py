"""Old releases of static files: what only manifests before the last releases name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin

from s3store import errors
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.operations.orphans.find import moment
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.staticfiles.releases import Releases
from s3store.storage import S3StaticStorage
from s3store.wire.deleting import Deleted, Deletion
from s3store.wire.objects import Objects

__all__ = ["Outdated", "find_outdated", "prune"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A file, or the copy of a manifest, that only old releases need. `size` is in bytes."""

    name: str
    key: str
    size: int
    is_manifest: bool = False


def find_outdated(storage: S3StaticStorage, releases: int, *, now: datetime | None = None) -> list[Outdated]:
    """Return the hashed files that are not used by any of the last `releases` releases, and then their manifests.

    The manifest in the storage is that of the first of these releases. Files younger than an hour are not among them.
    Raises ValueError for a storage without a manifest, or for less than one release.
    """
    objects = storage.objects
    if releases < 1:
        raise ValueError("Keep 1 release or more.")
    if not isinstance(storage, ManifestFilesMixin):
        raise ValueError("Releases are known by their manifests: the storage must be an S3ManifestStaticStorage.")
    manifested: Any = storage
    paths, _ = manifested.load_manifest()
    if not paths:
        raise ValueError("The storage has no manifest, so the files in use are not known. Run collectstatic.")
    current = {*paths, *paths.values()}
    known = Releases(storage, objects, paths, current, now=moment(objects, now))
    prunable = known.prunable(releases)
    found = [
        Outdated(
            name=objects.name(info.key) or info.key,
            key=info.key,
            size=info.size,
            is_manifest=known.concerns(info.key),
        )
        for page in objects.bucket.pages(objects.prefix(""), objects.listing_params, flat=False)
        for info in page.objects
        if info.key in prunable and known.is_old(info)
    ]
    return sorted(found, key=lambda one: (one.is_manifest, one.key))


def prune(storage: S3StaticStorage, outdated: Sequence[Outdated], *, watcher: Watcher | None = None) -> Summary:
    """Delete files, 1,000 in a request, and then the manifests that name them.

    The manifests stay if a file could not be deleted: without them, no later run would find it.
    """
    watcher, began = watcher or Watcher(), time.monotonic()
    objects = storage.objects
    summary = Summary(command="prune", objects=len(outdated))
    watcher.expect(len(outdated), sum(found.size for found in outdated))
    with objects.bucket.counted() as sent:
        for group in (False, True):
            chosen = [found for found in outdated if found.is_manifest == group]
            for start in range(0, 0 if summary.failed else len(chosen), MAX_DELETE_KEYS):
                _delete(objects, chosen[start : start + MAX_DELETE_KEYS], summary, watcher)
    summary.requests, summary.seconds = len(sent), time.monotonic() - began
    return summary


def _delete(objects: Objects, batch: Sequence[Outdated], summary: Summary, watcher: Watcher) -> None:
    by_key = {found.key: found for found in batch}
    wanted = [Deletion(key=key) for key in by_key]
    try:
        outcomes = objects.bucket.delete_listed(wanted, objects.listing_params)
    except errors.S3StoreError as error:
        outcomes = [Deleted.failed(deletion, error) for deletion in wanted]
    for done in outcomes:
        found = by_key[done.deletion.key]
        if done.failure:
            summary.failed.append(Failed(name=found.name, code=done.failure.code, why=done.failure.message))
            watcher.step(Step(op="fail", name=found.name, reason=done.failure.message))
        else:
            summary.deleted += 1
            summary.size += found.size
            watcher.step(Step(op="delete", name=found.name, size=found.size))
