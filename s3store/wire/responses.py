"""Conversion of boto3's responses to our dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from s3store.core.info import ATTRIBUTES, ObjectInfo
from s3store.wire.client import request_errors
from s3store.wire.translate import reraise


class _Arriving:
    """urllib3's response, whose `read` returns as soon as there are bytes."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        # urllib3 before 2.1 has no read1.
        self.read = getattr(raw, "read1", raw.read)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def arriving(stream: Any) -> Any:
    """Return a stream of boto3 whose `read` does not wait for all bytes, however slowly they arrive, but for one."""
    stream._raw_stream = _Arriving(stream._raw_stream)
    return stream


class Body:
    """The bytes of a response, read as they arrive. Errors are ours."""

    def __init__(self, stream: Any, bucket: str, key: str) -> None:
        self._stream = stream
        self._bucket = bucket
        self._key = key

    def readinto(self, buffer: memoryview) -> int:
        """Fill the start of `buffer` with what has arrived, and return the number of bytes; 0 at the end.

        Waits for one byte. Raises if the connection breaks.
        """
        try:
            data = self._stream.read(len(buffer))
        except request_errors() as exc:
            reraise(exc, operation="get_object", bucket=self._bucket, key=self._key)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Return the connection to the pool, or close it if unread bytes are left on it."""
        self._stream.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to a GET: facts about the whole object, the position of the first byte, and the bytes from there."""

    info: ObjectInfo
    start: int
    body: Body


def described(key: str, answer: Mapping[str, Any], *, size: int | None = None) -> ObjectInfo:
    """Return the facts in the response to a HEAD or GET. `size` is that of the object if the response is a part."""
    # botocore parses Expires, which is not always a date, and also keeps the text.
    facts = {name: answer.get("ExpiresString" if param == "Expires" else param) for param, name in ATTRIBUTES.items()}
    if answer.get("SSECustomerAlgorithm"):
        facts["encryption"] = facts["encryption"] or "SSE-C"
    return ObjectInfo(
        key=key,
        size=answer["ContentLength"] if size is None else size,
        etag=answer.get("ETag"),
        modified=answer.get("LastModified"),
        version_id=answer.get("VersionId"),
        restore=answer.get("Restore"),
        archive_status=answer.get("ArchiveStatus"),
        crc32=answer.get("ChecksumCRC32"),
        all_metadata={name.lower(): value for name, value in answer.get("Metadata", {}).items()},
        **facts,
    )


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the time at which the server responded, by its own clock, or None if it does not say so."""
    try:
        return parsedate_to_datetime(headers.get("date") or "")
    except ValueError:
        return None


def listed(entry: Mapping[str, Any]) -> ObjectInfo:
    """Return the facts in an entry of a listing. Raises KeyError for one without key or size."""
    return ObjectInfo(
        key=entry["Key"],
        size=entry["Size"],
        etag=entry.get("ETag"),
        modified=entry.get("LastModified"),
        storage_class=entry.get("StorageClass"),
    )


def written(key: str, size: int, answer: Mapping[str, Any], params: Mapping[str, Any]) -> ObjectInfo:
    """Return the facts in the response to a write and in its request. Raises KeyError without an ETag."""
    return ObjectInfo(
        key=key,
        size=size,
        # Without it, another server may have responded, and nothing is stored.
        etag=answer["ETag"],
        version_id=answer.get("VersionId"),
        content_type=params.get("ContentType"),
        content_encoding=params.get("ContentEncoding"),
        all_metadata=params.get("Metadata", {}),
    )
