"""The pages of members: sharing, what is shared by and with them, stopping a share, and who opened it."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from s3store.sharing.creating import create
from s3store.sharing.exporting import cell, log_rows
from s3store.sharing.forms import ShareForm
from s3store.sharing.models import Share
from s3store.sharing.refusals import ShareLimitError
from s3store.sharing.views.base import private


@method_decorator(csrf_protect, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class MemberView(LoginRequiredMixin, View):
    """The base class of the pages of members: users who are logged in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer with headers that keep the page private."""
        return private(super().dispatch(request, *args, **kwargs))

    def page(self, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return the page `s3store_sharing/<name>.html`."""
        return TemplateResponse(self.request, f"s3store_sharing/{name}.html", context, status=status).render()

    def managed(self, id: Any) -> Share:  # noqa: A002
        """Return a share that the user created or manages. Raises Http404 for those of others."""
        share = Share.objects.select_related("created_by").filter(pk=id).first()
        if share is None or not share.is_managed_by(self.request.user):
            raise Http404(_("There is nothing here that you can open."))
        return share


class SharedWithMeView(MemberView):
    """What was shared with the verified addresses of the user, and works."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """List the shares."""
        shares = Share.objects.shared_with(request.user).live().select_related("created_by")
        return self.page("shared_with_me", shares=shares)


class SharedByUsView(MemberView):
    """Every share that the user created or manages, also those that have ended."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """List the shares."""
        return self.page("shared_by_us", shares=Share.objects.managed_by(request.user))


class StopView(MemberView):
    """Asks whether to stop a share, and stops it."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask."""
        return self.page("stop", share=self.managed(kwargs["id"]))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Stop it."""
        self.managed(kwargs["id"]).revoke(request.user, request=request)
        return HttpResponseRedirect(reverse("s3store_sharing:shared_by_us"))


class LogView(MemberView):
    """Who opened a share and when: a page, or with `?format=csv` a file."""

    http_method_names = ["get", "head"]
    most = 1000

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the log of the share."""
        share = self.managed(kwargs["id"])
        rows = share.log.all()[: self.most]
        if request.GET.get("format") != "csv":
            return self.page("log", share=share, rows=rows)
        text = io.StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in log_rows(rows))
        headers = {"Content-Disposition": f'attachment; filename="log-{now():%Y-%m-%d}.csv"'}
        return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


class ShareCreateView(MemberView):
    """The form that shares a path. A subclass says of which folder: `get_folder`.

    It is not in `s3store.sharing.urls`: `path("share/<path:path>", MyShareView.as_view())`.
    """

    http_method_names = ["get", "head", "post"]

    def get_folder(self) -> Any:
        """Return the Folder of the root, with the policy. Override it."""
        raise NotImplementedError("Override it.")

    def shared(self) -> tuple[Any, str, Any]:
        """Return the folder, the path and its entry. Raises Http404 for what the user may not share."""
        folder = self.get_folder().as_user(self.request.user)
        path = str(self.kwargs.get("path", ""))
        try:
            entry = folder.stat(path)
        except (FileNotFoundError, ValueError):
            entry = None
        if entry is None or not folder.can("share", path):
            raise Http404(_("There is nothing here that you can open."))
        return folder, path, entry

    def form_page(self, form: ShareForm, folder: Any, path: str, entry: Any, *, status: int = 200) -> HttpResponse:
        """Return the page with the form, and who has access already."""
        whole = "/".join(part for part in (folder.base, path.rstrip("/")) if part)
        shares = Share.objects.for_path(folder, whole).live()
        return self.page("new", status=status, form=form, entry=entry, path=path, shares=shares)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form."""
        return self.form_page(ShareForm(), *self.shared())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Share it, and show the link once."""
        folder, path, entry = self.shared()
        form = ShareForm(request.POST)
        if form.is_valid():
            try:
                share, link = create(folder, path, created_by=request.user, request=request, **form.facts)
            except (ValidationError, ShareLimitError) as error:
                form.add_error(None, error if isinstance(error, ValidationError) else str(error))
            except PermissionError:
                form.add_error("right", _("You may not let others edit this."))
            else:
                return self.page("created", share=share, link=link, entry=entry)
        return self.form_page(form, folder, path, entry, status=400)
