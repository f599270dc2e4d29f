"""POST policies: a form that uploads one file of a limited size to one key, with headers that cannot be changed.

AWS: "Browser-based uploads using POST (AWS Signature Version 4)", "POST policy".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from s3store.core import sigv4


def policy(bucket: str, fields: Mapping[str, str], *, min_size: int, max_size: int, expires_at: int) -> bytes:
    """Return the policy that allows a form with exactly these fields and a file of `min_size` to `max_size` bytes."""
    conditions: list[Any] = [{"bucket": bucket}]
    conditions += [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", min_size, max_size])
    document = {
        "expiration": datetime.fromtimestamp(expires_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "conditions": conditions,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signed_fields(
    bucket: str,
    fields: Mapping[str, str],
    *,
    min_size: int,
    max_size: int,
    credentials: sigv4.Credentials,
    region: str,
    stamp: int,
    expires: int,
) -> dict[str, str]:
    """Return the fields of a form that works for `expires` seconds from `stamp`. The policy covers all fields.

    The file must be the last field of the form, named `file`.
    """
    named = {
        **fields,
        "x-amz-algorithm": sigv4.ALGORITHM,
        "x-amz-credential": sigv4.credential(credentials, region, stamp),
        "x-amz-date": sigv4.timestamp(stamp),
    }
    if credentials.token:
        named["x-amz-security-token"] = credentials.token
    document = policy(bucket, named, min_size=min_size, max_size=max_size, expires_at=stamp + expires)
    encoded = base64.b64encode(document)
    signature = sigv4.sign_text(encoded, credentials=credentials, region=region, stamp=stamp)
    return {**named, "policy": encoded.decode(), "x-amz-signature": signature}
