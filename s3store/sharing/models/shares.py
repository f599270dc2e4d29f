"""Query sets of shares: which of them work, which concern a path, and whose they are."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from s3store.sharing import configured
from s3store.sharing.addresses import email_keys
from s3store.sharing.tokens import path_hash


class Shares(models.QuerySet[Any]):
    """Query sets of shares."""

    def live(self) -> Shares:
        """Return the shares that work now: not stopped, expired, paused or used up."""
        left = Q(max_downloads=None) | Q(downloads__lt=F("max_downloads"))
        return self.filter(left, revoked_at=None, paused_at=None, created_by__isnull=False, expires_at__gt=now())

    def for_path(self, folder: Any, path: str, *, below: bool = False) -> Shares:
        """Return the shares through which others reach a path: those of the path, and of the folders above it.

        With `below`, also the shares of what is inside the folder `path`. It includes shares that have ended: add
        `.live()`.
        """
        root, path = folder.full_root, path.strip("/")
        parts = path.split("/")
        chain = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)] if path else []
        wanted = Q(path_hash__in=[path_hash(root, found) for found in chain])
        # The root itself can be shared too.
        wanted |= Q(path_hash=path_hash(root, ""))
        if below:
            wanted |= Q(pk__in=[share.pk for share in self.below(root, path)])
        return self.filter(wanted, root=root)

    def below(self, root: str, path: str) -> list[Any]:
        """Return the shares of exactly `path` and of everything inside it.

        Databases compare prefixes in their own way: in SQLite `docs/` also matches `Docs/`. So Python decides.
        """
        inside = f"{path}/" if path else ""
        found = self.filter(Q(path=path) | Q(path__startswith=inside), root=root)
        return [share for share in found if share.path == path or share.path.startswith(inside)]

    def shared_with(self, user: Any) -> Shares:
        """Return the shares for the verified addresses of a user."""
        addresses = configured.current().verified_addresses(user) if user.is_authenticated else ()
        return self.filter(email_key__in=email_keys(addresses))

    def managed_by(self, user: Any) -> list[Any]:
        """Return the shares that the user created or manages, newest first."""
        if not configured.current().has_managers:
            return list(self.filter(created_by=user)) if user.is_active else []
        return [share for share in self.select_related("created_by") if share.is_managed_by(user)]
