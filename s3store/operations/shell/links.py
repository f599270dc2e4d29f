"""URLs of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from s3store.core import globs
from s3store.operations.places import Place
from s3store.operations.shell.facts import each_file
from s3store.operations.shell.selecting import select, storage_in

__all__ = ["Link", "urls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A file as users write it, and its URL."""

    name: str
    url: str


def urls(
    places: Sequence[Place],
    *,
    recursive: bool = False,
    signed: bool | None = None,
    expire: int | timedelta | None = None,
    method: str | None = None,
    download_as: str | None = None,
) -> Iterator[Link]:
    """Yield the URLs of files. A named file needs no request, and need not exist; directories and patterns are listed.

    The arguments are those of `url` of the storage; `download_as` can be empty, for the file's own name. Raises its
    errors.
    """
    for place in places:
        storage = storage_in(place)
        if place.path and not place.path.endswith("/") and not recursive and not globs.has_magic(place.path):
            found: Iterator[tuple[str, str]] = iter([(place.path, str(place))])
        else:
            selections = [select(place)]
            found = ((name, each.item.shown) for each, name in each_file(selections, recursive=recursive))
        for name, shown in found:
            named = name.rpartition("/")[2] if download_as == "" else download_as
            url = storage.url(name, expire=expire, http_method=method, signed=signed, download_as=named)
            yield Link(name=shown, url=url)
