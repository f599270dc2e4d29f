"""Objects that are stored compressed and read as what they were before."""

from __future__ import annotations

from s3store.codec import ENCODINGS
from s3store.core.info import PLAIN_SIZE, ObjectInfo


def encoding_of(info: ObjectInfo) -> str | None:
    """Return the encoding in which the object's bytes are compressed, by its Content-Encoding, if it is a known one."""
    # Some servers keep the aws-chunked of the transfer beside it.
    tokens = {token.strip().lower() for token in (info.content_encoding or "").split(",")} - {"aws-chunked", ""}
    return next((encoding for encoding in ENCODINGS if tokens == {encoding}), None)


def plain_size(info: ObjectInfo) -> int | None:
    """Return the size in bytes before compression, where it was noted when the object was written."""
    noted = info.internal(PLAIN_SIZE)
    return int(noted) if noted and noted.isdecimal() else None
