"""Files behind CloudFront: what signs for it, and a storage's URLs and cookies with custom policies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.core import cloudfront, urls
from s3store.core.expiry import lifetime, window_start
from s3store.located import Located
from s3store.options import Options
from s3store.signing import rsa_signer


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
        starts: int | None = None,
        ip_address: str | None = None,
        resource: str | None = None,
    ) -> str:
        """Return `url` signed until `expires`, in seconds since 1970, as `core.cloudfront.signed_url` does.

        Raises ValueError when that is past, and ImproperlyConfigured for more than an expiry with `cloudfront_signer`.
        """
        _refuse_past(expires)
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
        self, prefix_key: str, expires: int, *, starts: int | None = None, ip_address: str | None = None
    ) -> dict[str, str]:
        """Return the cookies with which CloudFront serves all keys that begin with `prefix_key` until `expires`.

        Raises what `sign` does.
        """
        _refuse_past(expires)
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


class CloudFront(Located):
    """A storage whose files CloudFront serves."""

    @sensitive_variables()
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._distributed: tuple[Options, Distribution] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_distributed": None}

    @property
    def _distribution(self) -> Distribution:
        options = self.options
        known = self._distributed
        if known is None or known[0] is not options:
            self._distributed = known = options, Distribution.of(options)
        return known[1]

    def cloudfront_url(
        self,
        name: str | os.PathLike[str],
        *,
        expire: int | timedelta | None = None,
        starts: datetime | None = None,
        ip_address: str | None = None,
        prefix: str | os.PathLike[str] | None = None,
    ) -> str:
        """Return the file's URL at `custom_domain`, signed for CloudFront.

        It works for `expire` at most (seconds or a timedelta of any length, by default `querystring_expire`) and is
        the same one for a part of that time (`url_window`); it works only after `starts` (an aware datetime) and only
        from `ip_address` (an IPv4 address or a network such as `192.0.2.0/24`). With `prefix`, a directory that the
        file is in, its signature holds for everything below that directory.
        """
        distribution = self._distribution
        key = self._key(name)
        resource = None
        if prefix is not None:
            directory = self._prefix(prefix)
            if not key.startswith(directory):
                raise ValueError(f"{name!r} is not below {prefix!r}: the signature would not hold for it.")
            resource = cloudfront.everything_below(distribution.base_url, directory)
        seconds = self._lifetime(expire)
        return distribution.sign(
            urls.object_url(distribution.base_url, key),
            window_start(time.time(), seconds, self.options.url_window) + seconds,
            starts=None if starts is None else cloudfront.epoch(starts),
            ip_address=ip_address,
            resource=resource,
        )

    def cloudfront_cookies(
        self,
        prefix: str | os.PathLike[str] = "",
        *,
        expire: int | timedelta | None = None,
        starts: datetime | None = None,
        ip_address: str | None = None,
    ) -> dict[str, str]:
        """Return the cookies, by name, with which CloudFront serves everything below the directory `prefix`.

        The other arguments are those of `cloudfront_url`. `s3store.cookies` sets them on a response.
        """
        return self._distribution.cookies(
            self._prefix(prefix),
            int(time.time()) + self._lifetime(expire),
            starts=None if starts is None else cloudfront.epoch(starts),
            ip_address=ip_address,
        )

    def _directory_url(self, prefix: str | os.PathLike[str]) -> str:
        return urls.object_url(self._distribution.base_url, self._prefix(prefix))

    def _lifetime(self, expire: int | timedelta | None) -> int:
        return lifetime(self.options.querystring_expire if expire is None else expire)


def _refuse_past(expires: int) -> None:
    if expires <= time.time():
        raise ValueError(f"{expires} is past: nobody could use the URL or the cookies.")
