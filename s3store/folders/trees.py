"""The objects of a folder at any depth: held, if they are few, and page by page, if they are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from s3store.core.info import ObjectInfo, Page
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.wire.objects import Objects

MAX_HELD = 10_000
"""The number of objects of a tree that are held in memory."""

_PAGES_AGAIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """Up to 1,000 objects of a tree. `token` is that of their page, which lists them again."""

    objects: tuple[ObjectInfo, ...]
    token: str | None = None


class Tree:
    """The objects whose keys start with `prefix`. Listing them takes one request for 1,000, and a second one for more
    than 10,000: then they are not held in memory.
    """

    def __init__(self, objects: Objects, prefix: str, *, held: int | None = None) -> None:
        self.prefix = prefix
        self._objects = objects
        self._held: list[Leaves] | None = []
        self.files = 0
        self.bytes = 0
        self.longest = ""
        self.folders: set[str] = set()
        """The keys of the folders in the tree, with or without markers. Only the first of very many."""
        self.markers: set[str] = set()
        """The keys of the markers among them."""
        limit = MAX_HELD if held is None else held
        count = 0
        for leaves in self._listed():
            count += len(leaves.objects)
            for info in leaves.objects:
                relative = info.key[len(prefix) :]
                if is_marker(info) and len(self.markers) < MAX_HELD:
                    self.markers.add(info.key)
                self.files += not is_marker(info)
                self.bytes += info.size
                self._note_folders(info.key)
                if len(relative.encode()) > len(self.longest.encode()):
                    self.longest = relative
            if self._held is not None:
                self._held.append(leaves)
                if count > limit:
                    self._held = None
        self.is_empty = count == 0

    def _note_folders(self, key: str) -> None:
        folder = key.rpartition("/")[0]
        while f"{folder}/" not in self.folders and len(folder) >= len(self.prefix) and len(self.folders) < MAX_HELD:
            self.folders.add(f"{folder}/")
            folder = folder.rpartition("/")[0]

    def _listed(self) -> Iterator[Leaves]:
        token: str | None = None
        while True:
            page = self._page(token)
            yield Leaves(objects=page.objects, token=token)
            token = page.next
            if not token:
                return

    def _page(self, token: str | None) -> Page:
        objects = self._objects
        return objects.bucket.page(self.prefix, objects.listing_params, flat=False, limit=MAX_DELETE_KEYS, token=token)

    @property
    def has_marker(self) -> bool:
        """Whether the folder itself has a marker."""
        return self.prefix in self.markers

    @property
    def is_held(self) -> bool:
        """Whether the objects are in memory: what appears later is not among them."""
        return self._held is not None

    def leaves(self) -> Iterator[Leaves]:
        """Yield the objects, page by page."""
        yield from self._listed() if self._held is None else self._held

    def again(self, leaves: Leaves) -> dict[str, ObjectInfo]:
        """Return what is there now, by key: all that the page has listed, and what has come between."""
        missing = {info.key for info in leaves.objects}
        found: dict[str, ObjectInfo] = {}
        token = leaves.token
        # What arrives moves keys to the next page.
        for _ in range(_PAGES_AGAIN):
            page = self._page(token)
            found |= {info.key: info for info in page.objects}
            missing -= found.keys()
            token = page.next
            if not missing or not token:
                break
        return found


def is_marker(info: ObjectInfo) -> bool:
    """Return whether the object marks a folder: its key ends with a slash."""
    return info.key.endswith("/")
