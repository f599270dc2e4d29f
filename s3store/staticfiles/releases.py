"""The releases in a bucket: the manifest, a copy of each release's manifest, and the files that only old ones name."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from s3store.core.digests import md5
from s3store.core.info import ObjectInfo
from s3store.staticfiles.manifest import replace_manifest, unpacked
from s3store.wire.objects import Objects

GRACE = timedelta(hours=1)
"""The minimum age of a file that is pruned: another deployment may have sent it, and not yet its manifest."""


class Releases:
    """The releases of a storage with manifests. The current one consists of `files`; its manifest says `paths`."""

    def __init__(
        self, storage: Any, objects: Objects, paths: Mapping[str, str], files: Collection[str], *, now: datetime
    ) -> None:
        self._storage = storage
        self._objects = objects
        self._now = now
        self.in_bucket = storage.manifest_storage is storage
        self._manifest = objects.key(storage.manifest_name)
        self.copy = objects.key(self._copy_name(paths))
        self._own = self._keys(files) - {self.copy}

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the current release's manifest: the copy, and the manifest itself if it is in the bucket."""
        return (self.copy, self._manifest) if self.in_bucket else (self.copy,)

    def concerns(self, key: str) -> bool:
        """Return whether the object can be a manifest or a copy of one."""
        return key == self._manifest or self._is_copy(key)

    def is_old(self, info: ObjectInfo) -> bool:
        """Return whether an object is so old that no other deployment can just have sent it."""
        return (info.modified or self._now) < self._now - GRACE

    def is_latest(self, there: Mapping[str, ObjectInfo]) -> bool:
        """Return whether no copy is newer. A release can be published again, after another one."""
        return self.copy in there and self._copies(there.values())[0].modified == there[self.copy].modified

    def without_copy(self, there: Mapping[str, ObjectInfo]) -> tuple[str, bytes] | None:
        """Return key and content of the copy that is missing if Django's own command published the last release."""
        if not self.in_bucket or self._manifest not in there or self._copies(there.values()):
            return None
        content, paths = self._read(self._manifest)
        key = self._objects.key(self._copy_name(paths))
        return (key, content) if paths and key != self.copy else None

    def replace_elsewhere(self, content: bytes) -> None:
        """Write a manifest that is not in the bucket, if it differs."""
        if not self.in_bucket and self._storage.read_manifest() != content.decode():
            replace_manifest(self._storage, content)

    def remember(self, paths: Mapping[str, str], digest: str) -> None:
        """Let the storage use the manifest that was published."""
        self._storage.hashed_files, self._storage.manifest_hash = dict(paths), digest

    def prunable(self, releases: int) -> set[str]:
        """Return the keys of manifests and hashed files that only releases before the last `releases` name.

        Sends a listing of the copies, and reads each. Objects that no copy names are not among them.
        """
        stem, _ = posixpath.splitext(self._manifest)
        pages = self._objects.bucket.pages(f"{stem}.", self._objects.listing_params, flat=False)
        copies = self._copies(info for page in pages for info in page.objects)
        read = [(info, self._read(info.key)[1]) for info in copies if info.key != self.copy]
        # A hashed file of an old release can have such a name too.
        past = [(info, paths) for info, paths in read if self._objects.key(self._copy_name(paths)) == info.key]
        recent: list[Mapping[str, str]] = []
        outdated: list[Mapping[str, str]] = []
        for number, (info, paths) in enumerate(past):
            (recent if number < releases - 1 or not self.is_old(info) else outdated).append(paths)
        if len(recent) < releases - 1:
            # The previous release may be from a program that keeps no copies.
            recent.append(self._storage.load_manifest()[0])
        gone = {name for paths in outdated for name in self._hashed(paths)}
        kept = {name for paths in recent for name in (*paths, *self._hashed(paths))}
        return self._keys(gone - kept).difference(self._own, self.keys)

    def _keys(self, names: Iterable[str]) -> set[str]:
        return {self._objects.key(name) for name in names}

    def _hashed(self, paths: Mapping[str, str]) -> list[str]:
        """Return the names of a release that depend on its content, and the name of its copy."""
        return [*(hashed for name, hashed in paths.items() if hashed != name), self._copy_name(paths)]

    def _is_copy(self, key: str) -> bool:
        """Return whether the key belongs to a copy. Collected files can have such names too."""
        stem, after = posixpath.splitext(self._manifest)
        between = key.removeprefix(f"{stem}.").removesuffix(after)
        return key == f"{stem}.{between}{after}" and "/" not in between and key not in self._own

    def _copies(self, infos: Iterable[ObjectInfo]) -> list[ObjectInfo]:
        """Return the copies of manifests, the latest first."""
        copies = [info for info in infos if self._is_copy(info.key)]
        return sorted(copies, key=lambda info: info.modified or self._now, reverse=True)

    def _read(self, key: str) -> tuple[bytes, Mapping[str, str]]:
        """Return a manifest's content and its paths: none, if the file is not a manifest."""
        with self._storage.open(self._objects.name(key) or "") as file:
            content = unpacked(file)
        try:
            paths = dict(json.loads(content)["paths"])
            sorted(paths.items())
        except (ValueError, KeyError, TypeError):
            paths = {}
        return content, paths

    def _copy_name(self, paths: Mapping[str, str]) -> str:
        """Return the name of the copy: with the hash that Django's manifests have, whatever a subclass puts there."""
        stem, extension = posixpath.splitext(self._storage.manifest_name)
        return f"{stem}.{md5(json.dumps(sorted(paths.items())).encode()).hex()[:12]}{extension}"
