"""A storage's URLs and cookies for CloudFront, verified with the public key as CloudFront does."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import get_session
from botocore.signers import CloudFrontSigner
from botocore.validate import validate_parameters
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.test import override_settings

from s3store.conf import rules
from s3store.conf.options import Options
from s3store.conf.sources import Resolved
from s3store.core import overrides, presentation
from s3store.core.urls import object_url
from s3store.links.distribution import Distribution
from s3store.links.rsa import rsa_signer
from s3store.storage import S3Storage
from tests.core.test_cloudfront import allows, verify, verify_cookies
from tests.docs.blocks import all_blocks
from tests.optional import needs

InvalidSignature = needs("cryptography.exceptions").InvalidSignature
rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")
pem = needs("cryptography.hazmat.primitives.serialization")

OLD, NEW = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PEMS = {
    name: key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()).decode()
    for name, key in (("KOLD", OLD), ("KNEW", NEW))
}
SITE = {"custom_domain": "cdn.example.com", "location": "media", "url_window": 0}
ONE = {**SITE, "cloudfront_key_id": "KNEW", "cloudfront_key": PEMS["KNEW"]}
BASE = "https://cdn.example.com/media"
PUBLIC = NEW.public_key()


def statement_of(url: str) -> Any:
    return verify(url, PUBLIC)[1]


def seconds_left(statement: Any) -> float:
    left: float = statement["Condition"]["DateLessThan"]["AWS:EpochTime"] - time.time()
    return left


# URLs


@pytest.mark.parametrize(
    ("expire", "seconds"),
    [
        (None, 3600),
        (60, 60),
        (timedelta(minutes=5), 300),
        (timedelta(days=365), 31_536_000),
        (timedelta(days=36_525), 3_155_760_000),
    ],
    ids=["default", "seconds", "timedelta", "year", "after-2038"],
)
def test_su_11_a_url_lives_as_long_as_it_says(expire: Any, seconds: int) -> None:
    """The default is querystring_expire; CloudFront has no limit of seven days."""
    url = S3Storage(**ONE).cloudfront_url("a b.jpg", expire=expire)
    plain, statement = verify(url, PUBLIC)
    assert plain == statement["Resource"] == f"{BASE}/a%20b.jpg"
    assert parse_qs(urlsplit(url).query)["Key-Pair-Id"] == ["KNEW"]
    assert -5 < seconds_left(statement) - seconds < 1


@pytest.mark.parametrize("custom", [{}, {"ip_address": "192.0.2.7"}, {"prefix": ""}], ids=repr)
def test_a_url_is_the_same_for_a_window(custom: dict[str, Any]) -> None:
    """Its end is a multiple of the window, half of the life away at least; cookies end to the second."""
    storage = S3Storage(**{**ONE, "url_window": 0.5})
    statement = statement_of(storage.cloudfront_url("a.jpg", expire=86_400, **custom))
    assert statement["Condition"]["DateLessThan"]["AWS:EpochTime"] % 43_200 == 0
    assert 43_195 < seconds_left(statement) <= 86_400
    _, statement = verify_cookies(storage.cloudfront_cookies(expire=86_400), key=PUBLIC)
    assert -5 < seconds_left(statement) - 86_400 < 1


@pytest.mark.parametrize("expire", [0, -1, timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=900)])
def test_su_11_no_url_is_born_dead(expire: Any) -> None:
    """Nor are cookies."""
    for method in (S3Storage(**ONE).cloudfront_url, S3Storage(**ONE).cloudfront_cookies):
        with pytest.raises(ValueError, match="at least one second"):
            method("a.jpg", expire=expire)


@pytest.mark.parametrize("expire", [True, "60", 1.5, datetime(2030, 1, 1)])
def test_su_11_an_expiry_is_seconds_or_a_timedelta(expire: Any) -> None:
    """Other types are refused rather than guessed at."""
    with pytest.raises(TypeError, match="timedelta"):
        S3Storage(**ONE).cloudfront_url("a.jpg", expire=expire)


def test_su_11_an_expiry_in_the_past_is_refused() -> None:
    """Whoever hands the distribution a moment instead of a duration learns that it is over."""
    distribution = Distribution.of(Options(**ONE))
    now = int(time.time())
    with pytest.raises(ValueError, match="past"):
        distribution.sign(f"{BASE}/a.jpg", now, now=now)
    with pytest.raises(ValueError, match="past"):
        distribution.cookies("media/", now, now=now)
    assert statement_of(distribution.sign(f"{BASE}/a.jpg", now + 60, now=now))


def test_a_url_for_one_address_from_a_certain_time_on() -> None:
    """The custom policy says both."""
    starts = datetime.now(timezone.utc) + timedelta(seconds=30)
    url = S3Storage(**ONE).cloudfront_url("a.jpg", expire=60, starts=starts, ip_address="192.0.2.7")
    statement = statement_of(url)
    assert statement["Resource"] == f"{BASE}/a.jpg"
    assert statement["Condition"]["DateGreaterThan"] == {"AWS:EpochTime": int(starts.timestamp())}
    assert statement["Condition"]["IpAddress"] == {"AWS:SourceIp": "192.0.2.7/32"}
    assert 50 < seconds_left(statement) < 61


def test_su_11_a_naive_start_is_refused() -> None:
    """For a URL and for cookies."""
    for method in (S3Storage(**ONE).cloudfront_url, S3Storage(**ONE).cloudfront_cookies):
        with pytest.raises(ValueError, match="no time zone"):
            method("a.jpg", starts=datetime(2030, 1, 1))


@pytest.mark.parametrize("prefix", ["hls/film", "hls/film/"])
def test_su_10_a_signature_for_a_directory(prefix: str) -> None:
    """It holds for each file below it and for none beside it, nor for another storage's files."""
    url = S3Storage(**ONE).cloudfront_url("hls/film/index.m3u8", prefix=prefix)
    plain, statement = verify(url, PUBLIC)
    assert plain == f"{BASE}/hls/film/index.m3u8"
    assert allows(statement, f"{BASE}/hls/film/720p/0001.ts")
    for other in (f"{BASE}/hls/film2/index.m3u8", f"{BASE}/hls/other.ts", "https://cdn.example.com/static/a.css"):
        assert not allows(statement, other)


def test_su_10_the_whole_storage_is_its_location() -> None:
    """A prefix of "" never leaves it."""
    storage = S3Storage(**ONE)
    for statement in (
        statement_of(storage.cloudfront_url("a.jpg", prefix="")),
        verify_cookies(storage.cloudfront_cookies(), key=PUBLIC)[1],
    ):
        assert statement["Resource"] == f"{BASE}/*"


@pytest.mark.parametrize("name", ["tenant-a/*", "a?b/c", "*/x"])
def test_su_10_names_hold_no_wildcards(name: str) -> None:
    """Whatever a file or a directory is called, the only wildcard is the one that was asked for."""
    storage = S3Storage(**ONE)
    directory = name.rpartition("/")[0]
    assert statement_of(storage.cloudfront_url(name))["Resource"] == object_url(BASE, name)
    for resource in (
        statement_of(storage.cloudfront_url(name, ip_address="192.0.2.7"))["Resource"],
        statement_of(storage.cloudfront_url(name, prefix=directory))["Resource"].removesuffix("*"),
        verify_cookies(storage.cloudfront_cookies(directory), key=PUBLIC)[1]["Resource"].removesuffix("*"),
    ):
        assert "*" not in resource
        assert "?" not in resource


@pytest.mark.parametrize("prefix", ["other", "a/b/c.jpg", "a/b/c"])
def test_a_file_outside_the_directory_is_refused(prefix: str) -> None:
    """Its URL would be refused by CloudFront."""
    with pytest.raises(ValueError, match="is not below"):
        S3Storage(**ONE).cloudfront_url("a/b/c.jpg", prefix=prefix)


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a/../../b", ".."])
def test_names_stay_in_the_location(name: str) -> None:
    """Of a file and of a directory."""
    storage = S3Storage(**ONE)
    for call in (
        lambda: storage.cloudfront_url(name),
        lambda: storage.cloudfront_url("a.jpg", prefix=name),
        lambda: storage.cloudfront_cookies(name),
    ):
        with pytest.raises(SuspiciousFileOperation):
            call()


# Cookies


def test_cookies_for_a_directory() -> None:
    """One set of them opens a film with all of its segments."""
    cookies = S3Storage(**ONE).cloudfront_cookies("hls/film", expire=60, ip_address="192.0.2.0/24")
    key_id, statement = verify_cookies(cookies, key=PUBLIC)
    assert key_id == "KNEW"
    assert statement["Resource"] == f"{BASE}/hls/film/*"
    assert statement["Condition"]["IpAddress"] == {"AWS:SourceIp": "192.0.2.0/24"}
    assert 50 < seconds_left(statement) < 61


def test_cookies_from_a_certain_time_on() -> None:
    """A première."""
    starts = datetime.now(timezone.utc) + timedelta(seconds=30)
    _, statement = verify_cookies(S3Storage(**ONE).cloudfront_cookies("film", starts=starts), key=PUBLIC)
    assert statement["Condition"]["DateGreaterThan"] == {"AWS:EpochTime": int(starts.timestamp())}


# Keys


def test_su_13_sha_256_is_named() -> None:
    """In the URL and in a cookie; SHA-1 is not."""
    modern, plain = S3Storage(**ONE, cloudfront_hash="SHA256"), S3Storage(**ONE)
    for url in (modern.cloudfront_url("a.jpg"), modern.cloudfront_url("a.jpg", prefix="")):
        assert url.endswith("&Hash-Algorithm=SHA256")
        assert verify(url, PUBLIC)
    cookies = modern.cloudfront_cookies()
    assert cookies["CloudFront-Hash-Algorithm"] == "SHA256"
    assert verify_cookies(cookies, key=PUBLIC)
    assert "Hash-Algorithm" not in plain.cloudfront_url("a.jpg")
    assert "CloudFront-Hash-Algorithm" not in plain.cloudfront_cookies()


def test_of_several_keys_the_named_one_signs() -> None:
    """Rotation is one option: the other key stays where it is."""
    for key_id, right, wrong in (("KOLD", OLD, NEW), ("KNEW", NEW, OLD)):
        storage = S3Storage(**SITE, cloudfront_key_id=key_id, cloudfront_key=PEMS)
        url = storage.cloudfront_url("a.jpg")
        assert parse_qs(urlsplit(url).query)["Key-Pair-Id"] == [key_id]
        assert verify(url, right.public_key())
        with pytest.raises(InvalidSignature):
            verify(url, wrong.public_key())


def test_a_changed_setting_changes_the_key() -> None:
    """Nothing that was derived from the options outlives them."""
    with override_settings(AWS_CLOUDFRONT_KEY=PEMS, AWS_CLOUDFRONT_KEY_ID="KOLD"):
        storage = S3Storage(**SITE)
        assert verify(storage.cloudfront_url("a.jpg"), OLD.public_key())
        with override_settings(AWS_CLOUDFRONT_KEY_ID="KNEW", AWS_S3_CUSTOM_DOMAIN="new.example.com"):
            assert verify(storage.cloudfront_url("a.jpg"), PUBLIC)
        assert verify(storage.cloudfront_url("a.jpg"), OLD.public_key())


class Counted(Mapping[str, str]):
    """Keys that know how often they were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __getitem__(self, key_id: str) -> str:
        self.asked += 1
        return PEMS[key_id]

    def __iter__(self) -> Iterator[str]:
        return iter(PEMS)

    def __len__(self) -> int:
        return len(PEMS)


def test_the_key_is_prepared_once() -> None:
    """Further URLs cost their signature and nothing else."""
    keys = Counted()
    storage = S3Storage(**SITE, cloudfront_key_id="KNEW", cloudfront_key=keys)
    storage.cloudfront_url("a.jpg")
    asked = keys.asked
    assert asked
    for number in range(3):
        assert verify(storage.cloudfront_url(f"{number}.jpg"), PUBLIC)
        assert verify_cookies(storage.cloudfront_cookies(str(number)), key=PUBLIC)
    assert keys.asked == asked


def test_su_12_the_key_is_in_no_repr_and_no_pickle() -> None:
    """A storage that has signed can be pickled, and signs again where the settings have the key."""
    with override_settings(AWS_CLOUDFRONT_KEY=PEMS, AWS_CLOUDFRONT_KEY_ID="KNEW"):
        storage = S3Storage(**SITE)
        storage.cloudfront_url("a.jpg")
        twin = pickle.loads(pickle.dumps(storage))
        assert verify(twin.cloudfront_url("a.jpg"), PUBLIC)
    storage = S3Storage(**ONE)
    storage.cloudfront_url("a.jpg")
    shown = f"{storage!r} {pickle.dumps(storage)!r} {Distribution.of(storage.options)!r} {storage.deconstruct()}"
    lines = [line for line in PEMS["KNEW"].split("\n") if len(line) > 6]
    assert [text for text in [*lines, "KNEW"] if text in shown] == []


# What is missing


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, "custom_domain and cloudfront_key_id and cloudfront_key"),
        ({**ONE, "custom_domain": None}, "custom_domain"),
        (SITE, "cloudfront_key_id and cloudfront_key"),
        ({"cloudfront_signer": object()}, "custom_domain"),
    ],
    ids=["all", "domain", "keys", "domain-for-a-signer"],
)
def test_what_is_missing_is_named(options: dict[str, Any], missing: str) -> None:
    """By the names of the options, from each method."""
    storage = S3Storage(**options)
    for call in (lambda: storage.cloudfront_url("a.jpg"), storage.cloudfront_cookies):
        with pytest.raises(ImproperlyConfigured, match=rf"needs {missing}\.$"):
            call()


def test_a_key_that_cannot_sign_is_explained() -> None:
    """What signing says of a PEM is what the caller reads."""
    storage = S3Storage(**{**ONE, "cloudfront_key": "PEM"})
    with pytest.raises(ImproperlyConfigured, match="must be a private key in PEM format"):
        storage.cloudfront_url("a.jpg")


def broken(**options: Any) -> list[tuple[str, str]]:
    resolved = Resolved(options=Options(**options), sources={})
    return [(problem.id, problem.option) for problem in rules.problems(resolved, warnings=True)]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": PEMS}, []),
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": {"KNEW": PEMS["KNEW"].encode(), "KOLD": None}}, []),
        ({"cloudfront_key_id": "K3", "cloudfront_key": PEMS}, ["cloudfront_key_id"]),
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": {"KNEW": None}}, ["cloudfront_key_id"]),
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": {"KNEW": ""}}, ["cloudfront_key_id"]),
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": {"KNEW": 1}}, ["cloudfront_key_id"]),
        ({"cloudfront_key": PEMS}, ["cloudfront_key"]),
        ({"cloudfront_key_id": "KNEW", "cloudfront_key": {}}, ["cloudfront_key_id"]),
        ({"cloudfront_key": {}}, []),
    ],
    ids=["right", "old-key-gone", "unknown", "none", "empty", "number", "no-id", "no-keys", "nothing"],
)
def test_of_several_keys_the_id_names_one(options: dict[str, Any], found: list[str]) -> None:
    """E013: else nothing could sign, which is found before the first URL."""
    assert broken(**options) == [("s3store.E013", option) for option in found]
    if found:
        with pytest.raises(ImproperlyConfigured, match=r"\(s3store\.E013\)"):
            S3Storage(**SITE, **options).cloudfront_url("a.jpg")


# A signer of one's own


def test_botocores_signer_makes_the_same_url() -> None:
    """An object of one's own signs for a single URL and an expiry; it wins over a key."""
    signer = CloudFrontSigner("KNEW", rsa_signer(PEMS["KNEW"]))
    options = Options(**{**ONE, "cloudfront_key": PEMS, "cloudfront_key_id": "KOLD", "cloudfront_signer": signer})
    now = time.time()
    expires = int(now) + 60
    url = Distribution.of(options).sign(f"{BASE}/a.jpg", expires, now=now)
    assert url == Distribution.of(Options(**ONE)).sign(f"{BASE}/a.jpg", expires, now=now)
    assert verify(url, PUBLIC)
    assert verify(S3Storage(**SITE, cloudfront_signer=signer).cloudfront_url("a.jpg"), PUBLIC)


@pytest.mark.parametrize(
    "custom", [{"starts": datetime(2020, 1, 1, tzinfo=timezone.utc)}, {"ip_address": ""}, {"prefix": ""}], ids=repr
)
def test_a_signer_of_ones_own_makes_no_custom_policy(custom: dict[str, Any]) -> None:
    """Its interface has no room for one: that is said, and no restriction is dropped."""
    storage = S3Storage(**SITE, cloudfront_signer=CloudFrontSigner("KNEW", rsa_signer(PEMS["KNEW"])))
    with pytest.raises(ImproperlyConfigured, match="a single URL with an expiry"):
        storage.cloudfront_url("a.jpg", **custom)
    with pytest.raises(ImproperlyConfigured, match="a single URL with an expiry"):
        storage.cloudfront_cookies()


def test_the_distribution_is_where_the_options_say() -> None:
    """Protocol, host and path."""
    options = Options(**{**ONE, "url_protocol": "http:", "custom_domain": "example.com/cdn"})
    assert Distribution.of(options).base_url == "http://example.com/cdn"
    assert Distribution.of(replace(options, cloudfront_hash="SHA256")).hash_algorithm == "SHA256"


# The how-to


@pytest.mark.parametrize(
    ("cls", "operation", "argument"),
    [
        ("cache-policy", "CreateCachePolicy", "CachePolicyConfig"),
        ("response-headers-policy", "CreateResponseHeadersPolicy", "ResponseHeadersPolicyConfig"),
    ],
)
def test_su_04_su_16_the_policies_of_the_how_to(cls: str, operation: str, argument: str) -> None:
    """CloudFront would take them; every word that `url` can say about the answer is keyed, and pages run no scripts."""
    (block,) = all_blocks("json", cls)
    policy = json.loads(block.text)
    model = get_session().get_service_model("cloudfront").operation_model(operation)
    validate_parameters({argument: policy}, model.input_shape)
    if cls == "cache-policy":
        strings = policy["ParametersInCacheKeyAndForwardedToOrigin"]["QueryStringsConfig"]
        listed = strings["QueryStrings"]["Items"]
        assert strings["QueryStringBehavior"] == "whitelist"
        assert listed == [name for name in overrides.QUERY.values() if name.startswith("response-")]
        assert strings["QueryStrings"]["Quantity"] == len(listed)
    else:
        headers = policy["SecurityHeadersConfig"]
        assert headers["ContentTypeOptions"] == {"Override": True}
        assert headers["ContentSecurityPolicy"] == {"Override": True, "ContentSecurityPolicy": presentation.SAVED}


@pytest.mark.parametrize(
    "options", [ONE, {"cloudfront_signer": CloudFrontSigner("KNEW", rsa_signer(PEMS["KNEW"]))}], ids=["key", "signer"]
)
def test_a_key_or_a_signer_is_enough_for_urls(options):
    """`url` is then signed for CloudFront, never by S3's rules."""
    url = S3Storage(**{**SITE, **options}).url("a.jpg")
    assert "Key-Pair-Id=" in url
    assert "X-Amz-" not in url
