"""Reads S3 Inventory instead of listing: for buckets with more objects than anybody wants to list.

AWS: "Amazon S3 Inventory" and "Locating your inventory list".
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from s3store import errors
from s3store.core import inventory
from s3store.core.info import ObjectInfo
from s3store.core.inventory import InventoryError, InventoryFile, InventoryManifest
from s3store.files.reader import RangeReader
from s3store.operations.places import Place, PlaceError
from s3store.wire.objects import Objects
from s3store.wire.responses import Response

__all__ = [
    "Inventory",
    "InventoryError",
    "InventoryFile",
    "InventoryManifest",
    "inventory_names",
    "open_inventory",
    "scan_inventory",
]

_LARGEST_MANIFEST = 64 * 1024**2
_BUFFER = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A list of a bucket. `place` is that of its `manifest.json`."""

    place: Place
    manifest: InventoryManifest


def open_inventory(place: Place) -> Inventory:
    """Return the inventory at a place: a `manifest.json`, or the directory of an inventory, whose newest list is taken.

    Lists whose checksum is missing or differs are skipped. Two requests for a manifest, one more to find the newest.
    Raises InventoryError if there is none, and PlaceError for a local place.
    """
    if place.storage is None:
        raise PlaceError(f"{place} is a local path. Give the manifest of an inventory in a storage, as ALIAS:path.")
    objects = place.storage.objects
    if place.path.rpartition("/")[2] == inventory.MANIFEST:
        return _opened(objects, place, place.path)
    failure: InventoryError | None = None
    for path in _newest_first(objects, place.path):
        try:
            return _opened(objects, place, path)
        except InventoryError as error:
            failure = failure or error
    raise failure or InventoryError(
        f"{place} has no list of an inventory: there is no directory such as 2026-01-31T01-00Z with a "
        f"{inventory.MANIFEST} in it. Give the directory that AWS names after the inventory."
    )


def scan_inventory(found: Inventory, place: Place) -> Iterator[tuple[str, ObjectInfo]]:
    """Yield name and facts of the files that the inventory has below a place, as `scan` does, but in no order.

    A name can come twice: the files of an inventory are not disjoint. The names are those in the storage of `place`.
    Sort them outside memory, and check each file before it is deleted: it may have changed since. One request for each
    file of the inventory. Raises InventoryError if the inventory is of another bucket, or damaged.
    """
    if place.storage is None or found.place.storage is None:
        raise PlaceError(f"{place} is a local path. An inventory lists a bucket.")
    objects, source = place.storage.objects, found.place.storage.objects
    if objects.options.bucket_name != found.manifest.source:
        raise InventoryError(
            f"The inventory {found.place} lists the bucket {found.manifest.source!r}, and {place} is in the bucket "
            f"{objects.options.bucket_name!r}."
        )
    prefix = objects.prefix(place.path)
    for file in found.manifest.files:
        for info in _rows(source, file, found.manifest):
            if info.key.startswith(prefix):
                name = objects.name(info.key)
                if name is not None and not name.endswith("/"):
                    yield name, info


def inventory_names(found: Inventory, place: Place) -> Iterator[str]:
    """Yield the names of `scan_inventory`, relative to the place."""
    objects = place.storage.objects if place.storage else None
    cut = len(objects.prefix(place.path)) - len(objects.prefix("")) if objects else 0
    return (name[cut:] for name, _ in scan_inventory(found, place))


def _newest_first(objects: Objects, path: str) -> list[str]:
    """Return the paths of the manifests in the directory of an inventory."""
    dated = []
    prefix = objects.prefix(path)
    for page in objects.pages(prefix, flat=True):
        dated += [key.removesuffix("/").rpartition("/")[2] for key in page.prefixes]
    base = path.rstrip("/")
    return [
        f"{base}/{name}/{inventory.MANIFEST}".lstrip("/")
        for name in sorted(dated, reverse=True)
        if inventory.DATED.fullmatch(name)
    ]


def _opened(objects: Objects, place: Place, path: str) -> Inventory:
    shown = Place(path=path, storage=place.storage, alias=place.alias)
    try:
        data = _content(objects, path)
        inventory.check_manifest(data, _content(objects, path.removesuffix(inventory.MANIFEST) + inventory.CHECKSUM))
        manifest = inventory.parse_manifest(data)
    except errors.ObjectNotFoundError as error:
        raise InventoryError(f"{shown} is not complete: {error}") from error
    except InventoryError as error:
        raise InventoryError(f"{shown}: {error}") from error
    if manifest.destination != objects.options.bucket_name:
        raise InventoryError(f"{shown} is a copy: AWS wrote it to the bucket {manifest.destination!r}.")
    return Inventory(place=shown, manifest=manifest)


def _content(objects: Objects, path: str) -> bytes:
    with stored(objects, objects.key(path)) as stream:
        data = stream.read(_LARGEST_MANIFEST + 1)
    if len(data) > _LARGEST_MANIFEST:
        raise InventoryError("the manifest is larger than 64 MiB.")
    return data


def _rows(objects: Objects, file: InventoryFile, manifest: InventoryManifest) -> Iterator[ObjectInfo]:
    with stored(objects, file.key) as stream:
        yield from inventory.rows_of(stream, file, manifest)


def stored(objects: Objects, key: str) -> IO[bytes]:
    """Return the stored bytes of an object, as they arrive. If the connection breaks, another one continues."""
    target = objects.target_at(key)

    def fetch(start: int, stop: int | None, etag: str | None) -> Response:
        return objects.bucket.get(key, target.params, start=start, stop=stop, etag=etag)

    return cast("IO[bytes]", io.BufferedReader(RangeReader(key, fetch), _BUFFER))
