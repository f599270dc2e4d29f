"""A run of sync: both sides are listed in order and compared row by row, while threads send what differs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from s3store.core.globs import Filter
from s3store.core.keyrange import KeyRange
from s3store.operations.command import THREADS, counted, counting
from s3store.operations.inventory import Inventory
from s3store.operations.places import Place
from s3store.operations.reports import Step, Summary, Watcher
from s3store.operations.spool import OutOfOrder
from s3store.operations.sync.comparison import Comparison
from s3store.operations.sync.decide import How
from s3store.operations.sync.deletes import Confirm, Doomed, delete_local, delete_remote, refusal
from s3store.operations.sync.manifests import Manifests
from s3store.operations.sync.report import Report
from s3store.operations.sync.rows import Row
from s3store.operations.sync.sides import Sides, overridden, skew
from s3store.operations.sync.transfer import RESTORE, Done, Transfer
from s3store.operations.sync.work import Work
from s3store.wire import pool
from s3store.wire.multipart import is_threaded


def sync(
    source: Place,
    target: Place,
    *,
    names: Iterable[str] | None = None,
    rules: Iterable[tuple[str, bool]] = (),
    within: KeyRange | None = None,
    inventory: Inventory | None = None,
    delete: bool = False,
    max_delete: int | None = None,
    force: bool = False,
    delete_excluded: bool = False,
    confirm: Confirm = lambda _: True,
    size_only: bool = False,
    newer: bool = False,
    trust_mtime: bool = False,
    verify: bool = False,
    follow_links: bool = False,
    unsafe_links: bool = False,
    bandwidth: int | None = None,
    threads: int = THREADS,
    dry_run: bool = False,
    batch_manifest: str | os.PathLike[str] | None = None,
    watcher: Watcher | None = None,
) -> Summary:
    """Make the directory `target` contain what the directory `source` contains, and return what was done.

    One of the two, or both, are in a storage. Files are equal if size and digest are; the time is not compared.

    `names` limits the run to these files, relative to both places: names that the source does not have are in
    `summary.more["missing"]`. `rules` are (pattern, included) pairs, of which the last that matches a name decides.
    `within` is a shard: names outside of it are left alone on both sides. `inventory` is read instead of the listing of
    the source, which is a day or a week old: it cannot be combined with `delete`.

    `delete` deletes what only the target has, after everything else. It does not if a file failed, if the source is
    empty, or if more than half of the target, and more than 100 files, would go; `max_delete` and `force` say that this
    is right, and `confirm` is asked. Excluded files stay, unless `delete_excluded`.

    `size_only` compares only sizes; `newer` sends only files that are newer; `trust_mtime` does not send files of equal
    size that are not newer if no digest tells. `verify` compares the content of each file, also after sending it:
    by its ETag, or by reading it back. `follow_links` follows symbolic links within the source, `unsafe_links` all of
    them. `bandwidth` is in bytes per second. `dry_run` only reads; the steps are in `summary.plan`.

    `batch_manifest` is the path of a new file: instead of copying from one storage to another, the plan is written as a
    manifest for S3 Batch Operations, which copies up to 5 GB a file. Archived objects are in a manifest beside it,
    `FILE.restore`, and with `delete`, what only the target has in another one, `FILE.tag`. The commands that create
    the jobs are in `summary.more["batch"]`. AWS: "Performing object operations in bulk with Batch Operations".

    Files that failed are in `summary.failed`. Raises PlaceError if a place cannot be used, BatchError for what a batch
    job cannot do, and S3StoreError or OSError if a place cannot be listed.
    """
    _refuse_combinations(
        compares=verify,
        ignores=size_only or newer,
        limited=names is not None,
        deletes=delete,
        inventory=inventory,
        is_local=source.storage is None,
    )
    plans = dry_run or batch_manifest is not None
    report = Report(
        Summary(command="sync", dry_run=plans, source=str(source), target=str(target)), watcher or Watcher()
    )
    began = time.monotonic()
    with ExitStack() as stack:
        shard = within or KeyRange()
        follow = follow_links or unsafe_links
        sides = Sides.of(source, target, shard, inventory, follow=follow, unsafe=unsafe_links, deletes=delete)
        manifests = None
        if batch_manifest is not None:
            manifests = stack.enter_context(Manifests(Path(batch_manifest), source, target))
        requests = stack.enter_context(counting(remote.objects.bucket for remote in sides.remotes))
        how = _how(sides, size_only=size_only, newer=newer, trust_mtime=trust_mtime, verify=verify)
        threaded = all(is_threaded(remote.objects.options) for remote in sides.remotes)
        work = Work(threaded=threaded, bandwidth=bandwidth, moved=report.watcher.moved)
        stack.callback(work.close)
        comparison = Comparison(sides, how, report, rules=Filter.of(rules), takes=shard.takes, streams=not plans)
        comparison.deletes, comparison.delete_excluded = delete, delete_excluded
        comparison.prepare(names)
        stack.callback(comparison.close)
        run = _Run(sides, work, how, comparison, report, manifests)
        run.transfer(threads if threaded else 1)
        if delete:
            run.delete(force=force, most=max_delete, confirm=confirm)
        report.summary.requests = sum(map(len, requests))
    if manifests:
        report.summary.more["batch"] = manifests.commands()
    return report.ended(time.monotonic() - began)


def _refuse_combinations(
    *, compares: bool, ignores: bool, limited: bool, deletes: bool, inventory: Inventory | None, is_local: bool
) -> None:
    """Raise ValueError for arguments that contradict each other."""
    if compares and ignores:
        raise ValueError("verify compares the content, so it cannot be combined with size_only or newer.")
    if limited and deletes:
        raise ValueError("delete needs all files of the source, so it cannot be combined with names.")
    if inventory and (deletes or is_local):
        raise ValueError("An inventory lists a source in a storage, some time ago. It cannot be combined with delete.")


def _how(sides: Sides, *, size_only: bool, newer: bool, trust_mtime: bool, verify: bool) -> How:
    """Return how two files are compared. With `newer`, the clock of the server is asked for: one request."""
    return How(
        size_only=size_only,
        newer=newer,
        trust_mtime=trust_mtime,
        verify=verify,
        sizes=not sides.compresses,
        now=time.time(),
        skew=skew(sides.remotes[0]) if newer else 0.0,
        source_is_local=sides.walk is not None,
        target_is_local=sides.tree is not None and sides.walk is None,
    )


class _Run:
    """The state of a run. Its methods are called by the main thread."""

    def __init__(
        self,
        sides: Sides,
        work: Work,
        how: How,
        comparison: Comparison,
        report: Report,
        manifests: Manifests | None,
    ) -> None:
        self._sides = sides
        self._work = work
        self._comparison = comparison
        self._report = report
        self._manifests = manifests
        self._summary = report.summary
        self._process = Transfer(sides, work, how, plans=report.summary.dry_run, restores=manifests is not None).process
        self._downloads = sides.up is None and not report.summary.dry_run
        # The plan of a manifest is in the manifest: memory does not grow with it.
        if report.summary.dry_run and manifests is None:
            report.summary.plan = []

    def transfer(self, threads: int) -> None:
        """Send what the target does not have."""
        summary, report, comparison, before = self._summary, self._report, self._comparison, 0
        if self._sides.up and (method := overridden(type(self._sides.up.storage))):
            report.warn(
                f"sync writes files as they are: it does not call {method}. Check that other code can read them."
            )
        if self._downloads and self._sides.tree:
            self._sides.tree.directory.mkdir(parents=True, exist_ok=True)
        while True:
            # A side that is in another order is sorted, and then everything is compared once more.
            comparison.begin_again()
            report.failed.clear()
            summary.objects = summary.skipped = 0
            again: list[OutOfOrder] = []
            pairs = comparison.pairs(again)
            for outcome in pool.run(self._process, pairs, threads=threads, stopping=self._work.stop):
                report.note(outcome)
                if self._manifests and outcome.result:
                    _add(self._manifests, outcome.item.source, outcome.result)
            if not again:
                break
            before = summary.sent
        summary.skipped -= min(before, summary.skipped)
        if self._downloads:
            self._make_folders()
        self._tell()

    def _tell(self) -> None:
        """Tell what was found and not processed."""
        summary, report, found = self._summary, self._report, self._comparison.found
        for name in sorted(self._comparison.restored):
            report.warn(f"'{name}' was hidden by a run that was killed. It has its name again.")
        for name, why in sorted(found.skipped.items()):
            report.warn(f"'{name}' was skipped: {why}.")
        for failure in found.failed.values():
            report.fail(failure)
        summary.failed = [*found.failed.values(), *report.failed.values()]
        summary.more["special"] = len(found.skipped)
        if self._comparison.is_limited:
            summary.more["missing"] = list(self._comparison.missing)
        if self._manifests and self._manifests.left:
            report.warn(
                f"{self._manifests.left} files are larger than 5 GB, which a batch job does not copy. Their names are "
                f"in {self._manifests.rest}: copy them with s3 sync."
            )

    def _make_folders(self) -> None:
        tree, found = self._sides.tree, self._comparison.found
        assert tree is not None  # noqa: S101 (the caller downloads)
        for name in sorted(found.folders):
            if self._comparison.takes(name + "/"):
                try:
                    tree.make_directory(name)
                except OSError as error:
                    found.fail(name + "/", error)

    # Deletes

    def delete(self, *, force: bool, most: int | None, confirm: Confirm) -> None:
        """Delete what only the target has, unless something speaks against it."""
        summary, report, doomed = self._summary, self._report, self._comparison.doomed
        if summary.failed and len(doomed):
            report.warn(f"Nothing was deleted, because {counted(len(summary.failed), 'file')} failed.")
            return
        refused = refusal(doomed, taken=summary.objects, force=force, most=most, target=str(summary.target))
        if refused:
            summary.failed.append(refused)
        elif summary.dry_run:
            summary.deleted = len(doomed)
            for row in doomed.rows:
                report.step(_deleted(row))
                if self._manifests:
                    self._manifests.tag(row)
        elif len(doomed) and not confirm(doomed):
            report.warn("Nothing was deleted.")
        elif len(doomed):
            self._delete(doomed)

    def _delete(self, doomed: Doomed) -> None:
        up, tree = self._sides.up, self._sides.tree
        if up:
            outcomes = delete_remote(up, doomed)
        else:
            assert tree is not None  # noqa: S101 (one of the two)
            outcomes = delete_local(tree, doomed)
        for row, failure in outcomes:
            if failure:
                self._summary.failed.append(failure)
                self._report.fail(failure)
            else:
                self._summary.deleted += 1
                self._report.watcher.step(_deleted(row))


def _deleted(row: Row) -> Step:
    return Step(op="delete", name=row.name, size=row.size, reason="only the target has it")


def _add(manifests: Manifests, row: Row, done: Done) -> None:
    if done.op == RESTORE:
        manifests.restore(row)
    elif done.op == "copy":
        manifests.copy(row)
