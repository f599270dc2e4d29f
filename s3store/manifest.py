"""The manifest of hashed static files: read when it is first needed, replaced in one step, and kept for a while."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from re import Match
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.views.decorators.debug import sensitive_variables

from s3store.located import Located
from s3store.staging import Staged
from s3store.upload import Upload


class MissingReferenceError(ValueError):
    """A static file refers to one that no finder has. The message names file and line."""


class Manifested(ManifestFilesMixin, Staged):  # type: ignore[misc]
    """Django's ManifestFilesMixin for files that are far away."""

    @sensitive_variables()
    def __init__(self, *, manifest_storage: Storage | None = None, **options: Any) -> None:
        # Not by way of ManifestFilesMixin, which reads the manifest: a storage is made without a request.
        HashedFilesMixin.__init__(self, **options)
        del self.hashed_files
        self._manifest_storage: Any = manifest_storage

    @property
    def manifest_storage(self) -> Any:  # type: ignore[override]
        """Where the manifest is kept: beside the files, unless another storage was given."""
        return self._manifest_storage or self

    @cached_property
    def _manifest(self) -> Any:
        return self.load_manifest()

    @cached_property
    def hashed_files(self) -> dict[str, str]:  # type: ignore[override]
        """The names with a hash, by the names without."""
        paths: dict[str, str] = self._manifest[0]
        return paths

    @cached_property
    def manifest_hash(self) -> str:  # type: ignore[override]
        """The manifest's own digest."""
        digest: str = self._manifest[1]
        return digest

    def stored_name(self, name: str) -> str:
        """Return the name with a hash. Raises ValueError for one that the manifest lacks."""
        try:
            return super().stored_name(name)
        except ValueError as error:
            if self.hashed_files:
                raise
            raise ValueError(
                f"{error}: there is no manifest {self.manifest_name!r} yet. Run manage.py collectstatic."
            ) from None

    def url_converter(self, name: str, *args: Any, **kwargs: Any) -> Callable[[Match[str]], str]:
        """Return Django's function that rewrites references in `name`, with errors that say where they are.

        On the stage they are written down, and what follows is looked at, too.
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
        """Return the name of the copy of a release's manifest that is kept in the bucket."""
        stem, extension = posixpath.splitext(self.manifest_name)
        return f"{stem}.{manifest_hash}{extension}"

    def save_manifest(self) -> None:
        """Write the manifest; on the stage, leave it there."""
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
        """Replace the manifest; there is always one, the old or the new."""
        storage, name = self.manifest_storage, self.manifest_name
        if isinstance(storage, Located):
            # Not saved: a storage that does not overwrite would keep it under another name.
            given = storage._write_parameters(name, storage._parameters(name))
            Upload(storage._bucket, storage.options).write(storage._key(name), content, given, create=False)
            return
        if not isinstance(storage, FileSystemStorage):
            if storage.exists(name):
                storage.delete(name)
            storage._save(name, ContentFile(content))
            return
        path = Path(storage.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)


class _Captured:
    """Takes a manifest instead of a storage."""

    content = b""

    def exists(self, _: str) -> bool:
        return False

    def _save(self, _: str, content: Any) -> None:
        self.content = content.read()
