"""What S3 can do beyond Django's contract: one listing for a tree, copies that stay in S3, metadata, ACLs."""

from __future__ import annotations

import os
import posixpath
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File

from s3store import errors
from s3store.bucket import Given, with_metadata
from s3store.core import keys, params, parts
from s3store.core.info import WRITE_TOKEN, Grant, ObjectInfo
from s3store.located import Located

FOLDER_TYPE = "application/x-directory"
"""The content type of the empty object that stands for an empty folder, as the S3 console writes it."""

_COPY_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(ObjectInfo):
    """What S3 knows about a file. A Stat from a listing knows size, etag, modified and storage_class."""

    name: str


def _stat(name: str, info: ObjectInfo) -> Stat:
    return Stat(name=name, **{field.name: getattr(info, field.name) for field in fields(ObjectInfo)})


class Verbs(Located):
    """The verbs that S3 has and Django's contract has not."""

    def stat(self, name: str) -> Stat:
        """Return all that S3 knows about a file: one request. Raises FileNotFoundError."""
        key = self._key(name)
        info = self._bucket.head(key, self._parameters(name))
        self.remember(info)
        return _stat(self._name(key) or "", info)

    def scan(self, path: str = "") -> Iterator[Stat]:
        """Yield every file below a directory, at any depth: one request for 1,000 files."""
        for page in self._bucket.pages(self._prefix(path), self._listing_parameters(), flat=False):
            for info in page.objects:
                name = self._name(info.key)
                if name is not None and not name.endswith("/"):
                    self.remember(info)
                    yield _stat(name, info)

    def walk(self, path: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield (directory, its directories, its files) from the top down, as os.walk does, from one listing."""
        self._prefix(path)
        top = keys.clean_name(path).rstrip("/")
        tree: dict[str, tuple[set[str], set[str]]] = {top: (set(), set())}
        for stat in self.scan(path):
            directory, file_name = posixpath.split(stat.name)
            tree.setdefault(directory, (set(), set()))[1].add(file_name)
            while directory != top:
                parent, child = posixpath.split(directory)
                tree.setdefault(parent, (set(), set()))[0].add(child)
                directory = parent
        pending = [top]
        while pending:
            directory = pending.pop()
            directories, files = tree[directory]
            # As with os.walk, the caller may take directories out of the list.
            chosen = sorted(directories)
            yield directory, chosen, sorted(files)
            pending += [posixpath.join(directory, child) for child in reversed(chosen)]

    def delete_many(self, names: Iterable[str]) -> int:
        """Delete files, 1,000 in a request; return how many. Raises BatchError naming those that S3 kept."""
        return self._delete_keys(self._key(name) for name in names)

    def delete_tree(self, path: str, *, force: bool = False) -> int:
        """Delete everything below a directory; return how many objects that were.

        The location itself, or the whole bucket, only with `force`.
        """
        prefix = self._prefix(path)
        if not keys.clean_name(path) and not force:
            raise ValueError("delete_tree('') would delete everything in the location; say force=True to mean it.")
        pages = self._bucket.pages(prefix, self._listing_parameters(), flat=False)
        return self._delete_keys(info.key for page in pages for info in page.objects)

    def _delete_keys(self, wanted: Iterable[str]) -> int:
        bucket, given = self._bucket, self._listing_parameters()
        failures: list[errors.Failure] = []
        total = 0
        for batch in _batches(wanted, parts.MAX_DELETE_KEYS):
            failures += bucket.delete_many(batch, given)
            total += len(batch)
            for key in batch:
                self._facts.forget(key)
        if failures:
            first = failures[0]
            raise errors.BatchError(
                f"{len(failures)} of {total} objects in bucket {bucket.name!r} could not be deleted; the first is "
                f"{first.key!r}: {first.code}, {first.message}. {errors.BatchError.advice}",
                operation="delete_objects",
                bucket=bucket.name,
                failures=tuple(failures),
            )
        return total

    def copy(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Copy a file inside S3, metadata included, of any size.

        Raises FileExistsError where `target` exists, unless `overwrite`. The copy gets the storage's default ACL.
        """
        bucket = self._bucket
        source_key, target_key = self._key(source), self._key(target)
        given = params.Parameters(self._parameters(target))
        if self.options.default_acl:
            given.setdefault("ACL", self.options.default_acl)
        if not overwrite:
            bucket.refuse_existing(target_key, given)
        self._facts.forget(target_key)
        # A plain copy keeps the source's own headers and metadata.
        kept = {name: value for name, value in given.items() if name not in params.CONTENT_HEADERS | {"Metadata"}}
        try:
            bucket.copy(source_key, target_key, kept)
        except errors.InvalidRequestError as error:
            info = bucket.head(source_key, given)
            if info.size <= parts.MAX_COPY_SIZE:
                raise error from None
            self._copy_in_parts(info, target_key, {**kept, **described_by(info)})

    def move(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Copy a file inside S3, then delete the source."""
        if self._key(source) == self._key(target):
            return
        self.copy(source, target, overwrite=overwrite)
        key = self._key(source)
        self._facts.forget(key)
        self._bucket.delete(key, self._parameters(source))

    def _copy_in_parts(self, info: ObjectInfo, target: str, given: Given) -> None:
        bucket = self._bucket
        size = parts.part_size_of(info.size, parts.COPY_PART_SIZE)
        given = with_metadata(given, {WRITE_TOKEN: secrets.token_hex(8)})
        upload_id = bucket.start_upload(target, given)

        def copy_part(numbered: tuple[int, tuple[int, int]]) -> dict[str, Any]:
            number, (first, last) = numbered
            piece = {"CopySourceRange": f"bytes={first}-{last}", "CopySourceIfMatch": info.etag}
            etag = bucket.copy_part(info.key, target, upload_id, number, given, **piece)
            return {"PartNumber": number, "ETag": etag}

        try:
            with ThreadPoolExecutor(_COPY_THREADS, thread_name_prefix="s3store-copy") as pool:
                copied = list(pool.map(copy_part, enumerate(parts.part_ranges(info.size, size), 1)))
            bucket.complete_upload(target, upload_id, copied, given, size=info.size)
        except BaseException:
            bucket.abort_upload(target, upload_id, given)
            raise

    def read_bytes(self, name: str) -> bytes:
        """Return a file's content: one request."""
        with self.open(name) as file:
            content: bytes = file.read()
        return content

    def read_text(self, name: str, encoding: str = "utf-8") -> str:
        """Return a text file's content: one request."""
        return self.read_bytes(name).decode(encoding)

    def save_path(self, name: str, path: str | os.PathLike[str], **extra: Any) -> str:
        """Save the file at a local path and return the name it got; `extra` as for `save`."""
        with Path(path).open("rb") as file:
            return self.save(name, File(file, name), **extra)

    def download_to(self, name: str, target: IO[bytes]) -> int:
        """Write a file's content to an open binary file; return how many bytes that were."""
        total = 0
        with self.open(name) as source:
            for chunk in source.chunks(parts.MIB):
                target.write(chunk)
                total += len(chunk)
        return total

    def download_path(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Fetch a file to a local path. It appears there whole or not at all."""
        wanted = Path(path)
        handle, partial = tempfile.mkstemp(prefix=f".{wanted.name}.", dir=wanted.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                self.download_to(name, file)
            # mkstemp's file is for its owner alone; open() would have gone by the umask.
            umask = os.umask(0)
            os.umask(umask)
            Path(partial).chmod(0o666 & ~umask)
            Path(partial).replace(wanted)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        return wanted

    def get_metadata(self, name: str) -> dict[str, str]:
        """Return a file's user metadata, names in lower case: one request."""
        return self.stat(name).metadata

    def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Replace a file's user metadata; content type and the other headers stay.

        S3 does it by copying the object onto itself: `modified` changes, and the ACL becomes the default one.
        """
        if problem := params.metadata_problem(metadata):
            raise ValueError(f"Cannot set the metadata of {name!r}: {problem}.")
        info = self._bucket.head(self._key(name), self._parameters(name))
        internal = {item: value for item, value in (info.all_metadata or {}).items() if item not in info.metadata}
        given = {**self._parameters(name), **described_by(info)}
        if self.options.default_acl:
            given.setdefault("ACL", self.options.default_acl)
        self._rewrite(info, with_metadata({**given, "Metadata": internal}, metadata))

    def _rewrite(self, info: ObjectInfo, given: Given) -> None:
        """Copy an object onto itself with these headers and metadata. Raises ObjectChangedError for another version."""
        self._facts.forget(info.key)
        if info.size > parts.MAX_COPY_SIZE:
            self._copy_in_parts(info, info.key, given)
        else:
            self._bucket.copy(info.key, info.key, given, etag=info.etag, MetadataDirective="REPLACE")

    def get_acl(self, name: str) -> tuple[Grant, ...]:
        """Return the grants of a file's ACL."""
        return self._bucket.get_acl(self._key(name), self._parameters(name))

    def set_acl(self, name: str, acl: str) -> None:
        """Replace a file's ACL by a canned one. Raises AclNotSupportedError on a bucket without ACLs."""
        if acl not in params.OBJECT_ACLS:
            raise ValueError(f"{acl!r} is not a canned ACL for objects: use one of {', '.join(params.OBJECT_ACLS)}.")
        self._bucket.put_acl(self._key(name), acl, self._parameters(name))

    def create_folder(self, path: str) -> None:
        """Make a folder visible although it is empty, by an empty object whose key ends in a slash.

        Saving needs no folders; this is for people who look at the bucket.
        """
        prefix = self._prefix(path)
        if not keys.clean_name(path):
            raise ValueError("The folder must have a name.")
        self._bucket.put(prefix, b"", {**self._parameters(path), "ContentType": FOLDER_TYPE})


def described_by(info: ObjectInfo) -> dict[str, Any]:
    """Return the parameters that give a new object the headers and the metadata of `info`."""
    known = {
        "CacheControl": info.cache_control,
        "ContentDisposition": info.content_disposition,
        "ContentEncoding": info.content_encoding,
        "ContentLanguage": info.content_language,
        "ContentType": info.content_type,
        "Expires": info.expires,
        "Metadata": dict(info.all_metadata or {}),
        "StorageClass": info.storage_class,
        "SSEKMSKeyId": info.kms_key_id,
        "ServerSideEncryption": None if info.encryption == "SSE-C" else info.encryption,
        "WebsiteRedirectLocation": info.redirect_location,
    }
    return {name: value for name, value in known.items() if value is not None}


def _batches(wanted: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for item in wanted:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
