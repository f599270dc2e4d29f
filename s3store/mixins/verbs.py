"""Methods beyond Django's Storage API: listings, copies inside S3, metadata, ACLs."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File

from s3store import errors
from s3store.core import keys, parameters, parts
from s3store.core.info import Grant, Stat
from s3store.core.parameters import with_acl, with_metadata
from s3store.files.download import download
from s3store.files.local import LocalFile, replacing
from s3store.files.markers import write_marker
from s3store.wire.copies import Copied
from s3store.wire.copying import copy_new, copy_whole
from s3store.wire.moving import delete_moved
from s3store.wire.multipart import rewrite
from s3store.wire.objects import Objects


class Verbs:
    """The verbs that S3 offers and Django's Storage API does not."""

    objects: Objects
    open: Callable[..., File[Any]]
    save: Callable[..., str]

    # Facts and listings

    def stat(self, name: str) -> Stat:
        """Return what S3 knows about a file. Always sends a request. Raises FileNotFoundError."""
        objects = self.objects
        target = objects.target(name)
        return Stat.of(target.name, objects.bucket.head(target.key, target.params))

    def scan(self, path: str = "") -> Iterator[Stat]:
        """Yield a Stat of every file below a directory, at any depth, while the listing arrives."""
        for names, infos in self.objects.scan_pages(path):
            yield from Stat.listed(names, infos)

    def walk(self, path: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield (directory, its directories, its files) from the top down, as os.walk does.

        Remove a name from the list of directories to skip that directory. The listing is complete before the first
        directory is yielded.
        """
        self.objects.prefix(path)
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
            # As with os.walk, the caller may remove directories from the list.
            chosen = sorted(directories)
            yield directory, chosen, sorted(files)
            pending += [posixpath.join(directory, child) for child in reversed(chosen)]

    # Deleting and copying

    def delete_many(self, names: Iterable[str]) -> int:
        """Delete files and return their number. A missing file is not an error.

        Raises BatchError if S3 did not delete some of them; its `failures` name those.
        """
        objects = self.objects
        return objects.bucket.delete_many((objects.key(name) for name in names), objects.listing_params)

    def delete_tree(self, path: str, *, force: bool = False) -> int:
        """Delete everything below a directory, and return the number of objects.

        Deleting the location itself, or the whole bucket, needs `force=True`; otherwise this raises ValueError. Raises
        BatchError if S3 did not delete some objects.
        """
        objects = self.objects
        prefix = objects.prefix(path)
        if not keys.clean_name(path) and not force:
            raise ValueError("delete_tree('') would delete everything in the location. Give force=True to confirm.")
        pages = objects.bucket.pages(prefix, objects.listing_params, flat=False)
        return objects.bucket.delete_many((info.key for page in pages for info in page.objects), objects.listing_params)

    def copy(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Copy a file inside S3, with its metadata, whatever its size. The copy gets the default ACL of the storage.

        Raises FileNotFoundError if `source` does not exist. Unless `overwrite`, raises FileExistsError if `target`
        exists: of several simultaneous copies to a name, one gets it. Servers that ignore conditions (the option
        `conditional_writes`) can let a later one replace an earlier one.
        """
        self._copy(self.objects, source, target, overwrite=overwrite)

    def move(self, source: str, target: str, *, overwrite: bool = False) -> None:
        """Copy a file inside S3, then delete the source. If the deletion fails, both files exist.

        The arguments and the errors are those of `copy`. Raises ObjectChangedError if another process replaces the
        source meanwhile: the source then has the new content, and the target the old one. Servers without conditional
        deletes delete the new content.
        """
        objects = self.objects
        if objects.key(source) == objects.key(target):
            return
        moved = objects.target(source)
        known = objects.bucket.known(moved.key, "etag")
        copied = self._copy(objects, source, target, overwrite=overwrite)
        delete_moved(objects, moved, objects.target(target), copied, known=known)

    def _copy(self, objects: Objects, source: str, target: str, *, overwrite: bool) -> Copied:
        source_key, to = objects.key(source), objects.target(target)
        if overwrite:
            return copy_whole(objects, source_key, to)
        try:
            return copy_new(objects, source_key, to)
        except errors.ObjectExistsError as error:
            advice = "Give overwrite=True to replace it, or choose another name."
            facts: dict[str, Any] = {"bucket": objects.bucket.name, "key": to.key, "advice": advice}
            raise errors.build(errors.ObjectExistsError, "it exists", operation="copy", **facts) from error

    # Content

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a file."""
        with self.open(name) as file:
            content: bytes = file.read()
        return content

    def read_text(self, name: str, encoding: str = "utf-8") -> str:
        """Return the content of a text file."""
        return self.read_bytes(name).decode(encoding)

    def save_path(self, name: str, path: str | os.PathLike[str], **extra: Any) -> str:
        """Save the file at a local path and return its name. `extra` are the other arguments of `save`.

        Raises OSError if the file is changed meanwhile: then nothing is saved.
        """
        with Path(path).open("rb") as file:
            return self.save(name, LocalFile(file, name), **extra)

    def download_to(self, name: str, target: IO[bytes]) -> int:
        """Write the content of a file to an open binary file, and return the number of bytes."""
        total = 0
        with self.open(name) as source:
            for chunk in source.chunks(parts.MIB):
                target.write(chunk)
                total += len(chunk)
        return total

    def download_path(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Download a file to a local path, and return the path. The local file appears complete or not at all.

        Objects above `multipart_threshold` of `transfer_config` arrive in pieces, with up to `max_concurrency` requests
        at the same time. Missing directories of the path are created.
        """
        wanted = Path(path)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with replacing(wanted) as target, self.open(name) as file:
            download(file, target, again=lambda: self.open(name))
        return wanted

    # Metadata and ACLs

    def get_metadata(self, name: str) -> dict[str, str]:
        """Return the user metadata of a file, with names in lower case."""
        return self.stat(name).metadata

    def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Replace the user metadata of a file. Its content type and other headers stay.

        S3 copies the object onto itself for that: the time of the last write changes, and the ACL becomes the default
        ACL of the storage. Raises ValueError for metadata that no header can hold.
        """
        if problem := parameters.metadata_problem(metadata):
            raise ValueError(f"Cannot set the metadata of {name!r}: {problem}.")
        objects = self.objects
        target = objects.target(name)
        info = objects.bucket.head(target.key, target.params)
        internal = {item: value for item, value in (info.all_metadata or {}).items() if item not in info.metadata}
        params = with_acl({**target.params, **info.parameters, "Metadata": internal}, objects.options.default_acl)
        rewrite(objects.bucket, info, with_metadata(params, metadata))

    def get_acl(self, name: str) -> tuple[Grant, ...]:
        """Return the grants of a file's ACL."""
        objects = self.objects
        target = objects.target(name)
        return objects.bucket.get_acl(target.key, target.params)

    def set_acl(self, name: str, acl: str) -> None:
        """Replace the ACL of a file with a canned ACL.

        Raises ValueError for an unknown ACL, and AclNotSupportedError if ACLs are disabled for the bucket.
        """
        objects = self.objects
        target = objects.target(name)
        objects.bucket.put_acl(target.key, acl, target.params)

    def create_folder(self, path: str) -> None:
        """Create an empty object that marks an empty folder: its key ends with a slash.

        Saving a file needs no folder. The S3 console shows empty folders. Raises ValueError for an empty name.
        """
        objects = self.objects
        target = objects.folder(path)
        if target.name == "/":
            raise ValueError("The folder must have a name.")
        write_marker(objects, target)
