"""The list of companies, and the way of everybody else to their own company."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from companies.access import Access, companies_of, company_page, folder_of
from companies.forms import CompanyForm


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the companies, or the files of the only one."""
    companies = companies_of(request.user)
    if len(companies) == 1 and not request.user.is_staff:
        return redirect("companies:open", companies[0].slug)
    return render(request, "companies/companies.html", {"companies": companies})


@company_page
def opened(request: HttpRequest, access: Access) -> HttpResponse:  # noqa: ARG001
    """Redirect to the files of a company."""
    return redirect("files:browse", access.company.slug)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Create a company: staff only."""
    if not request.user.is_staff:
        raise Http404(_("There is nothing here that you can open."))
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        company = form.save()
        # A marker, so that the folder exists before its first file.
        folder_of(company).storage.create_folder(company.prefix)
        messages.success(request, _("“%(name)s” was created. Invite its owner.") % {"name": company.name})
        return redirect("companies:members", company.slug)
    return render(request, "companies/new.html", {"form": form})
