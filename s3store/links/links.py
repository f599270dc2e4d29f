"""URLs of files: signed for S3, signed for CloudFront, or unsigned. The current time is an argument."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.conf.options import Options
from s3store.core import overrides, sigv4, urls
from s3store.core.expiry import lifetime, window_start
from s3store.links.credentials import credentials_of
from s3store.links.distribution import Distribution
from s3store.links.endpoint import Endpoint
from s3store.wire.client import is_unsigned

logger = logging.getLogger("s3store")


class Links:
    """What all URLs of a storage have in common, for one set of options."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.endpoint = Endpoint(options)
        self.signs = options.querystring_auth and not is_unsigned(options)
        self.is_public = _pattern(options.public_names)
        self.has_distribution = bool(options.custom_domain and (options.cloudfront_key or options.cloudfront_signer))
        self._credentials = credentials_of(options)
        self._seconds = lifetime(options.querystring_expire, limit=sigv4.MAX_EXPIRES)

    @cached_property
    def upload_endpoint(self) -> Endpoint:
        """The endpoint that takes uploads: never `custom_domain`, which only serves files."""
        return Endpoint(replace(self.options, custom_domain=None))

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """The URLs at which the bucket can be reached: at `custom_domain` and at each form of the endpoint's host."""
        options, bucket = self.options, self.options.bucket_name
        found = [self.endpoint.url]
        if bucket:
            found.append(self.upload_endpoint.url)
            server = options.public_endpoint_url or options.endpoint_url or urls.aws_endpoint(options.region_name)
            servers = [server, urls.aws_endpoint(None)] if urls.is_aws(server) else [server]
            found += [urls.bucket_url(at, bucket, style) for at in servers for style in ("path", "virtual")]
        return tuple(dict.fromkeys(found))

    def plain(self, key: str, parameters: Mapping[str, Any] | None) -> str:
        """Return an unsigned URL."""
        return urls.object_url(self.endpoint.url, key, overrides.plain_query(parameters) if parameters else None)

    def by_cloudfront(
        self,
        distribution: Distribution,
        key: str,
        parameters: Mapping[str, Any] | None,
        expire: int | timedelta | None,
        *,
        now: float,
    ) -> str:
        """Return a URL signed with CloudFront's canned policy."""
        seconds = self._seconds if expire is None else lifetime(expire)
        start = window_start(now, seconds, self.options.url_window)
        return distribution.sign(self.plain(key, parameters), start + seconds, now=now)

    @sensitive_variables()
    def by_s3(
        self,
        key: str,
        parameters: Mapping[str, Any] | None,
        expire: int | timedelta | None,
        method: str,
        *,
        now: float,
    ) -> str:
        """Return a URL signed with Signature Version 4 in its query."""
        seconds = self._seconds if expire is None else lifetime(expire, limit=sigv4.MAX_EXPIRES)
        stamp = window_start(now, seconds, self.options.url_window)
        credentials, seconds = self.signing(seconds, stamp, now=now)
        query = overrides.signed_query(parameters) if parameters else ()
        return self.endpoint.presign(method, key, credentials=credentials, stamp=stamp, expires=seconds, query=query)

    @sensitive_variables()
    def signing(self, seconds: int, stamp: int, *, now: float) -> tuple[sigv4.Credentials, int]:
        """Return the credentials, and the lifetime of what they sign at `stamp`: at most `seconds`."""
        credentials = self._credentials()
        if credentials.expires_at is None:
            return credentials, seconds
        bucket = self.options.bucket_name
        if credentials.expires_at <= now:
            raise errors.build(
                errors.ExpiredCredentialsError, "the credentials have expired", operation="url", bucket=bucket
            )
        left = max(int(credentials.expires_at) - stamp, 1)
        if left < seconds:
            _warn_of_credentials(bucket, seconds)
        return credentials, min(left, seconds)


def _pattern(names: Iterable[str] | Callable[[str], bool]) -> Callable[[str], object] | None:
    if callable(names):
        return names
    patterns = [fnmatch.translate(name) for name in names]
    return re.compile("|".join(patterns)).match if patterns else None


_warned: set[str] = set()


def _warn_of_credentials(bucket: str, seconds: int) -> None:
    """Log the warning once for each bucket."""
    if bucket in _warned:
        return
    _warned.add(bucket)
    logger.warning(
        "Signed URLs in bucket %r should work for %d seconds, but the credentials that sign them expire earlier, and "
        "so do the URLs. Use a shorter lifetime, longer role sessions, or permanent keys.",
        bucket,
        seconds,
    )
