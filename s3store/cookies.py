"""CloudFront's signed cookies on a response: set them at login, and delete them at logout."""

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

__all__ = ["delete_cookies", "set_cookies"]

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
    """Set cookies that allow the browser to load everything below the directory `prefix` from CloudFront.

    `storage`
        An S3Storage with a custom domain and a key for CloudFront.
    `expire`, `starts`, `ip_address`
        The arguments of `S3Storage.cloudfront_url`.
    `domain`
        The common parent domain of the site and of `custom_domain`. Default: the host of the site only.
    `path`
        Default: the path of the directory. A browser can have cookies for several directories.
    `secure`, `httponly`, `samesite`
        The arguments of Django's HttpResponse.set_cookie.

    The response gets `Cache-Control: private`. The browser deletes the cookies when it is closed. Raises ValueError for
    a domain that does not contain `custom_domain`. AWS: "Prevent misuse of signed cookies".
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
    """Delete the cookies that `set_cookies` set with the same `prefix`, `domain`, `path` and `samesite`."""
    where = _where(storage, prefix, domain, path)
    for name in COOKIES:
        response.delete_cookie(name, domain=domain, path=where, samesite=samesite)


def _where(storage: CloudFront, prefix: str | os.PathLike[str], domain: str | None, path: str | None) -> str:
    """Return the path of the cookies. Raises ValueError for a domain with which browsers would not send them."""
    objects = storage.objects
    url = urlsplit(object_url(objects.of(Distribution.of).base_url, objects.prefix(prefix)))
    host = url.hostname or ""
    parent = (domain or host).removeprefix(".").lower()
    if host != parent and not host.endswith(f".{parent}"):
        raise ValueError(f"Browsers do not send cookies for {domain!r} to {host!r}. Give a common parent domain.")
    return url.path if path is None else path
