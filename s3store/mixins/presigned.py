"""Presigned uploads: a URL for a PUT, or a form for a POST, with which a client uploads one file.

The signature of a form covers everything but the bytes. The client of a PUT can add standard headers that are not
signed, such as Content-Encoding and Content-Disposition, and S3 stores them: use forms for untrusted clients.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.core import headers as names
from s3store.core import sigv4
from s3store.core.expiry import lifetime
from s3store.links.links import Links
from s3store.links.uploads import UPLOAD_SECONDS, PresignedUpload, checked_size, presigned_form, presigned_put
from s3store.wire.objects import Objects


class Presigned:
    """A storage that lets clients upload."""

    objects: Objects

    @sensitive_variables()
    def upload_url(
        self,
        name: str,
        *,
        expire: int | timedelta = UPLOAD_SECONDS,
        content_type: str | None = None,
        size: int | None = None,
        overwrite: bool | None = None,
    ) -> PresignedUpload:
        """Return a presigned PUT that creates the file `name`. Sends no request.

        `expire`
            The time within which the upload must start: seconds or a timedelta, up to 7 days.
        `content_type`
            The content type that the client must send. Default: as for `save`.
        `size`
            The only length in bytes that S3 accepts, 0 to 5 GiB. Default: any length up to 5 GiB.
        `overwrite`
            Whether the upload may replace a file; if not, S3 returns 412. Default: `file_overwrite`.

        Raises ImproperlyConfigured without a bucket, and without `overwrite` if `conditional_writes` is off.
        AWS: "Uploading objects with presigned URLs".
        """
        objects = self.objects
        seconds = lifetime(expire, limit=sigv4.MAX_EXPIRES)
        if overwrite is None:
            overwrite = objects.options.file_overwrite
        if not overwrite and not objects.options.conditional_writes:
            raise ImproperlyConfigured(
                "conditional_writes is off: the server cannot refuse to replace a file. Choose a name that cannot be "
                "guessed, and give overwrite=True."
            )
        target = objects.target(name)
        headers = names.headers_of(objects.written(target, content_type=content_type))
        if not overwrite:
            headers["If-None-Match"] = "*"
        links = _links(objects)
        length = None if size is None else checked_size("size", size)
        return presigned_put(links, target.key, headers, size=length, seconds=seconds, now=time.time())

    @sensitive_variables()
    def upload_post(
        self,
        name: str,
        *,
        max_size: int,
        min_size: int = 0,
        expire: int | timedelta = UPLOAD_SECONDS,
        content_type: str | None = None,
    ) -> PresignedUpload:
        """Return a presigned form that creates the file `name`, of `min_size` to `max_size` bytes. Sends no request.

        `expire` and `content_type` are those of `upload_url`. The maximum of `max_size` is 5 GiB. S3 responds with 201
        and XML. A form always replaces a file of that name: choose a name that cannot be guessed. Raises ValueError for
        object parameters that a form cannot have: ExpectedBucketOwner, RequestPayer and Tagging.
        AWS: "POST Object".
        """
        objects = self.objects
        seconds = lifetime(expire, limit=sigv4.MAX_EXPIRES)
        if checked_size("min_size", min_size) > checked_size("max_size", max_size):
            raise ValueError(f"min_size is {min_size}, more than max_size, {max_size}.")
        target = objects.target(name)
        written = objects.written(target, content_type=content_type)
        return presigned_form(
            _links(objects),
            target.key,
            names.form_fields_of(written),
            min_size=min_size,
            max_size=max_size,
            seconds=seconds,
            now=time.time(),
        )


def _links(objects: Objects) -> Links:
    # A storage that serves from a custom domain needs no bucket name; an upload does.
    _ = objects.bucket
    return objects.of(Links)
