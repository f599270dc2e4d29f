"""Names that one of the two sides cannot hold. Pure functions."""

from __future__ import annotations

import re

from s3store.core import keys

PART = ".s3store-part"
"""What the names of unfinished downloads end in."""

# Windows. Microsoft: "Naming Files, Paths, and Namespaces".
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\..*)?", re.IGNORECASE).fullmatch
_FORBIDDEN = frozenset('<>:"|?*')


class NameRefusedError(ValueError):
    """A name that one of the sides cannot hold."""

    code = "NameRefused"


def is_partial(last: str) -> bool:
    """Return whether the last part of a name is that of an unfinished download."""
    return last.startswith(".") and last.endswith(PART)


def check_for_storage(name: str) -> None:
    """Raise NameRefusedError for a local name that a storage would change or refuse."""
    try:
        same = keys.clean_name(name) == name
    except keys.UnsafeNameError as error:
        raise NameRefusedError(f"{error} Rename the file.") from None
    if not same:
        raise NameRefusedError(f"{name!r} would get another name in a storage. Rename the file.")


def check_for_disk(name: str, *, windows: bool = False) -> None:
    """Raise NameRefusedError for a name that is not a relative path below a directory."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in name:
        raise NameRefusedError(f"{name!r} is not a path below a directory, so it is not written to disk.")
    if windows:
        bad = next((part for part in parts if _FORBIDDEN & set(part) or _RESERVED(part) or part[-1] in " ."), None)
        if bad or "\\" in name:
            raise NameRefusedError(f"Windows cannot have a file with the name {name!r}.")


def unlisted(key: str) -> NameRefusedError:
    """Return the error for a key that is not a name of a storage."""
    return NameRefusedError(
        f"The key {key!r} is not a possible name of a file, so it is left alone. Copy it with another tool, to a key "
        "without '..', empty parts, backslashes and control characters."
    )
