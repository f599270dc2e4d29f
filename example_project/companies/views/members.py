"""Who is in a company: inviting, changing roles, removing, and accepting an invitation."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from companies import members
from companies.access import Access, company_page, managers_page
from companies.forms import AccountForm, InviteForm, RoleForm
from companies.models import Invitation, Role


@company_page
def members_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Show the members, and to owners and staff the invitations."""
    return _show(request, access, InviteForm())


@require_POST
@managers_page
def invite(request: HttpRequest, access: Access) -> HttpResponse:
    """Invite an address, or send an invitation again."""
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            found = members.invite(
                access.company, form.cleaned_data["email"], form.cleaned_data["role"], by=request.user
            )
        except ValidationError as error:
            form.add_error("email", error)
        else:
            messages.success(request, _("%(email)s gets a mail with an invitation.") % {"email": found.email})
            return redirect("companies:members", access.company.slug)
    return _show(request, access, form, status=400)


@require_POST
@managers_page
def send_again(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Send a new invitation to the stored address. The old link ends."""
    found = get_object_or_404(Invitation, pk=pk, company=access.company, accepted_at=None)
    try:
        members.invite(access.company, found.email, found.role, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("%(email)s gets a new mail. The old link has ended.") % {"email": found.email})
    return redirect("companies:members", access.company.slug)


@require_POST
@managers_page
def withdraw(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Delete an invitation: its link ends."""
    found = get_object_or_404(Invitation, pk=pk, company=access.company, accepted_at=None)
    found.delete()
    messages.success(request, _("The invitation of %(email)s has ended.") % {"email": found.email})
    return redirect("companies:members", access.company.slug)


@require_POST
@managers_page
def change_role(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Change what a member may do."""
    membership = get_object_or_404(access.company.memberships.select_related("user"), pk=pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            members.change_role(membership, form.cleaned_data["role"])
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The role was changed."))
    return redirect("companies:members", access.company.slug)


@managers_page
def remove(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Ask what happens to the links of a member, then remove the member."""
    membership = get_object_or_404(access.company.memberships.select_related("user"), pk=pk)
    shares = members.shares_of(membership)
    if request.method == "POST":
        keep = request.POST.get("shares") == "keep"
        try:
            count = members.remove(membership, by=request.user, keep_shares=keep)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _removed(membership.user, count, keep=keep))
        return redirect("companies:members", access.company.slug)
    return render(request, "companies/remove_member.html", {"membership": membership, "shares": shares})


@sensitive_post_parameters("password")
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person create an account, or join with the account of the address."""
    invitation = members.find_invitation(token)
    if invitation is None:
        return _private(render(request, "companies/invitation_ended.html", status=410))
    account = get_user_model().objects.filter(username=invitation.email_key).first()
    if account is not None:
        return _private(_join(request, invitation, account))
    form = AccountForm(request.POST if request.method == "POST" and not request.user.is_authenticated else None)
    if form.is_valid():
        try:
            user = members.create_account(invitation, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            messages.success(request, _("You are a member of %(company)s.") % {"company": invitation.company.name})
            return redirect("companies:open", invitation.company.slug)
    context = {"invitation": invitation, "form": form, "needs_logout": request.user.is_authenticated}
    return _private(render(request, "companies/invitation.html", context))


def _join(request: HttpRequest, invitation: Invitation, account: Any) -> HttpResponse:
    """Let the person with the account of the invited address join: the mail and the password prove who it is."""
    is_account = request.user.is_authenticated and request.user.pk == account.pk
    if request.method == "POST" and is_account:
        try:
            members.accept(invitation, account)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("companies:home")
        messages.success(request, _("You are a member of %(company)s.") % {"company": invitation.company.name})
        return redirect("companies:open", invitation.company.slug)
    context = {
        "invitation": invitation,
        "join": is_account,
        "needs_login": not request.user.is_authenticated,
        "needs_logout": request.user.is_authenticated and not is_account,
    }
    return render(request, "companies/invitation.html", context)


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _show(request: HttpRequest, access: Access, form: InviteForm, *, status: int = 200) -> HttpResponse:
    context = {
        "memberships": access.company.memberships.select_related("user"),
        "invitations": access.company.invitations.filter(accepted_at=None) if access.may_manage else (),
        "form": form,
        "roles": Role.choices,
    }
    return render(request, "companies/members.html", context, status=status)


def _removed(user: Any, count: int, *, keep: bool) -> str:
    from companies.people import name_of

    facts = {"name": name_of(user), "count": count}
    if not count:
        return _("%(name)s was removed.") % facts
    if keep:
        text = ngettext(
            "%(name)s was removed. %(count)s link is yours now.",
            "%(name)s was removed. %(count)s links are yours now.",
            count,
        )
    else:
        text = ngettext(
            "%(name)s was removed. %(count)s link has ended.",
            "%(name)s was removed. %(count)s links have ended.",
            count,
        )
    return text % facts
