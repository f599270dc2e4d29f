"""The releases in a bucket: the manifest, a copy of each release's manifest, and the files that only old ones name."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from s3store.core.info import ObjectInfo
from s3store.staticfiles.manifest import Manifested
from s3store.wire.objects import Objects

GRACE = timedelta(hours=1)
"""The minimum age of a file that is pruned: another deployment may have sent it, and not yet its manifest."""


class Releases:
    """The releases of a storage. `history` names the copy of the current release's manifest."""

    def __init__(self, storage: Manifested, objects: Objects, history: str, *, now: datetime) -> None:
        self._storage = storage
        self._objects = objects
        self._now = now
        self.copy = objects.key(history)
        self.in_bucket = storage.manifest_storage is storage
        self._manifest = objects.key(storage.manifest_name)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the current release's manifest: the copy, and the manifest itself if it is in the bucket."""
        return (self.copy, self._manifest) if self.in_bucket else (self.copy,)

    def is_latest(self, there: Mapping[str, ObjectInfo]) -> bool:
        """Return whether no copy is newer. A release can be published again, after another one."""
        return self.copy in there and self._copies(there)[0].modified == there[self.copy].modified

    def replace_elsewhere(self, content: bytes) -> None:
        """Write a manifest that is not in the bucket, if it differs."""
        if not self.in_bucket and self._storage.read_manifest() != content.decode():
            self._storage.write_manifest(content)

    def remember(self, content: bytes) -> None:
        """Let the storage use the manifest that was published."""
        stored = json.loads(content)
        self._storage.hashed_files, self._storage.manifest_hash = stored["paths"], stored["hash"]

    def outdated(self, there: Mapping[str, ObjectInfo], releases: int, own: Collection[str]) -> Iterator[str]:
        """Yield the keys of hashed files and of manifests that are not used by any of the last releases.

        `own` are the keys of the current release's files. Reads the manifests of the others.
        """
        storage, objects = self._storage, self._objects
        history = [info for info in self._copies(there) if info.key != self.copy]
        recent = [info.key for number, info in enumerate(history) if number < releases - 1 or not self._is_old(info)]
        paths_kept = [json.loads(storage.read_bytes(objects.name(key) or ""))["paths"] for key in recent]
        if len(recent) < releases - 1:
            # The previous release may be from a program that keeps no copies.
            paths, _ = storage.load_manifest()
            paths_kept.append(paths)
        kept = {*recent, *own, *self.keys}
        for paths in paths_kept:
            kept |= {objects.key(name) for name in (*paths, *paths.values())}
        copies = {info.key for info in history}
        for key, info in there.items():
            if key not in kept and self._is_old(info) and (key in copies or storage.is_hashed(key)):
                yield key

    def _copies(self, there: Mapping[str, ObjectInfo]) -> list[ObjectInfo]:
        """Return the copies of manifests, the latest first."""
        stem, after = posixpath.splitext(self._manifest)
        before = f"{stem}."
        copies = [
            info
            for key, info in there.items()
            if key != self._manifest
            and key.startswith(before)
            and key.endswith(after)
            and "/" not in key[len(before) :]
        ]
        return sorted(copies, key=lambda info: info.modified or self._now, reverse=True)

    def _is_old(self, info: ObjectInfo) -> bool:
        return (info.modified or self._now) < self._now - GRACE
