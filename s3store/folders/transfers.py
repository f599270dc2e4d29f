"""Moves and copies of files and folders inside a bucket.

A source is deleted only after its own copy was made, and only if it is still what was copied. A transfer that was
interrupted continues when it is run again with `since`: what is there already is not copied again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, get_args

from s3store import errors
from s3store.core.info import ObjectInfo
from s3store.core.keys import MAX_KEY_BYTES
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.files.markers import write_marker
from s3store.folders import jail, names, removal, reports
from s3store.folders.access import Action, Place, missing, taken
from s3store.folders.reports import Progress, Tally
from s3store.folders.scope import Scope
from s3store.folders.trees import Leaves, Tree, is_marker
from s3store.links.light import light_of
from s3store.wire import pool
from s3store.wire.copies import same_etag
from s3store.wire.copying import copy_whole, create_whole

Merge = Literal["skip", "replace", "keep_both"]
"""What to do with a file whose name is taken in the target."""

THREADS = 32
"""The number of copies at a time."""

NAMES_TRIED = 100
"""The number of names that are tried for a file that is kept beside another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One source that was asked for. `info` is None for a folder."""

    source: Place
    target: Place
    info: ObjectInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One object and the key of its copy. `path` is that of the source, for people."""

    info: ObjectInfo
    key: str
    path: str


def check_merge(merge: str | None) -> None:
    """Raise ValueError for a way to merge that does not exist."""
    if merge is not None and merge not in get_args(Merge):
        raise ValueError(f"{merge!r} is not a way to merge. Use None, {', '.join(map(repr, get_args(Merge)))}.")


class Transfer:
    """Moves or copies for one call of a Folder. `word` is in the names of files that are kept beside others.

    With `again`, a source that is gone is not an error if its target is there.
    """

    def __init__(
        self,
        scope: Scope,
        tally: Tally,
        *,
        move: bool,
        merge: Merge | None = None,
        since: datetime | None = None,
        word: str = "",
        again: bool = False,
    ) -> None:
        self._scope = scope
        self._objects = scope.objects
        self._bucket = scope.objects.bucket
        self._access = scope.access
        self._tally = tally
        self._move = move
        self._merge = merge
        self._since = since
        self._word = word
        self._continues = again
        self._needs: tuple[Action, ...] = ("read", "delete") if move else ("read",)
        self._light = light_of(self._bucket, self._objects.options)
        self.landed: dict[str, str] = {}
        """The keys of the copies of single files, by the paths of their sources."""

    # Files

    def files(self, items: Sequence[Item]) -> Iterator[Progress]:
        """Transfer single files, in parallel."""
        pairs = [
            Pair(info=item.info, key=self._objects.target(item.target.name).key, path=item.source.path)
            for item in items
            if item.info
        ]
        self._tally.expect(len(pairs), sum(pair.info.size for pair in pairs))
        for start in range(0, len(pairs), MAX_DELETE_KEYS):
            batch = pairs[start : start + MAX_DELETE_KEYS]
            keys = [pair.info.key for pair in batch]
            yield from self._batch(batch, None, partial(removal.found_one_by_one, self._objects, keys))

    # Folders

    def tree(self, item: Item) -> Iterator[Progress]:
        """Transfer a folder with everything in it. Raises FileNotFoundError or FileExistsError before any change."""
        objects, tally = self._objects, self._tally
        source, target = objects.prefix(item.source.name), objects.prefix(item.target.name)
        tree = Tree(objects, source)
        tally.started = tally.started or objects.bucket.date
        existing = self._existing(target)
        if tree.is_empty and not (self._continues and existing != {}):
            raise missing(item.source.path)
        if existing != {} and self._merge is None and self._since is None:
            raise taken(item.target.path)
        if target.startswith(source) and not tree.is_held:
            raise names.NameRefusedError(f"{item.source.path!r} is too large to be copied into itself.")
        _check_length(target + tree.longest, jail.joined(item.source.path, tree.longest))
        tally.expect(tree.files, tree.bytes)
        yield tally.progress
        for leaves in tree.leaves():
            pairs = [
                Pair(info=info, key=target + relative, path=jail.joined(item.source.path, relative))
                for info in leaves.objects
                for relative in [info.key[len(source) :]]
                if self._may(item, relative)
            ]
            yield from self._batch(pairs, existing, partial(self._again, item, tree, leaves))
        if not tree.has_marker and not tree.is_empty:
            write_marker(objects, objects.folder(item.target.name))
        if self._move:
            removal.sweep(objects, tree)

    def _existing(self, prefix: str) -> dict[str, ObjectInfo] | None:
        """Return what is in the target, by key, or None if that is too much to hold."""
        if self._merge is None and self._since is None:
            page = self._bucket.page(prefix, self._objects.listing_params, flat=False, limit=1)
            return {info.key: info for info in page.objects}
        tree = Tree(self._objects, prefix)
        if not tree.is_held:
            return None
        return {info.key: info for leaves in tree.leaves() for info in leaves.objects}

    def _may(self, item: Item, relative: str) -> bool:
        """Return whether the user may transfer what is at a relative key. What may not even be read is not there."""
        clean = jail.listed_part(relative)
        source, target = jail.joined(item.source.full, clean), jail.joined(item.target.full, clean)
        if not self._move and jail.is_own_key("", relative):
            return False
        if all(self._access.allows(action, source) for action in self._needs) and self._access.allows("write", target):
            return True
        if self._access.allows("read", source):
            self._tally.fail(jail.joined(item.source.path, relative), "denied")
        return False

    def _again(self, item: Item, tree: Tree, leaves: Leaves) -> dict[str, ObjectInfo]:
        """Return what the page lists now, and note what has arrived meanwhile."""
        found = tree.again(leaves)
        known = {info.key for info in leaves.objects}
        for key in found:
            if key not in known:
                self._tally.arrived.append(jail.joined(item.source.path, key[len(tree.prefix) :]))
        return found

    # A batch

    def _batch(
        self,
        pairs: Sequence[Pair],
        existing: dict[str, ObjectInfo] | None,
        again: Callable[[], dict[str, ObjectInfo]],
    ) -> Iterator[Progress]:
        copied: dict[str, Pair] = {}
        tally = self._tally
        # Before the threads, which would all ask.
        self._kept = self._scope.conditions
        try:
            for outcome in pool.run(lambda pair: self._one(pair, existing), pairs, threads=THREADS):
                if isinstance(outcome.error, errors.S3StoreError):
                    tally.fail(outcome.item.path, reports.code_of(outcome.error))
                elif outcome.error:
                    raise outcome.error
                else:
                    done, key = outcome.result or ("skipped", "")
                    self._count(outcome.item, done)
                    if done != "skipped":
                        copied[outcome.item.info.key] = outcome.item
                        if existing is None:
                            self.landed[outcome.item.path] = key
                yield tally.progress
        finally:
            # Also if the caller stops here: what was copied is moved.
            if self._move and copied:
                self._delete(copied, again)
        yield tally.progress

    def _count(self, pair: Pair, result: str, *, sign: int = 1) -> None:
        if is_marker(pair.info):
            return
        if result == "skipped":
            self._tally.skipped += 1
            return
        self._tally.done += sign
        self._tally.bytes += sign * pair.info.size
        self._tally.replaced += result == "replaced"
        self._tally.renamed += result == "renamed"

    def _delete(self, copied: dict[str, Pair], again: Callable[[], dict[str, ObjectInfo]]) -> None:
        infos = [pair.info for pair in copied.values()]
        for key, code in removal.delete_unchanged(self._scope, infos, again):
            pair = copied[key]
            self._tally.fail(pair.path, code)
            self._count(pair, "", sign=-1)
            self.landed.pop(pair.path, None)

    def _one(self, pair: Pair, existing: dict[str, ObjectInfo] | None) -> tuple[str, str]:
        """Copy one object, and return what was done, and the key. The source may be deleted, unless it is `skipped`."""
        if is_marker(pair.info) and not pair.info.size:
            # Nothing is read from a marker, and some servers cannot copy one.
            write_marker(self._objects, self._objects.target_at(pair.key))
            return "copied", pair.key
        known = pair.info if pair.key == pair.info.key else existing.get(pair.key) if existing is not None else None
        if known is None:
            try:
                self._copy(pair, pair.key, create=True, alone=existing is None)
            except errors.ObjectExistsError as error:
                known = self._find(pair.key)
                if known is None:
                    raise
                # The response to the first attempt was lost, and the second one has found the copy.
                since = self._tally.started
                if error.attempts > 1 and since and self._is_arrived(pair, known, since):
                    return "copied", pair.key
            else:
                return "copied", pair.key
        if self._since and self._is_arrived(pair, known, self._since):
            return "copied", pair.key
        if self._merge == "skip":
            return "skipped", pair.key
        if self._merge == "replace":
            self._copy(pair, pair.key, create=False)
            return "replaced", pair.key
        if self._merge == "keep_both":
            return "renamed", self._copy_beside(pair)
        raise self._error(errors.ObjectExistsError, "it exists", pair.key)

    def _find(self, key: str) -> ObjectInfo | None:
        return self._bucket.find(key, self._objects.target_at(key).params)

    def _is_arrived(self, pair: Pair, known: ObjectInfo, since: datetime) -> bool:
        """Return whether an earlier run has made this copy."""
        if known.size != pair.info.size or not known.modified or known.modified < since:
            return False
        if same_etag(known.etag, pair.info.etag):
            return True
        # Of large and of encrypted objects, ETags say nothing.
        ours, theirs = self._find(pair.info.key), self._find(pair.key)
        return ours is not None and theirs is not None and not (ours.md5 and theirs.md5)

    def _copy_beside(self, pair: Pair) -> str:
        folder, _, name = pair.key.rpartition("/")
        for number in range(2, NAMES_TRIED):
            word = f"{self._word} {number - 1}".removesuffix(" 1") if self._word else str(number)
            with suppress(errors.ObjectExistsError):
                key = jail.joined(folder, names.numbered(name, word))
                self._copy(pair, key, create=True, alone=True)
                return key
        raise self._error(errors.ObjectExistsError, f"{NAMES_TRIED} names are taken", pair.key)

    def _copy(self, pair: Pair, key: str, *, create: bool, alone: bool = False) -> None:
        """Copy one object. Where the server cannot refuse it, only copies that are made `alone` ask before."""
        target, info = self._objects.target_at(key), pair.info
        kept = not create or self._kept.create
        if not kept and alone:
            copied = create_whole(self._objects, info.key, target, etag=info.etag)
        else:
            how: dict[str, Any] = {"etag": info.etag, "create": create and kept, "light": self._light}
            copied = copy_whole(self._objects, info.key, target, **how)
        if not same_etag(copied.etag, info.etag) and self._bucket.head(key, target.params).size != info.size:
            raise self._error(errors.ObjectChangedError, "the copy has another size", key)

    def _error(self, kind: type[errors.S3StoreError], reason: str, key: str) -> errors.S3StoreError:
        return errors.build(kind, reason, operation="copy_object", bucket=self._bucket.name, key=key)


def _check_length(key: str, path: str) -> None:
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise names.NameRefusedError(
            f"The new name of {path!r} would have a key of {size} bytes. S3 allows {MAX_KEY_BYTES}. Choose a shorter "
            "name, or a folder that is less deep."
        )
