"""The access log: who did what with which file, when and through which link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from django.db import models
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from s3store.sharing.clients import family_of, network_of
from s3store.sharing.configured import user_model
from s3store.sharing.tokens import path_hash

APPEND_ONLY = "The access log is append-only. Old rows are deleted by: manage.py s3sharing prune"


class Rows(models.QuerySet["AccessLog"]):
    """Rows of the log: they can be read and added."""

    def update(self, **_: Any) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(APPEND_ONLY)

    def delete(self) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(APPEND_ONLY)

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(APPEND_ONLY)

    def at_path(self, folder: Any, path: str) -> Rows:
        """Return the rows about exactly this path of the folder's root."""
        return self.filter(root=folder.full_root, path_hash=path_hash(folder.full_root, path))


class AccessLog(models.Model):
    """One thing that somebody did with a file or folder.

    Rows are written in the transaction of the change. They contain a network and the family of the browser, never an
    address of a client. `s3sharing prune` deletes them after 180 days; nothing else changes or deletes a row.
    """

    class Action(models.TextChoices):
        """What was done."""

        OPENED = "opened", _("opened")
        VIEWED = "viewed", _("viewed")
        DOWNLOADED = "downloaded", _("downloaded")
        UPLOADED = "uploaded", _("uploaded")
        MOVED = "moved", _("moved")
        DELETED = "deleted", _("deleted")
        RESTORED = "restored", _("restored")
        SHARED = "shared", _("shared")
        REVOKED = "revoked", _("stopped sharing")
        REFUSED = "refused", _("refused")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=now, editable=False, verbose_name=_("time"))
    root = models.CharField(max_length=255, blank=True, verbose_name=_("root"))
    path = models.CharField(max_length=1024, blank=True, verbose_name=_("path"))
    path_hash = models.CharField(max_length=64, editable=False)
    action = models.CharField(max_length=12, choices=Action.choices, verbose_name=_("action"))
    user = models.ForeignKey(
        user_model(), models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    share = models.ForeignKey(
        "s3store_sharing.Share", models.SET_NULL, null=True, blank=True, related_name="log", verbose_name=_("share")
    )
    actor = models.CharField(max_length=300, blank=True, verbose_name=_("who"))
    network = models.CharField(max_length=43, blank=True, verbose_name=_("network"))
    agent = models.CharField(max_length=20, blank=True, verbose_name=_("browser"))
    detail = models.JSONField(default=dict, blank=True, verbose_name=_("details"))

    objects = Rows.as_manager()

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("access log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["root", "-at"], name="s3store_sharing_log_root"),
            models.Index(fields=["root", "path_hash", "-at"], name="s3store_sharing_log_path"),
            models.Index(fields=["share", "-at"], name="s3store_sharing_log_share"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.path}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises TypeError for a row that is stored already."""
        if not self._state.adding:
            raise TypeError(APPEND_ONLY)
        self.path_hash = path_hash(self.root, self.path)
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(APPEND_ONLY)

    @classmethod
    def record(
        cls,
        action: str,
        *,
        root: str,
        path: str,
        share: Any = None,
        user: Any = None,
        actor: str = "",
        request: HttpRequest | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> AccessLog:
        """Add a row and return it.

        `action` is a value of `AccessLog.Action`. `root` and `path` name the file: `folder.full_root`, and the path
        below it. `user` is who did it, and `actor` what the log calls them: default, the name of the user. `request` is
        where the network and the browser come from, `detail` what JSON can contain, and `share` the link.
        """
        known = user if user is not None and getattr(user, "is_authenticated", False) else None
        return cls.objects.create(
            action=cls.Action(action),
            root=root,
            path=path,
            share=share,
            user=known,
            actor=actor or (person_name(known) if known else ""),
            network=network_of(request),
            agent=family_of(request),
            detail=dict(detail or {}),
        )

    @classmethod
    def older_than(cls, moment: datetime) -> models.QuerySet[AccessLog]:
        """Return the rows before a moment, for the retention command: this query set can be deleted."""
        return cls._base_manager.filter(at__lt=moment)


def person_name(user: Any) -> str:
    """Return what people call a user: the full name, or the user name."""
    full = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return str(full or user.get_username())
