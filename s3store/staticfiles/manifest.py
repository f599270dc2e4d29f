"""The manifest of hashed static files: read when it is first needed, replaced in one step, and cached."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from re import Match
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.errors import MissingReferenceError
from s3store.files.local import replacing
from s3store.files.upload import Upload
from s3store.staticfiles.staging import Staged
from s3store.wire.objects import Objects


class Manifested(ManifestFilesMixin, Staged):  # type: ignore[misc]
    """Django's ManifestFilesMixin for remote files."""

    objects: Objects
    options: Options
    read_bytes: Callable[[str], bytes]

    hashed_pattern = re.compile(r"\.[0-9a-f]{12}(\.[^/.]*)?\Z")
    """Matches the end of names with a content hash: Django's hash, and optionally an extension."""

    @sensitive_variables()
    def __init__(self, *, manifest_storage: Storage | None = None, **options: Any) -> None:
        # Not ManifestFilesMixin's, which reads the manifest: creating a storage sends no request.
        HashedFilesMixin.__init__(self, **options)
        del self.hashed_files
        self._manifest_storage: Any = manifest_storage

    def is_hashed(self, name: str) -> bool:
        """Return whether a file of this name never changes, because its name contains a hash: `hashed_pattern`."""
        return bool(self.hashed_pattern.search(name))

    @property
    def manifest_storage(self) -> Any:  # type: ignore[override]
        """The storage of the manifest. Default: this storage."""
        return self._manifest_storage or self

    @cached_property
    def _manifest(self) -> Any:
        return self.load_manifest()

    @cached_property
    def hashed_files(self) -> dict[str, str]:  # type: ignore[override]
        """The names with a hash, by the names without a hash. Empty if there is no manifest.

        Raises PermissionError if S3 refuses to return the manifest.
        """
        paths: dict[str, str] = self._manifest[0]
        return paths

    @cached_property
    def manifest_hash(self) -> str:  # type: ignore[override]
        """The digest of the manifest."""
        digest: str = self._manifest[1]
        return digest

    def stored_name(self, name: str) -> str:
        """Return the name with a hash. Raises ValueError for a name that is not in the manifest."""
        try:
            return super().stored_name(name)
        except ValueError as error:
            if self.hashed_files:
                raise
            raise ValueError(
                f"{error}: there is no manifest {self.manifest_name!r} yet. Run manage.py collectstatic."
            ) from None

    def url_converter(self, name: str, *args: Any, **kwargs: Any) -> Callable[[Match[str]], str]:
        """Return Django's function that rewrites references in `name`. It raises MissingReferenceError.

        During staging, errors are collected, and the following references are processed too.
        """
        convert = super().url_converter(name, *args, **kwargs)

        def converter(match: Match[str]) -> str:
            try:
                rewritten: str = convert(match)
            except ValueError as error:
                line = match.string.count("\n", 0, match.start()) + 1
                problem = MissingReferenceError(f"{name}, line {line}: {match[0].strip()}: {error}")
                if not self._stage:
                    raise problem from None
                self._stage.problems[str(problem)] = name, problem
                return match[0]
            return rewritten

        return converter

    def history_name(self, manifest_hash: str) -> str:
        """Return the name of the copy of a release's manifest: `staticfiles.<hash>.json`."""
        stem, extension = posixpath.splitext(self.manifest_name)
        return f"{stem}.{manifest_hash}{extension}"

    def save_manifest(self) -> None:
        """Write the manifest of `hashed_files`. Django calls this at the end of its post-processing."""
        storage, self._manifest_storage = self._manifest_storage, _Captured()
        try:
            super().save_manifest()
            content = self._manifest_storage.content
        finally:
            self._manifest_storage = storage
        if self._stage:
            self._stage.manifest = content
        else:
            self.write_manifest(content)

    def write_manifest(self, content: bytes) -> None:
        """Replace the manifest: in one step, if it is kept in S3 or on this machine."""
        storage, name = self.manifest_storage, self.manifest_name
        if isinstance(objects := getattr(storage, "objects", None), Objects):
            # Not save(): a storage that does not overwrite would choose another name.
            target = objects.target(name)
            upload = Upload(objects.bucket, objects.options)
            upload.write(target.key, content, objects.written(target), create=False)
        elif isinstance(storage, FileSystemStorage):
            path = Path(storage.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(content)
        else:
            if storage.exists(name):
                storage.delete(name)
            storage._save(name, ContentFile(content))


class _Captured:
    """Receives a manifest instead of a storage."""

    content = b""

    def exists(self, _: str) -> bool:
        return False

    def _save(self, _: str, content: Any) -> None:
        self.content = content.read()
