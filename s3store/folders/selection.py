"""What goes into an archive: which files, under which names, and how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.timezone import localtime

from s3store.core.info import ObjectInfo
from s3store.core.parts import MIB
from s3store.core.zips import Member
from s3store.files.file import content_size, inflates
from s3store.files.stored import StoredFile
from s3store.folders import jail, names, removal
from s3store.folders.access import Place, missing
from s3store.folders.archive import Archive, Content, is_packed
from s3store.folders.scope import Scope
from s3store.folders.trees import is_marker

MAX_FILES = 50_000
"""The default limit of the number of files in an archive."""

MAX_BYTES = 20 * 1024 * MIB
"""The default limit of the number of bytes in an archive."""

MAX_SELECTED = 1000
"""The number of paths that a selection can have."""

_NOT_INCLUDED = "Not included.txt"


class ArchiveTooLargeError(ValueError):
    """A selection that is more than an archive may have. Nothing of it was read.

    `files` and `bytes` are what was counted: at least that much.
    """

    def __init__(self, message: str, *, files: int, size: int) -> None:
        super().__init__(message)
        self.files = files
        self.bytes = size


class Selection:
    """Collects what goes into an archive, within limits, under names that every tool can extract."""

    def __init__(self, scope: Scope, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self._scope = scope
        self._max = max_files, max_bytes
        self._files: dict[str, ObjectInfo] = {}
        self._folders: set[str] = set()
        self._bytes = 0
        self.not_included: list[str] = []

    def add(self, place: Place, info: ObjectInfo | None, *, top: str) -> None:
        """Add a file, or a folder with everything in it. `top` is the path in the archive."""
        if info:
            self._add_file(top, info)
            return
        objects = self._scope.objects
        prefix = objects.prefix(place.name)
        found = False
        for one in self._listed(prefix):
            found = True
            relative = one.key[len(prefix) :]
            if any(names.is_own(part) for part in relative.split("/")):
                continue
            clean = jail.joined(place.full, jail.listed_part(relative))
            if not self._scope.access.allows("read", clean):
                continue
            path = f"{top}{relative}"
            if is_marker(one) and not one.size:
                self._folders.add(path)
            elif not is_marker(one):
                self._add_file(path, one)
        if not found:
            raise missing(place.path)
        if top:
            self._folders.add(top)

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        objects = self._scope.objects
        for page in objects.bucket.pages(prefix, objects.listing_params, flat=False):
            yield from page.objects

    def _add_file(self, path: str, info: ObjectInfo) -> None:
        self._files[path] = info
        self._bytes += info.size
        if len(self._files) > self._max[0] or self._bytes > self._max[1]:
            raise ArchiveTooLargeError(
                f"The selection has more than {self._max[0]} files or {self._max[1]} bytes. Select less.",
                files=len(self._files),
                size=self._bytes,
            )

    def contents(self) -> list[Content]:
        """Return the members in order."""
        objects = self._scope.objects
        if inflates(objects.options):
            # A listing does not say what is compressed.
            heads = removal.found_one_by_one(objects, [info.key for info in self._files.values()])
            self._files = {path: heads[info.key] for path, info in self._files.items() if info.key in heads}
        folders = {safe for path in self._folders if (safe := safe_path(path.rstrip("/")))}
        taken = {names.folded(folder) for folder in folders}
        for path in self._files:
            folder = safe_path(path).rpartition("/")[0]
            while folder:
                taken.add(names.folded(folder))
                folder = folder.rpartition("/")[0]
        found = [Content(member=Member(name=f"{folder}/")) for folder in sorted(folders)]
        for path, info in self._files.items():
            name = _free(safe_path(path), taken)
            moment = localtime(info.modified).replace(tzinfo=None) if info.modified else None
            size = info.size
            if is_packed(objects, info):
                size = content_size(info, objects.options, StoredFile(objects, info, name).open)
            found.append(Content(member=Member(name=name, size=size, modified=moment), info=info))
        if self.not_included:
            text = "".join(f"{names.shown(path)}\r\n" for path in self.not_included).encode()
            name = _free(_NOT_INCLUDED, taken)
            found.append(Content(member=Member(name=name, size=len(text)), text=text))
        return found


def safe_path(path: str) -> str:
    """Return the path in an archive: relative, without parts that lead elsewhere or that a system cannot store."""
    return "/".join(names.portable(names.honest(part)) for part in path.split("/"))


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or one with a number if people would take it for one of `taken`."""
    folder, _, own = name.rpartition("/")
    found, number = name, 1
    while names.folded(found) in taken:
        number += 1
        found = jail.joined(folder, names.numbered(own, number))
    taken.add(names.folded(found))
    return found


def archive_of(scope: Scope, places: Sequence[Place], name: str | None, *, many: bool, **limits: int) -> Archive:
    """Return the archive of the places. Those that are missing are listed in it, unless it was only one."""
    if len(places) > MAX_SELECTED:
        raise ArchiveTooLargeError(
            f"The selection has {len(places)} paths. Select at most {MAX_SELECTED}.", files=len(places), size=0
        )
    selection = Selection(scope, **limits)
    objects = scope.objects
    readable = [place for place in places if scope.access.allows("read", place.full)]
    keys = {place.path: objects.target(place.name).key for place in readable if not place.is_folder}
    infos = removal.found_one_by_one(objects, list(keys.values()))
    for place in places:
        try:
            scope.access.require("read", place)
            info = infos.get(keys.get(place.path, ""))
            top = place.segment if info else "" if len(places) == 1 else f"{place.segment}/"
            selection.add(place, info, top=top)
        except FileNotFoundError:
            if not many:
                raise
            selection.not_included.append(place.path)
    first = places[0].segment if len(places) == 1 else jail.parent(places[0]).segment if places else ""
    return Archive(scope, selection.contents(), _file_name(name or first or "files"), selection.not_included)


def _file_name(name: str) -> str:
    found = names.portable(names.honest(name))
    return found if found.lower().endswith(".zip") else f"{found}.zip"
