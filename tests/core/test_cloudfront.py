"""CloudFront's signed URLs, verified as CloudFront does."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import cloudfront, urls

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EXPIRES = 1_893_456_000  # 2030-01-01


def sign(message: bytes) -> bytes:
    return KEY.sign(message, padding.PKCS1v15(), SHA1())


def verify(url: str) -> str:
    """Do what CloudFront does: take its three parameters off, rebuild the policy, check the signature."""
    resource, _, tail = url.rpartition("Expires=")
    resource = resource[:-1]
    query = dict(parse_qsl(f"Expires={tail}", keep_blank_values=True, strict_parsing=True))
    assert list(query) == ["Expires", "Signature", "Key-Pair-Id"]
    statement = {"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": int(query["Expires"])}}}
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":"), ensure_ascii=False).encode()
    coded = query["Signature"].replace("-", "+").replace("_", "=").replace("~", "/")
    KEY.public_key().verify(base64.b64decode(coded, validate=True), policy, padding.PKCS1v15(), SHA1())
    return resource


def test_the_canned_policy_is_amazons_text() -> None:
    """CloudFront rebuilds the policy itself, so every byte of it counts, and the order too."""
    assert cloudfront.canned_policy("https://d.example/a.jpg", EXPIRES) == (
        b'{"Statement":[{"Resource":"https://d.example/a.jpg",'
        b'"Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}}]}'
    )


@pytest.mark.parametrize(
    "key",
    ['a"b', "a\u2028b", "x" * 1000 + "/" + "é" * 1000, "100%", "tenant-a/*", "a?b", "a&b=c#d", "a'b\\c"],
    ids=["quote", "line-separator", "3kB", "percent", "star", "question-mark", "query", "backslash"],
)
def test_su_09_the_signature_holds_for_every_key(key: str) -> None:
    """The signature is one that the public key verifies for exactly the URL that is asked for."""
    url = urls.object_url("https://d.example", key)
    signed = cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=sign)
    assert verify(signed) == url
    assert unquote(urlsplit(signed).path) == f"/{key}"


def test_su_09_the_signature_fits_into_a_url() -> None:
    """Base64's `+`, `=` and `/` are written as CloudFront wants them: `-`, `_` and `~`."""
    signed = cloudfront.signed_url("https://d.example/a", expires=1, key_id="K1", sign=lambda _: b"\xfb\xef\xff\x01")
    assert signed == "https://d.example/a?Expires=1&Signature=--~~AQ__&Key-Pair-Id=K1"


@pytest.mark.parametrize("text", ['https://d.example/a"b', "https://d.example/a\\", "https://d.example/\n"])
def test_su_09_nothing_breaks_out_of_the_policy(text: str) -> None:
    """Even an unquoted URL is one string in the policy's JSON."""
    policy = json.loads(cloudfront.canned_policy(text, EXPIRES))
    assert policy["Statement"][0]["Resource"] == text
    assert len(policy["Statement"]) == 1


@pytest.mark.parametrize("url", ["https://d.example/tenant-a/*", "https://d.example/*/*?v=*"])
def test_su_10_no_wildcard_is_signed(url: str) -> None:
    """`*` in a policy's resource would open other files, wherever the URL came from."""
    signed = cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=sign)
    assert "*" not in signed
    assert verify(signed) == url.replace("*", "%2A")


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), query=st.booleans())
def test_the_url_is_the_one_botocore_makes(key: str, query: bool) -> None:
    """Byte for byte what AWS's own signer returns, with a query and without."""
    url = urls.object_url("https://d.example", key, {"v": "1"} if query else None)
    theirs = CloudFrontSigner("K1", sign).generate_presigned_url(
        url, date_less_than=datetime.fromtimestamp(EXPIRES, timezone.utc)
    )
    assert cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=sign) == theirs
