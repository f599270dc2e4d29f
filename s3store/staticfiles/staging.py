"""Static files before they are published: on this machine, with their final names.

Django hashes and rewrites static files with about four storage calls for each file. While a storage has a stage, these
calls work on local files, and no request is sent.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils.encoding import filepath_to_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file to publish. A local file has its path, and its size and time when it was collected."""

    opener: Callable[[], File[Any]]
    path: str | None = None
    seen: tuple[int, int] | None = None

    def open(self, *_: str) -> File[Any]:
        """Open the file for reading. Django uses this object like a storage and passes a name, which is ignored."""
        return self.opener()

    def refuse_changed(self) -> None:
        """Raise OSError if the size or the modification time of the file has changed."""
        if self.path is not None and _look(self.path) != self.seen:
            raise OSError(f"{self.path} was changed while it was being published. Run the command again.")


def in_storage(storage: Storage, path: str) -> StaticFile:
    """Return a file of a finder."""
    try:
        local = storage.path(path)
    except NotImplementedError:
        local = ""
    # Storages in memory return paths that do not exist.
    return at_path(local) if Path(local).is_file() else StaticFile(opener=partial(storage.open, path))


def at_path(path: str) -> StaticFile:
    """Return a local file."""
    return StaticFile(opener=partial(_open, path), path=path, seen=_look(path))


def in_memory(content: bytes) -> StaticFile:
    """Return a file with this content."""
    return StaticFile(opener=partial(ContentFile, content))


def _open(path: str) -> File[Any]:
    return File(open(path, "rb"))  # noqa: PTH123 (the caller closes it)


def _look(path: str) -> tuple[int, int]:
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns


class Stage:
    """Local files by name. Files that Django creates are in `directory`; renamed files stay where they are."""

    def __init__(self, directory: Path, files: Mapping[str, StaticFile]) -> None:
        self.files: dict[str, StaticFile] = {}
        self.manifest: bytes | None = None
        self.problems: dict[str, tuple[str, Exception]] = {}
        self._directory = directory
        self._made = 0
        self._directories = {"", "."}
        self._known: dict[Any, StaticFile] = {file.path: file for file in files.values() if file.path}
        for name, file in files.items():
            self._put(_clean(name), file)

    def exists(self, name: str) -> bool:
        """Return whether a file or a directory of that name exists."""
        name = _clean(name)
        return name in self.files or name in self._directories

    def open(self, name: str) -> File[Any]:
        """Open a file. Raises IsADirectoryError for a directory, as a file system does."""
        file = self.files.get(_clean(name))
        if file is None:
            raise IsADirectoryError(f"{name!r} is a directory.") if self.exists(name) else FileNotFoundError(name)
        return file.open()

    def save(self, name: str, content: Any) -> str:
        """Add a file: an existing local file, or a copy of the content."""
        name = _clean(name)
        file = self._known.get(getattr(content, "name", None))
        if file is None:
            self._made += 1
            path = self._directory / str(self._made)
            with path.open("wb") as target:
                for chunk in content.chunks():
                    target.write(chunk)
            file = at_path(str(path))
        self._put(name, file)
        return name

    def delete(self, name: str) -> None:
        """Remove a file from the stage."""
        self.files.pop(_clean(name), None)

    def _put(self, name: str, file: StaticFile) -> None:
        self.files[name] = file
        above = posixpath.dirname(name)
        while above not in self._directories:
            self._directories.add(above)
            above = posixpath.dirname(above)


class Staged(Storage):
    """A storage whose methods work on a stage while it has one."""

    _stage: Stage | None = None

    @contextmanager
    def staged(self, stage: Stage) -> Iterator[None]:
        """Use a Stage inside the `with` block: exists, open, save, delete and url work on this machine only.

        The stage belongs to the storage, not to a thread.
        """
        self._stage = stage
        try:
            yield
        finally:
            self._stage = None

    def exists(self, name: str) -> bool:
        """Return whether a file or a directory of that name exists."""
        return self._stage.exists(name) if self._stage else super().exists(name)

    def open(self, name: str, *args: Any, **kwargs: Any) -> File[Any]:
        """Open a file."""
        return self._stage.open(name) if self._stage else super().open(name, *args, **kwargs)

    def delete(self, name: str) -> None:
        """Delete a file."""
        if self._stage:
            self._stage.delete(name)
        else:
            super().delete(name)

    def _save(self, name: str, content: Any, **extra: Any) -> str:
        if self._stage:
            return self._stage.save(name, content)
        saved: str = super()._save(name, content, **extra)  # type: ignore[misc]
        return saved

    def url(self, name: str | None, *args: Any, **kwargs: Any) -> str:
        """Return the URL of a file; with a stage, its path."""
        # As in a file system, the path of "." is "".
        return urljoin("/", filepath_to_uri(name)) if self._stage else super().url(name, *args, **kwargs)


def _clean(name: str) -> str:
    return name.replace("\\", "/")
