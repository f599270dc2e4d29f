"""From boto3's answers to our dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3store.client import request_errors
from s3store.core.info import ObjectInfo
from s3store.translate import reraise


class Body:
    """The bytes of an answer, read as they arrive; errors are ours."""

    def __init__(self, stream: Any, bucket: str, key: str) -> None:
        self._stream = stream
        self._bucket = bucket
        self._key = key

    def readinto(self, buffer: memoryview) -> int:
        """Fill the start of `buffer` and return how many bytes; 0 at the end. Raises when the connection breaks."""
        try:
            data = self._stream.read(len(buffer))
        except request_errors() as exc:
            reraise(exc, operation="get_object", bucket=self._bucket, key=self._key)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Give the connection back, or close it when bytes are left on it."""
        self._stream.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a GET brought: the whole object's facts, the first byte's position, the bytes from there on."""

    info: ObjectInfo
    start: int
    body: Body


def described(key: str, answer: Mapping[str, Any], *, size: int | None = None) -> ObjectInfo:
    """Return what the answer to a HEAD or GET says; `size` is the whole object's where the answer is a part."""
    return ObjectInfo(
        key=key,
        size=answer["ContentLength"] if size is None else size,
        etag=answer.get("ETag"),
        modified=answer.get("LastModified"),
        content_type=answer.get("ContentType"),
        content_encoding=answer.get("ContentEncoding"),
        content_disposition=answer.get("ContentDisposition"),
        content_language=answer.get("ContentLanguage"),
        cache_control=answer.get("CacheControl"),
        expires=answer.get("ExpiresString"),
        storage_class=answer.get("StorageClass"),
        encryption=answer.get("ServerSideEncryption") or (answer.get("SSECustomerAlgorithm") and "SSE-C"),
        kms_key_id=answer.get("SSEKMSKeyId"),
        version_id=answer.get("VersionId"),
        redirect_location=answer.get("WebsiteRedirectLocation"),
        crc32=answer.get("ChecksumCRC32"),
        all_metadata={name.lower(): value for name, value in answer.get("Metadata", {}).items()},
    )


def listed(entry: Mapping[str, Any]) -> ObjectInfo:
    """Return what one line of a listing says."""
    return ObjectInfo(
        key=entry["Key"],
        size=entry["Size"],
        etag=entry.get("ETag"),
        modified=entry.get("LastModified"),
        storage_class=entry.get("StorageClass"),
    )


def written(key: str, size: int, answer: Mapping[str, Any], given: Mapping[str, Any]) -> ObjectInfo:
    """Return what the answer to a write says, and what the request said."""
    return ObjectInfo(
        key=key,
        size=size,
        etag=answer.get("ETag"),
        version_id=answer.get("VersionId"),
        content_type=given.get("ContentType"),
        content_encoding=given.get("ContentEncoding"),
        all_metadata=given.get("Metadata", {}),
    )
