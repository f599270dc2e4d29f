"""Files of a storage to a directory. A file appears complete or not at all, and never outside the directory."""

from __future__ import annotations

import errno
import os
from typing import IO

from s3store import errors
from s3store.core.info import MTIME, ObjectInfo
from s3store.files.codec import encoding_of
from s3store.files.download import download, in_pieces
from s3store.files.file import S3File, inflates
from s3store.files.upload import transfer_of
from s3store.operations.landing import Landing
from s3store.operations.sync import digests
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row
from s3store.operations.sync.work import StoppedError, Work

# After these, the next run continues the download.
_RESUMABLE = (StoppedError, KeyboardInterrupt, errors.S3ConnectionError, errors.S3TimeoutError, errors.ServerError)


class TakenError(OSError):
    """A file with another spelling of the name exists, or was created meanwhile."""


class Fetcher:
    """Downloads files of a storage to a tree."""

    def __init__(self, source: Remote, tree: Landing, work: Work) -> None:
        self._source = source
        self._tree = tree
        self._work = work
        self._inflates = inflates(source.objects.options)

    def fetch(self, row: Row, *, replace: bool) -> tuple[int, ObjectInfo]:
        """Download a file, and return the bytes on disk and the facts about the object.

        Without `replace`, raises TakenError if the file exists.
        """
        name = row.name
        with self._content(name) as content:
            packed = self._inflates and encoding_of(content._info)
            version = content._info.etag if in_pieces(content._info, content._options) and not packed else None
            try:
                with self._tree.continuing(name, version=version, after=_RESUMABLE, overwrite=replace) as (file, kept):
                    size, info = self._receive(name, content, file, resume=kept)
                    file.flush()
                    os.utime(file.fileno(), (_time_of(info),) * 2)
            except FileExistsError:
                raise _taken(name) from None
            return size, info

    def _content(self, name: str) -> S3File:
        source = self._source
        return S3File(source.objects, source.target(name), "rb", source.reader(name), source.storage.open)

    def _receive(self, name: str, content: S3File, file: IO[bytes], *, resume: bool) -> tuple[int, ObjectInfo]:
        """Write the object. What an earlier run has written is compared with the ETag at the end."""
        arrived = download(content, file, again=lambda: self._content(name), crew=self._work, resume=resume)
        info = arrived.info or content._info
        if arrived.resumed:
            part_size = transfer_of(content._options).part_size
            if not digests.matches(file, info.size, _bare(info), part_size=part_size):
                # A crash can leave zeros in a file. What the ETag does not prove is not kept.
                file.truncate(0)
                with self._content(name) as again:
                    return self._receive(name, again, file, resume=resume)
        return arrived.size, info


def _taken(name: str) -> TakenError:
    return TakenError(
        errno.EEXIST,
        f"{name!r} was not written: a file with another spelling of this name exists, because the directory ignores "
        "case or accents, or it was created meanwhile. Rename one of the two files.",
    )


def _time_of(info: ObjectInfo) -> float:
    """Return the time of the file that was sent, otherwise that of the object, in seconds."""
    try:
        return float(info.internal(MTIME) or "")
    except ValueError:
        return info.modified.timestamp() if info.modified else 0.0


def _bare(info: ObjectInfo) -> str:
    return (info.etag or "").strip('"')
