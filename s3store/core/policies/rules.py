"""CORS and lifecycle rules. AWS: "Elements of a CORS configuration", "Lifecycle configuration elements"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from s3store.core.policies import canonical
from s3store.core.policies.iam import INCOMING

OURS = "s3store-"
"""The start of the ID of our rules."""

CORS_RULES = 100
LIFECYCLE_RULES = 1000
"""The largest numbers of rules."""

CORS_SECONDS = 7200
"""Browsers keep the answer to a preflight at most this long: Chromium two hours, Firefox a day."""

INCOMING_DAYS = 3
"""Uploads wait for their form as long as their receipts are valid: two days."""

ABORT_DAYS = 7
NONCURRENT_DAYS = 30

_HEADERS = ("content-type", "if-none-match")
_CHECKSUM = "x-amz-checksum-crc32"


def origin_problem(origin: str, *, any_origin: bool = False) -> str | None:
    """Return why a text is not an origin, or None. `*` is an origin only with `any_origin`."""
    if origin == "*":
        flag = "Name the origins of your site, or give --allow-any-origin."
        return None if any_origin else f"The origin '*' allows every site to use the responses. {flag}"
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        return f"{origin!r} is not an origin. Write scheme, host and port without a path: https://www.example.com."
    if "*" in origin and not any_origin:
        return f"The origin {origin!r} allows many sites. Name the origins, or give --allow-any-origin."
    return None


def site_rule(
    origins: Iterable[str], *, uploads: bool, checksum: bool = False, seconds: int = CORS_SECONDS
) -> dict[str, Any]:
    """Return the CORS rule for the pages of a site: to read, and with `uploads`, to send files to the bucket.

    `checksum` is whether uploads send one. `seconds` is the time for which browsers remember the rule.
    """
    headers = [*_HEADERS, *[_CHECKSUM] * checksum]
    return {
        "ID": f"{OURS}site",
        "AllowedOrigins": list(dict.fromkeys(origins)),
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST"] if uploads else ["GET", "HEAD"],
        "AllowedHeaders": headers if uploads else ["range"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": seconds,
    }


def incoming_rule(location: str, days: int = INCOMING_DAYS) -> dict[str, Any]:
    """Return the lifecycle rule that deletes direct uploads that no form has saved."""
    below = location.strip("/")
    prefix = f"{below}/{INCOMING}/" if below else f"{INCOMING}/"
    return {
        "ID": f"{OURS}{prefix.rstrip('/').replace('/', '-')}",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    }


def abort_rule(days: int = ABORT_DAYS) -> dict[str, Any]:
    """Return the lifecycle rule that deletes the parts of uploads that were not completed."""
    return {
        "ID": f"{OURS}abort",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }


def noncurrent_rule(days: int = NONCURRENT_DAYS) -> dict[str, Any]:
    """Return the lifecycle rule that deletes versions that were replaced or deleted."""
    return {
        "ID": f"{OURS}old-versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
    }


def deletes_files(rule: Mapping[str, Any], location: str) -> bool:
    """Return whether a lifecycle rule deletes files of a location by their age: all of them, or those of a directory.

    Direct uploads, and what s3store keeps below `.s3store/`, such as the trash, are made to be deleted.
    """
    expiration = rule.get("Expiration") or {}
    if rule.get("Status") != "Enabled" or not (expiration.get("Days") or expiration.get("Date")):
        return False
    prefix, _ = canonical.scope(rule)
    below = f"{location.strip('/')}/" if location.strip("/") else ""
    made_for_it = prefix.startswith(f"{below}{INCOMING}/") or "/.s3store/" in f"/{prefix}"
    return (below.startswith(prefix) or prefix.startswith(below)) and not made_for_it


def site_origins(trusted: Iterable[str], hosts: Iterable[str], *, https: bool = True) -> Iterator[str]:
    """Yield the origins of a site: those that it trusts, and otherwise those of its hosts. Patterns are left out.

    `trusted` is CSRF_TRUSTED_ORIGINS, `hosts` is ALLOWED_HOSTS.
    """
    exact = [origin for origin in trusted if not origin_problem(origin)]
    if exact:
        yield from dict.fromkeys(exact)
        return
    for host in dict.fromkeys(hosts):
        # A pattern, or this machine.
        if host and "*" not in host and not host.startswith((".", "localhost", "127.", "[")):
            yield f"{'https' if https else 'http'}://{host}"
