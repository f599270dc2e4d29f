"""What a folder contains: entries, and pages of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from s3store.core.parameters import guess_content_type
from s3store.folders import names

Kind = Literal["folder", "picture", "pdf", "sheet", "text", "audio", "video", "archive", "other"]
"""What a file is to people, by its extension."""

_EXTENSIONS: dict[str, Kind] = {
    ".7z": "archive",
    ".bz2": "archive",
    ".csv": "sheet",
    ".doc": "text",
    ".docx": "text",
    ".gz": "archive",
    ".json": "text",
    ".ods": "sheet",
    ".odt": "text",
    ".pdf": "pdf",
    ".rar": "archive",
    ".rtf": "text",
    ".tar": "archive",
    ".tgz": "archive",
    ".xls": "sheet",
    ".xlsx": "sheet",
    ".xz": "archive",
    ".zip": "archive",
}
_TYPES: dict[str, Kind] = {"image": "picture", "text": "text", "audio": "audio", "video": "video"}


def kind_of(name: str) -> Kind:
    """Return the kind of the file `name`."""
    _, dot, extension = name.rpartition(".")
    known = _EXTENSIONS.get(f".{extension.lower()}") if dot else None
    return known or _TYPES.get(guess_content_type(name).partition("/")[0], "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or a folder.

    `name` is the last part of `path`, which is relative to the Folder and ends with a slash if it names a folder.
    `size` is in bytes, `modified` an aware datetime; both are None for folders. `modified` is the time of the last
    write or move. `content_type` and `kind` follow from the name. `version_id` is known from `Folder.stat` only, in a
    bucket that keeps versions.
    """

    name: str
    path: str
    is_folder: bool = False
    size: int | None = None
    modified: datetime | None = None
    etag: str | None = None
    version_id: str | None = None

    @property
    def content_type(self) -> str | None:
        """The content type by the extension, or None for a folder."""
        return None if self.is_folder else guess_content_type(self.name)

    @property
    def kind(self) -> Kind:
        """What it is to people: `folder`, `picture`, `pdf`, `sheet`, `text`, `audio`, `video`, `archive`, `other`."""
        return "folder" if self.is_folder else kind_of(self.name)

    @property
    def shown(self) -> str:
        """The name with invisible characters made visible: show this one."""
        return names.shown(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a folder.

    `next` is the token of the next page, or None. `hidden` is the number of names on this page that cannot be shown:
    other programs have written them. `sortable`: whether the folder is small enough to be sorted by something else
    than its name.
    """

    path: str
    entries: tuple[Entry, ...]
    next: str | None = None
    hidden: int = 0
    sortable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is in a folder, at any depth. `bytes` includes what cannot be shown, whose number is `hidden`.

    `trash` is the number of bytes in the trash, and `versions` that of replaced and deleted versions: None if that was
    not asked for.
    """

    bytes: int = 0
    files: int = 0
    folders: int = 0
    hidden: int = 0
    trash: int = 0
    versions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result of a search. If it is not `complete`, give `next` to continue it."""

    entries: tuple[Entry, ...]
    complete: bool
    next: str | None = None
