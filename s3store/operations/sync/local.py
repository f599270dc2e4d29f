"""The files of a local directory, in the order in which S3 lists keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s3store.operations import hiding
from s3store.operations.sync import names
from s3store.operations.sync.rows import Found, Row
from s3store.operations.unfinished import is_partial

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


class LinkError(OSError):
    """A symbolic link that leads nowhere, in a circle, or out of the directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How a directory is read. `follow` follows symbolic links, and `unsafe` also those out of the directory."""

    root: Path
    follow: bool = False
    unsafe: bool = False

    def rows(self, found: Found) -> Iterator[Row]:
        """Yield the regular files by name, one level at a time in memory. What is no file, or fails, goes to `found`.

        Raises OSError if the directory itself cannot be read.
        """
        root = os.path.realpath(self.root)
        status = self.root.stat()
        yield from self._below(root, "", found, ((status.st_dev, status.st_ino),), os.fspath(root), first=True)

    def _below(
        self,
        path: str,
        prefix: str,
        found: Found,
        above: tuple[tuple[int, int], ...],
        root: str,
        *,
        first: bool = False,
    ) -> Iterator[Row]:
        try:
            listed = [(entry, self._is_directory(entry)) for entry in _entries(path, prefix, found)]
        except OSError as error:
            if first:
                raise
            found.fail(prefix, error)
            return
        # Keys below `a` come where `a/` is in the order of bytes: after `a.txt` and `a-b`.
        listed.sort(key=lambda item: item[0].name + "/" if item[1] else item[0].name)
        for entry, is_directory in listed:
            name = prefix + entry.name
            try:
                if is_partial(entry.name):
                    continue
                if entry.is_symlink() and not self._follows(entry, name, found, root):
                    continue
                status = entry.stat()
                if is_directory:
                    place = (status.st_dev, status.st_ino)
                    if place in above:
                        raise LinkError(f"{name!r} is a symbolic link to a directory above it.")
                    yield from self._below(entry.path, f"{name}/", found, (*above, place), root)
                elif stat.S_ISREG(status.st_mode):
                    names.check_for_storage(name)
                    yield Row(name, status.st_size, status.st_mtime_ns / 1e9)
                else:
                    kind = next((text for test, text in _KINDS if test(status.st_mode)), "a special file")
                    found.skipped[name] = f"it is {kind}"
            except (OSError, names.NameRefusedError) as error:
                found.fail(name, error)

    def _is_directory(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir(follow_symlinks=self.follow)
        except OSError:
            # A circle of links: it is reported when it is its turn.
            return False

    def _follows(self, entry: os.DirEntry[str], name: str, found: Found, root: str) -> bool:
        """Return whether to follow a symbolic link. Raises OSError for a broken one."""
        if not self.follow:
            found.skipped[name] = "it is a symbolic link"
            return False
        target = os.path.realpath(entry.path, strict=True)
        if not self.unsafe and os.path.commonpath([root, target]) != root:
            found.skipped[name] = "it is a symbolic link out of the directory"
            return False
        return True


def _entries(path: str, prefix: str, found: Found) -> list[os.DirEntry[str]]:
    """Return what is in a directory, and note the files that killed runs had hidden there."""
    listed, hidden = hiding.scan(Path(path))
    for name, error in hidden:
        if error:
            found.fail(prefix + name, error)
        else:
            found.restored.add(prefix + name)
    return listed
