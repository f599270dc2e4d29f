"""The model of the library: a document."""

import logging
import re
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import models, transaction
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from library.inspection import ACCEPT, MAX_BYTES, Facts
from s3store.fields import S3FileField

logger = logging.getLogger(__name__)


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents, filtered by user."""

    def visible_to(self, user: Any) -> "DocumentQuerySet":
        """Exclude private documents of other users; see Document.may_be_seen_by."""
        if user.has_perm("library.view_document"):
            return self
        return self.filter(models.Q(is_private=False) | models.Q(uploaded_by=user))


class Document(models.Model):
    """A picture or PDF document. Its content is an object in the bucket.

    Columns contain everything that a page shows, so that a list of documents needs no request to S3.
    """

    title = models.CharField(_("title"), max_length=120)
    is_private = models.BooleanField(
        _("private"), default=False, help_text=_("Only you and administrators may open it.")
    )
    original_name = models.CharField(_("original name"), max_length=200, editable=False)
    file = S3FileField(
        _("file"),
        upload_to="documents/%Y/%m/",
        max_length=255,
        editable=False,
        accept=ACCEPT,
        max_size=MAX_BYTES,
    )
    thumbnail = models.FileField(
        _("thumbnail"), upload_to="thumbnails/%Y/%m/", max_length=255, blank=True, editable=False
    )
    size = models.PositiveBigIntegerField(_("size"), editable=False)
    content_type = models.CharField(_("type"), max_length=80, editable=False)
    width = models.PositiveIntegerField(_("width"), null=True, editable=False)
    height = models.PositiveIntegerField(_("height"), null=True, editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("uploaded by"),
        on_delete=models.PROTECT,
        related_name="documents",
        editable=False,
    )
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["-created_at", "-pk"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._superseded: list[tuple[Storage, str]] = []

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row. The objects of a replaced file are deleted after the commit."""
        super().save(*args, **kwargs)
        superseded, self._superseded = self._superseded, []
        remove_after_commit(superseded)

    def get_absolute_url(self) -> str:
        """Return the URL of the document's page."""
        return reverse("library:detail", args=[self.pk])

    @property
    def kind(self) -> str:
        """The short name of the type: PDF, JPEG, PNG."""
        return self.content_type.rpartition("/")[2].upper().replace("WEBP", "WebP")

    @property
    def is_picture(self) -> bool:
        """Whether the document is a picture."""
        return self.content_type.startswith("image/")

    @property
    def was_changed(self) -> bool:
        """Whether the document was changed after the upload."""
        return self.updated_at - self.created_at > timedelta(seconds=1)

    @property
    def download_name(self) -> str:
        """The name of the file for downloads: the title with the extension of the file."""
        stem, extension = re.sub(r"[/\\]", "-", self.title), PurePath(self.file.name or "").suffix
        return stem if stem.lower().endswith(extension) else stem + extension

    def may_be_seen_by(self, user: Any) -> bool:
        """Return whether *user* may open the document. Everyone may, unless it is private."""
        return not self.is_private or user.pk == self.uploaded_by_id or user.has_perm("library.view_document")

    def may_be_changed_by(self, user: Any) -> bool:
        """Return whether *user* may replace the file: the uploader, and users with the permission."""
        return user.pk == self.uploaded_by_id or user.has_perm("library.change_document")

    def may_be_deleted_by(self, user: Any) -> bool:
        """Return whether *user* may delete the document: the uploader, and users with the permission."""
        return user.pk == self.uploaded_by_id or user.has_perm("library.delete_document")

    def objects_in_bucket(self) -> list[tuple[Storage, str]]:
        """Return the storage and name of each object of the document."""
        return [(field.storage, field.name) for field in (self.file, self.thumbnail) if field]

    def attach(self, upload: File, facts: Facts) -> None:
        """Set *upload* as the document's file. save() then stores it and deletes the previous one.

        A direct upload is in the bucket already: save() copies it inside S3.

        The extension depends on the content, not on the uploaded name: S3 serves the type of the
        extension, and a picture with the name ``page.html`` must not be served as HTML.
        """
        self._superseded += self.objects_in_bucket()
        # Browsers send a quotation mark in the name of a file as %22.
        self.original_name = PurePath((upload.name or "document").replace("%22", '"')).name[-200:]
        self.title = self.title or PurePath(self.original_name).stem[:120]
        stem = slugify(PurePath(self.original_name).stem)[:80] or "document"
        self.size = facts.size
        self.content_type = facts.content_type
        self.width = facts.width
        self.height = facts.height
        upload.name = stem + facts.extension
        self.file = upload
        # Browsers cache thumbnails, so a name must never be used again for another picture.
        small = f"{stem}-{get_random_string(12).lower()}.webp"
        self.thumbnail = ContentFile(facts.thumbnail, name=small) if facts.thumbnail else ""


def remove_after_commit(objects: list[tuple[Storage, str]]) -> None:
    """Delete *objects* after the transaction is committed. A rollback keeps them.

    A failure is logged. It can leave an object without a row, but never a row without its object.
    """

    def remove() -> None:
        for storage, name in objects:
            try:
                storage.delete(name)
            except OSError:
                logger.exception("The row of %s is deleted, but its object is not.", name)

    if objects:
        transaction.on_commit(remove, robust=True)
