"""A serializer field of Django REST framework for files that clients upload straight to the bucket."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from s3store import errors
from s3store.uploads.destinations import find
from s3store.uploads.incoming import claim
from s3store.uploads.owners import current_owner, owner_of
from s3store.uploads.refusals import UploadRefusedError

__all__ = ["S3FileField"]


class S3FileField(serializers.FileField):  # type: ignore[misc]  # no stubs
    """A FileField that takes the receipt of a direct upload: `{"file": "<receipt>"}`.

    `destination` is the label of a registered Destination, or of a model field, `app.Model.field`. The receipt must
    belong to the user of the request in the serializer's context. Multipart uploads through Django work as before.
    """

    def __init__(self, *, destination: str, **kwargs: Any) -> None:
        self.destination = destination
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the uploaded file. Raises ValidationError for what is no receipt of this user and destination."""
        if not isinstance(data, str):
            return super().to_internal_value(data)
        destination = find(self.destination)
        request = self.context.get("request")
        owner = owner_of(request, create=False) if request is not None else current_owner()
        if destination is None:
            raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return claim(data, label=self.destination, destination=destination, owner=owner)
        except UploadRefusedError as refusal:
            raise serializers.ValidationError(str(refusal), code=refusal.code) from None
        except errors.S3StoreError as error:
            raise serializers.ValidationError("The storage could not be reached.", code="storage_busy") from error
