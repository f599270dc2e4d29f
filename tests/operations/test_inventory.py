"""An inventory is read from its bucket, through a storage."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from s3store.operations.inventory import InventoryError, inventory_names, open_inventory, scan_inventory
from s3store.operations.places import Place, PlaceError
from s3store.operations.spool import Side, merged
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests

ETAG = "900150983cd24fb0d6963f7d28e17f72"


@pytest.fixture
def storage(s3_options: dict[str, Any]) -> S3Storage:
    """The storage that is listed, which also contains the inventory."""
    return S3Storage(**s3_options)


def write(storage: S3Storage, day: str, files: dict[str, int], *, checksum: bool = True, **changed: Any) -> Place:
    """Write a list as AWS does: the rows in files of two, then the manifest, then its checksum."""
    named = []
    rows = list(files.items())
    for start in range(0, len(rows), 2):
        text = io.StringIO()
        for name, size in rows[start : start + 2]:
            key = quote(f"{storage.location}/{name}")
            csv.writer(text, quoting=csv.QUOTE_ALL).writerow([storage.bucket_name, key, size, ETAG])
        data = gzip.compress(text.getvalue().encode())
        name = storage.save(f"inv/all/data/{uuid.uuid4()}.csv.gz", data)  # type: ignore[arg-type]
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        named.append({"key": f"{storage.location}/{name}", "size": len(data), "MD5checksum": digest})
    manifest = json.dumps(
        {
            "sourceBucket": storage.bucket_name,
            "destinationBucket": f"arn:aws:s3:::{storage.bucket_name}",
            "creationTimestamp": "1764000000000",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size, ETag",
            "files": named,
            **changed,
        }
    ).encode()
    path = storage.save(f"inv/all/{day}/manifest.json", manifest)  # type: ignore[arg-type]
    if checksum:
        digest = hashlib.md5(manifest, usedforsecurity=False).hexdigest()
        storage.save(f"inv/all/{day}/manifest.checksum", digest.encode())  # type: ignore[arg-type]
    return Place(path=path, storage=storage, alias="default")


def place(storage: S3Storage, path: str = "") -> Place:
    return Place(path=path, storage=storage, alias="default")


def test_an_inventory_has_the_files_of_a_listing(storage: S3Storage) -> None:
    """Names, sizes and ETags of those below a place; two requests to open it, one more for each of its files."""
    found = write(storage, "2026-01-31T01-00Z", {"a b/ü.txt": 1, "a b/1+1.txt": 2, "c.txt": 3, "a b/": 0, "a b//x": 4})
    with counted_requests(storage) as sent:
        inventory = open_inventory(found)
        rows = list(scan_inventory(inventory, place(storage)))
    assert sorted((name, info.size, info.etag) for name, info in rows) == [
        ("a b/1+1.txt", 2, f'"{ETAG}"'),
        ("a b/ü.txt", 1, f'"{ETAG}"'),
        ("c.txt", 3, f'"{ETAG}"'),
    ]
    assert sent.methods == ["GET"] * 5
    assert sorted(name for name, _ in scan_inventory(inventory, place(storage, "a b"))) == ["a b/1+1.txt", "a b/ü.txt"]
    assert sorted(inventory_names(inventory, place(storage, "a b"))) == ["1+1.txt", "ü.txt"]


def test_an_inventory_can_be_a_side_of_a_merge(storage: S3Storage) -> None:
    """Its rows are sorted outside memory, and a name that comes twice counts once."""
    found = open_inventory(write(storage, "2026-01-31T01-00Z", {"b": 1, "a": 2, "c": 3}))
    rows = list(found.manifest.files)
    assert len(rows) == 2
    side = Side(lambda: scan_inventory(found, place(storage)), ordered=False, run=2)
    other = Side(lambda: [("a", 1), ("d", 1)])
    names = [(name, bool(left), bool(right)) for name, left, right in merged(side, other, restarted=lambda _: None)]
    side.close()
    assert names == [("a", True, True), ("b", True, False), ("c", True, False), ("d", False, True)]


def test_the_newest_list_that_is_complete_is_taken(storage: S3Storage) -> None:
    """One without its checksum is still being written."""
    write(storage, "2026-01-29T01-00Z", {"a": 1})
    wanted = write(storage, "2026-01-30T01-00Z", {"a": 1})
    write(storage, "2026-01-31T01-00Z", {"a": 1}, checksum=False)
    storage.save("inv/all/hive/x", b"x")  # type: ignore[arg-type]
    assert open_inventory(place(storage, "inv/all")).place == wanted
    assert open_inventory(place(storage, "inv/all/")).place.path == wanted.path


def test_a_place_without_an_inventory_is_refused(storage: S3Storage) -> None:
    """With what is missing."""
    with pytest.raises(InventoryError, match="no list of an inventory"):
        open_inventory(place(storage, "inv/all"))
    with pytest.raises(InventoryError, match=r"default:x/manifest.json is not complete"):
        open_inventory(place(storage, "x/manifest.json"))
    found = write(storage, "2026-01-31T01-00Z", {"a": 1}, checksum=False)
    with pytest.raises(InventoryError, match=r"manifest\.checksum"):
        open_inventory(place(storage, "inv/all"))
    storage.save(found.path.replace(".json", ".checksum"), ETAG.encode())  # type: ignore[arg-type]
    with pytest.raises(InventoryError, match=r"2026-01-31T01-00Z/manifest.json: manifest.checksum differs"):
        open_inventory(found)


def test_an_inventory_of_another_bucket_is_refused(storage: S3Storage) -> None:
    """Its names would be those of other files; a copied list names files that are not beside it."""
    found = open_inventory(write(storage, "2026-01-31T01-00Z", {"a": 1}, sourceBucket="other"))
    with pytest.raises(InventoryError, match="lists the bucket 'other'"):
        list(scan_inventory(found, place(storage)))
    copied = write(storage, "2026-02-01T01-00Z", {"a": 1}, destinationBucket="arn:aws:s3:::elsewhere")
    with pytest.raises(InventoryError, match="'elsewhere'"):
        open_inventory(copied)


def test_a_damaged_file_is_refused(storage: S3Storage) -> None:
    """After its rows, because it is read as it arrives: act on them only when all are there."""
    found = open_inventory(write(storage, "2026-01-31T01-00Z", {"a": 1}))
    name = found.manifest.files[0].key.removeprefix(f"{storage.location}/")
    storage.delete(name)
    storage.save(name, gzip.compress(b"x"))  # type: ignore[arg-type]
    with pytest.raises(InventoryError, match="damaged"):
        list(scan_inventory(found, place(storage)))


def test_a_manifest_that_is_too_large_is_refused(storage: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read into memory."""
    monkeypatch.setattr("s3store.operations.inventory._LARGEST_MANIFEST", 10)
    with pytest.raises(InventoryError, match="64 MiB"):
        open_inventory(write(storage, "2026-01-31T01-00Z", {"a": 1}))


def test_local_places_have_no_inventory(storage: S3Storage) -> None:
    """AWS writes it to a bucket, about a bucket."""
    found = open_inventory(write(storage, "2026-01-31T01-00Z", {"a": 1}))
    with pytest.raises(PlaceError, match="local"):
        open_inventory(Place(path="manifest.json"))
    with pytest.raises(PlaceError, match="local"):
        list(scan_inventory(found, Place(path="media")))
    with pytest.raises(PlaceError, match="local"):
        list(inventory_names(found, Place(path="media")))
