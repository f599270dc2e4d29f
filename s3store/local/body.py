"""The body of a request, read as it arrives: its length, its checksums, and the fields and the file of a form.

RFC 7578 (multipart/form-data); AWS: "POST Object", "Checking object integrity".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import ChunkIter, LazyStream, MultiPartParserError, Parser
from django.utils.http import parse_header_parameters

from s3store.core.parts import GIB, KIB
from s3store.local.incoming import Incoming
from s3store.local.refusals import Refusal

CHUNK = 64 * KIB
LIMIT = 5 * GIB
"""The largest body in bytes. AWS: "Uploading objects"."""

_MAX_FIELDS = 20_000  # bytes of all fields. AWS: "POST Object".


class Body:
    """Reads a request's body. Raises Refusal if it has no length, more bytes than S3 takes, or ends too early."""

    def __init__(self, request: HttpRequest) -> None:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length.isdecimal():
            raise Refusal("MissingContentLength")
        if int(length) > LIMIT:
            raise Refusal("EntityTooLarge")
        self.length = int(length)
        self._request = request
        self._read = 0
        self.tail = b""

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes; none at the end."""
        try:
            data = self._request.read(min(size, CHUNK))
        except UnreadablePostError:
            raise Refusal("IncompleteBody") from None
        self._read += len(data)
        if not data and self._read < self.length:
            raise Refusal("IncompleteBody")
        self.tail = (self.tail + data)[-KIB:]
        return data

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def drain(self) -> None:
        """Read the rest: a browser shows a response only after it has sent everything."""
        with suppress(Refusal):
            while self.read():
                pass


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, block: bytes) -> None:
        self._value = zlib.crc32(block, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_CHECKSUMS: dict[str, Callable[[], Any]] = {
    "content-md5": lambda: hashlib.md5(usedforsecurity=False),
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}


def receive(body: Body, incoming: Incoming, headers: Mapping[str, str]) -> None:
    """Store the body. Raises Refusal if it does not have a checksum that a header states."""
    checks = [(make(), _decoded(headers[name])) for name, make in _CHECKSUMS.items() if name in headers]
    for block in body:
        incoming.write(block)
        for check, _ in checks:
            check.update(block)
    if any(check.digest() != expected for check, expected in checks):
        raise Refusal("BadDigest")


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("InvalidDigest") from None


class Form:
    """A multipart/form-data body: its fields, then its file. Names of fields are in lower case.

    Everything after the file is ignored.
    """

    def __init__(self, body: Body, content_type: str) -> None:
        kind, options = parse_header_parameters(content_type)
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data" or not boundary or not boundary.isascii():
            raise Refusal("MalformedPOSTRequest")
        self._body = body
        self._end = f"--{boundary}--".encode()
        self.fields: dict[str, str] = {}
        self.filename = ""
        source: Any = body
        self._parts = iter(Parser(LazyStream(ChunkIter(source, CHUNK)), boundary.encode()))
        self._file = self._read_fields()

    def _read_fields(self) -> Any:
        total = 0
        for name, filename, stream in self._next():
            if name == "file":
                self.filename = filename
                return stream
            value = stream.read(_MAX_FIELDS + 1)
            total += len(name) + len(value)
            if total > _MAX_FIELDS:
                raise Refusal("MaxPostPreDataLengthExceeded")
            if name in self.fields:
                raise Refusal("InvalidArgument", f"POST requires exactly one field {name!r}.")
            self.fields[name] = _text(value)
        raise Refusal("InvalidArgument", "POST requires exactly one file upload per request.")

    def _next(self) -> Iterator[tuple[str, str, Any]]:
        try:
            for _, described, stream in self._parts:
                if "content-disposition" not in described:
                    # What is before the first boundary.
                    for _ in stream:
                        pass
                    continue
                _, options = described["content-disposition"]
                yield _text(options.get("name", b"")).lower(), _text(options.get("filename", b"")), stream
        except MultiPartParserError:
            raise Refusal("MalformedPOSTRequest") from None

    def receive(self, incoming: Incoming) -> None:
        """Store the file. Raises Refusal if the form does not end as it should."""
        for block in self._file:
            incoming.write(block)
        for _ in self._body:
            pass
        if not self._body.tail.rstrip(b"\r\n").endswith(self._end):
            raise Refusal("MalformedPOSTRequest")


def _text(value: bytes | str) -> str:
    try:
        return value if isinstance(value, str) else value.decode()
    except UnicodeDecodeError:
        raise Refusal("InvalidArgument", "A field is not UTF-8.") from None
