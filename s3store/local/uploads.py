"""Multipart uploads of the twin. AWS: "Uploading and copying objects using multipart upload"."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from typing import IO

from s3store.core import parts
from s3store.core.digests import md5
from s3store.local import layout
from s3store.local.incoming import Incoming
from s3store.local.index import StoredPart, Transaction
from s3store.local.records import Record
from s3store.local.refusals import Refusal
from s3store.local.store import Store


class Uploads:
    """The multipart uploads of a bucket."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self, key: str, headers: Mapping[str, str]) -> str:
        """Start an upload and return its id."""
        upload_id = secrets.token_hex(16)
        with self._store.index.writing() as change:
            change.start_upload(upload_id, key, headers, self._store.now)
        return upload_id

    def put(self, upload_id: str, key: str, number: int, incoming: Incoming) -> StoredPart:
        """Make the received content a part. Raises Refusal if the upload does not exist."""
        if not 1 <= number <= parts.MAX_PARTS:
            raise Refusal("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive.")
        self.list(upload_id, key)
        path = f"{layout.upload_path(upload_id)}/{number:05}-{secrets.token_hex(8)}"
        part = StoredPart(number=number, etag=f'"{incoming.md5}"', size=incoming.size, path=path)
        incoming.move_to(self._store.root / path)
        try:
            with self._store.index.writing() as change:
                old = _parts(change, upload_id, key).get(number)
                change.put_part(upload_id, part)
        except BaseException:
            self._store.discard(path)
            raise
        if old:
            (self._store.root / old.path).unlink(missing_ok=True)
        return part

    def list(self, upload_id: str, key: str) -> dict[int, StoredPart]:
        """Return the parts by their numbers, in order. Raises Refusal if the upload does not exist."""
        with self._store.index.reading() as seen:
            return _parts(seen, upload_id, key)

    def count(self, prefix: str) -> int:
        """Return the number of open uploads of keys that start with `prefix`."""
        with self._store.index.reading() as seen:
            return seen.count_uploads(prefix.encode(), prefix.encode() + b"\xff")

    def open(self, prefix: str) -> Sequence[tuple[str, str, int]]:
        """Return key, id and start of the open uploads of keys that start with `prefix`. Times are in seconds."""
        with self._store.index.reading() as seen:
            return seen.open_uploads(prefix.encode(), prefix.encode() + b"\xff")

    def complete(self, upload_id: str, key: str, sent: Sequence[tuple[int, str]], *, create: bool) -> Record:
        """Combine parts, given by number and ETag, to an object. Raises Refusal for parts that S3 would refuse."""
        with self._store.index.reading() as seen:
            headers = seen.upload(upload_id, key) or {}
            chosen = _chosen(_parts(seen, upload_id, key), sent)

        def claim(change: Transaction) -> None:
            _parts(change, upload_id, key)
            change.end_upload(upload_id)

        digest = md5(b"".join(bytes.fromhex(part.etag.strip('"')) for part in chosen)).hex()
        with self._store.receive() as incoming:
            for part in chosen:
                with self._open(part) as file:
                    while block := file.read(parts.MIB):
                        incoming.write(block)
            record = self._store.publish(
                key, incoming, headers, etag=f"{digest}-{len(chosen)}", create=create, claim=claim
            )
        self._remove_files(upload_id)
        return record

    def _open(self, part: StoredPart) -> IO[bytes]:
        try:
            return (self._store.root / part.path).open("rb")
        except FileNotFoundError:
            # Sent again at this moment, with another ETag.
            raise Refusal("InvalidPart") from None

    def abort(self, upload_id: str, key: str) -> None:
        """Delete an upload and its parts. Raises Refusal if it does not exist."""
        with self._store.index.writing() as change:
            _parts(change, upload_id, key)
            change.end_upload(upload_id)
        self._remove_files(upload_id)

    def _remove_files(self, upload_id: str) -> None:
        shutil.rmtree(self._store.root / layout.upload_path(upload_id), ignore_errors=True)


def _parts(seen: Transaction, upload_id: str, key: str) -> dict[int, StoredPart]:
    if seen.upload(upload_id, key) is None:
        raise Refusal("NoSuchUpload")
    return seen.parts(upload_id)


def _chosen(stored: Mapping[int, StoredPart], sent: Sequence[tuple[int, str]]) -> list[StoredPart]:
    numbers = [number for number, _ in sent]
    if not numbers:
        raise Refusal("MalformedXML")
    if numbers != sorted(set(numbers)):
        raise Refusal("InvalidPartOrder")
    chosen = [stored[number] for number, etag in sent if number in stored and stored[number].etag == etag]
    if len(chosen) < len(sent):
        raise Refusal("InvalidPart")
    if any(part.size < parts.MIN_PART_SIZE for part in chosen[:-1]):
        raise Refusal("EntityTooSmall")
    return chosen
