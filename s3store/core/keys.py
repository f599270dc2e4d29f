"""Conversion of Django names to S3 keys and back. Names cannot leave the location.

AWS: "Naming Amazon S3 objects" (a key is at most 1,024 bytes of UTF-8).
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence

MAX_KEY_BYTES = 1024

# Names of this many characters cannot exceed MAX_KEY_BYTES.
_SHORT = MAX_KEY_BYTES // 4

# AWS: an object with this key cannot be read at a virtual host.
_UNSERVED = "soap"

# Most names need no cleaning, and this check is faster.
_CLEAN = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*").fullmatch

_DRIVE = re.compile(r"[A-Za-z]:(/|$)")
_DRIVE_LINE = re.compile(r"\n[A-Za-z]:")

# What `clean_name` may refuse or change in names, each of which is a line.
_UNUSUAL = ("\\", "//", "/.", "/ ", "\n\n", "\n/", "\n.", "\n ", f"\n{_UNSERVED}\n")


class UnsafeNameError(ValueError):
    """A name that could leave the location, or that is not possible in S3. Storages raise SuspiciousFileOperation."""


def clean_name(name: str | os.PathLike[str]) -> str:
    """Return `name` with `/` between its parts and without empty and `.` parts. A final `/` is kept.

    The empty name is the location. Raises UnsafeNameError for `..`, absolute names, drive letters, control characters
    and characters that XML, and so a listing, cannot contain.
    """
    if type(name) is str and _CLEAN(name):
        return name
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"A name must be a str, not {type(text).__name__}.")
    text = text.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or _DRIVE.match("/".join(parts[:2])):
        raise UnsafeNameError(f"{name!r} is absolute. Names are relative to the storage's location.")
    # Printable names are safe, and this check is faster.
    if not text.isprintable() and (unsafe := next((char for char in text if _unsafe(char)), None)):
        raise UnsafeNameError(f"{name!r} contains the character {unsafe!r}, which is not allowed.")
    if any(part.rstrip(" ") in ("", ".", "..") for part in parts):
        raise UnsafeNameError(f"{name!r} contains '..' or a part of only spaces, which is not allowed.")
    cleaned = "/".join(parts)
    return cleaned + "/" if cleaned and text.endswith("/") else cleaned


def _unsafe(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or char in "\ufffe\uffff"


def clean_location(location: str) -> str:
    """Return `location` without a final slash. Raises UnsafeNameError for `..`, `//` and a slash at the start."""
    text = location.removesuffix("/")
    if text and (clean_name(text) != text or text.endswith("/")):
        raise UnsafeNameError(
            f"The location {location!r} must be parts with single slashes between them, such as media/photos."
        )
    return text


def object_key(location: str, name: str | os.PathLike[str]) -> str:
    """Return the key of the object `name`. Raises UnsafeNameError for a name that cannot be an object."""
    if type(name) is str and len(name) + len(location) < _SHORT and name != _UNSERVED and _CLEAN(name):
        return f"{location}/{name}" if location else name
    cleaned = clean_name(name)
    if not cleaned or cleaned.endswith("/"):
        raise UnsafeNameError(f"{name!r} names a directory, not a file.")
    return _within_limit(join(location, cleaned), name)


def directory_prefix(location: str, name: str | os.PathLike[str]) -> str:
    """Return the prefix of all keys below the directory `name`: `""` for the whole bucket."""
    cleaned = clean_name(name).removesuffix("/")
    path = join(location, cleaned)
    return _within_limit(path + "/", name) if path else ""


def join(location: str, cleaned: str) -> str:
    """Join the two with a slash if neither is empty."""
    return f"{location}/{cleaned}" if location and cleaned else location or cleaned


def name_of(location: str, key: str) -> str | None:
    """Return the name of the file at `key`, or None if it cannot be a name.

    Buckets can contain keys of other programs that are not possible names (`a//b`, `../x`, control characters). A
    storage neither lists nor opens them.
    """
    (name,) = names_of(location, (key,))
    return name or None


def names_of(location: str, keys: Sequence[str]) -> Sequence[str]:
    """Return `name_of` of each key, or `""`. Plain keys, as most are, are examined as the lines of one text."""
    root = f"\n{location}/" if location else "\n"
    lines = "\n" + "\n".join(keys)
    names = lines.split(root)[1:]
    text = "\n".join(["", *names, ""])
    if (
        lines.count("\n") == len(names) == len(keys)
        and text.replace("\n", "").isprintable()
        and not any(map(text.__contains__, _UNUSUAL))
        and not (":" in text and _DRIVE_LINE.search(text))
    ):
        return names
    return [_name_of(location, key) for key in keys]


def _name_of(location: str, key: str) -> str:
    root = f"{location}/" if location else ""
    name = key[len(root) :]
    try:
        possible = key.startswith(root) and key != _UNSERVED and clean_name(name) == name
    except UnsafeNameError:
        return ""
    return name if possible else ""


def _within_limit(key: str, name: str | os.PathLike[str]) -> str:
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise UnsafeNameError(
            f"{os.fspath(name)[:60]!r}… has a key of {size} bytes. S3 allows {MAX_KEY_BYTES}, including the location."
        )
    if key == _UNSERVED:
        raise UnsafeNameError(f"S3 does not serve the key {key!r}. Choose another name.")
    return key
