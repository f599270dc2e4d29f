"""Deleting files and trees: first a plan, then exactly what the plan names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from s3store import errors
from s3store.core.globs import Filter
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Step, Summary, Watcher
from s3store.operations.shell.applying import fail, measured
from s3store.operations.shell.selecting import Selection, select, storage_in
from s3store.wire.deleting import Deletion
from s3store.wire.objects import Objects

__all__ = ["Doomed", "Removal", "plan_removal", "remove"]


@dataclass(frozen=True, slots=True)
class Doomed:
    """An object that is to be deleted. `size` is in bytes; `shown` is its name as users write it."""

    key: str
    shown: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is to be deleted. `asks` is whether a place names more than one file, so that the user must agree.

    `failed` are the places that name nothing.
    """

    groups: tuple[tuple[Objects, tuple[Doomed, ...]], ...]
    asks: bool
    failed: tuple[tuple[Place, Exception], ...] = ()
    requests: int = 0
    seconds: float = 0.0

    @property
    def objects(self) -> list[Doomed]:
        """All objects, in the order of the places."""
        return [doomed for _, group in self.groups for doomed in group]

    @property
    def size(self) -> int:
        """The bytes of all objects."""
        return sum(doomed.size for doomed in self.objects)


def plan_removal(
    places: Sequence[Place], *, recursive: bool = False, rules: Filter | None = None, force: bool = False
) -> Removal:
    """List what the places name, and return it. Also objects that mark folders, and keys that are not names.

    Raises DirectoryError for a directory unless `recursive`, and PlaceError for the whole location of a storage unless
    `force`. The objects are held in memory: about 300 bytes each.
    """
    failed: list[tuple[Place, Exception]] = []
    selections: list[Selection] = []
    summary = Summary(command="rm")
    for place in places:
        if not place.path and place.storage is not None and not force:
            raise PlaceError(f"{place} is everything in the storage. Give --force to delete that.")
        with storage_in(place).objects.bucket.counted() as sent:
            try:
                selections.append(select(place))
            except errors.ObjectNotFoundError as error:
                failed.append((place, error))
                summary.requests += len(sent)
    groups: list[tuple[Objects, tuple[Doomed, ...]]] = []
    with measured(summary, selections):
        for selection in selections:
            found: dict[str, Doomed] = {}
            try:
                for item in selection.items(recursive=recursive, rules=rules):
                    found[item.key] = Doomed(item.key, item.shown, item.info.size)
            except errors.ObjectNotFoundError as error:
                failed.append((selection.place, error))
            # Two places can name the same file.
            earlier = [group for objects, group in groups if objects is selection.objects]
            for doomed in itertools.chain.from_iterable(earlier):
                found.pop(doomed.key, None)
            groups.append((selection.objects, tuple(found.values())))
    asks = any(selection.is_many for selection in selections)
    return Removal(
        groups=tuple(groups), asks=asks, failed=tuple(failed), requests=summary.requests, seconds=summary.seconds
    )


def remove(removal: Removal, *, dry_run: bool = False, watcher: Watcher | None = None) -> Summary:
    """Delete the objects of a plan, 1,000 in a request. What was created after the plan stays.

    A versioned bucket keeps the content as an older version. An object that is gone is not a failure.
    """
    watcher = watcher or Watcher()
    summary = Summary(command="rm", dry_run=dry_run, requests=removal.requests, seconds=removal.seconds)
    for place, error in removal.failed:
        watcher.step(fail(summary, str(place), error))
    summary.objects, summary.size = len(removal.objects), removal.size if dry_run else 0
    watcher.expect(summary.objects, 0)
    summary.plan = [] if dry_run else None
    with measured(summary, (), [objects for objects, _ in removal.groups]):
        for objects, group in removal.groups:
            for start in range(0, len(group), MAX_DELETE_KEYS):
                batch = group[start : start + MAX_DELETE_KEYS]
                for doomed, failure in _deleted(objects, batch, dry_run=dry_run):
                    if failure:
                        watcher.step(fail(summary, doomed.shown, failure))
                        continue
                    step = Step(op="delete", name=doomed.shown, size=doomed.size)
                    if summary.plan is None:
                        summary.deleted += 1
                        summary.size += doomed.size
                    else:
                        summary.plan.append(step)
                    watcher.step(step)
    return summary


def _deleted(
    objects: Objects, batch: Sequence[Doomed], *, dry_run: bool
) -> Iterator[tuple[Doomed, errors.S3StoreError | None]]:
    by_key = {doomed.key: doomed for doomed in batch}
    if dry_run:
        yield from ((doomed, None) for doomed in batch)
        return
    try:
        outcomes = objects.bucket.delete_listed([Deletion(key=key) for key in by_key], objects.listing_params)
    except errors.S3StoreError as error:
        # The other batches go on: what failed is named.
        yield from ((doomed, error) for doomed in batch)
        return
    for outcome in outcomes:
        failure = None
        if outcome.failure:
            code, message = outcome.failure.code, outcome.failure.message
            failure = errors.S3StoreError(message, bucket=objects.bucket.name, key=outcome.failure.key, code=code)
        yield by_key[outcome.deletion.key], failure
