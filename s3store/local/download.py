"""The response to a GET or HEAD of an object: S3's headers, ranges and conditions, and nothing that a browser runs.

The twin shares its origin with the site, the admin included. So types that a browser might run are sent as a download
of binary data, with a Content-Security-Policy that allows nothing. S3 sends them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from s3store.core import media_types
from s3store.core.overrides import QUERY
from s3store.core.parameters import DEFAULT_CONTENT_TYPE
from s3store.core.presentation import SAFE, present
from s3store.core.requested import Requested, parse_range
from s3store.local.pieces import Piece
from s3store.local.records import Record
from s3store.local.refusals import Refusal
from s3store.local.store import Store
from s3store.streaming.chunks import AsyncChunks, Chunks

_METADATA = "x-amz-meta-"
_SENT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
_OVERRIDES = {query: query.removeprefix("response-") for query in QUERY.values() if query.startswith("response-")}


def download(request: HttpRequest, store: Store, key: str, query: Mapping[str, str], *, signed: bool) -> Any:
    """Return the response: 200, 206, 304 or 412. Raises Refusal for a missing object, or bytes that do not exist."""
    changed = {header: query[name] for name, header in _OVERRIDES.items() if name in query}
    if changed and not signed:
        raise Refusal("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
    record, file = store.open(key)
    try:
        return _answer(request, record, file, changed)
    except BaseException:
        file.close()
        raise


def _answer(request: HttpRequest, record: Record, file: IO[bytes], changed: Mapping[str, str]) -> HttpResponseBase:
    headers = _headers(record, changed)
    refused: Any = get_conditional_response(request, etag=record.etag, last_modified=record.modified)
    if refused:
        file.close()
        if refused.status_code == 412:
            raise Refusal("PreconditionFailed")
        return HttpResponse(status=304, headers={name: headers[name] for name in ("ETag", "Last-Modified")})
    wanted = _range(request, record)
    first, stop = (wanted.start, wanted.stop or 0) if wanted else (0, record.size)
    headers["Content-Length"] = str(stop - first)
    if wanted:
        headers["Content-Range"] = f"bytes {first}-{stop - 1}/{record.size}"
        # Middleware that compresses would change the length. It ignores responses with an encoding.
        headers.setdefault("Content-Encoding", "identity")
    size = 0 if request.method == "HEAD" else stop - first
    chunks = AsyncChunks if isinstance(request, ASGIRequest) else Chunks
    body: Any = Piece(file, first, first + size)
    return StreamingHttpResponse(chunks(body, size), status=206 if wanted else 200, headers=headers)


def _range(request: HttpRequest, record: Record) -> Requested | None:
    """Return the range to send, or None for the whole object: also for several ranges, and for invalid ones."""
    try:
        wanted = parse_range(request.headers.get("Range", ""))
    except ValueError:
        return None
    if wanted is None or request.headers.get("If-Range", record.etag) not in (record.etag, _date(record)):
        return None
    found = wanted.within(record.size)
    if found is None:
        raise Refusal("InvalidRange")
    return found


def _headers(record: Record, changed: Mapping[str, str]) -> dict[str, str]:
    stored = {name: value for name, value in record.headers.items() if name in _SENT or name.startswith(_METADATA)}
    found = {name.title() if name in _SENT else name: value for name, value in {**stored, **changed}.items()}
    kind = found.get("Content-Type", DEFAULT_CONTENT_TYPE)
    safe = present(kind, record.key, inline=True)
    given = found.get("Content-Disposition")
    if media_types.may_be_shown(kind):
        # As on S3: without a header of its own, the browser decides.
        del safe["Content-Disposition"]
    elif given and given.partition(";")[0].strip().lower() == "attachment":
        safe["Content-Disposition"] = given
    return {
        **found,
        **SAFE,
        **safe,
        "ETag": record.etag,
        "Last-Modified": _date(record),
        "Accept-Ranges": "bytes",
    }


def _date(record: Record) -> str:
    return http_date(record.modified)
