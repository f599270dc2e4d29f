"""Large files in parts: several at a time, in bounded memory, and continued after a crash.

AWS: "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

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
    sending = _Sending(bucket, key, upload_id, params, work, there)
    try:
        sending.send_all(Source(content), part_size)
        info = sending.complete()
    except BaseException as error:
        sending.stop()
        if not (note and isinstance(error, _RESUMABLE)):
            _abort(bucket, key, upload_id, params)
            if note:
                note.forget()
        raise
    if note:
        note.forget()
    return Sent(info, sending.etag)


class _Piece(NamedTuple):
    """A part that S3 has, and its MD5."""

    part: Part
    digest: bytes


class _Sending:
    """The parts of one upload that is being sent. `there` are those that S3 has already, by their numbers."""

    def __init__(
        self, bucket: Bucket, key: str, upload_id: str, params: Params, work: Work, there: dict[int, Part]
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._upload_id = upload_id
        self._params = params
        self._work = work
        self._there = there
        self._futures: list[Future[_Piece]] = []
        self._size = 0

    @property
    def etag(self) -> str:
        """The ETag that the object has if ETags are digests, after `complete`."""
        digests = [future.result().digest for future in self._futures]
        return f"{md5(b''.join(digests)).hex()}-{len(digests)}"

    def send_all(self, source: Source, part_size: int) -> None:
        """Read parts to the end, and send each as soon as a thread and memory are free. Raises a part's failure."""
        while block := self._read(source, parts.part_size_for(len(self._futures) + 1, part_size)):
            self._send(*block)
            del block
            if failed := next((each for each in self._futures[-16:] if each.done() and each.exception()), None):
                failed.result()

    def _read(self, source: Source, wanted: int) -> tuple[bytes, int] | None:
        """Return the next part, and the bytes of the budget that it takes, or None at the end."""
        work = self._work
        work.check()
        work.budget.take(wanted)
        try:
            block = source.read(wanted)
        except BaseException:
            work.budget.give(wanted)
            raise
        if block:
            return block, wanted
        work.budget.give(wanted)
        return None

    def _send(self, block: bytes, wanted: int) -> None:
        """Send a part, unless S3 has it, and then give back what it takes of the budget."""
        work, number = self._work, len(self._futures) + 1
        self._size += len(block)
        known = self._there.get(number)
        if known and known.size == len(block) and known.etag.strip('"') == (digest := md5(block)).hex():
            work.budget.give(wanted)
            work.moved(len(block))
            self._futures.append(_ready(_Piece(known, digest)))
            return
        future = work.submit(_send_part, self._bucket, self._key, self._upload_id, number, block, self._params, work)
        future.add_done_callback(partial(_give, work, wanted))
        self._futures.append(future)

    def complete(self) -> ObjectInfo:
        """Wait for the parts, and combine them."""
        sent = [future.result().part for future in self._futures]
        self._work.check()
        return self._bucket.complete_upload(self._key, self._upload_id, sent, self._params, size=self._size)

    def stop(self) -> None:
        """Wait for the parts that are being sent: one that arrives after the end would stay, and be paid for."""
        for future in self._futures:
            future.cancel()
        wait(self._futures)


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


def _send_part(
    bucket: Bucket, key: str, upload_id: str, number: int, block: bytes, params: Params, work: Work
) -> _Piece:
    work.pace(len(block))
    digest = md5(block)
    part = bucket.upload_part(key, upload_id, number, block, params, digest=digest)
    work.moved(len(block))
    return _Piece(replace(part, size=len(block)), digest)


def _give(work: Work, size: int, _: Any) -> None:
    work.budget.give(size)


def _ready(piece: _Piece) -> Future[_Piece]:
    future: Future[_Piece] = Future()
    future.set_result(piece)
    return future


def _abort(bucket: Bucket, key: str, upload_id: str, params: Params) -> None:
    try:
        bucket.abort_upload(key, upload_id, params)
    except errors.S3StoreError:
        # The error that led here says more. `s3 multipart` finds what stays.
        return
