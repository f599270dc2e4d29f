"""The storages: Django's Storage contract over one bucket.

Four classes that differ by class attributes alone. What each call costs in requests is in the reference.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.utils import validate_file_name
from django.utils import timezone

from s3store import errors, names
from s3store.conf import from_setting, use_tz
from s3store.content import repeatable, rewind
from s3store.core import keys
from s3store.core.info import ObjectInfo
from s3store.files import S3File, check_mode
from s3store.inflate import encoding_of, plain_size
from s3store.manifest import Manifested
from s3store.presigned import Presigned
from s3store.reader import RangeReader
from s3store.staging import Staged
from s3store.upload import Upload
from s3store.verbs import Verbs
from s3store.writer import ObjectWriter

_NAMES_TRIED = 100


class S3Storage(Presigned, Verbs):
    """Files in an S3 bucket. Options are keyword arguments, class attributes or settings; see Options."""

    # Reading and writing

    def open(
        self, name: str, mode: str = "rb", *, encoding: str | None = None, newline: str | None = None
    ) -> File[Any]:
        """Open a file. Reading sends the first request here and raises FileNotFoundError when there is none;
        writing publishes at `close`, and not at all when the `with` block is left by an exception."""
        return self._open(name, mode, encoding=encoding, newline=newline)

    def _open(self, name: str, mode: str = "rb", *, encoding: str | None = None, newline: str | None = None) -> S3File:
        key = self._key(name)
        name = self._name(key) or ""
        kind = check_mode(mode)
        given = self._parameters(name)
        bucket = self._bucket
        text: dict[str, Any] = {"encoding": encoding, "newline": newline}
        if kind == "r":
            raw = RangeReader(key, lambda start, stop, etag: bucket.get(key, given, start=start, stop=stop, etag=etag))
            self.remember(raw.info)
            return S3File(self, name, mode, raw, inflate=self._inflates, **text)
        if kind == "x":
            bucket.refuse_existing(key, given)
        writer = ObjectWriter(
            Upload(bucket, self.options), key, self._write_parameters(name, given), create=kind == "x"
        )
        return S3File(self, name, mode, writer, **text)

    def save(
        self,
        name: str | None,
        content: Any,
        max_length: int | None = None,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Save a content of any kind and return the name it got.

        Without `file_overwrite`, the name is new: S3 itself refuses to replace an object, and the next name is
        tried. `content_type` and `metadata` (ASCII) are this file's; without a type, the name's extension decides.
        """
        if name is None:
            name = content.name
        validate_file_name(name, allow_relative_path=True)
        # Subclasses that override `_save` with Django's two arguments keep working for those who give no more.
        extra: dict[str, Any] = {"content_type": content_type, "metadata": metadata}
        extra = {key: value for key, value in extra.items() if value is not None}
        if isinstance(content, str | bytes):
            content = ContentFile(content)
        if self.options.file_overwrite:
            saved = self._save(self._available(name, max_length), _as_file(content, name), **extra)
        else:
            with repeatable(content, self.options.max_memory_size) as source:
                saved = self._save_anew(name, _as_file(source, name), max_length, extra)
        validate_file_name(saved, allow_relative_path=True)
        if not getattr(content, "closed", False):
            rewind(content)
        return saved

    def _available(self, name: str, max_length: int | None) -> str:
        found = self.get_available_name(name, max_length=max_length)
        validate_file_name(found, allow_relative_path=True)
        return found

    def _save_anew(self, name: str, content: Any, max_length: int | None, extra: dict[str, Any]) -> str:
        wanted = candidate = self._available(name, max_length)
        for _ in range(_NAMES_TRIED):
            # Subclasses that override `_save` may read the content from where it is.
            rewind(content)
            try:
                return self._save(candidate, content, **extra)
            except errors.ObjectExistsError:
                candidate = names.alternative(wanted, max_length, self.get_alternative_name)
                validate_file_name(candidate, allow_relative_path=True)
        raise errors.ObjectExistsError(
            f"No free name was found for {wanted!r} in {_NAMES_TRIED} tries. {errors.ObjectExistsError.advice}"
        )

    def _save(
        self,
        name: str,
        content: Any,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        key = self._key(name)
        name = self._name(key) or ""
        given = self._write_parameters(name, self._parameters(name), content_type=content_type, metadata=metadata)
        self._facts.forget(key)
        upload = Upload(self._bucket, self.options)
        self.remember(upload.write(key, content, given, create=not self.options.file_overwrite))
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name shortened to `max_length`. Sends no request: `save` finds out whether it is free."""
        overwrite = self.options.file_overwrite
        return names.fitting(name, max_length, None if overwrite else self.get_alternative_name)

    def delete(self, name: str) -> None:
        """Delete a file; that there is none is no error. `dir/` deletes the marker of an empty folder."""
        if not name:
            raise ValueError("The name must be given to delete().")
        key = self._prefix(name) if str(name).endswith("/") else self._key(name)
        self._facts.forget(key)
        self._bucket.delete(key, self._parameters(name))

    # Asking

    def exists(self, name: str) -> bool:
        """Whether there is a file or a directory of that name; a directory is what has keys below it.

        Raises PermissionError when S3 does not say: 403 is never "does not exist".
        """
        bucket = self._bucket
        prefix = self._prefix(name)
        if name and not str(name).endswith("/"):
            key = self._key(name)
            info = bucket.find(key, self._parameters(name))
            if info:
                self.remember(info)
                return True
        page = next(bucket.pages(prefix, self._listing_parameters(), flat=False, limit=1))
        return bool(page.objects) or not name

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the directories and of the files in a directory, both sorted."""
        prefix = self._prefix(path)
        base = keys.clean_name(path).rstrip("/")
        directories: set[str] = set()
        files: set[str] = set()
        for page in self._bucket.pages(prefix, self._listing_parameters(), flat=True):
            for below in page.prefixes:
                if (name := self._name(below.removesuffix("/"))) and not name.endswith("/"):
                    directories.add(posixpath.relpath(name, base or "."))
            for info in page.objects:
                if (name := self._name(info.key)) and not name.endswith("/"):
                    self.remember(info)
                    files.add(posixpath.relpath(name, base or "."))
        return sorted(directories), sorted(files)

    def _info(self, name: str, *, told: str | None = None) -> ObjectInfo:
        key = self._key(name)
        known = self._facts.get(key)
        if known and told and getattr(known, told) is not None:
            return known
        info = self._bucket.head(key, self._parameters(name))
        self.remember(info)
        return info

    def size(self, name: str) -> int:
        """Return the size in bytes of what `read` returns."""
        # A listing does not say whether an object is compressed.
        return self.size_of(self._info(name, told="all_metadata" if self._inflates else "size"))

    def size_of(self, info: ObjectInfo) -> int:
        """Return the size in bytes of what `read` returns for an object that is known already."""
        if not (self._inflates and encoding_of(info)):
            return info.size
        known = plain_size(info)
        if known is not None:
            return known
        with self.open(self._name(info.key) or "") as file:
            return sum(len(chunk) for chunk in file.chunks())

    @property
    def _inflates(self) -> bool:
        """Whether compressed objects are read as what they were: of either kind, as options change."""
        return self.options.gzip or self.options.brotli

    def get_modified_time(self, name: str) -> datetime:
        """Return when the object was written: aware in UTC under USE_TZ, else naive in TIME_ZONE."""
        modified = self._info(name, told="modified").modified
        if modified is None:
            raise errors.InvalidRequestError(f"The server did not say when {name!r} was written.")
        return modified if use_tz() else timezone.make_naive(modified, timezone.get_default_timezone())

    def path(self, name: str) -> str:
        """Raise NotImplementedError: the file is not on this machine."""
        raise NotImplementedError(
            "Files in S3 have no path on this machine. Read them with open(), or fetch one with download_path()."
        )


class S3MediaStorage(S3Storage):
    """What users upload: below `media`, or MEDIAFILES_LOCATION; private, never overwritten."""

    location = from_setting("MEDIAFILES_LOCATION", "media")


class S3StaticStorage(Staged, S3Storage):
    """Static files: below `static`, or STATICFILES_LOCATION; public URLs, overwritten by each deployment."""

    location = from_setting("STATICFILES_LOCATION", "static")
    querystring_auth = False
    file_overwrite = True

    hashed_pattern = re.compile(r"\.[0-9a-f]{12}(\.[^/.]*)?\Z")
    """What the names of files that never change end in: Django's hash, and perhaps an extension."""

    def is_hashed(self, name: str) -> bool:
        """Whether a file of this name never changes, because its name changes instead."""
        return bool(self.hashed_pattern.search(name)) and isinstance(self, Manifested)

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return the parameters of PutObject: browsers keep hashed files for good, and others for a minute."""
        kept = _FOR_GOOD if self.is_hashed(name) else _FOR_A_MINUTE
        return {"CacheControl": kept, **super().get_object_parameters(name)}


class S3ManifestStaticStorage(Manifested, S3StaticStorage):  # type: ignore[misc]
    """Static files under names that carry a hash of their content. The manifest is read when it is first needed."""


_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_A_MINUTE = "public, max-age=60"


def _as_file(content: Any, name: str) -> Any:
    """Give subclasses that override `_save` a Django File, whatever the caller handed in."""
    return content if hasattr(content, "chunks") or not hasattr(content, "read") else File(content, name)
