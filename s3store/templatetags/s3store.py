"""URLs with arguments: {% load s3store %}{% file_url document.scan download_as="scan.pdf" expire=120 %}."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models.fields.files import FieldFile

from s3store.storage import S3Storage

register = template.Library()


@register.simple_tag
def file_url(file: FieldFile | None, **words: Any) -> str:
    """Return the URL of a model's file, or "" if there is none. The arguments are those of `S3Storage.url`.

    Other storages, such as FileSystemStorage in development, ignore the arguments.
    """
    if not file:
        return ""
    url: str = file.storage.url(file.name, **words) if isinstance(file.storage, S3Storage) else file.url
    return url
