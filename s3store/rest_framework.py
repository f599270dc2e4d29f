"""Serializer fields of Django REST framework for files that clients upload straight to the bucket."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.core.validators import validate_image_file_extension
from django.db import models
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from s3store import errors, urls
from s3store.uploads.destinations import find, is_logged_in
from s3store.uploads.incoming import check_sent, claim, verified_image
from s3store.uploads.owners import current_owner, owner_of
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.views import refused

__all__ = ["S3FileField", "S3ImageField", "upload_urls"]

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


def upload_urls(*classes: type) -> list[URLPattern]:
    """Return the URLs of direct uploads for clients that these authentication classes of REST framework know.

    `path("api/s3store/", include(upload_urls(TokenAuthentication)))`. Default: DEFAULT_AUTHENTICATION_CLASSES.

    A client that no class knows is a visitor. As everywhere in REST framework, the classes decide on CSRF:
    SessionAuthentication demands the token in the header X-CSRFToken, and a header that browsers do not send by
    themselves needs none. Visitors need the token.
    """
    found = classes or tuple(APIView.authentication_classes)
    return [path(str(one.pattern), _authenticated(one.callback, found)) for one in urls.urlpatterns]


class _Unread(BaseParser):  # type: ignore[misc]  # no stubs
    """Leaves the body to the endpoint."""

    media_type = "*/*"

    def parse(self, *_: Any, **__: Any) -> QueryDict:
        return QueryDict()


def _authenticated(view: Callable[..., HttpResponseBase], classes: tuple[type, ...]) -> Callable[..., HttpResponseBase]:
    without_csrf: Callable[..., HttpResponseBase] = view.__wrapped__  # type: ignore[attr-defined]  # of csrf_protect

    @wraps(without_csrf)
    def answer(request: HttpRequest) -> HttpResponseBase:
        # A copy: what REST framework reads of a body would be missing later.
        asking = Request(copy(request), parsers=[_Unread()], authenticators=[one() for one in classes])
        try:
            request.user = asking.user
        except exceptions.PermissionDenied as error:
            return refused(UploadRefusedError("csrf_failed", str(error.detail), status=403))
        except exceptions.APIException as error:
            return refused(UploadRefusedError("login_required", str(error.detail), status=401))
        return (without_csrf if is_logged_in(request) else view)(request)

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # for the middleware: the above decides
    return answer


def _bare(url: str) -> tuple[str, str, str]:
    """Return a URL without its query, which contains the signature."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc, parts.path
