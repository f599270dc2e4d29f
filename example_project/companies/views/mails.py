"""The mails that the demo would send."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_sameorigin

from companies.models import SentMail, VerifiedEmail

SHOWN = 50


def mails_of(user: Any) -> QuerySet[SentMail]:
    """Return the mails that a user caused or received: a mail contains a link, which only these people may see.

    Addresses are compared exactly: databases that ignore case also find look-alike letters.
    """
    addresses = VerifiedEmail.objects.filter(user=user).values("email")
    return SentMail.objects.filter(Q(sent_by=user) | Q(to__in=addresses)).select_related("sent_by")


@login_required
def mails(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Show the list of mails, and one of them."""
    found = mails_of(request.user)
    opened = get_object_or_404(found, pk=pk) if pk else found.first()
    response = render(request, "companies/mails.html", {"mails": found[:SHOWN], "opened": opened})
    response.headers["Cache-Control"] = "private, no-store"
    return response


@login_required
@xframe_options_sameorigin
def mail_html(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the HTML version of a mail, for the frame of the page. It can run and load nothing."""
    mail = get_object_or_404(mails_of(request.user), pk=pk)
    response = HttpResponse(mail.html)
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'self'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
