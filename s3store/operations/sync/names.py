"""Names that one of the two sides cannot hold. Pure functions."""

from __future__ import annotations

from s3store.core import keys


class NameRefusedError(ValueError):
    """A name that one of the sides cannot hold."""

    code = "NameRefused"


def check_for_storage(name: str) -> None:
    """Raise NameRefusedError for a local name that a storage would change or refuse."""
    try:
        same = keys.clean_name(name) == name
    except keys.UnsafeNameError as error:
        raise NameRefusedError(f"{error} Rename the file.") from None
    if not same:
        raise NameRefusedError(f"{name!r} would get another name in a storage. Rename the file.")


def unlisted(key: str) -> NameRefusedError:
    """Return the error for a key that is not a name of a storage."""
    return NameRefusedError(
        f"The key {key!r} is not a possible name of a file, so it is left alone. Copy it with another tool, to a key "
        "without '..', empty parts, backslashes and control characters."
    )
