"""What all pages of recipients have in common: who may use the share is decided first, and a refusal is a page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from s3store import errors
from s3store.sharing.access import Access
from s3store.sharing.forms import PasswordForm
from s3store.sharing.models import Share
from s3store.sharing.refusals import (
    AccountRequiredError,
    PasswordRequiredError,
    ShareEndedError,
    ShareRefusedError,
    TooManyTriesError,
)
from s3store.sharing.resolving import resolve

TEMPLATES = {403: "refused", 404: "unknown", 410: "ended", 429: "too_many"}


def private(response: HttpResponseBase) -> HttpResponseBase:
    """Mark a response as one for this client only, and as none for search engines."""
    response.headers["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ("Cookie",))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Stopping and deleting are buttons: no other site shows them in a frame.
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    # Not no-referrer: browsers would send "Origin: null" with forms, and Django's CSRF check would refuse them.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


@method_decorator(csrf_protect, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class ShareView(View):
    """The base class of the views of recipients.

    `action` is what `s3store.sharing.resolve` is asked for. `access` is its answer. Files that do not exist are a 404,
    and so are those that the policy of the folder refuses.
    """

    action = "page"
    access: Access

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Resolve the share, and answer; or say why not."""
        try:
            if (
                request.method
                and request.method.lower() in self.http_method_names
                and hasattr(self, request.method.lower())
            ):
                self.enter(request, **kwargs)
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        except ShareRefusedError as refusal:
            response = self.refused(refusal)
        except FileNotFoundError:
            response = self.page("unknown", status=404)
        except PermissionError as error:
            if isinstance(error, errors.S3StoreError):
                raise
            response = self.page("refused", status=403)
        except SuspiciousOperation:
            response = self.page("unknown", status=404)
        return private(response)

    # With LoginRequiredMiddleware, recipients have no account.
    dispatch.login_required = False  # type: ignore[attr-defined]

    def enter(self, request: HttpRequest, **kwargs: Any) -> None:
        """Set `access`. Raises ShareRefusedError."""
        self.access = resolve(request, kwargs["id"], self.action, kwargs.get("path", ""))

    def page(self, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return the page `s3store_sharing/<name>.html`."""
        return TemplateResponse(self.request, f"s3store_sharing/{name}.html", context, status=status).render()

    def say(self, text: str, *, level: int = messages.SUCCESS) -> None:
        """Show a text on the next page."""
        messages.add_message(self.request, level, text, fail_silently=True)

    def back(self) -> HttpResponseRedirect:
        """Return the redirect to the page of the file or folder."""
        share, path = self.access.share, self.access.path
        if not share.is_folder or not path:
            return HttpResponseRedirect(reverse("s3store_sharing:page", args=[share.pk]))
        return HttpResponseRedirect(reverse("s3store_sharing:folder", args=[share.pk, path]))

    def refused(self, refusal: ShareRefusedError) -> HttpResponseBase:
        """Return the page that says why not: nothing on it names a file."""
        if isinstance(refusal, AccountRequiredError):
            # Not this URL: it may take POST only.
            return redirect_to_login(reverse("s3store_sharing:page", args=[self.kwargs["id"]]))
        if isinstance(refusal, PasswordRequiredError):
            return self.ask(refusal.share, PasswordForm(), status=403)
        context: dict[str, Any] = {}
        if isinstance(refusal, ShareEndedError) and isinstance(refusal.share, Share):
            context["brand"] = refusal.share.brand()
        response = self.page(TEMPLATES[refusal.status], status=refusal.status, **context)
        if isinstance(refusal, TooManyTriesError):
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    def ask(self, share: Any, form: PasswordForm, *, status: int) -> HttpResponse:
        """Return the page that asks for the password. It shows the brand, and nothing about the share."""
        return self.page("password", status=status, form=form, brand=share.brand(), share_id=share.pk)
