"""Sending the files of a share: shown in the page, downloaded, or as a ZIP."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from s3store.folders import ArchiveTooLargeError
from s3store.serving import file_response
from s3store.sharing import configured, signals
from s3store.sharing.forms import MAX_PATHS
from s3store.sharing.models import Share
from s3store.sharing.refusals import ShareEndedError
from s3store.sharing.views.archives import archive_response
from s3store.sharing.views.base import ShareView


class FileView(ShareView):
    """The base class of views that send a file."""

    def file(self) -> Any:
        """Return the entry of the file. Raises FileNotFoundError for a folder."""
        entry = self.access.folder.stat(self.access.path)
        if entry.is_folder:
            raise FileNotFoundError(f"{self.access.path!r} is a folder.")
        return entry

    def send(self, entry: Any, *, inline: bool, stream: bool = False) -> HttpResponseBase:
        """Return the response with the file: a redirect to a signed URL that ends with the share, or the content.

        Where the bucket keeps versions, the URL leads to that of `entry`: not to a file that gets its name later.
        """
        access = self.access
        request = copy.copy(self.request)
        if request.method == "POST":
            request.method = "GET"
        response = file_response(
            request,
            access.folder.storage,
            access.full_name,
            mode="stream" if stream else configured.current().mode,
            expire=access.seconds,
            inline=inline,
            version_id=entry.version_id if configured.current().pin_versions else None,
        )
        if response.status_code == 302 and self.request.method == "POST":
            # The browser fetches the signed URL by a GET.
            response.status_code = 303
        return response

    def count(self, path: str) -> None:
        """Count a download, and write it into the log. Raises ShareEndedError if none is left."""
        with transaction.atomic():
            if not self.access.share.take_download():
                raise ShareEndedError(self.access.share)
            self.access.record("downloaded", path=path)
            self.access.share.tell(signals.share_downloaded, request=self.request, path=path)


class ContentView(FileView):
    """The stable URL of a file that a page shows. Each request is checked again. `?stream` sends it through Django."""

    action = "view"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send the file to be shown. Types that browsers could run are saved, not shown."""
        entry = self.file()
        # A player asks for a film in many parts. The log has the first.
        if request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
            self.access.record("viewed", path=kwargs.get("path", ""))
        return self.send(entry, inline=True, stream="stream" in request.GET)


class DownloadView(FileView):
    """Downloads a file: a POST, so that programs that follow links use up no download."""

    action = "download"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Count the download, and send the file."""
        entry = self.file()
        self.count(kwargs.get("path", ""))
        return self.send(entry, inline=False)


class ZipView(FileView):
    """Downloads a folder as ZIP, or what was chosen in it: the values of `names`."""

    action = "zip"
    http_method_names = ["post"]
    limits: Mapping[str, int] = {}
    """The `max_files` and `max_bytes` of `Folder.zip`. Default: its own, 50,000 files and 20 GiB."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Count one download, and send the ZIP with its exact size."""
        access = self.access
        names = request.POST.getlist("names")[:MAX_PATHS]
        # What was chosen and is gone is named in the ZIP. But the folder must exist.
        access.folder.stat(access.path)
        chosen = [joined(access.path, name) for name in names] or access.path
        try:
            archive = access.folder.zip(chosen, name=self.name(), **self.limits)
        except ArchiveTooLargeError:
            self.say(_("This is too much for one ZIP. Choose fewer files."), level=messages.ERROR)
            return self.back()
        self.count(kwargs.get("path", ""))
        return archive_response(request, archive)

    def name(self) -> str:
        """Return the name of the ZIP."""
        share: Share = self.access.share
        return f"{self.access.path.rpartition('/')[2] or share.name or 'files'}.zip"


def joined(*parts: str) -> str:
    """Return a path of its parts, without empty ones."""
    return "/".join(part for part in parts if part)
