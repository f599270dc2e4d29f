"""Pages of a folder: in the order of the server page by page, or sorted where the folder is small enough."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from django.core import signing
from django.core.exceptions import SuspiciousOperation

from s3store.conf.options import Options
from s3store.folders import jail, names
from s3store.folders.access import Access, Place, missing
from s3store.folders.entries import Entry, Page
from s3store.wire.bucket import Bucket
from s3store.wire.objects import Objects

Sort = Literal["name", "natural", "size", "modified", "kind"]
"""The orders of a page. `name` is the order of the server; the others list folders first."""

MAX_SIZE = 1000
"""The largest page."""

MAX_SORTED = 10_000
"""The number of entries up to which a folder is listed completely, to be sorted."""

SECONDS = 60.0
"""How long a complete listing is used. Writes of this process drop it."""

_KEPT = 4
_SKIPPED = 3
_SALT = "s3store.folders.page"
# A token continues after a key of the server, or at a place in a sorted list.
_KEY, _OFFSET = "k", "o"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a folder contains: entries with paths relative to it, and whether these are all."""

    entries: tuple[Entry, ...]
    hidden: int
    complete: bool


class Listings:
    """The complete listings of a storage, for a minute. Thread-safe."""

    def __init__(self, _: Options | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, int, Listing]] = OrderedDict()

    def of(self, bucket: Bucket, prefix: str, make: Callable[[], Listing]) -> Listing:
        """Return the listing of a prefix, by `make` if none is kept or something below it was changed."""
        with self._lock:
            until, moment, found = self._known.get(prefix, (0.0, 0, None))
        if found and until > self._clock() and not bucket.changed_since(prefix, moment):
            return found
        # Before the requests: what is written meanwhile may be missing in them.
        moment = bucket.moment()
        made = make()
        with self._lock:
            self._known[prefix] = self._clock() + SECONDS, moment, made
            self._known.move_to_end(prefix)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return made


def check_sort(sort: str) -> None:
    """Raise ValueError for an order that does not exist."""
    if sort not in get_args(Sort):
        raise ValueError(f"{sort!r} is not an order of a page. Use one of {', '.join(get_args(Sort))}.")


def list_page(
    objects: Objects, access: Access, place: Place, *, token: str | None, size: int, sort: Sort, descending: bool
) -> Page:
    """Return a page of the folder at `place`. Raises FileNotFoundError if it does not exist."""
    prefix = objects.prefix(place.name)
    state = read_token(token, objects, prefix) if token else None
    if sort == "name" and not descending:
        return _in_order(objects, access, place, prefix, state, size)
    listing = objects.of(Listings).of(objects.bucket, prefix, lambda: _all(objects, prefix))
    if not listing.complete:
        page = _in_order(objects, access, place, prefix, state, size)
        return Page(path=page.path, entries=page.entries, next=page.next, hidden=page.hidden, sortable=False)
    if not listing.entries and not listing.hidden and place.path and state is None:
        _ = _in_order(objects, access, place, prefix, None, 1)  # raises if the folder does not exist
    entries = ordered(_seen(access, place, listing.entries), sort, descending=descending)
    start = int(state[1:]) if state and state.startswith(_OFFSET) else 0
    left = token_of(f"{_OFFSET}{start + size}", objects, prefix) if start + size < len(entries) else None
    return Page(path=place.path, entries=tuple(entries[start : start + size]), next=left, hidden=listing.hidden)


def _in_order(objects: Objects, access: Access, place: Place, prefix: str, state: str | None, size: int) -> Page:
    shown: list[Entry] = []
    hidden, limit = 0, size
    after = state[1:] if state and state.startswith(_KEY) else None
    for _ in range(_SKIPPED):
        found = objects.bucket.page(prefix, objects.listing_params, flat=True, limit=limit, token=after)
        if not found.objects and not found.prefixes and after is None and place.path:
            raise missing(place.path)
        if size == 1 and not found.next and [info.key for info in found.objects] == [prefix]:
            # SeaweedFS takes a page with only the marker for the last one.
            found = objects.bucket.page(prefix, objects.listing_params, flat=True, limit=2)
        entries, unseen = entries_in(objects, prefix, found.objects, found.prefixes)
        hidden += unseen
        shown += _seen(access, place, entries)
        after = found.next
        # The marker of the folder and the directory of s3store take no place of the page.
        own = len(found.objects) + len(found.prefixes) - len(entries) - unseen
        limit = min(own, size - len(shown)) if shown else size
        if not after or not limit:
            break
    left = token_of(_KEY + after, objects, prefix) if after else None
    return Page(path=place.path, entries=tuple(shown), next=left, hidden=hidden)


def _all(objects: Objects, prefix: str) -> Listing:
    entries: list[Entry] = []
    hidden = 0
    for page in objects.bucket.pages(prefix, objects.listing_params, flat=True):
        found, unseen = entries_in(objects, prefix, page.objects, page.prefixes)
        entries += found
        hidden += unseen
        if len(entries) > MAX_SORTED:
            return Listing(entries=(), hidden=hidden, complete=False)
    return Listing(entries=tuple(entries), hidden=hidden, complete=True)


def entries_in(objects: Objects, prefix: str, infos: Iterable[Any], prefixes: Iterable[str]) -> tuple[list[Entry], int]:
    """Return the entries of a page of a listing, and the number of names that cannot be shown."""
    entries: list[Entry] = []
    hidden = 0
    for key in prefixes:
        if jail.is_own_key(prefix, key):
            continue
        if jail.is_listed(objects, key):
            name = key[len(prefix) : -1]
            entries.append(Entry(name=name, path=f"{name}/", is_folder=True))
        else:
            hidden += 1
    for info in infos:
        if info.key == prefix or jail.is_own_key(prefix, info.key):
            continue
        if jail.is_listed(objects, info.key):
            name = info.key[len(prefix) :]
            entries.append(Entry(name=name, path=name, size=info.size, modified=info.modified, etag=info.etag))
        else:
            hidden += 1
    return entries, hidden


def _seen(access: Access, place: Place, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that the user may know, with paths relative to the Folder."""
    found = []
    for entry in entries:
        if access.allows("list" if entry.is_folder else "read", jail.joined(place.full, entry.name)):
            path = jail.joined(place.path, entry.path)
            found.append(entry if path == entry.path else _at(entry, path))
    return found


def _at(entry: Entry, path: str) -> Entry:
    return Entry(
        name=entry.name,
        path=path,
        is_folder=entry.is_folder,
        size=entry.size,
        modified=entry.modified,
        etag=entry.etag,
    )


def ordered(entries: list[Entry], sort: Sort, *, descending: bool = False) -> list[Entry]:
    """Return the entries in order: folders first, unless it is that of names."""
    if sort == "name":
        return sorted(entries, key=lambda entry: entry.name, reverse=descending)
    found = sorted(entries, key=lambda entry: natural(entry.name), reverse=descending and sort == "natural")
    by: dict[str, Callable[[Entry], Any]] = {
        "size": lambda entry: entry.size or 0,
        "modified": lambda entry: entry.modified.timestamp() if entry.modified else 0.0,
        "kind": lambda entry: entry.kind,
    }
    if sort in by:
        found.sort(key=by[sort], reverse=descending)
    return sorted(found, key=lambda entry: not entry.is_folder)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key that sorts names as people do: `file 2` before `file 10`, and without regard to case."""
    parts = _DIGITS.split(names.folded(name))
    return [(1, int(part), "") if number % 2 else (0, 0, part) for number, part in enumerate(parts)]


# Tokens


def _bound(objects: Objects, prefix: str) -> str:
    return hashlib.sha256(f"{objects.options.bucket_name}/{prefix}".encode()).hexdigest()[:24]


def token_of(state: str, objects: Objects, prefix: str) -> str:
    """Return the signed token that continues a listing of `prefix`."""
    return signing.dumps([_bound(objects, prefix), state], salt=_SALT, compress=True)


def read_token(token: str, objects: Objects, prefix: str) -> str:
    """Return what a token says. Raises SuspiciousOperation for one of another folder, or of somebody else."""
    try:
        bound, state = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        bound = state = ""
    if bound != _bound(objects, prefix):
        raise SuspiciousOperation("This page token is not one of this folder. List its first page again.")
    return str(state)
