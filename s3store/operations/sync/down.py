"""Files of a storage to a directory. A file appears complete or not at all, and never outside the directory."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from s3store import errors
from s3store.core.info import MTIME, ObjectInfo
from s3store.files.codec import encoding_of
from s3store.files.download import download, in_pieces
from s3store.files.file import S3File, inflates
from s3store.files.upload import transfer_of
from s3store.operations.sync import digests, names
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row
from s3store.operations.sync.tree import Tree
from s3store.operations.sync.work import StoppedError, Work

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows: without locks, nothing is continued)
    fcntl = None  # type: ignore[assignment]

_LONGEST = 255
_VERSION = 16

# After these, the next run continues the download.
_RESUMABLE = (StoppedError, KeyboardInterrupt, errors.S3ConnectionError, errors.S3TimeoutError, errors.ServerError)

# What systems and file systems without hard links say.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class TakenError(OSError):
    """A file with another spelling of the name exists, or was created meanwhile."""


class Fetcher:
    """Downloads files of a storage to a tree."""

    def __init__(self, source: Remote, tree: Tree, work: Work) -> None:
        self._source = source
        self._tree = tree
        self._work = work
        self._inflates = inflates(source.objects.options)

    def fetch(self, row: Row, *, replace: bool) -> tuple[int, ObjectInfo]:
        """Download a file, and return the bytes on disk and the facts about the object.

        Without `replace`, raises TakenError if the file exists.
        """
        names.check_for_disk(row.name, windows=sys.platform == "win32")
        with self._tree.parent(row.name, create=True) as (directory, last):
            with self._opened(row.name, directory, last) as (content, file, part, resume):
                size, info = self._receive(row.name, content, file, resume=resume)
                file.flush()
                os.utime(file.fileno(), (_time_of(info),) * 2)
                self._publish(directory, part, last, row.name, replace=replace)
            return size, info

    @contextmanager
    def _opened(self, name: str, directory: int, last: str) -> Iterator[tuple[S3File, IO[bytes], str, bool]]:
        """Yield the object, the file for its content, its name, and whether an earlier run is continued.

        The file is deleted if the block raises, unless the next run can continue it.
        """
        with self._content(name) as content:
            info = content.info
            packed = self._inflates and encoding_of(info)
            resumable = in_pieces(info, content.options) and not packed
            part = _part_name(last, info.etag if resumable else None)
            if resumable:
                self._forget_others(directory, last, part)
            file, part, locked = _open_part(directory, part)
            with file:
                try:
                    yield content, file, part, resumable and locked
                except _RESUMABLE:
                    if not (resumable and locked):
                        _unlink(directory, part)
                    raise
                except BaseException:
                    _unlink(directory, part)
                    raise

    def _content(self, name: str) -> S3File:
        source = self._source
        return S3File(source.objects, source.target(name), "rb", source.reader(name), source.storage.open)

    def _receive(self, name: str, content: S3File, file: IO[bytes], *, resume: bool) -> tuple[int, ObjectInfo]:
        """Write the object. What an earlier run has written is compared with the ETag at the end."""
        arrived = download(content, file, again=lambda: self._content(name), crew=self._work, resume=resume)
        info = arrived.info or content.info
        if arrived.resumed:
            part_size = transfer_of(content.options).part_size
            if not digests.matches(file, info.size, _bare(info), part_size=part_size):
                # A crash can leave zeros in a file. What the ETag does not prove is not kept.
                file.truncate(0)
                with self._content(name) as again:
                    return self._receive(name, again, file, resume=resume)
        return arrived.size, info

    def _publish(self, directory: int, part: str, last: str, name: str, *, replace: bool) -> None:
        if replace:
            os.replace(part, last, src_dir_fd=directory, dst_dir_fd=directory)
            return
        try:
            # Unlike a rename, it fails if another spelling of the name exists, as in a directory that ignores case.
            os.link(part, last, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
        except FileExistsError:
            raise _taken(name) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            try:
                os.stat(last, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                os.replace(part, last, src_dir_fd=directory, dst_dir_fd=directory)
                return
            raise _taken(name) from None
        _unlink(directory, part)

    def _forget_others(self, directory: int, last: str, part: str) -> None:
        """Delete what was downloaded of earlier versions of a file, unless another process is downloading them."""
        start = _part_name(last, "").removesuffix(names.PART)[:-_VERSION]
        for name in os.listdir(directory):
            if len(name) == len(part) and name.startswith(start) and names.is_partial(name) and name != part:
                file, opened, _ = _open_part(directory, name)
                file.close()
                _unlink(directory, opened)


def _taken(name: str) -> TakenError:
    return TakenError(
        errno.EEXIST,
        f"{name!r} was not written: a file with another spelling of this name exists, because the directory ignores "
        "case or accents, or it was created meanwhile. Rename one of the two files.",
    )


def _part_name(last: str, etag: str | None) -> str:
    """Return the name of the unfinished download: with an ETag, it is continued only for the same content."""
    version = "" if etag is None else f".{hashlib.sha256(etag.encode()).hexdigest()[:_VERSION]}"
    name = f".{last}{version}{names.PART}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(last)).hexdigest()}{version}{names.PART}"
    return name


def _open_part(directory: int, part: str) -> tuple[IO[bytes], str, bool]:
    """Open the file of an unfinished download, and return it, its name, and whether it is locked.

    If another process has it, the file has a random name.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    if fcntl is not None:
        descriptor = os.open(part, flags, 0o666, dir_fd=directory)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other process may have just published the file that was opened here.
            own = os.path.samestat(os.fstat(descriptor), os.stat(part, dir_fd=directory, follow_symlinks=False))
        except OSError:
            own = False
        if own:
            return os.fdopen(descriptor, "r+b"), part, True
        os.close(descriptor)
    other = f".{secrets.token_hex(8)}{names.PART}"
    descriptor = os.open(other, flags | os.O_EXCL, 0o666, dir_fd=directory)
    return os.fdopen(descriptor, "r+b"), other, False


def _unlink(directory: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return


def _time_of(info: ObjectInfo) -> float:
    """Return the time of the file that was sent, otherwise that of the object, in seconds."""
    try:
        return float(info.internal(MTIME) or "")
    except ValueError:
        return info.modified.timestamp() if info.modified else 0.0


def _bare(info: ObjectInfo) -> str:
    return (info.etag or "").strip('"')
