"""CloudFront's cookies on a response, as a browser gets them."""

from __future__ import annotations

from http.cookies import Morsel
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from s3store.cookies import delete_cookies, set_cookies
from s3store.core.cloudfront import COOKIES
from s3store.storage import S3Storage
from tests.core.test_cloudfront import verify_cookies
from tests.test_cloudfront import BASE, ONE, PUBLIC, SITE

STORAGE = S3Storage(**ONE)


def morsels(response: Any) -> dict[str, Morsel[str]]:
    """Return the cookies by name, with the values that a browser sends back."""
    return dict(response.cookies.items())


def values(response: Any) -> dict[str, str]:
    return {name: morsel.value for name, morsel in morsels(response).items()}


def header(morsel: Morsel[str]) -> str:
    return morsel.OutputString()


@pytest.mark.parametrize("hash_algorithm", ["SHA1", "SHA256"])
def test_the_cookies_open_the_directory(hash_algorithm: str) -> None:
    """What the browser sends back is what CloudFront verifies; nothing in a value needs quotes."""
    response = HttpResponse()
    storage = S3Storage(**ONE, cloudfront_hash=hash_algorithm)
    set_cookies(response, storage, "hls/film", expire=60, ip_address="192.0.2.7", domain="example.com")
    _, statement = verify_cookies(values(response), key=PUBLIC)
    assert statement["Resource"] == f"{BASE}/hls/film/*"
    assert statement["Condition"]["IpAddress"] == {"AWS:SourceIp": "192.0.2.7/32"}
    for name, morsel in morsels(response).items():
        assert header(morsel).startswith(f"{name}={morsel.value};")


def test_the_defaults_are_careful() -> None:
    """Encrypted transport only, no script, no other site, no longer than the browser is open, only this directory."""
    response = HttpResponse()
    set_cookies(response, STORAGE, "hls/film", domain="example.com")
    assert len(response.cookies) == 3
    for morsel in morsels(response).values():
        attributes = header(morsel).partition("; ")[2].split("; ")
        assert sorted(attributes) == [
            "Domain=example.com",
            "HttpOnly",
            "Path=/media/hls/film/",
            "SameSite=Lax",
            "Secure",
        ]


def test_the_attributes_can_be_chosen() -> None:
    """For a site that is arranged otherwise."""
    response = HttpResponse()
    set_cookies(response, STORAGE, secure=False, httponly=False, samesite="Strict", path="/")
    for morsel in morsels(response).values():
        assert header(morsel).partition("; ")[2] == "Path=/; SameSite=Strict"


@pytest.mark.parametrize(
    ("options", "prefix", "path"),
    [
        ({}, "", "/media/"),
        ({"location": ""}, "", "/"),
        ({"custom_domain": "example.com/cdn", "location": ""}, "", "/cdn/"),
        ({}, "a b;c/ü", "/media/a%20b%3Bc/%C3%BC/"),
    ],
    ids=["location", "bucket", "path-of-the-domain", "quoted"],
)
def test_the_path_is_the_directorys(options: dict[str, Any], prefix: str, path: str) -> None:
    """Written as it is in URLs, so that browsers recognise it and nothing breaks out of the header."""
    response = HttpResponse()
    storage = S3Storage(**{**ONE, **options})
    set_cookies(response, storage, prefix)
    for morsel in morsels(response).values():
        assert morsel["path"] == path
        assert f"; Path={path};" in header(morsel)


@pytest.mark.parametrize("domain", ["example.com", ".example.com", "EXAMPLE.com", "cdn.example.com", None])
def test_a_domain_reaches_the_cdn(domain: str | None) -> None:
    """The parent of both hosts, or the CDN's own."""
    response = HttpResponse()
    set_cookies(response, STORAGE, domain=domain)
    assert {morsel["domain"] for morsel in morsels(response).values()} == {domain or ""}


@pytest.mark.parametrize("domain", ["www.example.com", "example.org", "ample.com", "com.example", "x.cdn.example.com"])
def test_a_domain_that_never_reaches_the_cdn_is_refused(domain: str) -> None:
    """Browsers would keep the cookies to themselves, and nobody would know why."""
    response = HttpResponse()
    for call in (set_cookies, delete_cookies):
        with pytest.raises(ValueError, match=r"do not send cookies for .* to 'cdn\.example\.com'"):
            call(response, STORAGE, domain=domain)
    assert not response.cookies


@pytest.mark.parametrize("before", [None, "public, max-age=60", "no-store"])
def test_su_14_shared_caches_keep_no_cookies(before: str | None) -> None:
    """Another user would get them."""
    response = HttpResponse()
    if before:
        response["Cache-Control"] = before
    set_cookies(response, STORAGE)
    control = response["Cache-Control"].split(", ")
    assert "private" in control
    assert "public" not in control
    assert ("no-store" in control) == (before == "no-store")


@pytest.mark.parametrize("kind", [HttpResponse, StreamingHttpResponse, FileResponse])
def test_every_kind_of_response_takes_them(kind: Any) -> None:
    """Also one that streams."""
    response = kind([])
    set_cookies(response, STORAGE)
    assert len(response.cookies) == 3


@pytest.mark.parametrize(
    "where", [{}, {"domain": "example.com"}, {"path": "/"}, {"domain": "example.com", "samesite": "None"}], ids=repr
)
def test_cookies_are_deleted_where_they_were_set(where: dict[str, Any]) -> None:
    """Same path and domain, all of the names: a browser forgets a cookie only then."""
    set_, deleted = HttpResponse(), HttpResponse()
    set_cookies(set_, STORAGE, "hls/film", **where)
    delete_cookies(deleted, STORAGE, "hls/film", **where)
    assert set(morsels(deleted)) == set(COOKIES) > set(morsels(set_))
    for name, morsel in morsels(set_).items():
        gone = morsels(deleted)[name]
        assert (gone["path"], gone["domain"], gone["samesite"]) == (
            morsel["path"],
            morsel["domain"],
            morsel["samesite"],
        )
        assert (gone.value, gone["max-age"]) == ("", 0)
        # Browsers refuse a cookie for other sites that is not for encrypted transport.
        assert gone["secure"] or gone["samesite"] != "None"


def test_nothing_is_set_when_something_is_wrong() -> None:
    """A response with half of the cookies would be a riddle."""
    response = HttpResponse()
    for call, error in (
        (lambda: set_cookies(response, S3Storage(**SITE)), ImproperlyConfigured),
        (lambda: set_cookies(response, STORAGE, "../x"), SuspiciousFileOperation),
        (lambda: set_cookies(response, STORAGE, expire=0), ValueError),
        (lambda: set_cookies(response, STORAGE, ip_address="::1"), ValueError),
    ):
        with pytest.raises(error):
            call()
    assert not response.cookies
