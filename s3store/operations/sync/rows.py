"""Rows of the two sides: a file or an object, with what is known without reading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from s3store.operations.reports import Failed


class Row(NamedTuple):
    """A file on one side. `name` is relative to the place, `size` is in bytes, `modified` in seconds.

    `etag` has no quotes; it is "" for local files, and for servers that list none.
    """

    name: str
    size: int
    modified: float = 0.0
    etag: str = ""
    storage_class: str = ""


@dataclass(slots=True)
class Found:
    """What a listing found and cannot be processed, by names. A side can be listed twice, so each name is here once.

    `failed` are files that should be processed; `skipped` are names of links and special files, which are left alone
    on both sides; `folders` are names of empty directories, as S3 marks them; `restored` are names of files that
    a killed run had hidden.
    """

    failed: dict[str, Failed] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)

    def fail(self, name: str, error: Exception) -> None:
        """Note a file that cannot be processed. Bytes that are not UTF-8 become escapes."""
        shown = name.encode("utf-8", "backslashreplace").decode()
        self.failed[shown] = Failed.of(shown, error)

    def protects(self, name: str) -> bool:
        """Return whether the name, or a directory above it, was skipped."""
        if not self.skipped:
            return False
        parts = name.split("/")
        return any("/".join(parts[: count + 1]) in self.skipped for count in range(len(parts)))
