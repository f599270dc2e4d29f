"""Who did what, when, and through which link: for owners and staff."""

import csv
import io
from datetime import timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from companies.access import Access, managers_page
from s3store.sharing import AccessLog

ON_A_PAGE = 50
MOST_IN_CSV = 10_000
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_SINCE = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


class ActivityFilter(forms.Form):
    """What to show: every field is optional."""

    who = forms.ChoiceField(label=_("Who"), required=False)
    what = forms.ChoiceField(
        label=_("What"), required=False, choices=[("", _("Everything")), *AccessLog.Action.choices]
    )
    since = forms.ChoiceField(
        label=_("Since"),
        required=False,
        choices=[("", _("Ever")), ("day", _("24 hours")), ("week", _("7 days")), ("month", _("30 days"))],
    )
    file = forms.CharField(
        label=_("File"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("Part of a name")}),
    )

    def __init__(self, *args: Any, actors: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].choices = [("", _("Everybody")), *((actor, actor) for actor in actors)]


@managers_page
def activity_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show the log of a company, filtered; or send it as a CSV file."""
    rows = AccessLog.objects.filter(root=access.folder.full_root)
    actors = sorted(set(rows.exclude(actor="").order_by().values_list("actor", flat=True).distinct()[:200]))
    form = ActivityFilter(request.GET, actors=actors)
    if form.is_valid():
        rows = _filtered(rows, form.cleaned_data)
    if request.GET.get("format") == "csv":
        return _csv(access, rows)
    page = Paginator(rows.select_related("share"), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "undoable": _undoable(access, page.object_list), "rows": page.object_list}
    return render(request, "companies/activity.html", context)


def safe_cell(value: object) -> str:
    """Return a cell that spreadsheets do not take for a formula: an apostrophe comes before what could be one."""
    text = str(value)
    return f"'{text}" if text.lstrip(" \n").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def _filtered(rows: Any, wanted: dict[str, str]) -> Any:
    if wanted["who"]:
        rows = rows.filter(actor=wanted["who"])
    if wanted["what"]:
        rows = rows.filter(action=wanted["what"])
    if wanted["since"]:
        rows = rows.filter(at__gte=timezone.now() - _SINCE[wanted["since"]])
    if wanted["file"]:
        rows = rows.filter(path__icontains=wanted["file"])
    return rows


def _csv(access: Access, rows: Any) -> HttpResponse:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["time", "who", "action", "path", "link", "network", "browser"])
    for row in rows.select_related("share")[:MOST_IN_CSV]:
        link = row.share.email if row.share else ""
        cells = [row.at.isoformat(), row.actor, row.action, row.path, link, row.network, row.agent]
        writer.writerow([safe_cell(cell) for cell in cells])
    response = HttpResponse(target.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="activity-{access.company.slug}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _undoable(access: Access, rows: Any) -> set[str]:
    """Return the ids of the operations of these rows that can be undone."""
    from files.models import Operation

    ids = {row.detail.get("operation") for row in rows} - {None}
    return {str(each.pk) for each in Operation.objects.filter(pk__in=ids, company=access.company) if each.can_undo}
