"""Files that something else than a FileField refers to: text, JSON, tables of other packages, folders.

A project lists functions in the setting S3STORE_REFERENCES; apps register theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from s3store.conf.project import setting
from s3store.core import keys
from s3store.storage import S3Storage

__all__ = ["NAME", "directory_in", "references", "register"]

NAME = "S3STORE_REFERENCES"

EVERYTHING = "/"

Function = Callable[[S3Storage], Iterable[str]]

_registered: dict[str, Function] = {}


def register(function: Function, *, label: str) -> None:
    """Add a function that yields the names of files in a storage that are in use.

    It is called with the storage. A name that ends in a slash is a directory with everything below it; `/` is the whole
    storage. Registering a `label` again replaces its function.
    """
    _registered[label] = function


def references(storage: S3Storage) -> Iterator[str]:
    """Yield the names that the functions of the setting S3STORE_REFERENCES and of apps yield for a storage.

    Raises ImproperlyConfigured for a setting that is not a list of functions or dotted paths.
    """
    for function in (*_registered.values(), *_configured()):
        for name in function(storage):
            if not isinstance(name, str):
                raise ImproperlyConfigured(f"{function!r} must yield names, which are str, not {type(name).__name__}.")
            if name:
                yield name


def directory_in(storage: S3Storage, other: S3Storage, path: str) -> str | None:
    """Return the name that a directory of another storage has in a storage: `/` if it contains all files there.

    None if none of its files are there. Both names end in a slash.
    """
    here, there = storage.objects, other.objects
    if not here.may_share_bucket(there):
        return None
    root, wanted = here.prefix(""), there.prefix(path)
    if root.startswith(wanted):
        return EVERYTHING
    return wanted[len(root) :] if wanted.startswith(root) else None


def cleaned(name: str) -> str | None:
    """Return a name as storages store it, with the slash of a directory, or None if no file can have it."""
    if name == EVERYTHING:
        return name
    try:
        return keys.clean_name(name.lstrip("/")) or None
    except keys.UnsafeNameError:
        return None


def _configured() -> Iterator[Function]:
    given: Any = setting(NAME) or ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ImproperlyConfigured(f"{NAME} must be a list of functions or of their dotted paths, not {given!r}.")
    for each in given:
        try:
            function = import_string(each) if isinstance(each, str) else each
        except ImportError as error:
            raise ImproperlyConfigured(f"{NAME} contains {each!r}, which cannot be imported: {error}") from error
        if not callable(function):
            raise ImproperlyConfigured(f"{NAME} contains {each!r}, which is not a function.")
        yield function
