"""A new object as a raw, writable file. Nothing is visible in the bucket before `commit`.

`close` without `commit` discards everything. So a file that is closed by an exception, the garbage collector or the end
of the interpreter never publishes partial content.
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
    from _typeshed import ReadableBuffer, WriteableBuffer


class ObjectWriter(io.RawIOBase):
    """Collects the written bytes, sends complete parts, and publishes with `commit`."""

    def __init__(self, upload: Upload, key: str, params: Params, *, create: bool) -> None:
        super().__init__()
        self._upload = upload
        self._key = key
        self._params = params
        self._create = create
        self._position = self._size = 0
        self._done = False
        self._lost = False
        self._parts: MultipartUpload | None = None
        self._buffer = bytearray()
        # The whole content, where parts cannot be sent early: only at the end is it known whether compression makes the
        # file smaller, and after a seek written bytes may change.
        self._whole = spool(upload.max_memory_size) if upload.encodings(params) else None

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:  # noqa: ARG002 (io's name)
        """Raise io.UnsupportedOperation."""
        raise io.UnsupportedOperation(f"{self._key!r} is open for writing. Close it, and open it again to read.")

    def seekable(self) -> bool:
        """Return whether nothing has been sent yet."""
        return self._parts is None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position. From then on the whole content is kept until it is published.

        Raises io.UnsupportedOperation when a part of the content has been sent.
        """
        if self._parts is not None:
            raise io.UnsupportedOperation(
                f"{self._key!r}: the first {self._parts.part_size} bytes were sent, and cannot be changed. Write to a "
                "temporary file and save that, or call seek(0) before the first write: then nothing is sent before "
                "the file is closed."
            )
        if self._whole is None:
            self._whole = spool(self._upload.max_memory_size)
            self._whole.write(self._buffer)
            self._buffer.clear()
        self._position = self._whole.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    @property
    def size(self) -> int:
        """The number of bytes written so far."""
        return self._size

    def write(self, data: ReadableBuffer) -> int:
        """Write all of `data` and return its size in bytes."""
        self.check_open()
        if isinstance(data, str):
            raise TypeError(f"{self._key!r} is open for bytes. Write bytes, or open it with mode 'w' to write text.")
        view = memoryview(data).cast("B")
        if self._whole is not None:
            self._whole.write(view)
        else:
            self._buffer += view
            self._send_full_parts()
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def check_open(self) -> None:
        """Raise ValueError if nothing more can be written."""
        if self._lost:  # as in storage.open(name, "wb").write(content)
            raise ValueError(
                f"{self._key!r} cannot be written: the open file was not kept in a variable. Use `with "
                "storage.open(name, mode) as file: file.write(content)`, or `storage.save(name, content)`."
            )
        if self._done or self.closed:
            raise ValueError(f"{self._key!r} is closed. Open it again to write.")

    def _send_full_parts(self) -> None:
        size = self._parts.part_size if self._parts else self._upload.transfer.part_size
        while len(self._buffer) > size:
            if self._parts is None:
                self._parts = self._upload.start(self._key, self._params, create=self._create)
            self._parts.send(bytes(memoryview(self._buffer)[:size]))
            del self._buffer[:size]
            size = self._parts.part_size

    def commit(self) -> ObjectInfo:
        """Publish the written bytes and close. After an error, nothing is published."""
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
        """Discard the written bytes and close. An existing object stays unchanged."""
        if not self._done:
            self._done = True
            if self._parts is not None:
                self._parts.abort()
        self.close()

    def close(self) -> None:
        if not self.closed and not self._done:
            self._done = self._lost = True
            warnings.warn(
                f"The file {self._key!r} was not closed and is not saved. Use a with statement, or call close().",
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


class TextWriter(io.TextIOWrapper):
    """Text for an ObjectWriter."""

    def write(self, text: str) -> int:
        """Write `text` and return its length."""
        self.buffer.check_open()  # type: ignore[attr-defined]
        return super().write(text)
