"""The presigned requests of a direct upload. What a browser is given contains no ACL, no metadata and no secret."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import headers, providers
from s3store.core.parameters import Parameters
from s3store.core.parts import KIB
from s3store.links.links import Links
from s3store.links.uploads import UPLOAD_SECONDS, PresignedUpload, presigned_form, presigned_part, presigned_put
from s3store.wire.objects import Objects

PART_SECONDS = 3600
"""The lifetime of the URL of a part, in seconds."""

_SLOWEST = 64 * KIB
_LONGEST = 3600

# The final object gets all others when it is copied. An object that was only uploaded is private, and expires.
_IN_BROWSERS = frozenset({"BucketKeyEnabled", "SSEKMSEncryptionContext", "SSEKMSKeyId", "ServerSideEncryption"})


CHECKSUM_HEADER = "x-amz-checksum-crc32"
"""The header in which a client sends the CRC-32 of a file or part, in base64. AWS: "Checking object integrity"."""


def takes_checksums(objects: Objects) -> bool:
    """Return whether clients send checksums: if the options say so, and the server is not known to ignore them."""
    options = objects.options
    ignores = providers.without_checksums(options.provider, options.endpoint_url)
    return bool(options.upload_checksum) and objects.bucket.over_http and not ignores


def incoming_params(objects: Objects, key: str, content_type: str) -> Parameters:
    """Return the object parameters of an incoming object: its type and its encryption.

    Raises ImproperlyConfigured for SSE-C keys.
    """
    params = objects.target_at(key).params
    if any(name.startswith("SSECustomer") for name in params):
        raise ImproperlyConfigured(
            "Direct uploads cannot use customer-provided encryption keys (SSECustomerKey): browsers would see them. "
            "Exclude the names 'incoming/*' from them, or use ServerSideEncryption."
        )
    kept = Parameters((name, value) for name, value in params.items() if name in _IN_BROWSERS)
    kept["ContentType"] = content_type
    return kept


@sensitive_variables()
def whole_file(
    objects: Objects, key: str, params: Parameters, *, size: int, now: float, checksum: str | None = None
) -> PresignedUpload:
    """Return the request that uploads a file of exactly `size` bytes: a form, or a PUT where servers know no forms.

    With `checksum`, the CRC-32 in base64, it is a PUT of exactly this file.
    """
    options = objects.options
    if not checksum and _takes_forms(options):
        return form(objects, key, params, min_size=size, max_size=size, now=now)
    found = headers.headers_of(params)
    if checksum:
        found[CHECKSUM_HEADER] = checksum
    if options.conditional_writes:
        found["If-None-Match"] = "*"
    return presigned_put(objects.of(Links), key, found, size=size, seconds=_seconds(size), now=now)


@sensitive_variables()
def form(
    objects: Objects, key: str, params: Parameters, *, min_size: int, max_size: int, now: float
) -> PresignedUpload:
    """Return the form that uploads a file of `min_size` to `max_size` bytes.

    Raises ImproperlyConfigured for a server that knows no forms.
    """
    if not _takes_forms(objects.options):
        raise ImproperlyConfigured(
            "The server of this storage takes no forms (upload_method), and a PUT cannot limit the size of a file that "
            "the client does not announce. Use begin/ in place of signed-url/."
        )
    fields = headers.form_fields_of(params)
    return presigned_form(
        objects.of(Links), key, fields, min_size=min_size, max_size=max_size, seconds=_seconds(max_size), now=now
    )


@sensitive_variables()
def part(
    objects: Objects, key: str, upload_id: str, number: int, *, size: int, now: float, checksum: str | None = None
) -> PresignedUpload:
    """Return the PUT of part `number` (from 1) of exactly `size` bytes, and with `checksum` of exactly these."""
    links = objects.of(Links)
    how = {CHECKSUM_HEADER: checksum} if checksum else {}
    return presigned_part(links, key, upload_id, number, size=size, seconds=PART_SECONDS, now=now, headers=how)


def _takes_forms(options: Options) -> bool:
    if options.upload_method == "auto":
        return providers.takes_forms(options.endpoint_url)
    return options.upload_method == "post"


def _seconds(size: int) -> int:
    """Return how long a client may take until it starts to send, and a slow one to send."""
    return min(UPLOAD_SECONDS + size // _SLOWEST, _LONGEST)
