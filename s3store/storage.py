"""The storages: Django's Storage API over one bucket. What each call costs in requests is in the reference."""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name

from s3store import errors
from s3store.conf import installed  # noqa: F401 (registers its check)
from s3store.conf.declared import from_setting
from s3store.conf.sources import django_time
from s3store.core import keys
from s3store.core.info import Grant, ObjectInfo, Stat
from s3store.files import names
from s3store.files.content import repeatable, rewind
from s3store.files.file import NO_PATH, S3File, content_size, inflates, open_file
from s3store.files.saving import save_content
from s3store.links.uploads import PresignedUpload
from s3store.mixins.cloudfront import CloudFront
from s3store.mixins.linked import Linked
from s3store.mixins.located import Located
from s3store.mixins.presigned import Presigned
from s3store.mixins.verbs import Verbs
from s3store.staticfiles.manifest import Manifested
from s3store.staticfiles.staging import Staged
from s3store.wire.objects import Objects

__all__ = [
    "Grant",
    "PresignedUpload",
    "S3File",
    "S3ManifestStaticStorage",
    "S3MediaStorage",
    "S3StaticStorage",
    "S3Storage",
    "Stat",
]

_NAMES_TRIED = 100


class S3Storage(Verbs, Linked, Presigned, CloudFront, Located, Storage):
    """Files in an S3 bucket. Options are keyword arguments, class attributes or settings.

    Creating a storage sends no request, and needs no bucket, credentials or boto3. Storages with equal options compare
    equal. They can be pickled, copied and written into migrations, without secrets. Raises ImproperlyConfigured for
    options that do not exist or are not possible.
    """

    # Reading and writing

    def open(
        self, name: str, mode: str = "rb", *, encoding: str | None = None, newline: str | None = None
    ) -> File[Any]:
        """Open a file and return it as an S3File.

        Reading sends the first request here and raises FileNotFoundError if the file does not exist. Writing publishes
        the file at `close`, and does not publish it if the `with` block raises. `encoding` (default: UTF-8) and
        `newline` apply to text modes.

        Raises FileExistsError for mode `x` if the file exists, io.UnsupportedOperation for a mode that S3 cannot serve,
        and ValueError for an unknown mode.
        """
        # Subclasses that override `_open` with Django's two arguments keep working for callers that give no more.
        extra = {key: value for key, value in (("encoding", encoding), ("newline", newline)) if value is not None}
        return self._open(name, mode, **extra)

    def _open(
        self, name: str, mode: str = "rb", *, encoding: str | None = None, newline: str | None = None
    ) -> File[Any]:
        objects = self.objects
        target = objects.target(name)
        reopen = partial(self.open, target.name)
        return open_file(objects, target, mode, reopen, encoding=encoding, newline=newline)

    def save(
        self,
        name: str | None,
        content: Any,
        max_length: int | None = None,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Save content and return the name of the file.

        `content` is bytes, str (saved as UTF-8), a Django or Python file, or an iterable of bytes or str. A file is
        read from its start if it can seek, and is not closed.

        Without `file_overwrite`, S3 refuses to replace an object, and the next free name is used. `metadata` (ASCII)
        is added to the metadata of the object parameters. Default for `content_type`: the ContentType of the object
        parameters, otherwise by the extension of the name.

        Raises ValueError for metadata or a content type that no header can hold, TypeError if the content is not of a
        supported type, and ObjectExistsError if 100 names are taken.
        """
        if name is None:
            name = content.name
        validate_file_name(name, allow_relative_path=True)
        # Subclasses that override `_save` with Django's two arguments keep working for callers that give no more.
        extra: dict[str, Any] = {"content_type": content_type, "metadata": metadata}
        extra = {key: value for key, value in extra.items() if value is not None}
        if isinstance(content, str | bytes):
            content = ContentFile(content)
        objects = self.objects
        # The hooks below see the same options, whatever another thread changes meanwhile.
        with objects.pinned():
            if objects.options.file_overwrite:
                saved = self._save(self._available(name, max_length), _as_file(content, name), **extra)
            else:
                with repeatable(content, objects.options.max_memory_size) as source:
                    saved = self._save_new(name, _as_file(source, name), max_length, extra)
        validate_file_name(saved, allow_relative_path=True)
        if not getattr(content, "closed", False):
            rewind(content)
        return saved

    def _available(self, name: str, max_length: int | None) -> str:
        """Return the name to try first. S3 says whether it is free when the file is written."""
        if type(self).get_available_name is S3Storage.get_available_name:
            found = self._fitting(name, max_length)
        else:
            found = self.get_available_name(name, max_length=max_length)
        validate_file_name(found, allow_relative_path=True)
        return found

    def _fitting(self, name: str, max_length: int | None) -> str:
        overwrite = self.options.file_overwrite
        return names.fitting(name, max_length, None if overwrite else self.get_alternative_name)

    def _save_new(self, name: str, content: Any, max_length: int | None, extra: dict[str, Any]) -> str:
        wanted = candidate = self._available(name, max_length)
        for _ in range(_NAMES_TRIED):
            # Subclasses that override `_save` may read the content from its current position.
            rewind(content)
            try:
                return self._save(candidate, content, **extra)
            except errors.ObjectExistsError:
                candidate = names.alternative(wanted, max_length, self.get_alternative_name)
                validate_file_name(candidate, allow_relative_path=True)
        raise errors.ObjectExistsError(
            f"No free name was found for {wanted!r} in {_NAMES_TRIED} attempts. {errors.ObjectExistsError.advice}"
        )

    def _save(
        self,
        name: str,
        content: Any,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        objects = self.objects
        target = objects.target(name)
        create = not objects.options.file_overwrite
        save_content(objects, target, content, create=create, content_type=content_type, metadata=metadata)
        return target.name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a name that is free: `name`, or one with a random part, of at most `max_length` characters.

        Costs a request for each name that is tried, and none with `file_overwrite`. `save` does not call it, unless a
        subclass overrides it: it finds out whether the name is free when it writes the file.
        """
        objects = self.objects
        with objects.pinned():
            found = self._fitting(name, max_length)
            while not objects.options.file_overwrite and self._is_taken(objects, found):
                found = names.alternative(name, max_length, self.get_alternative_name)
        return found

    def _is_taken(self, objects: Objects, name: str) -> bool:
        target = objects.target(name)
        return objects.bucket.find(target.key, target.params) is not None

    def delete(self, name: str) -> None:
        """Delete a file. A missing file is not an error. Raises ValueError for an empty name.

        `dir/` deletes the object that marks an empty folder. If the folder contains files, it raises OSError
        (ENOTEMPTY), as Django's FileSystemStorage does: use `delete_tree`.
        """
        if not name:
            raise ValueError("The name must be given to delete().")
        objects = self.objects
        if str(name).endswith("/"):
            target = objects.folder(name)
            page = next(objects.bucket.pages(target.key, objects.listing_params, flat=False, limit=2))
            if any(info.key != target.key for info in page.objects):
                raise OSError(
                    errno.ENOTEMPTY, f"The directory contains files. Delete them with delete_tree({name!r})", str(name)
                )
        else:
            target = objects.target(name)
        objects.bucket.delete(target.key, target.params)

    # Asking

    def exists(self, name: str) -> bool:
        """Return whether a file or a directory of that name exists. A directory exists if there are keys below it.

        Raises PermissionError on 403, which does not say whether the file exists.
        """
        objects = self.objects
        bucket, prefix = objects.bucket, objects.prefix(name)
        if name and not str(name).endswith("/"):
            target = objects.target(name)
            if bucket.find(target.key, target.params):
                return True
        page = next(bucket.pages(prefix, objects.listing_params, flat=False, limit=1))
        return bool(page.objects) or not name

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the directories and of the files in a directory, both sorted.

        A directory that does not exist is empty. Keys that are not possible names are left out.
        """
        objects = self.objects
        prefix = objects.prefix(path)
        base = keys.clean_name(path).rstrip("/") or "."
        directories: set[str] = set()
        files: set[str] = set()
        for page in objects.pages(prefix, flat=True):
            below = (key.removesuffix("/") for key in page.prefixes)
            for found, among in ((below, directories), ((info.key for info in page.objects), files)):
                for key in found:
                    if (name := objects.name(key)) and not name.endswith("/"):
                        among.add(posixpath.relpath(name, base))
        return sorted(directories), sorted(files)

    def size(self, name: str) -> int:
        """Return the size in bytes of what `read` returns. Raises FileNotFoundError."""
        objects = self.objects
        # A listing does not say whether an object is compressed.
        info = _info(objects, name, "all_metadata" if inflates(objects.options) else "size")
        return content_size(info, objects.options, partial(self.open, objects.name(info.key) or ""))

    def get_modified_time(self, name: str) -> datetime:
        """Return the time of the last write: aware, in UTC, with USE_TZ; otherwise naive, in TIME_ZONE.

        Raises FileNotFoundError.
        """
        modified = _info(self.objects, name, "modified").modified
        if modified is None:
            raise errors.InvalidRequestError(f"The server did not return when {name!r} was written.")
        return django_time(modified)

    def path(self, name: str) -> str:
        """Raise NotImplementedError: the file is not on this machine."""
        raise NotImplementedError(NO_PATH)


class S3MediaStorage(S3Storage):
    """Uploaded files, below `media` or the setting MEDIAFILES_LOCATION: private, and never overwritten."""

    location = from_setting("MEDIAFILES_LOCATION", "media")


class S3StaticStorage(Staged, S3Storage):
    """Static files, below `static` or the setting STATICFILES_LOCATION: URLs are not signed, and saving overwrites.

    Browsers may cache a file for a minute, unless `object_parameters` or `headers` set another Cache-Control.
    """

    location = from_setting("STATICFILES_LOCATION", "static")
    querystring_auth = False
    file_overwrite = True

    def is_hashed(self, name: str) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether a file of this name never changes, because its name contains a hash of its content.

        It decides on Cache-Control. False for all names of this class.
        """
        return False

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return the parameters of PutObject: browsers cache hashed files forever, and other files for a minute."""
        cached = _FOREVER if self.is_hashed(name) else _A_MINUTE
        return {"CacheControl": cached, **super().get_object_parameters(name)}


class S3ManifestStaticStorage(Manifested, S3StaticStorage):
    """Static files whose names contain a hash of their content, by Django's ManifestFilesMixin.

    The storage reads the manifest when it is first needed, with one request, and keeps it. Browsers may cache files
    with a hash forever.
    """


_FOREVER = "public, max-age=31536000, immutable"
_A_MINUTE = "public, max-age=60"


def _info(objects: Objects, name: str, attribute: str) -> ObjectInfo:
    target = objects.target(name)
    return objects.bucket.known(target.key, attribute) or objects.bucket.head(target.key, target.params)


def _as_file(content: Any, name: str) -> Any:
    """Give subclasses that override `_save` a Django File, whatever the caller passed."""
    return content if hasattr(content, "chunks") or not hasattr(content, "read") else File(content, name)
