"""What a company shares, and what others share with a person."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from companies.access import Access, company_page
from companies.sharing import company_of
from s3store.sharing import Share

SHOWN = 500


@company_page
def shared_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show every link to the files of a company, also those that have ended."""
    shares = list(Share.objects.filter(root=access.folder.full_root).select_related("created_by"))
    for share in shares:
        share.may_log = share.is_managed_by(request.user)
        share.may_stop = share.may_log and share.state in ("active", "paused", "used_up")
    return render(request, "companies/shared.html", {"shares": shares})


@company_page
def stop(request: HttpRequest, access: Access, share: UUID) -> HttpResponse:
    """Ask, then stop a link."""
    found = _managed(request, access, share)
    if request.method == "POST":
        found.revoke(request.user, request=request)
        messages.success(request, _("Stopped. The link of %(email)s does not work any more.") % {"email": found.email})
        return redirect("companies:shared", access.company.slug)
    return render(request, "companies/stop.html", {"share": found})


@company_page
def share_log(request: HttpRequest, access: Access, share: UUID) -> HttpResponse:
    """Show who opened a link, and when."""
    found = _managed(request, access, share)
    return render(request, "companies/share_log.html", {"share": found, "rows": found.log.all()[:SHOWN]})


@login_required
def shared_with_me(request: HttpRequest) -> HttpResponse:
    """Show what others share with the verified addresses of the user."""
    shares = list(Share.objects.shared_with(request.user).live().select_related("created_by"))
    for share in shares:
        share.company = company_of(share.root)
    shares = [share for share in shares if share.company and share.company.is_active]
    return render(request, "companies/shared_with_me.html", {"shares": shares})


def _managed(request: HttpRequest, access: Access, pk: UUID) -> Share:
    """Return a link that the person made, or any link for owners and staff. For others it does not exist."""
    found = Share.objects.filter(pk=pk, root=access.folder.full_root).first()
    if found is None or not found.is_managed_by(request.user):
        raise Http404(_("There is nothing here that you can open."))
    return found
