"""The verbs of a bucket on local files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parameters, parts
from s3store.core.info import Grant, ObjectInfo, Page
from s3store.core.parameters import Params
from s3store.local import layout, records
from s3store.local.pieces import Piece
from s3store.local.records import Record
from s3store.local.refusals import Refusal
from s3store.local.store import Store
from s3store.local.uploads import Uploads
from s3store.wire.bucket import Bucket
from s3store.wire.copies import Copied
from s3store.wire.counting import Requests, Tally
from s3store.wire.deleting import Deleted, Deletion, Version
from s3store.wire.in_parts import Part
from s3store.wire.open_uploads import OpenUpload
from s3store.wire.responses import Body, Response

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LocalBucket(Bucket):
    """A bucket whose objects are files below a directory. It has no metadata cache: every answer is current."""

    over_http = False
    is_aws = False

    def __init__(self, options: Options, directory: Path) -> None:
        super().__init__(options)
        self.store = Store(directory / "s3" / layout.folder(self.name))
        self.uploads = Uploads(self.store)

    @property
    def client(self) -> S3Client:
        """Raise NotImplementedError: nothing talks to a server."""
        raise NotImplementedError(
            "The development twin has no boto3 client. Use the methods of the storage, or an S3 server: see "
            "s3store.testing.servers."
        )

    @property
    def settings(self) -> NoReturn:
        """Raise NotImplementedError: a directory has no policy, CORS or lifecycle rules."""
        raise NotImplementedError("The development twin has no bucket settings. Use an S3 server.")

    @property
    def date(self) -> datetime:
        """The time in whole seconds."""
        return datetime.fromtimestamp(self.store.now, timezone.utc)

    def changed_since(self, prefix: str, moment: int) -> bool:  # noqa: ARG002
        """Return True: other processes can change the directory at any time."""
        return True

    @property
    def resource(self) -> Any:
        """Raise NotImplementedError: nothing talks to a server."""
        return self.client

    @property
    def refuses_existing(self) -> bool:
        """Whether the options let the bucket refuse to create an object that exists: it always can."""
        return self.options.conditional_writes

    completes_conditionally = True
    """Completions are one after the other, so that `reserved` is not needed."""

    def counted(self) -> AbstractContextManager[Tally]:
        """Return a context manager that yields the number 0: no request is sent."""
        return nullcontext(Tally())

    def collected(self) -> AbstractContextManager[Requests]:
        """Return a context manager that yields an empty list: no request is sent."""
        return nullcontext(Requests())

    @contextmanager
    def _operation(
        self, operation: str, key: str | None, precondition: type[errors.S3StoreError] = errors.ObjectExistsError
    ) -> Iterator[None]:
        """Raise the exception that boto3's response to a refusal would raise. `precondition` is that for a 412."""
        try:
            yield
        except Refusal as refusal:
            kind = errors.kind_of(refusal.code, refusal.status)
            if kind is errors.ObjectExistsError:
                kind = precondition
            facts = {"code": refusal.code, "status": refusal.status, "key": key}
            raise self._error(kind, refusal.message, operation, **facts) from None

    # One object

    def head(self, key: str, params: Params) -> ObjectInfo:  # noqa: ARG002
        """Return the facts about an object. Raises ObjectNotFoundError."""
        with self._operation("head_object", key):
            return self.store.get(key).info

    def find(self, key: str, params: Params) -> ObjectInfo | None:  # noqa: ARG002
        """Return the facts about an object, or None if it does not exist."""
        record = self.store.find(key)
        return record.info if record else None

    def get(
        self,
        key: str,
        params: Params,  # noqa: ARG002
        *,
        start: int = 0,
        stop: int | None = None,
        etag: str | None = None,
    ) -> Response:
        """Return the bytes from `start` up to `stop` (None: the end), of the version `etag` if given.

        Raises ObjectChangedError if that version, or a byte at `start`, no longer exists.
        """
        with self._operation("get_object", key, errors.ObjectChangedError):
            record, file = self.store.open(key)
            piece = Piece(file, start, record.size if stop is None else min(stop, record.size))
            try:
                if etag and record.etag != etag:
                    raise Refusal("PreconditionFailed")
                if start >= record.size and (start > 0 or stop is not None):
                    raise Refusal("InvalidRange")
            except Refusal:
                piece.close()
                raise
            return Response(info=record.info, start=start, body=Body(piece, self.name, key))

    def put(
        self,
        key: str,
        body: bytes,
        params: Params,
        *,
        digest: bytes | None = None,  # noqa: ARG002
        **condition: Any,
    ) -> ObjectInfo:
        """Create or replace an object, under a condition of PutObject if given: IfNoneMatch or IfMatch."""
        with self._operation("put_object", key), self.store.receive() as incoming:
            incoming.write(body)
            create = condition.get("IfNoneMatch") == "*"
            headers = records.headers_of(params)
            return self.store.publish(key, incoming, headers, create=create, match=condition.get("IfMatch")).info

    def copy(
        self,
        source: str,
        key: str,
        params: Params,
        *,
        etag: str | None = None,
        version_id: str | None = None,  # noqa: ARG002
        origin: str | None = None,
        create: bool = False,
        reserved: bool = False,  # noqa: ARG002
        **changes: Any,
    ) -> Copied:
        """Copy an object within the bucket, and return what is known about the copy.

        `changes` are parameters of CopyObject. Raises ObjectExistsError with `create` if the key is taken, and
        NotImplementedError for another bucket.
        """
        self._refuse_others(origin)
        new = records.headers_of({**params, **changes})
        replaces = changes.get("MetadataDirective") == "REPLACE"

        def headers_of(record: Record) -> dict[str, str]:
            # S3 keeps the tags, unless TaggingDirective says otherwise: nothing here does.
            tags = {name: value for name, value in record.headers.items() if name == "x-amz-tagging"}
            return {**new, **tags} if replaces else {**new, **records.copied(record.headers), **tags}

        with self._operation("copy_object", key, errors.ObjectChangedError):
            if source == key and not replaces and not new:
                raise Refusal("InvalidRequest", "A copy of an object to itself must change something.")
            try:
                copied, made = self.store.copy(
                    source, key, headers_of, etag=etag, create=create or changes.get("IfNoneMatch") == "*"
                )
                return Copied(etag=made.etag, modified=made.info.modified, source_etag=copied.etag)
            except Refusal as refusal:
                if create and refusal.code == "PreconditionFailed" and self.store.find(key):
                    raise self._error(errors.ObjectExistsError, "", "copy_object", key=key) from None
                raise

    def delete(
        self,
        key: str,
        params: Params,  # noqa: ARG002
        *,
        etag: str | None = None,
        same: Callable[[ObjectInfo], bool] | None = None,  # noqa: ARG002
    ) -> None:
        """Delete an object. A missing object is not an error. Raises ObjectChangedError for another ETag.

        `same` is not needed: copies know the ETags of their sources.
        """
        with self._operation("delete_object", key, precondition=errors.ObjectChangedError):
            self.store.delete(key, match=etag)

    def delete_many(self, keys: Iterable[str], params: Params) -> int:
        """Delete objects and return their number."""
        total = 0
        for key in keys:
            self.delete(key, params)
            total += 1
        return total

    def tags(self, key: str, params: Params, *, version_id: str | None = None) -> str:  # noqa: ARG002
        """Return an object's tags as the parameter Tagging has them."""
        with self._operation("get_object_tagging", key):
            return str(self.store.get(key).params.get("Tagging") or "")

    def put_tags(self, key: str, tags: Mapping[str, str], params: Params) -> None:  # noqa: ARG002
        """Replace the tags of an object; no tags delete all. Raises ObjectNotFoundError."""
        with self._operation("put_object_tagging", key):
            self.store.rewrite_headers(key, lambda headers: {**headers, "x-amz-tagging": urlencode(tags)})

    def get_acl(self, key: str, params: Params) -> tuple[Grant, ...]:  # noqa: ARG002
        """Return the grants of an object's ACL."""
        with self._operation("get_object_acl", key):
            return self.store.get(key).grants

    def put_acl(self, key: str, acl: str, params: Params) -> None:  # noqa: ARG002
        """Replace an object's ACL with a canned one. Raises ValueError for an ACL that is not canned."""
        parameters.check_acl(acl)
        with self._operation("put_object_acl", key):
            self.store.rewrite_headers(key, lambda headers: {**records.without_acl(headers), "x-amz-acl": acl})

    def restore(self, key: str, params: Params, *, tier: str, days: int | None) -> str:  # noqa: ARG002
        """Return "": the twin archives nothing. Raises ObjectNotFoundError."""
        with self._operation("restore_object", key):
            self.store.get(key)
        return ""

    def delete_listed(self, wanted: Sequence[Deletion], params: Params, *, markers: bool = False) -> list[Deleted]:  # noqa: ARG002
        """Delete objects, and return the outcome of each. There are no versions, and so no markers."""
        found = []
        for deletion in wanted:
            failure = None
            try:
                self.store.delete(deletion.key, match=deletion.etag)
            except Refusal as refusal:
                failure = errors.Failure(key=deletion.key, code=refusal.code, message=refusal.message)
            found.append(Deleted(deletion=deletion, failure=failure))
        return found

    def version(self, key: str, version_id: str, params: Params) -> ObjectInfo:  # noqa: ARG002
        """Return the facts about an object, which is its only version. Raises ObjectNotFoundError."""
        return self.head(key, params)

    def versions(self, prefix: str, params: Params, *, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[Version]:  # noqa: ARG002
        """Yield the objects whose keys start with `prefix`: each is its only version."""
        for page in self.pages(prefix, params, flat=False):
            for info in page.objects:
                yield Version(
                    key=info.key,
                    version_id="null",
                    is_latest=True,
                    size=info.size,
                    etag=info.etag,
                    modified=info.modified,
                )

    def page(
        self,
        prefix: str,
        params: Params,  # noqa: ARG002
        *,
        flat: bool,
        limit: int = parts.MAX_DELETE_KEYS,
        token: str | None = None,
        after: str | None = None,
    ) -> Page:
        """Return a page of `pages`: the first, or the one after the key or common prefix `token`."""
        page = list(islice(self.store.walk(prefix, flat=flat, after=token or after), limit + 1))
        last = page[limit - 1] if len(page) > limit else None
        return self._page(page[:limit], last.key if isinstance(last, Record) else last)

    def _page(self, found: list[Record | str], last: str | None = None) -> Page:
        return Page(
            objects=tuple(entry.listed for entry in found if isinstance(entry, Record)),
            prefixes=tuple(entry for entry in found if isinstance(entry, str)),
            next=last,
        )

    def pages(
        self,
        prefix: str,
        params: Params,  # noqa: ARG002
        *,
        flat: bool,
        limit: int = parts.MAX_DELETE_KEYS,
        ahead: bool = False,  # noqa: ARG002
        after: str | None = None,
    ) -> Iterator[Page]:
        """Yield the listing of all keys that start with `prefix`; with `flat`, without those below a further `/`."""
        # Complete before the first page: a caller may delete what it has seen.
        walk = self.store.walk(prefix, flat=flat, after=after)
        found = iter(list(walk) if limit > 1 else walk)
        page = list(islice(found, limit))
        while True:
            yield self._page(page)
            page = list(islice(found, limit))
            if not page:
                return

    # An object in parts

    def start_upload(self, key: str, params: Params) -> str:
        """Start a multipart upload and return its id."""
        return self.uploads.start(key, records.headers_of(params))

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: bytes,
        params: Params,  # noqa: ARG002
        *,
        digest: bytes | None = None,  # noqa: ARG002
    ) -> Part:
        """Send one part."""
        with self._operation("upload_part", key), self.store.receive() as incoming:
            incoming.write(body)
            return Part(number=number, etag=self.uploads.put(upload_id, key, number, incoming).etag)

    def _refuse_others(self, origin: str | None) -> None:
        if origin not in (None, self.name):
            raise NotImplementedError("The development twin copies within a bucket only.")

    def copy_part(
        self,
        source: str,
        key: str,
        upload_id: str,
        number: int,
        params: Params,
        *,
        first: int,
        last: int,
        etag: str,
        origin: str | None = None,
        version_id: str | None = None,  # noqa: ARG002
    ) -> Part:
        """Copy the bytes `first` to `last` of the version `etag` of an object as one part.

        Raises NotImplementedError for another bucket.
        """
        self._refuse_others(origin)
        body = self.get(source, params, start=first, stop=last + 1, etag=etag).body
        with self._operation("upload_part_copy", key), self.store.receive() as incoming:
            buffer = memoryview(bytearray(parts.MIB))
            try:
                while count := body.readinto(buffer):
                    incoming.write(bytes(buffer[:count]))
            finally:
                body.close()
            return Part(number=number, etag=self.uploads.put(upload_id, key, number, incoming).etag)

    def list_parts(self, key: str, upload_id: str, params: Params) -> list[Part]:  # noqa: ARG002
        """Return the parts that were received, in order. Raises ObjectNotFoundError if the upload is not open."""
        with self._operation("list_parts", key):
            stored = self.uploads.list(upload_id, key).values()
        return [Part(number=part.number, etag=part.etag, size=part.size) for part in stored]

    def count_uploads(self, prefix: str, params: Params, *, limit: int) -> int:  # noqa: ARG002
        """Return the number of open multipart uploads below a prefix, at most `limit`."""
        return min(limit, self.uploads.count(prefix))

    def open_uploads(self, prefix: str, params: Params, *, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[OpenUpload]:  # noqa: ARG002
        """Yield the open multipart uploads of all keys that start with `prefix`."""
        for key, upload_id, started in self.uploads.open(prefix):
            moment = datetime.fromtimestamp(started, timezone.utc)
            yield OpenUpload(key=key, upload_id=upload_id, started=moment)

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        sent: Iterable[Part],
        params: Params,  # noqa: ARG002
        *,
        size: int,  # noqa: ARG002
        create: bool = False,
    ) -> ObjectInfo:
        """Combine the parts to an object. Raises ObjectExistsError with `create` if the object exists."""
        listing = [(part.number, part.etag) for part in sent]
        with self._operation("complete_multipart_upload", key):
            return self.uploads.complete(upload_id, key, listing, create=create).info

    def abort_upload(self, key: str, upload_id: str, params: Params) -> None:  # noqa: ARG002
        """Delete the parts of an upload."""
        with self._operation("abort_multipart_upload", key):
            self.uploads.abort(upload_id, key)
