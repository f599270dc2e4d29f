"""The link, the page of a share, and its password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from s3store.sharing.forms import NameForm, PasswordForm, upload_form
from s3store.sharing.models.share import MAX_PASSWORD
from s3store.sharing.resolving import UNLOCK, open_link, unlock
from s3store.sharing.uploading import max_size_left
from s3store.sharing.views.base import ShareView

SORTS = ("name", "size", "modified")
MAX_TEXT = 256 * 1024
TEXTS = ("application/json", "application/xml")


class LinkView(ShareView):
    """`/s/<token>/`: the only URL with the token. It opens the share for the session, and redirects."""

    http_method_names = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and keep Django from writing the URL of an error into its log."""
        response = super().dispatch(request, *args, **kwargs)
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    # With LoginRequiredMiddleware, recipients have no account.
    dispatch.login_required = False  # type: ignore[attr-defined]

    def enter(self, request: HttpRequest, **kwargs: Any) -> None:
        """Open the link."""
        self.share = open_link(request, kwargs["token"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect to the page of the share."""
        return HttpResponseRedirect(reverse("s3store_sharing:page", args=[self.share.pk]))


class UnlockView(ShareView):
    """Takes the password."""

    action = UNLOCK
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Unlock the share for the session, or ask again."""
        share = self.access.share
        here = HttpResponseRedirect(reverse("s3store_sharing:page", args=[share.pk]))
        if not share.has_password:
            return here
        form = PasswordForm(request.POST)
        # Longer ones are refused before anything is hashed, and count as little as an empty field.
        if len(request.POST.get("password", "")) <= MAX_PASSWORD and form.is_valid():
            if unlock(self.access, form.cleaned_data["password"]):
                return here
            form.add_error("password", _("This is not the password."))
        return self.ask(share, form, status=403)


class PageView(ShareView):
    """The page of a share: a file with its button, or a folder with its files."""

    http_method_names = ["get", "head"]
    page_size = 100

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the file, or the folder at the path."""
        access = self.access
        entry = access.folder.stat(access.path)
        context = {"access": access, "share": access.share, "brand": access.share.brand(), "entry": entry}
        # Only here: a page that refuses must not show the names in the messages of an earlier one.
        context["notes"] = messages.get_messages(request)
        if not entry.is_folder:
            return self.page("file", **context, text=self.text(entry), **self.editing())
        sort = request.GET.get("sort", "name")
        listing = access.folder.list(
            access.path,
            page=request.GET.get("page") or None,
            size=self.page_size,
            sort=sort if sort in SORTS else "name",
            descending="down" in request.GET,
        )
        trail = access.folder.breadcrumbs(access.path)
        return self.page("folder", **context, listing=listing, trail=trail, **self.editing())

    def text(self, entry: Any) -> str:
        """Return the start of a text file, at most 256 KiB: the template escapes it."""
        content_type = entry.content_type or ""
        if not (content_type.startswith("text/") or content_type in TEXTS) or not self.access.shows_contents:
            return ""
        with self.access.folder.open(self.access.path) as file:
            return str(file.read(MAX_TEXT).decode("utf-8", "replace"))

    def editing(self) -> dict[str, Any]:
        """Return the forms of a link that can edit."""
        access = self.access
        if not access.share.can_edit:
            return {}
        undo = self.request.session.get(f"s3store_sharing_undo_{access.share.pk}")
        return {
            "upload_form": upload_form(access.share),
            "name_form": NameForm(auto_id="new_%s"),
            "undo": undo,
            "max_size_left": max_size_left(access.share),
        }
