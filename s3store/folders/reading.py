"""The verbs of a Folder that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any

from django.core.files.base import File

from s3store import errors
from s3store.core.media_types import may_be_shown
from s3store.core.parameters import guess_content_type
from s3store.folders import jail, paging, search, selection
from s3store.folders.access import Place, missing, taken
from s3store.folders.archive import Archive
from s3store.folders.entries import Entry, Found, Page, Usage
from s3store.folders.reports import Progress
from s3store.folders.root import Path, Rooted
from s3store.folders.work import Paths, last_of, listed


class Reading(Rooted):
    """Lists, reads, searches and counts."""

    def list(
        self,
        path: Path = "",
        *,
        page: str | None = None,
        size: int = 100,
        sort: paging.Sort = "name",
        descending: bool = False,
    ) -> Page:
        """Return a page of a folder: one request, or two if the marker of the folder or `.s3store` would be on it.

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
                    name=place.segment,
                    path=place.path,
                    size=info.size,
                    modified=info.modified,
                    etag=info.etag,
                    version_id=info.version_id,
                )
        if place.path:
            page = objects.bucket.page(objects.prefix(place.name), objects.listing_params, flat=False, limit=1)
            if not page.objects:
                raise missing(place.path)
        return folder_entry(place)

    def exists(self, path: Path) -> bool:
        """Return whether a file or folder exists that the user may read.

        Raises PermissionError if the server refuses to say it.
        """
        try:
            self.stat(path)
        except FileNotFoundError:
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

    def find(self, text: str, path: Path = "", *, limit: int = 200, page: str | None = None) -> Found:
        """Return the files and folders below `path` whose names contain `text`, whatever the case and form of Unicode.

        A search stops after `limit` entries (1 to 1,000), 50,000 keys or 5 seconds. It is then not `complete`: give its
        `next` as `page` to continue. `text` is not a pattern. Raises ValueError for an empty text.
        """
        if not text.strip() or not 1 <= limit <= search.MAX_HITS:
            raise ValueError(f"Search for a text, with a limit of 1 to {search.MAX_HITS}.")
        return search.find(self._scope, self._at(path, "list"), text.strip(), limit=limit, token=page)

    def usage(self, path: Path = "", *, versions: bool = False) -> Usage:
        """Return how many bytes, files and folders are below `path`: one request for 1,000 files.

        With `versions`, the replaced and deleted versions are counted too, which costs as many requests again.
        """
        return last_of(self.measuring(path, versions=versions)).usage or Usage()

    def measuring(self, path: Path = "", *, versions: bool = False) -> Iterator[Progress]:
        """Count as `usage` does, and yield the progress. The last one has the `usage`."""
        return search.measuring(self._scope, self._at(path, "read"), versions=versions)

    def zip(
        self,
        paths: Paths,
        *,
        name: str | None = None,
        max_files: int = selection.MAX_FILES,
        max_bytes: int = selection.MAX_BYTES,
    ) -> Archive:
        """Return a file, a folder or a selection of up to 1,000 paths as one ZIP file that is read while it is sent.

        Names in it are relative to the folder that was chosen, and work on every system. Of several paths, missing ones
        are listed in `Not included.txt`. The files are not compressed, so that the length is known. Raises
        ArchiveTooLargeError for more than `max_files` or `max_bytes`.
        """
        given, many = listed(paths)
        places = [self._jail.place(path) for path in given]
        limits = {"max_files": max_files, "max_bytes": max_bytes}
        return selection.archive_of(self._scope, places, name, many=many, **limits)


def folder_entry(place: Place) -> Entry:
    """Return the entry of a folder."""
    return Entry(name=place.segment, path=f"{place.path}/" if place.path else "", is_folder=True)
