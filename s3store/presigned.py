"""Signed documents with which somebody else uploads one file: a URL to PUT it to, or a form to POST it with.

A form leaves nothing to the sender but the bytes. A PUT leaves him the standard headers that are not signed (such as
Content-Encoding and Content-Disposition), for S3 stores what it is sent: give forms to strangers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.core import headers, params, postpolicy, sigv4, urls
from s3store.core.expiry import lifetime
from s3store.core.parts import GIB
from s3store.links import Linked, Links

UPLOAD_SECONDS = 600
"""How long an upload may begin, unless the caller says so."""

MAX_UPLOAD_SIZE = 5 * GIB
"""Bytes of an object that one request can create. AWS: "Uploading objects"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedUpload:
    """What somebody needs to upload one file: send the file to `url` by `method`, until `expires_at`.

    A PUT must carry all `headers`, and the file is its body. A POST is a multipart/form-data form of all `fields`, and
    the file comes last, as the field `file`.
    """

    url: str = field(repr=False)
    method: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    fields: dict[str, str] = field(default_factory=dict, repr=False)


class Presigned(Linked):
    """A storage that lets others upload."""

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
        """Return a signed PUT that creates the file `name`; sends nothing.

        Without a `content_type` the name's extension decides. With a `size`, in bytes, S3 takes a body of that length
        only. `overwrite` is `file_overwrite` unless given; when not, S3 refuses to replace a file (412).
        AWS: "Uploading objects with presigned URLs".
        """
        seconds = lifetime(expire, limit=sigv4.MAX_EXPIRES)
        if overwrite is None:
            overwrite = self.options.file_overwrite
        if not overwrite and not self.options.conditional_writes:
            raise ImproperlyConfigured(
                "conditional_writes is off: the server cannot refuse to replace a file. Choose a name that nobody can "
                "guess, and give overwrite=True."
            )
        key, given = self._upload_parameters(name, content_type)
        wanted = headers.headers_of(given)
        if not overwrite:
            wanted["If-None-Match"] = "*"
        signed = dict(wanted)
        if size is not None:
            # Browsers send it themselves, and let no script do it.
            signed["Content-Length"] = str(_size("size", size))
        links = self._upload_links()
        place, stamp = links.upload_place, int(time.time())
        credentials, seconds = links.signing(seconds, stamp)
        path = f"{place.path}/{urls.quote_key(key)}"
        query = sigv4.presign(
            "PUT",
            place.host,
            path,
            credentials=credentials,
            region=place.region,
            stamp=stamp,
            expires=seconds,
            headers=signed,
        )
        url = f"{place.origin}{path}?{query}"
        return PresignedUpload(url=url, method="PUT", expires_at=_moment(stamp + seconds), headers=wanted)

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
        """Return a signed form that creates the file `name`, of `min_size` to `max_size` bytes; sends nothing.

        S3 answers 201 with XML. A form always replaces a file of that name: choose one that nobody can guess.
        AWS: "POST Object".
        """
        seconds = lifetime(expire, limit=sigv4.MAX_EXPIRES)
        if _size("min_size", min_size) > _size("max_size", max_size):
            raise ValueError(f"min_size is {min_size}, more than max_size, {max_size}.")
        key, given = self._upload_parameters(name, content_type)
        fields = {"key": key, "success_action_status": "201", **headers.form_fields_of(given)}
        for field_name, value in fields.items():
            if "${filename}" in value:
                raise ValueError(f"{field_name}: S3 would replace ${{filename}} by what the sender calls the file.")
        links = self._upload_links()
        place, stamp = links.upload_place, int(time.time())
        credentials, seconds = links.signing(seconds, stamp)
        signed = postpolicy.signed_fields(
            self.options.bucket_name,
            fields,
            min_size=min_size,
            max_size=max_size,
            credentials=credentials,
            region=place.region,
            stamp=stamp,
            expires=seconds,
        )
        url = place.url if place.path else f"{place.url}/"
        return PresignedUpload(url=url, method="POST", expires_at=_moment(stamp + seconds), fields=signed)

    def _upload_parameters(self, name: str, content_type: str | None) -> tuple[str, params.Parameters]:
        key = self._key(name)
        plain = self._name(key) or ""
        return key, self._write_parameters(plain, self._parameters(plain), content_type=content_type)

    def _upload_links(self) -> Links:
        # A storage that reads through a domain of its own may do without a bucket's name; an upload cannot.
        _ = self._bucket
        return self._links


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, tz=timezone.utc)


def _size(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a number of bytes, not {value!r}.")
    if not 0 <= value <= MAX_UPLOAD_SIZE:
        raise ValueError(f"{name} is {value}; one request creates an object of 0 to {MAX_UPLOAD_SIZE} bytes (5 GiB).")
    return value
