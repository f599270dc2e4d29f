"""Whether bytes on this machine are those of an object, by its ETag."""

from __future__ import annotations

import hashlib
from typing import Any

from s3store.core import parts
from s3store.core.digests import md5
from s3store.core.parts import MIB
from s3store.operations.sync import decide


def matches(content: Any, size: int, etag: str, *, part_size: int) -> bool | None:
    """Return whether content of `size` bytes has this ETag, or None if the ETag does not tell.

    An ETag of parts is computed again with the part sizes that tools use: first that of this storage, `part_size`. One
    that is not found says nothing. `content` is a binary file that can be read again.
    """
    if decide.is_md5(etag):
        return _whole(content) == etag
    count = decide.part_count(etag)
    if count is None:
        return None
    if _growing(content, part_size) == etag:
        return True
    return any(_equal_parts(content, each) == etag for each in decide.part_sizes(size, count)) or None


def _whole(content: Any) -> str:
    content.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while block := content.read(MIB):
        digest.update(block)
    return digest.hexdigest()


def _growing(content: Any, base: int) -> str:
    """Return the ETag of an upload of ours, whose parts grow."""
    content.seek(0)
    digests: list[bytes] = []
    while block := _read(content, parts.part_size_for(len(digests) + 1, base)):
        digests.append(block)
    return _combined(digests)


def _equal_parts(content: Any, size: int) -> str:
    content.seek(0)
    digests: list[bytes] = []
    while block := _read(content, size):
        digests.append(block)
    return _combined(digests)


def _read(content: Any, size: int) -> bytes:
    """Return the MD5 of the next `size` bytes, b"" at the end. Memory does not grow with `size`."""
    digest, left = hashlib.md5(usedforsecurity=False), size
    while left and (block := content.read(min(left, MIB))):
        digest.update(block)
        left -= len(block)
    return digest.digest() if left < size else b""


def _combined(digests: list[bytes]) -> str:
    return f"{md5(b''.join(digests)).hex()}-{len(digests)}"
