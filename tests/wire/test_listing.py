"""Pages of listings are parsed faster than botocore does it, with the same result."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile

from s3store.storage import S3Storage
from s3store.wire.listing import take_entries

ENTRY = (
    "<Contents><Key>a &amp; b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
    "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA1</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


def page(entries: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name>{entries}<IsTruncated>false</IsTruncated></ListBucketResult>"
    )


def taken(body: str, status: int = 200) -> tuple[dict[str, Any], str]:
    """Return what was taken out of a response, and the body that is left."""
    response: dict[str, Any] = {"status_code": status, "body": body.encode()}
    found: dict[str, Any] = {}
    take_entries(response, found)
    return found, response["body"].decode()


@pytest.mark.parametrize("fetch_owner", [False, True])
def test_a_listing_is_the_same_as_from_botocore(s3_options: dict[str, Any], fetch_owner: bool) -> None:
    """Names of all kinds, with owners and without, and prefixes, on each server."""
    storage = S3Storage(**s3_options)
    for name in ("a b/ä", "a/&<>'", "plain", "z+%20/1"):
        storage.save(name, ContentFile(b"12345"))
    client = storage.client
    plain = boto3.client(
        "s3",
        endpoint_url=s3_options["endpoint_url"],
        aws_access_key_id=s3_options["access_key"],
        aws_secret_access_key=s3_options["secret_key"],
        region_name=s3_options["region_name"],
    )
    above = f"{s3_options['location']}/"
    counts = []
    for extra in ({"Prefix": above}, {"Prefix": above, "Delimiter": "/"}, {"Prefix": f"{above}nothing"}):
        asked: Any = {"Bucket": storage.bucket_name, "FetchOwner": fetch_owner, **extra}
        ours, theirs = client.list_objects_v2(**asked), plain.list_objects_v2(**asked)
        for answer in (ours, theirs):
            del answer["ResponseMetadata"]  # type: ignore[misc]  # it has the number and the time of the request
        assert ours == theirs
        counts.append(len(ours.get("Contents", ())))
    assert counts == [4, 1, 0]


def test_entries_are_taken_out_of_the_body() -> None:
    """botocore, which parses each body twice, gets what is left."""
    found, left = taken(page(ENTRY * 2))
    assert found["Contents"] == 2 * [
        {
            "Key": "a & b",
            "LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            "ETag": '"e"',
            "ChecksumAlgorithm": ["CRC32", "SHA1"],
            "ChecksumType": "FULL_OBJECT",
            "Size": 5,
            "StorageClass": "STANDARD",
        }
    ]
    assert "Key" not in left
    assert "IsTruncated" in left


@pytest.mark.parametrize(
    "body",
    [
        page(""),
        page(ENTRY.replace("<Size>5", "<Size>five")),
        page(ENTRY.replace("<Size>5", "<Size>")),
        page(ENTRY.replace("2026-01-02T", "yesterday")),
        page(ENTRY.replace("STANDARD", "<Owner/>")),
        page(ENTRY.replace("<Size>5</Size>", "<Size>5</Size><Size>6</Size>")),
        page(ENTRY.replace("<Size>5</Size>", "<RestoreStatus/>")),
        page(ENTRY)[:-9],
        "",
        "<html><body>Please log in.</body></html>",
        "<Error><Code>InternalError</Code></Error>",
    ],
)
def test_what_is_unusual_is_left_to_botocore(body: str) -> None:
    """Its errors, and its treatment of elements that are new."""
    assert taken(body) == ({}, body)


def test_errors_are_left_to_botocore() -> None:
    """Whatever their body looks like."""
    assert taken(page(ENTRY), status=500) == ({}, page(ENTRY))
