"""A CloudFront distribution: its URL and its key. The current time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import cloudfront
from s3store.core.secret import Unpicklable
from s3store.links.rsa import rsa_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution(Unpicklable):
    """A CloudFront distribution, with a key that has been checked."""

    base_url: str
    """The scheme, the host and optionally a path, without a slash at the end."""

    hash_algorithm: str = "SHA1"
    """The hash algorithm of signatures: `SHA1` or `SHA256`."""

    key_id: str = field(default="", repr=False)
    """The id of the public key."""

    signer: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    """Signs a policy with the private key."""

    url_signer: Any = field(default=None, repr=False)
    """The option `cloudfront_signer`, which signs URLs instead of the key."""

    @classmethod
    @sensitive_variables()
    def of(cls, options: Options) -> Distribution:
        """Return the distribution of the options. Raises ImproperlyConfigured for a missing option or unusable key."""
        key = options.cloudfront_key
        if isinstance(key, Mapping):
            key = key.get(options.cloudfront_key_id or "")
        needed: dict[str, object] = {"custom_domain": options.custom_domain}
        if not options.cloudfront_signer:
            needed |= {"cloudfront_key_id": options.cloudfront_key_id, "cloudfront_key": key}
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ImproperlyConfigured(f"Signing for CloudFront needs {' and '.join(missing)}.")
        return cls(
            base_url=f"{options.url_protocol}//{options.custom_domain}",
            hash_algorithm=options.cloudfront_hash,
            key_id=options.cloudfront_key_id or "",
            signer=None if options.cloudfront_signer or not key else rsa_signer(key, options.cloudfront_hash),
            url_signer=options.cloudfront_signer,
        )

    def sign(self, url: str, expires: int, *, now: float, **terms: Any) -> str:
        """Return `url` signed until `expires`, in seconds since 1970. `terms`: see `core.cloudfront.signed_url`.

        Raises ValueError if `expires` is in the past, and ImproperlyConfigured for terms if there is a
        `cloudfront_signer`.
        """
        _refuse_past(expires, now)
        if self.signer is None and not any(value is not None for value in terms.values()):
            until = datetime.fromtimestamp(expires, tz=timezone.utc)
            signed: str = self.url_signer.generate_presigned_url(url, date_less_than=until)
            return signed
        return cloudfront.signed_url(url, expires=expires, **self._signing, **terms)

    def cookies(self, prefix_key: str, expires: int, *, now: float, **terms: Any) -> dict[str, str]:
        """Return cookies for all keys that start with `prefix_key`, until `expires`. Raises the errors of `sign`."""
        _refuse_past(expires, now)
        resource = cloudfront.everything_below(self.base_url, prefix_key)
        return cloudfront.cookies(resource, expires=expires, **self._signing, **terms)

    @property
    def _signing(self) -> dict[str, Any]:
        if self.signer is None:
            raise ImproperlyConfigured(
                "cloudfront_signer can sign only a single URL with an expiry. For cookies, start times, addresses and "
                "prefixes, set cloudfront_key_id and cloudfront_key instead."
            )
        return {"key_id": self.key_id, "sign": self.signer, "hash_algorithm": self.hash_algorithm}


def _refuse_past(expires: int, now: float) -> None:
    if expires <= now:
        raise ValueError(f"The expiry {expires} is in the past: the URL or the cookies would never work.")
