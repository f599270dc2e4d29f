"""The manifest of hashed static files: read when it is first needed, replaced in one step, and cached."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from re import Match
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.contrib.staticfiles.utils import matches_patterns
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.conf.sources import is_debug
from s3store.errors import MissingReferenceError
from s3store.files.codec import unpacker
from s3store.files.file import S3File
from s3store.files.local import replacing
from s3store.files.upload import Upload
from s3store.staticfiles.staging import Staged
from s3store.wire.objects import Objects


class Manifested(ManifestFilesMixin, Staged):
    """Django's ManifestFilesMixin for remote files."""

    objects: Objects
    options: Options

    hashed_pattern = re.compile(r"\.[0-9a-f]{12}(\.[^/.]*)?\Z")
    """Matches the end of names with a content hash: Django's hash, and optionally an extension."""

    _manifest: Any = None
    _patterns: Any

    @sensitive_variables()
    def __init__(self, *, manifest_storage: Storage | None = None, **options: Any) -> None:
        # Not ManifestFilesMixin's, which reads the manifest: creating a storage sends no request.
        HashedFilesMixin.__init__(self, **options)
        self._manifest = None
        self._manifest_storage: Any = manifest_storage

    def is_hashed(self, name: str) -> bool:
        """Return whether a file of this name never changes, because its name contains a hash: `hashed_pattern`."""
        return bool(self.hashed_pattern.search(name))

    @property
    def manifest_storage(self) -> Any:
        """The storage of the manifest. Default: this storage."""
        return self._manifest_storage or self

    @manifest_storage.setter
    def manifest_storage(self, storage: Storage | None) -> None:
        self._manifest_storage = storage

    def _read(self) -> tuple[dict[str, str], str]:
        acting: Any = self._acting
        if acting._manifest is None:
            acting._manifest = acting.load_manifest()
        found: tuple[dict[str, str], str] = acting._manifest
        return found

    @property
    def hashed_files(self) -> dict[str, str]:
        """The names with a hash, by the names without a hash. Empty if there is no manifest.

        Raises PermissionError if S3 refuses to return the manifest.
        """
        return self._read()[0]

    @hashed_files.setter
    def hashed_files(self, paths: dict[str, str]) -> None:
        self._manifest = paths, self._manifest[1] if self._manifest else ""

    @property
    def manifest_hash(self) -> str:
        """The digest of the manifest."""
        return self._read()[1]

    @manifest_hash.setter
    def manifest_hash(self, digest: str) -> None:
        self._manifest = self.hashed_files, digest

    def read_manifest(self) -> Any:
        """Return the text of the manifest, or None if there is none. It is unpacked if it is stored compressed."""
        try:
            with self.manifest_storage.open(self.manifest_name) as file:
                return unpacked(file).decode()
        except FileNotFoundError:
            return None

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

    def url(self, name: str | None, *args: Any, force: bool = False, **kwargs: Any) -> str:
        """Return the URL of the file with a hash. With DEBUG, unless `force`: of the file without one.

        The other arguments are those of `S3Storage.url`. The name may end with a query or a fragment; signed URLs have
        no room for a query. A name that ends with a slash is a directory. Raises ValueError for a name that is not in
        the manifest.
        """
        path, fragment = urldefrag(name or "")
        if (is_debug() and not force) or urlsplit(path).path.endswith("/"):
            # Django's class takes names from templates as parts of URLs.
            path = unquote(path)
        else:
            path = self.stored_name(path)
        path, _, query = path.partition("?")
        # Not Django's method, which undoes the quoting.
        url: str = super(HashedFilesMixin, self).url(path, *args, **kwargs)
        if (query or "?#" in (name or "")) and "?" not in url:
            url = f"{url}?{query}"
        return f"{url}#{fragment}" if fragment else url

    def url_converter(self, name: str, *args: Any, **kwargs: Any) -> Callable[[Match[str]], str]:
        """Return Django's function that rewrites references in `name`. It raises MissingReferenceError."""
        convert = super().url_converter(name, *args, **kwargs)

        def converter(match: Match[str]) -> str:
            try:
                rewritten: str = convert(match)
            except ValueError as error:
                raise _missing(name, match, error) from None
            return rewritten

        return converter

    def post_process(self, paths: Mapping[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Yield what Django's `post_process` yields. Files that are staged are processed in a dry run too.

        Then all problems are yielded: each missing reference, and each file that is not UTF-8. Django stops at the
        first of a file.
        """
        if not self._stage:
            yield from super().post_process(paths, dry_run=dry_run, **options)
            return
        undecodable = dict(_undecodable(self._patterns, paths))
        problems: dict[str, tuple[str, Exception]] = {}
        self.url_converter = partial(_collecting, self.url_converter, problems)  # type: ignore[method-assign]
        yield from super().post_process(
            {name: place for name, place in paths.items() if name not in undecodable}, **options
        )
        for name, error in (*undecodable.items(), *problems.values()):
            yield name, None, error

    def save_manifest(self) -> None:
        """Write the manifest of `hashed_files`. Django calls this at the end of its post-processing."""
        held_back = HeldBack(self.manifest_storage)
        storage, self._manifest_storage = self._manifest_storage, held_back
        try:
            super().save_manifest()
        finally:
            self._manifest_storage = storage
        replace_manifest(self, held_back.content or b"")


class HeldBack(Storage):
    """Stands in for the storage of a manifest, and keeps what is written. Until then, reading returns `published`."""

    def __init__(self, published: Storage) -> None:
        self.content: bytes | None = None
        self._published = published

    def exists(self, name: str) -> bool:  # noqa: ARG002
        """Return whether a manifest was written."""
        return self.content is not None

    def delete(self, name: str) -> None:  # noqa: ARG002
        """Forget what was written."""
        self.content = None

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return self._published.open(name, mode) if self.content is None else ContentFile(self.content)

    def _save(self, name: str, content: File[Any]) -> str:
        self.content = content.read()
        return name


def replace_manifest(storage: Any, content: bytes) -> None:
    """Replace the manifest of a storage: in one step, if it is kept in S3 or on this machine."""
    target, name = storage.manifest_storage, storage.manifest_name
    if isinstance(objects := getattr(target, "objects", None), Objects) and not getattr(target, "_stage", None):
        # Not save(): a storage that does not overwrite would choose another name.
        found = objects.target(name)
        upload = Upload(objects.bucket, objects.options)
        upload.write(found.key, content, objects.written(found), create=False)
    elif isinstance(target, FileSystemStorage):
        path = Path(target.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    else:
        if target.exists(name):
            target.delete(name)
        target._save(name, ContentFile(content))


def unpacked(file: Any) -> bytes:
    """Return the content of an open file, without the compression that the object itself names."""
    content: bytes = file.read()
    packing = file._packing if isinstance(file, S3File) else None
    if packing is None:
        return content
    with unpacker(packing, io.BytesIO(content)) as plain:
        return plain.read()


def _collecting(
    make: Callable[..., Callable[[Match[str]], str]],
    problems: dict[str, tuple[str, Exception]],
    name: str,
    *args: Any,
    **kwargs: Any,
) -> Callable[[Match[str]], str]:
    """Return a function that rewrites references, and collects what is missing instead of stopping at it."""
    convert = make(name, *args, **kwargs)

    def converter(match: Match[str]) -> str:
        try:
            return convert(match)
        except ValueError as error:
            problem = error if isinstance(error, MissingReferenceError) else _missing(name, match, error)
            problems[str(problem)] = name, problem
            return match[0]

    return converter


def _missing(name: str, match: Match[str], error: Exception) -> MissingReferenceError:
    line = match.string.count("\n", 0, match.start()) + 1
    return MissingReferenceError(f"{name}, line {line}: {match[0].strip()}: {error}")


def _undecodable(patterns: Any, paths: Mapping[str, Any]) -> Iterator[tuple[str, Exception]]:
    # Django stops at the first of them, and its message does not say which it was.
    for name, (storage, path) in paths.items():
        if matches_patterns(name, patterns):
            with storage.open(path) as opened:
                try:
                    opened.read().decode()
                except UnicodeDecodeError as error:
                    yield name, error
