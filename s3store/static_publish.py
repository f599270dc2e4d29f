"""What collectstatic does: stage on this machine, list once, plan by content, upload what differs, manifest last.

No file is deleted before its successor is there, and the manifest, which decides what pages refer to, is written when
everything it names is in the bucket. A run that is interrupted has done no harm, and the next one sends the rest.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.utils import matches_patterns

from s3store import errors, transfer
from s3store.bucket import with_metadata
from s3store.core.info import DIGEST, ObjectInfo
from s3store.core.plan import Plan, compare
from s3store.express import ExpressUpload
from s3store.manifest import Manifested
from s3store.staging import Stage, StaticFile, in_memory

if TYPE_CHECKING:
    from s3store.storage import S3StaticStorage

GRACE = timedelta(hours=1)
"""How old a file must be to be pruned: another deployment may just have sent it, and not yet its manifest."""

_READERS = 4  # Threads that read this machine's files: more of them wait for each other, not for the disk.

Failures = tuple[tuple[str, Exception], ...]

Progress = Callable[[str, int, int], None]
"""Told a key, how many files are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is to be published: the files by their names, and the manifest that names them, where there is one."""

    files: Mapping[str, StaticFile]
    post_processed: tuple[tuple[str, str], ...] = ()
    manifest: bytes | None = None
    history: str = ""
    failures: Failures = ()


def stage(storage: S3StaticStorage, found: Mapping[str, StaticFile], *, directory: Path, post_process: bool) -> Release:
    """Return the release that the collected files make. Hashing and rewriting happen on this machine."""
    scene = Stage(directory, found)
    # Other threads may be making URLs with the storage itself.
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
            elif result:
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
    """What a run is going to do, all by keys: upload by the plan, then delete."""

    plan: Plan
    delete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run has done: how many objects it wrote and deleted, the bytes it sent, and what failed."""

    uploaded: int = 0
    deleted: int = 0
    sent: int = 0
    failures: Failures = ()


class Publisher:
    """Publishes one release to a storage of static files."""

    def __init__(self, storage: S3StaticStorage, release: Release, *, threads: int) -> None:
        self._storage = storage
        self._release = release
        self._files = {storage._key(name): file for name, file in release.files.items()}
        self._bucket = storage._bucket
        self._upload = ExpressUpload(self._bucket, replace(storage.options, use_threads=False))
        self._threads = threads
        self._there: dict[str, ObjectInfo] = {}
        self._etags_tell = True

    def decide(self, *, clear: bool = False, prune: int | None = None) -> Decision:
        """Return what has to be done, from one listing.

        Where no ETag is a digest of its object, each of them is asked for the one that it was written with; `prune`
        reads the manifests of so many releases. `clear` sends everything again, and deletes all else.
        """
        storage = self._storage
        pages = self._bucket.pages(storage._prefix(""), storage._listing_parameters(), flat=False)
        self._there = {info.key: info for page in pages for info in page.objects}
        if clear:
            own = {*self._files, *self._manifest_keys()}
            anew = compare(self._files, dict.fromkeys(self._there, ""), dict.fromkeys(self._files, "anew"), sure=True)
            return Decision(plan=anew, delete=tuple(key for key in self._there if key not in own))
        return Decision(plan=self._plan(), delete=tuple(self._outdated(prune)) if prune else ())

    def _plan(self) -> Plan:
        etags = {key: _etag(self._there[key]) for key in self._files if key in self._there}
        digests = dict(self._each(self._digest, etags, threads=min(self._threads, _READERS)))
        plan = compare(self._files, etags, digests)
        if plan.doubtful:
            self._etags_tell = False
            etags |= dict(self._each(self._noted, plan.doubtful, threads=self._threads))
            plan = compare(self._files, etags, digests, sure=True)
        return plan

    def run(self, decision: Decision, progress: Progress) -> Report:
        """Upload what is new, replace what has changed and may refer to that, write the manifest, then delete.

        What comes after an upload that failed is not begun.
        """
        total = len(decision.plan.upload)
        failures: list[tuple[str, Exception]] = []
        sent = done = 0
        for keys in (decision.plan.new, decision.plan.changed):
            for outcome in transfer.run(self._send, keys, threads=self._threads):
                done += 1
                if outcome.error:
                    failures.append((outcome.item, outcome.error))
                sent += outcome.result or 0
                progress(outcome.item, done, total)
            if failures:
                return Report(uploaded=done - len(failures), sent=sent, failures=tuple(failures))
        written, size = self._publish_manifest()
        deleted = self._storage._delete_keys(decision.delete)
        return Report(uploaded=done + written, sent=sent + size, deleted=deleted)

    # One file

    def _each(self, work: Callable[[str], str], keys: Iterable[str], *, threads: int) -> Iterator[tuple[str, str]]:
        for outcome in transfer.run(work, keys, threads=threads):
            if outcome.error:
                raise outcome.error
            yield outcome.item, outcome.result or ""

    def _given(self, key: str) -> Any:
        name = self._storage._name(key) or ""
        return self._storage._write_parameters(name, self._storage._parameters(name))

    def _digest(self, key: str) -> str:
        with self._files[key].open() as file, self._upload.prepared(file, self._given(key)) as (content, _):
            return self._upload.digest(content)

    def _noted(self, key: str) -> str:
        try:
            return self._bucket.head(key, self._given(key)).internal(DIGEST) or ""
        except errors.AccessDeniedError:
            # Who may write but not read sends it once more.
            return ""

    def _send(self, key: str) -> int:
        self._storage._facts.forget(key)
        return self._write(key, self._files[key])

    def _write(self, key: str, file: StaticFile) -> int:
        with file.open() as opened, self._upload.prepared(opened, self._given(key)) as (content, given):
            given = with_metadata(given, {DIGEST: self._upload.digest(content)})
            if file.has_changed():
                raise OSError(f"{file.path} was changed while it was being published; run the command again.")
            size = self._upload.send(key, content, given, create=False).size
        if file.has_changed():
            raise OSError(f"{file.path} was changed while it was being published; run the command again.")
        return size

    # The manifest, and what older ones name

    def _manifest_keys(self) -> list[str]:
        """Return the keys where this release's manifest is kept: the copy for the history, and perhaps its own."""
        storage = self._storage
        if self._release.manifest is None or not isinstance(storage, Manifested):
            return []
        names = [self._release.history, *([storage.manifest_name] if storage.manifest_storage is storage else [])]
        return [storage._key(name) for name in names]

    def _publish_manifest(self) -> tuple[int, int]:
        """Write the copy for the history and the manifest; return how many objects and bytes that was."""
        storage, content = self._storage, self._release.manifest
        if content is None or not isinstance(storage, Manifested):
            return 0, 0
        written = []
        copy, *own = self._manifest_keys()
        self._files = {**self._files, **dict.fromkeys((copy, *own), in_memory(content))}
        if not self._is_latest(copy):
            written.append(self._send(copy))
        written += [self._send(key) for key in own if not self._is_equal(key)]
        if not own and storage.read_manifest() != content.decode():
            storage.write_manifest(content)
        stored = json.loads(content)
        storage.hashed_files, storage.manifest_hash = stored["paths"], stored["hash"]
        return len(written), sum(written)

    def _is_equal(self, key: str) -> bool:
        if key not in self._there:
            return False
        digest = self._digest(key)
        return digest == _etag(self._there[key]) or (not self._etags_tell and digest == self._noted(key))

    def _is_latest(self, key: str) -> bool:
        """Whether no copy in the history is later: a release may be published again, after another."""
        history = self._history()
        return key in self._there and history[0].modified == self._there[key].modified

    def _history(self) -> list[ObjectInfo]:
        """Return the copies of manifests, the latest first."""
        storage: Any = self._storage
        stem, after = posixpath.splitext(storage.manifest_name)
        before, own = f"{storage._key(stem)}.", storage._key(storage.manifest_name)
        copies = [
            info
            for key, info in self._there.items()
            if key != own and key.startswith(before) and key.endswith(after) and "/" not in key[len(before) :]
        ]
        return sorted(copies, key=_modified, reverse=True)

    def _outdated(self, releases: int) -> Iterator[str]:
        """Yield the keys of hashed files, and of copies of manifests, that none of the last releases has."""
        storage: Any = self._storage
        history = [info for info in self._history() if info.key != storage._key(self._release.history)]
        recent = [info.key for number, info in enumerate(history) if number < releases - 1 or not _is_old(info)]
        releases_kept = [json.loads(storage.read_bytes(storage._name(key)))["paths"] for key in recent]
        if len(recent) < releases - 1:
            # The release before may be of a program that keeps no copies.
            releases_kept.append(storage.load_manifest()[0])
        kept = {*recent, *self._files, *self._manifest_keys()}
        for paths in releases_kept:
            kept |= {storage._key(name) for name in (*paths, *paths.values())}
        copies = {info.key for info in history}
        for key, info in self._there.items():
            if key not in kept and _is_old(info) and (key in copies or storage.is_hashed(key)):
                yield key


def _etag(info: ObjectInfo) -> str:
    return (info.etag or "").strip('"')


def _modified(info: ObjectInfo) -> datetime:
    return info.modified or datetime.now(timezone.utc)


def _is_old(info: ObjectInfo) -> bool:
    return _modified(info) < datetime.now(timezone.utc) - GRACE
