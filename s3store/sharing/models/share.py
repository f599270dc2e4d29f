"""A file or folder that is shared with one e-mail address."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any, Literal

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import is_naive, now
from django.utils.translation import gettext_lazy as _

from s3store.sharing import configured, signals
from s3store.sharing.addresses import email_key, email_keys
from s3store.sharing.constraints import check_constraint
from s3store.sharing.models.log import AccessLog, person_name
from s3store.sharing.models.shares import Shares
from s3store.sharing.tokens import hash_of, new_token, path_hash

State = Literal["active", "paused", "expired", "stopped", "used_up"]

MAX_PASSWORD = 128
"""The number of characters of a password. Longer ones are refused before they are hashed."""

MAX_MESSAGE = 500
MAX_ROOT = 255

UNCHANGED: Any = object()


class Share(models.Model):
    """A file or folder that is shared with one e-mail address. Its link is a random token that only the mail contains.

    `root` and `path` name what is shared: `folder.full_root`, and the path below it. Everything else that opens a share
    goes through `s3store.sharing.resolve`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    root = models.CharField(max_length=MAX_ROOT, blank=True, verbose_name=_("root"))
    path = models.CharField(max_length=1024, blank=True, verbose_name=_("path"))
    path_hash = models.CharField(max_length=64, editable=False)
    is_folder = models.BooleanField(default=False, verbose_name=_("is a folder"))
    email = models.EmailField(max_length=254, verbose_name=_("e-mail"))
    email_key = models.CharField(max_length=320, editable=False)
    can_edit = models.BooleanField(default=False, verbose_name=_("can edit"))
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    generation = models.PositiveIntegerField(default=1, editable=False)
    password = models.CharField(max_length=255, blank=True, editable=False)
    expires_at = models.DateTimeField(verbose_name=_("works until"))
    max_downloads = models.PositiveIntegerField(null=True, blank=True, verbose_name=_("maximum number of downloads"))
    downloads = models.PositiveIntegerField(default=0, editable=False, verbose_name=_("downloads"))
    require_account = models.BooleanField(default=False, verbose_name=_("requires an account"))
    message = models.CharField(max_length=MAX_MESSAGE, blank=True, verbose_name=_("message"))
    created_by = models.ForeignKey(
        configured.user_model(), models.SET_NULL, null=True, related_name="+", verbose_name=_("shared by")
    )
    created_at = models.DateTimeField(default=now, editable=False, verbose_name=_("shared at"))
    revoked_at = models.DateTimeField(null=True, editable=False, verbose_name=_("stopped at"))
    paused_at = models.DateTimeField(null=True, editable=False, verbose_name=_("paused at"))
    paused_by = models.CharField(max_length=64, blank=True, editable=False)
    """The operation that deleted the file. Undoing the operation resumes the share."""

    objects = Shares.as_manager()

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["root", "path_hash"], name="s3store_sharing_share_path"),
            models.Index(fields=["email_key", "revoked_at"], name="s3store_sharing_share_email"),
            models.Index(fields=["created_by"], name="s3store_sharing_share_creator"),
            models.Index(fields=["expires_at"], name="s3store_sharing_share_expiry"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["root", "path_hash", "email_key"],
                condition=Q(revoked_at__isnull=True),
                name="s3store_sharing_share_once",
            ),
            check_constraint(
                "s3store_sharing_share_downloads", Q(max_downloads__isnull=True) | Q(downloads__lte=F("max_downloads"))
            ),
            check_constraint("s3store_sharing_share_lifetime", Q(expires_at__gt=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.path or '/'} → {self.email}"

    def __repr__(self) -> str:
        return f"<Share {self.pk}>"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row, with what follows from its path and address."""
        self.path_hash = path_hash(self.root, self.path)
        self.email_key = email_key(self.email)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "path_hash", "email_key"}
        super().save(*args, **kwargs)

    # What it is

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def state(self) -> State:
        """`active`, `stopped`, `expired`, `used_up`, or `paused`: the file is deleted, or nobody answers for it."""
        if self.revoked_at is not None:
            return "stopped"
        if self.expires_at <= now():
            return "expired"
        if self.max_downloads is not None and self.downloads >= self.max_downloads:
            return "used_up"
        if self.paused_at is not None or self.created_by_id is None:
            return "paused"
        return "active"

    @property
    def has_password(self) -> bool:
        """Whether the link needs a password."""
        return bool(self.password)

    @property
    def sender(self) -> str:
        """The name of the user who shares."""
        return person_name(self.created_by) if self.created_by else ""

    @property
    def upload_label(self) -> str:
        """The label of the destination of direct uploads through this share."""
        return f"share-{self.pk.hex}"

    def is_for(self, user: Any) -> bool:
        """Return whether one of the verified addresses of the user is the address of the share."""
        if user is None or not user.is_authenticated:
            return False
        return self.email_key in email_keys(configured.current().verified_addresses(user))

    def is_managed_by(self, user: Any) -> bool:
        """Return whether the user may see and stop the share: its creator, and those that the project names."""
        if user is None or not user.is_authenticated or not user.is_active:
            return False
        return user.pk == self.created_by_id or configured.current().manages(user, self) is True

    def takes(self, password: str) -> bool:
        """Return whether this is the password. Takes as long as Django's hasher: check the limits first."""
        return len(password) <= MAX_PASSWORD and check_password(password, self.password)

    def brand(self) -> dict[str, Any]:
        """Return the name, the logo and the contact that pages and mails show."""
        return {"name": "", "logo": "", "contact": "", **configured.current().brand(self)}

    # What changes it

    def set_link(self) -> str:
        """Give the share a new link, and return it. The old link and its sessions end when the row is saved."""
        token = new_token()
        self.token_hash = hash_of(token)
        return configured.current().base_url.rstrip("/") + reverse("s3store_sharing:open", args=[token])

    def set_password(self, password: str | None) -> None:
        """Set the password, or remove it with None or ""."""
        self.password = make_password(password) if password else ""

    def renew(self, by: Any, *, expires_at: datetime | None = None, request: HttpRequest | None = None) -> str:
        """Give the share a new link and return it. The old link ends at once. A paused share works again.

        `expires_at` is the new expiry, default the old one. `request` is for the log. No mail is sent: see
        `s3store.sharing.create`, which renews and sends. Raises ValidationError for an expiry in the past.
        """
        link = self.set_link()
        if expires_at is not None:
            self.expires_at = in_the_future(expires_at)
        self.paused_at, self.paused_by = None, ""
        with transaction.atomic():
            self.next_generation()
            self.record("shared", user=by, request=request, detail={"renewed": True})
            self.tell(signals.share_renewed, by=by, request=request)
        return link

    def change(
        self,
        by: Any,
        *,
        expires_at: datetime = UNCHANGED,
        password: str | None = UNCHANGED,
        max_downloads: int | None = UNCHANGED,
        can_edit: bool = UNCHANGED,
        request: HttpRequest | None = None,
    ) -> None:
        """Change the expiry, the password, the limit or the right, and keep the link.

        Sessions of the link end with their next request. What is not given stays: `expires_at`, `password` (None
        removes it), `max_downloads` (None: no limit), `can_edit`. `request` is for the log. Raises ValidationError for
        fewer `max_downloads` than there were, and for an expiry that is not in the future.
        """
        if max_downloads is not UNCHANGED and max_downloads is not None and max_downloads < self.downloads:
            raise ValidationError(_("There were more downloads than that already. Stop the share."), code="downloads")
        if expires_at is not UNCHANGED:
            in_the_future(expires_at)
        changes = {"expires_at": expires_at, "max_downloads": max_downloads, "can_edit": can_edit}
        given = {name: value for name, value in changes.items() if value is not UNCHANGED}
        for name, value in given.items():
            setattr(self, name, value)
        if password is not UNCHANGED:
            self.set_password(password)
            given["password"] = None
        with transaction.atomic():
            self.next_generation()
            self.record("shared", user=by, request=request, detail={"changed": sorted(given)})
            self.tell(signals.share_changed, by=by, request=request)

    def revoke(self, by: Any = None, *, request: HttpRequest | None = None) -> None:
        """Stop the share for ever. Sessions of its link end with their next request. Doing it twice is not an error.

        `by` is the user who does it, and `request` is for the log.
        """
        with transaction.atomic():
            changed = Share.objects.filter(pk=self.pk, revoked_at=None).update(
                revoked_at=now(), generation=F("generation") + 1
            )
            if changed:
                self.record("revoked", user=by, request=request)
                self.tell(signals.share_revoked, by=by, request=request)
        self.refresh_from_db(fields=["revoked_at", "generation"])

    def take_download(self) -> bool:
        """Count a download, and return whether the limit allows it. Two requests cannot both get the last one."""
        left = Q(max_downloads=None) | Q(downloads__lt=F("max_downloads"))
        return Share.objects.filter(left, pk=self.pk, revoked_at=None).update(downloads=F("downloads") + 1) == 1

    def record(self, action: str, *, path: str = "", **facts: Any) -> AccessLog:
        """Add a row about this share to the log. `path` is relative to the root of the share."""
        whole = "/".join(part for part in (self.path, path) if part)
        return AccessLog.record(action, root=self.root, path=whole, share=self, **facts)

    def next_generation(self) -> None:
        """Store what was changed. Sessions of the generation before end. Downloads that are counted meanwhile stay."""
        kept = {"id", "downloads", "generation"}
        self.save(update_fields=[field.name for field in self._meta.concrete_fields if field.name not in kept])
        Share.objects.filter(pk=self.pk).update(generation=F("generation") + 1)
        self.refresh_from_db(fields=["generation", "downloads"])

    def tell(self, signal: Any, *, request: HttpRequest | None, **facts: Any) -> None:
        """Send a signal about this share after the transaction."""
        transaction.on_commit(partial(signal.send_robust, sender=Share, share=self, request=request, **facts))


def in_the_future(moment: datetime) -> datetime:
    """Return an aware datetime that is in the future. Raises ValidationError for any other."""
    if is_naive(moment) or moment <= now():
        raise ValidationError(_("The share must end in the future."), code="expiry")
    return moment
