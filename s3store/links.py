"""URLs of files: signed by S3's rules, by CloudFront's, or plain. No client is made for one, and nothing is sent."""

from __future__ import annotations

import fnmatch
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.cdn import CloudFront, Distribution
from s3store.core import overrides, sigv4, urls
from s3store.core.expiry import lifetime, window_start
from s3store.core.params import guess_content_type
from s3store.identity import credentials_of
from s3store.options import Options
from s3store.place import Place

logger = logging.getLogger("s3store")


class Links:
    """What all URLs of a storage have in common, for one set of options."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.place = Place(options)
        self.signs = options.querystring_auth and not options.anonymous
        self.is_public = _pattern(options.public_names)
        self.has_distribution = bool(options.custom_domain and (options.cloudfront_key or options.cloudfront_signer))
        self.credentials = credentials_of(options)
        self._seconds = lifetime(options.querystring_expire, limit=sigv4.MAX_EXPIRES)

    @cached_property
    def upload_place(self) -> Place:
        """Where the bucket takes uploads: not at `custom_domain`, which is there to be read from."""
        return Place(replace(self.options, custom_domain=None))

    def plain(self, key: str, parameters: Mapping[str, Any] | None) -> str:
        """Return a URL that nothing signs."""
        return urls.object_url(self.place.url, key, overrides.plain_query(parameters) if parameters else None)

    def by_cloudfront(
        self,
        distribution: Distribution,
        key: str,
        parameters: Mapping[str, Any] | None,
        expire: int | timedelta | None,
    ) -> str:
        """Return a URL that CloudFront's canned policy signs."""
        seconds = self._seconds if expire is None else lifetime(expire)
        start = window_start(time.time(), seconds, self.options.url_window)
        return distribution.sign(self.plain(key, parameters), start + seconds)

    @sensitive_variables()
    def by_s3(
        self,
        key: str,
        parameters: Mapping[str, Any] | None,
        expire: int | timedelta | None,
        method: str,
    ) -> str:
        """Return a URL that a Signature Version 4 in its query signs."""
        seconds = self._seconds if expire is None else lifetime(expire, limit=sigv4.MAX_EXPIRES)
        stamp = window_start(time.time(), seconds, self.options.url_window)
        credentials, seconds = self.signing(seconds, stamp)
        place = self.place
        path = f"{place.path}/{urls.quote_key(key)}"
        query = sigv4.presign(
            method,
            place.host,
            path,
            credentials=credentials,
            region=place.region,
            stamp=stamp,
            expires=seconds,
            query=overrides.signed_query(parameters) if parameters else (),
        )
        return f"{place.origin}{path}?{query}"

    @sensitive_variables()
    def signing(self, seconds: int, stamp: int) -> tuple[sigv4.Credentials, int]:
        """Return the credentials, and how long what they sign at `stamp` lives: `seconds` at most."""
        credentials = self.credentials()
        if credentials.expires_at is None:
            return credentials, seconds
        bucket = self.options.bucket_name
        if credentials.expires_at <= time.time():
            raise errors.build(
                errors.ExpiredCredentialsError, "the credentials have run out", operation="url", bucket=bucket
            )
        left = max(int(credentials.expires_at) - stamp, 1)
        if left < seconds:
            _warn_of_credentials(bucket, seconds)
        return credentials, min(left, seconds)


class Linked(CloudFront):
    """A storage whose files have URLs."""

    _known_links: Links | None = None

    def url(
        self,
        name: str | None,
        parameters: Mapping[str, Any] | None = None,
        expire: int | timedelta | None = None,
        http_method: str | None = None,
        *,
        signed: bool | None = None,
        download_as: str | None = None,
        content_type: str | None = None,
        inline: bool = False,
    ) -> str:
        """Return the file's URL: at `custom_domain` where there is one, else S3's own. Sends nothing.

        It is `signed` if `querystring_auth` says so and `public_names` do not. A signed URL works for `expire` at
        most, seconds or a timedelta (the default is `querystring_expire`, the limit of S3 7 days), and is the same one
        for a part of that time (`url_window`). `http_method` is what S3 takes it for: GET, unless given.

        `download_as` has the browser save the file under that name, `inline=True` show it, and `content_type` take
        it for that type. `parameters` are GetObject's: ResponseCacheControl, VersionId … Raises ValueError for what
        S3 would refuse: answers are changed by signed URLs only.
        """
        links = self._links
        key = self._key(name or "")
        if signed is None:
            signed = links.signs and not (links.is_public and links.is_public(self._name(key) or ""))
        if inline or download_as is not None or content_type:
            if not signed:
                raise ValueError(
                    f"The URL of {name!r} is not signed, and S3 changes its answers for signed URLs only. Give "
                    "signed=True, or save the file with the ContentDisposition and ContentType it needs."
                )
            # Either may be a translation that is still to be made.
            words = overrides.in_words(
                download_as=None if download_as is None else str(download_as),
                content_type=str(content_type) if content_type else None,
                inline=inline,
                stored_type=guess_content_type(key),
            )
            parameters = {**words, **(parameters or {})}
        if not signed:
            return links.plain(key, parameters)
        if links.has_distribution:
            return links.by_cloudfront(self._distribution, key, parameters, expire)
        return links.by_s3(key, parameters, expire, (http_method or "GET").upper())

    @property
    def _links(self) -> Links:
        options = self.options
        known = self._known_links
        if known is None or known.options is not options:
            # A domain of its own serves the bucket whatever its name is.
            self._known_links = known = Links(options if options.custom_domain else self._bucket.options)
        return known

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_known_links": None}


def _pattern(names: Iterable[str] | Callable[[str], bool]) -> Callable[[str], object] | None:
    if callable(names):
        return names
    patterns = [fnmatch.translate(name) for name in names]
    return re.compile("|".join(patterns)).match if patterns else None


_warned: set[str] = set()


def _warn_of_credentials(bucket: str, seconds: int) -> None:
    """Log it once for a bucket."""
    if bucket in _warned:
        return
    _warned.add(bucket)
    logger.warning(
        "Signed URLs in bucket %r were to work for %d seconds, but the credentials that sign them run out before, and "
        "the URLs with them. Use a shorter expiry, longer sessions of the role, or keys that stay.",
        bucket,
        seconds,
    )
