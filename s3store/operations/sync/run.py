"""A run of sync: both sides are listed in order and compared row by row, while threads send what differs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NamedTuple

from s3store.core.globs import Filter
from s3store.core.keyrange import KeyRange
from s3store.files.file import inflates
from s3store.operations.command import THREADS, counted
from s3store.operations.inventory import Inventory
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.spool import OutOfOrder, Side, merged
from s3store.operations.sync import decide
from s3store.operations.sync.across import Copier
from s3store.operations.sync.decide import LOOK, SEND, SKIP, How, Verdict
from s3store.operations.sync.deletes import Confirm, Doomed, delete_local, delete_remote, refusal
from s3store.operations.sync.down import Fetcher
from s3store.operations.sync.local import Walk
from s3store.operations.sync.look import LocalLook, ObjectLook
from s3store.operations.sync.remote import Remote, row_of
from s3store.operations.sync.rows import Found, Row
from s3store.operations.sync.tree import Tree
from s3store.operations.sync.up import SMALL, Sender, small_md5
from s3store.operations.sync.work import Work
from s3store.wire import pool
from s3store.wire.multipart import is_threaded

_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class ArchivedError(OSError):
    """An object in an archive, which S3 has to restore before it can be read."""

    code = "Archived"


class ContentDiffersError(OSError):
    """What is stored is not what was sent."""

    code = "ContentDiffers"


class _AgainError(Exception):
    """A side turned out to be in another order."""


class _Pair(NamedTuple):
    source: Row
    target: Row | None
    verdict: Verdict


class _Done(NamedTuple):
    op: str
    size: int
    reason: str


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

    Files that failed are in `summary.failed`. Raises PlaceError if a place cannot be used, and S3StoreError or OSError
    if one cannot be listed.
    """
    if verify and (size_only or newer):
        raise ValueError("verify compares the content, so it cannot be combined with size_only or newer.")
    if names is not None and delete:
        raise ValueError("delete needs all files of the source, so it cannot be combined with names.")
    if inventory and (delete or source.storage is None):
        raise ValueError("An inventory lists a source in a storage, some time ago. It cannot be combined with delete.")
    watcher = watcher or Watcher()
    summary = Summary(command="sync", dry_run=dry_run, source=str(source), target=str(target))
    began = time.monotonic()
    with ExitStack() as stack:
        shard = within or KeyRange()
        sides = _Sides.of(source, target, shard, inventory, follow=follow_links or unsafe_links, unsafe=unsafe_links)
        remotes = [side for side in (sides.up, sides.down) if side]
        # Two storages with the same connection options share a client, which counts all requests.
        one = len(remotes) == 1 or _one_client(*remotes)
        counted = [stack.enter_context(remote.objects.bucket.counted()) for remote in remotes[: 1 if one else 2]]
        threaded = all(is_threaded(remote.objects.options) for remote in remotes)
        work = Work(threaded=threaded, bandwidth=bandwidth, moved=watcher.moved)
        stack.callback(work.close)
        how = How(
            size_only=size_only,
            newer=newer,
            trust_mtime=trust_mtime,
            verify=verify,
            sizes=not sides.compresses,
            now=time.time(),
            skew=_skew(remotes[0]) if newer else 0.0,
            source_is_local=sides.walk is not None,
            target_is_local=sides.tree is not None and sides.walk is None,
        )
        run = _Run(sides, work, how, Filter.of(rules), shard.takes, watcher, summary, names=names, delete=delete)
        run.delete_excluded = delete_excluded
        stack.callback(run.close)
        if sides.up and (method := _overridden(type(sides.up.storage))):
            run.warn(f"sync writes files as they are: it does not call {method}. Check that other code can read them.")
        run.transfer(threads if threaded else 1)
        if delete:
            run.delete(force=force, most=max_delete, confirm=confirm)
        summary.requests = sum(len(requests) for requests in counted)
    summary.seconds = time.monotonic() - began
    summary.failed.sort(key=lambda failure: failure.name)
    if summary.plan:
        summary.plan.sort(key=lambda step: step.name)
    return summary


def _skew(remote: Remote) -> float:
    """Return by how many seconds the server's clock is ahead of this one: one request."""
    bucket = remote.objects.bucket
    bucket.page(remote.prefix, remote.objects.listing_params, flat=True, limit=1)
    return bucket.date.timestamp() - time.time() if bucket.date else 0.0


def _overridden(cls: type) -> str | None:
    """Return a method by which a subclass changes what is saved, and that is not called."""
    for name in ("_save", "save"):
        definer = next(base for base in cls.__mro__ if name in vars(base))
        if definer.__module__.partition(".")[0] not in ("django", "s3store"):
            return f"{definer.__qualname__}.{name}"
    return None


def _one_client(one: Remote, two: Remote) -> bool:
    buckets = one.objects.bucket, two.objects.bucket
    return all(bucket.over_http for bucket in buckets) and buckets[0].client is buckets[1].client


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """The two places. `up` is a target in a storage, `down` a source in one; `walk` is a local source."""

    up: Remote | None = None
    down: Remote | None = None
    walk: Walk | None = None
    tree: Tree | None = None

    @classmethod
    def of(
        cls, source: Place, target: Place, within: KeyRange, inventory: Inventory | None, *, follow: bool, unsafe: bool
    ) -> _Sides:
        """Return the sides of two places. Raises PlaceError."""
        if source.storage is None and target.storage is None:
            raise PlaceError("One of the two places must be in a storage. For two directories, use rsync.")
        up = Remote(target, within) if target.storage is not None else None
        if source.storage is None:
            if not source.local.is_dir():
                what = "is a file: use s3 cp for a single file" if source.local.exists() else "does not exist"
                raise PlaceError(f"The source {str(source)!r} {what}.")
            walk = Walk(root=source.local, follow=follow, unsafe=unsafe)
            return cls(up=up, walk=walk, tree=Tree(source.local, follow=follow))
        down = Remote(source, within, inventory)
        if not source.path.endswith("/") and down.is_file():
            raise PlaceError(f"The source {str(source)!r} is a file: use s3 cp for a single file.")
        if up is None:
            if target.local.exists() and not target.local.is_dir():
                raise PlaceError(f"The target {str(target)!r} is not a directory.")
            if os.open not in os.supports_dir_fd:  # pragma: no cover (Windows)
                raise PlaceError("This system cannot write files safely below a directory. Use Linux or macOS.")
            return cls(down=down, tree=Tree(target.local))
        if _same_bucket(up, down) and (up.prefix.startswith(down.prefix) or down.prefix.startswith(up.prefix)):
            raise PlaceError(f"{str(source)!r} and {str(target)!r} contain each other. Choose two separate places.")
        return cls(up=up, down=down)

    @property
    def compresses(self) -> bool:
        """Whether files can have another size in the storage than on this machine."""
        remote = self.up or self.down
        return self.tree is not None and remote is not None and inflates(remote.objects.options)


def _same_bucket(one: Remote, two: Remote) -> bool:
    options = [(each.objects.options.bucket_name, each.objects.options.endpoint_url) for each in (one, two)]
    return options[0] == options[1]


class _Run:
    """The state of a run. Its methods are called by the main thread, except `_process`."""

    def __init__(
        self,
        sides: _Sides,
        work: Work,
        how: How,
        rules: Filter,
        takes: Callable[[str], bool],
        watcher: Watcher,
        summary: Summary,
        *,
        names: Iterable[str] | None,
        delete: bool,
    ) -> None:
        self._sides = sides
        self._work = work
        self._how = how
        self._rules = rules
        self._takes = takes
        self._watcher = watcher
        self._summary = summary
        self._deletes = delete
        self.delete_excluded = False
        self._found = Found()
        self._doomed = Doomed()
        self._failed: dict[str, Failed] = {}
        self._missing: dict[str, None] = {}
        self._names = None if names is None else Side(lambda: [(name,) for name in names], ordered=False)
        if summary.dry_run:
            summary.plan = []
        self._prepare()

    def _prepare(self) -> None:
        sides, streams = self._sides, not self._summary.dry_run
        up, down, tree, walk = sides.up, sides.down, sides.tree, sides.walk
        self._there = Found()
        # The steps of a dry run are printed while it lists, so that it must not begin again.
        if walk:
            self._listed: Side[Row] = Side(lambda: walk.rows(self._found))
        else:
            assert down is not None  # noqa: S101 (one of the two is the source)
            self._listed = Side(lambda: down.rows(self._found), ordered=streams and down.in_order)
        self._source = self._listed if self._names is None else Side(self._chosen)
        if up:
            self._target: Side[Row] = Side(lambda: up.rows(self._there), ordered=streams and up.in_order)
        else:
            assert tree is not None  # noqa: S101 (one of the two is the target)
            self._target = Side(lambda: _rows_below(tree, self._there))
        remote = up or down
        assert remote is not None  # noqa: S101 (as above)
        self._copier = Copier(down, up, self._work) if up and down else None
        self._objects = ObjectLook(down, up, self._how) if up and down else None
        self._sender = Sender(tree, remote, self._work) if tree else None
        self._look = LocalLook(tree, remote, self._sender, self._how) if tree and self._sender else None
        self._fetcher = Fetcher(down, tree, self._work) if down and tree else None

    def close(self) -> None:
        """Delete temporary files."""
        for side in (self._listed, self._source, self._target, self._names):
            if side:
                side.close()
        self._doomed.close()

    # Transfers

    def transfer(self, threads: int) -> None:
        """Send what the target does not have."""
        summary, before = self._summary, 0
        if self._fetcher and self._sides.tree and not summary.dry_run:
            self._sides.tree.root.mkdir(parents=True, exist_ok=True)
        while True:
            # A side that is in another order is sorted, and then everything is compared once more.
            self._found, self._there = Found(), Found()
            self._doomed.close()
            self._doomed = Doomed()
            self._failed.clear()
            self._missing.clear()
            summary.objects = summary.skipped = 0
            again: list[OutOfOrder] = []
            for outcome in pool.run(self._process, self._pairs(again), threads=threads, stopping=self._work.stop):
                self._note(outcome)
            if not again:
                break
            before = summary.sent
        summary.skipped -= min(before, summary.skipped)
        if self._fetcher and not summary.dry_run:
            self._make_folders()
        for name, why in sorted(self._found.skipped.items()):
            self.warn(f"'{name}' was skipped: {why}.")
        for failure in self._found.failed.values():
            self._watcher.step(Step(op="fail", name=failure.name, reason=failure.why))
        summary.failed = [*self._found.failed.values(), *self._failed.values()]
        summary.more["special"] = len(self._found.skipped)
        if self._names:
            summary.more["missing"] = list(self._missing)

    def _pairs(self, again: list[OutOfOrder]) -> Iterator[_Pair]:
        """Yield what a thread has to do. What the main thread can decide is noted at once."""

        def restart(found: OutOfOrder) -> None:
            again.append(found)
            raise _AgainError

        with suppress(_AgainError):
            for name, source, target in merged(self._source, self._target, restarted=restart):
                if not self._takes(name):
                    continue
                if not self._rules.takes(name):
                    if target and self.delete_excluded:
                        self._doom(target)
                    continue
                if source is None:
                    if target:
                        self._doom(target)
                    continue
                self._doomed.total += target is not None
                self._summary.objects += 1
                verdict = self._first_verdict(source, target)
                if verdict.op == SKIP:
                    self._skip(name, verdict.reason)
                    continue
                self._watcher.expect(1, source.size)
                yield _Pair(source, target, verdict)

    def _first_verdict(self, source: Row, target: Row | None) -> Verdict:
        if target is None:
            return Verdict(SEND, "it is new")
        verdict = decide.by_listing(source, target, self._how)
        local, there = (source, target) if self._how.source_is_local else (target, source)
        small = verdict.op == LOOK and self._how.sizes and local.size < SMALL
        if small and self._sides.tree and decide.is_md5(there.etag):
            # The rest of the errors are those of a thread, which looks again.
            with suppress(OSError):
                if small_md5(self._sides.tree, local.name) == there.etag:
                    return Verdict(SKIP, "the digest is equal")
        return verdict

    def _doom(self, target: Row) -> None:
        self._doomed.total += 1
        if self._deletes and not self._found.protects(target.name):
            self._doomed.add(target)

    def _process(self, pair: _Pair) -> _Done:
        """Look at the content if needed, and send the file. Runs in a thread."""
        self._work.check()
        source, target, verdict = pair
        if verdict.op == LOOK and target:
            verdict = self._verdict(source, target)
            if verdict.op == SKIP:
                return _Done(SKIP, 0, verdict.reason)
        op = "copy" if self._copier else "send" if self._sides.up else "get"
        if source.storage_class in _ARCHIVED and not (self._sides.down and self._sides.down.is_readable(source.name)):
            raise ArchivedError(f"It is archived in {source.storage_class}. Restore it first: s3 restore --archived.")
        if self._summary.dry_run:
            return _Done(op, source.size, verdict.reason)
        size = self._sent(source, target)
        if self._how.verify:
            self._verify(source)
        return _Done(op, size, verdict.reason)

    def _sent(self, source: Row, target: Row | None) -> int:
        if self._copier:
            return self._copier.copy(source)[0]
        if self._fetcher:
            return self._fetcher.fetch(source, replace=target is not None)[0]
        assert self._sender is not None  # noqa: S101 (one of the three)
        return self._sender.send(source)[0]

    def _verdict(self, source: Row, target: Row) -> Verdict:
        if self._objects:
            return self._objects.verdict(source, target)
        assert self._look is not None  # noqa: S101 (one of the two)
        local, there = (source, target) if self._how.source_is_local else (target, source)
        return self._look.verdict(local, there, source=source, target=target)

    def _verify(self, source: Row) -> None:
        """Raise ContentDiffersError if the content on both sides differs after sending."""
        remote = self._sides.up or self._sides.down
        assert remote is not None  # noqa: S101 (one of the two)
        target = remote.target(source.name)
        there = row_of(source.name, remote.objects.bucket.head(target.key, target.params))
        if self._objects:
            verdict = decide.by_etags(source, there)
            verdict = verdict if verdict.op == SKIP else self._objects.verdict(source, there)
        else:
            assert self._look is not None  # noqa: S101 (one of the two)
            verdict = self._look.verdict(source, there, source=source, target=there)
        if verdict.op != SKIP:
            raise ContentDiffersError("Its content differs after it was transferred. Run the command again.")

    # Reports

    def _note(self, outcome: pool.Outcome[_Pair, _Done]) -> None:
        name, done = outcome.item.source.name, outcome.result
        if done is None:
            error = outcome.error or RuntimeError()
            self._failed[name] = Failed.of(name, error)
            self._watcher.step(Step(op="fail", name=name, size=outcome.item.source.size, reason=str(error)))
        elif done.op == SKIP:
            self._skip(name, done.reason)
        else:
            self._summary.sent += 1
            self._summary.size += done.size
            self._step(Step(op=done.op, name=name, size=done.size, reason=done.reason))

    def _skip(self, name: str, reason: str) -> None:
        self._summary.skipped += 1
        self._watcher.step(Step(op=SKIP, name=name, reason=reason))

    def _step(self, step: Step) -> None:
        if self._summary.plan is not None:
            self._summary.plan.append(step)
        self._watcher.step(step)

    def warn(self, text: str) -> None:
        """Note a warning."""
        self._summary.warnings.append(text)
        self._watcher.warn(text)

    # Afterwards

    def _make_folders(self) -> None:
        tree = self._sides.tree
        assert tree is not None  # noqa: S101 (the caller downloads)
        for name in sorted(self._found.folders):
            if self._takes(name) and self._rules.takes(name + "/"):
                try:
                    tree.make_directory(name)
                except OSError as error:
                    self._found.fail(name + "/", error)

    def delete(self, *, force: bool, most: int | None, confirm: Confirm) -> None:
        """Delete what only the target has, unless something speaks against it."""
        summary, doomed = self._summary, self._doomed
        if summary.failed and len(doomed):
            self.warn(f"Nothing was deleted, because {counted(len(summary.failed), 'file')} failed.")
            return
        refused = refusal(doomed, taken=summary.objects, force=force, most=most, target=str(summary.target))
        if refused:
            summary.failed.append(refused)
            return
        if not len(doomed):
            return
        if summary.dry_run:
            summary.deleted = len(doomed)
            for row in doomed.rows:
                self._step(Step(op="delete", name=row.name, size=row.size, reason="only the target has it"))
            return
        if not confirm(doomed):
            self.warn("Nothing was deleted.")
            return
        up, tree = self._sides.up, self._sides.tree
        if up:
            outcomes = delete_remote(up, doomed)
        else:
            assert tree is not None  # noqa: S101 (one of the two)
            outcomes = delete_local(tree, doomed)
        for row, failure in outcomes:
            if failure:
                summary.failed.append(failure)
                self._watcher.step(Step(op="fail", name=row.name, reason=failure.why))
            else:
                summary.deleted += 1
                self._watcher.step(Step(op="delete", name=row.name, size=row.size, reason="only the target has it"))

    # Names

    def _chosen(self) -> Iterator[Row]:
        """Yield the rows of the names that the caller gave."""
        assert self._names is not None  # noqa: S101 (the caller gave names)

        def restart(_: OutOfOrder) -> None:
            self._missing.clear()

        for name, wanted, row in merged(self._names, self._listed, restarted=restart):
            if wanted and row:
                yield row
            elif wanted:
                self._missing[name] = None


def _rows_below(tree: Tree, found: Found) -> Iterator[Row]:
    if tree.root.exists():
        yield from Walk(root=tree.root).rows(found)
