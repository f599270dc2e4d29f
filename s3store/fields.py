"""A model field whose files have the methods of S3Storage."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import IO, cast

from django.db.models.fields.files import FieldFile, FileField

from s3store.core.info import Grant, Stat
from s3store.storage import S3Storage

__all__ = ["S3FieldFile", "S3FileField"]


class S3FieldFile(FieldFile):
    """The value of an S3FileField: Django's FieldFile, with methods of S3Storage.

    Without a file, they raise ValueError, as FieldFile does.
    """

    @property
    def _s3(self) -> S3Storage:
        self._require_file()  # type: ignore[attr-defined]
        return cast("S3Storage", self.storage)

    @property
    def _stored_name(self) -> str:
        return cast("str", self.name)

    def get_url(
        self,
        expire: int | timedelta | None = None,
        *,
        signed: bool | None = None,
        download_as: str | None = None,
        content_type: str | None = None,
        inline: bool = False,
    ) -> str:
        """Return the URL. The arguments are those of `S3Storage.url`."""
        return self._s3.url(
            self._stored_name,
            expire=expire,
            signed=signed,
            download_as=download_as,
            content_type=content_type,
            inline=inline,
        )

    def stat(self) -> Stat:
        """Return what S3 knows about the file. Always sends a request."""
        return self._s3.stat(self._stored_name)

    def get_metadata(self) -> dict[str, str]:
        """Return the user metadata: one request."""
        return self._s3.get_metadata(self._stored_name)

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Replace the user metadata."""
        self._s3.set_metadata(self._stored_name, metadata)

    def get_acl(self) -> tuple[Grant, ...]:
        """Return the grants of the ACL."""
        return self._s3.get_acl(self._stored_name)

    def set_acl(self, acl: str) -> None:
        """Replace the ACL with a canned ACL."""
        self._s3.set_acl(self._stored_name, acl)

    def download_to(self, target: IO[bytes]) -> int:
        """Write the content to an open binary file, and return the number of bytes."""
        return self._s3.download_to(self._stored_name, target)

    def download_path(self, path: str | os.PathLike[str]) -> Path:
        """Download the file to a local path, and return the path. The local file appears complete or not at all."""
        return self._s3.download_path(self._stored_name, path)


class S3FileField(FileField):
    """A FileField whose values are S3FieldFile objects. Its storage must be an S3Storage."""

    attr_class = S3FieldFile
