"""CloudFront: signed URLs with custom policies, and signed cookies."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

from s3store.core import cloudfront, urls
from s3store.core.expiry import lifetime, window_start
from s3store.links.distribution import Distribution
from s3store.wire.objects import Objects


class CloudFront:
    """A storage whose files CloudFront serves."""

    objects: Objects

    def cloudfront_url(
        self,
        name: str | os.PathLike[str],
        *,
        expire: int | timedelta | None = None,
        starts: datetime | None = None,
        ip_address: str | None = None,
        prefix: str | os.PathLike[str] | None = None,
    ) -> str:
        """Return the URL of a file at `custom_domain`, signed for CloudFront. Sends no request.

        `expire`
            The maximum lifetime: seconds or a timedelta of any length. The URL stays the same for a part of that time
            (`url_window`). Default: `querystring_expire`.
        `starts`
            An aware datetime. The URL works only after it.
        `ip_address`
            An IPv4 address, or a network such as `192.0.2.0/24`. The URL works only from there.
        `prefix`
            A directory that contains the file. The signature is valid for everything below it.

        Raises ImproperlyConfigured if `custom_domain`, `cloudfront_key_id` or `cloudfront_key` is missing or cannot be
        used, and for more than `expire` with a `cloudfront_signer`. Raises ValueError for values that CloudFront would
        refuse, and for a file that is not below `prefix`.
        """
        objects = self.objects
        distribution = objects.of(Distribution.of)
        key = objects.key(name)
        resource = None
        if prefix is not None:
            directory = objects.prefix(prefix)
            if not key.startswith(directory):
                raise ValueError(f"{name!r} is not below {prefix!r}: the signature would not be valid for it.")
            resource = cloudfront.everything_below(distribution.base_url, directory)
        seconds = lifetime(objects.options.querystring_expire if expire is None else expire)
        now = time.time()
        return distribution.sign(
            urls.object_url(distribution.base_url, key),
            window_start(now, seconds, objects.options.url_window) + seconds,
            now=now,
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

        They work from now on until `expire`, to the second. The other arguments and the errors are those of
        `cloudfront_url`.
        """
        objects = self.objects
        now = time.time()
        seconds = lifetime(objects.options.querystring_expire if expire is None else expire)
        return objects.of(Distribution.of).cookies(
            objects.prefix(prefix),
            int(now) + seconds,
            now=now,
            starts=None if starts is None else cloudfront.epoch(starts),
            ip_address=ip_address,
        )
