"""New names for files whose names cannot be names in a storage. Pure functions."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable

from s3store.core.keys import MAX_KEY_BYTES, UnsafeNameError, clean_name

_LONGEST_EXTENSION = 20


def accepted_name(name: str, *, valid: Callable[[str], str], characters: int | None, above: str) -> str:
    """Return a name like `name` that a storage accepts. It is the same for each call, and another one for other names.

    Only the parts that must change do: `valid` makes them, as `get_valid_name` of a storage does, and the file's own
    name gets eight digits of the digest of `name`. Long names are cut. The result has at most `characters`, and its key
    starts with `above`. Raises ValueError if no name fits.
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    parts = [_part(part, valid) for part in name.replace("\\", "/").split("/") if part]
    *directories, last = parts
    stem, extension = posixpath.splitext(last)
    if len(extension) > _LONGEST_EXTENSION:
        stem, extension = last, ""
    room = MAX_KEY_BYTES - len(above.encode())
    while True:
        start = "".join(f"{part}/" for part in directories)
        for length in range(min(len(stem), MAX_KEY_BYTES), -1, -1):
            found = f"{start}{stem[:length]}_{digest}{extension}"
            if len(found) <= (characters or len(found)) and len(found.encode()) <= room:
                return found
        if not directories:
            raise ValueError(f"No name of at most {characters} characters is possible for {name[:60]!r}.")
        directories.pop()


def name_of_row(row: str, old: str, new: str) -> str:
    """Return what a row must contain that contains `row` for the file `old`, which is called `new` now.

    The names of a row and of a place differ by a directory at their start. Raises ValueError if they differ otherwise.
    """
    if row.endswith(old):
        return row[: len(row) - len(old)] + new
    start = old[: len(old) - len(row)]
    if old.endswith(row) and new.startswith(start):
        return new[len(start) :]
    raise ValueError(f"The row contains {row!r}, which is not the end of {old!r}. Change the row yourself.")


def _part(part: str, valid: Callable[[str], str]) -> str:
    try:
        if clean_name(part) == part:
            return part
    except UnsafeNameError:
        pass
    kept = "".join(char for char in part if char.isprintable()).strip(" .")
    return (valid(kept) if kept else "") or "file"
