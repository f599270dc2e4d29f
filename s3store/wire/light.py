"""Small requests that we presign ourselves, over the client's connections: the same requests for a third of the cost.

boto3 needs most of a millisecond to validate, serialise, sign and parse one small request, and threads do not change
that. If the first attempt does not succeed, boto3 takes over, with its retries, redirects and errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from django.views.decorators.debug import sensitive_variables

from s3store.core import headers, parameters
from s3store.core.digests import content_md5
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.core.urls import quote_key
from s3store.wire import client
from s3store.wire.bucket import Bucket

_OK = 200


class Unanswered(Exception):  # noqa: N818 (not an error: boto3 takes over)
    """No response has arrived: the request may have been carried out."""


class Light:
    """Sends light requests to a bucket. `presign` takes method, key and headers, and returns the signed URL."""

    def __init__(self, bucket: Bucket, presign: Callable[[str, str, Mapping[str, str]], str]) -> None:
        self._bucket = bucket
        self._presign = presign

    @sensitive_variables()
    def put(self, key: str, body: bytes, params: Params, *, digest: bytes | None = None) -> ObjectInfo | None:
        """Create or replace an object. Returns None if boto3 must do it. AWS: "PutObject".

        `digest` is the MD5 of the body, if it is known.
        """
        wanted = self._headers(params)
        if wanted is None:
            return None
        wanted["Content-MD5"] = content_md5(body, digest)
        with self._bucket.changing(key):
            answer = self._send("PutObject", key, wanted, body)
        # Without an ETag it was not S3 that responded: boto3's request says so.
        if answer is None or answer.status_code != _OK or not answer.headers.get("ETag"):
            return None
        return ObjectInfo(key=key, size=len(body), etag=answer.headers["ETag"])

    @sensitive_variables()
    def copy(
        self, source: str, key: str, params: Params, *, etag: str | None = None, create: bool = False
    ) -> str | None:
        """Copy an object, and return the ETag of the copy, or None if boto3 must do it. AWS: "CopyObject".

        `etag` and `create` are those of `Bucket.copy`. Raises Unanswered if the copy may have been made.
        """
        wanted = self._headers(params)
        if wanted is None:
            return None
        wanted["x-amz-copy-source"] = f"/{self._bucket.name}/{quote_key(source)}"
        owner = parameters.copy_source_parameters(self._bucket.owned(params)).get("ExpectedSourceBucketOwner")
        extra = {
            "x-amz-source-expected-bucket-owner": owner,
            "x-amz-copy-source-if-match": etag,
            "If-None-Match": "*" if create else None,
        }
        wanted |= {name: value for name, value in extra.items() if value}
        with self._bucket.changing(key):
            answer = self._send("CopyObject", key, wanted, b"")
        if answer is None:
            raise Unanswered
        return _copied(answer.content) if answer.status_code == _OK else None

    def _headers(self, params: Params) -> dict[str, str] | None:
        try:
            return headers.headers_of(self._bucket.owned(params))
        except ValueError:
            # A customer-provided encryption key: boto3 knows how to send it.
            return None

    @sensitive_variables()
    def _send(self, operation: str, key: str, wanted: Mapping[str, str], body: bytes) -> Any:
        url = self._presign("PUT", key, wanted)
        return client.send(self._bucket.client, operation, "PUT", url, wanted, body)


def _copied(body: bytes) -> str | None:
    """Return the ETag in the response to a copy. S3 can also report an error in it."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (botocore parses it in the same way)
    except ElementTree.ParseError:
        return None
    if root.tag.rpartition("}")[2] != "CopyObjectResult":
        return None
    return next((node.text for node in root if node.tag.rpartition("}")[2] == "ETag"), None)
