"""What all views of this app begin with: the company, its folder, and pages for errors."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from companies.access import Access, open_company
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from files.answers import fail, page, wants_json
from s3store import errors


def in_company(*methods: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Make a view of a function of the request and the Access to the company of the URL.

    Strangers get 404, as for a company that does not exist. A missing file is 404 too.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        @login_required
        def wrapped(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponseBase:
            if request.method not in methods:
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            access = open_company(request, slug)
            try:
                response = view(request, access, **arguments)
            except FileNotFoundError:
                raise Http404(_("There is nothing here that you can open.")) from None
            except errors.S3StoreError:
                return unreachable(request, access)
            except PermissionError as error:
                raise PermissionDenied(_("There is nothing here that you can open.")) from error
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        return wrapped

    return decorate


def unreachable(request: HttpRequest, access: Access) -> HttpResponseBase:
    """Return the page for a storage that does not answer."""
    text = _("The files cannot be reached at the moment. Try again in a minute.")
    if wants_json(request):
        return fail(request, text, status=503)
    return page(request, access, "files/unreachable.html", {"text": text}, status=503)
