"""One bucket and our verbs on it, in our dataclasses and our errors.

No botocore exception and no dict of boto3's shape leaves this module. Each verb takes the storage's object
parameters as `given` and sends those of them that its request knows.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.answers import Answer, Body, described, listed, written
from s3store.calls import call
from s3store.client import get_client, request_errors, sends_own_checksums
from s3store.core import params, parts, ranges
from s3store.core.info import WRITE_TOKEN, Grant, ObjectInfo, Page
from s3store.options import Options
from s3store.translate import reraise

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Given = Mapping[str, Any]

# How often we repeat what botocore takes for final: a conflict of two conditional writes, and single keys of a
# batch that S3 was too busy to delete.
_TRIES = 4
_BUSY = ("InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted")


class Bucket:
    """The verbs on one bucket. Cheap to make: the client behind it is shared by the process."""

    def __init__(self, options: Options) -> None:
        self.name = options.bucket_name
        self.options = options

    @property
    def client(self) -> S3Client:
        """The boto3 client of this process for these options."""
        try:
            return get_client(self.options)
        except request_errors() as exc:
            reraise(exc, operation="client", bucket=self.name)

    def head(self, key: str, given: Given) -> ObjectInfo:
        """Return what S3 knows about an object. Raises ObjectNotFoundError, or BucketNotFoundError."""
        try:
            return described(key, self._call("head_object", key, given))
        except errors.ObjectNotFoundError:
            # The answer to a HEAD has no body and cannot say which of the two is missing.
            self._call("head_bucket")
            raise

    def find(self, key: str, given: Given) -> ObjectInfo | None:
        """Return what S3 knows about an object, or None where there is none."""
        try:
            return described(key, self._call("head_object", key, given))
        except errors.ObjectNotFoundError:
            return None

    def refuse_existing(self, key: str, given: Given) -> None:
        """Raise ObjectExistsError where there is an object."""
        if self.find(key, given):
            raise errors.build(errors.ObjectExistsError, "it exists", operation="save", bucket=self.name, key=key)

    def get(
        self, key: str, given: Given, *, start: int = 0, stop: int | None = None, etag: str | None = None
    ) -> Answer:
        """Return the bytes from `start` up to `stop` (None: the end), of the version `etag` if one is given.

        Raises ObjectChangedError when that version, or a byte at `start`, is no longer there.
        """
        extra: dict[str, Any] = {}
        if start == 0 and stop is None:
            # S3 tells the checksum of a whole object only, and refuses a range of an empty one.
            extra["ChecksumMode"] = "ENABLED"
        else:
            extra["Range"] = ranges.header(start, stop)
        if etag:
            extra["IfMatch"] = etag
        answer = self._call("get_object", key, given, precondition=errors.ObjectChangedError, **extra)
        body = Body(answer["Body"], self.name, key)
        first, total = 0, answer["ContentLength"]
        if "ContentRange" in answer:
            first, total = ranges.parse_content_range(answer["ContentRange"])
        if first != start:
            body.close()
            raise errors.build(
                errors.InvalidRequestError,
                f"asked for the bytes from {start}, the server sent those from {first}",
                operation="get_object",
                bucket=self.name,
                key=key,
            )
        return Answer(info=described(key, answer, size=total), start=first, body=body)

    def put(self, key: str, body: bytes, given: Given) -> ObjectInfo:
        """Create or replace an object in one request."""
        answer = self._call("put_object", key, given, Body=body, **self._digest(body))
        return written(key, len(body), answer, given)

    def create(self, key: str, body: bytes, given: Given) -> ObjectInfo:
        """Create an object in one request. Raises ObjectExistsError where there is one.

        A write whose answer was lost is sent again and then refused because of itself. The token in the metadata
        tells that from another's object.
        """
        token = secrets.token_hex(8)
        given = with_metadata(given, {WRITE_TOKEN: token})
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._call("put_object", key, given, Body=body, IfNoneMatch="*", **self._digest(body))
                return written(key, len(body), answer, given)
            except errors.ObjectExistsError as error:
                if error.attempts > 1 and (own := self._own(key, given, token)):
                    return own
                raise
            except errors.ConflictError:
                if attempt == _TRIES:
                    raise
                time.sleep(0.1 * attempt)
        raise AssertionError("unreachable")  # pragma: no cover

    def _own(self, key: str, given: Given, token: str) -> ObjectInfo | None:
        info = self.find(key, given)
        return info if info and info.internal(WRITE_TOKEN) == token else None

    def _digest(self, body: bytes) -> dict[str, Any]:
        if sends_own_checksums(self.client):
            return {}
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        return {"ContentMD5": base64.b64encode(digest).decode()}

    def start_upload(self, key: str, given: Given) -> str:
        """Begin a multipart upload and return its id."""
        upload_id: str = self._call("create_multipart_upload", key, given)["UploadId"]
        return upload_id

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes, given: Given) -> dict[str, Any]:
        """Send one part and return what completing needs to know of it."""
        place: dict[str, Any] = {"UploadId": upload_id, "PartNumber": number}
        answer = self._call("upload_part", key, given, Body=body, **place, **self._digest(body))
        checksums = {name: value for name, value in answer.items() if name in _PART_CHECKSUMS}
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        sent: list[dict[str, Any]],
        given: Given,
        *,
        size: int,
        create: bool = False,
    ) -> ObjectInfo:
        """Put the parts of an object of `size` bytes together.

        Raises ObjectExistsError with `create` where there is an object. The WRITE_TOKEN in the metadata of `given`
        is what recognises a completion whose answer was lost.
        """
        extra: dict[str, Any] = {"IfNoneMatch": "*"} if create else {}
        completion: dict[str, Any] = {"UploadId": upload_id, "MultipartUpload": {"Parts": sent}}
        try:
            answer = self._call("complete_multipart_upload", key, given, **completion, **extra)
        except (errors.ObjectExistsError, errors.ObjectNotFoundError) as error:
            # The second completion finds the upload gone, or its own object there.
            if error.attempts > 1 and (own := self._own(key, given, given["Metadata"][WRITE_TOKEN])):
                return own
            raise
        return written(key, size, answer, given)

    def abort_upload(self, key: str, upload_id: str, given: Given) -> None:
        """Throw the parts of an upload away."""
        self._call("abort_multipart_upload", key, given, UploadId=upload_id)

    def copy(self, source: str, key: str, given: Given, *, etag: str | None = None, **changes: Any) -> None:
        """Copy an object within the bucket, up to 5 GiB. `changes` are parameters of CopyObject."""
        if etag:
            changes["CopySourceIfMatch"] = etag
        changes |= params.copy_source_parameters(given)
        self._call("copy_object", key, given, precondition=errors.ObjectChangedError, **changes, **self._source(source))

    def copy_part(self, source: str, key: str, upload_id: str, number: int, given: Given, **changes: Any) -> str:
        """Copy a range of an object as a part of an upload, and return the part's ETag."""
        changes |= params.copy_source_parameters(given) | {"UploadId": upload_id, "PartNumber": number}
        answer = self._call(
            "upload_part_copy", key, given, precondition=errors.ObjectChangedError, **changes, **self._source(source)
        )
        etag: str = answer["CopyPartResult"]["ETag"]
        return etag

    def _source(self, key: str) -> dict[str, Any]:
        return {"CopySource": {"Bucket": self.name, "Key": key}}

    def delete(self, key: str, given: Given) -> None:
        """Delete an object; that there is none is not an error."""
        try:
            self._call("delete_object", key, given)
        except errors.ObjectNotFoundError:
            return

    def delete_many(self, keys: Iterable[str], given: Given) -> list[errors.Failure]:
        """Delete up to 1,000 objects in one request; return those that S3 would not delete."""
        left = []
        for key in keys:
            if key.isprintable():
                left.append(key)
            else:
                # XML cannot carry control characters; one such key would fail the whole batch.
                self.delete(key, given)
        failed: list[dict[str, Any]] = []
        attempt = 0
        while left:
            attempt += 1
            wanted = {"Objects": [{"Key": key} for key in left], "Quiet": True}
            refused = self._call("delete_objects", None, given, Delete=wanted).get("Errors", [])
            busy = [entry for entry in refused if entry.get("Code") in _BUSY and attempt < _TRIES]
            failed += [entry for entry in refused if entry not in busy and entry.get("Code") != "NoSuchKey"]
            left = [entry["Key"] for entry in busy]
            if left:
                time.sleep(0.2 * attempt)
        return [
            errors.Failure(key=entry["Key"], code=entry.get("Code", ""), message=entry.get("Message", ""))
            for entry in failed
        ]

    def pages(self, prefix: str, given: Given, *, flat: bool, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[Page]:
        """Yield the listing of all keys with a prefix; with `flat` not those below a further `/`."""
        extra: dict[str, Any] = {"Prefix": prefix, "MaxKeys": limit}
        if flat:
            extra["Delimiter"] = "/"
        while True:
            answer = self._call("list_objects_v2", None, given, **extra)
            found = (listed(entry) for entry in answer.get("Contents", ()))
            yield Page(
                objects=tuple(info for info in found if info.key.startswith(prefix)),
                prefixes=tuple(entry["Prefix"] for entry in answer.get("CommonPrefixes", ())),
            )
            if not answer.get("IsTruncated"):
                return
            token = answer.get("NextContinuationToken")
            if not token or token == extra.get("ContinuationToken"):
                raise errors.build(
                    errors.ServerError,
                    "the server broke the listing off without saying how to go on",
                    operation="list_objects_v2",
                    bucket=self.name,
                )
            extra["ContinuationToken"] = token

    def get_acl(self, key: str, given: Given) -> tuple[Grant, ...]:
        """Return the grants of an object's ACL."""
        answer = self._call("get_object_acl", key, given)
        return tuple(
            Grant(
                permission=grant["Permission"],
                grantee=next(
                    (grant["Grantee"][name] for name in ("URI", "EmailAddress", "ID") if name in grant["Grantee"]), ""
                ),
            )
            for grant in answer.get("Grants", ())
        )

    def put_acl(self, key: str, acl: str, given: Given) -> None:
        """Replace an object's ACL by a canned one."""
        self._call("put_object_acl", key, given, ACL=acl)

    def owned(self, given: Given) -> Given:
        """Return the parameters with the account that must own the bucket, where the options name one."""
        owner = self.options.expected_bucket_owner
        return {**given, "ExpectedBucketOwner": owner} if owner else given

    @sensitive_variables()
    def _call(
        self,
        operation: str,
        key: str | None = None,
        given: Given = params.Parameters(),  # noqa: B008 (never changed)
        *,
        precondition: type[errors.S3StoreError] = errors.ObjectExistsError,
        **wanted: Any,
    ) -> Any:
        arguments = {**params.for_operation(operation, self.owned(given)), **wanted, "Bucket": self.name}
        if key is not None:
            arguments["Key"] = key
        return call(
            self.client,
            operation,
            arguments,
            attempts=self.options.max_attempts,
            precondition=precondition,
        )


_PART_CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")


def with_metadata(given: Given, metadata: Mapping[str, str]) -> params.Parameters:
    """Return the parameters with more metadata."""
    return params.Parameters({**given, "Metadata": {**(given.get("Metadata") or {}), **metadata}})
