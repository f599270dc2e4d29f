"""The XML in S3's responses, and the response to a request that S3 refuses."""

from __future__ import annotations

import uuid
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse

from s3store.local.refusals import Refusal


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the response with the error. That to a HEAD has no body."""
    request_id = uuid.uuid4().hex
    values = {"Code": refusal.code, "Message": refusal.message, "Resource": request.path, "RequestId": request_id}
    response = xml("Error", values, status=refusal.status, headers={"x-amz-request-id": request_id})
    if request.method == "HEAD":
        response.content = b""
    return response


def xml(root: str, values: dict[str, str], *, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return a response with an XML element of texts."""
    inner = "".join(f"<{name}>{escape(_printable(value))}</{name}>" for name, value in values.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'
    return HttpResponse(text, status=status, content_type="application/xml", headers=headers)


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char == " ")
