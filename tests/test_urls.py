"""URLs: signed, public, at a custom domain, by CloudFront."""

import base64
import json
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}


def test_a_signed_url_gives_the_file(seaweedfs_options):
    """For as long as it says, and only with its signature; making it sends nothing."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("ü b.txt", b"content")
    with counted_requests(storage) as sent:
        url = storage.url("ü b.txt", expire=timedelta(minutes=5))
    assert sent == []
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
    for broken in (url[:-4], url.replace("X-Amz-Expires=300", "X-Amz-Expires=301"), url.partition("?")[0]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(broken)
        refused.value.close()


def test_parameters_and_method(seaweedfs_options):
    """Response overrides and the method are signed."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"content")
    url = storage.url("a.txt", parameters={"ResponseContentDisposition": "attachment; filename=b.txt"})
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Disposition"] == "attachment; filename=b.txt"
    head = urllib.request.Request(storage.url("a.txt", http_method="HEAD"), method="HEAD")
    with urllib.request.urlopen(head) as answer:
        assert answer.headers["Content-Length"] == "7"


@pytest.mark.parametrize("options", [{}, {"endpoint_url": "https://s3.example.com"}], ids=["AWS", "elsewhere"])
def test_su_02_signed_urls_are_sigv4(options):
    """With and without an endpoint of one's own."""
    query = parse_qs(urlsplit(S3Storage(**KEYS, **options).url("a.txt")).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "AWSAccessKeyId" not in query


@pytest.mark.parametrize("style", [None, "auto", "virtual", "path"])
@pytest.mark.parametrize("bucket", ["some-bucket", "with.dots"])
def test_signed_urls_on_aws_name_the_regional_host(style, bucket):
    """The global host would redirect to the region, where the signature does not match."""
    by_path = style == "path" or bucket == "with.dots"
    host = "s3.eu-central-1.amazonaws.com"
    url = S3Storage(**{**KEYS, "bucket_name": bucket}, addressing_style=style).url("a.txt")
    assert url.startswith(f"https://{host}/{bucket}/a.txt?" if by_path else f"https://{bucket}.{host}/a.txt?")


@pytest.mark.parametrize("expire", [0, -1, 604_801, 10**9, timedelta(days=8), timedelta(0)])
def test_su_01_impossible_expiries_are_refused(expire):
    """A URL lives from a second to seven days."""
    with pytest.raises(ValueError, match="7 days"):
        S3Storage(**KEYS).url("a.txt", expire=expire)


@pytest.mark.parametrize("expire", [True, "60", 1.5])
def test_su_01_expiries_of_other_types_are_refused(expire):
    """Seconds are an int, or a timedelta."""
    with pytest.raises(TypeError, match="timedelta"):
        S3Storage(**KEYS).url("a.txt", expire=expire)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "https://some-bucket.s3.eu-central-1.amazonaws.com/m/a%20b%2B%C3%BC.txt"),
        ({"bucket_name": "with.dots"}, "https://s3.eu-central-1.amazonaws.com/with.dots/m/a%20b%2B%C3%BC.txt"),
        ({"addressing_style": "path"}, "https://s3.eu-central-1.amazonaws.com/some-bucket/m/a%20b%2B%C3%BC.txt"),
        ({"endpoint_url": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000/some-bucket/m/a%20b%2B%C3%BC.txt"),
        (
            {"endpoint_url": "https://s3.example.com/", "addressing_style": "virtual"},
            "https://some-bucket.s3.example.com/m/a%20b%2B%C3%BC.txt",
        ),
        ({"custom_domain": "cdn.example.com"}, "https://cdn.example.com/m/a%20b%2B%C3%BC.txt"),
        (
            {"custom_domain": "cdn.example.com/x", "url_protocol": "http:"},
            "http://cdn.example.com/x/m/a%20b%2B%C3%BC.txt",
        ),
    ],
)
def test_public_urls(options, expected):
    """Regional host, path style where it has to be, quoted once."""
    storage = S3Storage(**{**KEYS, "location": "m", "querystring_auth": False, **options})
    assert storage.url("a b+ü.txt") == expected
    assert storage.url("a b+ü.txt", parameters={"v": "1 2"}) == f"{expected}?v=1%202"


def test_a_custom_domain_without_a_signer_gives_plain_urls():
    """As with django-storages; a system check warns of it."""
    assert S3Storage(**KEYS, custom_domain="cdn.example.com").url("a.txt") == "https://cdn.example.com/a.txt"


@pytest.mark.parametrize("parameters", [None, {"v": "1"}])
def test_cloudfront_signs_urls_at_the_custom_domain(parameters):
    """The signature is over the canned policy for this URL and its expiry, by the given key."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    storage = S3Storage(**KEYS, custom_domain="cdn.example.com", cloudfront_key_id="K1", cloudfront_key=pem)
    url = storage.url("a b.txt", parameters=parameters, expire=60)
    query = parse_qs(urlsplit(url).query)
    assert query["Key-Pair-Id"] == ["K1"]
    plain = "https://cdn.example.com/a%20b.txt" + ("?v=1" if parameters else "")
    expires = int(query["Expires"][0])
    assert abs(expires - datetime.now().timestamp() - 60) < 10
    policy = json.dumps(
        {"Statement": [{"Resource": plain, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}]},
        separators=(",", ":"),
    )
    signature = base64.b64decode(query["Signature"][0].translate(str.maketrans("-_~", "+=/")))
    key.public_key().verify(signature, policy.encode(), padding.PKCS1v15(), SHA1())


def test_a_cloudfront_signer_of_ones_own():
    """An object such as botocore's CloudFrontSigner signs instead."""

    class Signer:
        def generate_presigned_url(self, url, date_less_than):
            return f"{url}?until={date_less_than.timestamp():.0f}"

    storage = S3Storage(**KEYS, custom_domain="cdn.example.com", cloudfront_signer=Signer())
    until = int(storage.url("a.txt", expire=60).partition("=")[2])
    assert abs(until - datetime.now().timestamp() - 60) < 10


def test_sn_17_a_name_never_changes_the_host():
    """Two slashes at the front are refused, not taken for a host."""
    from django.core.exceptions import SuspiciousFileOperation

    for name in ("//evil.example/x", "/evil.example/x", "", None):
        with pytest.raises(SuspiciousFileOperation):
            S3Storage(**KEYS, custom_domain="cdn.example.com", querystring_auth=False).url(name)
