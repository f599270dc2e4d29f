"""The mails about shares: text and HTML, from the site, with the member's address for replies."""

from __future__ import annotations

from email.headerregistry import Address
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from s3store.sharing import configured
from s3store.sharing.models import Share


@sensitive_variables("link")
def send_link(share: Share, link: str) -> None:
    """Send the link to the stored address of the share. The subject names no file, and nobody's address."""
    brand = share.brand()
    values = {"sender": one_line(share.sender), "brand": one_line(brand["name"])}
    subject = (
        _("%(sender)s shared a file with you") if not share.is_folder else _("%(sender)s shared a folder with you")
    )
    _send("link", subject % values, share.email, share, {"link": link, "brand": brand}, reply_to=share.created_by)


def send_locked(share: Share) -> None:
    """Tell the user who shared that somebody tried too many wrong passwords."""
    address = getattr(share.created_by, "email", "")
    if address:
        _send("locked", _("Somebody tried wrong passwords"), address, share, {"brand": share.brand()})


def locked(sender: Any, *, share: Share, **_: Any) -> None:
    """Send the mail of `send_locked`: the receiver of the signal."""
    send_locked(share)


def send_ending(share: Share) -> None:
    """Tell the user who shared that the share ends soon."""
    address = getattr(share.created_by, "email", "")
    if address:
        _send("ending", _("A share ends soon"), address, share, {"brand": share.brand()})


def _send(name: str, subject: str, to: str, share: Share, context: dict[str, Any], *, reply_to: Any = None) -> None:
    context = {**context, "share": share, "sender": share.sender}
    answer = getattr(reply_to, "email", "")
    message = EmailMultiAlternatives(
        subject=one_line(subject),
        body=render_to_string(f"s3store_sharing/mail/{name}.txt", context),
        from_email=configured.current().from_email,
        to=[to],
        reply_to=[str(Address(one_line(share.sender), addr_spec=answer))] if answer else [],
    )
    message.attach_alternative(render_to_string(f"s3store_sharing/mail/{name}.html", context), "text/html")
    message.send()


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters, for a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:150]
