"""URLs name the object they are meant to name, and nothing else."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import urls

encodable = st.text(st.characters(exclude_categories=["Cs"]))


@given(key=encodable)
def test_quoting_a_key_loses_nothing(key: str) -> None:
    """Decoding a quoted key once gives the key."""
    quoted = urls.quote_key(key)
    assert unquote(quoted) == key
    assert re.fullmatch(r"([A-Za-z0-9._~/-]|%[0-9A-F]{2})*", quoted)


@given(key=encodable)
def test_sn_17_a_key_never_changes_the_host(key: str) -> None:
    """Whatever is in the key stays in the path."""
    parts = urlsplit(urls.object_url("https://b.example", key))
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "b.example", "", "")
    assert unquote(parts.path) == f"/{key}"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a%2Fb", "/a%252Fb"),
        ("%2e%2e/x", "/%252e%252e/x"),
        ("100%", "/100%25"),
        ("%00", "/%2500"),
        ("a b+c", "/a%20b%2Bc"),
        ("é/~x_y-z.txt", "/%C3%A9/~x_y-z.txt"),
    ],
)
def test_sn_18_a_key_is_encoded_exactly_once(key: str, path: str) -> None:
    """A percent sign in a key is a character like others."""
    assert urls.object_url("https://b.example", key) == f"https://b.example{path}"


def test_sn_19_a_query_in_a_key_stays_in_the_path() -> None:
    """A key cannot add parameters to its URL."""
    key = "a?X-Amz-Expires=999999&response-content-type=text/html#f"
    parts = urlsplit(urls.object_url("https://b.example", key, {"v": "1"}))
    assert parts.query == "v=1"
    assert parts.fragment == ""
    assert unquote(parts.path) == f"/{key}"


@pytest.mark.parametrize("key", ["tenant-a/*", "a?b"])
def test_su_10_wildcards_in_a_key_are_encoded(key: str) -> None:
    """`*` and `?` would mean other objects in a CloudFront policy."""
    assert not {"*", "?"} & set(urls.object_url("https://b.example", key))


def test_parameters_become_the_query() -> None:
    """Values are encoded so that S3 and browsers read them alike: a space is %20."""
    url = urls.object_url("https://b.example", "k", {"response-content-disposition": 'attachment; filename="a b.txt"'})
    assert "+" not in url
    assert parse_qs(urlsplit(url).query) == {"response-content-disposition": ['attachment; filename="a b.txt"']}
    assert urls.object_url("https://b.example", "k", {}) == "https://b.example/k"


@pytest.mark.parametrize(
    ("endpoint", "style", "url"),
    [
        ("https://s3.eu-central-1.amazonaws.com", None, "https://b-b.s3.eu-central-1.amazonaws.com"),
        ("https://s3.eu-central-1.amazonaws.com/", "path", "https://s3.eu-central-1.amazonaws.com/b-b"),
        ("http://127.0.0.1:9000", None, "http://127.0.0.1:9000/b-b"),
        ("http://127.0.0.1:9000", "virtual", "http://127.0.0.1:9000/b-b"),
        ("http://[::1]:9000/", "virtual", "http://[::1]:9000/b-b"),
        ("https://host.example/s3/", "auto", "https://host.example/s3/b-b"),
        ("https://host.example:8443/s3", "virtual", "https://b-b.host.example:8443/s3"),
    ],
)
def test_the_bucket_is_in_the_host_or_in_the_path(endpoint: str, style: str | None, url: str) -> None:
    """The endpoint's own port and path are kept; an address cannot have a bucket before it."""
    assert urls.bucket_url(endpoint, "b-b", style) == url


@pytest.mark.parametrize(
    ("bucket", "scheme", "as_host"),
    [("b.b", "https", False), ("b.b", "http", True), ("B_b", "http", False), ("b-b", "https", True)],
)
def test_a_bucket_that_cannot_be_a_host_goes_by_path(bucket: str, scheme: str, as_host: bool) -> None:
    """A dot breaks a certificate, which plain http has not."""
    expected = f"{scheme}://{bucket}.s3.example" if as_host else f"{scheme}://s3.example/{bucket}"
    assert urls.bucket_url(f"{scheme}://s3.example", bucket, "virtual") == expected


def test_aws_endpoints_are_botocores() -> None:
    """For every region of every partition, and for none."""
    for partition in Loader().load_data("endpoints")["partitions"]:
        for region in partition["regions"]:
            assert urls.aws_endpoint(region) == f"https://s3.{region}.{partition['dnsSuffix']}"
            assert urls.is_aws(urls.aws_endpoint(region))
    assert urls.aws_endpoint(None) == "https://s3.amazonaws.com"
    assert urls.aws_endpoint("aws-global", scheme="http") == "http://s3.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "aws"),
    [
        ("https://s3.amazonaws.com", True),
        ("https://s3.eu-central-1.amazonaws.com", True),
        ("https://S3.EU-CENTRAL-1.AMAZONAWS.COM:443/", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://bucket.vpce-1a2b-5f.s3.us-east-1.vpce.amazonaws.com", True),
        ("https://s3.eusc-de-east-1.amazonaws.eu", True),
        ("https://amazonaws.com.evil.example", False),
        ("https://s3-amazonaws.com", False),
        ("https://s3.amazonaws.com@evil.example", False),
        ("http://127.0.0.1:9000/s3.amazonaws.com", False),
        ("https://storage.googleapis.com", False),
        ("", False),
        ("http://[::1:9000", False),
    ],
)
def test_amazons_own_endpoints_are_known(endpoint: str, aws: bool) -> None:
    """Only the host decides, and only its end."""
    assert urls.is_aws(endpoint) is aws


@pytest.mark.parametrize(
    ("name", "valid", "as_host"),
    [
        ("my-bucket", True, True),
        ("abc", True, True),
        ("x" * 63, True, True),
        ("my.bucket", True, False),
        ("x" * 64, False, False),
        ("ab", False, False),
        ("My-Bucket", False, False),
        ("my_bucket", False, False),
        ("-bucket", False, False),
        ("bucket-", False, False),
        ("a..b", False, False),
        ("192.168.5.4", False, False),
        ("bücket", False, False),
        ("bucket\n", False, False),
        ("", False, False),
    ],
    ids=ascii,
)
def test_bucket_names_follow_the_rules(name: str, valid: bool, as_host: bool) -> None:
    """The rules are AWS's; a dot breaks the certificate of the host name."""
    assert urls.is_bucket_name(name) is valid
    assert urls.virtual_host_works(name) is as_host


def test_the_domain_itself_is_amazons() -> None:
    """With or without a name in front of it, but not as a part of another name."""
    assert urls.is_aws("https://amazonaws.com")
    assert urls.is_aws("https://s3.amazonaws.com")
    assert not urls.is_aws("https://notamazonaws.com")


def test_an_endpoint_can_be_a_path() -> None:
    """The URLs of the development twin have no host."""
    assert urls.bucket_url("/media/s3", "uploads", "path") == "/media/s3/uploads"
