"""The bodies of requests to the endpoints: read strictly, because a client can send anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.translation import gettext_lazy as _

from s3store.uploads.refusals import UploadRefusedError

MAX_BODY = 64 * 1024


def json_body(request: HttpRequest, members: Mapping[str, type], optional: Mapping[str, type]) -> dict[str, Any]:
    """Return the JSON object in a body. It has all `members`, perhaps `optional` ones, each of its type, and no others.

    Raises UploadRefusedError.
    """
    if request.content_type != "application/json":
        raise UploadRefusedError("invalid", _("Send a JSON object as application/json."), field="Content-Type")
    try:
        found = json.loads(_bytes(request), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise UploadRefusedError("invalid", _("The body is not valid JSON."), field="") from None
    return checked(found, members, optional)


def form_body(request: HttpRequest, members: Mapping[str, type], optional: Mapping[str, type]) -> dict[str, Any]:
    """Return the fields of a form as `json_body` returns members. Raises UploadRefusedError."""
    _check_length(request)
    try:
        fields = request.POST.dict()
    except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        raise _unreadable() from None
    return checked(fields, members, optional)


def checked(found: Any, members: Mapping[str, type], optional: Mapping[str, type]) -> dict[str, Any]:
    """Return the members of a request. Raises UploadRefusedError that names the first one that is wrong."""
    if not isinstance(found, dict):
        raise UploadRefusedError("invalid", _("Send a JSON object."), field="")
    known = {**members, **optional}
    for name in members:
        if name not in found:
            raise UploadRefusedError("invalid", _("A member is missing."), field=name)
    for name, value in found.items():
        if name not in known:
            raise UploadRefusedError("invalid", _("This member is not known."), field=name[:100])
        # True is an int for Python, and no size.
        if not isinstance(value, known[name]) or isinstance(value, bool):
            raise UploadRefusedError("invalid", _("This member has a value of the wrong type."), field=name)
    return found


def _bytes(request: HttpRequest) -> bytes:
    _check_length(request)
    try:
        body = request.body
    except RequestDataTooBig:
        raise _too_large() from None
    except UnreadablePostError:
        raise _unreadable() from None
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _check_length(request: HttpRequest) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or len(length) > 18 or int(length) > MAX_BODY:
        raise _too_large()


def _unreadable() -> UploadRefusedError:
    return UploadRefusedError("invalid", _("The body could not be read."), field="")


def _too_large() -> UploadRefusedError:
    return UploadRefusedError("invalid", _("The body is too large."), status=413, field="")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is there twice")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
