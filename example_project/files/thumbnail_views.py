"""Makes the thumbnails that a page did not find, in one request."""

import time

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from files import thumbnails
from files.access import in_company

MOST = 100
SECONDS = 3.0


@in_company("POST")
def missing(request: HttpRequest, access) -> HttpResponseBase:
    """Return the URLs of the thumbnails of `names`. Those in `rest` are for the next request."""
    names = request.POST.getlist("names")[:MOST]
    until = time.monotonic() + SECONDS
    made = {}
    while names and time.monotonic() < until:
        path = names.pop(0)
        made[path] = _made(access.folder, path)
    return JsonResponse({"made": made, "rest": names})


def _made(folder, path: str) -> str:
    """Return the URL of a thumbnail that was made, or an empty string. A missing file has none."""
    try:
        entry = folder.stat(path)
    except (FileNotFoundError, PermissionError):
        return ""
    return thumbnails.url(folder, entry) if thumbnails.make(folder, entry) else ""
