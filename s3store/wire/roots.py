"""The name of the root element of a response, which botocore does not check.

Servers that do not know a sub-resource respond to its GET with a listing of the bucket, and botocore reads an empty
configuration from it.
"""

from __future__ import annotations

import re
from typing import Any

OPERATIONS = (
    "GetBucketAcl",
    "GetBucketCors",
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketLocation",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketRequestPayment",
    "GetBucketVersioning",
    "GetObjectLockConfiguration",
    "GetPublicAccessBlock",
)
"""The operations whose responses tell their root element."""

ROOT = "S3storeRoot"
"""The key of the name in boto3's response."""

_FIRST = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z][A-Za-z0-9]*)[\s/>]").match


def note_root(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Add the name of the root element to the response, or an empty string. A handler of `before-parse`."""
    found = _FIRST(response_dict["body"])
    customized_response_dict[ROOT] = found[1].decode() if found else ""
