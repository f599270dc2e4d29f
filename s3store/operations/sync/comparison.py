"""The two listings, merged: pairs that threads process, and files that only the target has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from s3store.core.globs import Filter
from s3store.operations.landing import Landing, Opener
from s3store.operations.spool import OutOfOrder, Side, Spool, merged
from s3store.operations.sync import decide
from s3store.operations.sync.decide import LOOK, SEND, SKIP, How, Verdict
from s3store.operations.sync.deletes import Doomed
from s3store.operations.sync.local import Walk
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.report import Report
from s3store.operations.sync.rows import Found, Row
from s3store.operations.sync.sides import Sides
from s3store.operations.sync.transfer import Pair
from s3store.operations.sync.up import SMALL, small_md5

_NEW = Verdict(SEND, "it is new")


class _AgainError(Exception):
    """A side turned out to be in another order."""


class Comparison:
    """Lists both sides. `found` is about the source, `doomed` are the files to delete, `missing` names it lacks.

    `restored` are files of this machine that have got their names again.

    `streams` compares while the listings arrive; the steps of a dry run are printed, so that it must not begin again.
    Of a server whose order is unknown, a name may seem to be missing, and be listed later: what seems to be new waits
    until the order is certain.
    """

    def __init__(
        self, sides: Sides, how: How, report: Report, *, rules: Filter, takes: Callable[[str], bool], streams: bool
    ) -> None:
        self._sides = sides
        self._how = how
        self._report = report
        self._rules = rules
        self._within = takes
        self._streams = streams
        self._opener = Opener(sides.tree) if sides.tree else None
        self.deletes = False
        self.delete_excluded = False
        self.missing: dict[str, None] = {}
        self.restored: set[str] = set()
        self._names: Side[tuple[str]] | None = None
        self._uncertain: list[Side[Row]] = []
        self.begin()

    def begin(self) -> None:
        """Forget what was found."""
        # What is put back in the first listing is not hidden in the second.
        self.found, self._there = Found(restored=self.restored), Found(restored=self.restored)
        self.doomed = Doomed()
        self.missing.clear()

    def begin_again(self) -> None:
        """Forget what was found, and the temporary file."""
        self.doomed.close()
        self.begin()

    def prepare(self, names: Iterable[str] | None) -> None:
        """Prepare the listings. `names` limits that of the source."""
        up, down, tree, walk = self._sides.up, self._sides.down, self._sides.tree, self._sides.walk
        if names is not None:
            given = names
            self._names = Side(lambda: ((name,) for name in given), ordered=False)
        if walk:
            self._listed: Side[Row] = Side(lambda: walk.rows(self.found))
        else:
            assert down is not None  # noqa: S101 (one of the two is the source)
            self._listed = self._side(lambda: down.rows(self.found), down)
        self._source = self._listed if self._names is None else Side(self._chosen)
        if up:
            self._target: Side[Row] = self._side(lambda: up.rows(self._there), up)
        else:
            assert tree is not None  # noqa: S101 (one of the two is the target)
            self._target = Side(lambda: _rows_below(tree, self._there))

    def _side(self, listed: Callable[[], Iterable[Row]], remote: Remote) -> Side[Row]:
        side = Side(listed, ordered=self._streams and remote.in_order is not False)
        if remote.in_order is None:
            self._uncertain.append(side)
        return side

    @property
    def is_limited(self) -> bool:
        """Whether the caller gave names."""
        return self._names is not None

    def close(self) -> None:
        """Delete temporary files."""
        for side in (self._listed, self._source, self._target, self._names):
            if side:
                side.close()
        if self._opener:
            self._opener.close()
        self.doomed.close()

    def takes(self, name: str) -> bool:
        """Return whether a name is in the shard, and not excluded."""
        return self._within(name) and self._rules.takes(name)

    def pairs(self, again: list[OutOfOrder]) -> Iterator[Pair]:
        """Yield what a thread has to do. What the main thread can decide is noted at once."""

        def restart(found: OutOfOrder) -> None:
            again.append(found)
            raise _AgainError

        with suppress(_AgainError), Spool[Row]() as held:
            for name, source, target in merged(self._source, self._target, restarted=restart):
                if not self._within(name):
                    continue
                if not self._rules.takes(name):
                    if target and self.delete_excluded:
                        self._doom(target)
                    continue
                if source is None:
                    if target:
                        self._doom(target)
                    continue
                self.doomed.total += target is not None
                self._report.summary.objects += 1
                verdict = self._first_verdict(source, target)
                if verdict.op == SKIP:
                    self._report.skip(source, verdict.reason)
                    continue
                self._report.watcher.expect(1, source.size)
                if target or all(side.certain for side in self._uncertain):
                    yield Pair(source, target, verdict)
                else:
                    held.add(source)
            for source in held:
                yield Pair(source, None, _NEW)

    def _first_verdict(self, source: Row, target: Row | None) -> Verdict:
        if target is None:
            return _NEW
        verdict = decide.by_listing(source, target, self._how)
        local, there = (source, target) if self._how.source_is_local else (target, source)
        small = verdict.op == LOOK and self._how.sizes and local.size < SMALL
        if small and self._opener and decide.is_md5(there.etag):
            # Errors are those of a thread, which looks again.
            with suppress(OSError):
                if small_md5(self._opener, local.name) == there.etag:
                    return Verdict(SKIP, "the digest is equal")
        return verdict

    def _doom(self, target: Row) -> None:
        self.doomed.total += 1
        if self.deletes and not self.found.protects(target.name):
            self.doomed.add(target)

    def _chosen(self) -> Iterator[Row]:
        """Yield the rows of the names that the caller gave."""
        assert self._names is not None  # noqa: S101 (the caller gave names)

        def restart(_: OutOfOrder) -> None:
            self.missing.clear()

        for name, wanted, row in merged(self._names, self._listed, restarted=restart):
            if wanted and row:
                yield row
            elif wanted:
                self.missing[name] = None


def _rows_below(tree: Landing, found: Found) -> Iterator[Row]:
    if tree.directory.exists():
        yield from Walk(root=tree.directory).rows(found)
