"""Static files before they are published: on this machine, with their final names.

Django hashes and rewrites static files with about four storage calls for each file. While a storage has a stage, these
calls work on local files, and no request is sent.
"""

from __future__ import annotations

import io
import math
import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from re import Match
from typing import Any
from urllib.parse import urljoin

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils.encoding import filepath_to_uri

from s3store.conf.sources import django_time
from s3store.files.file import check_mode
from s3store.files.local import look

HELD = 16 << 20
"""The bytes of files that a stage keeps in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file to publish. A local file has its path, and its size and time when it was collected.

    `origin` is the storage of a finder with the name there, `extra` the arguments that the file was saved with, `held`
    the bytes that it occupies in memory.
    """

    opener: Callable[[], File[Any]]
    path: str | None = None
    seen: tuple[int, int] | None = None
    origin: tuple[Any, str] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    held: int = 0

    @property
    def size(self) -> float:
        """The size in bytes, as far as it is known without opening the file: infinite if it is not."""
        return self.held or (self.seen[0] if self.seen else math.inf)

    def open(self, *_: str) -> File[Any]:
        """Open the file for reading. Django uses this object like a storage and passes a name, which is ignored."""
        return self.opener()

    def refuse_changed(self) -> None:
        """Raise OSError if the size or the modification time of the file has changed."""
        if self.path is not None and look(self.path) != self.seen:
            raise OSError(f"{self.path} was changed while it was being published. Run the command again.")


def in_storage(storage: Storage, path: str) -> StaticFile:
    """Return a file of a finder. Raises OSError for a pipe, a socket or a device: reading it might never end."""
    origin = storage, path
    try:
        local = storage.path(path)
        kind = os.stat(local).st_mode  # noqa: PTH116 (three times as fast as Path)
    except (NotImplementedError, FileNotFoundError):
        # Storages in memory return paths that do not exist.
        return StaticFile(opener=partial(storage.open, path), origin=origin)
    if not stat.S_ISREG(kind):
        raise OSError(f"{local} is not a regular file. Delete it, or exclude it with --ignore.")
    return replace(at_path(local), origin=origin)


def at_path(path: str) -> StaticFile:
    """Return a local file."""
    return StaticFile(opener=partial(_open, path), path=path, seen=look(path))


def in_memory(content: bytes) -> StaticFile:
    """Return a file with this content."""
    return StaticFile(opener=partial(ContentFile, content), held=len(content))


def _open(path: str) -> File[Any]:
    return File(open(path, "rb"))  # noqa: PTH123 (the caller closes it)


class Stage:
    """Local files by name. Renamed files stay where they are.

    Files that Django creates are in memory, because creating a small file takes longer than its content does, and
    those that exceed HELD are in `directory`.
    """

    def __init__(self, directory: Path, files: Mapping[str, StaticFile]) -> None:
        self.files: dict[str, StaticFile] = {}
        self._directory = directory
        self._made = 0
        self._held = 0
        self._directories = {"", "."}
        self._known: dict[Any, StaticFile] = {file.path: file for file in files.values() if file.path}
        for name, file in files.items():
            self.put(_clean(name), file)

    def exists(self, name: str) -> bool:
        """Return whether a file or a directory of that name exists."""
        name = _clean(name)
        return name in self.files or name in self._directories

    def open(self, name: str) -> File[Any]:
        """Open a file. Raises IsADirectoryError for a directory, as a file system does."""
        return self._file(name).open()

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        with self.open(name) as file:
            size: int = file.size
        return size

    def modified(self, name: str) -> datetime:
        """Return when a file was written: now, if it is not a local file."""
        seen = self._file(name).seen
        return datetime.fromtimestamp(seen[1] / 1e9, timezone.utc) if seen else datetime.now(timezone.utc)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the directories and of the files in a directory."""
        parent = posixpath.normpath(_clean(path) or ".")
        among: tuple[Iterable[str], ...] = (self._directories - {"", "."}, self.files)
        found = ([name for name in names if (posixpath.dirname(name) or ".") == parent] for names in among)
        directories, files = (sorted(posixpath.basename(name) for name in names) for names in found)
        return directories, files

    def _file(self, name: str) -> StaticFile:
        file = self.files.get(_clean(name))
        if file is None:
            raise IsADirectoryError(f"{name!r} is a directory.") if self.exists(name) else FileNotFoundError(name)
        return file

    def save(self, name: str, content: Any, **extra: Any) -> str:
        """Add a file: an existing local file, or a copy of the content. `extra` are the other arguments of `_save`."""
        name = _clean(name)
        # Not by the name of `content`, which code that changes the content may keep.
        opened = getattr(content, "file", None)
        file = self._known.get(opened.name) if isinstance(opened, io.BufferedReader) else None
        file = file or self._copied(content)
        self.put(name, replace(file, extra=extra) if extra else file)
        return name

    def _copied(self, content: Any) -> StaticFile:
        chunks = (chunk.encode() if isinstance(chunk, str) else chunk for chunk in content.chunks())
        start = bytearray()
        for chunk in chunks:
            start += chunk
            if self._held + len(start) > HELD:
                break
        else:
            return in_memory(bytes(start))
        self._made += 1
        path = self._directory / str(self._made)
        with path.open("wb") as target:
            target.write(start)
            target.writelines(chunks)
        return at_path(str(path))

    def write(self, name: str, content: bytes) -> None:
        """Add a file with this content."""
        self.save(name, ContentFile(content))

    def delete(self, name: str) -> None:
        """Remove a file from the stage."""
        file = self.files.pop(_clean(name), None)
        self._held -= file.held if file else 0

    def put(self, name: str, file: StaticFile) -> None:
        """Add a file, or replace the one of that name."""
        before = self.files.get(name)
        self._held += file.held - (before.held if before else 0)
        self.files[name] = file
        above = posixpath.dirname(name)
        while above not in self._directories:
            self._directories.add(above)
            above = posixpath.dirname(above)


class _Written(io.BytesIO):
    """Hands on what was written, at `close`."""

    def __init__(self, done: Callable[[bytes], object]) -> None:
        super().__init__()
        self._done = done

    def close(self) -> None:
        if not self.closed:
            self._done(self.getvalue())
        super().close()


_standing_in: ContextVar[tuple[Any, Any] | None] = ContextVar("s3store_standing_in", default=None)


class Staged(Storage):
    """A storage whose methods work on a stage while it has one."""

    _own_stage: Stage | None = None
    _converting = False

    @contextmanager
    def staged(self, stage: Stage) -> Iterator[None]:
        """Use a Stage inside the `with` block: the methods of Django's Storage API work on this machine only.

        The stage belongs to the storage, not to a thread. URLs are those that files will have in the bucket.
        """
        self._own_stage = stage
        storage: Any = self
        if hashes := isinstance(self, HashedFilesMixin):
            storage.url_converter = partial(self._converter, storage.url_converter)
        try:
            yield
        finally:
            self._own_stage = None
            if hashes:
                del storage.url_converter

    def _converter(self, make: Any, *args: Any, **kwargs: Any) -> Callable[[Match[str]], str]:
        convert = make(*args, **kwargs)

        def converter(match: Match[str]) -> str:
            self._converting = True
            try:
                rewritten: str = convert(match)
            finally:
                self._converting = False
            return rewritten

        return converter

    @contextmanager
    def standing_in_for(self, storage: Storage) -> Iterator[None]:
        """Let this storage work in the place of `storage` inside the `with` block, for this thread only.

        Code that uses Django's global `staticfiles_storage` then finds the staged files.
        """
        token = _standing_in.set((storage, self))
        try:
            yield
        finally:
            _standing_in.reset(token)

    @property
    def _acting(self) -> Any:
        """The storage that works in the place of this one; usually this one itself."""
        pair = _standing_in.get()
        return pair[1] if pair and pair[0] is self else self

    @property
    def _stage(self) -> Stage | None:
        stage: Stage | None = self._acting._own_stage
        return stage

    def exists(self, name: str) -> bool:
        """Return whether a file or a directory of that name exists."""
        return self._stage.exists(name) if self._stage else super().exists(name)

    def _open(self, name: str, mode: str = "rb", **text: Any) -> Any:
        if not self._stage:
            return super()._open(name, mode, **text)  # type: ignore[misc]
        reads = check_mode(mode) == "r"
        file: Any = self._stage.open(name) if reads else File(_Written(partial(self._stage.write, name)), name)
        if "b" not in mode:
            file.file = io.TextIOWrapper(file.file, **{"encoding": "utf-8", **text})
        return file

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return self._stage.size(name) if self._stage else super().size(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the directories and of the files in a directory, both sorted."""
        return self._stage.listdir(path) if self._stage else super().listdir(path)

    def get_modified_time(self, name: str) -> datetime:
        """Return the time of the last write, as Django's setting USE_TZ says."""
        return django_time(self._stage.modified(name)) if self._stage else super().get_modified_time(name)

    def delete(self, name: str) -> None:
        """Delete a file."""
        if self._stage:
            self._stage.delete(name)
        else:
            super().delete(name)

    def _save(self, name: str, content: Any, **extra: Any) -> str:
        if self._stage:
            return self._stage.save(name, content, **extra)
        saved: str = super()._save(name, content, **extra)  # type: ignore[misc]
        return saved

    def url(self, name: str | None, *args: Any, **kwargs: Any) -> str:
        """Return the URL of a file. Slashes at the start of the name are ignored, as in Django's static storages."""
        if self._converting:
            # In a reference, only the last part of the path matters. As in a file system, the path of "." is "".
            return urljoin("/", filepath_to_uri(name))
        return super().url((name or "").lstrip("/"), *args, **kwargs)


def _clean(name: str) -> str:
    return name.replace("\\", "/")
