"""Writing content of any kind and size to one object: one PUT, or a multipart upload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from s3store.conf.options import Options
from s3store.core import parts
from s3store.core.digests import md5
from s3store.core.info import PLAIN_SIZE, ObjectInfo
from s3store.core.parameters import Params, with_metadata
from s3store.files.content import Content, Source, packed, repeatable
from s3store.wire.bucket import Bucket
from s3store.wire.multipart import MultipartUpload, is_threaded, transfer_argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """How objects are sent. Sizes are in bytes."""

    threshold: int = 8 * parts.MIB
    part_size: int = 8 * parts.MIB
    threads: int = 4


def transfer_of(options: Options) -> Transfer:
    """Return the settings of the option transfer_config, a boto3 TransferConfig or a dict of its arguments."""
    default = Transfer()
    return Transfer(
        threshold=transfer_argument(options, "multipart_threshold", default.threshold),
        part_size=max(transfer_argument(options, "multipart_chunksize", default.part_size), parts.MIN_PART_SIZE),
        threads=transfer_argument(options, "max_concurrency", default.threads) if is_threaded(options) else 1,
    )


class Upload:
    """Writes objects to a bucket, with the settings of the options. `part_size` replaces the one in transfer_config."""

    def __init__(self, bucket: Bucket, options: Options, *, part_size: int | None = None) -> None:
        self.bucket = bucket
        self.transfer = transfer_of(options)
        if part_size:
            self.transfer = replace(self.transfer, part_size=max(part_size, parts.MIN_PART_SIZE))
        self.max_memory_size = options.max_memory_size
        self._options = options

    def write(self, key: str, content: Content, params: Params, *, create: bool) -> ObjectInfo:
        """Write an object. Raises ObjectExistsError with `create` if it exists. Each call reads the content from its
        start."""
        with self.prepared(content, params) as (body, parameters):
            return self.send(key, body, parameters, create=create)

    @contextmanager
    def prepared(self, content: Content, params: Params) -> Iterator[tuple[Content, Params]]:
        """Yield the content and the parameters to send: compressed, if the options require it and it saves bytes."""
        encodings = self.encodings(params)
        if not encodings:
            yield content, params
            return
        with ExitStack() as stack:
            source = stack.enter_context(repeatable(content, self.max_memory_size))
            packs = [
                stack.enter_context(packed(source, self.max_memory_size, encoding=encoding)) for encoding in encodings
            ]
            best = min(packs, key=lambda pack: pack.size)
            if best.size >= best.plain_size:
                yield source, params
            else:
                noted = with_metadata({**params, "ContentEncoding": best.encoding}, {PLAIN_SIZE: str(best.plain_size)})
                yield best.file, noted

    def encodings(self, params: Params) -> tuple[str, ...]:
        """Return the encodings to try for an object with these parameters."""
        options = self._options
        if params.get("ContentEncoding") or media_type(params) not in set(options.gzip_content_types):
            return ()
        return ("gzip",) * options.gzip + ("br",) * options.brotli

    def put(self, key: str, body: bytes, params: Params, *, create: bool, digest: bytes | None = None) -> ObjectInfo:
        """Write a small object in one request. `digest` is its MD5, if it is known."""
        if not create:
            return self.bucket.put(key, body, params, digest=digest)
        if self.bucket.refuses_existing:
            return self.bucket.create(key, body, params)
        self.bucket.refuse_existing(key, params)
        return self.bucket.put(key, body, params, digest=digest)

    def start(self, key: str, params: Params, *, create: bool) -> MultipartUpload:
        """Start a multipart upload."""
        return MultipartUpload(
            self.bucket,
            key,
            params,
            create=create and self.bucket.refuses_existing,
            part_size=self.transfer.part_size,
            threads=self.transfer.threads,
        )

    def send(self, key: str, content: Content, params: Params, *, create: bool) -> ObjectInfo:
        """Write an object without compression: in one request, or in parts from `threshold` bytes."""
        source = Source(content)
        first = source.read(self.transfer.threshold)
        if source.exhausted():
            return self.put(key, first, params, create=create)
        if create:
            # One request first is cheaper than sending all parts for a name that is taken.
            self.bucket.refuse_existing(key, params)
        source.unread(first)
        del first
        upload = self.start(key, params, create=create)
        try:
            while block := source.read(upload.part_size):
                upload.send(block)
            return upload.complete()
        except BaseException:
            upload.abort()
            raise

    def digest(self, content: Content) -> str:
        """Return the ETag, without quotes, that an object written by `send` has if ETags are digests.

        For parts: the MD5 of their MD5s, with their number. AWS: "Checking object integrity".
        """
        source = Source(content)
        first = source.read(self.transfer.threshold)
        if source.exhausted():
            return md5(first).hex()
        source.unread(first)
        digests: list[bytes] = []
        while block := source.read(parts.part_size_for(len(digests) + 1, self.transfer.part_size)):
            digests.append(md5(block))
        return f"{md5(b''.join(digests)).hex()}-{len(digests)}"


def media_type(params: Mapping[str, Any]) -> str:
    """Return the content type without its parameters, in lower case."""
    return str(params.get("ContentType", "")).partition(";")[0].strip().lower()
