"""The names in storages that complete what somebody types."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from s3store.core import globs, keys
from s3store.operations.places import PlaceError, storage_of

__all__ = ["aliases", "completions"]

LIMIT = 200
"""The number of names that are offered at most: one request lists no more."""


def aliases() -> list[str]:
    """Return the aliases of the storages that are S3Storages, sorted."""
    found = []
    for alias in sorted(storages.backends):
        try:
            storage_of(alias)
        except (PlaceError, ImproperlyConfigured):
            continue
        found.append(alias)
    return found


def completions(text: str) -> Iterator[str]:
    """Yield the places that start with `ALIAS:path`, those of directories with a slash: one request.

    Names that a terminal would not show as they are, and those that would be patterns, are left out. Raises PlaceError
    for an unknown alias.
    """
    alias, _, path = text.partition(":")
    objects = storage_of(alias).objects
    directory = path[: path.rfind("/") + 1]
    try:
        if keys.clean_name(path) != path:
            return
        prefix = objects.prefix(directory) + path[len(directory) :]
    except ValueError:
        return
    page = objects.bucket.page(prefix, objects.listing_params, flat=True, limit=LIMIT)
    names = (objects.name(key) for key in (*page.prefixes, *(info.key for info in page.objects)))
    for name in sorted(name for name in names if name):
        if name != directory and name.isprintable() and not globs.has_magic(name):
            yield f"{alias}:{name}"
