"""Presigned requests with which a client uploads an object: one PUT, one POST form, or the parts of a large one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from django.views.decorators.debug import sensitive_variables

from s3store.core import postpolicy
from s3store.core.parts import GIB
from s3store.links.links import Links

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


@sensitive_variables()
def presigned_put(
    links: Links,
    key: str,
    headers: dict[str, str],
    *,
    size: int | None,
    seconds: int,
    now: float,
    query: tuple[tuple[str, str], ...] = (),
) -> PresignedUpload:
    """Return a PUT that must have these headers and, unless None, this size in bytes."""
    # Browsers send the length themselves and do not let a script set it.
    length = {} if size is None else {"Content-Length": str(size)}
    stamp = int(now)
    credentials, seconds = links.signing(seconds, stamp, now=now)
    url = links.upload_endpoint.presign(
        "PUT", key, credentials=credentials, stamp=stamp, expires=seconds, headers=headers | length, query=query
    )
    return PresignedUpload(url=url, method="PUT", expires_at=_moment(stamp + seconds), headers=headers)


def presigned_part(
    links: Links,
    key: str,
    upload_id: str,
    number: int,
    *,
    size: int,
    seconds: int,
    now: float,
    headers: dict[str, str] | None = None,
) -> PresignedUpload:
    """Return the PUT of one part, which must have this size in bytes and these headers. AWS: "UploadPart"."""
    query = (("partNumber", str(number)), ("uploadId", upload_id))
    return presigned_put(links, key, headers or {}, size=size, seconds=seconds, now=now, query=query)


@sensitive_variables()
def presigned_form(
    links: Links,
    key: str,
    fields: Mapping[str, str],
    *,
    min_size: int,
    max_size: int,
    seconds: int,
    now: float,
) -> PresignedUpload:
    """Return a form with these fields for a file of `min_size` to `max_size` bytes. AWS: "POST Object".

    Raises ValueError for a value that S3 would change.
    """
    fields = {"key": key, "success_action_status": "201", **fields}
    for name, value in fields.items():
        if "${filename}" in value:
            raise ValueError(f"{name}: S3 would replace ${{filename}} with the client's name of the file.")
    stamp = int(now)
    credentials, seconds = links.signing(seconds, stamp, now=now)
    endpoint = links.upload_endpoint
    signed = postpolicy.signed_fields(
        links.options.bucket_name,
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


def checked_size(name: str, value: int) -> int:
    """Return a size in bytes that one request can upload. Raises TypeError and ValueError for any other."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a number of bytes, not {value!r}.")
    if not 0 <= value <= MAX_UPLOAD_SIZE:
        raise ValueError(f"{name} is {value}; one request creates an object of 0 to {MAX_UPLOAD_SIZE} bytes (5 GiB).")
    return value


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, tz=timezone.utc)
