"""Unsigned URLs of buckets and objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlencode, urlsplit

# AWS: "Bucket naming rules", for buckets in any partition.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+\Z")


# Most keys need no quoting, and this check is faster.
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch

# The domains of AWS's partitions by the prefix of the region. Other regions are at amazonaws.com.
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


def quote_key(key: str) -> str:
    """Return `key` percent-encoded for the path of a URL, except unreserved characters and `/`."""
    return key if _PLAIN(key) else quote(key, safe="/~")


def aws_endpoint(region: str | None, *, scheme: str = "https") -> str:
    """Return the URL of S3 in a region of AWS. Without a region: the global host, which is in us-east-1."""
    if region in (None, "aws-global"):
        return f"{scheme}://s3.amazonaws.com"
    suffix = next((suffix for start, suffix in _SUFFIXES.items() if str(region).startswith(start)), "amazonaws.com")
    return f"{scheme}://s3.{region}.{suffix}"


def object_url(base: str, key: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return the URL of `key` below `base` (no final slash), with `parameters` as its query."""
    url = f"{base}/{quote_key(key)}"
    return f"{url}?{urlencode(parameters, quote_via=quote)}" if parameters else url


def key_in_url(url: str, bases: Iterable[str]) -> str | None:
    """Return the key in the URL of an object below one of `bases`, or None for any other URL.

    A query and a fragment are ignored. No base matches another scheme, port or host, user names, encoded slashes,
    backslashes or control characters.
    """
    # The signature in the query contains encoded slashes.
    place = re.split(r"[?#]", url, maxsplit=1)[0].lower()
    if "\\" in url or "%5c" in place or "%2f" in place or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        key = unquote(parts.path, errors="strict")
        wanted = _authority(parts.scheme, parts.netloc)
    except ValueError:
        return None
    for base in bases:
        known = urlsplit(base)
        if wanted == _authority(known.scheme, known.netloc) and key.startswith(f"{unquote(known.path)}/"):
            return key[len(unquote(known.path)) + 1 :]
    return None


def _authority(scheme: str, netloc: str) -> tuple[str, str]:
    ports = {"http": ":80", "https": ":443"}
    return scheme, netloc.lower().removesuffix(ports.get(scheme, "\n"))


def bucket_url(endpoint_url: str, bucket: str, style: str | None) -> str:
    """Return the URL of `bucket` at an endpoint. `style` is `virtual` or `path`. Default: `virtual` only on AWS.

    As in botocore, a bucket whose name cannot be part of a host name is in the path. An endpoint can be only a path.
    """
    parts = urlsplit(endpoint_url)
    path = parts.path.rstrip("/")
    virtual = style == "virtual" or (style != "path" and is_aws(endpoint_url))
    if virtual and _can_be_host(bucket, parts.scheme) and not _is_ip(parts.hostname or ""):
        return f"{parts.scheme}://{bucket}.{parts.netloc}{path}"
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return f"{origin}{path}/{bucket}"


def _can_be_host(bucket: str, scheme: str) -> bool:
    return virtual_host_works(bucket) or (scheme == "http" and is_bucket_name(bucket))


def _is_ip(host: str) -> bool:
    return ":" in host or bool(_IP_ADDRESS.match(host))


def is_aws(endpoint_url: str) -> bool:
    """Return whether an endpoint belongs to AWS."""
    try:
        host = urlsplit(endpoint_url).hostname or ""
    except ValueError:
        return False
    return f".{host}".endswith((".amazonaws.com", *(f".{suffix}" for suffix in _SUFFIXES.values())))


def is_bucket_name(name: str) -> bool:
    """Return whether AWS allows `name` for new buckets."""
    return bool(_BUCKET_NAME.match(name)) and ".." not in name and not _IP_ADDRESS.match(name)


def virtual_host_works(bucket: str) -> bool:
    """Return whether `bucket` works as part of a host name with https: no dots, no upper case."""
    return is_bucket_name(bucket) and "." not in bucket
