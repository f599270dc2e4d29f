"""The page of an operation, the next slice of it, and its undo."""

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from files.access import in_company
from files.answers import described, fail, folder_url, operated, page, wants_json
from files.models import Operation
from files.operations import BusyError
from files.operations import run as run_slice
from files.operations import undo as start_undo
from files.problems import problem


def _operation(access, pk) -> Operation:
    """Return an operation of this company only."""
    return get_object_or_404(Operation.objects.select_related("undoes"), pk=pk, company=access.company)


@in_company("GET", "HEAD")
def show(request: HttpRequest, access, pk) -> HttpResponseBase:
    """Show how far an operation is, and which files it could not change."""
    operation = _operation(access, pk)
    if wants_json(request):
        return JsonResponse(described(access, operation))
    return page(request, access, "files/operation.html", {"operation": operation})


@in_company("POST")
def run(request: HttpRequest, access, pk) -> HttpResponseBase:
    """Work on an operation for some seconds."""
    operation = _operation(access, pk)
    to = folder_url(access, operation.folder_path)
    if not access.may_write:
        return fail(request, problem(PermissionError()), to, status=403)
    try:
        operation = run_slice(operation, request.user)
    except OSError as error:
        return fail(request, problem(error), to, status=409)
    if wants_json(request):
        return JsonResponse(described(access, operation))
    if operation.is_running:
        return redirect("files:operation", access.company.slug, operation.pk)
    return operated(request, access, operation, to)


@in_company("POST")
def undo(request: HttpRequest, access, pk) -> HttpResponseBase:
    """Undo an operation."""
    operation = _operation(access, pk)
    to = folder_url(access, operation.folder_path)
    if not access.may_write:
        return fail(request, problem(PermissionError()), to, status=403)
    try:
        started = run_slice(start_undo(operation, request.user), request.user)
    except ValueError as error:
        return fail(request, str(error), to, status=409)
    except (BusyError, OSError) as error:
        return fail(request, problem(error), to, status=409)
    return operated(request, access, started, to)
