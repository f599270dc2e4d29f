"""Objects that are stored gzipped and read as what they were before."""

from __future__ import annotations

from s3store.core.info import PLAIN_SIZE, ObjectInfo


def is_gzipped(info: ObjectInfo) -> bool:
    """Whether the object's bytes are gzipped, by its Content-Encoding."""
    # Some servers keep the aws-chunked of the transfer beside it.
    tokens = {token.strip().lower() for token in (info.content_encoding or "").split(",")}
    return "gzip" in tokens and tokens <= {"gzip", "aws-chunked", ""}


def plain_size(info: ObjectInfo) -> int | None:
    """Return the size in bytes before compression, where it was noted when the object was written."""
    noted = info.internal(PLAIN_SIZE)
    return int(noted) if noted and noted.isdecimal() else None
