"""Names for new files: shortened to max_length, or with a random part if the name is taken."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.utils import validate_file_name

Alternative = Callable[[str, str], str]
"""Takes the stem and the extension, and returns another file name, like `Storage.get_alternative_name`."""


def fitting(name: str, max_length: int | None, alternative: Alternative | None) -> str:
    """Return `name`, with a shorter stem if it is longer than `max_length` characters.

    `alternative` makes shortened names unique; None keeps them unchanged. Raises SuspiciousFileOperation if
    `max_length` leaves no room for a stem.
    """
    directory, stem, extension = _split(name)
    if max_length is None or len(name) <= max_length:
        return posixpath.join(directory, stem + extension)
    make = alternative or (lambda root, end: root + end)
    return _shortened(directory, stem, extension, max_length, make)


def alternative(name: str, max_length: int | None, make: Alternative) -> str:
    """Return another name for a file, within `max_length` characters."""
    directory, stem, extension = _split(name)
    found = posixpath.join(directory, make(stem, extension))
    if max_length is None or len(found) <= max_length:
        return found
    return _shortened(directory, stem, extension, max_length, make)


def _split(name: str) -> tuple[str, str, str]:
    directory, file_name = posixpath.split(str(name).replace("\\", "/"))
    if ".." in PurePosixPath(directory).parts:
        raise SuspiciousFileOperation(f"Detected path traversal attempt in '{directory}'")
    validate_file_name(file_name)
    extension = "".join(PurePosixPath(file_name).suffixes)
    return directory, file_name.removesuffix(extension), extension


def _shortened(directory: str, stem: str, extension: str, max_length: int, make: Alternative) -> str:
    surplus = len(posixpath.join(directory, make(stem, extension))) - max_length
    stem = stem[: len(stem) - surplus] if surplus < len(stem) else ""
    if not stem:
        raise SuspiciousFileOperation(
            f"No name of at most {max_length} characters is possible for {posixpath.join(directory, extension)!r}. "
            "Give the file field a larger max_length."
        )
    found = posixpath.join(directory, make(stem, extension))
    if len(found) > max_length:
        raise SuspiciousFileOperation(f"{found!r} is longer than max_length, {max_length} characters.")
    return found
