"""Presigned uploads: a URL for a PUT, or a form for a POST, with which a client uploads one file.

The signature of a form covers everything but the bytes. The client of a PUT can add standard headers that are not
signed, such as Content-Encoding and Content-Disposition, and S3 stores them: use forms for untrusted clients.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.core import headers as names
from s3store.core import postpolicy, sigv4
from s3store.core.expiry import lifetime
from s3store.core.parts import GIB
from s3store.links.links import Links
from s3store.wire.objects import Objects

UPLOAD_SECONDS = 600
"""The default lifetime of a presigned upload in seconds. The upload must start before it ends."""

MAX_UPLOAD_SIZE = 5 * GIB
"""The maximum size in bytes of an object that one request creates. AWS: "Uploading objects"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedUpload:
    """What a client needs to upload one file: send it to `url` by `method` before `expires_at`.

    A PUT must have all `headers`, and its body is the file. A POST is a multipart/form-data form with all `fields`,
    and the file as its last field, named `file`. `expires_at` is in UTC. It is earlier than the given lifetime if the
    credentials expire first.
    """

    url: str = field(repr=False)
    method: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    fields: dict[str, str] = field(default_factory=dict, repr=False)


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
        # Browsers send the length themselves and do not let a script set it.
        length = {} if size is None else {"Content-Length": str(_size("size", size))}
        links, credentials, stamp, seconds = _signing(objects, seconds)
        url = links.upload_endpoint.presign(
            "PUT", target.key, credentials=credentials, stamp=stamp, expires=seconds, headers=headers | length
        )
        return PresignedUpload(url=url, method="PUT", expires_at=_moment(stamp + seconds), headers=headers)

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
        if _size("min_size", min_size) > _size("max_size", max_size):
            raise ValueError(f"min_size is {min_size}, more than max_size, {max_size}.")
        target = objects.target(name)
        written = objects.written(target, content_type=content_type)
        fields = {"key": target.key, "success_action_status": "201", **names.form_fields_of(written)}
        for field_name, value in fields.items():
            if "${filename}" in value:
                raise ValueError(f"{field_name}: S3 would replace ${{filename}} with the client's name of the file.")
        links, credentials, stamp, seconds = _signing(objects, seconds)
        endpoint = links.upload_endpoint
        signed = postpolicy.signed_fields(
            objects.bucket.name,
            fields,
            min_size=min_size,
            max_size=max_size,
            credentials=credentials,
            region=endpoint.region,
            stamp=stamp,
            expires=seconds,
        )
        url = endpoint.url if endpoint.path else f"{endpoint.url}/"
        return PresignedUpload(url=url, method="POST", expires_at=_moment(stamp + seconds), fields=signed)


@sensitive_variables()
def _signing(objects: Objects, seconds: int) -> tuple[Links, sigv4.Credentials, int, int]:
    """Return what signs an upload that starts now, and how many seconds it lives."""
    # A storage that serves from a custom domain needs no bucket name; an upload does.
    _ = objects.bucket
    links, now = objects.of(Links), time.time()
    stamp = int(now)
    credentials, seconds = links.signing(seconds, stamp, now=now)
    return links, credentials, stamp, seconds


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, tz=timezone.utc)


def _size(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a number of bytes, not {value!r}.")
    if not 0 <= value <= MAX_UPLOAD_SIZE:
        raise ValueError(f"{name} is {value}; one request creates an object of 0 to {MAX_UPLOAD_SIZE} bytes (5 GiB).")
    return value
