"""The secret in a link: made once, stored as a hash, found by the hash."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 24
"""The random bytes of a token: 192 bits."""


def new_token() -> str:
    """Return a new token: 32 characters that URLs contain unchanged."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """Return what the database stores of a token: SHA-256, in hexadecimal digits. A token needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def path_hash(root: str, path: str) -> str:
    """Return the hash of a path below a root: paths of 1024 bytes do not fit into every index."""
    return hashlib.sha256(f"{root}{path}".encode()).hexdigest()
