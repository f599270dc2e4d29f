"""A new object as a raw, writable file. Nothing is visible in the bucket before `commit`.

`close` without `commit` throws everything away. That way nothing that closes a file behind its owner's back (an
exception, the garbage collector, the end of the interpreter) publishes half of it.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.files.content import spool
from s3store.files.upload import Upload
from s3store.wire.multipart import MultipartUpload

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ObjectWriter(io.RawIOBase):
    """Collects what is written, sends full parts on the way, and publishes with `commit`."""

    def __init__(self, upload: Upload, key: str, params: Params, *, create: bool) -> None:
        super().__init__()
        self._upload = upload
        self._key = key
        self._params = params
        self._create = create
        self._position = 0
        self._done = False
        self._parts: MultipartUpload | None = None
        self._buffer = bytearray()
        # Whether compressing makes it smaller is only known at the end.
        self._whole = spool(upload.max_memory_size) if upload.encodings(params) else None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: ReadableBuffer) -> int:
        """Take all of `data` and return its size in bytes."""
        if self._done or self.closed:
            raise ValueError(f"{self._key!r} is closed and takes no more data.")
        view = memoryview(data).cast("B")
        if self._whole is not None:
            self._whole.write(view)
        else:
            self._buffer += view
            self._send_full_parts()
        self._position += len(view)
        return len(view)

    def _send_full_parts(self) -> None:
        size = self._parts.part_size if self._parts else self._upload.transfer.part_size
        while len(self._buffer) > size:
            if self._parts is None:
                self._parts = self._upload.start(self._key, self._params, create=self._create)
            self._parts.send(bytes(memoryview(self._buffer)[:size]))
            del self._buffer[:size]
            size = self._parts.part_size

    def commit(self) -> ObjectInfo:
        """Publish what was written and close. On an error nothing is published."""
        try:
            return self._publish()
        except BaseException:
            self.discard()
            raise
        finally:
            self._done = True
            self.close()

    def _publish(self) -> ObjectInfo:
        if self._whole is not None:
            return self._upload.write(self._key, self._whole, self._params, create=self._create)
        if self._parts is None:
            return self._upload.put(self._key, bytes(self._buffer), self._params, create=self._create)
        self._parts.send(bytes(self._buffer))
        return self._parts.complete()

    def discard(self) -> None:
        """Throw away what was written and close. What was in the bucket before stays as it was."""
        if not self._done:
            self._done = True
            if self._parts is not None:
                self._parts.abort()
        self.close()

    def close(self) -> None:
        if not self.closed and not self._done:
            self._done = True
            warnings.warn(
                f"The file {self._key!r} was dropped without close(); what was written to it is not saved.",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            if self._parts is not None:
                self._parts.abort()
        if self._whole is not None:
            self._whole.close()
        self._buffer.clear()
        super().close()
