"""Serializer fields of Django REST framework for files that clients upload straight to the bucket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.validators import validate_image_file_extension
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from s3store import errors
from s3store.uploads.destinations import find
from s3store.uploads.incoming import check_sent, claim, verified_image
from s3store.uploads.owners import current_owner, owner_of
from s3store.uploads.refusals import UploadRefusedError

__all__ = ["S3FileField", "S3ImageField"]

_BUSY = _("The storage is busy. Try again.")


class S3FileField(serializers.FileField):  # type: ignore[misc]  # no stubs
    """A FileField that takes the receipt of a direct upload: `{"file": "<receipt>"}`.

    `destination` is the label of a registered Destination, or of a model field, `app.Model.field`. It decides on sizes
    and types. The receipt must belong to the user of the request in the serializer's context. Files that are uploaded
    through Django, as multipart/form-data, must keep the same rules.

    The name or the URL of the current file keeps it, so that clients can send back what they were sent. Any other text
    is refused. With `allow_null=True`, null clears the field. Empty files are allowed unless the destination has a
    `min_size`.
    """

    def __init__(self, *, destination: str, allow_empty_file: bool = True, **kwargs: Any) -> None:
        self.destination = destination
        super().__init__(allow_empty_file=allow_empty_file, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the uploaded file, or the current one. Raises ValidationError."""
        try:
            if isinstance(data, str) and data:
                return self._current(data) or super().to_internal_value(self._claimed(data))
            file = super().to_internal_value(data)
            destination = find(self.destination)
            if destination is not None:
                check_sent(file, destination)
        except UploadRefusedError as refusal:
            raise serializers.ValidationError(str(refusal), code=refusal.code) from None
        except errors.S3StoreError as error:
            raise serializers.ValidationError(_BUSY, code="storage_busy") from error
        return file

    def _claimed(self, text: str) -> Any:
        destination = find(self.destination)
        if destination is None:
            raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")
        request = self.context.get("request")
        owner = owner_of(request, create=False) if request is not None else current_owner()
        return claim(text, label=self.destination, destination=destination, owner=owner)

    def _current(self, text: str) -> Any:
        """Return the file of the serializer's instance if the text is its name or its URL, however signed."""
        instance = getattr(self.parent, "instance", None)
        file = self.get_attribute(instance) if isinstance(instance, models.Model) else None
        if not file:
            return None
        return file if text == file.name or _bare(text) == _bare(str(self.to_representation(file))) else None


class S3ImageField(S3FileField):
    """An S3FileField that accepts only images that Pillow can read. Needs Pillow.

    Pillow reads from S3 what it needs.
    """

    default_validators = [validate_image_file_extension]
    default_error_messages = serializers.ImageField.default_error_messages

    def to_internal_value(self, data: Any) -> Any:
        """Return the uploaded file with `image`, Pillow's, or the current file. Raises ValidationError."""
        file = super().to_internal_value(data)
        if isinstance(file, FieldFile):
            return file
        try:
            return verified_image(file)
        except errors.S3StoreError as error:
            raise serializers.ValidationError(_BUSY, code="storage_busy") from error
        except ValueError:
            self.fail("invalid_image")


def _bare(url: str) -> tuple[str, str, str]:
    """Return a URL without its query, which contains the signature."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc, parts.path
