"""URLs of files. Creating one needs no client and sends no request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from s3store.core import overrides
from s3store.core.parameters import guess_content_type
from s3store.links.distribution import Distribution
from s3store.links.links import Links
from s3store.wire.objects import Objects


class Linked:
    """A storage whose files have URLs."""

    objects: Objects

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
        """Return the URL of a file, at `custom_domain` if set, otherwise at S3. Sends no request.

        A name that is empty or ends with a slash is a directory: its URL is never signed.

        `parameters`
            Parameters of GetObject, such as ResponseCacheControl and VersionId. They win over the arguments below.
        `expire`
            The maximum lifetime of a signed URL: seconds or a timedelta. S3 allows up to 7 days. The URL stays the
            same for a part of that time (`url_window`). Default: `querystring_expire`.
        `http_method`
            The method that a URL signed for S3 allows. Default: GET.
        `signed`
            Whether to sign the URL. Default: `querystring_auth`, but never for `public_names` or `anonymous` storages.
        `download_as`
            Makes the browser save the file under this name.
        `content_type`
            Replaces the content type of the file in the response.
        `inline`
            Makes the browser show the file.

        The last three need a signed URL: otherwise this raises ValueError. Raises ValueError for values that S3 would
        refuse too, TypeError for an `expire` of another type, NoCredentialsError without credentials, and
        ExpiredCredentialsError if the credentials have expired and cannot be renewed.
        """
        objects = self.objects
        if not objects.options.custom_domain:
            _ = objects.bucket  # a custom domain serves the bucket whatever its name is
        links = objects.of(Links)
        if not signed and (not name or str(name).endswith("/")):
            # Django's storages have URLs of directories too: scripts append names to them. Nobody can use a signed one.
            key, signed = objects.prefix(name or ""), False
        else:
            key = objects.key(name or "")
        if signed is None:
            signed = links.signs and not (links.is_public and links.is_public(objects.name(key) or ""))
        if inline or download_as is not None or content_type:
            if not signed:
                raise ValueError(
                    f"The URL of {name!r} is not signed, and S3 changes responses only for signed URLs. Give "
                    "signed=True, or save the file with the ContentDisposition and ContentType it needs."
                )
            # Both can be lazy translations.
            words = overrides.in_words(
                download_as=None if download_as is None else str(download_as),
                content_type=str(content_type) if content_type else None,
                inline=inline,
                stored_type=guess_content_type(key),
            )
            parameters = {**words, **(parameters or {})}
        if not signed:
            return links.plain(key, parameters)
        now = time.time()
        if links.has_distribution:
            return links.by_cloudfront(objects.of(Distribution.of), key, parameters, expire, now=now)
        return links.by_s3(key, parameters, expire, (http_method or "GET").upper(), now=now)
