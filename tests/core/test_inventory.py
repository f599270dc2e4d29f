"""S3 Inventory is read as AWS documents it, and damage is noticed."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.info import ObjectInfo
from s3store.core.inventory import InventoryError, InventoryFile, check_manifest, parse_manifest, rows_of

SCHEMA = (
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass, EncryptionStatus"
)
MD5 = "900150983cd24fb0d6963f7d28e17f72"
DOCUMENT: dict[str, Any] = {
    "sourceBucket": "photos",
    "destinationBucket": "arn:aws:s3:::inv",
    "version": "2016-11-30",
    "creationTimestamp": "1764000000000",
    "fileFormat": "CSV",
    "fileSchema": SCHEMA,
    "files": [{"key": "p/photos/all/data/0b1c.csv.gz", "size": 512, "MD5checksum": MD5}],
}
ROW = [
    "photos",
    "media/caf%C3%A9+1.jpg",
    "",
    "true",
    "false",
    "3",
    "2026-01-02T03:04:05.000Z",
    MD5,
    "STANDARD",
    "SSE-S3",
]


def document(**changed: Any) -> bytes:
    return json.dumps({**DOCUMENT, **changed}).encode()


def zipped(*rows: list[str]) -> bytes:
    """Rows as AWS writes them: every value in quotes."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def read(data: bytes, *, md5: str | None = None, **changed: Any) -> list[ObjectInfo]:
    return list(rows_of(io.BytesIO(data), InventoryFile(key="f.csv.gz", md5=md5), parse_manifest(document(**changed))))


def test_a_manifest_names_files_and_columns() -> None:
    """The bucket of the inventory is given as its ARN."""
    manifest = parse_manifest(document())
    assert (manifest.source, manifest.destination) == ("photos", "inv")
    assert manifest.created == datetime(2025, 11, 24, 16, 0, tzinfo=timezone.utc)
    assert manifest.columns[:3] == ("Bucket", "Key", "VersionId")
    assert manifest.files == (InventoryFile(key="p/photos/all/data/0b1c.csv.gz", md5=MD5),)


def test_a_row_has_the_facts_of_a_listing() -> None:
    """The ETag gets its quotes."""
    assert read(zipped(ROW)) == [
        ObjectInfo(
            key="media/café 1.jpg",
            size=3,
            etag=f'"{MD5}"',
            modified=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            storage_class="STANDARD",
        )
    ]


@given(keys=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1))
@pytest.mark.parametrize("encode", [quote, quote_plus, lambda key: quote(key, safe="")], ids=["%20", "+", "%2F"])
def test_keys_are_decoded(encode: Any, keys: list[str]) -> None:
    """Also those with quotes, commas and line ends, and a plus that is part of the key."""
    assert [info.key for info in read(zipped(*([ROW[0], encode(key), *ROW[2:]] for key in keys)))] == keys


def test_columns_can_be_in_any_order_and_new_ones_are_ignored() -> None:
    """The manifest says which there are. Only bucket and key are always there."""
    assert read(zipped(["x", "a%2Fb", "photos"]), fileSchema="Tier,Key , Bucket") == [ObjectInfo(key="a/b", size=0)]


def test_empty_columns_are_unknown() -> None:
    """The optional ones."""
    assert read(zipped([*ROW[:5], "", "", "", "", ""])) == [ObjectInfo(key="media/café 1.jpg", size=0)]


def test_only_current_objects_are_read() -> None:
    """A list of all versions has old ones and delete markers too."""
    old = [*ROW[:3], "false", *ROW[4:]]
    marker = [*ROW[:4], "true", "", ROW[6], "", "", ""]
    assert len(read(zipped(old, ROW, marker))) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (document(fileFormat="ORC"), "ORC.*Only CSV"),
        (document(fileFormat="Parquet"), "Parquet.*Only CSV"),
        (document(fileSchema="Bucket, Size"), "no column Key"),
        (document(fileSchema="Key"), "no column Bucket"),
        (document(fileSchema=None), "cannot be read"),
        (document(files=[{}]), "cannot be read"),
        (document(creationTimestamp="yesterday"), "cannot be read"),
        (document(creationTimestamp="9" * 20), "cannot be read"),
        (b"[]", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_manifests_that_cannot_be_read_are_refused(data: bytes, words: str) -> None:
    """By name of the format."""
    with pytest.raises(InventoryError, match=words):
        parse_manifest(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(ROW)[:-12], "damaged"),
        (zipped(ROW)[:30], "damaged"),
        (b"photos,a\n", "damaged"),
        (gzip.compress(b"\xff\n", mtime=0), "damaged"),
        (gzip.compress(b'"photos","a', mtime=0), "damaged"),
        (gzip.compress(b'"photos","a"b","","true","false","3","","","",""\n', mtime=0), "expected after"),
        (zipped(ROW)[:20] + b"\x00" * 20 + zipped(ROW)[40:], "damaged"),
        (zipped(ROW[:-1]), "9 columns instead of 10"),
        (zipped(["videos", *ROW[1:]]), "videos"),
        (zipped([*ROW[:5], "three", *ROW[6:]]), "three"),
        (zipped([*ROW[:6], "monday", *ROW[7:]]), "monday"),
        (zipped([ROW[0], "%FF", *ROW[2:]]), "utf-8"),
    ],
)
def test_damaged_files_are_refused(data: bytes, words: str) -> None:
    """And named."""
    with pytest.raises(InventoryError, match=f"(?s)f.csv.gz.*{words}"):
        read(data)


def test_the_digest_of_a_file_is_checked() -> None:
    """It is that of the bytes that are stored."""
    data = zipped(ROW)
    assert len(read(data, md5=hashlib.md5(data, usedforsecurity=False).hexdigest().upper())) == 1
    with pytest.raises(InventoryError, match=f"f.csv.gz.*digest is not {MD5}"):
        read(data, md5=MD5)


def test_the_checksum_of_a_manifest_is_checked() -> None:
    """AWS writes it last, so that a list without it is not complete."""
    data = document()
    check_manifest(data, hashlib.md5(data, usedforsecurity=False).hexdigest().encode() + b"\n")
    with pytest.raises(InventoryError, match="differs"):
        check_manifest(data, MD5.encode())
