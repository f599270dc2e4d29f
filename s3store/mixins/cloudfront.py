"""The chapter on CloudFront: signed URLs with custom policies, and signed cookies."""

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

        It works for at most `expire`, seconds or a timedelta of any length (default: `querystring_expire`), and stays
        the same for a part of that time (`url_window`). It works only after `starts`, an aware datetime, and only from
        `ip_address`, an IPv4 address or a network such as `192.0.2.0/24`. With `prefix`, a directory that contains the
        file, the signature is valid for everything below that directory.
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

        The other arguments are those of `cloudfront_url`. `s3store.cookies` sets the cookies on a response.
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
