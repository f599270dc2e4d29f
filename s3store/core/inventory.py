"""S3 Inventory: lists of a bucket that AWS writes once a day or once a week. AWS: "Amazon S3 Inventory".

The files of a list are neither sorted nor disjoint. A list is a snapshot: it is one or two days old.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from io import TextIOWrapper
from typing import IO, cast
from urllib.parse import unquote_plus

from s3store.core.info import ObjectInfo, listed_infos

MANIFEST = "manifest.json"
CHECKSUM = "manifest.checksum"

DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}Z")
"""The name of the directory of a list: the time at which it was begun."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class InventoryError(ValueError):
    """An inventory that cannot be read, or is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryFile:
    """A file of a list: its key in the bucket of the inventory, and the MD5 digest of its bytes in hexadecimal."""

    key: str
    md5: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryManifest:
    """What a list contains: the files, and the columns of their rows.

    `source` and `destination` are names of buckets, `created` is the time of the list.
    """

    source: str
    destination: str
    created: datetime
    columns: tuple[str, ...]
    files: tuple[InventoryFile, ...]


def check_manifest(manifest: bytes, checksum: bytes) -> None:
    """Raise InventoryError unless the content of `manifest.checksum` belongs to the manifest."""
    if checksum.strip().decode("latin-1").lower() != hashlib.md5(manifest, usedforsecurity=False).hexdigest():
        raise InventoryError(
            "manifest.checksum differs from the MD5 digest of manifest.json. The list may be incomplete."
        )


def parse_manifest(data: bytes) -> InventoryManifest:
    """Return the manifest of a list. Raises InventoryError for another format than CSV, and for a wrong document."""
    try:
        found = json.loads(data)
        kind, schema = found["fileFormat"], found["fileSchema"]
        if kind != "CSV":
            raise InventoryError(f"The inventory has the format {kind}. Only CSV is supported: set the format to CSV.")
        columns = tuple(column.strip() for column in schema.split(","))
        manifest = InventoryManifest(
            source=found["sourceBucket"],
            destination=found["destinationBucket"].rpartition(":")[2],
            created=_EPOCH + timedelta(milliseconds=int(found["creationTimestamp"])),
            columns=columns,
            files=tuple(InventoryFile(key=file["key"], md5=file.get("MD5checksum")) for file in found["files"]),
        )
    except InventoryError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise InventoryError(
            f"The manifest of the inventory cannot be read: {type(error).__name__}: {error}."
        ) from None
    for needed in ("Bucket", "Key"):
        if needed not in columns:
            raise InventoryError(f"The inventory has no column {needed}.")
    return manifest


class _Digesting:
    """Passes on what is read from `stream`, and digests it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.md5(usedforsecurity=False)

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self._stream.read(size)
        self.digest.update(data)
        return data


def rows_of(stream: IO[bytes], file: InventoryFile, manifest: InventoryManifest) -> Iterator[ObjectInfo]:
    """Yield the current objects in a file of a list, read as it arrives. Old versions and delete markers are left out.

    Raises InventoryError if the file is damaged: at the end, if only its digest is wrong.
    """
    source = _Digesting(stream)
    try:
        with gzip.open(cast("IO[bytes]", source)) as unzipped:
            yield from _current(TextIOWrapper(unzipped, encoding="utf-8", newline=""), manifest)
    except (EOFError, gzip.BadGzipFile, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise InventoryError(f"The file {file.key!r} of the inventory is damaged: {error}") from error
    except InventoryError as error:
        raise InventoryError(f"The file {file.key!r} of the inventory is damaged: {error}") from None
    if file.md5 and source.digest.hexdigest() != file.md5.lower():
        raise InventoryError(f"The file {file.key!r} of the inventory is damaged: its MD5 digest is not {file.md5}.")


def _current(lines: Iterable[str], manifest: InventoryManifest) -> Iterator[ObjectInfo]:
    """Yield the objects of rows. Raises InventoryError for a row that is not possible."""
    at = {column: number for number, column in enumerate(manifest.columns)}
    for row in csv.reader(lines, strict=True):
        if len(row) != len(at):
            raise InventoryError(f"a row has {len(row)} columns instead of {len(at)}.")
        if row[at["Bucket"]] != manifest.source:
            raise InventoryError(f"a row is about the bucket {row[at['Bucket']]!r}, not {manifest.source!r}.")
        values = {column: row[number] or None for column, number in at.items()}
        if values.get("IsLatest") == "false" or values.get("IsDeleteMarker") == "true":
            continue
        try:
            (info,) = listed_infos(
                [unquote_plus(values["Key"] or "", errors="strict")],
                [int(values.get("Size") or 0)],
                [f'"{values["ETag"]}"' if values.get("ETag") else None],
                [_moment(values.get("LastModifiedDate"))],
                [values.get("StorageClass")],
            )
        except ValueError as error:
            raise InventoryError(f"a row cannot be read: {error}.") from None
        yield info


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
