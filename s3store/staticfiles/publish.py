"""The steps of collectstatic: stage locally, list once, plan by content, upload what differs, write the manifest last.

No file is deleted before its successor exists. The manifest, which decides what pages refer to, is written after all
files that it names. An interrupted run does no harm: the next one sends the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import SuspiciousFileOperation

from s3store import errors
from s3store.core.info import DIGEST, ObjectInfo
from s3store.core.parameters import Params, with_metadata
from s3store.core.plan import Plan, compare
from s3store.files.fast_put import FastUpload
from s3store.staticfiles.manifest import HeldBack
from s3store.staticfiles.releases import Releases
from s3store.staticfiles.staging import Stage, Staged, StaticFile, in_memory
from s3store.wire import pool
from s3store.wire.objects import Objects

_READERS = 4  # Threads that read local files. More threads would not be faster.
_SMALL = 256 << 10  # Bytes up to which reading a file takes less time than handing it to a thread.

Failures = tuple[tuple[str, Exception], ...]

Progress = Callable[[str, int, int], None]
"""Called with a key, the number of files that are done, and the total number."""


class NotStagedError(Exception):
    """A subclass saves files in a way that cannot be staged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What to publish: the files by their names, and the manifest with its `paths`, if there is one.

    `reserved` are names of collected files that are not published, because the manifest has that name.
    """

    files: Mapping[str, StaticFile]
    post_processed: tuple[tuple[str, str], ...] = ()
    manifest: bytes | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    reserved: tuple[str, ...] = ()
    failures: Failures = ()


def stage(
    storage: Staged, found: Mapping[str, StaticFile], *, directory: Path, post_process: bool, dry_run: bool = False
) -> Release:
    """Return the release that the collected files make up. Saving, hashing and rewriting happen on this machine.

    The methods of subclasses take part as in Django's command. Raises NotStagedError if that is not possible.
    """
    # Other threads may be using the storage itself.
    twin: Any = copy(storage)
    scene = Stage(directory, found)
    held_back = None
    if isinstance(twin, ManifestFilesMixin):
        place: Any = twin.manifest_storage
        in_bucket = place is storage or place is twin
        held_back = HeldBack(copy(storage) if in_bucket else place)
        twin.manifest_storage = held_back
    processed: list[tuple[str, str]] = []
    failures: dict[tuple[str, str], Exception] = {}
    with twin.staged(scene), twin.standing_in_for(storage):
        if saving := overridden(type(storage), "save", "_save", "get_available_name"):
            _save_all(twin, scene, found, saving, dry_run=dry_run)
        collected = scene.files.get(getattr(twin, "manifest_name", ""))
        if post_process and hasattr(twin, "post_process"):
            paths = {name: file.origin or (file, name) for name, file in found.items()}
            for name, hashed_name, result in twin.post_process(paths, dry_run=dry_run):
                if isinstance(result, Exception):
                    failures[name, str(result)] = result
                elif result:
                    processed.append((name, hashed_name))
    release = Release(
        files=scene.files,
        post_processed=tuple(processed),
        failures=tuple((name, error) for (name, _), error in failures.items()),
    )
    if held_back:
        release = _with_manifest(release, twin, held_back.content, collected, in_bucket=in_bucket)
    return release


def _with_manifest(
    release: Release, twin: Any, content: bytes | None, collected: StaticFile | None, *, in_bucket: bool
) -> Release:
    files, name = dict(release.files), twin.manifest_name
    if in_bucket and (taken := files.pop(name, None)):
        if collected:
            release = replace(release, reserved=(name,))
        if content is None and taken is not collected:
            # A subclass can write the manifest like any other file.
            with taken.open() as file:
                content = file.read()
    if content is None:
        return replace(release, files=files)
    paths = dict(twin.hashed_files)
    if twin.options.keep_only_hashed:
        hashed = set(paths.values())
        files = {name: file for name, file in files.items() if name in hashed}
    return replace(release, files=files, manifest=content, paths=paths, digest=twin.manifest_hash)


def overridden(cls: type, *names: str) -> str | None:
    """Return the first of these methods that is neither Django's nor ours."""
    for name in names:
        definer = next(base for base in cls.__mro__ if name in vars(base))
        if definer.__module__.partition(".")[0] not in ("django", "s3store"):
            return f"{definer.__qualname__}.{name}"
    return None


def _save_all(twin: Any, scene: Stage, found: Mapping[str, StaticFile], method: str, *, dry_run: bool) -> None:
    """Save the files by the storage's own methods, which a subclass has overridden, as Django does."""
    if dry_run:
        raise NotStagedError(f"A dry run cannot call {method}, so it does not know what would be saved.")
    for name, file in found.items():
        scene.delete(name)
        with file.open() as opened:
            saved = twin.save(name, opened)
        if not scene.exists(saved):
            raise NotStagedError(f"{method} saved {name!r} without calling the method that it overrides.")


def impossible(objects: Objects, names: Iterable[str]) -> Failures:
    """Return the names that no object can have, with the reasons."""
    found: list[tuple[str, Exception]] = []
    for name in names:
        try:
            objects.key(name)
        except SuspiciousFileOperation as error:
            found.append((name, error))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a run will do, by keys: upload as planned, then the manifests, then delete."""

    plan: Plan
    manifests: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()

    @property
    def upload(self) -> tuple[str, ...]:
        """The keys of all objects to send."""
        return (*self.plan.upload, *self.manifests)


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
        self._releases = releases
        self._files = {objects.key(name): file for name, file in release.files.items()}
        self._manifests: dict[str, StaticFile] = {}
        if releases:
            self._manifests = dict.fromkeys(releases.keys, in_memory(release.manifest or b""))
            self._files.pop(releases.copy, None)
        self._upload = FastUpload(self._bucket, replace(objects.options, use_threads=False))
        self._threads = threads
        self._there: dict[str, ObjectInfo] = {}
        self._etags_are_digests = True

    def decide(self, *, clear: bool = False, prune: int | None = None) -> Decision:
        """Return what has to be done, from one listing, of which only what this release needs is kept.

        If the ETags are not digests of the objects, the digest that was stored with each object is requested. `prune`
        reads the manifests of all releases. `clear` sends everything again, and deletes everything else.
        """
        objects, releases = self._objects, self._releases
        prunable = releases.prunable(prune) if releases and prune and not clear else ()
        delete: list[str] = []
        for page in objects.pages(objects.prefix(""), flat=False):
            for info in page.objects:
                own = info.key in self._files or info.key in self._manifests
                if own or (releases and releases.concerns(info.key)):
                    self._there[info.key] = info
                if (clear and not own) or (info.key in prunable and releases and releases.is_old(info)):
                    delete.append(info.key)
        plan = Plan(new=self._missing(), changed=self._present()) if clear else self._plan()
        return Decision(plan=plan, manifests=self._outdated_manifests(clear=clear), delete=tuple(delete))

    def _present(self) -> tuple[str, ...]:
        return tuple(sorted(key for key in self._files if key in self._there))

    def _missing(self) -> tuple[str, ...]:
        return tuple(sorted(key for key in self._files if key not in self._there))

    def _plan(self) -> Plan:
        etags = {key: _etag(self._there[key]) for key in self._present()}
        costly = [key for key in etags if self._is_costly(key)]
        digests = dict(self._each(self._digest, costly, threads=min(self._threads, _READERS)))
        digests |= {key: self._digest(key) for key in etags if key not in digests}
        differing = [key for key, etag in etags.items() if etag != digests[key]]
        # If all differ, all are in doubt, whatever their encryption.
        opaque = {key for key in differing if self._is_opaque(key)} if len(differing) < len(etags) else ()
        plan = compare(self._files, etags, digests, opaque=opaque)
        if plan.doubtful:
            self._etags_are_digests = bool(plan.unchanged)
            etags |= dict(self._each(self._stored_digest, plan.doubtful, threads=self._threads))
            plan = compare(self._files, etags, digests, sure=True)
        return plan

    def _outdated_manifests(self, *, clear: bool) -> tuple[str, ...]:
        """Return the keys of the manifests that have to be written, in this order: first the copies for the history."""
        releases = self._releases
        if releases is None:
            return ()
        keys = [
            key
            for key in releases.keys
            if not (releases.is_latest(self._there) if key == releases.copy else self._is_equal(key))
        ]
        if keys and not clear and (missed := releases.without_copy(self._there)):
            key, content = missed
            self._manifests[key] = in_memory(content)
            keys.insert(0, key)
        return tuple(keys)

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
        for key in decision.manifests:
            sent += self._send(key)
        if self._releases and self._release.manifest is not None:
            self._releases.replace_elsewhere(self._release.manifest)
            self._releases.remember(self._release.paths, self._release.digest)
        deleted = self._bucket.delete_many(decision.delete, self._objects.listing_params)
        return Report(uploaded=done + len(decision.manifests), sent=sent, deleted=deleted)

    # One file

    def _each(self, work: Callable[[str], str], keys: Iterable[str], *, threads: int) -> Iterator[tuple[str, str]]:
        for outcome in pool.run(work, keys, threads=threads):
            if outcome.error:
                raise outcome.error
            yield outcome.item, outcome.result or ""

    def _file(self, key: str) -> StaticFile:
        return self._manifests.get(key) or self._files[key]

    def _params(self, key: str) -> Params:
        return self._objects.written(self._objects.target_at(key), **self._file(key).extra)

    def _is_opaque(self, key: str) -> bool:
        """Return whether the object's encryption makes its ETag something else than a digest. AWS: "Object"."""
        params = self._params(key)
        return "SSECustomerKey" in params or str(params.get("ServerSideEncryption")).startswith("aws:kms")

    def _is_costly(self, key: str) -> bool:
        """Return whether a thread makes the digest sooner: of a large file, or of one that is compressed."""
        options = self._objects.options
        compresses = options.gzip or options.brotli
        return self._file(key).size >= _SMALL or bool(compresses and self._upload.encodings(self._params(key)))

    def _digest(self, key: str) -> str:
        with self._file(key).open() as file, self._upload.prepared(file, self._params(key)) as (content, _):
            return self._upload.digest(content)

    def _stored_digest(self, key: str) -> str:
        try:
            return self._bucket.head(key, self._params(key)).internal(DIGEST) or ""
        except errors.AccessDeniedError:
            # Credentials that may write but not read: the file is sent again.
            return ""

    def _send(self, key: str) -> int:
        file = self._file(key)
        with file.open() as opened, self._upload.prepared(opened, self._params(key)) as (content, params):
            params = with_metadata(params, {DIGEST: self._upload.digest(content)})
            file.refuse_changed()
            size = self._upload.send(key, content, params, create=False).size
        file.refuse_changed()
        return size

    def _is_equal(self, key: str) -> bool:
        if key not in self._there:
            return False
        digest = self._digest(key)
        if digest == _etag(self._there[key]):
            return True
        opaque = not self._etags_are_digests or self._is_opaque(key)
        return opaque and digest == self._stored_digest(key)


def _etag(info: ObjectInfo) -> str:
    return (info.etag or "").strip('"')
