"""The response of Django to a request for one file, with ranges, conditional requests and HEAD.

RFC 9110, sections 13 (conditional requests) and 14 (range requests).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from s3store import errors
from s3store.core import media_types
from s3store.core.info import ObjectInfo
from s3store.core.parameters import guess_content_type
from s3store.core.presentation import SAFE, present
from s3store.core.requested import Requested, accepts, parse_range
from s3store.files.codec import encoding_of
from s3store.files.file import Reopen, S3File
from s3store.files.pieces import PartReader
from s3store.files.reader import RangeReader
from s3store.streaming.chunks import AsyncChunks, Chunks, Unpacked
from s3store.wire.objects import Objects, Target
from s3store.wire.responses import Response

_CODINGS = frozenset({"br", "compress", "deflate", "gzip", "identity", "zstd"})
"""The content codings that browsers know, from IANA's "HTTP Content Coding Registry"."""

_CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One request for one file: what is requested, and how a browser should handle it."""

    request: HttpRequest
    objects: Objects
    target: Target
    reopen: Reopen
    filename: str
    inline: bool
    content_type: str
    max_range: int | None

    def response(self) -> HttpResponseBase:
        """Return the response: 200, 206, 304, 412 or 416. Raises Http404 if the file does not exist."""
        try:
            return self._checked() or self._part() or self._whole()
        except errors.ObjectNotFoundError as error:
            raise Http404(f"The file {self.target.name!r} does not exist.") from error

    # The kinds of responses

    def _checked(self) -> HttpResponseBase | None:
        """Return the response without content, for a HEAD or a condition that is not met, or None."""
        head = self.request.method == "HEAD"
        if not head and not any(name in self.request.headers for name in _CONDITIONS):
            return None
        info = self._head()
        modified = int(info.modified.timestamp()) if info.modified else None
        validators = self._validators(info)
        refused = get_conditional_response(self.request, etag=validators.get("ETag"), last_modified=modified)
        if refused:
            for header, value in validators.items():
                refused.headers[header] = value
            return cast("HttpResponseBase", refused)
        return self._answer(info, io.BytesIO(), self._size(info)) if head else None

    def _part(self) -> HttpResponseBase | None:
        """Return the response to a Range header, or None to send the whole file."""
        header = self.request.headers.get("Range")
        if header is None:
            return None
        try:
            wanted = parse_range(header)
        except ValueError:
            return self._no_such_part(self._head())
        if wanted and wanted.start < 0:
            info = self._head()
            wanted = wanted.within(info.size)
            if wanted is None:
                return self._no_such_part(info)
        return self._ranged(wanted.at_most(self.max_range)) if wanted else None

    def _ranged(self, wanted: Requested) -> HttpResponseBase | None:
        reader: Any
        try:
            reader = PartReader(self.target.key, self._fetch, start=wanted.start, stop=wanted.stop)
            info = reader.info
        except errors.ObjectChangedError:
            reader, info = None, self._head()
        found = wanted.within(info.size)
        whole = self._inflates(info) or not self._is_meant(info)
        if reader and (whole or not found):
            reader.close()
        if whole:
            return None
        if reader is None or found is None:
            return self._no_such_part(info)
        first, stop = found.start, cast("int", found.stop)
        response = self._answer(info, reader, stop - first)
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {first}-{stop - 1}/{info.size}"
        # Middleware that compresses would change the length. It ignores responses with an encoding.
        response.headers.setdefault("Content-Encoding", "identity")
        return response

    def _whole(self) -> HttpResponseBase:
        reader = RangeReader(self.target.key, self._fetch)
        info = reader.info
        file: Any = self._unpacked(reader) if self._inflates(info) else reader
        return self._answer(info, file, self._size(info))

    def _unpacked(self, reader: RangeReader) -> Unpacked:
        file = S3File(self.objects, self.target, "rb", reader, self.reopen, inflate=True)
        encoding = encoding_of(reader.info) or ""
        return Unpacked(file, encoding=encoding, bucket=self.objects.bucket.name, key=self.target.key)

    def _no_such_part(self, info: ObjectInfo) -> HttpResponse:
        return HttpResponse(status=416, headers={**self._validators(info), "Content-Range": f"bytes */{info.size}"})

    def _answer(self, info: ObjectInfo, file: IO[bytes], size: int | None) -> StreamingHttpResponse:
        # Also for HEAD: middleware would set the Content-Length of an empty response to 0.
        chunks = AsyncChunks if isinstance(self.request, ASGIRequest) else Chunks
        headers = {**self._validators(info), **self._description(info)}
        if size is not None:
            headers["Content-Length"] = str(size)
        return StreamingHttpResponse(chunks(file, size), headers=headers)

    # The requests to S3

    def _head(self) -> ObjectInfo:
        return self.objects.bucket.head(self.target.key, self.target.params)

    def _fetch(self, start: int, stop: int | None, etag: str | None) -> Response:
        return self.objects.bucket.get(self.target.key, self.target.params, start=start, stop=stop, etag=etag)

    # The headers

    def _inflates(self, info: ObjectInfo) -> bool:
        encoding = encoding_of(info)
        return encoding is not None and not accepts(encoding, self.request.headers.get("Accept-Encoding"))

    def _size(self, info: ObjectInfo) -> int | None:
        # How long the content is after decompression is certain only at its end.
        return None if self._inflates(info) else info.size

    def _is_meant(self, info: ObjectInfo) -> bool:
        """Return whether If-Range is absent or matches this version."""
        wanted = self.request.headers.get("If-Range")
        return wanted is None or wanted in (info.etag, _last_modified(info))

    def _validators(self, info: ObjectInfo) -> dict[str, str]:
        headers = {**SAFE, "Cache-Control": "private, no-cache"}
        if info.etag:
            # The ETag identifies the compressed bytes.
            headers["ETag"] = f"W/{info.etag}" if self._inflates(info) else info.etag
        if modified := _last_modified(info):
            headers["Last-Modified"] = modified
        if encoding_of(info):
            headers["Vary"] = "Accept-Encoding"
        return headers

    def _description(self, info: ObjectInfo) -> dict[str, str]:
        content_type = self.content_type or info.content_type or guess_content_type(self.target.name)
        tokens = [token.strip() for token in (info.content_encoding or "").split(",")]
        encodings = [token for token in tokens if token.lower() not in ("", "aws-chunked")]
        known = _CODINGS.issuperset(token.lower() for token in encodings)
        # A browser can only save a file whose encoding it does not know.
        headers = present(content_type if known else media_types.BINARY, self.filename, inline=self.inline)
        headers["Accept-Ranges"] = "none" if self._inflates(info) else "bytes"
        if encodings and known and not self._inflates(info):
            headers["Content-Encoding"] = ", ".join(encodings)
        return headers


def _last_modified(info: ObjectInfo) -> str | None:
    return http_date(info.modified.timestamp()) if info.modified else None
