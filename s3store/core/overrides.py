"""Response headers that a signed URL can override: S3's parameters of GetObject, and shorter arguments for them.

AWS: "GetObject", "Overriding response header values through the request".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

from s3store.core import media_types
from s3store.core.disposition import content_disposition
from s3store.core.parameters import header_problem
from s3store.core.suggest import did_you_mean

QUERY = {
    "ResponseCacheControl": "response-cache-control",
    "ResponseContentDisposition": "response-content-disposition",
    "ResponseContentEncoding": "response-content-encoding",
    "ResponseContentLanguage": "response-content-language",
    "ResponseContentType": "response-content-type",
    "ResponseExpires": "response-expires",
    "VersionId": "versionId",
    "PartNumber": "partNumber",
    "RequestPayer": "x-amz-request-payer",
}


def plain_query(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the query of an unsigned URL: parameters of GetObject, and any others for a CDN."""
    return {QUERY.get(name, name): _text(value) for name, value in parameters.items()}


def signed_query(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return parameters of GetObject as query parameters.

    Raises ValueError for parameters that S3 expects as headers, and for control characters.
    """
    for name, value in parameters.items():
        if name not in QUERY:
            hint = did_you_mean(name, QUERY, f"A signed URL can contain {', '.join(QUERY)}.")
            raise ValueError(f"{name!r} cannot be part of a signed URL. {hint}")
        if problem := header_problem(value):
            raise ValueError(f"{name}: {problem}.")
    return [(QUERY[name], _text(value)) for name, value in parameters.items()]


def _text(value: object) -> str:
    if value is None:
        raise ValueError("None is not allowed in a URL. Omit the parameter.")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone. Use django.utils.timezone.now() or make_aware().")
        return format_datetime(value.astimezone(timezone.utc), usegmt=True)
    return str(value)


def in_words(*, download_as: str | None, content_type: str | None, inline: bool, stored_type: str) -> dict[str, str]:
    """Return the parameters of GetObject that make a browser save or show the file under a name.

    `stored_type` is the expected type of the file. Raises ValueError if the browser might run the file.
    """
    if content_type and not media_types.essence(content_type):
        raise ValueError(f"{content_type!r} is not a content type.")
    shown = content_type or stored_type
    if (inline and not media_types.may_be_shown(shown)) or (
        content_type and download_as is None and media_types.is_active(shown)
    ):
        raise ValueError(
            f"A file of type {shown} may contain scripts, and browsers should not show it. Give download_as without "
            "inline, or parameters={'ResponseContentType': …} to set the type without this check."
        )
    words = {}
    if inline or download_as is not None:
        words["ResponseContentDisposition"] = content_disposition(download_as, inline=inline)
    if content_type:
        words["ResponseContentType"] = content_type
    return words
