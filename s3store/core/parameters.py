"""From options and a name to the parameters of S3's requests.

AWS: the API reference of PutObject, CreateMultipartUpload, UploadPart, CopyObject, GetObject and HeadObject.
The parameter names are those of boto3.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

from s3store.core.suggest import did_you_mean

# AWS: "Canned ACL". log-delivery-write is for buckets; aws-exec-read is for machine images.
OBJECT_ACLS = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
)

_SSE_C = frozenset({"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"})
_EVERY_REQUEST = frozenset({"ExpectedBucketOwner", "RequestPayer"})
_READ = _SSE_C | _EVERY_REQUEST

# What a copy that replaces the metadata has to send again to keep it.
CONTENT_HEADERS = frozenset(
    {"CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires"}
)
_CREATE = (
    CONTENT_HEADERS
    | _READ
    | {
        "ACL",
        "BucketKeyEnabled",
        "ChecksumAlgorithm",
        "GrantFullControl",
        "GrantRead",
        "GrantReadACP",
        "GrantWriteACP",
        "Metadata",
        "ObjectLockLegalHoldStatus",
        "ObjectLockMode",
        "ObjectLockRetainUntilDate",
        "SSEKMSEncryptionContext",
        "SSEKMSKeyId",
        "ServerSideEncryption",
        "StorageClass",
        "Tagging",
        "WebsiteRedirectLocation",
    }
)

# Everything that `object_parameters` may hold; each request takes its own share of it.
OBJECT_PARAMETERS = _CREATE

_TAKES = {
    "put_object": _CREATE,
    "create_multipart_upload": _CREATE,
    "upload_part": _READ | {"ChecksumAlgorithm"},
    "complete_multipart_upload": _READ,
    "abort_multipart_upload": _EVERY_REQUEST,
    "head_object": _READ,
    "get_object": _READ,
    "copy_object": _CREATE,
    "upload_part_copy": _READ,
    "delete_object": _EVERY_REQUEST,
    "head_bucket": frozenset({"ExpectedBucketOwner"}),
    "delete_objects": _EVERY_REQUEST,
    "list_objects_v2": _EVERY_REQUEST,
    "get_object_acl": _EVERY_REQUEST,
    "put_object_acl": _EVERY_REQUEST,
}


class Parameters(dict[str, Any]):
    """Parameters of a request; the customer's encryption key is never shown."""

    def __repr__(self) -> str:
        return repr({name: "…" if name.endswith("SSECustomerKey") else value for name, value in self.items()})


Params = Mapping[str, Any]
NONE = Parameters()

DEFAULT_CONTENT_TYPE = "application/octet-stream"

# Python's own table depends on the operating system's; these are the ones the web relies on.
_CONTENT_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".heic": "image/heic",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mp4": "video/mp4",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}

# A name that ends so holds compressed bytes; it is no reason to let the browser decompress them.
_ENCODING_TYPES = {
    "br": "application/x-brotli",
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}


def guess_content_type(name: str) -> str:
    """Return the content type that the name's extension stands for, application/octet-stream if unknown."""
    stem, _, extensions = name.rpartition("/")[2].partition(".")
    if not stem or not extensions:
        return DEFAULT_CONTENT_TYPE
    if known := _CONTENT_TYPES.get("." + extensions.rpartition(".")[2].lower()):
        return known
    # Not the name itself, which mimetypes would take for a URL: data:text/html,x.zip
    guessed, encoding = mimetypes.guess_type(f"x.{extensions}")
    if encoding:
        return _ENCODING_TYPES.get(encoding, DEFAULT_CONTENT_TYPE)
    return guessed or DEFAULT_CONTENT_TYPE


def write_parameters(
    name: str,
    *,
    params: Mapping[str, Any],
    default_acl: str | None,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Parameters:
    """Return the parameters that create the object `name`.

    `params` are the storage's own object parameters; `content_type` and `metadata` are the file's and take precedence.
    """
    found = with_acl(params, default_acl)
    found["ContentType"] = content_type or found.get("ContentType") or guess_content_type(name)
    if metadata:
        # Header names are not case-sensitive: two spellings of one name would be sent twice.
        found["Metadata"] = {**_lowered(found.get("Metadata") or {}), **_lowered(metadata)}
    return found


def with_acl(params: Mapping[str, Any], default_acl: str | None) -> Parameters:
    """Return the parameters of a new object with the default ACL unless they have an ACL, which None switches off."""
    return Parameters((name, value) for name, value in {"ACL": default_acl, **params}.items() if value is not None)


def with_metadata(params: Mapping[str, Any], metadata: Mapping[str, str]) -> Parameters:
    """Return the parameters with further metadata."""
    return Parameters({**params, "Metadata": {**(params.get("Metadata") or {}), **metadata}})


def _lowered(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in metadata.items()}


def for_operation(operation: str, params: Mapping[str, Any]) -> Parameters:
    """Return the parameters that `operation` takes."""
    takes = _TAKES[operation]
    return Parameters((name, value) for name, value in params.items() if name in takes)


def copy_source_parameters(params: Mapping[str, Any]) -> Parameters:
    """Return the parameters with which a copy reads a source that is encrypted with the customer's key."""
    found = Parameters((f"CopySource{name}", value) for name, value in params.items() if name in _SSE_C)
    if "ExpectedBucketOwner" in params:
        found["ExpectedSourceBucketOwner"] = params["ExpectedBucketOwner"]
    return found


def header_problem(value: object) -> str | None:
    """Return what is wrong with a value meant for a request header, or None."""
    if isinstance(value, Mapping):
        pairs = (item for pair in value.items() for item in pair)
        return next((problem for item in pairs if (problem := header_problem(item))), None)
    if isinstance(value, str) and any(ord(char) < 32 or ord(char) == 127 for char in value):
        return f"{value!r} contains a control character, which no HTTP header may hold"
    return None


def metadata_problem(metadata: Mapping[str, str]) -> str | None:
    """Return what is wrong with user metadata, or None. AWS: "Working with object metadata"."""
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            return f"metadata maps str to str; {key!r}: {value!r} does not"
        if not key.isascii() or not all(char.isalnum() or char in "!#$%&'*+-.^_`|~" for char in key) or not key:
            return f"{key!r} cannot be the name of a metadata header"
        if not value.isascii():
            return f"the metadata value {value!r} is not ASCII; encode it (URL quoting reads well)"
    return header_problem(metadata)


def object_parameter_problems(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with object parameters, and what to do."""
    for name, value in params.items():
        if name not in OBJECT_PARAMETERS:
            hint = did_you_mean(name, sorted(OBJECT_PARAMETERS), "See PutObject in AWS's API reference.")
            yield f"S3 has no object parameter {name!r}.", hint
        elif not name.startswith("SSECustomerKey") and (problem := header_problem(value)):
            yield f"{name}: {problem}.", "Remove the control character."
    if params.get("ACL") not in (None, *OBJECT_ACLS):
        yield f"ACL: {params['ACL']!r} is not a canned ACL for objects.", f"Use one of {', '.join(OBJECT_ACLS)}."
    metadata = params.get("Metadata")
    if metadata is not None:
        problem = metadata_problem(metadata) if isinstance(metadata, Mapping) else "the value is not a dict"
        if problem:
            yield f"Metadata: {problem}.", "Metadata maps ASCII names to ASCII values."
