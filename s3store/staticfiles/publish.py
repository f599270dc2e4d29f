"""The steps of collectstatic: stage locally, list once, plan by content, upload what differs, write the manifest last.

No file is deleted before its successor exists. The manifest, which decides what pages refer to, is written after all
files that it names. An interrupted run does no harm: the next one sends the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.utils import matches_patterns

from s3store import errors
from s3store.core.info import DIGEST, ObjectInfo
from s3store.core.parameters import Params, with_metadata
from s3store.core.plan import Plan, compare
from s3store.staticfiles.fast_put import FastUpload
from s3store.staticfiles.manifest import Manifested
from s3store.staticfiles.releases import Releases
from s3store.staticfiles.staging import Stage, Staged, StaticFile, in_memory
from s3store.wire import pool
from s3store.wire.objects import Objects

_READERS = 4  # Threads that read local files. More threads would not be faster.

Failures = tuple[tuple[str, Exception], ...]

Progress = Callable[[str, int, int], None]
"""Called with a key, the number of files that are done, and the total number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What to publish: the files by their names, and the manifest that names them, if there is one."""

    files: Mapping[str, StaticFile]
    post_processed: tuple[tuple[str, str], ...] = ()
    manifest: bytes | None = None
    history: str = ""
    failures: Failures = ()


def stage(storage: Staged, found: Mapping[str, StaticFile], *, directory: Path, post_process: bool) -> Release:
    """Return the release that the collected files make up. Hashing and rewriting are done locally."""
    scene = Stage(directory, found)
    # Other threads may be using the storage itself.
    storage = copy(storage)
    if not post_process or not isinstance(storage, Manifested):
        return Release(files=scene.files)
    processed: list[tuple[str, str]] = []
    failures = dict(_undecodable(storage, found))
    paths = {name: (file, name) for name, file in found.items() if name not in failures}
    with storage.staged(scene):
        for name, hashed_name, result in storage.post_process(paths):
            if isinstance(result, Exception):
                failures[name] = result
            elif result and hashed_name:
                processed.append((name, hashed_name))
    files = scene.files
    if storage.options.keep_only_hashed:
        hashed = set(storage.hashed_files.values())
        files = {name: file for name, file in files.items() if name in hashed}
    return Release(
        files=files,
        post_processed=tuple(processed),
        manifest=scene.manifest,
        history=storage.history_name(storage.manifest_hash),
        failures=(*failures.items(), *scene.problems.values()),
    )


def _undecodable(storage: Any, found: Mapping[str, StaticFile]) -> Iterator[tuple[str, Exception]]:
    # Django stops at the first of them, and its message does not say which it was.
    for name, file in found.items():
        if matches_patterns(name, storage._patterns):
            with file.open() as opened:
                try:
                    opened.read().decode()
                except UnicodeDecodeError as error:
                    yield name, error


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a run will do, by keys: upload as planned, then delete."""

    plan: Plan
    delete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run has done: the numbers of objects written and deleted, the bytes sent, and the failures."""

    uploaded: int = 0
    deleted: int = 0
    sent: int = 0
    failures: Failures = ()


class Publisher:
    """Publishes one release to the bucket of a storage. `releases` are those of a storage with manifests."""

    def __init__(self, objects: Objects, release: Release, *, threads: int, releases: Releases | None = None) -> None:
        self._objects = objects
        self._bucket = objects.bucket
        self._release = release
        self._releases = releases if release.manifest is not None else None
        self._files = {objects.key(name): file for name, file in release.files.items()}
        self._upload = FastUpload(self._bucket, replace(objects.options, use_threads=False))
        self._threads = threads
        self._there: dict[str, ObjectInfo] = {}
        self._etags_are_digests = True

    def decide(self, *, clear: bool = False, prune: int | None = None) -> Decision:
        """Return what has to be done, from one listing.

        If no ETag is a digest of its object, the digest that was stored with each object is requested. `prune` reads
        the manifests of that many releases. `clear` sends everything again, and deletes everything else.
        """
        objects = self._objects
        pages = self._bucket.pages(objects.prefix(""), objects.listing_params, flat=False)
        self._there = {info.key: info for page in pages for info in page.objects}
        if clear:
            own = {*self._files, *(self._releases.keys if self._releases else ())}
            again = compare(self._files, dict.fromkeys(self._there, ""), dict.fromkeys(self._files, "again"), sure=True)
            return Decision(plan=again, delete=tuple(key for key in self._there if key not in own))
        plan = self._plan()
        if not prune or not self._releases:
            return Decision(plan=plan)
        return Decision(plan=plan, delete=tuple(self._releases.outdated(self._there, prune, self._files)))

    def _plan(self) -> Plan:
        etags = {key: _etag(self._there[key]) for key in self._files if key in self._there}
        digests = dict(self._each(self._digest, etags, threads=min(self._threads, _READERS)))
        plan = compare(self._files, etags, digests)
        if plan.doubtful:
            self._etags_are_digests = False
            etags |= dict(self._each(self._stored_digest, plan.doubtful, threads=self._threads))
            plan = compare(self._files, etags, digests, sure=True)
        return plan

    def run(self, decision: Decision, progress: Progress) -> Report:
        """Upload new files, replace changed files that may refer to them, write the manifest, then delete.

        After a failed upload, the following steps are not started.
        """
        total = len(decision.plan.upload)
        failures: list[tuple[str, Exception]] = []
        sent = done = 0
        for group in (decision.plan.new, decision.plan.changed):
            for outcome in pool.run(self._send, group, threads=self._threads):
                done += 1
                if outcome.error:
                    failures.append((outcome.item, outcome.error))
                sent += outcome.result or 0
                progress(outcome.item, done, total)
            if failures:
                return Report(uploaded=done - len(failures), sent=sent, failures=tuple(failures))
        written, size = self._publish_manifest()
        deleted = self._bucket.delete_many(decision.delete, self._objects.listing_params)
        return Report(uploaded=done + written, sent=sent + size, deleted=deleted)

    # One file

    def _each(self, work: Callable[[str], str], keys: Iterable[str], *, threads: int) -> Iterator[tuple[str, str]]:
        for outcome in pool.run(work, keys, threads=threads):
            if outcome.error:
                raise outcome.error
            yield outcome.item, outcome.result or ""

    def _params(self, key: str) -> Params:
        return self._objects.written(self._objects.target_at(key))

    def _digest(self, key: str) -> str:
        with self._files[key].open() as file, self._upload.prepared(file, self._params(key)) as (content, _):
            return self._upload.digest(content)

    def _stored_digest(self, key: str) -> str:
        try:
            return self._bucket.head(key, self._params(key)).internal(DIGEST) or ""
        except errors.AccessDeniedError:
            # Credentials that may write but not read: the file is sent again.
            return ""

    def _send(self, key: str) -> int:
        file = self._files[key]
        with file.open() as opened, self._upload.prepared(opened, self._params(key)) as (content, params):
            params = with_metadata(params, {DIGEST: self._upload.digest(content)})
            file.refuse_changed()
            size = self._upload.send(key, content, params, create=False).size
        file.refuse_changed()
        return size

    # The manifest

    def _publish_manifest(self) -> tuple[int, int]:
        """Write the copy for the history, then the manifest. Returns the numbers of objects and bytes."""
        releases, content = self._releases, self._release.manifest
        if releases is None or content is None:
            return 0, 0
        self._files = {**self._files, **dict.fromkeys(releases.keys, in_memory(content))}
        sizes = []
        for key in releases.keys:
            is_current = releases.is_latest(self._there) if key == releases.copy else self._is_equal(key)
            if not is_current:
                sizes.append(self._send(key))
        releases.replace_elsewhere(content)
        releases.remember(content)
        return len(sizes), sum(sizes)

    def _is_equal(self, key: str) -> bool:
        if key not in self._there:
            return False
        digest = self._digest(key)
        if digest == _etag(self._there[key]):
            return True
        return not self._etags_are_digests and digest == self._stored_digest(key)


def _etag(info: ObjectInfo) -> str:
    return (info.etag or "").strip('"')
