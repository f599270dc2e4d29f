"""Inviting people, changing what they may do, and removing them."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from companies.models import Company, Invitation, Membership, Role, VerifiedEmail
from companies.people import name_of
from companies.tokens import hash_of, make_token
from s3store.sharing import Share, email_key

INVITATION_WORKS_FOR = timedelta(days=14)
INVITATIONS_PER_HOUR = 20


def invite(company: Company, email: str, role: str, *, by: Any) -> Invitation:
    """Invite an address, and send the mail. A second invitation replaces the first one, whose link ends.

    Raises ValidationError for a member, and after 20 invitations in an hour.
    """
    key = _key(email)
    if company.memberships.filter(user__username=key).exists():
        raise ValidationError(_("%(email)s is already a member.") % {"email": email})
    recent = Invitation.objects.filter(invited_by=by, created_at__gt=timezone.now() - timedelta(hours=1)).count()
    if recent >= INVITATIONS_PER_HOUR:
        raise ValidationError(_("You invited many people in the last hour. Try again later."))
    token = make_token()
    with transaction.atomic():
        invitation, _created = Invitation.objects.update_or_create(
            company=company,
            email_key=key,
            defaults={
                "email": email,
                "role": Role(role),
                "token_hash": hash_of(token),
                "invited_by": by,
                "created_at": timezone.now(),
                "expires_at": timezone.now() + INVITATION_WORKS_FOR,
                "accepted_at": None,
            },
        )
        transaction.on_commit(lambda: _send(invitation, token))
    return invitation


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation of a token, unless it was accepted or has expired."""
    found = Invitation.objects.select_related("company", "invited_by").filter(token_hash=hash_of(token)).first()
    if found is None or found.accepted_at or found.is_expired or not found.company.is_active:
        return None
    return found


def accept(invitation: Invitation, user: Any) -> None:
    """Make *user* a member. The address is verified: only its mail has the link.

    Raises ValidationError if the invitation was used meanwhile.
    """
    with transaction.atomic():
        now = timezone.now()
        if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now):
            raise ValidationError(_("This invitation was used already."))
        VerifiedEmail.objects.get_or_create(
            email_key=invitation.email_key, defaults={"user": user, "email": invitation.email}
        )
        Membership.objects.get_or_create(company=invitation.company, user=user, defaults={"role": invitation.role})


def create_account(invitation: Invitation, *, first_name: str, last_name: str, password: str) -> Any:
    """Create an account for the address of an invitation, and accept it. Raises ValidationError if there is one."""
    try:
        with transaction.atomic():
            user = get_user_model().objects.create_user(
                invitation.email_key, invitation.email, password, first_name=first_name, last_name=last_name
            )
            accept(invitation, user)
    except IntegrityError as error:
        raise ValidationError(_("There is an account for this address already. Log in.")) from error
    return user


def change_role(membership: Membership, role: str) -> None:
    """Change what a member may do. Raises ValidationError for the last owner."""
    with transaction.atomic():
        _lock(membership.company)
        if role != Role.OWNER:
            _check_owner_stays(membership)
        Membership.objects.filter(pk=membership.pk).update(role=Role(role))


def remove(membership: Membership, *, by: Any, keep_shares: bool) -> int:
    """Remove a member. With *keep_shares*, the member's links become those of *by*, otherwise they end.

    Return the number of these links. Raises ValidationError for the last owner.
    """
    with transaction.atomic():
        _lock(membership.company)
        _check_owner_stays(membership)
        shares = list(shares_of(membership))
        for share in shares:
            if keep_shares:
                Share.objects.filter(pk=share.pk).update(created_by=by)
            else:
                share.revoke(by)
        membership.delete()
    return len(shares)


def shares_of(membership: Membership) -> Any:
    """Return the links that a member created in the company and that work."""
    return Share.objects.live().filter(root=membership.company.prefix, created_by=membership.user)


def _lock(company: Company) -> None:
    Company.objects.select_for_update().get(pk=company.pk)


def _check_owner_stays(membership: Membership) -> None:
    owners = membership.company.memberships.filter(role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists() and owners.filter(pk=membership.pk).exists():
        raise ValidationError(_("A company keeps at least one owner. Make another member an owner first."))


def _key(email: str) -> str:
    try:
        return email_key(email)
    except ValueError as error:
        raise ValidationError(_("Write an e-mail address like name@example.com.")) from error


def _send(invitation: Invitation, token: str) -> None:
    inviter = " ".join(name_of(invitation.invited_by).split())
    context = {
        "invitation": invitation,
        "company": invitation.company,
        "inviter": inviter,
        "link": settings.PORTAL_URL + reverse("companies:invitation", args=[token]),
    }
    subject = _("%(name)s invites you to the files of %(company)s") % {
        "name": inviter,
        "company": " ".join(invitation.company.name.split()),
    }
    message = EmailMultiAlternatives(
        subject,
        render_to_string("companies/mail/invitation.txt", context),
        to=[invitation.email],
        reply_to=[invitation.invited_by.email],
    )
    message.attach_alternative(render_to_string("companies/mail/invitation.html", context), "text/html")
    message.send()
