"""What threads do with one pair of files: look at the content if needed, send it, and verify it."""

from __future__ import annotations

from typing import NamedTuple

from s3store.core.archive import ARCHIVES
from s3store.operations.sync import decide
from s3store.operations.sync.across import Copier
from s3store.operations.sync.decide import LOOK, SKIP, How, Verdict
from s3store.operations.sync.down import Fetcher
from s3store.operations.sync.look import LocalLook, ObjectLook
from s3store.operations.sync.remote import row_of
from s3store.operations.sync.rows import Row
from s3store.operations.sync.sides import Sides
from s3store.operations.sync.up import Sender
from s3store.operations.sync.work import Work

RESTORE = "restore"
"""The step of an archived object that a batch job restores."""


class ArchivedError(OSError):
    """An object in an archive, which S3 has to restore before it can be read."""

    code = "Archived"


class ContentDiffersError(OSError):
    """What is stored is not what was sent."""

    code = "ContentDiffers"


class Pair(NamedTuple):
    """A file of the source, what the target has under its name, and what the listings tell."""

    source: Row
    target: Row | None
    verdict: Verdict


class Done(NamedTuple):
    """What was done with a pair."""

    op: str
    size: int
    reason: str


class Transfer:
    """Processes pairs. `plans` only decides; with `restores`, archived objects are part of the plan."""

    def __init__(self, sides: Sides, work: Work, how: How, *, plans: bool, restores: bool = False) -> None:
        self._sides = sides
        self._work = work
        self._how = how
        self._plans = plans
        self._restores = restores
        up, down, tree = sides.up, sides.down, sides.tree
        self._copier = Copier(down, up, work) if up and down else None
        self._objects = ObjectLook(down, up, how) if up and down else None
        self._sender = Sender(tree, sides.remote, work) if tree else None
        self._look = LocalLook(tree, sides.remote, self._sender, how) if tree and self._sender else None
        self._fetcher = Fetcher(down, tree, work) if down and tree else None

    def process(self, pair: Pair) -> Done:
        """Look at the content if needed, and send the file. Runs in a thread."""
        self._work.check()
        source, target, verdict = pair
        if verdict.op == LOOK and target:
            verdict = self._verdict(source, target)
            if verdict.op == SKIP:
                return Done(SKIP, 0, verdict.reason)
        op = "copy" if self._copier else "send" if self._sides.up else "get"
        if source.storage_class in ARCHIVES and not self._is_readable(source):
            if self._restores:
                return Done(RESTORE, source.size, f"it is archived in {source.storage_class}")
            raise ArchivedError(f"It is archived in {source.storage_class}. Restore it first: s3 restore --archived.")
        if self._plans:
            return Done(op, source.size, verdict.reason)
        size = self._sent(source, target)
        if self._how.verify:
            self._verify(source)
        return Done(op, size, verdict.reason)

    def _is_readable(self, source: Row) -> bool:
        return self._sides.down is not None and self._sides.down.is_readable(source.name)

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
        remote = self._sides.remote
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
