"""One piece of work for each of many files, in parallel, with a summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from s3store import errors
from s3store.core.globs import Filter
from s3store.operations import command
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.shell.selecting import Item, Selection
from s3store.wire import pool
from s3store.wire.objects import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An item, and the objects among which it was found."""

    selection: Selection
    item: Item

    @property
    def objects(self) -> Objects:
        """The objects of the storage."""
        return self.selection.objects


class ImpossibleNameError(ValueError):
    """A key that is not a name: a storage cannot process it."""

    code = "UnsafeName"


@contextmanager
def measured(summary: Summary, selections: Iterable[Selection], others: Iterable[Objects] = ()) -> Iterator[None]:
    """Add the requests and the seconds of the block to a summary, and the requests that found the selections."""
    began = time.monotonic()
    chosen = list(selections)
    summary.requests += sum(selection.requests for selection in chosen)
    everything = [*(selection.objects for selection in chosen), *others]
    with command.counting(objects.bucket for objects in everything) as counters:
        try:
            yield
        finally:
            summary.requests += sum(map(len, counters))
            summary.seconds += time.monotonic() - began


def chosen_of(
    selections: Sequence[Selection], *, recursive: bool, rules: Filter | None, watcher: Watcher
) -> Iterator[Chosen]:
    """Yield the files of all places, without those that mark folders."""
    for selection in selections:
        for item in selection.items(recursive=recursive, rules=rules):
            if not item.is_marker:
                watcher.expect(1, 0)
                yield Chosen(selection=selection, item=item)


def apply(
    work: Callable[[Chosen, str], Step],
    chosen: Iterable[Chosen],
    summary: Summary,
    *,
    threads: int,
    watcher: Watcher,
) -> None:
    """Call `work` with each file and its name, and note the steps. An exception is the failure of its file.

    If ACLs are disabled for the bucket, the first failure ends the work: all others would fail too.
    """

    def attempt(each: Chosen) -> Step:
        if each.item.name is None:
            raise ImpossibleNameError(
                f"{each.item.key!r} is not a possible name. Use boto3 for such keys: storage.client."
            )
        return work(each, each.item.name)

    for outcome in pool.run(attempt, chosen, threads=threads):
        name = outcome.item.item.shown
        summary.objects += 1
        if outcome.error is not None or outcome.result is None:
            step = fail(summary, name, outcome.error or ImpossibleNameError(name))
        else:
            step = outcome.result
            summary.skipped += step.op == "skip"
            summary.sent += step.op != "skip"
        watcher.step(step)
        if isinstance(outcome.error, errors.AclNotSupportedError):
            return


def fail(summary: Summary, name: str, error: Exception) -> Step:
    """Note a failure, and return its step."""
    failed = Failed.of(name, error)
    if isinstance(error, FileExistsError):
        failed = Failed(name=name, code="Exists", why=str(error))
    summary.failed.append(failed)
    return Step(op="fail", name=name, reason=failed.why)


def threads_for(selections: Sequence[Selection], wanted: int) -> int:
    """Return the number of threads for these places. Raises CommandError."""
    return min((command.threads_of(selection.objects.options, wanted) for selection in selections), default=wanted)
