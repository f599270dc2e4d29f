"""Tokens of invitations. The database has only their hashes."""

import hashlib
import secrets


def make_token() -> str:
    """Return 192 random bits in letters that URLs may have."""
    return secrets.token_urlsafe(24)


def hash_of(token: str) -> str:
    """Return the hash by which a token is found."""
    return hashlib.sha256(token.encode()).hexdigest()
