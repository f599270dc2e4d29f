"""Whether two places contain the same, and whether the files of all rows exist and can be read. Nothing is changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

from s3store.core.archive import ARCHIVES
from s3store.core.globs import Filter
from s3store.core.keyrange import KeyRange
from s3store.core.parts import MIB
from s3store.operations.command import THREADS
from s3store.operations.places import Place
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.rows import columns, name_in
from s3store.operations.spool import Side, Spool, merged
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found
from s3store.operations.sync.run import sync
from s3store.wire import pool
from s3store.wire.multipart import is_threaded

MISSING, EXTRA, DIFFERS = "missing", "extra", "differs"


def verify(
    source: Place,
    target: Place,
    *,
    rules: Iterable[tuple[str, bool]] = (),
    within: KeyRange | None = None,
    follow_links: bool = False,
    unsafe_links: bool = False,
    bandwidth: int | None = None,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Compare the content of two places, and return what differs in `summary.plan`.

    The operations of its steps are `missing` (only the source has it), `extra` (only the target has it) and `differs`;
    their numbers are in `summary.more`. Digests are compared: the ETag if it is one, otherwise the content is read. The
    arguments and errors are those of `sync`.
    """
    found = sync(
        source,
        target,
        rules=rules,
        within=within,
        delete=True,
        force=True,
        verify=True,
        follow_links=follow_links,
        unsafe_links=unsafe_links,
        bandwidth=bandwidth,
        threads=threads,
        dry_run=True,
        watcher=_Renamed(watcher or Watcher()),
    )
    findings = [_finding(step) for step in found.plan or ()]
    counts = Counter(step.op for step in findings)
    found.command, found.dry_run, found.plan = "verify", False, findings
    found.sent = found.deleted = found.size = 0
    found.more |= {op: counts[op] for op in (MISSING, EXTRA, DIFFERS)}
    return found


def _finding(step: Step) -> Step:
    if step.op == "delete":
        return Step(op=EXTRA, name=step.name, size=step.size, reason=step.reason)
    if step.reason == "it is new":
        return Step(op=MISSING, name=step.name, size=step.size, reason="only the source has it")
    return Step(op=DIFFERS, name=step.name, size=step.size, reason=step.reason)


class _Renamed(Watcher):
    """Tells another watcher findings, and not what sync would do."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def expect(self, objects: int, size: int) -> None:
        self.watcher.expect(objects, size)

    def moved(self, size: int) -> None:
        self.watcher.moved(size)

    def step(self, step: Step) -> None:
        self.watcher.step(step if step.op in ("skip", "fail") else _finding(step))

    def warn(self, text: str) -> None:
        self.watcher.warn(text)


class _Named(NamedTuple):
    name: str
    row: str


def verify_rows(
    place: Place,
    *,
    rules: Iterable[tuple[str, bool]] = (),
    read: bool = False,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Check that the files of all rows exist in a storage, and return those that do not in `summary.plan`.

    All FileFields of all models and databases count whose storage has the same bucket. With `read`, each file is read
    to its end, and compared with its checksum. Files that cannot be read, such as archived ones, are in
    `summary.failed`. If no row names a file of the place, `summary.warnings` says so.
    Raises RowsError if a table cannot be read, PlaceError, and S3StoreError if the storage cannot be listed.
    """
    began = time.monotonic()
    run = _Rows(place, Filter.of(rules), watcher or Watcher(), read=read)
    with run.remote.objects.bucket.counted() as sent:
        run.check(threads if is_threaded(run.remote.objects.options) else 1)
    if not run.summary.objects:
        text = (
            f"No row of the project names a file that is compared, so nothing was checked. To compare {place} with "
            f"another place, give both: s3 verify ./media {place}"
        )
        run.summary.warnings.append(text)
        run.watcher.warn(text)
    run.summary.more = {MISSING: len(run.findings)}
    run.summary.requests, run.summary.seconds = len(sent), time.monotonic() - began
    run.summary.failed.sort(key=lambda failure: failure.name)
    return run.summary


class _Rows:
    """A run of `verify_rows`. All its steps are told by the caller's thread."""

    def __init__(self, place: Place, rules: Filter, watcher: Watcher, *, read: bool) -> None:
        self.remote = Remote(place)
        self.findings: list[Step] = []
        self.summary = Summary(command="verify", source="rows", target=str(place), plan=self.findings)
        self._rules = rules
        self.watcher = watcher
        self._reads = read

    def check(self, threads: int) -> None:
        """Look for the file of each row, and read it."""
        with Spool(self._named()) as spool:
            wanted: Side[_Named] = Side(lambda: _unique(spool))
            # Findings are told while the storage is listed, so that it must not begin again.
            listed: Side[Any] = Side(lambda: self.remote.rows(Found()), ordered=False)
            with closing(wanted), closing(listed):
                for outcome in pool.run(self._read, self._existing(wanted, listed), threads=threads):
                    name = outcome.item.name
                    if outcome.error:
                        self.summary.failed.append(Failed.of(name, outcome.error))
                        self.watcher.step(Step(op="fail", name=name, reason=str(outcome.error)))
                    else:
                        self.summary.size += outcome.result or 0
                        self.watcher.step(Step(op="skip", name=name, reason="it is readable"))

    def _named(self) -> Iterator[_Named]:
        """Yield the names of rows, relative to the place."""
        start = len(self.remote.path) and len(self.remote.path) + 1
        for column in columns():
            for row in column.rows():
                name = name_in(self.remote.objects, column, row.name)
                below = name is not None and (not start or name.startswith(f"{self.remote.path}/"))
                if name is not None and below and self._rules.takes(name[start:]):
                    yield _Named(name[start:], str(row))

    def _existing(self, wanted: Side[_Named], listed: Side[Any]) -> Iterator[_Named]:
        """Yield the rows whose files are to be read. What the listing tells about the others is noted."""
        for name, row, there in merged(wanted, listed, restarted=lambda _: None):
            if row is None:
                continue
            self.summary.objects += 1
            if there is None:
                finding = Step(op=MISSING, name=name, reason=f"named by {row.row}")
                self.findings.append(finding)
                self.watcher.step(finding)
            elif there.storage_class in ARCHIVES and not self.remote.is_readable(name):
                why = "It is archived, and cannot be read. Restore it first: s3 restore --archived."
                self.summary.failed.append(Failed(name=name, code="Archived", why=why))
            elif self._reads:
                yield row
            else:
                self.watcher.step(Step(op="skip", name=name, reason="it exists"))

    def _read(self, row: _Named) -> int:
        """Read a file to its end, and return its bytes. Runs in a thread."""
        total = 0
        with self.remote.reader(row.name) as reader:
            while block := reader.read(MIB):
                total += len(block)
                self.watcher.moved(len(block))
        return total


def _unique(rows: Iterable[_Named]) -> Iterator[_Named]:
    previous = None
    for row in rows:
        if row.name != previous:
            yield row
        previous = row.name
