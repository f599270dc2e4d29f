"""Where copies go: a storage, or a directory of this machine."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from s3store import errors
from s3store.core.info import DIGEST, WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import CONTENT_HEADERS
from s3store.files.download import Crew, Helpers, download
from s3store.files.local import LocalFile, look
from s3store.files.markers import write_marker
from s3store.files.reader import RangeReader
from s3store.files.upload import Upload
from s3store.operations.landing import Landing, LandingError
from s3store.operations.mounts import Mounts
from s3store.operations.places import Place, PlaceError
from s3store.operations.shell.applying import ImpossibleNameError
from s3store.operations.shell.local import LocalItem
from s3store.operations.shell.reading import opened
from s3store.operations.shell.selecting import Item, Selection, storage_in
from s3store.wire.copying import copy_new, copy_whole, kept_parameters
from s3store.wire.objects import Objects
from s3store.wire.objects import Target as StoredTarget


class Target(ABC):
    """Where files go. `inside` is the path of a file below the target."""

    everything: list[Objects]
    tags = True
    content_type: str | None = None
    metadata: Mapping[str, str] | None = None

    def __init__(self, place: Place, *, overwrite: bool, is_directory: bool) -> None:
        self._place = place
        self._overwrite = overwrite
        self._is_directory = is_directory
        self.everything = []
        self.moved: Callable[[int], None] = lambda _: None
        self.crew: Crew = Helpers(0)
        self._mounts = Mounts()

    @abstractmethod
    def place(self, inside: str) -> str:
        """Return the target of a file as users write it."""

    @abstractmethod
    def check(self, inside: str) -> None:
        """Raise what copying a file would raise because of its name, or because the target exists. Changes nothing."""

    def upload(self, file: LocalItem, inside: str, *, move: bool) -> None:  # noqa: ARG002 (for subclasses)
        """Copy a file of this machine, or move it. Raises PlaceError if the target is on this machine too."""
        raise PlaceError(f"{file.path} and {self.place(inside)} are both on this machine.")

    @abstractmethod
    def take(self, selection: Selection, item: Item, inside: str, *, move: bool) -> None:
        """Copy an object, or move it."""

    def refuse_overlap(self, source: Selection) -> None:  # noqa: B027 (a directory of this machine never overlaps)
        """Raise PlaceError if the source contains the target, or the target the source."""

    def _taken(self, inside: str) -> FileExistsError:
        return FileExistsError(f"{self.place(inside)} exists. Give --overwrite to replace it, or choose another name.")


class StorageTarget(Target):
    """A directory or a file of a storage. `overwrite` None: what the storage's `file_overwrite` says."""

    def __init__(self, place: Place, *, overwrite: bool | None, is_directory: bool = False) -> None:
        self.storage = storage_in(place)
        found = self.storage.objects
        wanted = found.options.file_overwrite if overwrite is None else overwrite
        super().__init__(place, overwrite=wanted, is_directory=is_directory)
        # The hooks of the storage see these options too.
        self.objects = Objects(replace(found.options, file_overwrite=wanted), self.storage, found.bucket)
        self.everything = [self.objects]

    def name(self, inside: str) -> str:
        """Return the name of a file in the storage."""
        return _below(self._place.path, inside) if self._is_directory else self._place.path

    def place(self, inside: str) -> str:
        """Return the target of a file as users write it."""
        return str(Place(path=self.name(inside), storage=self.storage, alias=self._place.alias))

    def refuse_overlap(self, source: Selection) -> None:
        """Raise PlaceError if one contains the other: the copies would be copied, or replace what is to be copied."""
        if not self._shares_bucket(source.objects):
            return
        if source.kind == "pattern" and source.is_flat:
            return
        to = self.objects.prefix(self._place.path) if self._is_directory else ""
        if source.is_many and (to.startswith(source.prefix) or source.prefix.startswith(to)):
            raise PlaceError(
                f"{source.place} and {self._place} overlap: one contains the other. Choose another target."
            )

    def check(self, inside: str) -> None:
        """Raise SuspiciousFileOperation for a name that is not possible, and FileExistsError: one request."""
        if not inside or inside.endswith("/"):
            return
        target = self.objects.target(self.name(inside))
        if not self._overwrite and self.objects.bucket.find(target.key, target.params):
            raise self._taken(inside)

    def save(self, inside: str, content: Any) -> None:
        """Save content as the storage does, under exactly this name. Raises FileExistsError."""
        extra: dict[str, Any] = {"content_type": self.content_type, "metadata": self.metadata}
        given = {name: value for name, value in extra.items() if value is not None}
        try:
            with self.objects.pinned():
                self.storage._save(self.name(inside), content, **given)
        except errors.ObjectExistsError as error:
            raise self._taken(inside) from error

    def upload(self, file: LocalItem, inside: str, *, move: bool) -> None:
        """Copy a file of this machine. Raises OSError if it changes meanwhile."""
        with file.open() as content:
            before = os.fstat(content.fileno())
            self.save(inside, _Told(content, self.name(inside), self.moved))
            if move:
                now = file.path.stat()
                same = (before.st_dev, before.st_ino) == (now.st_dev, now.st_ino)
                if not same or look(content.fileno()) != (before.st_size, before.st_mtime_ns):
                    raise OSError(f"{file.path} was changed meanwhile. It was copied, and not deleted.")
        if move:
            self._mounts.refuse_same(file.path, self.objects, self.objects.target(self.name(inside)))
            file.path.unlink()

    def take(self, selection: Selection, item: Item, inside: str, *, move: bool) -> None:
        """Copy an object: inside S3 if both are in the same bucket, otherwise through this machine."""
        if item.is_marker:
            _check_marker(item)
            if self.name(inside):
                write_marker(self.objects, self.objects.folder(self.name(inside)))
        elif item.name is None:
            raise ImpossibleNameError(f"{item.key!r} is not a possible name. Use boto3 for such keys: storage.client.")
        else:
            source, target = selection.objects.target(item.name), self.objects.target(self.name(inside))
            if self._shares_bucket(selection.objects) and source.key == target.key:
                raise PlaceError("the source and the target are the same file.")
            if move and not self._shares_bucket(selection.objects):
                self._refuse_the_same(selection.objects, item, target)
            try:
                if self._shares_bucket(selection.objects) and _secret(source) == _secret(target):
                    self._copy(item, target)
                    self.moved(item.info.size)
                else:
                    self._stream(selection, source, item, target)
            except errors.ObjectExistsError as error:
                raise self._taken(inside) from error
        if move:
            delete_unchanged(selection, item)

    def _shares_bucket(self, objects: Objects) -> bool:
        here, there = self.objects, objects
        if not here.bucket.over_http or not there.bucket.over_http:
            # The development twin.
            roots = {getattr(getattr(each.bucket, "store", None), "root", None) for each in (here, there)}
            return len(roots) == 1
        names = ("bucket_name", "endpoint_url", "region_name")
        return all(getattr(here.options, name) == getattr(there.options, name) for name in names)

    def _refuse_the_same(self, objects: Objects, item: Item, target: StoredTarget) -> None:
        """Raise PlaceError if two endpoints lead to the same object: moving would delete the only copy."""
        if item.key != target.key or not objects.may_share_bucket(self.objects):
            return
        there = self.objects.bucket.find(target.key, target.params)
        if there and there.size == item.info.size and _etag(there) == _etag(item.info):
            raise PlaceError("the source and the target are the same file, or have the same content already.")

    def _copy(self, item: Item, target: StoredTarget) -> None:
        make = copy_whole if self._overwrite else copy_new
        make(self.objects, item.key, target, etag=item.info.etag)

    def _stream(self, selection: Selection, source: StoredTarget, item: Item, target: StoredTarget) -> None:
        """Copy an object as it is stored, with its headers, metadata and tags, in bounded memory."""
        there = selection.objects.bucket
        etag = item.info.etag

        def fetch(start: int, stop: int | None, version: str | None) -> Any:
            return there.get(source.key, source.params, start=start, stop=stop, etag=version or etag)

        with RangeReader(source.key, fetch) as reader:
            params = {**kept_parameters(self.objects, target), **_described(reader.info.parameters)}
            if self.tags and "Tagging" not in params and (tags := there.tags(source.key, source.params)):
                params["Tagging"] = tags
            upload = Upload(self.objects.bucket, self.objects.options)
            upload.send(target.key, _Metered(reader, self.moved), params, create=not self._overwrite)


class Directory(Target):
    """A directory or a file of this machine."""

    def __init__(self, place: Place, *, overwrite: bool, is_directory: bool) -> None:
        super().__init__(place, overwrite=overwrite, is_directory=is_directory)
        path = place.local
        self._landing = Landing(path if is_directory else path.parent)
        self._name = path.name

    def name(self, inside: str) -> str:
        """Return the path below the directory of the target."""
        return inside if self._is_directory else self._name

    def place(self, inside: str) -> str:
        """Return the path of a file."""
        return f"{self._landing.directory}{os.sep}{self.name(inside)}"

    def check(self, inside: str) -> None:
        """Raise LandingError for a name that is refused, and FileExistsError."""
        if not inside:
            return
        self._landing.check_name(self.name(inside).rstrip("/"))
        if not inside.endswith("/") and not self._overwrite and os.path.lexists(self.place(inside)):
            raise self._taken(inside)

    def take(self, selection: Selection, item: Item, inside: str, *, move: bool) -> None:
        """Download an object. It appears complete or not at all, with the time of its last write."""
        if item.is_marker:
            _check_marker(item)
            self._landing.make_directory(inside.rstrip("/"))
        else:
            how: dict[str, Any] = {"overwrite": self._overwrite, "modified": item.info.modified, "durable": move}
            with self._landing.writing(self.name(inside), **how) as file, opened(selection, item) as source:
                download(source, file, again=partial(opened, selection, item), crew=self.crew)
            if move:
                self._mounts.refuse_same(
                    Path(self.place(inside)), selection.objects, selection.objects.target_at(item.key)
                )
        if move:
            delete_unchanged(selection, item)


def delete_unchanged(selection: Selection, item: Item) -> None:
    """Delete an object that was copied, if it is still the same: two requests. Raises ObjectChangedError.

    If it is replaced between the two, only a server with conditional deletes notices that.
    """
    bucket, target = selection.objects.bucket, selection.objects.target_at(item.key)
    now = bucket.find(item.key, target.params)
    if now is None:
        return
    if _etag(now) != _etag(item.info):
        raise _replaced(bucket.name, item.key)
    try:
        bucket.delete(item.key, target.params, etag=now.etag)
    except errors.ObjectChangedError as error:
        raise _replaced(bucket.name, item.key) from error


def _replaced(bucket: str, key: str) -> errors.S3StoreError:
    return errors.build(
        errors.ObjectChangedError,
        "it was replaced meanwhile",
        operation="delete_object",
        bucket=bucket,
        key=key,
        advice="It was copied, and not deleted.",
    )


class _Told(LocalFile):
    """A local file that tells how many bytes were read."""

    def __init__(self, file: IO[bytes], name: str, moved: Callable[[int], None]) -> None:
        super().__init__(file, name)
        self._moved = moved

    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        self._moved(len(data))
        return data


class _Metered:
    """The bytes of an object, to be read once."""

    def __init__(self, reader: RangeReader, moved: Callable[[int], None]) -> None:
        self._reader = reader
        self._moved = moved

    def read(self, size: int = -1) -> bytes:
        data = self._reader.read(size) or b""
        self._moved(len(data))
        return data


def _described(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers and metadata that a copy in another bucket has: not the encryption and the class."""
    params = {name: value for name, value in found.items() if name in CONTENT_HEADERS}
    metadata = {name: value for name, value in found["Metadata"].items() if name not in (WRITE_TOKEN, DIGEST)}
    return {**params, "Metadata": metadata}


def _below(directory: str, inside: str) -> str:
    """Return the name of something in a directory of a storage. Both can be empty."""
    top = directory.rstrip("/")
    return f"{top}/{inside}" if top and inside else top or inside


def _etag(info: ObjectInfo) -> str:
    """Return the ETag without its quotes: listings of some servers have none."""
    return (info.etag or "").strip('"')


def _secret(target: StoredTarget) -> Any:
    """Return the key with which an object is encrypted, if a client gives it."""
    return target.params.get("SSECustomerKey")


def _check_marker(item: Item) -> None:
    if item.info.size:
        raise LandingError(f"{item.key!r} ends with a slash and has content. It is not copied.", "UnsafeName")
