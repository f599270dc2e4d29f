"""Long work of a Folder: what is asked for, checked before a request; then done piece by piece; then announced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from s3store.core.info import ObjectInfo
from s3store.folders import jail, names, removal, reports, signals
from s3store.folders.access import Action, Place, missing, taken
from s3store.folders.reports import Progress, Tally
from s3store.folders.scope import Scope
from s3store.folders.transfers import NAMES_TRIED, Item, Merge, Transfer, check_merge
from s3store.folders.trees import Tree, is_marker
from s3store.wire.deleting import Deleted
from s3store.wire.deleting import Deletion as Doomed

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path, or several."""


@dataclass(slots=True, kw_only=True)
class Work:
    """One call. `sender` is that of signals; `many`: several paths were given, and a missing one is only a failure."""

    folder: Any
    sender: type
    scope: Scope
    many: bool = False
    since: datetime | None = None

    def allowed(self, places: Sequence[Place], tally: Tally, *actions: Action) -> list[Place]:
        """Return the places at which the user may do all actions. Of several, the others are failures."""
        found = []
        for place in places:
            if not place.path:
                raise names.NameRefusedError("This would move, copy or delete the root itself. Name what is in it.")
            try:
                for action in actions:
                    self.scope.access.require(action, place)
            except (FileNotFoundError, PermissionError) as error:
                if not self.many:
                    raise
                tally.fail(place.path, "denied" if isinstance(error, PermissionError) else "missing")
            else:
                found.append(place)
        return found

    def resolved(self, places: Sequence[Place]) -> list[tuple[Place, ObjectInfo | None]]:
        """Return the places with the facts about those that are files. Costs a request for each without a slash."""
        objects = self.scope.objects
        keys = {place.path: objects.target(place.name).key for place in places if not place.is_folder}
        infos = removal.found_one_by_one(objects, list(keys.values()))
        return [
            (replace(place, is_folder=info is None), info)
            for place in places
            for info in [infos.get(keys.get(place.path, ""))]
        ]

    def announce(self, signal: Any, **facts: Any) -> None:
        """Send a signal."""
        signal.send(sender=self.sender, folder=self.folder, **facts)

    def may(self, place: Place, relative: str, action: Action, tally: Tally) -> bool:
        """Return whether the user may do `action` at a key below a place. What may not even be read is not there."""
        clean = jail.joined(place.full, jail.listed_part(relative))
        if self.scope.access.allows(action, clean):
            return True
        if self.scope.access.allows("read", clean):
            tally.fail(jail.joined(place.path, relative), "denied")
        return False

    def count(self, place: Place, infos: Sequence[ObjectInfo], outcomes: Sequence[Deleted], tally: Tally) -> None:
        """Count what was deleted."""
        failures = {outcome.failure.key: outcome.failure.code for outcome in outcomes if outcome.failure}
        start = len(self.scope.objects.prefix(place.name)) if place.is_folder else None
        for info in infos:
            if info.key in failures:
                path = place.path if start is None else jail.joined(place.path, info.key[start:])
                tally.fail(path, reports.code_of_key(failures[info.key]))
            elif not is_marker(info):
                tally.done += 1
                tally.bytes += info.size


@dataclass(slots=True, kw_only=True)
class Moving(Work):
    """Moves or copies."""

    move: bool
    merge: Merge | None = None

    def run(self, places: Sequence[Place], target: Place, name: str | None) -> Iterator[Progress]:
        """Check what can be checked without a request, and return the work."""
        check_merge(self.merge)
        tally = Tally(started=self.since)
        pairs: dict[str, tuple[Place, Place]] = {}
        # Who moves a file to where it can be read, reads it.
        needs: tuple[Action, ...] = ("delete", "read") if self.move else ("read",)
        for place in self.allowed(places, tally, *needs):
            wanted = jail.below(target, name or place.segment, is_folder=place.is_folder)
            if wanted.full == place.full and (self.move or self.merge in ("skip", "replace")):
                tally.targets.append((text_of(place), text_of(wanted)))
            elif self.move and _is_within(target.full, place.full):
                if not self.many:
                    raise names.NameRefusedError(f"{place.path!r} cannot be moved into itself.")
                tally.fail(place.path, "itself")
            elif wanted.full in pairs and self.merge != "keep_both":
                # Two sources of one name: neither replaces the other.
                tally.fail(place.path, "exists")
            else:
                self.scope.access.require("write", wanted)
                pairs[place.full if wanted.full in pairs else wanted.full] = place, wanted
        return self._run(list(pairs.values()), tally)

    def _run(self, pairs: Sequence[tuple[Place, Place]], tally: Tally) -> Iterator[Progress]:
        wanted = {place.path: target for place, target in pairs}
        items = [
            Item(source=place, target=replace(wanted[place.path], is_folder=info is None), info=info)
            for place, info in self.resolved([place for place, _ in pairs])
        ]
        tally.started = tally.started or self.scope.objects.bucket.date
        again = self.since is not None
        transfer = Transfer(self.scope, tally, move=self.move, merge=self.merge, since=self.since, again=again)
        files = [item for item in items if item.info]
        yield from transfer.files(files)
        for item in files:
            self._file_is_done(item, transfer, tally)
        for item in items:
            if not item.info:
                yield from self._tree(self._beside(item), transfer, tally)
        yield replace(tally.progress, report=tally.report)

    def _beside(self, item: Item) -> Item:
        """Return the item with a free name for the copy of a folder beside the folder itself."""
        if item.source.full != item.target.full or self.merge != "keep_both":
            return item
        objects = self.scope.objects
        for number in range(2, NAMES_TRIED):
            name = f"{item.source.segment} ({number})"
            target = jail.below(jail.parent(item.target), name, is_folder=True)
            if not objects.bucket.page(
                objects.prefix(target.name), objects.listing_params, flat=False, limit=1
            ).objects:
                return replace(item, target=target)
        raise taken(item.target.path)

    def _file_is_done(self, item: Item, transfer: Transfer, tally: Tally) -> None:
        key = transfer.landed.get(item.source.path)
        if key is not None:
            self._arrived(item.source, jail.below(jail.parent(item.target), key.rpartition("/")[2]), tally)
        elif not self.many:
            failure = next(iter(tally.failures), None)
            if failure and failure.code == "exists":
                raise taken(item.target.path)
            if failure and failure.code == "missing":
                raise missing(item.source.path)

    def _tree(self, item: Item, transfer: Transfer, tally: Tally) -> Iterator[Progress]:
        failed, skipped = tally.failed, tally.skipped
        try:
            yield from transfer.tree(item)
        except (FileNotFoundError, FileExistsError) as error:
            if isinstance(error, FileNotFoundError) and self.since and self._is_there(item):
                self._arrived(replace(item.source, is_folder=False), replace(item.target, is_folder=False), tally)
            elif not self.many:
                raise
            else:
                tally.fail(item.source.path, "exists" if isinstance(error, FileExistsError) else "missing")
        else:
            if (tally.failed, tally.skipped) == (failed, skipped):
                self._arrived(item.source, item.target, tally)

    def _is_there(self, item: Item) -> bool:
        """Return whether an earlier run has moved a file that is missing now."""
        target = self.scope.objects.target(item.target.name)
        info = self.scope.objects.bucket.find(target.key, target.params)
        return bool(info and info.modified and self.since and info.modified >= self.since)

    def _arrived(self, source: Place, target: Place, tally: Tally) -> None:
        tally.targets.append((text_of(source), text_of(target)))
        if self.move:
            self.announce(signals.moved, source=full_text(source), target=full_text(target), operation="")


@dataclass(slots=True, kw_only=True)
class Deletion(Work):
    """Deletes for ever. `announces`: by signals."""

    announces: bool = True

    def run(self, places: Sequence[Place]) -> Iterator[Progress]:
        """Check what can be checked without a request, and return the work."""
        tally = Tally(started=self.since)
        return self._run(self.allowed(places, tally, "delete"), tally)

    def _run(self, places: Sequence[Place], tally: Tally) -> Iterator[Progress]:
        for place, info in self.resolved(places):
            failed = tally.failed
            if info:
                tally.expect(1, info.size)
                self._delete(place, [info], tally)
            else:
                yield from self._tree(place, tally)
            yield tally.progress
            if self.announces and tally.failed == failed:
                self.announce(signals.deleted, path=full_text(place), operation="")
        yield replace(tally.progress, report=tally.report)

    def _tree(self, place: Place, tally: Tally) -> Iterator[Progress]:
        objects = self.scope.objects
        tree = Tree(objects, objects.prefix(place.name))
        tally.started = tally.started or objects.bucket.date
        if tree.is_empty and not self.since:
            if not self.many:
                raise missing(place.path)
            tally.fail(place.path, "missing")
        tally.expect(tree.files, tree.bytes)
        for leaves in tree.leaves():
            doomed = [info for info in leaves.objects if self.may(place, info.key[len(tree.prefix) :], "delete", tally)]
            self._delete(place, doomed, tally)
            yield tally.progress
        removal.sweep(objects, tree)

    def _delete(self, place: Place, infos: Sequence[ObjectInfo], tally: Tally) -> None:
        if infos:
            objects = self.scope.objects
            doomed = [Doomed(key=info.key) for info in infos]
            self.count(place, infos, objects.bucket.delete_listed(doomed, objects.listing_params), tally)


def listed(paths: Paths) -> tuple[list[Any], bool]:
    """Return the paths, and whether they were given as several."""
    if isinstance(paths, str | os.PathLike):
        return [paths], False
    return list(paths), True


def last_of(work: Iterator[Progress]) -> Progress:
    """Do the work, and return its last progress."""
    progress = Progress()
    for progress in work:  # noqa: B007
        pass
    return progress


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def text_of(place: Place) -> str:
    """Return the path relative to the folder, with a final slash if it names a folder."""
    return f"{place.path}/" if place.is_folder else place.path


def full_text(place: Place) -> str:
    """Return the path relative to the outermost root, with a final slash if it names a folder."""
    return f"{place.full}/" if place.is_folder else place.full
