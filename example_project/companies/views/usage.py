"""How much space a company uses, and what uses it."""

from django.contrib import messages
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from files.models import Operation

from companies import quota
from companies.access import Access, company_page, managers_page

CACHED_FOR = 60
MOST_FOLDERS = 12


@company_page
def usage_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show the counters, and the largest folders."""
    rows, trash = largest(access)
    context = {
        "rows": rows,
        "trash": trash,
        "reserved": quota.reserved(access.company),
        "left": max(0, access.company.bytes_left - quota.reserved(access.company)),
    }
    return render(request, "companies/usage.html", context)


@require_POST
@managers_page
def count_again(request: HttpRequest, access: Access) -> HttpResponse:
    """Count the files in the bucket."""
    quota.count_again(access.company)
    cache.delete(_key(access))
    messages.success(request, _("The files were counted."))
    return redirect("companies:usage", access.company.slug)


@managers_page
def empty_trash(request: HttpRequest, access: Access) -> HttpResponse:
    """Ask, then delete for ever what could be restored."""
    if request.method == "POST":
        deletions = Operation.objects.filter(company=access.company, verb=Operation.Verb.DELETE)
        deletions.exclude(state=Operation.State.RUNNING).update(kept=None)  # they cannot be undone any more
        default_storage.delete_tree(f"{access.company.prefix}.s3store/trash/")
        cache.delete(_key(access))
        messages.success(request, _("The trash is empty."))
        return redirect("companies:usage", access.company.slug)
    return render(request, "companies/empty_trash.html")


def largest(access: Access) -> tuple[list[dict[str, object]], int]:
    """Return the largest folders of the first level with their sizes, and the bytes that can be restored.

    It walks through all names: one request for each 1000. The result is kept for a minute.
    """
    found = cache.get(_key(access))
    if found is None:
        found = _count(access)
        cache.set(_key(access), found, CACHED_FOR)
    return found


def _count(access: Access) -> tuple[list[dict[str, object]], int]:
    folder = access.folder
    whole = folder.usage()
    rows, page = [], folder.list(size=1000)
    for entry in page.entries:
        if entry.is_folder:
            usage = folder.usage(entry.path)
            rows.append({"path": entry.path, "shown": entry.shown, "bytes": usage.bytes, "files": usage.files})
    rows.sort(key=lambda row: -row["bytes"])
    del rows[MOST_FOLDERS:]
    top = max([row["bytes"] for row in rows], default=0) or 1
    for row in rows:
        row["percent"] = round(100 * row["bytes"] / top)
    return rows, whole.trash


def _key(access: Access) -> str:
    # The prefix is never used twice, as a number of a row can be.
    return f"usage:{access.company.prefix}"
