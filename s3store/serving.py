"""Responses with private files: by a redirect to S3, through Django, or through nginx.

`file_response` does not check permissions: check them first. It ignores the query string of the request.
"""

from __future__ import annotations

import os
import posixpath
from datetime import timedelta
from functools import partial
from typing import Literal, get_args
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.functional import Promise

from s3store.core import media_types
from s3store.core.parameters import guess_content_type
from s3store.core.presentation import SAFE, present
from s3store.storage import S3Storage
from s3store.streaming.stream import Stream

__all__ = ["file_response", "internal_uri"]

Mode = Literal["redirect", "stream", "accelerate"]

EXPIRE = 120
"""The default lifetime, in seconds, of the signed URL that a browser is redirected to."""

INTERNAL_LOCATION = "/s3store-internal/"
"""The default internal location of nginx for private files; see `file_response`."""

_NOT_KEPT = {**SAFE, "Cache-Control": "private, no-store"}


def file_response(
    request: HttpRequest,
    storage: Storage | str,
    name: str | os.PathLike[str],
    *,
    mode: Mode = "redirect",
    expire: int | timedelta = EXPIRE,
    download_as: str | Promise | None = None,
    inline: bool = False,
    content_type: str | Promise | None = None,
    max_range: int | None = None,
    internal_location: str = INTERNAL_LOCATION,
    version_id: str | None = None,
) -> HttpResponseBase:
    """Return the response to a GET or HEAD for the file `name`, or 405 for another method.

    It does not check permissions: do so first. Do not use values from the request as arguments other than `name`.

    `storage`
        An S3Storage, or its alias in STORAGES.
    `mode`
        `redirect` responds with a 302 to a signed URL, and sends no request. `stream` sends the content through
        Django. `accelerate` responds with an X-Accel-Redirect: nginx fetches the signed URL and sends the content.
    `expire`
        The lifetime of the signed URL: seconds or a timedelta.
    `download_as`
        The name under which the browser saves the file. Default: the last part of its name.
    `inline`
        Lets the browser show the file, if its type is safe to show.
    `content_type`
        The content type of the response. Default: the stored type for `stream`, otherwise by the extension.
    `max_range`
        The maximum number of bytes in a response to a Range header, for `stream`. Default: no limit.
    `internal_location`
        The prefix of the internal location in nginx, for `accelerate`.
    `version_id`
        The version to which the signed URL leads, in a bucket that keeps versions: not to what replaces it later.
        `stream` sends the current one. Needs the permission `s3:GetObjectVersion`.

    Raises Http404 for `stream` if the file does not exist, SuspiciousFileOperation (Django responds with 400) for a
    name outside the location, and ImproperlyConfigured for arguments that are not possible.
    """
    if mode not in get_args(Mode):
        raise ImproperlyConfigured(f"{mode!r} is not a mode of file_response. Use one of {', '.join(get_args(Mode))}.")
    if max_range is not None and max_range < 1:
        raise ImproperlyConfigured(f"max_range={max_range} must be at least 1 byte, or None for no limit.")
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    found = storages[storage] if isinstance(storage, str) else storage
    if not isinstance(found, S3Storage):
        raise ImproperlyConfigured(f"file_response needs an S3Storage, and {storage!r} is not an S3Storage.")
    objects = found.objects
    name = objects.name(objects.key(name)) or ""
    filename = str(download_as or "") or posixpath.basename(name)
    content_type = str(content_type or "")
    if mode == "stream":
        return Stream(
            request=request,
            objects=objects,
            target=objects.target(name),
            reopen=partial(found.open, name),
            filename=filename,
            inline=inline,
            content_type=content_type,
            max_range=max_range,
        ).response()
    # The type that S3 has stored may be from the browser that uploaded the file.
    shown = content_type or guess_content_type(name)
    headers = present(shown, filename, inline=inline)
    with objects.pinned():
        url = found.url(
            name,
            {"VersionId": version_id} if version_id else None,
            expire=expire,
            http_method=request.method,
            signed=True,
            download_as=filename,
            inline=inline and media_types.may_be_shown(shown),
            content_type=headers["Content-Type"],
        )
    if mode == "redirect":
        return HttpResponseRedirect(url, headers=_NOT_KEPT)
    response = HttpResponse(headers={**headers, **_NOT_KEPT, "X-Accel-Redirect": internal_uri(url, internal_location)})
    # Those of S3 are better: its response may be a part of the file, or an error.
    del response["Content-Type"], response["Content-Disposition"]
    return response


def internal_uri(url: str, location: str = INTERNAL_LOCATION) -> str:
    """Return the X-Accel-Redirect for a URL: `/s3store-internal/https/host/path?query`, with the path encoded twice.

    nginx decodes the path of an X-Accel-Redirect once, and does not change the query. The result is the path that was
    signed.
    """
    parts = urlsplit(url)
    return f"{location.rstrip('/')}/{parts.scheme}/{parts.netloc}{quote(parts.path)}?{parts.query}"
