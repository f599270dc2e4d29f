"""Multipart uploads: parts in parallel and in bounded memory, deleted unless the upload is completed.

AWS: "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any, TypeVar

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parts
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Params, with_metadata
from s3store.wire.bucket import Bucket
from s3store.wire.in_parts import Part

logger = logging.getLogger("s3store")

_COPY_THREADS = 8

Value = TypeVar("Value")


def transfer_argument(options: Options, name: str, default: Value) -> Value:
    """Return an argument of transfer_config, or `default` if it has none."""
    config = options.transfer_config
    # The attributes of a TransferConfig: its __dict__ holds placeholders for arguments that were left out.
    value: Value | None = config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
    return default if value is None else value


def is_threaded(options: Options) -> bool:
    """Return whether parts are sent in parallel."""
    return options.use_threads and transfer_argument(options, "use_threads", True)


class MultipartUpload:
    """Takes the parts of one object in order and sends up to `threads` of them at a time. 1: in the caller's thread.

    If it is forgotten, or the interpreter ends, before `complete`, the parts are deleted.
    """

    def __init__(self, bucket: Bucket, key: str, params: Params, *, create: bool, part_size: int, threads: int) -> None:
        self._bucket = bucket
        self._key = key
        self._params = with_metadata(params, {WRITE_TOKEN: secrets.token_hex(8)})
        self._create = create
        self._part_size = part_size
        self._size = 0
        self._futures: list[Future[Part]] = []
        self._free = threading.BoundedSemaphore(threads)
        self._upload_id = bucket.start_upload(key, self._params)
        self._abort = weakref.finalize(self, _abort, bucket, key, self._upload_id, params, os.getpid())
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="s3store-upload") if threads > 1 else None

    @property
    def part_size(self) -> int:
        """The size in bytes that the next part should have."""
        return parts.part_size_for(len(self._futures) + 1, self._part_size)

    def send(self, block: bytes) -> None:
        """Send a part. Waits while `threads` parts are being sent. Raises if an earlier part has failed."""
        self._submit(
            len(block), self._bucket.upload_part, self._key, self._upload_id, self._number, block, self._params
        )

    def copy(
        self, info: ObjectInfo, first: int, last: int, *, origin: str | None = None, version_id: str | None = None
    ) -> None:
        """Copy the bytes `first` to `last` of an object, in the bucket `origin`, as a part. Waits as `send`."""
        copy_part: Any = self._bucket.copy_part
        where = {"first": first, "last": last, "etag": info.etag, "origin": origin, "version_id": version_id}
        arguments = (info.key, self._key, self._upload_id, self._number, self._params)
        self._submit(last + 1 - first, copy_part, *arguments, **where)

    @property
    def _number(self) -> int:
        return len(self._futures) + 1

    def _submit(self, size: int, work: Any, *arguments: Any, **named: Any) -> None:
        self._free.acquire()
        failed = next((future for future in self._futures if future.done() and future.exception()), None)
        if failed:
            self._free.release()
            failed.result()
        if self._threads:
            future = self._threads.submit(copy_context().run, work, *arguments, **named)
        else:
            future = _done(work, *arguments, **named)
        future.add_done_callback(lambda _: self._free.release())
        self._futures.append(future)
        self._size += size

    def complete(self, source: ObjectInfo | None = None, *, origin: str | None = None) -> ObjectInfo:
        """Wait for the parts and combine them. Raises ObjectExistsError with `create` if the object exists.

        `source` is what the parts were copied from, in the bucket `origin`. Raises ObjectChangedError if it was
        replaced.
        """
        sent = [future.result() for future in self._futures]
        if source and not self._bucket.completes_conditionally:
            # Some servers ignore the condition of each part.
            self._bucket.refuse_changed(source.key, source.etag, self._params, origin)
        bucket, create = self._bucket, self._create and self._bucket.completes_conditionally
        # At the end: readers would find an empty file for as long as the parts are being sent.
        reserve = self._create and not create
        with bucket.reserved(self._key, self._params) if reserve else nullcontext():
            info = bucket.complete_upload(
                self._key, self._upload_id, sent, self._params, size=self._size, create=create
            )
        self._abort.detach()
        if self._threads:
            self._threads.shutdown()
        return info

    def abort(self) -> None:
        """Delete the parts. Does nothing after `complete`."""
        # A part that arrives after the abort would stay in the bucket, invisible and paid for.
        if self._threads:
            self._threads.shutdown(cancel_futures=True)
        self._abort()


def _done(work: Callable[..., Part], *arguments: Any, **named: Any) -> Future[Part]:
    future: Future[Part] = Future()
    future.set_result(work(*arguments, **named))
    return future


def copy_in_parts(
    bucket: Bucket,
    info: ObjectInfo,
    key: str,
    params: Params,
    *,
    create: bool = False,
    origin: str | None = None,
    version_id: str | None = None,
) -> ObjectInfo:
    """Copy an object of any size above 0, with these parameters. Raises ObjectChangedError if it changes meanwhile.

    `origin` is the bucket of the source, if it is another one of the same endpoint; `version_id` names an older version
    of it, which `info` is about. Raises ObjectExistsError with `create` if the key is taken.
    """
    size = parts.part_size_of(info.size, parts.COPY_PART_SIZE)
    threads = _COPY_THREADS if is_threaded(bucket.options) else 1
    upload = MultipartUpload(bucket, key, params, create=create, part_size=size, threads=threads)
    try:
        for first, last in parts.part_ranges(info.size, size):
            upload.copy(info, first, last, origin=origin, version_id=version_id)
        # A version does not change.
        return upload.complete(source=None if version_id else info, origin=origin)
    except BaseException:
        upload.abort()
        raise


def rewrite(bucket: Bucket, info: ObjectInfo, params: Params) -> None:
    """Copy an object onto itself with these headers and metadata. Raises ObjectChangedError if it is replaced.

    AWS: "Working with object metadata".
    """
    if info.size > parts.MAX_COPY_SIZE:
        copy_in_parts(bucket, info, info.key, params)
    else:
        bucket.copy(info.key, info.key, params, etag=info.etag, MetadataDirective="REPLACE")


def _abort(bucket: Bucket, key: str, upload_id: str, params: Params, pid: int) -> None:
    if os.getpid() != pid:
        return
    try:
        bucket.abort_upload(key, upload_id, params)
    except errors.ObjectNotFoundError:
        return
    except errors.S3StoreError as error:
        logger.warning("The parts of an unfinished upload to %r are left in the bucket %r: %s", key, bucket.name, error)
