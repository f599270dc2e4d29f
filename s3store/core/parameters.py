"""The parameters of requests to S3, made from options and a name.

AWS: the API reference of PutObject, CreateMultipartUpload, UploadPart, CopyObject, GetObject and HeadObject.
The parameter names are those of boto3.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from s3store.core.info import INTERNAL
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

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_SSE_C = frozenset({"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"})
_EVERY_REQUEST = frozenset({"ExpectedBucketOwner", "RequestPayer"})
_READ = _SSE_C | _EVERY_REQUEST

# A copy that replaces the metadata keeps only the headers that it sends again.
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

# Everything that `object_parameters` may contain. Each request uses the parameters that it knows.
OBJECT_PARAMETERS = _CREATE

_BUCKET_SETTINGS = (
    "delete_bucket_cors",
    "delete_bucket_lifecycle",
    "delete_bucket_policy",
    "get_bucket_acl",
    "get_bucket_cors",
    "get_bucket_encryption",
    "get_bucket_lifecycle_configuration",
    "get_bucket_location",
    "get_bucket_ownership_controls",
    "get_bucket_policy",
    "get_bucket_policy_status",
    "get_bucket_request_payment",
    "get_bucket_versioning",
    "get_object_lock_configuration",
    "get_public_access_block",
    "put_bucket_acl",
    "put_bucket_cors",
    "put_bucket_encryption",
    "put_bucket_lifecycle_configuration",
    "put_bucket_ownership_controls",
    "put_bucket_policy",
    "put_bucket_versioning",
    "put_public_access_block",
)

_TAKES = {
    "put_object": _CREATE,
    "create_multipart_upload": _CREATE,
    "upload_part": _READ | {"ChecksumAlgorithm"},
    "complete_multipart_upload": _READ,
    "abort_multipart_upload": _EVERY_REQUEST,
    "list_parts": _READ,
    "list_multipart_uploads": _EVERY_REQUEST,
    "head_object": _READ,
    "get_object": _READ,
    "copy_object": _CREATE,
    "upload_part_copy": _READ,
    "delete_object": _EVERY_REQUEST,
    "head_bucket": frozenset({"ExpectedBucketOwner"}),
    "delete_objects": _EVERY_REQUEST,
    "list_objects_v2": _EVERY_REQUEST,
    "list_object_versions": _EVERY_REQUEST,
    "get_object_tagging": _EVERY_REQUEST,
    "put_object_tagging": _EVERY_REQUEST,
    "delete_object_tagging": frozenset({"ExpectedBucketOwner"}),
    "get_object_acl": _EVERY_REQUEST,
    "put_object_acl": _EVERY_REQUEST,
    "restore_object": _EVERY_REQUEST,
    "create_bucket": frozenset(),
    **dict.fromkeys(_BUCKET_SETTINGS, frozenset({"ExpectedBucketOwner"})),
}


class Parameters(dict[str, Any]):
    """Parameters of a request. Neither a repr nor a pickle contains a customer-provided encryption key."""

    def __repr__(self) -> str:
        return repr({name: "…" if name.endswith("SSECustomerKey") else value for name, value in self.items()})

    def copy(self) -> Parameters:
        """Return a copy that hides the key too."""
        return Parameters(self)

    def __copy__(self) -> Parameters:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameters:
        return Parameters(deepcopy(dict(self), memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        if any(name.endswith("SSECustomerKey") for name in self):
            raise TypeError("Parameters with an SSECustomerKey cannot be pickled. Pickle the storage instead.")
        return Parameters, (dict(self),)

    def public(self) -> Parameters:
        """Return the parameters without a customer-provided encryption key."""
        return Parameters((name, value) for name, value in self.items() if not name.startswith("SSECustomerKey"))


Params = Mapping[str, Any]
NONE = Parameters()

DEFAULT_CONTENT_TYPE = "application/octet-stream"

# Python's table depends on the operating system. These types, by IANA's registry, are always the same.
_CONTENT_TYPES = {
    ".aac": "audio/aac",
    ".apng": "image/apng",
    ".atom": "application/atom+xml",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".css": "text/css",
    ".csv": "text/csv",
    ".eot": "application/vnd.ms-fontobject",
    ".flac": "audio/flac",
    ".geojson": "application/geo+json",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".ics": "text/calendar",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".jxl": "image/jxl",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/opus",
    ".otf": "font/otf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".rss": "application/rss+xml",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".ttc": "font/collection",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".vtt": "text/vtt",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml",
    ".xsl": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}

# Files with these extensions contain compressed bytes, which browsers must not decompress.
_ENCODING_TYPES = {
    "br": "application/x-brotli",
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}


def guess_content_type(name: str) -> str:
    """Return the content type for the extension of the name. Default: application/octet-stream."""
    stem, _, extensions = name.rpartition("/")[2].partition(".")
    if not stem or not extensions:
        return DEFAULT_CONTENT_TYPE
    if known := _CONTENT_TYPES.get("." + extensions.rpartition(".")[2].lower()):
        return known
    # mimetypes would interpret a whole name like data:text/html,x.zip as a URL.
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
        # Header names are case-insensitive: two spellings of one name would be sent twice.
        found["Metadata"] = {**_lowered(found.get("Metadata") or {}), **_lowered(metadata)}
    return found


def with_acl(params: Mapping[str, Any], default_acl: str | None) -> Parameters:
    """Return the parameters with the default ACL, unless they contain an ACL. An ACL of None is removed."""
    return Parameters((name, value) for name, value in {"ACL": default_acl, **params}.items() if value is not None)


def check_acl(acl: str) -> None:
    """Raise ValueError for an ACL that is not a canned one for objects."""
    if acl not in OBJECT_ACLS:
        raise ValueError(f"{acl!r} is not a canned ACL for objects: use one of {', '.join(OBJECT_ACLS)}.")


def with_metadata(params: Mapping[str, Any], metadata: Mapping[str, str]) -> Parameters:
    """Return the parameters with further metadata."""
    return Parameters({**params, "Metadata": {**(params.get("Metadata") or {}), **metadata}})


def _lowered(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in metadata.items()}


def for_operation(operation: str, params: Mapping[str, Any]) -> Parameters:
    """Return the parameters that `operation` knows."""
    takes = _TAKES[operation]
    return Parameters((name, value) for name, value in params.items() if name in takes)


def copy_source_parameters(params: Mapping[str, Any]) -> Parameters:
    """Return the parameters that a copy needs to read its source."""
    found = Parameters((f"CopySource{name}", value) for name, value in params.items() if name in _SSE_C)
    if "ExpectedBucketOwner" in params:
        found["ExpectedSourceBucketOwner"] = params["ExpectedBucketOwner"]
    return found


def header_problem(value: object) -> str | None:
    """Return what is wrong with the value of a header, or None."""
    if isinstance(value, Mapping):
        pairs = (item for pair in value.items() for item in pair)
        return next((problem for item in pairs if (problem := header_problem(item))), None)
    if isinstance(value, str) and _CONTROL.search(value):
        return f"{value!r} contains a control character, which is not allowed in an HTTP header"
    if isinstance(value, str) and _SURROGATE.search(value):
        return f"{value!r} contains half of a surrogate pair, which cannot be encoded"
    return None


def metadata_problem(metadata: Mapping[str, str]) -> str | None:
    """Return what is wrong with user metadata, or None. AWS: "Working with object metadata"."""
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            return f"metadata must map str to str, and {key!r}: {value!r} does not"
        if not key.isascii() or not all(char.isalnum() or char in "!#$%&'*+-.^_`|~" for char in key) or not key:
            return f"{key!r} is not a valid name for metadata"
        if key.lower() in INTERNAL:
            return f"s3store uses the metadata {key!r} itself: choose another name"
        if not value.isascii():
            return f"the metadata value {value!r} is not ASCII: encode it, for example with urllib.parse.quote"
    return header_problem(metadata)


def object_parameter_problems(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (what is wrong, what to do) for each problem with object parameters."""
    for name, value in params.items():
        if name not in OBJECT_PARAMETERS:
            hint = did_you_mean(name, sorted(OBJECT_PARAMETERS), "See PutObject in AWS's API reference.")
            yield f"{name!r} is not an object parameter of S3.", hint
        elif not name.startswith("SSECustomerKey") and (problem := header_problem(value)):
            yield f"{name}: {problem}.", "Remove the character."
    if params.get("ACL") not in (None, *OBJECT_ACLS):
        yield f"ACL: {params['ACL']!r} is not a canned ACL for objects.", f"Use one of {', '.join(OBJECT_ACLS)}."
    metadata = params.get("Metadata")
    if metadata is not None:
        problem = metadata_problem(metadata) if isinstance(metadata, Mapping) else "the value is not a dict"
        if problem:
            yield f"Metadata: {problem}.", "Metadata maps ASCII names to ASCII values."
