"""The multipart uploads that a run began, so that the next one can continue them.

ListMultipartUploads does not tell with which headers an upload was begun, nor by which program. So each upload is noted
in a small file on this machine, readable by this user only. Without the note, the file is sent from its start.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s3store.conf.options import Options
from s3store.conf.sources import upload_directory

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows: without locks, nothing is continued)
    fcntl = None  # type: ignore[assignment]


class Note:
    """What is noted about one upload. `found` is what an earlier run noted about the same file and headers."""

    def __init__(self, descriptor: int | None, path: Path, identity: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self._identity = identity
        self.found = self._read() if descriptor is not None else None

    def _read(self) -> dict[str, str] | None:
        assert self._descriptor is not None  # noqa: S101 (the caller checks)
        try:
            noted = json.loads(os.pread(self._descriptor, 65536, 0) or b"{}")
        except ValueError:
            return None
        return noted if isinstance(noted, dict) and noted.get("identity") == self._identity else None

    def write(self, upload_id: str, token: str) -> None:
        """Note an upload."""
        if self._descriptor is not None:
            text = json.dumps({"identity": self._identity, "upload_id": upload_id, "token": token})
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def forget(self) -> None:
        """Delete the note."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)


def _directory() -> Path | None:
    """Return the directory of the notes, or None if it is not this user's alone."""
    if fcntl is None:  # pragma: no cover
        return None
    user = os.getuid()
    path = Path(upload_directory() or tempfile.gettempdir()) / f"s3store-uploads-{user}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o077
    return path if private else None


@contextmanager
def noted(
    options: Options, key: str, *, path: str, stamp: tuple[int, ...], params: Mapping[str, Any]
) -> Iterator[Note]:
    """Yield the note about the upload of the local file `path`, with this size and time (`stamp`), to `key`.

    While another process has the note, the one that is yielded is empty and writes nothing.
    """
    where = (options.endpoint_url, options.bucket_name, options.access_key, key)
    identity = _hash(path, stamp, sorted((name, repr(value)) for name, value in params.items()))
    directory = _directory()
    descriptor = None
    file = (directory or Path()) / _hash(*where)
    if directory:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if descriptor is not None:
                os.close(descriptor)
                descriptor = None
    try:
        yield Note(descriptor, file, identity)
    finally:
        if descriptor is not None:
            if os.fstat(descriptor).st_size == 0:
                file.unlink(missing_ok=True)
            os.close(descriptor)


def _hash(*values: Any) -> str:
    return hashlib.sha256(repr(values).encode("utf-8", "surrogatepass")).hexdigest()
