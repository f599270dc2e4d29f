"""What happens to shares when their files are moved, deleted or restored."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from s3store.sharing.models import Share


def moved(sender: Any, *, folder: Any, source: str, target: str, **_: Any) -> None:
    """Let the shares of a moved file or folder, and of what is inside it, follow it."""
    for share in at(folder, source, paused_at=None):
        old = share.path
        if placed(share, source, target, by=folder.user):
            share.record("moved", user=folder.user, detail={"source": old})


def deleted(sender: Any, *, folder: Any, path: str, operation: str = "", **_: Any) -> None:
    """Pause the shares of a deleted file or folder. A new file of that name does not resume them."""
    for share in at(folder, path, paused_at=None):
        Share.objects.filter(pk=share.pk, paused_at=None).update(paused_at=now(), paused_by=operation)


def restored(sender: Any, *, folder: Any, source: str, target: str, operation: str, **_: Any) -> None:
    """Resume the shares that this operation has paused, where their file is now."""
    if not operation:
        return
    for share in at(folder, source, paused_by=operation):
        share.paused_at, share.paused_by = None, ""
        placed(share, source, target, by=folder.user)


def placed(share: Share, source: str, target: str, *, by: Any) -> bool:
    """Store a share whose path below `source` is below `target` now, and return whether it still is one."""
    share.path = target.rstrip("/") + share.path.removeprefix(source.rstrip("/"))
    try:
        with transaction.atomic():
            share.save(update_fields=["path", "paused_at", "paused_by"])
    except IntegrityError:
        # The same address has a share of the target already, where folders were merged or a file was replaced.
        share.refresh_from_db()
        share.revoke(by)
        return False
    return True


def at(folder: Any, path: str, **facts: Any) -> list[Share]:
    """Return the shares of a path, that have not been stopped: a folder's path ends with a slash.

    A file and a folder can have the same name. They have nothing to do with each other.
    """
    is_folder, plain = path.endswith("/"), path.rstrip("/")
    found = Share.objects.filter(revoked_at=None, **facts).below(folder.full_root, plain)
    if is_folder:
        return [share for share in found if share.is_folder or share.path != plain]
    return [share for share in found if share.path == plain and not share.is_folder]
