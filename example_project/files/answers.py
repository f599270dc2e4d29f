"""Answers of actions: JSON for the page's modules, a redirect with a message for plain forms."""

from typing import Any

from companies.access import Access
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from files.models import Operation
from files.tasks import hand_over


def wants_json(request: HttpRequest) -> bool:
    """Return whether a module of the page sent the request."""
    return request.headers.get("Accept", "").startswith("application/json")


def wants_fragment(request: HttpRequest) -> str:
    """Return the name of the part of the page that a module asked for, or an empty string."""
    return request.headers.get("X-Fragment", "")


def folder_url(access: Access, path: str) -> str:
    """Return the URL of a folder. The path of the company's own folder is empty."""
    arguments = [access.company.slug, path] if path else [access.company.slug]
    return reverse("files:browse", args=arguments)


def page(
    request: HttpRequest, access: Access, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page of the company, or only its dialog if a module asked for it."""
    shown = {"access": access, "company": access.company, "role": access.role, "section": "files", **context}
    shown["layout"] = "files/dialog.html" if wants_fragment(request) == "dialog" else "companies/base.html"
    return render(request, template, shown, status=status)


def back(request: HttpRequest, access: Access, fallback: str) -> str:
    """Return the URL that the form names, if it is a page of this site, or that of the folder `fallback`."""
    wanted = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else folder_url(access, fallback)


def done(request: HttpRequest, text: str, to: str, **details: Any) -> HttpResponse:
    """Say that something was done."""
    if wants_json(request):
        return JsonResponse({"state": "done", "message": text, "to": to, **details})
    messages.success(request, text)
    return redirect(to)


def fail(request: HttpRequest, text: str, to: str = "", *, status: int = 400, **details: Any) -> HttpResponse:
    """Say why something was not done."""
    if wants_json(request):
        return JsonResponse({"state": "error", "message": text, **details}, status=status)
    messages.error(request, text)
    return redirect(to or "/")


def operated(request: HttpRequest, access: Access, operation: Operation, to: str) -> HttpResponse:
    """Say how far an operation is. The page of the folder `to` shows its result with a button to undo it."""
    if wants_json(request):
        return JsonResponse(described(access, operation) | {"to": to})
    if operation.is_running:
        hand_over(operation)
        return redirect("files:operation", access.company.slug, operation.pk)
    separator = "&" if "?" in to else "?"
    return redirect(f"{to}{separator}operation={operation.pk}")


def described(access: Access, operation: Operation) -> dict[str, Any]:
    """Return what the modules of the page show about an operation."""
    arguments = [access.company.slug, operation.pk]
    return {
        "state": "error" if operation.state == Operation.State.FAILED else operation.state,
        "message": operation.summary,
        "done": operation.done,
        "total": operation.total,
        "failed": operation.failed,
        "run": reverse("files:run", args=arguments),
        "page": reverse("files:operation", args=arguments),
        "undo": reverse("files:undo", args=arguments) if operation.can_undo else "",
    }
