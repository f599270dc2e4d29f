"""MD5 digests, which S3 uses for integrity checks and ETags. AWS: "Checking object integrity"."""

from __future__ import annotations

import base64
import hashlib


def md5(block: bytes) -> bytes:
    """Return the MD5 digest of a block."""
    return hashlib.md5(block, usedforsecurity=False).digest()


def content_md5(body: bytes) -> str:
    """Return the value of the Content-MD5 header of a request."""
    return base64.b64encode(md5(body)).decode()
