"""CloudFront's signed URLs with a canned policy.

AWS: "Create a signed URL using a canned policy". The RSA signature is made by a callable.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

_SAFE = bytes.maketrans(b"+=/", b"-_~")


def canned_policy(url: str, expires: int) -> bytes:
    """Return the policy that allows one URL until `expires`, in seconds since 1970."""
    statement = {"Resource": url, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}
    return json.dumps({"Statement": [statement]}, separators=(",", ":"), ensure_ascii=False).encode()


def signed_url(url: str, *, expires: int, key_id: str, sign: Callable[[bytes], bytes]) -> str:
    """Return `url` with its expiry and signature as query parameters. `sign` makes an RSA-SHA1 signature."""
    # A wildcard in the policy's resource would sign other files, too.
    url = url.replace("*", "%2A")
    signature = base64.b64encode(sign(canned_policy(url, expires))).translate(_SAFE).decode()
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}Expires={expires}&Signature={signature}&Key-Pair-Id={key_id}"
