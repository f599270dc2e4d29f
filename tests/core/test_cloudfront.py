"""CloudFront's signed URLs and cookies, verified as CloudFront does."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from botocore.signers import CloudFrontSigner
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import cloudfront, urls
from tests.optional import needs

InvalidSignature = needs("cryptography.exceptions").InvalidSignature
hashes = needs("cryptography.hazmat.primitives.hashes")
padding = needs("cryptography.hazmat.primitives.asymmetric.padding")
rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key()
EXPIRES = 1_893_456_000  # 2030-01-01
STARTS = EXPIRES - 3600
BASE = "https://d.example"
DIGESTS = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}
OURS = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"]


def sign(message: bytes) -> bytes:
    return KEY.sign(message, padding.PKCS1v15(), hashes.SHA1())


def sign_sha256(message: bytes) -> bytes:
    return KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())


SIGNERS = {"SHA1": sign, "SHA256": sign_sha256}


def decode(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"), validate=True)


def statement_of(given: Mapping[str, str], resource: str, key: rsa.RSAPublicKey) -> Any:
    """Return the policy's only statement: the one that is sent, or the canned one rebuilt; its signature is right."""
    assert ("Policy" in given) != ("Expires" in given)
    if "Policy" in given:
        policy = decode(given["Policy"])
    else:
        statement = {"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": int(given["Expires"])}}}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":"), ensure_ascii=False).encode()
    digest = DIGESTS[given.get("Hash-Algorithm", "SHA1")]()
    key.verify(decode(given["Signature"]), policy, padding.PKCS1v15(), digest)
    (found,) = json.loads(policy)["Statement"]
    return found


def verify(url: str, key: rsa.RSAPublicKey = PUBLIC) -> tuple[str, Any]:
    """Do what CloudFront does: take its parameters off, check the signature. Return the plain URL and the statement."""
    plain, joint, tail = re.split(r"([?&])(?=(?:Expires|Policy)=)", url)
    assert joint == ("&" if "?" in plain else "?")
    query = dict(parse_qsl(tail, keep_blank_values=True, strict_parsing=True))
    assert list(query) == [name for name in OURS if name in query]
    return plain, statement_of(query, plain, key)


def verify_cookies(cookies: Mapping[str, str], resource: str = "", key: rsa.RSAPublicKey = PUBLIC) -> tuple[str, Any]:
    """Do the same with cookies; `resource` is what a canned policy would be about. Return the key's id, too."""
    assert list(cookies) == [name for name in cloudfront.COOKIES if name in cookies]
    given = {name.removeprefix("CloudFront-"): value for name, value in cookies.items()}
    return given["Key-Pair-Id"], statement_of(given, resource, key)


def allows(statement: Any, url: str) -> bool:
    """Whether CloudFront would find that the resource means `url`: wildcards stay within the path or the query.

    AWS: "Values that you specify in the policy statement for a signed URL that uses a custom policy".
    """
    path, _, query = statement["Resource"].partition("?")
    if path.endswith("*") and not query:
        query = "*"
    asked_path, _, asked_query = url.partition("?")

    def matches(pattern: str, text: str) -> bool:
        return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL))

    return matches(path, asked_path) and matches(query, asked_query)


# Canned policies


def test_the_canned_policy_is_amazons_text() -> None:
    """CloudFront rebuilds the policy itself, so every byte of it counts, and the order too."""
    assert cloudfront.canned_policy("https://d.example/a.jpg", EXPIRES) == (
        b'{"Statement":[{"Resource":"https://d.example/a.jpg",'
        b'"Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}}]}'
    )


@pytest.mark.parametrize("hash_algorithm", DIGESTS)
@pytest.mark.parametrize(
    "key",
    ['a"b', "a\u2028b", "x" * 1000 + "/" + "é" * 1000, "100%", "tenant-a/*", "a?b", "a&b=c#d", "a'b\\c"],
    ids=["quote", "line-separator", "3kB", "percent", "star", "question-mark", "query", "backslash"],
)
def test_su_09_the_signature_holds_for_every_key(key: str, hash_algorithm: str) -> None:
    """The signature is one that the public key verifies for exactly the URL that is asked for."""
    url = urls.object_url(BASE, key)
    signer = SIGNERS[hash_algorithm]
    signed = cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=signer, hash_algorithm=hash_algorithm)
    plain, statement = verify(signed)
    assert plain == url == statement["Resource"]
    assert unquote(urlsplit(signed).path) == f"/{key}"


def test_su_09_the_signature_fits_into_a_url() -> None:
    """Base64's `+`, `=` and `/` are written as CloudFront wants them: `-`, `_` and `~`."""
    signed = cloudfront.signed_url("https://d.example/a", expires=1, key_id="K1", sign=lambda _: b"\xfb\xef\xff\x01")
    assert signed == "https://d.example/a?Expires=1&Signature=--~~AQ__&Key-Pair-Id=K1"


@pytest.mark.parametrize("text", ['https://d.example/a"b', "https://d.example/a\\", "https://d.example/\n"])
def test_su_09_nothing_breaks_out_of_the_policy(text: str) -> None:
    """Even an unquoted URL is one string in the policy's JSON."""
    for policy in (cloudfront.canned_policy(text, EXPIRES), cloudfront.custom_policy(text, expires=EXPIRES)):
        (statement,) = json.loads(policy)["Statement"]
        assert statement["Resource"] == text


@pytest.mark.parametrize("url", ["https://d.example/tenant-a/*", "https://d.example/*/*?v=*"])
@pytest.mark.parametrize("custom", [{}, {"starts": STARTS}, {"resource": "https://d.example/*"}], ids=repr)
def test_su_10_no_wildcard_is_signed(url: str, custom: dict[str, Any]) -> None:
    """`*` in a policy's resource would open other files, wherever the URL came from."""
    signed = cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=sign, **custom)
    assert "*" not in signed
    plain, statement = verify(signed)
    assert plain == url.replace("*", "%2A")
    assert "*" not in statement["Resource"]
    assert "*" not in verify_cookies(cloudfront.cookies(url, expires=EXPIRES, key_id="K1", sign=sign), plain)[1]


@pytest.mark.parametrize("name", ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm", "%50olicy"])
def test_su_10_no_second_policy_in_the_query(name: str) -> None:
    """A query that brings CloudFront's own parameters is refused: which of the two would count?"""
    for query in (f"{name}=x", f"v=1&{name}=x", f"v=1&{name}"):
        with pytest.raises(ValueError, match="reserved by CloudFront"):
            cloudfront.signed_url(f"{BASE}/a?{query}", expires=EXPIRES, key_id="K1", sign=sign)
    plain = f"{BASE}/a?my{name}=x"
    assert verify(cloudfront.signed_url(plain, expires=EXPIRES, key_id="K1", sign=sign))[0] == plain


# Custom policies


def test_the_custom_policy_says_when_and_where_from() -> None:
    """Start and address as AWS writes them, without white space."""
    policy = cloudfront.custom_policy(f"{BASE}/a", expires=EXPIRES, starts=STARTS, ip_address="192.0.2.0/24")
    assert policy == (
        b'{"Statement":[{"Resource":"https://d.example/a","Condition":{'
        b'"DateLessThan":{"AWS:EpochTime":1893456000},'
        b'"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},'
        b'"DateGreaterThan":{"AWS:EpochTime":1893452400}}}]}'
    )


@pytest.mark.parametrize(
    "custom",
    [
        {"starts": STARTS},
        {"starts": 0},
        {"ip_address": "192.0.2.7"},
        {"resource": cloudfront.everything_below(BASE, "a/")},
        {"starts": STARTS, "ip_address": "192.0.2.0/24"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("hash_algorithm", DIGESTS)
def test_a_custom_policy_travels_in_the_url(custom: dict[str, Any], hash_algorithm: str) -> None:
    """As soon as there is more than an expiry, the policy itself is a parameter, and it is what is signed."""
    url = f"{BASE}/a/b.jpg?v=1"
    signed = cloudfront.signed_url(
        url, expires=EXPIRES, key_id="K1", sign=SIGNERS[hash_algorithm], hash_algorithm=hash_algorithm, **custom
    )
    plain, statement = verify(signed)
    assert plain == url
    assert allows(statement, url)
    condition = statement["Condition"]
    assert condition["DateLessThan"] == {"AWS:EpochTime": EXPIRES}
    assert condition.get("DateGreaterThan", {}).get("AWS:EpochTime") == custom.get("starts")
    assert (
        condition.get("IpAddress", {}).get("AWS:SourceIp")
        == {
            None: None,
            "192.0.2.7": "192.0.2.7/32",
            "192.0.2.0/24": "192.0.2.0/24",
        }[custom.get("ip_address")]
    )


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "192.0.2.7/24", "192.0.2.0/33", "2001:db8::1", "::/0", "192.0.2.1,192.0.2.2", '1"', "192.0.2.*"],
)
def test_an_address_is_ipv4(address: str) -> None:
    """AWS: "IP addresses in IPv6 format […] are not supported"; what is no address at all would shut everybody out."""
    with pytest.raises(ValueError, match="IPv4"):
        cloudfront.custom_policy(f"{BASE}/a", expires=EXPIRES, ip_address=address)


@pytest.mark.parametrize("starts", [EXPIRES, EXPIRES + 1])
def test_a_start_is_before_the_end(starts: int) -> None:
    """A policy that never allows anything is a mistake."""
    with pytest.raises(ValueError, match="must be before its end"):
        cloudfront.custom_policy(f"{BASE}/a", expires=EXPIRES, starts=starts)


# Wildcards


def test_su_10_a_wildcard_means_what_is_below_a_prefix() -> None:
    """All of it, with any query, and nothing beside it."""
    policy = cloudfront.custom_policy(cloudfront.everything_below(BASE, "tenant-a/"), expires=EXPIRES)
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Resource"] == f"{BASE}/tenant-a/*"
    for key in ("b", "b/c.ts", "", "*"):
        assert allows(statement, urls.object_url(BASE, f"tenant-a/{key}", {"v": "1"}))
    for key in ("tenant-b/x", "tenant-ax/b", "tenant-a", "x/tenant-a/b"):
        assert not allows(statement, urls.object_url(BASE, key))
    assert not allows(statement, "https://e.example/tenant-a/b")


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("*/", "*/x", "tenant-b/x"),
        ("tenant-?/", "tenant-?/x", "tenant-b/x"),
        ("a?b/", "a?b/x", "aXb/x"),
        ('a"/', 'a"/x', "a/x"),
        ("ü/", "ü/x", "x"),
        ("", "anything", None),
    ],
    ids=["star", "question-mark", "question-mark-inside", "quote", "unicode", "all"],
)
def test_su_10_wildcards_of_a_prefix_are_letters(prefix: str, inside: str, outside: str | None) -> None:
    """`*` and `?` in a directory's name are %2A and %3F: only the final `*` is one."""
    resource = cloudfront.everything_below(BASE, prefix)
    assert re.fullmatch(r"[^*?]*\*", resource)
    statement = {"Resource": resource}
    assert allows(statement, urls.object_url(BASE, inside))
    assert outside is None or not allows(statement, urls.object_url(BASE, outside))


def test_su_10_a_prefix_is_a_directory() -> None:
    """`tenant-1` would open `tenant-10`, too."""
    with pytest.raises(ValueError, match="would also match"):
        cloudfront.everything_below(BASE, "tenant-1")


def test_su_10_the_question_mark_of_a_key_is_no_wildcard() -> None:
    """A custom policy for `a?b` holds for that object alone; the mark that begins a query is itself."""
    signed = cloudfront.signed_url(urls.object_url(BASE, "a?b"), expires=EXPIRES, key_id="K1", sign=sign, starts=STARTS)
    plain, statement = verify(signed)
    assert plain == statement["Resource"] == f"{BASE}/a%3Fb"
    assert not allows(statement, f"{BASE}/aXb")


# Cookies


@pytest.mark.parametrize("hash_algorithm", DIGESTS)
def test_cookies_for_everything_below_a_prefix(hash_algorithm: str) -> None:
    """Three cookies, and a fourth that names a digest other than SHA-1."""
    cookies = cloudfront.cookies(
        cloudfront.everything_below(BASE, "hls/film/"),
        expires=EXPIRES,
        key_id="K1",
        sign=SIGNERS[hash_algorithm],
        hash_algorithm=hash_algorithm,
        starts=STARTS,
        ip_address="192.0.2.7",
    )
    names = ["CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id", "CloudFront-Hash-Algorithm"]
    assert list(cookies) == names[: 4 if hash_algorithm == "SHA256" else 3]
    key_id, statement = verify_cookies(cookies)
    assert key_id == "K1"
    assert statement == {
        "Resource": f"{BASE}/hls/film/*",
        "Condition": {
            "DateLessThan": {"AWS:EpochTime": EXPIRES},
            "IpAddress": {"AWS:SourceIp": "192.0.2.7/32"},
            "DateGreaterThan": {"AWS:EpochTime": STARTS},
        },
    }


@pytest.mark.parametrize("custom", [{"starts": STARTS}, {"ip_address": "192.0.2.7"}], ids=repr)
def test_cookies_for_one_url(custom: dict[str, Any]) -> None:
    """With nothing but an expiry the policy is a canned one, which is not sent."""
    url = f"{BASE}/a.jpg"
    canned = cloudfront.cookies(url, expires=EXPIRES, key_id="K1", sign=sign)
    assert canned["CloudFront-Expires"] == str(EXPIRES)
    assert verify_cookies(canned, url)[1]["Resource"] == url
    with pytest.raises(InvalidSignature):
        verify_cookies(canned, f"{BASE}/b.jpg")
    sent = cloudfront.cookies(url, expires=EXPIRES, key_id="K1", sign=sign, **custom)
    assert "CloudFront-Expires" not in sent
    assert verify_cookies(sent)[1]["Resource"] == url


# Times


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2030, 1, 1, tzinfo=timezone.utc), EXPIRES),
        (datetime(2030, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5.5))), EXPIRES),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0), 1_792_888_200),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), 1_792_891_800),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=timezone.utc), 2**31),
        (datetime(2100, 1, 1, tzinfo=timezone.utc), 4_102_444_800),
    ],
    ids=["utc", "offset", "summer", "winter", "2038", "2100"],
)
def test_su_11_times_are_seconds_since_1970(moment: datetime, expected: int) -> None:
    """In any zone, on both sides of the hour that comes twice, and after 2038."""
    assert cloudfront.epoch(moment) == expected
    signed = cloudfront.signed_url(
        f"{BASE}/a", expires=cloudfront.epoch(moment) + 60, key_id="K1", sign=sign, starts=cloudfront.epoch(moment)
    )
    assert verify(signed)[1]["Condition"] == {
        "DateLessThan": {"AWS:EpochTime": expected + 60},
        "DateGreaterThan": {"AWS:EpochTime": expected},
    }


def test_su_11_naive_times_are_refused() -> None:
    """The server's zone is not the reader's."""
    with pytest.raises(ValueError, match="no time zone"):
        cloudfront.epoch(datetime(2030, 1, 1))


# botocore


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(key=keys, query=st.booleans())
def test_the_url_is_the_one_botocore_makes(key: str, query: bool) -> None:
    """Byte for byte what AWS's own signer returns, with a query and without."""
    url = urls.object_url(BASE, key, {"v": "1"} if query else None)
    theirs = CloudFrontSigner("K1", sign).generate_presigned_url(
        url, date_less_than=datetime.fromtimestamp(EXPIRES, timezone.utc)
    )
    assert cloudfront.signed_url(url, expires=EXPIRES, key_id="K1", sign=sign) == theirs


@given(
    key=keys,
    query=st.booleans(),
    starts=st.none() | st.integers(1, EXPIRES - 1),
    address=st.none() | st.ip_addresses(v=4).map(str) | st.sampled_from(["192.0.2.0/24", "0.0.0.0/0"]),
    below=st.none() | keys.map(lambda text: f"{text}/"),
)
def test_the_custom_policy_is_the_one_botocore_makes(
    key: str, query: bool, starts: int | None, address: str | None, below: str | None
) -> None:
    """The whole URL, for every combination of start, address and wildcard."""
    if starts is address is below is None:
        address = "192.0.2.7"
    url = urls.object_url(BASE, key, {"v": "1"} if query else None)
    resource = None if below is None else cloudfront.everything_below(BASE, below)
    signer = CloudFrontSigner("K1", sign)
    policy = signer.build_policy(
        resource or url,
        datetime.fromtimestamp(EXPIRES, timezone.utc),
        date_greater_than=None if starts is None else datetime.fromtimestamp(starts, timezone.utc),
        ip_address=address,
    )
    ours = cloudfront.signed_url(
        url, expires=EXPIRES, key_id="K1", sign=sign, starts=starts, ip_address=address, resource=resource
    )
    assert ours == signer.generate_presigned_url(url, policy=policy)


def test_the_cookies_hold_what_botocore_signs() -> None:
    """Policy and signature are the same in a cookie as in a URL."""
    signer: Callable[..., str] = CloudFrontSigner("K1", sign).generate_presigned_url
    policy = cloudfront.custom_policy(cloudfront.everything_below(BASE, "a/"), expires=EXPIRES)
    theirs = dict(parse_qsl(urlsplit(signer(f"{BASE}/a/b", policy=policy)).query))
    ours = cloudfront.cookies(cloudfront.everything_below(BASE, "a/"), expires=EXPIRES, key_id="K1", sign=sign)
    assert ours == {f"CloudFront-{name}": value for name, value in theirs.items()}
