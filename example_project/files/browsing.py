"""The list of a folder, as a page or as the part of it that a module of the page asks for."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from files.access import in_company
from files.answers import folder_url, page, wants_fragment
from files.models import Operation
from files.rows import crumbs, rows_of
from files.uploads import upload_settings
from s3store.folders import ordered

PAGE_SIZE = 100
FOUND = 200
_SORTS = {"name": _("Name"), "size": _("Size"), "modified": _("Changed")}
_ACTIONS = ("copy", "delete", "move", "rename", "share", "zip")
_VIEWS = ("list", "grid")


@dataclass(frozen=True, kw_only=True)
class Query:
    """What the query string of the page says."""

    sort: str
    descending: bool
    page: str | None
    text: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Query":
        """Read the query string. Unknown values are the defaults."""
        sort = request.GET.get("sort", "name")
        return cls(
            sort=sort if sort in _SORTS else "name",
            descending=request.GET.get("order") == "desc",
            page=request.GET.get("page") or None,
            text=request.GET.get("q", "").strip()[:200],
        )

    def url(self, **changes: str | None) -> str:
        """Return the query string with changes: None removes a value."""
        shown = {
            "q": self.text or None,
            "sort": self.sort if self.sort != "name" else None,
            "order": "desc" if self.descending else None,
        }
        return "?" + urlencode({key: value for key, value in (shown | changes).items() if value})


@in_company("GET", "HEAD")
def browse(request: HttpRequest, access, path: str = "") -> HttpResponseBase:
    """Show a folder, sorted and by pages, or the files below it whose names contain a text."""
    query = Query.of(request)
    listed = _found(access, path, query) if query.text else _listed(access, path, query)
    context = {
        "path": path,
        "query": query,
        "columns": _columns(query, sortable=listed["sortable"]),
        "shape": _shape(request),
        "crumbs": crumbs(access, path),
        "here": folder_url(access, path),
        "urls": {name: reverse(f"files:{name}", args=[access.company.slug]) for name in _ACTIONS},
        "rows": rows_of(
            access, listed.pop("entries"), request, shown_folder=path, found_below=path if query.text else None
        ),
        **listed,
    }
    if wants_fragment(request) == "rows":
        return render(request, "files/_list.html", {"access": access, "company": access.company, **context})
    context |= {"operation": _operation(request, access), "upload": upload_settings(access, path)}
    return page(request, access, "files/browse.html", context)


def _listed(access, path: str, query: Query) -> dict:
    found = access.folder.list(path, page=query.page, size=PAGE_SIZE, sort=query.sort, descending=query.descending)
    entries = found.entries
    if query.sort == "name" and not found.next and not query.page:
        # The whole folder: sorted as people sort, without another request.
        entries = ordered(list(entries), "natural", descending=query.descending)
    return {
        "entries": entries,
        "next": query.url(page=found.next) if found.next else "",
        "hidden": found.hidden,
        "sortable": found.sortable,
        "complete": not found.next and not query.page,
    }


def _found(access, path: str, query: Query) -> dict:
    found = access.folder.find(query.text, path, limit=FOUND)
    return {"entries": found.entries, "next": "", "hidden": 0, "sortable": False, "complete": found.complete}


def _columns(query: Query, *, sortable: bool) -> list[dict]:
    columns = []
    for name, label in _SORTS.items():
        active = query.sort == name
        order = "desc" if active and not query.descending else None
        columns.append(
            {
                "name": name,
                "label": label,
                "sort": ("descending" if query.descending else "ascending") if active else "none",
                "url": query.url(sort=name if name != "name" else None, order=order) if sortable else "",
            }
        )
    return columns


def _shape(request: HttpRequest) -> str:
    """Return whether the page is a list or a grid: what was chosen last."""
    wanted = request.GET.get("view", "")
    if wanted in _VIEWS:
        request.session["files_view"] = wanted
    return request.session.get("files_view", "list")


def _operation(request: HttpRequest, access) -> Operation | None:
    """Return the operation whose result the page shows, if it is of this company."""
    if "operation" not in request.GET:
        return None
    try:
        return Operation.objects.filter(company=access.company, pk=request.GET.get("operation")).first()
    except (ValidationError, ValueError):
        return None
