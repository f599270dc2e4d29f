"""Makes archived files readable: S3 restores them within minutes or days.

AWS: "RestoreObject", "Restoring an archived object", "Archive retrieval options".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from s3store.core import archive
from s3store.core.archive import ARCHIVED, ARCHIVES, READABLE, TIERING, TIERS, UNDER_WAY, Access
from s3store.core.globs import Filter
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.restore import is_own
from s3store.operations.spool import Spool
from s3store.storage import S3Storage
from s3store.wire import pool
from s3store.wire.objects import Objects

__all__ = ["DAYS", "look_archived", "restore_archived"]

DAYS = 7
"""The default number of days for which a restored copy is readable."""

THREADS = 32

Confirm = Callable[[list[str], int, int], bool]


class _File(NamedTuple):
    name: str
    key: str
    size: int
    storage_class: str


class NoTierError(ValueError):
    """An archive does not have a tier."""

    code = "NoTier"


class StillArchivedError(OSError):
    """S3 says that a file is not archived, and that it is."""

    code = "StillArchived"


def restore_archived(
    storage: S3Storage,
    path: str = "",
    *,
    days: int = DAYS,
    tier: str = archive.STANDARD,
    rules: Filter = Filter(),  # noqa: B008 (immutable)
    confirm: Confirm = lambda *_: True,
    dry_run: bool = False,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Ask S3 to restore the archived files below a directory, or the file `path`, and return what was done.

    The copies are readable for `days` days, and `tier` is `standard`, `bulk` or `expedited`. Files in the archive tiers
    of INTELLIGENT_TIERING come back without a limit of days. `confirm` is asked with the first names, the number and
    the bytes of the files. What s3store keeps for itself is left out, unless `path` is there.

    `sent` of the summary is the number of files that S3 has begun to restore, or whose copy it keeps longer; `skipped`
    are under way or readable. `more` has `begun`, `extended`, `under_way`, `readable`, `archived`, `readable_until`
    (the earliest time at which a copy that was found is deleted) and `ready_in` (the seconds after which all that
    was begun is readable, as AWS says, or None). Sends one request for 1,000 files, a POST for each archived file, and
    a HEAD for each file in INTELLIGENT_TIERING. A dry run sends a HEAD for each file and no POST.
    Raises ValueError for less than one day, and for a tier that does not exist.
    """
    if days < 1:
        raise ValueError(f"The number of days must be 1 or more, not {days}.")
    if tier not in TIERS:
        raise ValueError(f"{tier!r} is not a tier: use {', '.join(TIERS)}.")
    run = _Run(storage, path, rules, Summary(command="restore", dry_run=dry_run), threads, watcher)
    with run.objects.bucket.counted() as sent, Spool[_File]() as wanted:
        for file, access in run.looked(all_of_them=dry_run):
            problem = _tier_problem(access, tier)
            if problem:
                run.fail(file, problem)
            elif dry_run and access.state == READABLE and access.archive in ARCHIVES:
                run.note("extended", Step(op="extend", name=file.name, size=file.size, reason=f"for {days} days"))
            elif access.state != ARCHIVED:
                run.note_state(file, access)
            elif dry_run:
                run.note("begun", _begun(file, access, days), archive.longest(access.archive, tier))
            else:
                wanted.add(file._replace(storage_class=access.archive))
        if len(wanted) and confirm(*_examples(wanted)):
            run.watcher.expect(len(wanted), sum(file.size for file in wanted))
            run.ask(wanted, days, tier)
    return run.ended(len(sent))


def look_archived(
    storage: S3Storage,
    path: str = "",
    *,
    rules: Filter = Filter(),  # noqa: B008 (immutable)
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Return how many of the archived files below a directory, or the file `path`, are restored by now.

    Sends one request for 1,000 files, and a HEAD for each that is archived or in INTELLIGENT_TIERING. The summary is
    that of `restore_archived`; `skipped` counts the files.
    """
    run = _Run(storage, path, rules, Summary(command="restore"), threads, watcher)
    with run.objects.bucket.counted() as sent:
        for file, access in run.looked(all_of_them=True):
            run.note_state(file, access)
    return run.ended(len(sent))


class _Run:
    """One run over the files of a storage, with the options that it had when the run began."""

    def __init__(
        self,
        storage: S3Storage,
        path: str,
        rules: Filter,
        summary: Summary,
        threads: int,
        watcher: Watcher | None,
    ) -> None:
        self.objects: Objects = storage.objects
        self.watcher = watcher or Watcher()
        self._path, self._rules, self._threads = path, rules, threads
        self._summary = summary
        self._counts = dict.fromkeys(("begun", "extended", "under_way", "readable", "archived"), 0)
        self._until: datetime | None = None
        self._ready = timedelta(0)
        self._began = time.monotonic()
        if summary.dry_run:
            summary.plan = []

    def looked(self, *, all_of_them: bool) -> Iterator[tuple[_File, Access]]:
        """Yield the files in archives and their access. S3 is asked where the storage class does not tell."""
        look = partial(_looked, self.objects, all_of_them=all_of_them)
        for outcome in pool.run(look, self._listed(), threads=self._threads):
            self._summary.objects += 1
            if outcome.error:
                self.fail(outcome.item, outcome.error)
            elif outcome.result:
                yield outcome.item, outcome.result

    def _listed(self) -> Iterator[_File]:
        objects, path = self.objects, self._path
        prefix = objects.prefix(path)
        for page in objects.pages(prefix.rstrip("/") if path else prefix, flat=False):
            for info in page.objects:
                if (info.storage_class or "") not in ARCHIVES | {TIERING}:
                    continue
                # The prefix is that of a file too: names that only begin in the same way are others.
                inside = not path or info.key.startswith(prefix) or info.key == prefix.rstrip("/")
                name = objects.name(info.key) if inside else None
                if name and not is_own(name, path) and self._rules.takes(name):
                    yield _File(name, info.key, info.size, info.storage_class or "")

    def ask(self, wanted: Spool[_File], days: int, tier: str) -> None:
        """Ask S3 to restore files."""
        for outcome in pool.run(partial(_restore, self.objects, days, tier), wanted, threads=self._threads):
            file, done = outcome.item, outcome.result
            if outcome.error:
                self.fail(file, outcome.error)
            elif isinstance(done, Access):
                self.note_state(file, done)
            elif done == "begun":
                access = Access(state=ARCHIVED, archive=file.storage_class)
                self.note("begun", _begun(file, access, days), archive.longest(file.storage_class, tier))
            else:
                self.note("extended", Step(op="extend", name=file.name, size=file.size, reason=f"for {days} days"))
            self.watcher.moved(file.size)

    def note(self, what: str, step: Step, ready: timedelta | None = None) -> None:
        """Note a file that is restored, or would be."""
        self._counts[what] += 1
        self._ready = max(self._ready, ready or timedelta(0))
        self._summary.sent += 1
        self._summary.size += step.size
        self._step(step)

    def note_state(self, file: _File, access: Access) -> None:
        """Note a file that stays as it is."""
        reason, until = "it is readable", access.until
        if access.state == UNDER_WAY:
            reason = f"its restoration from {access.archive} is under way"
        elif access.state == ARCHIVED:
            reason = f"it is archived in {access.archive}"
        elif until:
            reason = f"it is readable until {until.isoformat()}"
            self._until = min(self._until or until, until)
        self._counts[access.state.replace(" ", "_")] += 1
        self._summary.skipped += 1
        self._step(Step(op="skip", name=file.name, size=file.size, reason=reason))

    def fail(self, file: _File, error: Exception) -> None:
        """Note a file that failed."""
        self._summary.failed.append(Failed.of(file.name, error))
        self.watcher.step(Step(op="fail", name=file.name, reason=str(error)))

    def _step(self, step: Step) -> None:
        if self._summary.plan is not None:
            self._summary.plan.append(step)
        self.watcher.step(step)

    def ended(self, requests: int) -> Summary:
        """Return the summary."""
        summary = self._summary
        summary.failed.sort(key=lambda failed: failed.name)
        summary.more = {
            **self._counts,
            "readable_until": self._until.isoformat() if self._until else None,
            "ready_in": int(self._ready.total_seconds()) or None,
        }
        summary.requests, summary.seconds = requests, time.monotonic() - self._began
        return summary


def _looked(objects: Objects, file: _File, *, all_of_them: bool) -> Access | None:
    """Return what is known about access to a file, or None if S3 does not keep it in an archive."""
    if file.storage_class in ARCHIVES and not all_of_them:
        return Access(state=ARCHIVED, archive=file.storage_class)
    access = _asked(objects, file.key)
    return access if access.archive else None


def _asked(objects: Objects, key: str) -> Access:
    return archive.access_of(objects.bucket.head(key, objects.target_at(key).params))


def _restore(objects: Objects, days: int, tier: str, file: _File) -> str | Access:
    limit = days if file.storage_class in ARCHIVES else None
    params = objects.target_at(file.key).params
    done = objects.bucket.restore(file.key, params, tier=tier.capitalize(), days=limit)
    if done in ("begun", "extended"):
        return done
    if done:
        return Access(state=UNDER_WAY, archive=file.storage_class)
    access = _asked(objects, file.key)
    if access.state == ARCHIVED:
        raise StillArchivedError(f"S3 does not restore it from {access.archive} in its present state.")
    return access


def _tier_problem(access: Access, tier: str) -> NoTierError | None:
    if access.state != ARCHIVED or archive.longest(access.archive, tier):
        return None
    return NoTierError(f"S3 has no {tier} tier for {access.archive}. Give --tier standard or --tier bulk.")


def _begun(file: _File, access: Access, days: int) -> Step:
    limit = f" for {days} day{'s' * (days != 1)}" if access.archive in ARCHIVES else ""
    return Step(op="restore", name=file.name, size=file.size, reason=f"from {access.archive}{limit}")


def _examples(wanted: Spool[_File]) -> tuple[list[str], int, int]:
    names = [file.name for _, file in zip(range(5), wanted, strict=False)]
    return names, len(wanted), sum(file.size for file in wanted)
