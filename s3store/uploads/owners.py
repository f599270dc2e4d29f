"""Who uploads: a user, or the session of a visitor. Tickets and receipts work only for their owner."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

_SESSION = "s3store_uploads"

_current: ContextVar[HttpRequest | str | None] = ContextVar("s3store_upload_owner", default=None)


def owner_of(request: HttpRequest, *, create: bool = True) -> str:
    """Return the owner of what this request uploads, as 24 hexadecimal digits.

    Visitors without a session get one, or with `create=False` own nothing.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return owner_of_user(user)
    session = getattr(request, "session", None)
    if session is None:
        return _digest("visitor")
    # Not the session's key: it changes when the session does, if sessions are in cookies.
    if _SESSION not in session:
        if not create:
            return ""
        session[_SESSION] = secrets.token_hex(16)
    return _digest(f"session:{session[_SESSION]}")


def owner_of_user(user: Any) -> str:
    """Return the owner of what this user uploads."""
    return _digest(f"user:{user.pk}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """Let forms in the block accept the uploads of the client of this request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acting_for(user: Any) -> Iterator[None]:
    """Let forms in the block accept the uploads of `user`: for commands, tasks and tests that have no request."""
    token = _current.set(owner_of_user(user))
    try:
        yield
    finally:
        _current.reset(token)


def current_owner() -> str:
    """Return the owner of uploads in the current request. Raises ImproperlyConfigured outside a request."""
    current = _current.get()
    if current is None:
        raise ImproperlyConfigured(
            "A form cannot know who sends it. Add 's3store.middleware.UploadMiddleware' to MIDDLEWARE, after "
            "AuthenticationMiddleware. Outside a request use s3store.uploads.acting_for(user)."
        )
    return current if isinstance(current, str) else owner_of(current, create=False)
