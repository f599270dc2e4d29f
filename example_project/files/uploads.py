"""Direct uploads of members. Each company has a destination; each step of an upload asks for the permission again."""

import json
from typing import Any

from companies.access import open_company
from companies.models import Company
from companies.quota import QuotaExceededError, release, reserve
from django.core.cache import cache
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve, reverse

from s3store import uploads
from s3store.uploads import Destination, UploadRefusedError

# `signed-url` has no destination, and so no company.
STEPS = ("begin", "sign", "parts", "complete", "abort", "token")

# Clients send what they have, also types that browsers would run. They are always downloaded, never shown.
ACCEPTED = ("*/*", ".svg", ".html", ".htm", ".xhtml", ".xml", ".js", ".mjs", ".css")

PREFIX = "company-"
"""What the labels of the destinations of companies begin with."""

_DAY = 24 * 3600


def label_of(company: Company) -> str:
    """Return the label of the destination of a company's uploads."""
    return f"{PREFIX}{company.pk}"


def destination_of(company: Company) -> Destination:
    """Return the destination of a company's uploads. It asks for the permission in each step."""
    return Destination(
        accept=ACCEPTED,
        permission=lambda request: _may_upload(request, company.slug),
        throttle=lambda request: _reserve(request, company),
    )


def find_destination(label: str) -> Destination | None:
    """Return the destination of a label: one query, in each step of an upload."""
    pk = label.removeprefix(PREFIX)
    company = Company.objects.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
    return destination_of(company) if company else None


def upload_settings(access, path: str) -> dict[str, Any]:
    """Return what the upload tray of a page needs: as the widget, but at the company's own URL."""
    begin = reverse("files:upload-step", args=[access.company.slug, "begin"])
    settings = uploads.script_settings(label_of(access.company), destination_of(access.company))
    texts = json.dumps(settings["texts"], ensure_ascii=False)
    return settings | {"endpoint": begin.removesuffix("begin/"), "texts": texts, "folder": path}


def upload_step(request: HttpRequest, slug: str, step: str) -> HttpResponseBase:
    """Answer one step of an upload into the company of the URL. It asks for the permission as the library does."""
    if step not in STEPS:
        raise Http404
    request.upload_slug = slug  # type: ignore[attr-defined]
    response = resolve(reverse(f"s3store:{step}")).func(request)
    if step == "begin":
        _keep_reservation(request, response)
    return response


def _may_upload(request: HttpRequest, slug: str) -> bool:
    """Return whether the client may add files to the company now, and asks at the company's own URL."""
    if not request.user.is_authenticated or getattr(request, "upload_slug", slug) != slug:
        return False
    try:
        return bool(open_company(request, slug).may_write)
    except Http404:
        return False


def _reserve(request: HttpRequest, company: Company) -> None:
    """Reserve the bytes of an upload before it begins. Raises UploadRefusedError if there is no room."""
    size = json.loads(request.body)["size"]
    try:
        request.reservation = reserve(company, size, user=request.user)  # type: ignore[attr-defined]
    except QuotaExceededError as refusal:
        raise UploadRefusedError("quota", str(refusal), status=413, left=refusal.left) from None


def _keep_reservation(request: HttpRequest, response: HttpResponseBase) -> None:
    """Remember which reservation belongs to the key of an upload, or release it if the upload was refused."""
    reservation = getattr(request, "reservation", None)
    if reservation is None:
        return
    if response.status_code != 201:
        release(reservation)
        return
    cache.set(_mark(json.loads(response.content)["key"]), str(reservation.pk), _DAY)


def release_upload(key: str) -> None:
    """Release the reservation of an upload that has arrived."""
    found = cache.get(_mark(key))
    if found is not None:
        release(found)
        cache.delete(_mark(key))


def _mark(key: str) -> str:
    return f"files.reservation.{key.rpartition('/')[2]}"
