"""Mails that the demo shows on a page instead of sending them."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import HttpRequest, HttpResponse

from companies.models import SentMail

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class OutboxMiddleware:
    """Remembers the request, so that a mail is shown to the person who caused it, and to nobody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)


class OutboxBackend(BaseEmailBackend):
    """An e-mail backend that stores mails as rows."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the messages. Return their number."""
        request = _request.get()
        user = getattr(request, "user", None)
        access = getattr(request, "access", None)
        for message in email_messages:
            message.message()  # raises BadHeaderError, as it would when it is sent
            SentMail.objects.create(
                to=", ".join(message.recipients()),
                sender=message.from_email,
                reply_to=", ".join(message.reply_to),
                subject=message.subject,
                text=str(message.body),
                html=_html_of(message),
                company=access.company if access else None,
                sent_by=user if user is not None and user.is_authenticated else None,
            )
        return len(email_messages)


def _html_of(message: Any) -> str:
    for content, kind in getattr(message, "alternatives", None) or ():
        if kind == "text/html":
            return str(content)
    return ""
