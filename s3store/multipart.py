"""A multipart upload: parts in parallel, in bounded memory, thrown away unless it is completed.

AWS: "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from s3store import errors
from s3store.bucket import Bucket, Given, with_metadata
from s3store.core import parts
from s3store.core.info import WRITE_TOKEN, ObjectInfo

logger = logging.getLogger(__name__)


class MultipartUpload:
    """Takes the parts of one object in order and sends up to `threads` of them at a time.

    When it is forgotten, or the interpreter ends, before `complete`, the parts are thrown away.
    """

    def __init__(self, bucket: Bucket, key: str, given: Given, *, create: bool, part_size: int, threads: int) -> None:
        self._bucket = bucket
        self._key = key
        self._given = with_metadata(given, {WRITE_TOKEN: secrets.token_hex(8)})
        self._create = create
        self._part_size = part_size
        self._size = 0
        self._futures: list[Future[dict[str, Any]]] = []
        self._free = threading.BoundedSemaphore(threads)
        self._upload_id = bucket.start_upload(key, self._given)
        self._abort = weakref.finalize(self, _abort, bucket, key, self._upload_id, given, os.getpid())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="s3store-upload")

    @property
    def part_size(self) -> int:
        """The size in bytes that the next part should have."""
        return parts.part_size_for(len(self._futures) + 1, self._part_size)

    def send(self, block: bytes) -> None:
        """Send a part; waits while `threads` of them are under way. Raises when an earlier part has failed."""
        self._free.acquire()
        failed = next((future for future in self._futures if future.done() and future.exception()), None)
        if failed:
            self._free.release()
            failed.result()
        number = len(self._futures) + 1
        upload_part = self._bucket.upload_part
        future = self._pool.submit(upload_part, self._key, self._upload_id, number, block, self._given)
        future.add_done_callback(lambda _: self._free.release())
        self._futures.append(future)
        self._size += len(block)

    def complete(self) -> ObjectInfo:
        """Wait for the parts and put them together. Raises ObjectExistsError with `create` where there is one."""
        sent = [future.result() for future in self._futures]
        info = self._bucket.complete_upload(
            self._key, self._upload_id, sent, self._given, size=self._size, create=self._create
        )
        self._abort.detach()
        self._pool.shutdown()
        return info

    def abort(self) -> None:
        """Throw the parts away. Does nothing after `complete`."""
        # A part that arrives after the abort would stay in the bucket, unseen and paid for.
        self._pool.shutdown(cancel_futures=True)
        self._abort()


def _abort(bucket: Bucket, key: str, upload_id: str, given: Given, pid: int) -> None:
    if os.getpid() != pid:
        return
    try:
        bucket.abort_upload(key, upload_id, given)
    except errors.ObjectNotFoundError:
        return
    except errors.S3StoreError as error:
        logger.warning("The parts of an unfinished upload to %r are left in the bucket %r: %s", key, bucket.name, error)
