"""Options come from OPTIONS, the class, the settings, the provider's preset or the defaults, in this order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from s3store.conf import sources
from s3store.conf.options import CONNECTS, FIELDS, SECRETS
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage, S3StaticStorage, S3Storage

# option, setting, then the values of default, setting, class attribute and keyword argument
PRECEDENCE = [
    ("bucket_name", "AWS_STORAGE_BUCKET_NAME", "", "setting", "attribute", "option"),
    ("location", "AWS_LOCATION", "", "setting", "attribute", "option"),
    ("session_profile", "AWS_S3_SESSION_PROFILE", None, "setting", "attribute", "option"),
    ("anonymous", "AWS_S3_ANONYMOUS", False, True, False, True),
    ("provider", "AWS_S3_PROVIDER", None, "gcs", "tigris", "aws"),
    ("account_id", "AWS_S3_ACCOUNT_ID", None, "setting", "attribute", "option"),
    ("region_name", "AWS_S3_REGION_NAME", None, "setting", "attribute", "option"),
    ("endpoint_url", "AWS_S3_ENDPOINT_URL", None, "http://setting", "http://attribute", "http://option"),
    ("public_endpoint_url", "AWS_S3_PUBLIC_ENDPOINT_URL", None, "http://setting", "http://attribute", "http://option"),
    ("addressing_style", "AWS_S3_ADDRESSING_STYLE", None, "auto", "virtual", "path"),
    ("use_ssl", "AWS_S3_USE_SSL", True, False, True, False),
    ("verify", "AWS_S3_VERIFY", None, "/setting.pem", False, "/option.pem"),
    ("proxies", "AWS_S3_PROXIES", None, {"http": "setting"}, {"http": "attribute"}, {"http": "option"}),
    ("signature_version", "AWS_S3_SIGNATURE_VERSION", None, "s3v4", "s3v4", "s3v4"),
    ("client_config", "AWS_S3_CLIENT_CONFIG", None, {"retries": 1}, {"retries": 2}, {"retries": 3}),
    ("transfer_config", "AWS_S3_TRANSFER_CONFIG", None, {"use_threads": 1}, {"use_threads": 2}, {"use_threads": 3}),
    ("use_threads", "AWS_S3_USE_THREADS", True, False, True, False),
    ("file_buffer_size", "AWS_S3_FILE_BUFFER_SIZE", None, 1, 2, 3),
    ("max_pool_connections", "AWS_S3_MAX_POOL_CONNECTIONS", 50, 1, 2, 3),
    ("connect_timeout", "AWS_S3_CONNECT_TIMEOUT", 5.0, 1, 2.5, 3),
    ("read_timeout", "AWS_S3_READ_TIMEOUT", 20.0, 1, 2.5, 3),
    ("max_attempts", "AWS_S3_MAX_ATTEMPTS", 8, 1, 2, 3),
    ("checksums", "AWS_S3_CHECKSUMS", "auto", "when_required", "when_supported", "auto"),
    ("expected_bucket_owner", "AWS_S3_EXPECTED_BUCKET_OWNER", None, "1", "2", "3"),
    ("file_overwrite", "AWS_S3_FILE_OVERWRITE", False, True, False, True),
    ("conditional_writes", "AWS_S3_CONDITIONAL_WRITES", True, False, True, False),
    ("default_acl", "AWS_DEFAULT_ACL", None, "private", "public-read", "authenticated-read"),
    ("object_parameters", "AWS_S3_OBJECT_PARAMETERS", {}, {"CacheControl": "a"}, {"Expires": "b"}, {}),
    ("gzip", "AWS_IS_GZIPPED", False, True, False, True),
    ("brotli", "AWS_S3_BROTLI", False, True, False, True),
    ("max_memory_size", "AWS_S3_MAX_MEMORY_SIZE", 8 * 1024**2, 0, 1, 2),
    ("max_inflated_size", "AWS_S3_MAX_INFLATED_SIZE", 1024**3, 0, 1, 2),
    ("querystring_auth", "AWS_QUERYSTRING_AUTH", True, False, True, False),
    ("querystring_expire", "AWS_QUERYSTRING_EXPIRE", 3600, 60, timedelta(minutes=2), 180),
    ("url_protocol", "AWS_S3_URL_PROTOCOL", "https:", "http:", "https:", "http:"),
    ("custom_domain", "AWS_S3_CUSTOM_DOMAIN", None, "setting", "attribute", "option"),
    ("file_name_charset", "AWS_S3_FILE_NAME_CHARSET", "utf-8", "utf-8", "utf-8", "utf-8"),
]


@pytest.mark.parametrize(
    ("option", "setting", "default", "by_setting", "by_class", "by_option"),
    PRECEDENCE,
    ids=[row[0] for row in PRECEDENCE],
)
def test_the_nearest_place_wins(
    option: str, setting: str, default: Any, by_setting: Any, by_class: Any, by_option: Any
) -> None:
    """OPTIONS beat the class's attribute, which beats the setting, then the default; False and 0 say something."""
    subclass: Any = type("Subclass", (S3Storage,), {option: by_class})
    assert getattr(S3Storage(), option) == default
    assert getattr(subclass(), option) == by_class
    with override_settings(**{setting: by_setting}):
        assert getattr(S3Storage(), option) == by_setting
        assert getattr(subclass(), option) == by_class
        assert getattr(S3Storage(**{option: by_option}), option) == by_option
        assert getattr(subclass(**{option: by_option}), option) == by_option


def test_gzip_content_types_are_replaced_as_a_whole() -> None:
    """The option of several values is no sum of what different places say."""
    assert "text/css" in S3Storage().options.gzip_content_types
    with override_settings(GZIP_CONTENT_TYPES=("a/b",)):
        assert tuple(S3Storage().options.gzip_content_types) == ("a/b",)
        assert tuple(S3Storage(gzip_content_types=("c/d",)).options.gzip_content_types) == ("c/d",)


SWITCHED_OFF: list[tuple[str, str, Any]] = [
    ("default_acl", "AWS_DEFAULT_ACL", "public-read"),
    ("custom_domain", "AWS_S3_CUSTOM_DOMAIN", "cdn.example.com"),
    ("endpoint_url", "AWS_S3_ENDPOINT_URL", "http://127.0.0.1:9000"),
    ("object_parameters", "AWS_S3_OBJECT_PARAMETERS", {"CacheControl": "max-age=60"}),
    ("provider", "AWS_S3_PROVIDER", "tigris"),
]


@pytest.mark.parametrize(("option", "setting", "value"), SWITCHED_OFF, ids=[row[0] for row in SWITCHED_OFF])
def test_none_in_options_switches_a_setting_off(option: str, setting: str, value: Any) -> None:
    """A private storage beside public ones says custom_domain=None or default_acl=None."""
    with override_settings(**{setting: value}):
        assert not getattr(S3Storage(**{option: None}).options, option)


@pytest.mark.parametrize(("option", "setting", "value"), SWITCHED_OFF, ids=[row[0] for row in SWITCHED_OFF])
def test_none_as_class_attribute_switches_a_setting_off(option: str, setting: str, value: Any) -> None:
    """The attribute of a subclass says the same; the instance's attribute and its options agree."""
    private: Any = type("Private", (S3Storage,), {option: None})
    with override_settings(**{setting: value}):
        storage = private()
        assert not getattr(storage.options, option)
        assert not getattr(storage, option)


def test_object_parameters_can_be_copied_without_any() -> None:
    """A subclass that extends them works when the project sets none, or sets None."""

    class Cached(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            params: Any = self.object_parameters
            return {**params.copy(), "CacheControl": name}

    assert Cached().get_object_parameters("a") == {"CacheControl": "a"}
    with override_settings(AWS_S3_OBJECT_PARAMETERS=None):
        assert Cached().get_object_parameters("a") == {"CacheControl": "a"}
    assert Cached(object_parameters={"ContentLanguage": "de"}).get_object_parameters("a") == {
        "ContentLanguage": "de",
        "CacheControl": "a",
    }


def test_the_empty_string_counts_as_missing_where_the_default_is_none() -> None:
    """`os.environ.get(…, "")` in a settings file does not hide what comes after it."""
    with override_settings(AWS_S3_REGION_NAME="eu-central-1", AWS_DEFAULT_ACL=""):
        assert S3Storage(region_name="").options.region_name == "eu-central-1"
        assert S3Storage().options.default_acl is None


@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_no_scheme_means_https(value: Any) -> None:
    """AWS_S3_URL_PROTOCOL may be there without a value, as django-storages allows."""
    with override_settings(AWS_S3_URL_PROTOCOL=value):
        assert S3Storage().url_protocol == "https:"
        assert S3Storage(url_protocol=value).url_protocol == "https:"
    with override_settings(AWS_S3_URL_PROTOCOL="http:"):
        assert S3Storage(url_protocol=value).url_protocol == "http:"


def test_a_bucket_of_none_is_no_bucket() -> None:
    """`os.environ.get("BUCKET")` without the variable says what is missing, not that None has a wrong type."""
    with (
        override_settings(AWS_STORAGE_BUCKET_NAME=None),
        pytest.raises(ImproperlyConfigured, match=r"has no bucket\. Set bucket_name"),
    ):
        S3Storage().exists("a")


CLOUDFRONT = {"AWS_CLOUDFRONT_KEY_ID": "K1", "AWS_CLOUDFRONT_KEY": "PEM", "AWS_S3_CUSTOM_DOMAIN": "cdn.example.com"}


def test_no_cloudfront_signer_switches_the_signatures_off() -> None:
    """A public storage beside signed ones says cloudfront_signer=None, in OPTIONS or as a class attribute."""

    class Public(S3Storage):
        cloudfront_signer = None

    with override_settings(**CLOUDFRONT, AWS_STORAGE_BUCKET_NAME="bucket"):
        for storage in (S3Storage(cloudfront_signer=None), Public()):
            assert (storage.cloudfront_key, storage.cloudfront_key_id) == (None, None)
            assert storage.url("a.txt") == "https://cdn.example.com/a.txt"
            assert storage.resolve().sources["querystring_auth"] == "cloudfront_signer=None"
        assert S3Storage().cloudfront_key == "PEM"
        # Who says to sign is believed, and a key in the same place is one.
        assert S3Storage(cloudfront_signer=None, querystring_auth=True).options.querystring_auth is True
        assert S3Storage(cloudfront_signer=None, custom_domain=None).options.querystring_auth is True
        own = S3Storage(cloudfront_signer=None, cloudfront_key="OWN", cloudfront_key_id="K2")
        assert (own.cloudfront_key, own.options.querystring_auth) == ("OWN", True)


# Settings written for django-storages

# Every name that django-storages 1.14.6 reads, and our option.
DJANGO_STORAGES = [
    ("AWS_S3_ACCESS_KEY_ID", "access_key", "AK"),
    ("AWS_ACCESS_KEY_ID", "access_key", "AK"),
    ("AWS_S3_SECRET_ACCESS_KEY", "secret_key", "SK"),
    ("AWS_SECRET_ACCESS_KEY", "secret_key", "SK"),
    ("AWS_SESSION_TOKEN", "security_token", "T"),
    ("AWS_SECURITY_TOKEN", "security_token", "T"),
    ("AWS_S3_SESSION_PROFILE", "session_profile", "work"),
    ("AWS_S3_FILE_OVERWRITE", "file_overwrite", True),
    ("AWS_S3_OBJECT_PARAMETERS", "object_parameters", {"CacheControl": "max-age=60"}),
    ("AWS_STORAGE_BUCKET_NAME", "bucket_name", "bucket"),
    ("AWS_QUERYSTRING_AUTH", "querystring_auth", False),
    ("AWS_QUERYSTRING_EXPIRE", "querystring_expire", 60),
    ("AWS_S3_SIGNATURE_VERSION", "signature_version", "s3v4"),
    ("AWS_LOCATION", "location", "media"),
    ("AWS_S3_CUSTOM_DOMAIN", "custom_domain", "cdn.example.com"),
    ("AWS_CLOUDFRONT_KEY_ID", "cloudfront_key_id", "K1"),
    ("AWS_CLOUDFRONT_KEY", "cloudfront_key", b"-----BEGIN"),
    ("AWS_S3_ADDRESSING_STYLE", "addressing_style", "path"),
    ("AWS_S3_FILE_NAME_CHARSET", "file_name_charset", "utf-8"),
    ("AWS_IS_GZIPPED", "gzip", True),
    ("GZIP_CONTENT_TYPES", "gzip_content_types", ("text/css",)),
    ("AWS_S3_URL_PROTOCOL", "url_protocol", "http:"),
    ("AWS_S3_ENDPOINT_URL", "endpoint_url", "http://127.0.0.1:9000"),
    ("AWS_S3_PROXIES", "proxies", {"https": "http://proxy:3128"}),
    ("AWS_S3_REGION_NAME", "region_name", "eu-central-1"),
    ("AWS_S3_USE_SSL", "use_ssl", False),
    ("AWS_S3_VERIFY", "verify", False),
    ("AWS_S3_MAX_MEMORY_SIZE", "max_memory_size", 1024),
    ("AWS_DEFAULT_ACL", "default_acl", "private"),
    ("AWS_S3_USE_THREADS", "use_threads", False),
    ("AWS_S3_FILE_BUFFER_SIZE", "file_buffer_size", 5 * 1024**2),
    ("AWS_S3_TRANSFER_CONFIG", "transfer_config", {"multipart_threshold": 1}),
    ("AWS_S3_CLIENT_CONFIG", "client_config", {"max_pool_connections": 1}),
]


@pytest.mark.parametrize(("setting", "option", "value"), DJANGO_STORAGES, ids=[row[0] for row in DJANGO_STORAGES])
def test_a_setting_of_django_storages_keeps_its_meaning(setting: str, option: str, value: Any) -> None:
    """One dotted path is all that a project changes; and the place is named as the project knows it."""
    with override_settings(**{setting: value}):
        resolved = S3Storage().resolve()
    assert getattr(resolved.options, option) == value
    assert resolved.sources[option] == f"settings.{setting}"


def test_every_option_but_the_signer_has_a_setting() -> None:
    """An object that signs is made by code, everything else may be said in settings; no setting says two things."""
    assert [name for name, option in FIELDS.items() if not option.metadata["settings"]] == ["cloudfront_signer"]
    settings = [setting for option in FIELDS.values() for setting in option.metadata["settings"]]
    assert len(settings) == len(set(settings))


# Credentials

S3_PAIR = {"AWS_S3_ACCESS_KEY_ID": "s3-id", "AWS_S3_SECRET_ACCESS_KEY": "s3-secret"}
PLAIN_PAIR = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
TOKEN = {"AWS_SESSION_TOKEN": "token"}
ENV_PAIR = {"AWS_S3_ACCESS_KEY_ID": "env-id", "AWS_S3_SECRET_ACCESS_KEY": "env-secret"}
ENV_TOKEN = {"AWS_S3_SESSION_TOKEN": "env-token"}
GIVEN_PAIR = {"access_key": "given-id", "secret_key": "given-secret"}
NOTHING = (None, None, None, None)

IDENTITIES = {
    "D05-profile-setting": ({"AWS_S3_SESSION_PROFILE": "work"}, {}, {}, (None, None, None, "work")),
    "D05-profile-setting-before-env": (
        {"AWS_S3_SESSION_PROFILE": "work"},
        {**ENV_PAIR, **ENV_TOKEN},
        {},
        (None, None, None, "work"),
    ),
    "D05-profile-option-before-keys-in-settings": (
        {**PLAIN_PAIR, **TOKEN},
        {},
        {"session_profile": "work"},
        (None, None, None, "work"),
    ),
    "D05-profile-env": ({}, {"AWS_S3_SESSION_PROFILE": "env-work"}, {}, (None, None, None, "env-work")),
    "D06-s3-settings": ({**S3_PAIR, **PLAIN_PAIR}, ENV_PAIR, {}, ("s3-id", "s3-secret", None, None)),
    "D06-options-before-settings": (
        {**S3_PAIR, **TOKEN},
        ENV_PAIR,
        GIVEN_PAIR,
        ("given-id", "given-secret", None, None),
    ),
    "D06-options-before-profile": (
        {"AWS_S3_SESSION_PROFILE": "work"},
        {},
        GIVEN_PAIR,
        ("given-id", "given-secret", None, None),
    ),
    "D07-plain-settings": (PLAIN_PAIR, ENV_PAIR, {}, ("id", "secret", None, None)),
    "D07-empty-s3-settings": (
        {"AWS_S3_ACCESS_KEY_ID": "", "AWS_S3_SECRET_ACCESS_KEY": None, **PLAIN_PAIR},
        {},
        {},
        ("id", "secret", None, None),
    ),
    "D08-env": ({}, ENV_PAIR, {}, ("env-id", "env-secret", None, None)),
    "D08-empty-settings": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        ENV_PAIR,
        {},
        ("env-id", "env-secret", None, None),
    ),
    "D08-empty-options": ({}, ENV_PAIR, {"access_key": "", "secret_key": None}, ("env-id", "env-secret", None, None)),
    "D09-env-of-botocore-is-left-to-it": ({}, {**PLAIN_PAIR, **TOKEN, "AWS_PROFILE": "p"}, {}, NOTHING),
    "D10-nothing": ({}, {}, {}, NOTHING),
    "D10-empty-everywhere": (
        dict.fromkeys({**S3_PAIR, **PLAIN_PAIR, **TOKEN, "AWS_S3_SESSION_PROFILE": ""}, ""),
        dict.fromkeys({**ENV_PAIR, **ENV_TOKEN, "AWS_S3_SESSION_PROFILE": ""}, ""),
        {"access_key": "", "secret_key": "", "security_token": "", "session_profile": ""},
        NOTHING,
    ),
    "D11-token-with-keys-in-settings": ({**PLAIN_PAIR, **TOKEN}, ENV_TOKEN, {}, ("id", "secret", "token", None)),
    "D11-other-token-setting": ({**PLAIN_PAIR, "AWS_SECURITY_TOKEN": "t"}, {}, {}, ("id", "secret", "t", None)),
    "D11-token-with-keys-in-env": ({}, {**ENV_PAIR, **ENV_TOKEN}, {}, ("env-id", "env-secret", "env-token", None)),
    "D11-token-with-keys-in-options": (
        {},
        {},
        {**GIVEN_PAIR, "security_token": "t"},
        ("given-id", "given-secret", "t", None),
    ),
    "D11-token-in-env-not-with-keys-in-settings": (PLAIN_PAIR, ENV_TOKEN, {}, ("id", "secret", None, None)),
    "D11-token-of-botocore-with-our-env": ({}, {**ENV_PAIR, **TOKEN}, {}, ("env-id", "env-secret", "token", None)),
    "D11-other-token-of-botocore-with-our-env": (
        {},
        {**ENV_PAIR, "AWS_SECURITY_TOKEN": "t"},
        {},
        ("env-id", "env-secret", "t", None),
    ),
    "D11-our-token-before-botocores": (
        {},
        {**ENV_PAIR, **TOKEN, **ENV_TOKEN},
        {},
        ("env-id", "env-secret", "env-token", None),
    ),
    "D11-token-of-botocores-pair-not-with-our-env": (
        {},
        {**ENV_PAIR, **PLAIN_PAIR, **TOKEN},
        {},
        ("env-id", "env-secret", None, None),
    ),
    "D11-token-of-the-same-pair-in-our-env": (
        {},
        {**ENV_PAIR, "AWS_ACCESS_KEY_ID": "env-id", **TOKEN},
        {},
        ("env-id", "env-secret", "token", None),
    ),
}


@pytest.mark.parametrize(("settings", "env", "given", "identity"), IDENTITIES.values(), ids=IDENTITIES)
def test_credentials_come_from_one_place(
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    env: dict[str, str],
    given: dict[str, Any],
    identity: tuple[str | None, ...],
) -> None:
    """The first place that says anything about credentials says all of it; empty strings say nothing."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with override_settings(**settings):
        options = S3Storage(**given).options
    assert (options.access_key, options.secret_key, options.security_token, options.session_profile) == identity


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({"AWS_S3_ACCESS_KEY_ID": "s3-id", **PLAIN_PAIR}, {}),
        ({"AWS_S3_SECRET_ACCESS_KEY": "s3-secret", **PLAIN_PAIR}, {}),
        ({"AWS_ACCESS_KEY_ID": "id"}, {}),
        (TOKEN, {}),
    ],
    ids=["half-s3", "other-half-s3", "half", "token"],
)
def test_halves_of_two_pairs_are_no_pair(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], given: dict[str, Any]
) -> None:
    """A key never signs with a secret from another place; the half is an error that says where it stands."""
    for name, value in ENV_PAIR.items():
        monkeypatch.setenv(name, value)
    with override_settings(**settings), pytest.raises(ImproperlyConfigured, match=r"settings\.AWS.* \(s3store\.E002\)"):
        S3Storage(**given).options  # noqa: B018 (the property raises)


@pytest.mark.parametrize("pair", [S3_PAIR, PLAIN_PAIR], ids=["s3", "plain"])
def test_d05_a_profile_beside_keys_in_one_place_is_an_error(pair: dict[str, str]) -> None:
    """Both pairs of settings are keys: which of the two identities is meant cannot be guessed."""
    with (
        override_settings(AWS_S3_SESSION_PROFILE="work", **pair),
        pytest.raises(
            ImproperlyConfigured, match=r"session_profile and access_key are set together.*\(s3store\.E003\)"
        ),
    ):
        S3Storage().options  # noqa: B018 (the property raises)


def test_a_class_of_its_own_credentials_ignores_the_settings() -> None:
    """The rule holds for attributes of a class: its keys never meet the settings' token."""

    class Partner(S3Storage):
        access_key = "partner-id"
        secret_key = "partner-secret"

    with override_settings(**PLAIN_PAIR, **TOKEN):
        options = Partner().options
        assert (options.access_key, options.secret_key, options.security_token) == (
            "partner-id",
            "partner-secret",
            None,
        )
        assert Partner(**GIVEN_PAIR).options.access_key == "given-id"


def test_anonymous_access_ignores_keys_from_other_places() -> None:
    """A storage for a public bucket sends nobody's credentials."""
    with override_settings(**PLAIN_PAIR):
        options = S3Storage(anonymous=True).options
    assert (options.anonymous, options.access_key, options.secret_key) == (True, None, None)


def test_a_storage_can_say_that_it_is_not_anonymous() -> None:
    """anonymous=False in OPTIONS beats the setting, and leaves the keys to wherever they are."""
    with override_settings(AWS_S3_ANONYMOUS=True):
        assert S3Storage(anonymous=False).options.anonymous is False
    with override_settings(**PLAIN_PAIR):
        assert S3Storage(anonymous=False).options.access_key == "id"


# Settings of their own


@pytest.mark.parametrize(
    ("storage", "setting", "default"),
    [
        (S3MediaStorage, "MEDIAFILES_LOCATION", "media"),
        (S3StaticStorage, "STATICFILES_LOCATION", "static"),
        (S3ManifestStaticStorage, "STATICFILES_LOCATION", "static"),
    ],
)
def test_media_and_static_files_have_locations_of_their_own(storage: Any, setting: str, default: str) -> None:
    """AWS_LOCATION is for storages without one; the places are named."""
    with override_settings(AWS_LOCATION="elsewhere"):
        assert storage().location == default
        assert storage().resolve().sources["location"].startswith("class attribute ")
        assert S3Storage().location == "elsewhere"
        with override_settings(**{setting: "of-its-own/"}):
            assert storage().location == "of-its-own"
            assert storage().resolve().sources["location"] == f"settings.{setting}"
            assert storage(location="given").location == "given"


def test_a_location_loses_its_final_slash() -> None:
    """`media/` and `media` are one place."""
    assert S3Storage(location="media/").options.location == "media"


# Settings that change


def test_changed_settings_take_effect_on_a_live_storage() -> None:
    """A test that overrides a setting sees it in storages made before, and no longer afterwards."""
    storage = S3Storage()
    assert storage.bucket_name == ""
    with override_settings(AWS_STORAGE_BUCKET_NAME="outer"):
        assert storage.bucket_name == "outer"
        with override_settings(AWS_STORAGE_BUCKET_NAME="inner"):
            assert storage.bucket_name == "inner"
        assert storage.bucket_name == "outer"
    assert storage.bucket_name == ""


def test_options_are_resolved_once() -> None:
    """As long as nothing changes, looking at the options costs next to nothing."""
    storage = S3Storage()
    assert storage.options is storage.options


class Tenants(S3Storage):
    """One location per tenant."""

    current = "acme"

    @property
    def location(self) -> str:  # type: ignore[override]
        return f"tenants/{type(self).current}"


@pytest.fixture
def tenants() -> Iterator[type[Tenants]]:
    yield Tenants
    Tenants.current = "acme"


def test_a_property_is_read_at_each_access(tenants: type[Tenants]) -> None:
    """A subclass may compute an option: the location of the tenant whose request it is."""
    storage = tenants()
    assert (storage.location, storage.options.location) == ("tenants/acme", "tenants/acme")
    tenants.current = "emca"
    assert (storage.location, storage.options.location) == ("tenants/emca", "tenants/emca")
    assert storage.resolve().sources["location"] == "class attribute Tenants.location"


def test_what_a_property_returns_is_checked(tenants: type[Tenants]) -> None:
    """A tenant's name that would leave the location is refused at each access."""
    storage = tenants()
    tenants.current = "../emca"
    with pytest.raises(ImproperlyConfigured, match=r"s3store\.E005"):
        storage.options  # noqa: B018 (the property raises)


def test_a_property_that_fails_says_why() -> None:
    """A property that reads a thread's missing attribute is not mistaken for a missing option."""

    class Nobodys(S3Storage):
        @property
        def location(self) -> str:  # type: ignore[override]
            raise AttributeError("there is no tenant in this thread")

    with pytest.raises(AttributeError, match="no tenant"):
        Nobodys().options  # noqa: B018 (the property raises)
    with pytest.raises(AttributeError, match="no tenant"):
        Nobodys().location  # noqa: B018 (the property raises)


def test_a_method_is_a_function_option() -> None:
    """object_parameters may be written as a method that takes the name."""

    class ByName(S3Storage):
        def object_parameters(self, name: str) -> dict[str, str]:
            return {"CacheControl": f"max-age={len(name)}"}

    assert ByName().get_object_parameters("12345") == {"CacheControl": "max-age=5"}
    assert ByName().options is not None


# Names


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("fil_overwrite", "file_overwrite"),
        ("bucket", "bucket_name"),
        ("acces_key", "access_key"),
        ("AWS_LOCATION", None),
        ("x", None),
    ],
)
def test_sc_13_an_unknown_option_names_the_nearest(name: str, nearest: str | None) -> None:
    """A slip of the pen is found when the storage is made."""
    with pytest.raises(ImproperlyConfigured) as caught:
        S3Storage(**{name: True})
    text = str(caught.value)
    assert text.startswith(f"{name!r} is not an option of S3Storage.")
    assert (f"Did you mean {nearest!r}?" in text) if nearest else ("settings reference" in text)


def test_sc_13_a_subclass_is_named() -> None:
    """The message names the class that STORAGES names."""
    with pytest.raises(ImproperlyConfigured, match="S3MediaStorage"):
        S3MediaStorage(nonsense=1)


@pytest.mark.parametrize("aware", [True, False])
def test_times_follow_use_tz(aware: bool) -> None:
    """USE_TZ is read like the other settings."""
    moment = datetime(2026, 1, 31, tzinfo=timezone.utc)
    with override_settings(USE_TZ=aware):
        assert (sources.django_time(moment).tzinfo is not None) is aware


def test_custom_domain_false_means_none(settings: Any) -> None:
    """The idiom of classes written for django-storages switches the project's domain off."""
    settings.AWS_S3_CUSTOM_DOMAIN = "cdn.example.com"
    private: Any = type("Private", (S3Storage,), {"custom_domain": False})
    assert private().options.custom_domain is None


GZIPPED = (
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "application/x-javascript",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
)
# option: (default, settings, environment variable)
API: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "bucket_name": ("", ("AWS_STORAGE_BUCKET_NAME",), ""),
    "location": ("", ("AWS_LOCATION",), ""),
    "region_name": (None, ("AWS_S3_REGION_NAME",), ""),
    "expected_bucket_owner": (None, ("AWS_S3_EXPECTED_BUCKET_OWNER",), ""),
    "access_key": (None, ("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"), "AWS_S3_ACCESS_KEY_ID"),
    "secret_key": (None, ("AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"), "AWS_S3_SECRET_ACCESS_KEY"),
    "security_token": (None, ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"), "AWS_S3_SESSION_TOKEN"),
    "session_profile": (None, ("AWS_S3_SESSION_PROFILE",), "AWS_S3_SESSION_PROFILE"),
    "anonymous": (False, ("AWS_S3_ANONYMOUS",), ""),
    "provider": (None, ("AWS_S3_PROVIDER",), ""),
    "account_id": (None, ("AWS_S3_ACCOUNT_ID",), ""),
    "endpoint_url": (None, ("AWS_S3_ENDPOINT_URL",), ""),
    "addressing_style": (None, ("AWS_S3_ADDRESSING_STYLE",), ""),
    "use_ssl": (True, ("AWS_S3_USE_SSL",), ""),
    "verify": (None, ("AWS_S3_VERIFY",), ""),
    "proxies": (None, ("AWS_S3_PROXIES",), ""),
    "signature_version": (None, ("AWS_S3_SIGNATURE_VERSION",), ""),
    "client_config": (None, ("AWS_S3_CLIENT_CONFIG",), ""),
    "max_pool_connections": (50, ("AWS_S3_MAX_POOL_CONNECTIONS",), ""),
    "connect_timeout": (5.0, ("AWS_S3_CONNECT_TIMEOUT",), ""),
    "read_timeout": (20.0, ("AWS_S3_READ_TIMEOUT",), ""),
    "total_timeout": (25.0, ("AWS_S3_TOTAL_TIMEOUT",), ""),
    "max_attempts": (8, ("AWS_S3_MAX_ATTEMPTS",), ""),
    "checksums": ("auto", ("AWS_S3_CHECKSUMS",), ""),
    "file_overwrite": (False, ("AWS_S3_FILE_OVERWRITE",), ""),
    "conditional_writes": (True, ("AWS_S3_CONDITIONAL_WRITES",), ""),
    "default_acl": (None, ("AWS_DEFAULT_ACL",), ""),
    "object_parameters": (None, ("AWS_S3_OBJECT_PARAMETERS",), ""),
    "headers": (None, ("AWS_S3_HEADERS",), ""),
    "transfer_config": (None, ("AWS_S3_TRANSFER_CONFIG",), ""),
    "use_threads": (True, ("AWS_S3_USE_THREADS",), ""),
    "file_buffer_size": (None, ("AWS_S3_FILE_BUFFER_SIZE",), ""),
    "max_memory_size": (8 * 1024 * 1024, ("AWS_S3_MAX_MEMORY_SIZE",), ""),
    "file_name_charset": ("utf-8", ("AWS_S3_FILE_NAME_CHARSET",), ""),
    "max_upload_size": (100 * 1024 * 1024, ("AWS_S3_MAX_UPLOAD_SIZE",), ""),
    "upload_method": ("auto", ("AWS_S3_UPLOAD_METHOD",), ""),
    "upload_checksum": (None, ("AWS_S3_UPLOAD_CHECKSUM",), ""),
    "upload_permission": (None, ("AWS_S3_UPLOAD_PERMISSION",), ""),
    "keep_only_hashed": (False, ("AWS_S3_KEEP_ONLY_HASHED",), ""),
    "gzip": (False, ("AWS_IS_GZIPPED",), ""),
    "brotli": (False, ("AWS_S3_BROTLI",), ""),
    "gzip_content_types": (GZIPPED, ("GZIP_CONTENT_TYPES",), ""),
    "max_inflated_size": (1024 * 1024 * 1024, ("AWS_S3_MAX_INFLATED_SIZE",), ""),
    "querystring_auth": (True, ("AWS_QUERYSTRING_AUTH",), ""),
    "querystring_expire": (3600, ("AWS_QUERYSTRING_EXPIRE",), ""),
    "url_window": (0.5, ("AWS_S3_URL_WINDOW",), ""),
    "public_names": ((), ("AWS_S3_PUBLIC_NAMES",), ""),
    "public_endpoint_url": (None, ("AWS_S3_PUBLIC_ENDPOINT_URL",), ""),
    "url_protocol": ("https:", ("AWS_S3_URL_PROTOCOL",), ""),
    "custom_domain": (None, ("AWS_S3_CUSTOM_DOMAIN",), ""),
    "cloudfront_key_id": (None, ("AWS_CLOUDFRONT_KEY_ID",), ""),
    "cloudfront_key": (None, ("AWS_CLOUDFRONT_KEY",), ""),
    "cloudfront_hash": ("SHA1", ("AWS_CLOUDFRONT_HASH",), ""),
    "cloudfront_signer": (None, (), ""),
}


def test_options_are_an_api() -> None:
    """Projects rely on each name and each default: a change of one is a change of their storages."""
    assert {
        name: (option.default, option.metadata["settings"], option.metadata["env"]) for name, option in FIELDS.items()
    } == API


def test_options_of_a_client_and_secrets_are_marked() -> None:
    """Storages that differ only in other options share a client; secrets are in no repr, pickle or migration."""
    assert set(CONNECTS) == {
        "region_name",
        "access_key",
        "secret_key",
        "security_token",
        "session_profile",
        "anonymous",
        "endpoint_url",
        "addressing_style",
        "use_ssl",
        "verify",
        "proxies",
        "client_config",
        "max_pool_connections",
        "connect_timeout",
        "read_timeout",
        "max_attempts",
        "checksums",
    }
    assert set(SECRETS) == {
        "access_key",
        "secret_key",
        "security_token",
        "proxies",
        "cloudfront_key_id",
        "cloudfront_key",
        "cloudfront_signer",
    }
    hidden = {name for name, option in FIELDS.items() if not option.repr}
    assert hidden == set(SECRETS) | {"client_config"}


WITHOUT_SETTINGS = """
import json, sys
from s3store.storage import S3MediaStorage
storage = S3MediaStorage(**json.loads(sys.argv[1]))
name = storage.save("a/b.txt", "text")
storage.read_text(name), storage.stat(name), storage.url(name), list(storage.scan()), storage.listdir("a")
with storage.open("c.txt", "w") as file:
    file.write("more")
assert storage.get_modified_time(name).tzinfo
storage.delete_many([name, "c.txt"])
print(storage.location)
"""


def test_a_storage_with_all_its_options_needs_no_settings(seaweedfs_options) -> None:
    """A script outside of a project saves, reads, lists and deletes."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_SETTINGS, json.dumps(seaweedfs_options)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == seaweedfs_options["location"]
