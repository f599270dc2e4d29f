"""MD5 digests, which S3 uses for integrity checks and ETags. AWS: "Checking object integrity"."""

from __future__ import annotations

import base64
import hashlib


def md5(block: bytes) -> bytes:
    """Return the MD5 digest of a block."""
    return hashlib.md5(block, usedforsecurity=False).digest()


def content_md5(body: bytes, digest: bytes | None = None) -> str:
    """Return the value of the Content-MD5 header of a request. `digest` is the MD5 of the body, if it is known."""
    return base64.b64encode(digest or md5(body)).decode()
