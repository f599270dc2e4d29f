"""What a response of boto3 says becomes facts about an object."""

from __future__ import annotations

import io
from dataclasses import FrozenInstanceError
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from s3store import errors
from s3store.core.info import ObjectInfo
from s3store.storage import S3Storage
from s3store.wire.in_parts import Part
from s3store.wire.pool import Outcome
from s3store.wire.responses import Body, Response, described, listed, written
from s3store.wire.sessions import Ambient

MODIFIED = datetime(2026, 1, 1, tzinfo=timezone.utc)
ANSWER = {
    "ContentLength": 5,
    "ETag": '"e"',
    "LastModified": MODIFIED,
    "VersionId": "v",
    "ChecksumCRC32": "AAAAAA==",
    "ContentType": "text/x",
    "ContentEncoding": "gzip",
    "CacheControl": "no-store",
    "Expires": datetime(2027, 1, 1, tzinfo=timezone.utc),
    "ExpiresString": "never",
    "StorageClass": "GLACIER",
    "ServerSideEncryption": "aws:kms",
    "Metadata": {"Colour": "Red"},
}


def test_the_response_to_a_head_describes_the_object() -> None:
    """All headers that S3 keeps, the text of Expires, and the metadata with names in lower case."""
    info = described("k", ANSWER)
    assert (info.key, info.size, info.etag, info.modified, info.version_id) == ("k", 5, '"e"', MODIFIED, "v")
    assert (info.crc32, info.content_type, info.content_encoding) == ("AAAAAA==", "text/x", "gzip")
    assert (info.cache_control, info.storage_class, info.encryption) == ("no-store", "GLACIER", "aws:kms")
    assert info.parameters["Expires"] == "never"
    assert info.all_metadata == {"colour": "Red"}


def test_a_response_can_be_short() -> None:
    """What it does not say is unknown, and there is no metadata."""
    info = described("k", {"ContentLength": 5})
    assert (info.etag, info.modified, info.version_id, info.crc32, info.encryption) == (None,) * 5
    assert info.all_metadata == {}


def test_the_response_to_a_range_has_the_size_of_the_object() -> None:
    """Not that of the range, even if it is empty."""
    assert [described("k", ANSWER, size=size).size for size in (100, 0)] == [100, 0]


@pytest.mark.parametrize(
    ("answer", "encryption"),
    [
        ({}, None),
        ({"SSECustomerAlgorithm": "AES256"}, "SSE-C"),
        ({"ServerSideEncryption": "AES256"}, "AES256"),
        ({"ServerSideEncryption": "AES256", "SSECustomerAlgorithm": "AES256"}, "AES256"),
    ],
    ids=["none", "sse-c", "sse-s3", "both"],
)
def test_encryption_with_a_key_of_the_customer_has_a_name(answer: dict[str, str], encryption: str | None) -> None:
    """S3 has a header of its own for it."""
    assert described("k", {"ContentLength": 5, **answer}).encryption == encryption


def test_an_entry_of_a_listing_describes_an_object() -> None:
    """Its metadata is unknown."""
    entry = {"Key": "k", "Size": 5, "ETag": '"e"', "LastModified": MODIFIED, "StorageClass": "GLACIER"}
    info = listed(entry)
    assert (info.key, info.size, info.etag, info.modified) == ("k", 5, '"e"', MODIFIED)
    assert (info.storage_class, info.all_metadata) == ("GLACIER", None)
    assert listed({"Key": "k", "Size": 5}) == ObjectInfo(key="k", size=5)


def test_a_write_describes_what_it_wrote() -> None:
    """From its response and its parameters."""
    params = {"ContentType": "text/x", "ContentEncoding": "gzip", "Metadata": {"a": "b"}}
    info = written("k", 5, {"ETag": '"e"', "VersionId": "v"}, params)
    assert (info.key, info.size, info.etag, info.version_id) == ("k", 5, '"e"', "v")
    assert (info.content_type, info.content_encoding, info.all_metadata) == ("text/x", "gzip", {"a": "b"})
    with pytest.raises(KeyError, match="ETag"):
        written("k", 5, {}, {})


class Broken(io.BytesIO):
    def read(self, *_: Any) -> bytes:
        raise ReadTimeoutError(endpoint_url="https://example.com")


def test_a_body_is_read_and_closed() -> None:
    """A read fills the start of the buffer; closing returns the connection."""
    stream = io.BytesIO(b"abcde")
    body = Body(stream, "some-bucket", "k")
    buffer = bytearray(b"......")
    assert (body.readinto(memoryview(buffer)[:4]), bytes(buffer)) == (4, b"abcd..")
    assert (body.readinto(memoryview(buffer)), bytes(buffer)) == (1, b"ebcd..")
    assert body.readinto(memoryview(buffer)) == 0
    body.close()
    assert stream.closed
    with pytest.raises(errors.S3TimeoutError) as caught:
        Body(Broken(), "some-bucket", "k").readinto(memoryview(buffer))
    assert (caught.value.operation, caught.value.bucket, caught.value.key) == ("get_object", "some-bucket", "k")


VALUES = [
    Part(number=1, etag="e"),
    Outcome(item=1),
    Response(info=ObjectInfo(key="k", size=5), start=0, body=Body(io.BytesIO(), "b", "k")),
    Ambient(region_name=None, endpoint_url=None, special=False),
    S3Storage(bucket_name="b").objects.target("a.txt"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_do_not_change(value: Any) -> None:
    """They are shared by threads."""
    with pytest.raises((FrozenInstanceError, TypeError)):
        setattr(value, next(iter(value.__dataclass_fields__)), "other")
