"""A CloudFront distribution: its address, and the key that signs for it. The current time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import cloudfront
from s3store.links.rsa import rsa_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution of CloudFront: where it is, and what signs for it. Its key has been read and found fit."""

    base_url: str
    """Scheme, host and perhaps a path, without a final slash."""

    hash_algorithm: str = "SHA1"
    """The digest of the signatures: `SHA1` or `SHA256`."""

    key_id: str = field(default="", repr=False)
    """The id of the public key."""

    signer: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    """What signs policies with the private key."""

    url_signer: Any = field(default=None, repr=False)
    """The option `cloudfront_signer`, which makes URLs instead."""

    @classmethod
    @sensitive_variables()
    def of(cls, options: Options) -> Distribution:
        """Return the distribution that a storage's options describe.

        Raises ImproperlyConfigured when an option is missing or the private key cannot be used.
        """
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

    def sign(
        self,
        url: str,
        expires: int,
        *,
        now: float,
        starts: int | None = None,
        ip_address: str | None = None,
        resource: str | None = None,
    ) -> str:
        """Return `url` signed until `expires`, in seconds since 1970, as `core.cloudfront.signed_url` does.

        Raises ValueError when that is past, and ImproperlyConfigured for more than an expiry with `cloudfront_signer`.
        """
        _refuse_past(expires, now)
        custom = starts is not None or ip_address is not None or resource is not None
        if self.signer is None and not custom:
            until = datetime.fromtimestamp(expires, tz=timezone.utc)
            signed: str = self.url_signer.generate_presigned_url(url, date_less_than=until)
            return signed
        return cloudfront.signed_url(
            url,
            expires=expires,
            key_id=self.key_id,
            sign=self._policy_signer,
            hash_algorithm=self.hash_algorithm,
            starts=starts,
            ip_address=ip_address,
            resource=resource,
        )

    def cookies(
        self, prefix_key: str, expires: int, *, now: float, starts: int | None = None, ip_address: str | None = None
    ) -> dict[str, str]:
        """Return the cookies with which CloudFront serves all keys that begin with `prefix_key` until `expires`.

        Raises what `sign` does.
        """
        _refuse_past(expires, now)
        return cloudfront.cookies(
            cloudfront.everything_below(self.base_url, prefix_key),
            expires=expires,
            key_id=self.key_id,
            sign=self._policy_signer,
            hash_algorithm=self.hash_algorithm,
            starts=starts,
            ip_address=ip_address,
        )

    @property
    def _policy_signer(self) -> Callable[[bytes], bytes]:
        if self.signer is None:
            raise ImproperlyConfigured(
                "cloudfront_signer signs the expiry of a single URL. Cookies, start times, addresses and prefixes need "
                "cloudfront_key_id and cloudfront_key instead."
            )
        return self.signer


def _refuse_past(expires: int, now: float) -> None:
    if expires <= now:
        raise ValueError(f"{expires} is in the past: the URL or the cookies would never work.")
