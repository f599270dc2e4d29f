"""One bucket and our verbs on it, in our dataclasses and our errors.

No exception of botocore and no response of boto3 leaves a bucket. Each verb takes the object parameters as `params`
and sends those that its request knows. The bucket remembers for a short time what S3 returned about an object.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from weakref import WeakSet

from s3store import errors
from s3store.core import parameters, parts, ranges
from s3store.core.info import WRITE_TOKEN, Grant, ObjectInfo, Page
from s3store.core.parameters import Params, with_metadata
from s3store.wire import backoff
from s3store.wire.archives import Archives
from s3store.wire.copies import Copies
from s3store.wire.deleting import Deletion
from s3store.wire.in_parts import InParts
from s3store.wire.listing import OBJECTS, as_objects
from s3store.wire.open_uploads import OpenUploads
from s3store.wire.pool import Later
from s3store.wire.responses import Body, Response, arriving, described, listed, written
from s3store.wire.settings import BucketSettings
from s3store.wire.tagging import Tagging

# The number of attempts at what botocore does not retry: a conflict of two conditional writes.
_TRIES = 4

logger = logging.getLogger("s3store")

# The clients of servers that ignore `If-None-Match`.
_IGNORE_CONDITIONS: WeakSet[Any] = WeakSet()


class Bucket(Copies, InParts, OpenUploads, Tagging, Archives):
    """The verbs on one bucket. The boto3 client behind it is shared by the process."""

    @property
    def settings(self) -> BucketSettings:
        """The settings of the bucket itself: policy, CORS, lifecycle and others."""
        return BucketSettings(self.options)

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

    def put(
        self, key: str, body: bytes, params: Params, *, digest: bytes | None = None, **condition: Any
    ) -> ObjectInfo:
        """Create or replace an object in one request, under a condition of PutObject if given.

        `digest` is the MD5 of the body, if it is known.
        """
        with self.changing(key) as change:
            answer = self._call("put_object", key, params, Body=body, **condition, **self._digest(body, digest))
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

    @contextmanager
    def reserved(self, key: str, params: Params) -> Iterator[None]:
        """Create an empty object, which the block replaces. Raises ObjectExistsError if the key is taken.

        For servers whose only atomic condition is that of PutObject. If S3 refuses what the block sends, the empty
        object is deleted. If the outcome is not known, it stays: a write that S3 completes later would otherwise
        replace what another process has created.
        """
        token = str(self.create(key, b"", params).internal(WRITE_TOKEN))
        try:
            yield
        except (errors.ServerError, errors.S3ConnectionError, errors.S3TimeoutError, errors.InvalidResponseError):
            raise
        except errors.S3StoreError:
            self._release(key, params, token)
            raise

    def _release(self, key: str, params: Params, token: str) -> None:
        try:
            if self._own(key, params, token):
                self.delete(key, params)
        except errors.S3StoreError as error:
            logger.warning("An empty object %r is left in the bucket %r: %s", key, self.name, error)

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

    def tags(self, key: str, params: Params, *, version_id: str | None = None) -> str:
        """Return an object's tags as the parameter Tagging has them: "" if it has none, or the server knows no tags.

        `version_id` names an older version of the object. AWS: "GetObjectTagging".
        """
        extra: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        try:
            answer = self._call("get_object_tagging", key, params, **extra)
        except errors.InvalidRequestError:
            return ""
        with self._reading("get_object_tagging", key):
            return urlencode([(tag["Key"], tag["Value"]) for tag in answer.get("TagSet", ())])

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
        for found in self.delete_listed([Deletion(key=key) for key in keys], params):
            if found.failure:
                yield found.failure

    def page(
        self,
        prefix: str,
        params: Params,
        *,
        flat: bool,
        limit: int = parts.MAX_DELETE_KEYS,
        token: str | None = None,
        after: str | None = None,
    ) -> Page:
        """Return a page of `pages`: the first, or the one that the `next` of another page names. One request."""
        extra: dict[str, Any] = {"Prefix": prefix, "MaxKeys": limit}
        if flat:
            extra["Delimiter"] = "/"
        if token:
            extra["ContinuationToken"] = token
        elif after:
            extra["StartAfter"] = after
        moment = self._facts.moment()
        with as_objects():
            answer = self._call("list_objects_v2", None, params, **extra)
        with self._reading("list_objects_v2"):
            found = answer.get(OBJECTS) or [listed(entry) for entry in answer.get("Contents", ())]
            below = [entry["Prefix"] for entry in answer.get("CommonPrefixes", ())]
        more = answer.get("NextContinuationToken") or ""
        objects = tuple([info for info in found if info.key.startswith(prefix)])
        self._facts.put_page(objects, moment)
        return Page(
            objects=objects,
            prefixes=tuple(name for name in below if name.startswith(prefix)),
            next=more if answer.get("IsTruncated") else None,
        )

    def pages(
        self,
        prefix: str,
        params: Params,
        *,
        flat: bool,
        limit: int = parts.MAX_DELETE_KEYS,
        ahead: bool = False,
        after: str | None = None,
    ) -> Iterator[Page]:
        """Yield the listing of all keys that start with `prefix`; with `flat`, without those below a further `/`.

        `after` leaves out the keys up to and including that one. Not every server does it right: SeaweedFS loses keys.
        With `ahead`, from the second page on, a thread requests the next page while the caller processes one. A caller
        that stops then has requested one page too many, and waits for it.
        """
        request = partial(self.page, prefix, params, flat=flat, limit=limit)
        seen: set[str] = set()
        waiting: Later[Page] | None = None
        page = request(after=after)
        yield page
        try:
            while page.next is not None:
                if not page.next or page.next in seen:
                    reason = "the listing has no end: the continuation token is missing, or the same as before"
                    raise self._error(errors.InvalidResponseError, reason, "list_objects_v2")
                seen.add(page.next)
                page = waiting.result() if waiting else request(token=page.next)
                follows = ahead and page.next and page.next not in seen
                waiting = Later(partial(request, token=page.next)) if follows else None
                yield page
        finally:
            if waiting:
                waiting.wait()
