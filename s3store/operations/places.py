"""Places: directories of this machine, and directories of the storages in STORAGES."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import InvalidStorageError, storages

from s3store.core import keys
from s3store.core.suggest import did_you_mean
from s3store.storage import S3Storage

__all__ = ["Place", "PlaceError", "place_of", "storage_of"]

_ALIAS = re.compile(r"([A-Za-z0-9_.-]{2,}):(.*)", re.DOTALL).fullmatch


class PlaceError(ValueError):
    """A place that does not exist, or cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A local path, or the name `path` in a storage. A path that ends in a slash is a directory.

    `storage` and `alias` are None for a local path.
    """

    path: str
    storage: S3Storage | None = None
    alias: str | None = None

    @property
    def local(self) -> Path:
        """The path on this machine. Raises PlaceError for a place in a storage."""
        if self.storage is not None:
            raise PlaceError(f"{self} is in a storage, and a local path is needed.")
        return Path(self.path)

    def __str__(self) -> str:
        return self.path if self.storage is None else f"{self.alias or 'storage'}:{self.path}"


def storage_of(alias: str) -> S3Storage:
    """Return the storage of an alias in STORAGES. Raises PlaceError if there is none, or if it is not an S3Storage."""
    known = storages.backends
    if alias not in known:
        hint = did_you_mean(alias, known, f"The aliases are {_listed(known)}.")
        raise PlaceError(f"STORAGES has no alias {alias!r}. {hint}")
    try:
        storage = storages[alias]
    except InvalidStorageError as error:
        raise PlaceError(str(error)) from error
    if not isinstance(storage, S3Storage):
        raise PlaceError(f"STORAGES[{alias!r}] is not an S3Storage, so this command cannot use it.")
    return storage


def place_of(text: str) -> Place:
    """Return the place of `ALIAS:path` or of a local path.

    `C:\\x` and `./a:b` are local paths. Raises PlaceError for an unknown alias or a name that is not possible.
    """
    found = _ALIAS(text)
    if not found:
        return Place(path=text)
    alias, path = found.groups()
    storage = storage_of(alias)
    try:
        return Place(path=keys.clean_name(path), storage=storage, alias=alias)
    except keys.UnsafeNameError as error:
        raise PlaceError(str(error)) from error


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
