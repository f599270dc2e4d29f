"""CloudFront's signed cookies on a response: set where somebody logs in, deleted where they log out."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from s3store.core.cloudfront import COOKIES
from s3store.core.urls import object_url
from s3store.links.distribution import Distribution
from s3store.mixins.cloudfront import CloudFront

SameSite = Literal["Lax", "Strict", "None"]


def set_cookies(
    response: HttpResponseBase,
    storage: CloudFront,
    prefix: str | os.PathLike[str] = "",
    *,
    expire: int | timedelta | None = None,
    domain: str | None = None,
    path: str | None = None,
    secure: bool = True,
    httponly: bool = True,
    samesite: SameSite = "Lax",
    ip_address: str | None = None,
    starts: datetime | None = None,
) -> None:
    """Set the cookies with which CloudFront serves everything below the directory `prefix` to this browser.

    `expire`, `starts` and `ip_address` are those of `cloudfront_url`. `domain` is the parent domain of the site and of
    `custom_domain`; without it the cookies stay with the site's own host. `path` is by default that of the directory,
    so that cookies for several directories live side by side. Caches between are told to keep the response to one user.

    The browser forgets the cookies when it is closed. AWS: "Prevent misuse of signed cookies".
    """
    where = _where(storage, prefix, domain, path)
    found = storage.cloudfront_cookies(prefix, expire=expire, starts=starts, ip_address=ip_address)
    for name, value in found.items():
        response.set_cookie(name, value, domain=domain, path=where, secure=secure, httponly=httponly, samesite=samesite)
    patch_cache_control(response, private=True)


def delete_cookies(
    response: HttpResponseBase,
    storage: CloudFront,
    prefix: str | os.PathLike[str] = "",
    *,
    domain: str | None = None,
    path: str | None = None,
    samesite: SameSite = "Lax",
) -> None:
    """Delete the cookies that `set_cookies` has set with the same `prefix`, `domain`, `path` and `samesite`."""
    where = _where(storage, prefix, domain, path)
    for name in COOKIES:
        response.delete_cookie(name, domain=domain, path=where, samesite=samesite)


def _where(storage: CloudFront, prefix: str | os.PathLike[str], domain: str | None, path: str | None) -> str:
    """Return the cookies' path, and refuse a domain to which browsers would never send them."""
    objects = storage.objects
    url = urlsplit(object_url(objects.of(Distribution.of).base_url, objects.prefix(prefix)))
    host = url.hostname or ""
    parent = (domain or host).removeprefix(".").lower()
    if host != parent and not host.endswith(f".{parent}"):
        raise ValueError(f"Cookies for {domain!r} never reach {host!r}. Give a domain that both hosts are in.")
    return url.path if path is None else path
