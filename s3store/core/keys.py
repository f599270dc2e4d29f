"""From a Django name to an S3 key and back, and the guard that keeps a name inside its location.

AWS: "Naming Amazon S3 objects" (a key is at most 1,024 bytes of UTF-8).
"""

from __future__ import annotations

import os
import re
import unicodedata

MAX_KEY_BYTES = 1024

# Characters that are no more than MAX_KEY_BYTES whatever they are.
_SHORT = MAX_KEY_BYTES // 4

# AWS: objects of this name cannot be reached by virtual host.
_UNSERVED = "soap"

# Most names need no cleaning, and to find that out is cheaper than to clean them.
_CLEAN = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*").fullmatch

_DRIVE = re.compile(r"[A-Za-z]:(/|$)")


class UnsafeNameError(ValueError):
    """A name that could leave its location or that S3 cannot hold; the storage reports it as suspicious."""


def clean_name(name: str | os.PathLike[str]) -> str:
    """Return `name` with `/` between its parts and no empty or `.` part; a final `/` is kept.

    The empty name is the location itself. Raises UnsafeNameError for `..`, absolute names, drive letters,
    control characters and characters that a listing in XML could not carry.
    """
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"A name is a str, not {type(text).__name__}.")
    text = text.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or _DRIVE.match("/".join(parts[:2])):
        raise UnsafeNameError(f"{name!r} is absolute; names are relative to the storage's location.")
    # What is printable is safe, and that is the cheaper question.
    if not text.isprintable() and (unsafe := next((char for char in text if _unsafe(char)), None)):
        raise UnsafeNameError(f"{name!r} contains the character {unsafe!r}, which an S3 key must not hold.")
    if any(part.rstrip(" ") in ("", ".", "..") for part in parts):
        raise UnsafeNameError(f"{name!r} contains a part that means another directory ('.' or '..').")
    cleaned = "/".join(parts)
    return cleaned + "/" if cleaned and text.endswith("/") else cleaned


def _unsafe(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or char in "\ufffe\uffff"


def clean_location(location: str) -> str:
    """Return `location` without a final slash. Raises UnsafeNameError when it is not plain."""
    text = location.removesuffix("/")
    if text and (clean_name(text) != text or text.endswith("/")):
        raise UnsafeNameError(
            f"The location {location!r} must be plain parts with single slashes between them: media/photos"
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
    """Return the prefix that all keys below the directory `name` share; `""` when that is the whole bucket."""
    cleaned = clean_name(name).removesuffix("/")
    path = join(location, cleaned)
    return _within_limit(path + "/", name) if path else ""


def join(location: str, cleaned: str) -> str:
    """Return the two with a slash between them where both say something."""
    return f"{location}/{cleaned}" if location and cleaned else location or cleaned


def name_of(location: str, key: str) -> str | None:
    """Return the name by which this storage reaches `key`, or None when no name does.

    Other programs put keys into buckets that no name can mean (`a//b`, `../x`, control characters); a storage
    neither lists nor opens them.
    """
    root = f"{location}/" if location else ""
    if not key.startswith(root) or key == _UNSERVED:
        return None
    name = key[len(root) :]
    try:
        return name if name and clean_name(name) == name else None
    except UnsafeNameError:
        return None


def _within_limit(key: str, name: str | os.PathLike[str]) -> str:
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise UnsafeNameError(
            f"{os.fspath(name)[:60]!r}… makes a key of {size} bytes; S3 allows {MAX_KEY_BYTES} with the location."
        )
    if key == _UNSERVED:
        raise UnsafeNameError(f"S3 does not serve the key {key!r}; choose another name.")
    return key
