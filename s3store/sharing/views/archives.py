"""The response with a ZIP: streamed, with its exact size."""

from __future__ import annotations

from collections.abc import Generator
from typing import IO, Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from s3store.core.presentation import present
from s3store.streaming.chunks import AsyncChunks, Chunks


class Blocks:
    """An iterator over bytes as a file: each `read` returns the next block, of any size."""

    def __init__(self, blocks: Generator[bytes, None, None]) -> None:
        self._blocks = blocks
        self.closed = False

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next block that is not empty, or b"" at the end."""
        return next((block for block in self._blocks if block), b"")

    def close(self) -> None:
        """Stop the work behind the iterator."""
        self.closed = True
        self._blocks.close()


def archive_response(request: HttpRequest, archive: Any) -> StreamingHttpResponse:
    """Return the response with an Archive of a Folder. Clients notice by the size if it breaks off."""
    chunks = AsyncChunks if isinstance(request, ASGIRequest) else Chunks
    headers = {**present("application/zip", archive.name, inline=False), "Content-Length": str(archive.size)}
    return StreamingHttpResponse(chunks(cast("IO[bytes]", Blocks(iter(archive))), None), headers=headers)
