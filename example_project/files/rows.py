"""The rows of a list of files: what S3 says about a file, and what the database knows about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.urls import reverse

from files import thumbnails
from files.answers import folder_url
from files.people import people_of
from s3store.folders import Entry


@dataclass(frozen=True, kw_only=True)
class Row:
    """One file or folder as the page shows it. The path of a folder ends with a slash."""

    entry: Any
    url: str
    thumbnail: str
    changed_by: str
    shares: int
    is_new: bool
    folder: str
    folder_url: str
    download_url: str
    query: str

    @property
    def name(self) -> str:
        """Return the name as it is shown: characters that could mislead are visible."""
        return self.entry.shown

    @property
    def path(self) -> str:
        """Return the path in the company's folder."""
        return self.entry.path

    @property
    def kind(self) -> str:
        """Return the kind, which has an icon and a colour."""
        return self.entry.kind

    @property
    def modified(self) -> datetime | None:
        """Return when the file was changed."""
        return self.entry.modified


def rows_of(access, entries: Iterable[Any], request, *, shown_folder: str, found_below: str | None = None) -> list[Row]:
    """Return the rows of entries: two queries for all of them, and no request to S3.

    Rows of a search name the folder of the file, if it is not the folder `found_below`.
    """
    entries = list(entries)
    known = people_of(access, [entry.path for entry in entries], request)
    # Reversing a URL for each row would take longer than all else.
    open_url = reverse("files:open", args=[access.company.slug, "_"]).removesuffix("_")
    rows = []
    for entry in entries:
        facts = known.get(entry.path)
        parent = entry.path.rstrip("/").rpartition("/")[0]
        elsewhere = found_below is not None and parent != found_below
        rows.append(
            Row(
                entry=entry,
                url=entry_url(access, entry),
                thumbnail=thumbnails.url(access.folder, entry),
                changed_by=facts.changed_by if facts else "",
                shares=facts.shares if facts else 0,
                is_new=facts.is_new if facts else False,
                folder=parent if elsewhere else "",
                folder_url=folder_url(access, parent) if elsewhere else "",
                download_url=f"{open_url}{quote(entry.path)}?download=1",
                query=urlencode({"names": entry.path, "folder": shown_folder}),
            )
        )
    return rows


def entry_url(access, entry) -> str:
    """Return the URL of the page of a file or folder."""
    if entry.is_folder:
        return folder_url(access, entry.path.rstrip("/"))
    return reverse("files:file", args=[access.company.slug, entry.path])


def crumbs(access, path: str) -> list[dict[str, str]]:
    """Return the folders above a path, and the last one itself, from the company's own."""
    found = [{"name": "", "shown": "", "path": "", "url": folder_url(access, "")}]
    parts = path.split("/") if path else []
    for depth, name in enumerate(parts, 1):
        above = "/".join(parts[:depth])
        shown = Entry(name=name, path=f"{above}/", is_folder=True).shown
        found.append({"name": name, "shown": shown, "path": above, "url": folder_url(access, above)})
    return found
