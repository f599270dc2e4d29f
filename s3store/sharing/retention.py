"""Personal data: how long it is kept, what is known about an address, and how it is erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from s3store.sharing.addresses import email_key
from s3store.sharing.models import AccessLog, Attempt, Share

ERASED = "erased@invalid"
"""The address of shares whose recipient was erased. RFC 2606 reserves the domain: no mail arrives."""


def prune(days: int, *, dry_run: bool = False) -> dict[str, int]:
    """Delete rows of the log that are older than `days`, shares that ended before that, and old counters.

    Returns how many. With `dry_run`, nothing is deleted.
    """
    moment = now() - timedelta(days=days)
    found: dict[str, Any] = {
        "log": AccessLog.older_than(moment),
        "shares": Share.objects.filter(Q(revoked_at__lt=moment) | Q(expires_at__lt=moment)),
        "attempts": Attempt.objects.filter(window__lt=int((now() - timedelta(days=2)).timestamp())),
    }
    counts = {name: rows.count() for name, rows in found.items()}
    if not dry_run:
        with transaction.atomic():
            for rows in found.values():
                rows.delete()
    return counts


def about(email: str) -> Iterator[dict[str, Any]]:
    """Yield what is stored about an address: its shares, and the rows of the log about them. It contains no secret."""
    shares = Share.objects.filter(email_key=email_key(email))
    for share in shares:
        yield {
            "kind": "share",
            "id": str(share.pk),
            "email": share.email,
            "path": share.path,
            "can_edit": share.can_edit,
            "created_at": share.created_at.isoformat(),
            "expires_at": share.expires_at.isoformat(),
            "state": share.state,
            "downloads": share.downloads,
            "message": share.message,
        }
    for row in AccessLog.objects.filter(share__in=shares):
        yield {
            "kind": "access",
            "at": row.at.isoformat(),
            "action": row.action,
            "actor": row.actor,
            "path": row.path,
            "network": row.network,
            "browser": row.agent,
        }


def erase(email: str, *, at: datetime | None = None) -> dict[str, int]:
    """Stop the shares of an address, and remove the address and what its clients left. Returns how many rows.

    The log keeps what was done with which file, without who and where. `at` is the time of the stop. Default: now.
    """
    key = email_key(email)
    with transaction.atomic():
        shares = list(Share.objects.filter(email_key=key))
        for share in shares:
            share.revoke()
        ids = [share.pk for share in shares]
        # Erasing is part of retention: the one place beside `prune` that changes the log.
        rows = AccessLog._base_manager.filter(share__in=ids)
        told = rows.update(actor="", network="", agent="", detail={})
        for share in shares:
            share.email, share.message = ERASED, ""
            share.revoked_at = at or share.revoked_at
            share.save(update_fields=["email", "message", "revoked_at"])
    return {"shares": len(shares), "log": told}


def ending(days: int) -> list[Share]:
    """Return the shares that end within `days`."""
    return list(Share.objects.live().filter(expires_at__lt=now() + timedelta(days=days)))
