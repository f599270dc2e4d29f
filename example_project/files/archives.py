"""A selection or a folder as one ZIP file, which is made while it is sent."""

from collections.abc import Iterator
from contextlib import suppress

from django.core.cache import cache
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from files.access import in_company
from files.answers import back, fail
from files.problems import name_of
from files.recording import record
from files.selections import selected

AT_ONCE = 2
"""How many archives one user can download at the same time."""

_LONGEST = 3600


@in_company("POST")
def archive(request: HttpRequest, access) -> HttpResponseBase:
    """Send the chosen files and folders as a ZIP file, with its exact length."""
    paths, folder_path = selected(request)
    to = back(request, access, folder_path)
    if not paths:
        return fail(request, _("Choose files or folders first."), to)
    place = f"files.archives.{request.user.pk}"
    cache.add(place, 0, _LONGEST)
    if cache.incr(place) > AT_ONCE:
        _leave(place)
        return fail(request, _("You already download two archives. Wait until one is complete."), to, status=429)
    try:
        name = name_of(paths[0]) if len(paths) == 1 else name_of(folder_path) or access.company.name
        made = access.folder.zip(paths, name=f"{name}.zip")
        record(request, access, "downloaded", folder_path, count=len(paths), archive=made.name)
    except ValueError as error:
        # Too many files, or too large.
        _leave(place)
        return fail(request, str(error), to)
    except BaseException:
        _leave(place)
        raise
    response = StreamingHttpResponse(_Sent(made, place), content_type="application/zip")
    response["Content-Length"] = str(made.size)
    response["Content-Disposition"] = content_disposition_header(True, made.name)
    response["X-Accel-Buffering"] = "no"
    return response


def _leave(place: str) -> None:
    with suppress(ValueError):  # the count has expired
        cache.decr(place)


class _Sent:
    """The bytes of an archive. Its place is free when they are sent, or the client is gone: Django calls `close`."""

    def __init__(self, made, place: str) -> None:
        self._chunks: Iterator[bytes] = iter(made)
        self._place = place

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        if self._place:
            _leave(self._place)
            self._place = ""
