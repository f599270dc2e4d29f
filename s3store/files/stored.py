"""A file that already is an object of the bucket: saving it copies the object inside S3, without moving its bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NoReturn

from django.core.files.base import File

from s3store.core import parts
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.files.file import S3File
from s3store.files.reader import RangeReader
from s3store.wire.multipart import copy_in_parts
from s3store.wire.objects import Objects


class StoredFile(File):  # type: ignore[type-arg]  # generic in the stubs only
    """One version of an object as a file: `size`, `content_type` and `etag` are known, and reading it asks S3.

    All reads are of that version. Raises ObjectChangedError when it was replaced.
    """

    def __init__(self, objects: Objects, info: ObjectInfo, name: str) -> None:
        super().__init__(None, name)
        self._objects = objects
        self._info = info
        self._opened: S3File | None = None
        self.mode = "rb"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"An object of {type(self).__name__} cannot be pickled. Save it, and pickle the name.")

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self._info.size

    @property
    def content_type(self) -> str | None:
        """The content type of the object."""
        return self._info.content_type

    @property
    def etag(self) -> str | None:
        """The ETag of the version."""
        return self._info.etag

    @property
    def file(self) -> Any:
        """The open object. Asking for it sends the first request."""
        if self._opened is None:
            self._opened = self._open_version()
        return self._opened

    @file.setter
    def file(self, value: Any) -> None:
        self._opened = value

    def _open_version(self, mode: str = "rb") -> S3File:
        objects = self._objects
        target = objects.target_at(self._info.key)
        fetch = partial(objects.bucket.get, self._info.key, target.params)

        def fetch_version(start: int, stop: int | None, etag: str | None) -> Any:
            return fetch(start=start, stop=stop, etag=etag or self._info.etag)

        reopen: Callable[..., Any] = self._open_version
        return S3File(objects, target, mode, RangeReader(self._info.key, fetch_version), reopen)

    @property
    def closed(self) -> bool:
        """Whether it was closed. It can be opened again."""
        return self._opened is not None and bool(self._opened.closed)

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> StoredFile:  # noqa: ARG002 (File's arguments)
        """Go back to the start. Opens the file again after `close`."""
        if self.closed:
            self._opened = None
        self.seek(0)
        return self

    def close(self) -> None:
        """Release the connection."""
        if self._opened is not None:
            self._opened.close()

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position. Going to the start of a file that was not read yet sends no request."""
        if self._opened is None and offset == whence == 0:
            return 0
        position: int = self.file.seek(offset, whence)
        return position

    # Saving

    def is_in(self, objects: Objects) -> bool:
        """Return whether the object is in the same bucket of the same server."""
        return self._objects.shares_bucket(objects)

    def copy_to(self, objects: Objects, key: str, params: Params, *, create: bool) -> None:
        """Copy this version to a key. Raises ObjectExistsError with `create` if it is taken, and ObjectChangedError.

        S3 cannot be relied on to refuse a copy to a taken key. It can refuse to complete an upload in parts, whose only
        part is then a copy, or to create the empty object that the copy replaces. AWS: "CopyObject",
        "CompleteMultipartUpload", "PutObject".
        """
        bucket, info = objects.bucket, self._info
        conditional = create and bucket.refuses_existing
        if create and (not conditional or bucket.completes_conditionally or info.size > parts.MAX_COPY_SIZE):
            # One request first is cheaper than parts that are sent for a name that is taken.
            bucket.refuse_existing(key, params)
        if conditional and info.size == 0:
            bucket.create(key, b"", params)
        elif info.size > parts.MAX_COPY_SIZE or (conditional and bucket.completes_conditionally):
            copy_in_parts(bucket, info, key, params, create=conditional)
        else:
            with bucket.reserved(key, params) if conditional else nullcontext():
                how: dict[str, Any] = {"reserved": conditional, "MetadataDirective": "REPLACE"}
                bucket.copy(info.key, key, params, etag=info.etag, **how)
