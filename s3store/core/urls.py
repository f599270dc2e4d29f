"""URLs of objects, as strings for a browser. Nothing here signs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

# AWS: "Bucket naming rules", for buckets in any partition.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+\Z")


def quote_key(key: str) -> str:
    """Return `key` percent-encoded as the path of a URL; only unreserved characters and `/` stay."""
    return quote(key, safe="/~")


def object_url(base: str, key: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return the URL of `key` below `base` (no final slash), with `parameters` as its query."""
    query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
    return f"{base}/{quote_key(key)}{query}"


def endpoint_base(endpoint_url: str, bucket: str, *, virtual: bool) -> str:
    """Return the base URL of `bucket` at an endpoint, by virtual host or by path."""
    parts = urlsplit(endpoint_url)
    path = parts.path.rstrip("/")
    if virtual:
        return f"{parts.scheme}://{bucket}.{parts.netloc}{path}"
    return f"{parts.scheme}://{parts.netloc}{path}/{bucket}"


def is_aws(endpoint_url: str) -> bool:
    """Whether the endpoint is Amazon's own."""
    host = urlsplit(endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"))


def is_bucket_name(name: str) -> bool:
    """Whether `name` is a bucket name that S3 would create today."""
    return bool(_BUCKET_NAME.match(name)) and ".." not in name and not _IP_ADDRESS.match(name)


def virtual_host_works(bucket: str) -> bool:
    """Whether `bucket` can be a host name under a wildcard certificate: no dots, no upper case."""
    return is_bucket_name(bucket) and "." not in bucket
