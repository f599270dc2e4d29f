"""Parameters of PutObject as HTTP headers, and as fields of an HTML form.

AWS: "PutObject" and "POST Object" in the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any

_HEADERS = {
    "ACL": "x-amz-acl",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "ContentType": "Content-Type",
    "ExpectedBucketOwner": "x-amz-expected-bucket-owner",
    "Expires": "Expires",
    "GrantFullControl": "x-amz-grant-full-control",
    "GrantRead": "x-amz-grant-read",
    "GrantReadACP": "x-amz-grant-read-acp",
    "GrantWriteACP": "x-amz-grant-write-acp",
    "ObjectLockLegalHoldStatus": "x-amz-object-lock-legal-hold",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
    "RequestPayer": "x-amz-request-payer",
    "SSEKMSEncryptionContext": "x-amz-server-side-encryption-context",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
}

_METADATA = "x-amz-meta-"
_PARAMETERS = {header.lower(): parameter for parameter, header in _HEADERS.items()}

# In a form the ACL has no prefix, and tags have a different format.
_FIELDS = {**_HEADERS, "ACL": "acl"}
_NO_FIELDS = ("ExpectedBucketOwner", "RequestPayer", "Tagging")


def headers_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a PUT that creates an object with these parameters.

    Raises ValueError for a customer-provided encryption key, which a browser must not see.
    """
    return _named(params, _HEADERS)


def parameters_of(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of PutObject in headers, whose names may have any case. Others are ignored."""
    found: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        if name.startswith(_METADATA):
            metadata[name.removeprefix(_METADATA)] = value
        elif name in _PARAMETERS:
            found[_PARAMETERS[name]] = value
    return {**found, "Metadata": metadata} if metadata else found


def form_fields_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a form that creates an object with these parameters. Raises ValueError as `headers_of`."""
    for name in _NO_FIELDS:
        if params.get(name) is not None:
            raise ValueError(f"A form cannot contain the object parameter {name}. Use upload_url.")
    return _named(params, _FIELDS)


def _named(params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in params.items():
        if name.startswith("SSECustomer"):
            raise ValueError(f"{name} would send the encryption key to the browser. Save such files on the server.")
        if name == "Metadata":
            found |= {f"x-amz-meta-{key.lower()}": text for key, text in value.items()}
        elif name in names:
            # ChecksumAlgorithm is left out: only the sender of the bytes knows their checksum.
            found[names[name]] = _text(name, value)
    return found


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        moment = value.astimezone(timezone.utc)
        if name == "ObjectLockRetainUntilDate":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return format_datetime(moment, usegmt=True)
    return str(value)
