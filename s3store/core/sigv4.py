"""Signature Version 4, for URLs and POST policies.

AWS: "Authenticating requests: using query parameters (AWS Signature Version 4)" and "Create a signed AWS API request".
The current time is an argument, in whole seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from urllib.parse import quote

from s3store.core.secret import Unpicklable

ALGORITHM = "AWS4-HMAC-SHA256"

MAX_EXPIRES = 7 * 24 * 3600
"""The maximum lifetime of a signed URL in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials(Unpicklable):
    """An access key with its secret. `expires_at` is in seconds since 1970, or None for permanent credentials."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


def presign(
    method: str,
    host: str,
    path: str,
    *,
    credentials: Credentials,
    region: str,
    stamp: int,
    expires: int,
    query: Iterable[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return the query string, including `query`, of a URL that works for `expires` seconds from `stamp`.

    `path` is the quoted path of the URL. The request must contain all `headers`.
    """
    names = "host"
    lines = f"host:{host}\n"
    if headers:
        every = sorted({"host": host, **{name.lower(): " ".join(headers[name].split()) for name in headers}}.items())
        names = ";".join(name for name, _ in every)
        lines = "".join(f"{name}:{value}\n" for name, value in every)
    # What cannot be encoded fails here, before a variable holds a token or a key: error reports show variables.
    start, end = f"{method}\n{path}\n".encode(), f"\n{lines}\n{names}\nUNSIGNED-PAYLOAD".encode()
    pairs = [_pair(name, value) for name, value in query]
    scope = _scope(credentials, region, stamp, expires, names)
    text, in_order = scope.query, scope.in_order
    if pairs:
        text = "&".join([*pairs, text])
        in_order = "&".join(sorted([*pairs, *in_order.split("&")], key=_by_name))
    digest = hashlib.sha256(start + in_order.encode() + end).hexdigest()
    signature = hmac.digest(scope.key, scope.intro + digest.encode(), "sha256").hex()
    return f"{text}&X-Amz-Signature={signature}"


def _pair(name: str, value: str) -> str:
    return f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"


def _by_name(pair: str) -> list[str]:
    return pair.split("=")


def sign_text(text: bytes, *, credentials: Credentials, region: str, stamp: int) -> str:
    """Return the signature of a POST policy, as hexadecimal digits."""
    return hmac.digest(_signing_key(credentials.secret_key, timestamp(stamp)[:8], region), text, "sha256").hex()


def timestamp(stamp: int) -> str:
    """Return a time in the format of signatures: 20260131T235959Z."""
    return datetime.fromtimestamp(stamp, timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def credential(credentials: Credentials, region: str, stamp: int) -> str:
    """Return the access key with the scope of the signature."""
    return f"{credentials.access_key}/{timestamp(stamp)[:8]}/{region}/s3/aws4_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope(Unpicklable):
    """The values that all URLs with the same signing time share. The query can contain a session token."""

    query: str = field(repr=False)
    in_order: str = field(repr=False)
    intro: bytes = field(repr=False)
    key: bytes = field(repr=False)


# Small, because the keys hold credentials: those that were rotated away must go.
@lru_cache(maxsize=32)
def _scope(credentials: Credentials, region: str, stamp: int, expires: int, headers: str) -> _Scope:
    date = timestamp(stamp)
    query = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": credential(credentials, region, stamp),
        "X-Amz-Date": date,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": headers,
    }
    if credentials.token:
        query["X-Amz-Security-Token"] = credentials.token
    pairs = [_pair(name, value) for name, value in query.items()]
    return _Scope(
        query="&".join(pairs),
        in_order="&".join(sorted(pairs, key=_by_name)),
        intro=f"{ALGORITHM}\n{date}\n{date[:8]}/{region}/s3/aws4_request\n".encode(),
        key=_signing_key(credentials.secret_key, date[:8], region),
    )


@lru_cache(maxsize=16)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
