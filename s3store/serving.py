"""A private file as the answer to a request that was allowed it: by a redirect, through Django, or through nginx.

`file_response` does not ask who is asking: decide that first. Nothing in the request's query reaches S3.
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

Mode = Literal["redirect", "stream", "accelerate"]

EXPIRE = 120
"""Seconds for which the URL works that a browser is sent to. It is used at once, and made anew for each visit."""

INTERNAL_LOCATION = "/s3store-internal/"
"""Where nginx finds what is not for everybody; see `file_response`."""

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
) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for the file `name` of an S3Storage, or of the storage of that alias.

    `redirect`
        302 to a signed URL that works for `expire` seconds (or a timedelta). No request is sent. Whether there is a
        file, S3 says, and its type goes by the name.
    `stream`
        The content, through Django, with ranges of at most `max_range` bytes. Raises Http404 without a file.
    `accelerate`
        An X-Accel-Redirect, by which nginx fetches the signed URL below its `internal_location` and answers with
        what it finds. No request is sent by Django.

    The browser saves the file as `download_as`, by default the last part of its name; with `inline` it shows it, if
    the type is one that may be shown. `content_type` replaces the file's own. All of these are the code's to say:
    hand nothing on to them that is the client's.
    """
    if mode not in get_args(Mode):
        raise ImproperlyConfigured(f"{mode!r} is no mode of serving files. Use one of {', '.join(get_args(Mode))}.")
    if max_range is not None and max_range < 1:
        raise ImproperlyConfigured(f"max_range={max_range} lets no byte through. Give the bytes of a part, or None.")
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    found = storages[storage] if isinstance(storage, str) else storage
    if not isinstance(found, S3Storage):
        raise ImproperlyConfigured(f"Files are served from an S3Storage, and {storage!r} is none.")
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
    # What S3 has noted as the type may have come from the browser that uploaded the file.
    shown = content_type or guess_content_type(name)
    headers = present(shown, filename, inline=inline)
    with objects.pinned():
        url = found.url(
            name,
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
    # S3's own are better: the answer may be a part of the file, or an error.
    del response["Content-Type"], response["Content-Disposition"]
    return response


def internal_uri(url: str, location: str = INTERNAL_LOCATION) -> str:
    """Return the URI below an internal location of nginx that stands for `url`: `/location/https/host/path?query`.

    nginx decodes the path of an X-Accel-Redirect once, and leaves the query alone. So the path is encoded once more,
    and what nginx then has is the path that was signed, to the letter.
    """
    parts = urlsplit(url)
    return f"{location.rstrip('/')}/{parts.scheme}/{parts.netloc}{quote(parts.path)}?{parts.query}"
