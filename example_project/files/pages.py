"""The page of a file, and the permanent URL of its content."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from portal.security import origin

from files import thumbnails
from files.access import in_company
from files.answers import folder_url, page
from files.people import people_of
from files.previews import preview_of
from files.recording import record
from files.rows import crumbs, entry_url
from s3store.serving import file_response

RENDERED_MAY = "allow-popups allow-popups-to-escape-sandbox"
"""What a rendered text may do: its links open in a new tab."""

_LISTED = 200
_PAGES = 5


@in_company("GET", "HEAD")
def show(request: HttpRequest, access, path: str) -> HttpResponseBase:
    """Show a file: its preview, what is known about it, and the way to the files beside it."""
    entry = access.folder.stat(path)
    if entry.is_folder:
        raise FileNotFoundError(path)
    parent = path.rpartition("/")[0]
    context = {
        "entry": entry,
        "path": path,
        "parent": parent,
        "crumbs": crumbs(access, parent),
        "here": folder_url(access, parent),
        "content_url": reverse("files:open", args=[access.company.slug, path]),
        "link_seconds": settings.LINK_SECONDS,
        "link": request.build_absolute_uri(request.path),
        "preview": preview_of(access.folder, entry),
        "rendered_may": RENDERED_MAY,
        "thumbnail": thumbnails.url(access.folder, entry),
        "facts": people_of(access, [path], request).get(path),
        **_neighbours(access, parent, path),
    }
    return page(request, access, "files/file.html", context)


@in_company("GET", "HEAD")
def open_file(request: HttpRequest, access, path: str) -> HttpResponseBase:
    """Redirect to the content, or let the browser save it with `?download=1`. This URL never changes.

    The permission is checked on each request. The URL behind it works for LINK_SECONDS. `?stream` sends the content
    through Django, for players that cannot reach the bucket.
    """
    folder = access.folder
    entry = folder.stat(path)
    if entry.is_folder:
        raise FileNotFoundError(path)
    download = bool(request.GET.get("download"))
    if download and request.method == "GET":
        record(request, access, "downloaded", path)
    return file_response(
        request,
        folder.storage,
        folder.full_root + entry.path,
        mode="stream" if "stream" in request.GET else "redirect",
        expire=settings.LINK_SECONDS,
        inline=not download,
    )


@in_company("GET", "HEAD")
@xframe_options_sameorigin
def rendered(request: HttpRequest, access, path: str) -> HttpResponseBase:
    """Return a Markdown file as HTML, for the frame of its page. It can run nothing, and is not part of the site."""
    entry = access.folder.stat(path)
    preview = None if entry.is_folder else preview_of(access.folder, entry)
    if preview is None or preview.shape != "markdown":
        raise FileNotFoundError(path)
    response = render(request, "files/rendered.html", {"entry": entry, "preview": preview})
    styles = origin(static("files/files.css"))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self' {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
        f"sandbox {RENDERED_MAY}"
    )
    return response


def _neighbours(access, parent: str, path: str) -> dict:
    """Return the files before and after a file in its folder, by name. Large folders have no such links."""
    files, token = [], None
    for _number in range(_PAGES):
        found = access.folder.list(parent, page=token, size=_LISTED)
        files += [entry for entry in found.entries if not entry.is_folder]
        token = found.next
        if token is None:
            break
    places = [place for place, entry in enumerate(files) if entry.path == path]
    if token is not None or not places:
        return {}
    place = places[0]
    before = files[place - 1] if place else None
    after = files[place + 1] if place + 1 < len(files) else None
    return {
        "position": place + 1,
        "count": len(files),
        "previous": entry_url(access, before) if before else "",
        "following": entry_url(access, after) if after else "",
    }
