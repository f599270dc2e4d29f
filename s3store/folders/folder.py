"""A folder of a storage: the verbs of a file manager, inside one root and for one user."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any

from django.core.files.base import ContentFile, File

from s3store import errors
from s3store.core.media_types import may_be_shown
from s3store.core.parameters import guess_content_type
from s3store.files.content import repeatable, rewind
from s3store.files.markers import write_marker
from s3store.files.saving import save_content
from s3store.folders import jail, paging
from s3store.folders import names as naming
from s3store.folders.access import Access, Action, Place, Policy, missing, taken
from s3store.folders.entries import Entry, Page
from s3store.folders.jail import Jail
from s3store.folders.reports import Progress, Report
from s3store.folders.scope import Scope
from s3store.folders.transfers import Merge
from s3store.folders.work import Deletion, Moving
from s3store.storage import S3Storage

Path = str | os.PathLike[str]
Paths = Path | Iterable[Path]


class Folder:
    """Files and folders below `root` in a storage. No path leaves it.

    `root`
        The path of the folder in the storage. Default: the storage's location.
    `user`, `policy`
        Who asks, and an object with `can(user, action, path) -> bool`. Default: everything is allowed. Only True is a
        yes. `path` is relative to the root and has no final slash. The actions are `list`, `read`, `write`, `delete`
        and `share`.
    `names`
        `any`: new files and folders can have every name that S3 can store. `portable`: only names that work on Windows,
        macOS and Linux.

    Paths are relative to the folder. Those of folders may end with a slash; without it, a path names the file if there
    is one, otherwise the folder. Every method raises NameRefusedError for a path that is not possible, and
    FileNotFoundError for one that does not exist or that the user may not read; PermissionError if the user may read
    it, but not do this.
    """

    def __init__(
        self,
        storage: S3Storage,
        root: str = "",
        *,
        user: Any = None,
        policy: Policy | None = None,
        names: naming.Rule = "any",
    ) -> None:
        self.storage = storage
        self._rule: Any = names
        self._access = Access(user, policy)
        self._jail = Jail(outer=clean_root(root))
        check_rule(names)

    def _copy(self, **changes: Any) -> Folder:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        return made

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.root!r} of {self.storage!r}>"

    @property
    def root(self) -> str:
        """The path of the folder in the storage, without a final slash."""
        return self._jail.root

    @property
    def full_root(self) -> str:
        """The path of the outermost root in the storage, with a final slash, or ""."""
        return f"{self._jail.outer}/" if self._jail.outer else ""

    @property
    def base(self) -> str:
        """The path of the folder below the outermost root, without a final slash: "" unless `within` made it."""
        return self._jail.base

    @property
    def user(self) -> Any:
        """Who asks."""
        return self._access.user

    @property
    def policy(self) -> Policy | None:
        """The policy, or None: everything is allowed."""
        return self._access.policy

    def within(self, path: Path) -> Folder:
        """Return a folder whose root is `path`. The policy is still asked about paths from the outermost root."""
        return self._copy(_jail=self._jail.within(path))

    def as_user(self, user: Any) -> Folder:
        """Return the same folder for another user."""
        return self._copy(_access=Access(user, self.policy))

    def can(self, action: Action, path: Path = "") -> bool:
        """Return whether the user may do `action` at a path. Sends no request."""
        return self._access.allows(action, self._jail.place(path).full)

    # What every method begins with

    @property
    def _scope(self) -> Scope:
        return Scope(objects=self.storage.objects, access=self._access, jail=self._jail)

    def _at(self, path: Path, *actions: Action) -> Place:
        """Return the place of a path at which the user may do all actions."""
        place = self._jail.place(path)
        for action in actions:
            self._access.require(action, place)
        return place

    def _new(self, path: Path) -> Place:
        """Return the place of a path that may become a file or folder. Raises NameRefusedError for its last part."""
        place = self._jail.place(path)
        if not place.path:
            raise naming.NameRefusedError("The name is empty.")
        above = jail.parent(place)
        place = jail.below(above, naming.new(place.segment, self._rule), is_folder=place.is_folder)
        self._access.require("write", place)
        return place

    # Reading

    def list(
        self,
        path: Path = "",
        *,
        page: str | None = None,
        size: int = 100,
        sort: paging.Sort = "name",
        descending: bool = False,
    ) -> Page:
        """Return a page of a folder: one request.

        `page` is the `next` of the page before. `size` is 1 to 1,000. `sort`: `name` is the order of the server; for
        `natural`, `size`, `modified` and `kind`, and for `descending`, the folder is listed completely, up to 10,000
        entries, and folders come first. A folder with more has the order of the server, and `sortable` is False.

        Raises FileNotFoundError, and SuspiciousOperation for a page of another folder.
        """
        paging.check_sort(sort)
        if not 1 <= size <= paging.MAX_SIZE:
            raise ValueError(f"size={size} must be 1 to {paging.MAX_SIZE}.")
        place, scope = self._at(path, "list"), self._scope
        return paging.list_page(
            scope.objects, scope.access, place, token=page, size=size, sort=sort, descending=descending
        )

    def stat(self, path: Path) -> Entry:
        """Return the entry of a file or folder: one request for either if the path says which, otherwise two."""
        place, objects = self._at(path, "read"), self._scope.objects
        if not place.is_folder:
            target = objects.target(place.name)
            info = objects.bucket.find(target.key, target.params)
            if info:
                return Entry(
                    name=place.segment, path=place.path, size=info.size, modified=info.modified, etag=info.etag
                )
        if place.path:
            page = objects.bucket.page(objects.prefix(place.name), objects.listing_params, flat=False, limit=1)
            if not page.objects:
                raise missing(place.path)
        return folder_entry(place)

    def exists(self, path: Path) -> bool:
        """Return whether a file or folder exists that the user may read."""
        try:
            self.stat(path)
        except (FileNotFoundError, PermissionError):
            return False
        return True

    def breadcrumbs(self, path: Path = "") -> tuple[Entry, ...]:
        """Return the entries of the folders that lead to `path`, from the root, and of itself. Sends no request."""
        place = self._at(path, "list")
        found = [place]
        while found[0].path:
            found.insert(0, jail.parent(found[0]))
        return tuple(folder_entry(one) for one in found)

    def open(self, path: Path, mode: str = "rb") -> File[Any]:
        """Open a file as `storage.open` does: for reading, or for writing with mode `w` or `x`."""
        place = self._new(path) if mode[:1] in ("w", "x") else self._at(path, "read")
        if place.is_folder:
            raise missing(place.path)
        try:
            return self.storage.open(place.name, mode)
        except errors.ObjectNotFoundError as error:
            raise missing(place.path) from error
        except errors.ObjectExistsError as error:
            raise taken(place.path) from error

    def read(self, path: Path) -> bytes:
        """Return the content of a file."""
        with self.open(path) as file:
            content: bytes = file.read()
        return content

    def download(self, path: Path, target: IO[bytes]) -> int:
        """Write the content of a file to an open binary file, in blocks, and return the number of bytes."""
        total = 0
        with self.open(path) as file:
            for chunk in file.chunks():
                target.write(chunk)
                total += len(chunk)
        return total

    def url(self, path: Path, expire: int | timedelta = 120, *, download: bool = False) -> str:
        """Return a signed URL of a file that works for `expire` seconds. Sends no request.

        Browsers show the file if that is safe. With `download`, they save it.
        """
        place = self._at(path, "read")
        if place.is_folder:
            raise missing(place.path)
        kind = guess_content_type(place.name)
        shows = may_be_shown(kind) and not download
        return self.storage.url(
            place.name, expire=expire, signed=True, inline=shows, download_as=place.segment, content_type=kind
        )

    # Writing

    def save(self, path: Path, content: Any, *, overwrite: bool = False, keep_both: bool = False) -> str:
        """Save a file and return its path. `content` is that of `storage.save`. No folder needs to exist.

        Raises FileExistsError if the file exists: with `overwrite`, it is replaced; with `keep_both`, the new one is
        saved as `name (2)`. The new name is in Unicode's form NFC.
        """
        place, objects = self._new(path), self._scope.objects
        if place.is_folder:
            raise naming.NameRefusedError(f"{place.path + '/'!r} names a folder. Give the name of a file.")
        if isinstance(content, str | bytes):
            content = ContentFile(content)
        objects.of(paging.Listings).drop()
        with objects.pinned(), repeatable(content, objects.options.max_memory_size) as source:
            for candidate in candidates(place, keep_both=keep_both):
                rewind(source)
                try:
                    save_content(objects, objects.target(candidate.name), source, create=not overwrite)
                except errors.ObjectExistsError as error:
                    if not keep_both:
                        raise taken(place.path) from error
                else:
                    return candidate.path
        raise taken(place.path)

    def create_folder(self, path: Path) -> str:
        """Create a folder and return its path: two requests. A folder that exists stays as it is.

        Raises FileExistsError if there is a file of that name.
        """
        place, objects = self._new(path), self._scope.objects
        target = objects.target(place.name)
        objects.of(paging.Listings).drop()
        if objects.bucket.find(target.key, target.params):
            raise taken(place.path)
        write_marker(objects, objects.folder(place.name))
        return f"{place.path}/"

    def rename(self, path: Path, name: str) -> Report:
        """Rename a file or folder. `name` is one part of a path. The report and the errors are those of `move`."""
        place = self._jail.place(path)
        return self.move(path, place.path.rpartition("/")[0], name=name)

    def move(
        self, sources: Paths, target_folder: Path, *, merge: Merge | None = None, name: str | None = None
    ) -> Report:
        """Move files and folders into a folder, and return the report. `moving` says what the arguments mean."""
        return _finished(self.moving(sources, target_folder, merge=merge, name=name))

    def copy(
        self, sources: Paths, target_folder: Path, *, merge: Merge | None = None, name: str | None = None
    ) -> Report:
        """Copy files and folders into a folder, and return the report. `moving` says what the arguments mean."""
        return _finished(self.copying(sources, target_folder, merge=merge, name=name))

    def delete(self, paths: Paths) -> Report:
        """Delete files and folders for ever, and return the report."""
        return _finished(self.deleting(paths))

    # Long work

    def moving(
        self,
        sources: Paths,
        target_folder: Path,
        *,
        merge: Merge | None = None,
        name: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Progress]:
        """Move files and folders into a folder, and yield the progress. The last one has the report.

        `merge`
            What happens to a file whose name is taken: `skip` leaves it where it is, `replace` replaces the other one,
            `keep_both` makes it `name (2)`. Default: FileExistsError for one source, and a failure in the report for
            several. A folder is moved into a folder of the same name only with `merge`.
        `name`
            The new name of the only source. Default: the same name.
        `since`
            The `started` of the progress of an interrupted run: files that it has copied are not copied again.

        Nothing is changed until the first progress is asked for.
        """
        return self._transfer(sources, target_folder, move=True, merge=merge, name=name, since=since)

    def copying(
        self,
        sources: Paths,
        target_folder: Path,
        *,
        merge: Merge | None = None,
        name: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Progress]:
        """Copy files and folders into a folder, and yield the progress. The arguments are those of `moving`."""
        return self._transfer(sources, target_folder, move=False, merge=merge, name=name, since=since)

    def _transfer(self, sources: Paths, target_folder: Path, *, name: str | None, **how: Any) -> Iterator[Progress]:
        given, many = _listed(sources)
        places = [self._jail.place(path) for path in given]
        target = self._jail.place(target_folder)
        if name is not None:
            if len(places) != 1:
                raise ValueError("A name can be given for one source only.")
            name = naming.new(name, self._rule)
        return Moving(folder=self, sender=Folder, scope=self._scope, many=many, **how).run(places, target, name)

    def deleting(self, paths: Paths, *, since: datetime | None = None) -> Iterator[Progress]:
        """Delete files and folders for ever, and yield the progress. The last one has the report.

        `since` is that of `moving`: paths that are gone already are not an error.
        """
        given, many = _listed(paths)
        places = [self._jail.place(path) for path in given]
        return Deletion(folder=self, sender=Folder, scope=self._scope, many=many, since=since).run(places)


def candidates(place: Place, *, keep_both: bool) -> Iterator[Place]:
    """Yield the places at which a new file may be saved."""
    yield place
    for number in range(2, 100 if keep_both else 2):
        yield jail.below(jail.parent(place), naming.numbered(place.segment, number))


def folder_entry(place: Place) -> Entry:
    """Return the entry of a folder."""
    return Entry(name=place.segment, path=f"{place.path}/" if place.path else "", is_folder=True)


def clean_root(root: str) -> str:
    """Return the root without a final slash. Raises NameRefusedError."""
    found, _ = naming.cleaned(root)
    return found


def check_rule(rule: str) -> None:
    """Raise ValueError for a rule about names that does not exist."""
    if rule not in naming.RULES:
        raise ValueError(f"names={rule!r} is not a rule. Use one of {', '.join(naming.RULES)}.")


def _listed(paths: Paths) -> tuple[list[Path], bool]:
    """Return the paths, and whether they were given as several."""
    if isinstance(paths, str | os.PathLike):
        return [paths], False
    return list(paths), True


def _finished(work: Iterator[Progress]) -> Report:
    report = None
    for progress in work:
        report = progress.report
    if report is None:
        raise RuntimeError("Long work ended without a report.")
    return report
