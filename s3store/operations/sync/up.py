"""Local files to a storage, with the headers and metadata that `save` would give them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any

from s3store.core.digests import md5
from s3store.core.info import DIGEST, MTIME, PLAIN_SIZE
from s3store.core.parameters import Params, with_metadata
from s3store.files.fast_put import FastUpload
from s3store.files.local import FileChangedError, LocalFile, look
from s3store.operations.landing import Landing, Opener
from s3store.operations.sync.in_parts import send_in_parts
from s3store.operations.sync.journal import noted
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row
from s3store.operations.sync.work import Work

SMALL = 256 << 10
"""Bytes up to which reading a file takes less time than handing it to a thread."""


class Sender:
    """Sends the files of a tree to a storage."""

    def __init__(self, tree: Landing, target: Remote, work: Work) -> None:
        self._tree = tree
        self._target = target
        self._work = work
        objects = target.objects
        self._bucket = objects.bucket
        self._upload = FastUpload(objects.bucket, replace(objects.options, use_threads=False))
        self.compresses = objects.options.gzip or objects.options.brotli

    @property
    def part_size(self) -> int:
        """The size in bytes of the first parts of large files."""
        return self._upload.transfer.part_size

    def params(self, name: str) -> Params:
        """Return the parameters with which a file is written."""
        return self._target.objects.written(self._target.target(name))

    def send(self, row: Row) -> tuple[int, str]:
        """Send a file, and return the stored bytes and the ETag that they have if ETags are digests.

        A file that changes meanwhile is sent once more. Raises FileChangedError if it changes again.
        """
        try:
            return self._send(row.name)
        except FileChangedError:
            self._work.check()
            return self._send(row.name)

    def _send(self, name: str) -> tuple[int, str]:
        target = self._target.target(name)
        params = self._target.objects.written(target)
        with self._tree.open(name) as file:
            local = LocalFile(file, name)
            stamp = look(file.fileno())
            params = with_metadata(params, {MTIME: f"{stamp[1] / 1e9:.6f}"})
            if not (self.compresses and self._upload.encodings(params)):
                return self._written(target.key, local, stamp, params)
            with self._upload.prepared(local, params) as (content, parameters):
                packed = PLAIN_SIZE in parameters["Metadata"]
                size = content.seek(0, os.SEEK_END) if packed else stamp[0]
                return self._written(target.key, content, (size, stamp[1]), parameters)

    def _written(self, key: str, content: Any, stamp: tuple[int, int], params: Params) -> tuple[int, str]:
        size, transfer, work = stamp[0], self._upload.transfer, self._work
        if size <= transfer.threshold:
            with work.budget.holding(size):
                content.seek(0)
                body = content.read()
                digest = md5(body)
                work.pace(len(body))
                known = with_metadata(params, {DIGEST: digest.hex()})
                self._upload.put(key, body, known, create=False, digest=digest)
                work.moved(len(body))
                return len(body), digest.hex()
        # SSE makes ETags something else. The digest has to be known before the first part is sent.
        if _is_opaque(params):
            params = with_metadata(params, {DIGEST: self._upload.digest(content)})
        where = str(self._tree.directory.resolve() / str(content.name)) if isinstance(content, LocalFile) else key
        options = self._target.objects.options
        with noted(options, key, path=where, stamp=(*stamp, transfer.part_size), params=_known(params)) as note:
            sent = send_in_parts(self._bucket, key, content, params, part_size=transfer.part_size, work=work, note=note)
        return sent.info.size, sent.etag

    # Comparison

    @contextmanager
    def _stored(self, file: IO[bytes], name: str) -> Iterator[tuple[Any, int | None]]:
        """Yield the content as it would be stored, and its size: None if it is that of the file."""
        if not self.compresses:
            yield file, None
            return
        with self._upload.prepared(file, self.params(name)) as (content, parameters):
            packed = PLAIN_SIZE in (parameters.get("Metadata") or {})
            yield content, content.seek(0, os.SEEK_END) if packed else None

    @contextmanager
    def stored(self, name: str) -> Iterator[tuple[Any, int]]:
        """Yield the content of a local file as it would be stored, and its size in bytes."""
        with self._tree.open(name) as file, self._stored(file, name) as (content, size):
            yield content, os.fstat(file.fileno()).st_size if size is None else size

    def digest(self, content: Any) -> str:
        """Return the ETag of content that this class sends, if ETags are digests."""
        return self._upload.digest(content)


def small_md5(opener: Opener, name: str) -> str:
    """Return the MD5 of a small file. That of a file which changes meanwhile can be one of neither content."""
    descriptor, size = opener.opened(name)
    try:
        return md5(os.read(descriptor, size + 1)).hex()
    finally:
        os.close(descriptor)


def _is_opaque(params: Params) -> bool:
    return "SSECustomerKey" in params or str(params.get("ServerSideEncryption")).startswith("aws:kms")


def _known(params: Params) -> dict[str, Any]:
    """Return what two uploads must have in common, without the encryption key."""
    return {name: value for name, value in params.items() if not name.startswith("SSECustomerKey")}
