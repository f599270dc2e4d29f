"""The page about the static files in the bucket, and the cost of publishing them."""

import logging
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from subprocess import SubprocessError
from typing import Any

from django.contrib import messages
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import ListView

from library.publishing import note, noted, would_do
from library.views import LibraryPage
from s3store.storage import Stat

logger = logging.getLogger(__name__)

_HASH = re.compile(r"(?<=\.)[0-9a-f]{12}(?=\.|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A static file, its published name, and the facts from S3, or None if there are none."""

    name: str
    published: str
    url: str
    stat: Stat | None = None
    plain_size: int | None = None

    @property
    def parts(self) -> tuple[str, str, str]:
        """The part of the published name before the hash, the hash, and the part after it."""
        found = _HASH.search(self.published)
        if not found:
            return self.published, "", ""
        return self.published[: found.start()], found[0], self.published[found.end() :]


def published_names() -> list[tuple[str, str]]:
    """Return the names in the manifest with their published names. Files of the library are first."""
    names = getattr(staticfiles_storage, "hashed_files", {})
    return sorted(names.items(), key=lambda pair: (pair[0].startswith("admin/"), pair))


def in_bucket(names: Iterable[tuple[str, str]]) -> list[PublishedFile]:
    """Request the facts about each file: a listing has no headers. Raises OSError if S3 does not respond."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_ask, names))


def _ask(pair: tuple[str, str]) -> PublishedFile:
    name, published = pair
    url = staticfiles_storage.url(name)
    try:
        stat = staticfiles_storage.stat(published)
    except FileNotFoundError:
        return PublishedFile(name=name, published=published, url=url)
    return PublishedFile(name=name, published=published, url=url, stat=stat, plain_size=stat.plain_size)


def published_at() -> datetime | None:
    """Return the time at which the manifest was written, or None if it does not exist.

    Raises OSError if S3 does not respond.
    """
    storage = staticfiles_storage
    try:
        written: datetime = storage.manifest_storage.get_modified_time(storage.manifest_name)
    except FileNotFoundError:
        return None
    return written


class Delivery(LibraryPage, ListView):
    """The static files. Administrators can check for changes."""

    template_name = "library/delivery.html"
    context_object_name = "names"
    paginate_by = 20

    def get_queryset(self) -> Any:
        """Return names, because there are no model objects."""
        return published_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the files in the bucket, and the numbers of the runs."""
        context = super().get_context_data(**kwargs)
        runs = noted()
        for run in runs.values():
            run["at"] = parse_datetime(run["at"])
        names, written, unreachable = context["names"], None, False
        try:
            # The first request decides whether there are others.
            written = published_at() if names else None
            files = in_bucket(names)
        except OSError:
            logger.exception("The static files could not be read from S3.")
            unreachable = True
            files = [
                PublishedFile(name=name, published=there, url=staticfiles_storage.url(name)) for name, there in names
            ]
        return {
            **context,
            "files": files,
            "published_at": written,
            "unreachable": unreachable,
            "sent": runs.get("sent"),
            "unchanged": runs.get("unchanged"),
        }

    def post(self, request: HttpRequest) -> HttpResponse:
        """Run collectstatic --dry-run, and show the result."""
        if not request.user.is_staff:  # type: ignore[union-attr]
            raise PermissionDenied
        try:
            summary = would_do()
        except SubprocessError as error:
            logger.exception("collectstatic failed: %s", getattr(error, "stderr", None))
            messages.error(request, _("The check failed. The log has the output of the command."))
            return HttpResponseRedirect(reverse("library:delivery"))
        note(summary)
        cost = ngettext("%(count)s request", "%(count)s requests", summary["requests"]) % {"count": summary["requests"]}
        waiting = len(summary["upload"])
        if waiting:
            text = ngettext("%(count)s file has changed", "%(count)s files have changed", waiting) % {"count": waiting}
            messages.warning(request, _("%(cost)s: %(text)s and would be sent.") % {"cost": cost, "text": text})
        else:
            messages.success(request, _("%(cost)s: nothing to send.") % {"cost": cost})
        return HttpResponseRedirect(reverse("library:delivery"))
