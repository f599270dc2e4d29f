"""Looking through a folder at any depth: names that contain a text, and how much there is. Both are flat listings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from s3store.core.info import ObjectInfo
from s3store.folders import jail, names, paging
from s3store.folders.access import Place, missing
from s3store.folders.entries import Entry, Found, Usage
from s3store.folders.reports import Progress, Tally
from s3store.folders.scope import Scope
from s3store.folders.trees import is_marker

MAX_HITS = 1000
"""The largest number of entries that a search returns."""

MAX_KEYS = 50_000
"""The number of keys after which a search stops, and offers to go on."""

SECONDS = 5.0
"""The time after which a search stops, and offers to go on."""


def find(
    scope: Scope, place: Place, text: str, *, limit: int, token: str | None, clock: Callable[[], float] = time.monotonic
) -> Found:
    """Return the entries below a place whose names contain the text, whatever the case and the form of Unicode."""
    objects = scope.objects
    wanted = names.folded(text)
    prefix = objects.prefix(place.name)
    # A token belongs to one search.
    bound = f"{prefix}\0{hashlib.sha256(wanted.encode()).hexdigest()}"
    state = paging.read_token(token, objects, bound) if token else ""
    after, _, last = state.partition("\0")
    started, seen = clock(), 0
    hits = _Hits(scope, place, wanted, last)
    while True:
        page = objects.bucket.page(prefix, objects.listing_params, flat=False, token=after or None)
        if not after and not page.objects and place.path:
            raise missing(place.path)
        found = [info.key[len(prefix) :] for info in page.objects]
        start = found.index(last) + 1 if last in found else 0
        last = ""
        for info, relative in zip(page.objects[start:], found[start:], strict=True):
            hits.add(info, relative)
            if len(hits.entries) >= limit:
                state = f"{after}\0{relative}"
                return Found(entries=tuple(hits.entries), complete=False, next=paging.token_of(state, objects, bound))
        seen += len(page.objects)
        if not page.next:
            return Found(entries=tuple(hits.entries), complete=True)
        after = page.next
        if seen >= MAX_KEYS or clock() - started > SECONDS:
            state = f"{after}\0{hits.folder}"
            return Found(entries=tuple(hits.entries), complete=False, next=paging.token_of(state, objects, bound))


class _Hits:
    """What a search has found. `last` is the relative key at which it continues: its folders were found before."""

    def __init__(self, scope: Scope, place: Place, wanted: str, last: str) -> None:
        self._scope = scope
        self._place = place
        self._wanted = wanted
        self._known = {""}
        self.folder = ""
        self.entries: list[Entry] = []
        self._enter(last.rpartition("/")[0])

    def _enter(self, folder: str) -> list[str]:
        """Return the folders that were not known, from the top, and remember them."""
        new: list[str] = []
        while folder not in self._known:
            self._known.add(folder)
            new.insert(0, folder)
            folder = folder.rpartition("/")[0]
        return new

    def add(self, info: ObjectInfo, relative: str) -> None:
        """Add an object, and the folders in which it is, if their names contain the text."""
        if jail.listed_part(relative.rstrip("/")) != relative.rstrip("/") or jail.is_own_key("", relative):
            return
        self.folder = relative
        for folder in self._enter(relative.rpartition("/")[0]):
            self._add(folder, None)
        if not is_marker(info):
            self._add(relative, info)

    def _add(self, relative: str, info: ObjectInfo | None) -> None:
        name = relative.rpartition("/")[2]
        if self._wanted not in names.folded(name):
            return
        path = jail.joined(self._place.path, relative)
        if not self._scope.access.allows("read" if info else "list", jail.joined(self._place.full, relative)):
            return
        if info:
            entry = Entry(name=name, path=path, size=info.size, modified=info.modified, etag=info.etag)
        else:
            entry = Entry(name=name, path=f"{path}/", is_folder=True)
        self.entries.append(entry)


@dataclass(slots=True)
class _Sum:
    bytes: int = 0
    files: int = 0
    hidden: int = 0
    trash: int = 0


def measuring(scope: Scope, place: Place, *, versions: bool) -> Iterator[Progress]:
    """Count what is below a place, and yield the progress. The last one has the usage."""
    objects, found, folders, tally = scope.objects, _Sum(), set[str](), Tally()
    prefix = objects.prefix(place.name)
    nothing = True
    for page in objects.bucket.pages(prefix, objects.listing_params, flat=False):
        tally.started = tally.started or objects.bucket.date
        for info in page.objects:
            nothing = False
            _measure(scope, place, info, info.key[len(prefix) :], found, folders)
        tally.done, tally.bytes = found.files, found.bytes
        yield tally.progress
    if nothing and place.path:
        raise missing(place.path)
    old = None
    if versions:
        every = objects.bucket.versions(prefix, objects.listing_params)
        old = sum(one.size for one in every if not one.is_latest and not one.is_marker)
    usage = Usage(
        bytes=found.bytes, files=found.files, folders=len(folders), hidden=found.hidden, trash=found.trash, versions=old
    )
    yield replace(tally.progress, usage=usage)


def _measure(scope: Scope, place: Place, info: ObjectInfo, relative: str, found: _Sum, folders: set[str]) -> None:
    if jail.is_own_key("", relative):
        parts = relative.split("/")
        at = next(number for number, part in enumerate(parts) if names.is_own(part))
        if parts[at + 1 : at + 2] == ["trash"]:
            found.trash += info.size
        return
    clean = jail.listed_part(relative)
    if not scope.access.allows("read", jail.joined(place.full, clean)):
        return
    found.bytes += info.size
    if clean != relative.rstrip("/"):
        found.hidden += 1
    elif not is_marker(info):
        found.files += 1
    folder = clean if is_marker(info) or clean != relative else clean.rpartition("/")[0]
    while folder and folder not in folders:
        folders.add(folder)
        folder = folder.rpartition("/")[0]
