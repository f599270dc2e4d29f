"""Files from one storage to another: copied by the server if one server has both, otherwise through this machine."""

from __future__ import annotations

from typing import Any

from s3store.core import parameters, parts
from s3store.core.digests import md5
from s3store.core.info import DIGEST, WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Params, with_acl
from s3store.files.fast_put import FastUpload
from s3store.links.light import light_of
from s3store.operations.sync import decide
from s3store.operations.sync.in_parts import send_in_parts
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row
from s3store.operations.sync.work import Work
from s3store.wire.copying import copy_whole, kept_parameters
from s3store.wire.multipart import copy_in_parts
from s3store.wire.objects import Target

_KEPT = parameters.CONTENT_HEADERS | {"WebsiteRedirectLocation"}


class Copier:
    """Copies files of one storage to another, with the headers and metadata of the source.

    Where the target's options name a header or an entry of the metadata, theirs counts. ACL, encryption and storage
    class are those of the target.
    """

    def __init__(self, source: Remote, target: Remote, work: Work) -> None:
        self._source = source
        self._target = target
        self._work = work
        bucket, objects = source.objects.bucket, target.objects
        self.by_server = bucket.over_http and objects.bucket.over_http and bucket.client is objects.bucket.client
        self._within = self.by_server and bucket.name == objects.bucket.name
        self._light = light_of(objects.bucket, objects.options) if self._within else None
        self._upload = FastUpload(objects.bucket, objects.options)

    def copy(self, row: Row) -> tuple[int, str | None]:
        """Copy a file as it is now, and return its bytes and its new ETag, None if unknown."""
        source, target = self._source.target(row.name), self._target.target(row.name)
        if self.by_server and _ssec(source.params) == _ssec(target.params):
            return row.size, self._copied(row, source, target)
        return self._streamed(row, target)

    def _copied(self, row: Row, source: Target, target: Target) -> str | None:
        self._work.pace(0)
        objects, bucket = self._target.objects, self._target.objects.bucket
        origin = None if self._within else self._source.objects.bucket.name
        # The copy of an object in parts gets another ETag. The next run compares what is noted with the copy.
        simple = not _rules(target.params) and decide.is_md5(row.etag)
        if simple and row.size <= parts.MAX_COPY_SIZE:
            if self._within:
                copied = copy_whole(objects, source.key, target, light=self._light).etag
            else:
                kept = kept_parameters(objects, target)
                copied = bucket.copy(source.key, target.key, kept, origin=origin).etag
        else:
            info = self._source.objects.bucket.head(source.key, source.params)
            params = self._params(info, target)
            if info.size > parts.MAX_COPY_SIZE:
                copied = copy_in_parts(bucket, info, target.key, params, origin=origin).etag
            else:
                copied = bucket.copy(
                    source.key, target.key, params, etag=info.etag, origin=origin, MetadataDirective="REPLACE"
                ).etag
        self._work.moved(row.size)
        return copied

    def _streamed(self, row: Row, target: Target) -> tuple[int, str | None]:
        work, transfer = self._work, self._upload.transfer
        with self._source.reader(row.name) as reader:
            info = reader.info
            params = self._params(info, target)
            if info.size > transfer.threshold:
                sent = send_in_parts(
                    self._target.objects.bucket, target.key, reader, params, part_size=transfer.part_size, work=work
                )
                return sent.info.size, sent.etag
            with work.budget.holding(info.size):
                body = reader.readall()
                digest = md5(body).hex()
                work.pace(len(body))
                self._upload.put(target.key, body, params, create=False)
                work.moved(len(body))
                return len(body), digest

    def _params(self, info: ObjectInfo, target: Target) -> Params:
        """Return the parameters of the copy: the source's headers and metadata, and over them the target's options."""
        own: dict[str, Any] = {name: value for name, value in info.parameters.items() if name in _KEPT}
        params = {**own, **target.params}
        # The digest is about the stored bytes, which stay: the ETag of the source. A write has a token of its own.
        there = {name: value for name, value in (info.all_metadata or {}).items() if name != WRITE_TOKEN}
        there.setdefault(DIGEST, (info.etag or "").strip('"'))
        metadata = {**there, **(target.params.get("Metadata") or {})}
        return with_acl({**params, "Metadata": metadata}, self._target.objects.options.default_acl)


def _rules(params: Params) -> dict[str, Any]:
    """Return the headers and metadata that the target's options name."""
    return {name: value for name, value in params.items() if name in _KEPT | {"Metadata"} and value}


def _ssec(params: Params) -> tuple[Any, ...]:
    return tuple(params.get(name) for name in ("SSECustomerAlgorithm", "SSECustomerKey"))
