"""One bucket and our verbs on it, in our dataclasses and our errors.

No exception of botocore and no response of boto3 leaves this module. Each verb takes the object parameters as `params`
and sends those that its request knows. The bucket remembers for a short time what S3 returned about an object.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parameters, parts, ranges
from s3store.core.digests import content_md5
from s3store.core.info import WRITE_TOKEN, Grant, ObjectInfo, Page
from s3store.core.parameters import Params, with_metadata
from s3store.wire import backoff
from s3store.wire.calls import call
from s3store.wire.client import get_client, get_resource, request_errors, sends_own_checksums
from s3store.wire.counting import Requests, counted
from s3store.wire.facts import Facts
from s3store.wire.responses import Body, Response, arriving, described, listed, written
from s3store.wire.translate import is_html, reraise

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The number of attempts at what botocore does not retry: a conflict of two conditional writes, and single keys of a
# batch that S3 was too busy to delete.
_TRIES = 4

# 10,000 parts, 1,000 in a page, and one page more for servers that end with an empty one.
_MAX_PAGES_OF_PARTS = 11
_BUSY = ("InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted")


logger = logging.getLogger("s3store")

# The clients of servers that ignore `If-None-Match`.
_IGNORE_CONDITIONS: WeakSet[Any] = WeakSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a multipart upload that S3 has received: what completing the upload needs. `size` is in bytes."""

    number: int
    etag: str
    size: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


class Change:
    """A change of objects, and the moment at which it ended: facts from before it are stale."""

    def __init__(self, moment: int) -> None:
        self.moment = moment


class Bucket:
    """The verbs on one bucket. The boto3 client behind it is shared by the process."""

    def __init__(self, options: Options) -> None:
        self.name = options.bucket_name
        self.options = options
        self._facts = Facts()

    @property
    def client(self) -> S3Client:
        """The boto3 client of this process for the options."""
        try:
            return get_client(self.options)
        except request_errors() as exc:
            reraise(exc, operation="client", bucket=self.name)

    @property
    def resource(self) -> Any:
        """This thread's boto3 resource of the service, for code that uses boto3 itself."""
        try:
            return get_resource(self.options)
        except request_errors() as exc:
            reraise(exc, operation="client", bucket=self.name)

    over_http = True
    """Whether the verbs send requests. If not, presigned requests of our own cannot replace them."""

    def counted(self) -> AbstractContextManager[Requests]:
        """Return a context manager that collects the requests that are sent inside its block."""
        return counted(self.client)

    # One object

    def known(self, key: str, attribute: str) -> ObjectInfo | None:
        """Return the facts that S3 returned about an object a moment ago, if `attribute` is among them."""
        info = self._facts.get(key)
        return info if info and getattr(info, attribute) is not None else None

    def head(self, key: str, params: Params) -> ObjectInfo:
        """Return the facts about an object. Raises ObjectNotFoundError, or BucketNotFoundError."""
        try:
            return self._asked(key, params)
        except errors.ObjectNotFoundError:
            # The response to a HEAD has no body and cannot say which of the two is missing.
            self._call("head_bucket")
            raise

    def find(self, key: str, params: Params) -> ObjectInfo | None:
        """Return the facts about an object, or None if it does not exist."""
        try:
            return self._asked(key, params)
        except errors.ObjectNotFoundError:
            return None

    def _asked(self, key: str, params: Params) -> ObjectInfo:
        moment = self._facts.moment()
        answer = self._call("head_object", key, params)
        with self._reading("head_object", key):
            return self._noted(described(key, answer), moment)

    def refuse_existing(self, key: str, params: Params, *, operation: str = "save", advice: str | None = None) -> None:
        """Raise ObjectExistsError if the object exists. `advice` says what the caller of `operation` can do."""
        if self.find(key, params):
            raise self._error(errors.ObjectExistsError, "it exists", operation, key=key, advice=advice)

    def get(
        self, key: str, params: Params, *, start: int = 0, stop: int | None = None, etag: str | None = None
    ) -> Response:
        """Return the bytes from `start` up to `stop` (None: the end), of the version `etag` if given.

        Raises ObjectChangedError if that version, or a byte at `start`, no longer exists.
        """
        extra: dict[str, Any] = {}
        if start == 0 and stop is None:
            # S3 returns the checksum of a whole object only, and refuses a range of an empty one.
            extra["ChecksumMode"] = "ENABLED"
        else:
            extra["Range"] = ranges.header(start, stop)
        if etag:
            extra["IfMatch"] = etag
        moment = self._facts.moment()
        answer = self._call("get_object", key, params, precondition=errors.ObjectChangedError, **extra)
        body = Body(arriving(answer["Body"]), self.name, key)
        try:
            with self._reading("get_object", key):
                first, total = 0, answer["ContentLength"]
                if "ContentRange" in answer:
                    first, total = ranges.parse_content_range(answer["ContentRange"])
                if first != start:
                    raise ValueError(f"asked for the bytes from {start}, the server sent those from {first}")
                info = described(key, answer, size=total)
        except errors.InvalidResponseError:
            body.close()
            raise
        return Response(info=self._noted(info, moment), start=first, body=body)

    def put(self, key: str, body: bytes, params: Params, **condition: Any) -> ObjectInfo:
        """Create or replace an object in one request, under a condition of PutObject if given."""
        with self.changing(key) as change:
            answer = self._call("put_object", key, params, Body=body, **condition, **self._digest(body))
        with self._reading("put_object", key):
            return self._noted(written(key, len(body), answer, params), change.moment)

    def create(self, key: str, body: bytes, params: Params) -> ObjectInfo:
        """Create an object in one request. Raises ObjectExistsError if it exists.

        A write whose response was lost is sent again and then refused because of itself. The token in the metadata
        distinguishes that from another writer's object.
        """
        token = secrets.token_hex(8)
        params = with_metadata(params, {WRITE_TOKEN: token})
        known = self._facts.get(key)
        for attempt in range(1, _TRIES + 1):
            try:
                info = self.put(key, body, params, IfNoneMatch="*")
                if known:
                    self._doubt(key, body, params)
                return info
            except errors.ObjectExistsError as error:
                if error.attempts > 1 and (own := self._own(key, params, token)):
                    return own
                raise
            except errors.ConflictError:
                if attempt == _TRIES:
                    raise
                backoff.wait(attempt)
        raise AssertionError("unreachable")  # pragma: no cover

    def _doubt(self, key: str, body: bytes, params: Params) -> None:
        """Find out whether the server ignores conditions: it has created an object that existed a moment ago."""
        try:
            self.put(key, body, params, IfNoneMatch="*")
        except errors.S3StoreError:
            # Refused: another process deleted the object before. After any other error nothing is known, and the file
            # is saved all the same.
            return
        _IGNORE_CONDITIONS.add(self.client)
        logger.warning(
            "The server of bucket %r ignores If-None-Match: it has replaced the object %r, which save must not do. "
            "From now on, this process checks whether a name is free before it writes. Set conditional_writes=False "
            "(AWS_S3_CONDITIONAL_WRITES) for this server.",
            self.name,
            key,
        )

    @property
    def refuses_existing(self) -> bool:
        """Whether the server refuses to create an object that exists, as far as is known."""
        return self.options.conditional_writes and self.client not in _IGNORE_CONDITIONS

    def _own(self, key: str, params: Params, token: str) -> ObjectInfo | None:
        info = self.find(key, params)
        return info if info and info.internal(WRITE_TOKEN) == token else None

    def _digest(self, body: bytes) -> dict[str, Any]:
        return {} if sends_own_checksums(self.client) else {"ContentMD5": content_md5(body)}

    def copy(self, source: str, key: str, params: Params, *, etag: str | None = None, **changes: Any) -> None:
        """Copy an object within the bucket, up to 5 GiB. `changes` are parameters of CopyObject."""
        if etag:
            changes["CopySourceIfMatch"] = etag
        with self.changing(key):
            self._copied("copy_object", source, key, params, **changes)

    def _copied(self, operation: str, source: str, key: str, params: Params, **extra: Any) -> Mapping[str, Any]:
        """Send a request that copies, and return what S3 says about the copy."""
        extra |= {"CopySource": {"Bucket": self.name, "Key": source}, **parameters.copy_source_parameters(params)}
        try:
            answer = self._call(operation, key, params, precondition=errors.ObjectChangedError, **extra)
        except errors.ObjectNotFoundError as error:
            if error.code == "NoSuchUpload":
                raise
            # S3 does not say it, but what is missing is the source.
            facts = {"code": error.code, "status": error.status, "request_id": error.request_id}
            raise self._error(errors.ObjectNotFoundError, "", operation, key=source, **facts) from error.__cause__
        with self._reading(operation, key):
            copied: Mapping[str, Any] = answer["CopyObjectResult" if operation == "copy_object" else "CopyPartResult"]
        return copied

    def delete(self, key: str, params: Params) -> None:
        """Delete an object. A missing object is not an error."""
        with self.changing(key):
            try:
                self._call("delete_object", key, params)
            except errors.ObjectNotFoundError:
                return

    def get_acl(self, key: str, params: Params) -> tuple[Grant, ...]:
        """Return the grants of an object's ACL."""
        answer = self._call("get_object_acl", key, params)
        names = ("URI", "EmailAddress", "ID")
        with self._reading("get_object_acl", key):
            grants = [(grant["Permission"], grant["Grantee"]) for grant in answer.get("Grants", ())]
        return tuple(
            Grant(permission=permission, grantee=next((grantee[name] for name in names if name in grantee), ""))
            for permission, grantee in grants
        )

    def put_acl(self, key: str, acl: str, params: Params) -> None:
        """Replace an object's ACL with a canned one. Raises ValueError for an ACL that is not canned."""
        parameters.check_acl(acl)
        self._call("put_object_acl", key, params, ACL=acl)

    # An object in parts

    def start_upload(self, key: str, params: Params) -> str:
        """Start a multipart upload and return its id."""
        answer = self._call("create_multipart_upload", key, params)
        with self._reading("create_multipart_upload", key):
            upload_id: str = answer["UploadId"]
        return upload_id

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes, params: Params) -> Part:
        """Send one part."""
        extra: dict[str, Any] = {"UploadId": upload_id, "PartNumber": number}
        answer = self._call("upload_part", key, params, Body=body, **extra, **self._digest(body))
        with self._reading("upload_part", key):
            return Part(number=number, etag=answer["ETag"], checksums=_checksums_in(answer))

    def copy_part(
        self, source: str, key: str, upload_id: str, number: int, params: Params, *, first: int, last: int, etag: str
    ) -> Part:
        """Copy the bytes `first` to `last` of the version `etag` of an object as one part."""
        extra: dict[str, Any] = {"UploadId": upload_id, "PartNumber": number, "CopySourceIfMatch": etag}
        extra["CopySourceRange"] = f"bytes={first}-{last}"
        copied = self._copied("upload_part_copy", source, key, params, **extra)
        with self._reading("upload_part_copy", key):
            return Part(number=number, etag=copied["ETag"], checksums=_checksums_in(copied))

    def complete_upload(
        self, key: str, upload_id: str, sent: Iterable[Part], params: Params, *, size: int, create: bool = False
    ) -> ObjectInfo:
        """Combine the parts to an object of `size` bytes.

        Raises ObjectExistsError with `create` if the object exists, and ObjectNotFoundError if the upload is no longer
        open. A WRITE_TOKEN in the metadata of `params` identifies a completion whose response was lost.
        """
        listing = [{"PartNumber": part.number, "ETag": part.etag, **part.checksums} for part in sent]
        extra: dict[str, Any] = {"UploadId": upload_id, "MultipartUpload": {"Parts": listing}}
        if create:
            extra["IfNoneMatch"] = "*"
        try:
            with self.changing(key) as change:
                answer = self._call("complete_multipart_upload", key, params, **extra)
        except (errors.ObjectExistsError, errors.ObjectNotFoundError) as error:
            # The second completion finds that the upload no longer exists, or that its own object does.
            token = (params.get("Metadata") or {}).get(WRITE_TOKEN)
            if error.attempts > 1 and token and (own := self._own(key, params, token)):
                return own
            raise
        with self._reading("complete_multipart_upload", key):
            return self._noted(written(key, size, answer, params), change.moment)

    def list_parts(self, key: str, upload_id: str, params: Params) -> list[Part]:
        """Return the parts of an upload that S3 has received. Raises ObjectNotFoundError if it is no longer open.

        Raises InvalidResponseError for a list without an end. AWS: "ListParts", 1,000 parts a request.
        """
        found: list[Part] = []
        marker = 0
        for _ in range(_MAX_PAGES_OF_PARTS):
            answer = self._call("list_parts", key, params, UploadId=upload_id, PartNumberMarker=marker)
            found += [
                Part(number=part["PartNumber"], etag=part["ETag"], size=part["Size"])
                for part in answer.get("Parts", ())
                if "ETag" in part and "Size" in part and "PartNumber" in part
            ]
            last = int(answer.get("NextPartNumberMarker") or 0)
            if not answer.get("IsTruncated"):
                return found
            if last <= marker:
                break
            marker = last
        reason = "the list of parts has no end: its marker does not grow"
        raise self._error(errors.InvalidResponseError, reason, "list_parts", key=key)

    def count_uploads(self, prefix: str, params: Params, *, limit: int) -> int:
        """Return the number of open multipart uploads below a prefix, at most `limit`: one request.

        AWS: "ListMultipartUploads".
        """
        answer = self._call("list_multipart_uploads", None, params, Prefix=prefix, MaxUploads=limit)
        return len(answer.get("Uploads", ()))

    def abort_upload(self, key: str, upload_id: str, params: Params) -> None:
        """Delete the parts of an upload."""
        self._call("abort_multipart_upload", key, params, UploadId=upload_id)

    # Many objects

    def delete_many(self, keys: Iterable[str], params: Params) -> int:
        """Delete objects, 1,000 in a request. Returns their number. Raises BatchError for those that S3 keeps."""
        source = iter(keys)
        failures: list[errors.Failure] = []
        total = 0
        while batch := list(islice(source, parts.MAX_DELETE_KEYS)):
            failures += self._delete_batch(batch, params)
            total += len(batch)
        if failures:
            first = failures[0]
            raise errors.BatchError(
                f"{len(failures)} of {total} objects in bucket {self.name!r} could not be deleted; the first is "
                f"{first.key!r}: {first.code}, {first.message}. {errors.BatchError.advice}",
                operation="delete_objects",
                bucket=self.name,
                failures=tuple(failures),
            )
        return total

    def _delete_batch(self, keys: Iterable[str], params: Params) -> Iterator[errors.Failure]:
        left = []
        for key in keys:
            if key.isprintable():
                left.append(key)
            else:
                # XML cannot carry control characters: one such key would fail the whole batch.
                self.delete(key, params)
        attempt = 0
        while left:
            attempt += 1
            wanted = {"Objects": [{"Key": key} for key in left], "Quiet": True}
            with self.changing(*left):
                refused = self._call("delete_objects", None, params, Delete=wanted).get("Errors", [])
            asked, left = set(left), []
            with self._reading("delete_objects"):
                found = [(entry["Key"], entry.get("Code") or "", entry.get("Message") or "") for entry in refused]
            for refused_key, code, message in found:
                # Never a key that only the server names.
                if code in _BUSY and attempt < _TRIES and refused_key in asked:
                    left.append(refused_key)
                elif code != "NoSuchKey":
                    yield errors.Failure(key=refused_key, code=code, message=message)
            if left:
                backoff.wait(attempt)

    def pages(self, prefix: str, params: Params, *, flat: bool, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[Page]:
        """Yield the listing of all keys that start with `prefix`; with `flat`, without those below a further `/`."""
        extra: dict[str, Any] = {"Prefix": prefix, "MaxKeys": limit}
        if flat:
            extra["Delimiter"] = "/"
        seen = set()
        while True:
            moment = self._facts.moment()
            answer = self._call("list_objects_v2", None, params, **extra)
            with self._reading("list_objects_v2"):
                found = [listed(entry) for entry in answer.get("Contents", ())]
                below = [entry["Prefix"] for entry in answer.get("CommonPrefixes", ())]
            yield Page(
                objects=tuple(self._noted(info, moment) for info in found if info.key.startswith(prefix)),
                prefixes=tuple(name for name in below if name.startswith(prefix)),
            )
            if not answer.get("IsTruncated"):
                return
            token = answer.get("NextContinuationToken")
            if not token or token in seen:
                reason = "the listing has no end: the continuation token is missing, or the same as before"
                raise self._error(errors.InvalidResponseError, reason, "list_objects_v2")
            seen.add(token)
            extra["ContinuationToken"] = token

    # Facts

    def _noted(self, info: ObjectInfo, moment: int) -> ObjectInfo:
        self._facts.put(info, moment)
        return info

    @contextmanager
    def changing(self, *keys: str) -> Iterator[Change]:
        """Drop the cached facts about objects before and after they change."""
        change = Change(self._facts.forget(*keys))
        try:
            yield change
        finally:
            change.moment = self._facts.forget(*keys, since=change.moment)

    # Requests

    def _error(self, kind: type[errors.S3StoreError], reason: str, operation: str, **facts: Any) -> errors.S3StoreError:
        return errors.build(kind, reason, operation=operation, bucket=self.name, **facts)

    def owned(self, params: Params) -> Params:
        """Return the parameters with the account that must own the bucket, if the options name one."""
        owner = self.options.expected_bucket_owner
        return {**params, "ExpectedBucketOwner": owner} if owner else params

    @sensitive_variables()
    def _call(
        self,
        operation: str,
        key: str | None = None,
        params: Params = parameters.NONE,
        *,
        precondition: type[errors.S3StoreError] = errors.ObjectExistsError,
        **extra: Any,
    ) -> Any:
        arguments = {**parameters.for_operation(operation, self.owned(params)), **extra, "Bucket": self.name}
        if key is not None:
            arguments["Key"] = key
        options = self.options
        answer = call(
            self.client,
            operation,
            arguments,
            attempts=options.max_attempts,
            total=options.total_timeout,
            precondition=precondition,
        )
        if is_html((answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}):
            reason = "the server responded with a page of HTML"
            raise self._error(errors.InvalidResponseError, reason, operation, key=key)
        return answer

    @contextmanager
    def _reading(self, operation: str, key: str | None = None) -> Iterator[None]:
        """Raise InvalidResponseError if a part of a response is missing or wrong."""
        try:
            yield
        except KeyError as missing:
            reason = f"the response has no {missing.args[0]}"
            raise self._error(errors.InvalidResponseError, reason, operation, key=key) from None
        except ValueError as wrong:
            raise self._error(errors.InvalidResponseError, str(wrong), operation, key=key) from None


_PART_CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")


def _checksums_in(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums of a part that completing the upload must repeat."""
    return {name: value for name, value in answer.items() if name in _PART_CHECKSUMS}
