"""The endpoints of direct uploads. Each checks CSRF, the ticket and the permission; the server chooses the key."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.uploads import bodies, service
from s3store.uploads.destinations import Destination, declared, find, is_logged_in, read_label
from s3store.uploads.owners import owner_of
from s3store.uploads.quick import QUICK
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.requests import PART_SECONDS
from s3store.uploads.tokens import RENEW_SECONDS, Ticket, signed

logger = logging.getLogger("s3store")

VERSION = 1
"""The version of the protocol. A change that breaks clients makes another one."""

View = Callable[[HttpRequest], HttpResponseBase]


def endpoint(*methods: str) -> Callable[[Callable[[HttpRequest], dict[str, Any]]], View]:
    """Make a view of a function that returns the JSON of its answer: refusals become the one shape of errors."""

    def decorate(answer: Callable[[HttpRequest], dict[str, Any]]) -> View:
        @wraps(answer)
        @sensitive_variables()
        def view(request: HttpRequest) -> HttpResponseBase:
            if request.method not in methods:
                return _private(HttpResponse(status=405, headers={"Allow": ", ".join(methods)}))
            try:
                found = answer(request)
            except UploadRefusedError as refusal:
                return refused(refusal)
            except errors.S3StoreError as error:
                return refused(_of_storage(error))
            return _private(JsonResponse(found, status=201 if answer.__name__ == "begin" else 200))

        view.login_required = False  # type: ignore[attr-defined]  # Django's login_not_required; we answer 401 in JSON.
        return csrf_protect(view)

    return decorate


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Vary"] = "Cookie"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def refused(refusal: UploadRefusedError) -> HttpResponse:
    """Return the answer to a client whose request is refused."""
    answer = {"message": str(refusal.message), "error": {"code": refusal.code, **refusal.details}}
    response = _private(JsonResponse(answer, status=refusal.status))
    if "retry_after" in refusal.details:
        response["Retry-After"] = str(refusal.details["retry_after"])
    return response


def _of_storage(error: errors.S3StoreError) -> UploadRefusedError:
    busy = isinstance(error, errors.ServerError | errors.S3ConnectionError | errors.S3TimeoutError)
    logger.error("A direct upload failed: %s", error)
    if busy:
        return UploadRefusedError("storage_busy", _("The storage is busy. Try again."), status=503, retry_after=2)
    return UploadRefusedError(
        "storage_refused", _("The storage refused the upload."), status=502, storage_code=error.code
    )


def _not_here(request: HttpRequest) -> UploadRefusedError:
    """Return the one answer for destinations that do not exist and for those that the client may not use."""
    if is_logged_in(request):
        return UploadRefusedError("unknown_destination", _("Nothing can be uploaded here."), status=404)
    return UploadRefusedError("login_required", _("Log in to upload files."), status=401)


def _permit(request: HttpRequest, destination: Destination) -> None:
    if not destination.allows(request):
        raise _not_here(request)


def _throttle(request: HttpRequest, destination: Destination) -> None:
    wait = destination.throttle(request) if destination.throttle else None
    if wait and wait > 0:
        raise UploadRefusedError(
            "throttled", _("Too many uploads. Wait a moment."), status=429, retry_after=math.ceil(wait)
        )


def _ticket(request: HttpRequest, body: dict[str, Any], *, renew: bool = False) -> tuple[Ticket, Destination]:
    ticket, destination = service.read_ticket(body["ticket"], renew=renew)
    # First: a client whose session has ended owns nothing, and can log in and continue.
    _permit(request, destination)
    service.check_owner(ticket, owner_of(request, create=False))
    return ticket, destination


@endpoint("POST")
def begin(request: HttpRequest) -> dict[str, Any]:
    """Begin an upload: one presigned request, or the first batch of parts."""
    optional = {"type": str, "part_size": int, "v": int, "checksum": str}
    body = bodies.json_body(request, {"destination": str, "name": str, "size": int}, optional)
    if body.get("v", VERSION) != VERSION:
        raise UploadRefusedError("invalid", _("This version of the protocol is not known."), field="v")
    label = read_label(body["destination"])
    destination = find(label) if label else None
    if label is None or destination is None:
        raise _not_here(request)
    _permit(request, destination)
    # Before the throttle, which may count the size.
    if not 0 <= body["size"] < 1 << 60:
        raise UploadRefusedError("invalid", _("The size is not possible."), field="size")
    _throttle(request, destination)
    begun = service.begin(
        label,
        destination,
        owner=owner_of(request),
        name=body["name"],
        size=body["size"],
        content_type=body.get("type", ""),
        part_size=body.get("part_size"),
        checksum=body.get("checksum"),
    )
    ticket, made = begun.ticket, begun.request
    answer: dict[str, Any] = {"v": VERSION, "key": ticket.key, "name": ticket.name, "type": ticket.content_type}
    answer |= {"size": ticket.size, "ticket": signed(ticket)}
    if made is None:
        answer |= {"mode": "multipart", "part_size": ticket.part_size, "part_count": ticket.part_count}
        return answer | {"parts": _parts(begun.parts), "expires_in": PART_SECONDS}
    answer |= {"mode": made.method.lower(), "url": made.url, "receipt": signed(ticket.receipt)}
    answer["expires_in"] = int(made.expires_at.timestamp() - time.time())
    return answer | ({"fields": made.fields} if made.method == "POST" else {"headers": made.headers})


def _parts(found: Any) -> list[dict[str, Any]]:
    plain = [({"number": part.number, "size": part.size, "url": part.url}, part.headers) for part in found]
    return [{**facts, "headers": headers} if headers else facts for facts, headers in plain]


@endpoint("POST")
def sign(request: HttpRequest) -> dict[str, Any]:
    """Sign the URLs of further parts."""
    body = bodies.json_body(request, {"ticket": str, "numbers": list}, {"checksums": dict})
    ticket, destination = _ticket(request, body)
    numbers = body["numbers"]
    if not all(type(number) is int for number in numbers):
        raise UploadRefusedError("invalid", _("Name 1 to 100 different parts."), field="numbers")
    # The names of members are texts in JSON.
    sums = body.get("checksums")
    checksums = {number: sums.get(str(number)) for number in numbers} if sums else None
    found = service.sign(ticket, destination, numbers, checksums)
    return {"parts": _parts(found), "expires_in": PART_SECONDS}


@endpoint("POST")
def parts(request: HttpRequest) -> dict[str, Any]:
    """List the parts that have arrived, and renew the ticket."""
    ticket, destination = _ticket(request, bodies.json_body(request, {"ticket": str}, {}), renew=True)
    found = service.list_parts(ticket, destination)
    return {
        "parts": [{"number": part.number, "size": part.size, "etag": part.etag} for part in found],
        "part_size": ticket.part_size,
        "part_count": ticket.part_count,
        "ticket": signed(ticket),
        "expires_in": min(destination.ticket_seconds, RENEW_SECONDS),
    }


@endpoint("POST")
def complete(request: HttpRequest) -> dict[str, Any]:
    """Combine the parts, and hand out the receipt."""
    ticket, destination = _ticket(request, bodies.json_body(request, {"ticket": str}, {}))
    receipt = service.complete(ticket, destination)
    facts = {"key": receipt.key, "name": receipt.name, "size": receipt.size, "type": receipt.content_type}
    return facts | {"receipt": signed(receipt)}


@endpoint("POST")
def abort(request: HttpRequest) -> dict[str, Any]:
    """Delete the parts of an upload."""
    ticket, destination = _ticket(request, bodies.json_body(request, {"ticket": str}, {}), renew=True)
    service.abort(ticket, destination)
    return {"aborted": True}


@endpoint("GET")
def token(request: HttpRequest) -> dict[str, Any]:
    """Return a CSRF token, for pages whose token a login in another tab made invalid."""
    return {"csrf_token": get_token(request)}


@endpoint("POST")
def signed_url(request: HttpRequest) -> dict[str, Any]:
    """Return a presigned form for one file. It needs no declared destination."""
    destination = declared()[QUICK]
    _permit(request, destination)
    members: dict[str, type] = {"key": str}
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        body = bodies.form_body(request, members, {"csrfmiddlewaretoken": str})
    else:
        body = bodies.json_body(request, members, {})
    _throttle(request, destination)
    receipt, made = service.begin_form(QUICK, destination, owner=owner_of(request), name=body["key"])
    expires_in = int(made.expires_at.timestamp() - time.time())
    return {"url": made.url, "fields": made.fields, "receipt": signed(receipt), "expires_in": expires_in}
