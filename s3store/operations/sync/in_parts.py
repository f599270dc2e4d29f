"""Large files in parts: several at a time, in bounded memory, and continued after a crash.

AWS: "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any

from s3store import errors
from s3store.core import parts
from s3store.core.digests import md5
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Params, with_metadata
from s3store.files.content import Source
from s3store.operations.sync.journal import Note
from s3store.operations.sync.work import StoppedError, Work
from s3store.wire.bucket import Bucket
from s3store.wire.in_parts import Part

# After these the parts stay in the bucket for the next run. All other errors would come again.
_RESUMABLE = (StoppedError, errors.S3ConnectionError, errors.S3TimeoutError, errors.ServerError, KeyboardInterrupt)


class Sent:
    """What became of an upload in parts: its facts, and the ETag that it has if ETags are digests."""

    def __init__(self, info: ObjectInfo, etag: str) -> None:
        self.info = info
        self.etag = etag


def send_in_parts(
    bucket: Bucket, key: str, content: Any, params: Params, *, part_size: int, work: Work, note: Note | None = None
) -> Sent:
    """Write an object in parts. With a `note` of an earlier run, parts that S3 has already are not sent again."""
    upload_id, token, there = _begun(bucket, key, params, note)
    params = with_metadata(params, {WRITE_TOKEN: token})
    if not upload_id:
        upload_id = bucket.start_upload(key, params)
        if note:
            note.write(upload_id, token)
    source = Source(content)
    futures: list[Future[Part]] = []
    digests: list[bytes] = []
    size = 0
    try:
        while True:
            wanted = parts.part_size_for(len(futures) + 1, part_size)
            work.check()
            work.budget.take(wanted)
            try:
                block = source.read(wanted)
            except BaseException:
                work.budget.give(wanted)
                raise
            if not block:
                work.budget.give(wanted)
                break
            digests.append(md5(block))
            size += len(block)
            number = len(futures) + 1
            known = there.get(number)
            if known and known.size == len(block) and known.etag.strip('"') == digests[-1].hex():
                work.budget.give(wanted)
                work.moved(len(block))
                futures.append(_ready(known))
                continue
            future = work.submit(_send_part, bucket, key, upload_id, number, block, params, work)
            future.add_done_callback(partial(_give, work, wanted))
            futures.append(future)
            del block
            if failed := next((each for each in futures[-16:] if each.done() and each.exception()), None):
                failed.result()
        sent = [future.result() for future in futures]
        work.check()
        info = bucket.complete_upload(key, upload_id, sent, params, size=size)
    except BaseException as error:
        for future in futures:
            future.cancel()
        # A part that arrives after the end would stay in the bucket, invisible and paid for.
        wait(futures)
        if not (note and isinstance(error, _RESUMABLE)):
            _abort(bucket, key, upload_id, params)
            if note:
                note.forget()
        raise
    if note:
        note.forget()
    return Sent(info, f"{md5(b''.join(digests)).hex()}-{len(digests)}")


def _begun(bucket: Bucket, key: str, params: Params, note: Note | None) -> tuple[str, str, dict[int, Part]]:
    """Return the id and token of the upload that an earlier run began, and the parts that S3 has of it."""
    if note and note.found:
        upload_id, token = note.found["upload_id"], note.found["token"]
        try:
            listed = bucket.list_parts(key, upload_id, params)
        except errors.S3StoreError:
            # It was completed or deleted, or may not be listed.
            pass
        else:
            return upload_id, token, {part.number: part for part in listed}
    return "", secrets.token_hex(8), {}


def _send_part(bucket: Bucket, key: str, upload_id: str, number: int, block: bytes, params: Params, work: Work) -> Part:
    work.pace(len(block))
    part = bucket.upload_part(key, upload_id, number, block, params)
    work.moved(len(block))
    return replace(part, size=len(block))


def _give(work: Work, size: int, _: Any) -> None:
    work.budget.give(size)


def _ready(part: Part) -> Future[Part]:
    future: Future[Part] = Future()
    future.set_result(part)
    return future


def _abort(bucket: Bucket, key: str, upload_id: str, params: Params) -> None:
    try:
        bucket.abort_upload(key, upload_id, params)
    except errors.S3StoreError:
        # The error that led here says more. `s3 multipart` finds what stays.
        return
