"""Saving content of any kind as a new file or over another one, with the headers of the options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3store.files.stored import StoredFile
from s3store.files.upload import Upload
from s3store.wire.objects import Objects, Target


def save_content(
    objects: Objects,
    target: Target,
    content: Any,
    *,
    create: bool,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write content to a file: an object of the same bucket is copied inside S3.

    Raises ObjectExistsError with `create` if the file exists, and ValueError for a content type or metadata that no
    header can hold.
    """
    if isinstance(content, StoredFile) and content.is_in(objects):
        own = content_type or target.params.get("ContentType") or content.content_type
        params = objects.written(target, content_type=own, metadata=metadata)
        content.copy_to(objects, target.key, params, create=create)
    else:
        params = objects.written(target, content_type=content_type, metadata=metadata)
        Upload(objects.bucket, objects.options).write(target.key, content, params, create=create)
