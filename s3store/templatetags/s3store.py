"""URLs with arguments: {% load s3store %}{% file_url document.scan download_as="scan.pdf" expire=120 %}."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models.fields.files import FieldFile

from s3store.storage import S3Storage

register = template.Library()


@register.simple_tag
def file_url(file: FieldFile | None, **words: Any) -> str:
    """Return the URL of a model's file, or "" without a file. `words` are the keyword arguments of `S3Storage.url`.

    For other storages, such as FileSystemStorage in development, it returns their plain URL.
    """
    if not file:
        return ""
    url: str = file.storage.url(file.name, **words) if isinstance(file.storage, S3Storage) else file.url
    return url
