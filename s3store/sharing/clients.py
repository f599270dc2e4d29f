"""What is kept about the client of a request: a network and the family of the browser, never an address."""

from __future__ import annotations

import ipaddress
import re

from django.http import HttpRequest

from s3store.sharing import configured
from s3store.sharing.configured import UNIX

_FAMILIES = (
    ("bot", re.compile(r"bot|crawl|spider|preview|scan|fetch|slurp|facebookexternalhit", re.IGNORECASE)),
    ("Edge", re.compile(r"\bEdg")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Chrome", re.compile(r"\b(Chrome|CriOS)/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Safari", re.compile(r"\bSafari/")),
)


def network_of(request: HttpRequest | None) -> str:
    """Return the network of the client: an IPv4 address cut to /24, an IPv6 address to /48, "" without an address.

    X-Forwarded-For is read from the right, and only as far as it comes from trusted proxies: clients can send any.
    """
    if request is None:
        return ""
    values = configured.current()
    trusted = values.networks
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    found = _parsed(request.META.get("REMOTE_ADDR", ""))
    if found is None and chain and UNIX in values.trusted_proxies:
        found = _parsed(chain.pop())
    while chain and found is not None and any(found in network for network in trusted):
        found = _parsed(chain.pop())
    if found is None:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def family_of(request: HttpRequest | None) -> str:
    """Return the family of the browser: "Firefox", "bot", "other", and so on."""
    if request is None:
        return ""
    agent = request.META.get("HTTP_USER_AGENT", "")[:500]
    return next((name for name, pattern in _FAMILIES if pattern.search(agent)), "other")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
