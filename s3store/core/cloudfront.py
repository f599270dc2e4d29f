"""CloudFront's policies, signed URLs and signed cookies. The caller provides the function that signs.

AWS: "Create a signed URL using a canned policy", "Create a signed URL using a custom policy", "Use signed cookies".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv4Network
from urllib.parse import unquote_plus

from s3store.core.urls import quote_key

COOKIES = tuple(f"CloudFront-{name}" for name in ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"))
"""The names of all cookies that CloudFront reads."""

_RESERVED = frozenset(name.removeprefix("CloudFront-") for name in COOKIES)
_SAFE = bytes.maketrans(b"+=/", b"-_~")
_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Wildcard(str):
    """A resource that ends with the wildcard `*`. Only `everything_below` creates one."""

    __slots__ = ()


def everything_below(base_url: str, prefix: str) -> Wildcard:
    """Return the resource of all objects whose keys begin with `prefix`: `""`, or one that ends with a slash."""
    if prefix and not prefix.endswith("/"):
        raise ValueError(f"{prefix!r} does not end with a slash, and would also match names like {prefix}-2.")
    return Wildcard(f"{base_url}/{quote_key(prefix)}*")


def epoch(moment: datetime) -> int:
    """Return the seconds since 1970. Raises ValueError for a naive datetime."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone. Use django.utils.timezone.now() or make_aware().")
    return int(moment.timestamp())


def canned_policy(url: str, expires: int) -> bytes:
    """Return the policy that allows one URL until `expires`, in seconds since 1970."""
    statement = {"Resource": url, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}
    return _json({"Statement": [statement]}).encode()


def custom_policy(resource: str, *, expires: int, starts: int | None = None, ip_address: str | None = None) -> bytes:
    """Return the policy that allows a resource until `expires` and after `starts`, both in seconds since 1970.

    `ip_address` limits it to an IPv4 address or a network such as `192.0.2.0/24`.

    Raises ValueError if `starts` is not before `expires`, or for an address that is not IPv4.
    """
    if not isinstance(resource, Wildcard):
        resource = _literal(resource)
    condition: dict[str, dict[str, int | str]] = {"DateLessThan": {"AWS:EpochTime": expires}}
    if ip_address is not None:
        condition["IpAddress"] = {"AWS:SourceIp": _network(ip_address)}
    if starts is not None:
        if starts >= expires:
            raise ValueError("The start of a CloudFront policy must be before its end.")
        condition["DateGreaterThan"] = {"AWS:EpochTime": starts}
    return _json({"Statement": [{"Resource": resource, "Condition": condition}]}).encode()


def signed_url(
    url: str,
    *,
    expires: int,
    key_id: str,
    sign: Callable[[bytes], bytes],
    hash_algorithm: str = "SHA1",
    starts: int | None = None,
    ip_address: str | None = None,
    resource: str | None = None,
) -> str:
    """Return `url` with a policy and its signature as query parameters. The policy is a canned one if only `expires`
    is given, otherwise a custom one, for `resource` or for the URL.

    `sign` makes RSA signatures with the digest `hash_algorithm`: `SHA1` or `SHA256`.
    """
    url = _literal(url)
    query = url.partition("?")[2]
    if query:
        _refuse_reserved(query)
    if starts is None and ip_address is None and resource is None:
        policy = canned_policy(url, expires)
        term = f"Expires={expires}"
    else:
        resource = url if resource is None else resource
        policy = custom_policy(resource, expires=expires, starts=starts, ip_address=ip_address)
        term = f"Policy={_encode(policy)}"
    joint = "&" if query else "?"
    signed = f"{url}{joint}{term}&Signature={_encode(sign(policy))}&Key-Pair-Id={key_id}"
    # SHA-1 is CloudFront's default. Without the parameter, the URL is the same as botocore's.
    return signed if hash_algorithm == "SHA1" else f"{signed}&Hash-Algorithm={hash_algorithm}"


def cookies(
    resource: str,
    *,
    expires: int,
    key_id: str,
    sign: Callable[[bytes], bytes],
    hash_algorithm: str = "SHA1",
    starts: int | None = None,
    ip_address: str | None = None,
) -> dict[str, str]:
    """Return the cookies, by name, with which CloudFront serves `resource`: a URL, or `everything_below` a prefix."""
    if starts is None and ip_address is None and not isinstance(resource, Wildcard):
        policy = canned_policy(_literal(resource), expires)
        found = {"CloudFront-Expires": str(expires)}
    else:
        policy = custom_policy(resource, expires=expires, starts=starts, ip_address=ip_address)
        found = {"CloudFront-Policy": _encode(policy)}
    found |= {"CloudFront-Signature": _encode(sign(policy)), "CloudFront-Key-Pair-Id": key_id}
    return found if hash_algorithm == "SHA1" else {**found, "CloudFront-Hash-Algorithm": hash_algorithm}


def _literal(url: str) -> str:
    # A signed canned policy can be sent as a custom one, where `*` would match other files.
    return url.replace("*", "%2A")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).translate(_SAFE).decode()


def _refuse_reserved(query: str) -> None:
    for parameter in query.split("&"):
        name = unquote_plus(parameter.partition("=")[0])
        if name in _RESERVED:
            raise ValueError(f"The query parameter {name} is reserved by CloudFront.")


def _network(address: str) -> str:
    try:
        return str(IPv4Network(address))
    except ValueError as error:
        raise ValueError(f"CloudFront needs an IPv4 address or network, such as 192.0.2.0/24: {error}.") from None
