"""The pages about companies: the list of the studio, and the way of everybody else to their own company."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from companies.access import Access, companies_of, company_page


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
