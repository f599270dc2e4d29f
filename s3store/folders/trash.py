"""Deleting with a way back.

In a bucket with versions, a delete leaves markers: they are recorded, and deleting them brings everything back without
a copy. In other buckets, what is deleted is moved to `.s3store/trash/<operation>/` below the root.
AWS: "Working with delete markers".
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from s3store import errors
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Parameters
from s3store.folders import jail, names, removal, signals
from s3store.folders.access import Place, missing
from s3store.folders.reports import Progress, Tally, Trashed
from s3store.folders.scope import Scope
from s3store.folders.transfers import Item, Transfer
from s3store.folders.trees import Tree
from s3store.folders.work import Work, full_text
from s3store.wire.deleting import Deletion

EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""What is in the trash of an operation belongs to it, whenever it came there."""

_OPERATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def check_operation(operation: str) -> None:
    """Raise ValueError for an identifier of an operation that cannot be part of a key."""
    if not _OPERATION.match(operation):
        raise ValueError(
            f"operation={operation!r} must be 1 to 64 letters, digits, dots, underscores and hyphens, such as a UUID."
        )


def trash_place(scope: Scope, operation: str, full: str = "") -> Place:
    """Return the place in the trash of what was at a path relative to the outermost root."""
    return replace(own_place(scope, jail.joined(f"trash/{operation}", full)), path=full)


def own_place(scope: Scope, path: str) -> Place:
    """Return the place of a folder of s3store's own, below the outermost root. No path of a caller leads there."""
    full = jail.joined(names.OWN, path)
    return Place(path=full, full=full, name=jail.joined(scope.jail.own, path), is_folder=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one request of an operation has deleted: keys relative to the outermost root, and their delete markers.

    A marker is None as long as the request is not answered.
    """

    key: str
    markers: dict[str, str | None]


class Records:
    """The records of an operation, below `.s3store/undo/<operation>/`."""

    def __init__(self, scope: Scope, operation: str) -> None:
        self._objects = scope.objects
        self._prefix = scope.objects.prefix(jail.joined(scope.jail.own, f"undo/{operation}"))

    def write(self, record: Record) -> bool:
        """Write a record, and return whether the bucket keeps versions."""
        body = json.dumps(record.markers).encode()
        params = self._objects.target_at(record.key).params
        info = self._objects.bucket.put(record.key, body, Parameters({**params, "ContentType": "application/json"}))
        return info.version_id not in (None, "null")

    def new(self, markers: dict[str, str | None]) -> Record:
        """Return a record that is not written yet."""
        return Record(key=f"{self._prefix}{secrets.token_hex(8)}.json", markers=markers)

    def read(self) -> Iterator[Record]:
        """Yield the records."""
        objects = self._objects
        for page in objects.bucket.pages(self._prefix, objects.listing_params, flat=False):
            for info in page.objects:
                name = objects.name(info.key) or ""
                yield Record(key=info.key, markers=json.loads(objects.owner.read_bytes(name)))

    def delete(self, record: Record) -> None:
        """Delete a record."""
        self._objects.bucket.delete(record.key, self._objects.target_at(record.key).params)


@dataclass(slots=True, kw_only=True)
class Trashing(Work):
    """Deletes with a way back."""

    operation: str

    def run(self, places: Sequence[Place]) -> Iterator[Progress]:
        """Check what can be checked without a request, and return the work."""
        check_operation(self.operation)
        tally = Tally(started=self.since)
        return self._run(self.allowed(places, tally, "delete"), tally)

    def _run(self, places: Sequence[Place], tally: Tally) -> Iterator[Progress]:
        records = Records(self.scope, self.operation)
        done: list[str] = []
        versioned = False
        resolved = self.resolved(places)
        if resolved:
            first = records.new({})
            versioned = records.write(first)
            records.delete(first)
        for place, info in resolved:
            failed = tally.failed
            try:
                if versioned:
                    yield from self._mark(place, info, records, tally)
                else:
                    yield from self._move(place, info, tally)
            except FileNotFoundError:
                if not self.many and not self.since:
                    raise
                if not self.since:
                    tally.fail(place.path, "missing")
            if tally.failed == failed:
                self.announce(signals.deleted, path=full_text(place), operation=self.operation)
            done.append(full_text(place))
        report = tally.report
        trashed = Trashed(operation=self.operation, paths=tuple(done), versioned=versioned, report=report)
        yield replace(tally.progress, report=report, trashed=trashed)

    def _move(self, place: Place, info: ObjectInfo | None, tally: Tally) -> Iterator[Progress]:
        transfer = Transfer(self.scope, tally, move=True, since=EVER, again=self.since is not None)
        target = trash_place(self.scope, self.operation, place.full)
        item = Item(source=place, target=target, info=info)
        yield from transfer.files([item]) if info else transfer.tree(item)

    def _mark(self, place: Place, info: ObjectInfo | None, records: Records, tally: Tally) -> Iterator[Progress]:
        objects = self.scope.objects
        if info:
            tally.expect(1, info.size)
            self._mark_some(place, [info], records, tally)
            yield tally.progress
            return
        tree = Tree(objects, objects.prefix(place.name))
        tally.started = tally.started or objects.bucket.date
        if tree.is_empty:
            raise missing(place.path)
        tally.expect(tree.files, tree.bytes)
        for leaves in tree.leaves():
            infos = [one for one in leaves.objects if self.may(place, one.key[len(tree.prefix) :], "delete", tally)]
            self._mark_some(place, infos, records, tally)
            yield tally.progress
        removal.sweep(objects, tree, versioned=True)

    def _mark_some(self, place: Place, infos: Sequence[ObjectInfo], records: Records, tally: Tally) -> None:
        if not infos:
            return
        objects = self.scope.objects
        root = len(objects.prefix(self.scope.jail.outer))
        # Written before: if nothing is heard of the delete, the keys of its markers are known.
        record = records.new({info.key[root:]: None for info in infos})
        if not records.write(record):
            raise errors.build(
                errors.InvalidRequestError,
                "the bucket no longer keeps versions",
                operation="delete_objects",
                bucket=objects.bucket.name,
                advice="Delete again: files are then moved to the trash.",
            )
        doomed = [Deletion(key=info.key) for info in infos]
        outcomes = objects.bucket.delete_listed(doomed, objects.listing_params, markers=True)
        markers = {outcome.deletion.key: outcome.marker for outcome in outcomes if not outcome.failure}
        records.write(replace(record, markers={key[root:]: marker for key, marker in markers.items()}))
        self.count(place, infos, outcomes, tally)
