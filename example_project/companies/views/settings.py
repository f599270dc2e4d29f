"""The settings of a company: its name and logo, and for staff its space and whether it is active."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from companies.access import Access, company_page
from companies.forms import SettingsForm, StaffSettingsForm
from companies.policy import STAFF
from companies.sizes import GIGABYTE


@company_page
def settings_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show and change the settings. Staff also reach those of a paused company: that is how it becomes active again."""
    if not access.may_manage and access.role != STAFF:
        raise Http404(_("There is nothing here that you can open."))
    form = _form(request, access)
    if request.method == "POST" and form.is_valid():
        company = form.save(commit=False)
        logo = form.cleaned_data.get("logo")
        old = company.logo.name if logo or "remove_logo" in request.POST else ""
        if logo:
            company.logo.save(f"{company.slug}.png", logo, save=False)
        elif old:
            company.logo = ""
        company.save()
        if old:
            company._meta.get_field("logo").storage.delete(old)
        messages.success(request, _("The settings were saved."))
        return redirect("companies:settings", company.slug)
    return render(request, "companies/settings.html", {"form": form})


def _form(request: HttpRequest, access: Access) -> Any:
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    if access.role == STAFF:
        initial = {"quota_gb": (Decimal(access.company.quota) / GIGABYTE).normalize()}
        return StaffSettingsForm(*given, instance=access.company, initial=initial)
    return SettingsForm(*given, instance=access.company)
