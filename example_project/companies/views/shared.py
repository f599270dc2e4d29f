"""What a company shares, and what others share with a person."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from companies.access import Access, company_page
from companies.sharing import company_of
from s3store.sharing import Share


@company_page
def shared_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show every link to the files of a company, also those that have ended."""
    shares = list(Share.objects.filter(root=access.folder.full_root).select_related("created_by"))
    for share in shares:
        share.may_log = share.is_managed_by(request.user)
        share.may_stop = share.may_log and share.revoked_at is None
    return render(request, "companies/shared.html", {"shares": shares})


@require_POST
@company_page
def stop(request: HttpRequest, access: Access, share: str) -> HttpResponse:
    """Stop a link: the person who made it, owners and staff. For others it does not exist."""
    found = Share.objects.filter(pk=share, root=access.folder.full_root).first()
    if found is None or not found.is_managed_by(request.user):
        raise Http404(_("There is nothing here that you can open."))
    found.revoke(request.user, request=request)
    messages.success(request, _("Stopped. The link of %(email)s does not work any more.") % {"email": found.email})
    return redirect("companies:shared", access.company.slug)


@login_required
def shared_with_me(request: HttpRequest) -> HttpResponse:
    """Show what others share with the verified addresses of the user."""
    shares = list(Share.objects.shared_with(request.user).live().select_related("created_by"))
    for share in shares:
        share.company = company_of(share.root)
    shares = [share for share in shares if share.company and share.company.is_active]
    return render(request, "companies/shared_with_me.html", {"shares": shares})
