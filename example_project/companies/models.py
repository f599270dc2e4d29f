"""Companies, the people in them, and the space they use."""

import secrets
import unicodedata
import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from companies.sizes import GIGABYTE

RESERVED_SLUGS = frozenset({"new", "admin", "static", "media"})


def make_prefix(slug: str) -> str:
    """Return the prefix of a new company. It is never used twice, even if the slug is."""
    return f"companies/{slug}-{secrets.token_hex(4)}/"


def normalise_slug(text: str) -> str:
    """Return the form in which slugs are compared: NFKC, case-folded, without spaces around it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


slug_rule = RegexValidator(
    r"\A[a-z0-9]+(-[a-z0-9]+)*\Z",
    _("Use lower-case letters from a to z, digits, and single hyphens, for example nordlicht-solar."),
)


class SlugField(models.CharField):
    """A slug of ASCII letters. Spellings that people cannot tell apart become the same slug, or are refused."""

    default_validators = [slug_rule]

    def clean(self, value: Any, model_instance: Any) -> Any:
        """Normalise what was typed, before it is validated."""
        return super().clean(normalise_slug(value) if isinstance(value, str) else value, model_instance)


class Company(models.Model):
    """A client of the studio. Its files are below `prefix`, which never changes."""

    name = models.CharField(_("name"), max_length=80)
    slug = SlugField(
        _("short name"),
        max_length=40,
        unique=True,
        blank=True,
        help_text=_("Part of the URLs. It cannot change. Default: made of the name."),
    )
    prefix = models.CharField(max_length=80, unique=True, editable=False)
    logo = models.FileField(_("logo"), upload_to="logos/", blank=True)
    quota = models.PositiveBigIntegerField(_("quota"), default=8 * GIGABYTE, help_text=_("In bytes."))
    bytes_used = models.BigIntegerField(default=0, editable=False)
    files_count = models.BigIntegerField(default=0, editable=False)
    counted_at = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Members of a paused company cannot open it, and its links end.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Give a new company its prefix."""
        self.slug = normalise_slug(self.slug)
        if not self.prefix:
            self.prefix = make_prefix(self.slug)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Make a slug of the name if there is none. Refuse slugs that are part of other URLs."""
        if not self.slug:
            self.slug = slugify(self.name)[:40].strip("-")
        self.slug = normalise_slug(self.slug)
        if not self.slug:
            raise ValidationError({"slug": _("The name has no letters from a to z. Write a short name.")})
        if self.slug in RESERVED_SLUGS:
            raise ValidationError({"slug": _("“%(slug)s” is reserved. Choose another one.") % {"slug": self.slug}})

    @property
    def percent(self) -> int:
        """How much of the quota is used, from 0 to 100."""
        return min(100, round(100 * self.bytes_used / self.quota)) if self.quota else 100

    @property
    def bytes_left(self) -> int:
        """The bytes that are left, without reservations."""
        return max(0, self.quota - self.bytes_used)

    @property
    def is_nearly_full(self) -> bool:
        """Whether 80 % of the quota are used."""
        return self.percent >= 80


class Role(models.TextChoices):
    """What a member may do. `companies.policy` has the table."""

    VIEWER = "viewer", _("Viewer")
    CLIENT = "client", _("Client")
    OWNER = "owner", _("Owner")


class Membership(models.Model):
    """A person in a company."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CLIENT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["company", "user"], name="one_membership_a_person")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Invitation(models.Model):
    """An invitation by mail. The table has only a hash of the token that the mail contains."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CLIENT)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["company", "email_key"], name="one_invitation_an_address")]

    def __str__(self) -> str:
        return self.email

    @property
    def is_expired(self) -> bool:
        """Whether the link of the mail has ended."""
        return self.expires_at <= timezone.now()


class VerifiedEmail(models.Model):
    """An address whose mails a person has read, which an invitation or a link in a mail has proved."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="verified_emails")
    email = models.EmailField(max_length=254)
    email_key = models.CharField(max_length=254, unique=True)
    verified_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.email


class Reservation(models.Model):
    """Space that an upload in progress may use. It counts until it expires or the upload ends."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, models.CASCADE, related_name="reservations")
    bytes = models.PositiveBigIntegerField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company", "expires_at"], name="reservations_of_a_company")]

    def __str__(self) -> str:
        return str(self.id)


class SentMail(models.Model):
    """A mail of the demo, which shows mails instead of sending them."""

    to = models.CharField(max_length=500)
    sender = models.CharField(max_length=300)
    reply_to = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    company = models.ForeignKey(Company, models.CASCADE, null=True, related_name="mails")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-sent_at", "-pk"]

    def __str__(self) -> str:
        return self.subject
