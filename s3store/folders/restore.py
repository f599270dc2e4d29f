"""Bringing back what was deleted: by deleting the markers of the deletion, or by moving it back from the trash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from s3store import errors
from s3store.files.markers import write_marker
from s3store.folders import jail, names, removal, signals
from s3store.folders.access import Place, missing
from s3store.folders.reports import Progress, Tally, Trashed, code_of_key
from s3store.folders.transfers import NAMES_TRIED, Item, Transfer
from s3store.folders.trash import EVER, Records, check_operation, trash_place
from s3store.folders.trees import Tree, is_marker
from s3store.folders.work import Work, full_text, text_of
from s3store.wire.copying import copy_whole
from s3store.wire.deleting import Deletion, Version


@dataclass(slots=True, kw_only=True)
class Restoring(Work):
    """Brings back what was deleted."""

    trashed: Trashed

    def run(self) -> Iterator[Progress]:
        """Check what can be checked without a request, and return the work."""
        check_operation(self.trashed.operation)
        tally = Tally(started=self.since)
        places = []
        for path in self.trashed.paths:
            place = self.scope.jail.outermost(path)
            base = self.scope.jail.base
            if base and not place.full.startswith(f"{base}/"):
                raise missing(path)
            places.append(replace(place, path=place.full[len(base) + 1 if base else 0 :]))
        return self._run(self.allowed(places, tally, "write"), tally)

    def _run(self, places: Sequence[Place], tally: Tally) -> Iterator[Progress]:
        if self.trashed.versioned:
            yield from self._unmark(places, tally)
        else:
            for place in places:
                yield from self._move_back(place, tally)
        yield replace(tally.progress, report=tally.report)

    def _move_back(self, place: Place, tally: Tally) -> Iterator[Progress]:
        objects = self.scope.objects
        source = replace(trash_place(self.scope, self.trashed.operation, place.full), path=place.path)
        how: dict[str, Any] = {"merge": "keep_both", "word": "restored", "again": self.since is not None}
        transfer = Transfer(self.scope, tally, move=True, since=EVER, **how)
        failed = tally.failed
        info = None
        if not place.is_folder:
            there = objects.target(source.name)
            info = objects.bucket.find(there.key, there.params)
        item = Item(source=source, target=place, info=info)
        try:
            yield from transfer.files([item]) if info else transfer.tree(item)
        except FileNotFoundError:
            # Restored already, or too old.
            tally.fail(place.path, "missing")
        key = transfer.landed.get(place.path)
        target = jail.below(jail.parent(place), key.rpartition("/")[2]) if key else place
        if tally.failed == failed:
            self._is_back(place, target, tally)

    def _is_back(self, source: Place, target: Place, tally: Tally) -> None:
        tally.targets.append((text_of(source), text_of(target)))
        self.announce(
            signals.restored, source=full_text(source), target=full_text(target), operation=self.trashed.operation
        )

    # Versions

    def _unmark(self, places: Sequence[Place], tally: Tally) -> Iterator[Progress]:
        objects = self.scope.objects
        root = objects.prefix(self.scope.jail.outer)
        records = Records(self.scope, self.trashed.operation)
        paths = [full_text(place) for place in places]
        taken = self._taken(places)
        new_names: dict[str, str] = {}
        found: set[str] = set()
        for record in records.read():
            markers = {key: marker for key, marker in record.markers.items() if _path_of(key, paths)}
            found |= {_path_of(key, paths) for key in markers}
            tally.expect(sum(not key.endswith("/") for key in markers), 0)
            failed = tally.failed
            new_names |= self._unmark_some(root, markers, taken, tally)
            yield tally.progress
            if tally.failed == failed and len(markers) == len(record.markers):
                records.delete(record)
        for place, path in zip(places, paths, strict=True):
            if path not in found:
                tally.fail(place.path, "missing")
            elif not tally.failed:
                name = new_names.get(path, "").rpartition("/")[2]
                self._is_back(place, jail.below(jail.parent(place), name) if name else place, tally)

    def _taken(self, places: Sequence[Place]) -> set[str]:
        """Return the keys that exist again."""
        objects = self.scope.objects
        files = [objects.target(place.name).key for place in places if not place.is_folder]
        found = set(removal.found_one_by_one(objects, files))
        for place in places:
            if place.is_folder:
                tree = Tree(objects, objects.prefix(place.name))
                found |= {info.key for leaves in tree.leaves() for info in leaves.objects if not is_marker(info)}
        return found

    def _unmark_some(self, root: str, markers: dict[str, str | None], taken: set[str], tally: Tally) -> dict[str, str]:
        """Delete up to 1,000 delete markers. Return the new keys of files whose names are taken."""
        objects = self.scope.objects
        doomed, renamed = [], {}
        for relative, marker in markers.items():
            key = root + relative
            if key in taken or marker is None:
                deleted, version = self._versions(key, marker)
                if deleted and version and key in taken:
                    renamed[relative] = self._copy_beside(key, version)[len(root) :]
                    tally.renamed += 1
                marker = deleted
                if not marker and key.endswith("/"):
                    # Some servers keep no versions of the markers of folders.
                    write_marker(objects, objects.target_at(key))
            # Without a marker, an earlier run has restored it.
            if marker:
                doomed.append(Deletion(key=key, version_id=marker))
        failures = set()
        for outcome in objects.bucket.delete_listed(doomed, objects.listing_params) if doomed else ():
            if outcome.failure:
                failures.add(outcome.failure.key)
                path = outcome.failure.key[len(root) + len(self.scope.jail.base) :].lstrip("/")
                tally.fail(path, code_of_key(outcome.failure.code))
        tally.done += sum(not key.endswith("/") and root + key not in failures for key in markers)
        return renamed

    def _versions(self, key: str, marker: str | None) -> tuple[str | None, str | None]:
        """Return the delete marker of a key, and the version that it hides: None for what no longer exists."""
        objects = self.scope.objects
        every = [one for one in objects.bucket.versions(key, objects.listing_params) if one.key == key]
        markers = [one for one in every if one.is_marker and marker in (None, one.version_id)]
        if not markers:
            return None, None
        deleted = max(markers, key=_age)
        older = [one for one in every if not one.is_marker and not one.is_latest and _age(one) <= _age(deleted)]
        return deleted.version_id, max(older, key=_age).version_id if older else None

    def _copy_beside(self, key: str, version: str) -> str:
        objects = self.scope.objects
        folder, _, name = key.rpartition("/")
        for number in range(1, NAMES_TRIED):
            word = "restored" if number == 1 else f"restored {number}"
            target = objects.target_at(jail.joined(folder, names.numbered(name, word)))
            with suppress(errors.ObjectExistsError):
                objects.bucket.refuse_existing(target.key, target.params)
                copy_whole(objects, key, target, version_id=version, create=self.scope.conditions.create)
                return target.key
        raise errors.build(errors.ObjectExistsError, "", operation="restore", bucket=objects.bucket.name, key=key)


def _age(version: Version) -> datetime:
    return version.modified or EVER


def _path_of(key: str, paths: Sequence[str]) -> str:
    """Return the path to which a key belongs, or ""."""
    return next((path for path in paths if key == path or (path.endswith("/") and key.startswith(path))), "")
