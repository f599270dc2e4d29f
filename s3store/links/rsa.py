"""The RSA signer for CloudFront; needs the extra s3store[cloudfront]."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

_REMEMBERED = 2048


@sensitive_variables()
@lru_cache(maxsize=8)
def rsa_signer(pem: str | bytes, hash_algorithm: str = "SHA1") -> Callable[[bytes], bytes]:
    """Return a function that makes RSA signatures for CloudFront, with the hash `SHA1` or `SHA256`, and caches them.

    Raises ImproperlyConfigured if the key is unusable. The message does not contain the key.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ImproperlyConfigured("CloudFront URLs need cryptography: pip install 's3store[cloudfront]'") from None
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        key = load_pem_private_key(data, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ImproperlyConfigured(
            "cloudfront_key must be a private key in PEM format without a passphrase "
            f"({type(error).__name__}).{_hint(data)}"
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ImproperlyConfigured("cloudfront_key must be an RSA key of at least 2048 bits.")
    return _signer(key, hash_algorithm)


def _hint(data: bytes) -> str:
    """Return what to do about the usual mistakes. It does not contain the key."""
    if b"-----BEGIN" not in data:
        return " Give the text of the key, not the path of its file."
    if b"\\n" in data:
        return r' It has the two characters \n instead of line breaks: give key.replace("\\n", "\n").'
    return ""


def _signer(key: object, hash_algorithm: str) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    digest = {"SHA1": SHA1, "SHA256": SHA256}[hash_algorithm]()
    padding = PKCS1v15()

    @lru_cache(maxsize=_REMEMBERED)
    def sign(message: bytes) -> bytes:
        return key.sign(message, padding, digest)  # type: ignore[attr-defined, no-any-return]

    return sign
