"""The empty objects that mark folders: their keys end with a slash. AWS: "Organizing objects using folders"."""

from __future__ import annotations

from s3store.core.parameters import Parameters
from s3store.wire.objects import Objects, Target

FOLDER_TYPE = "application/x-directory"
"""The content type of a marker, as the S3 console writes it."""


def write_marker(objects: Objects, target: Target) -> None:
    """Write the marker of a folder: `target` is the result of `Objects.folder`."""
    objects.bucket.put(target.key, b"", Parameters({**target.params, "ContentType": FOLDER_TYPE}))
