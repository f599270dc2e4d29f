"""Impossible options are refused, unwise ones are reported, and both say where they come from."""

from __future__ import annotations

from datetime import timedelta
from inspect import signature
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from s3store.conf import rules
from s3store.conf.options import FIELDS, Options
from s3store.conf.sources import Resolved
from s3store.core import parameters, sigv4
from s3store.storage import S3Storage


def broken(**options: Any) -> list[tuple[str, str]]:
    """Return (id, option) of all rules that the options break."""
    resolved = Resolved(options=Options(**options), sources={})
    return [
        (problem.id.removeprefix("s3store."), problem.option) for problem in rules.problems(resolved, warnings=True)
    ]


KEYS = {"access_key": "AK", "secret_key": "SK"}

# id of the row: (rule, option that is named, options that break it, options that do not, part of the message)
ROWS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], str]] = {
    "type-bool": (
        "E001",
        "file_overwrite",
        {"file_overwrite": "no"},
        {"file_overwrite": False},
        "'no' is not a bool. Write ",
    ),
    "type-str": ("E001", "location", {"location": None}, {"location": ""}, "None is not a str. Write "),
    "type-int": ("E001", "max_attempts", {"max_attempts": "3"}, {"max_attempts": 3}, "'3' is not an int. Write "),
    "type-int-no-bool": ("E001", "max_attempts", {"max_attempts": True}, {"max_attempts": 1}, "True is not an int"),
    "type-float": (
        "E001",
        "read_timeout",
        {"read_timeout": "3"},
        {"read_timeout": 0.5},
        "'3' is not an int or a float",
    ),
    "type-expire": (
        "E001",
        "querystring_expire",
        {"querystring_expire": "3600"},
        {"querystring_expire": timedelta(hours=1)},
        "'3600' is not an int or a timedelta. Write ",
    ),
    "type-verify": ("E001", "verify", {"verify": 1}, {"verify": __file__}, "1 is not a bool or a str or None"),
    "type-verify-false": ("E001", "verify", {"verify": "False"}, {"verify": True}, "is not the path of a CA bundle"),
    "type-bucket": ("E001", "bucket_name", {"bucket_name": 5}, {"bucket_name": "bucket"}, "5 is not a str"),
    "type-long": ("E001", "gzip", {"gzip": "x" * 100}, {"gzip": True}, ": a str is not a bool"),
    "buffer-0": ("E011", "file_buffer_size", {"file_buffer_size": 0}, {"file_buffer_size": 1}, "0 is not positive"),
    "key-not-ascii": ("E014", "access_key", {"access_key": "AK\u200b", "secret_key": "SK"}, KEYS, "non-ASCII"),
    "type-proxies": (
        "E001",
        "proxies",
        {"proxies": "http://p"},
        {"proxies": {"http": "http://p"}},
        "a str is not a dict or None",
    ),
    "type-parameters": (
        "E001",
        "object_parameters",
        {"object_parameters": "x"},
        {"object_parameters": lambda name: {}},
        "neither a dict nor a function",
    ),
    "type-gzip": (
        "E001",
        "gzip_content_types",
        {"gzip_content_types": "text/css"},
        {"gzip_content_types": ["text/css"]},
        "the value is a str",
    ),
    "half-key": ("E002", "access_key", {"access_key": "AK"}, KEYS, "access_key is set without secret_key"),
    "half-secret": ("E002", "secret_key", {"secret_key": "SK"}, KEYS, "secret_key is set without access_key"),
    "token-alone": (
        "E002",
        "security_token",
        {"security_token": "T"},
        {"security_token": "T", **KEYS},
        "without access_key",
    ),
    "key-with-line-break": (
        "E014",
        "secret_key",
        {"access_key": "AK", "secret_key": "SK\n"},
        KEYS,
        "white space",
    ),
    "transfer-argument": (
        "E015",
        "transfer_config",
        {"transfer_config": {"multipart_treshold": 5}},
        {"transfer_config": {"multipart_threshold": 5}},
        "multipart_threshold",
    ),
    "transfer-nonsense": ("E015", "transfer_config", {"transfer_config": {"zzz": 5}}, {}, "use_threads"),
    "pem-escaped": (
        "E019",
        "cloudfront_key",
        {"cloudfront_key": "-----BEGIN-----\\nx", "cloudfront_key_id": "K"},
        {"cloudfront_key": "-----BEGIN-----\nx", "cloudfront_key_id": "K"},
        "instead of line breaks",
    ),
    "pem-escaped-bytes": (
        "E019",
        "cloudfront_key",
        {"cloudfront_key": {"K": b"-----BEGIN-----\\nx"}, "cloudfront_key_id": "K"},
        {"cloudfront_key": {"K": b"-----BEGIN-----\nx"}, "cloudfront_key_id": "K"},
        "instead of line breaks",
    ),
    "region-space": (
        "E018",
        "region_name",
        {"region_name": "EU Central 1 "},
        {"region_name": "eu-central-1"},
        "is not the name of a region",
    ),
    "region-url": (
        "E018",
        "region_name",
        {"region_name": "…"},
        {"region_name": "us-gov-west-1"},
        "Write eu-central-1 or similar",
    ),
    "profile-and-keys": (
        "E003",
        "session_profile",
        {"session_profile": "p", **KEYS},
        {"session_profile": "p"},
        "together",
    ),
    "keys-and-anonymous": ("E003", "access_key", {"anonymous": True, **KEYS}, {"anonymous": True}, "together"),
    "expire-0": ("E004", "querystring_expire", {"querystring_expire": 0}, {"querystring_expire": 1}, "0 seconds"),
    "expire-8-days": (
        "E004",
        "querystring_expire",
        {"querystring_expire": timedelta(days=7, seconds=1)},
        {"querystring_expire": timedelta(days=7)},
        "604801 seconds",
    ),
    "endpoint-scheme": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "127.0.0.1:9000"},
        {"endpoint_url": "http://127.0.0.1:9000"},
        "Write https://127.0.0.1:9000",
    ),
    "endpoint-ftp": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "ftp://h"},
        {"endpoint_url": "https://h"},
        "ftp",
    ),
    "endpoint-brackets": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "http://[::1:9000"},
        {"endpoint_url": "http://[::1]:9000"},
        "[::1:9000",
    ),
    "endpoint-port": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "https://h:port"},
        {"endpoint_url": "https://h:9000/"},
        "https://h:port",
    ),
    "endpoint-query": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "https://h/?a=b"},
        {"endpoint_url": "https://h/s3"},
        "contains more",
    ),
    "endpoint-bucket-host": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "https://b.s3.example", "bucket_name": "b"},
        {"endpoint_url": "https://bb.s3.example", "bucket_name": "b"},
        "contains the bucket 'b'",
    ),
    "endpoint-bucket-path": (
        "E006",
        "endpoint_url",
        {"endpoint_url": "https://s3.example/b", "bucket_name": "b"},
        {"endpoint_url": "https://s3.example/bb", "bucket_name": "b"},
        "contains the bucket 'b'",
    ),
    "public-endpoint-scheme": (
        "E006",
        "public_endpoint_url",
        {"public_endpoint_url": "files.example.com"},
        {"public_endpoint_url": "https://files.example.com"},
        "Write https://files.example.com",
    ),
    "public-endpoint-bucket": (
        "E006",
        "public_endpoint_url",
        {"public_endpoint_url": "https://files.example/bbb", "bucket_name": "bbb"},
        {"public_endpoint_url": "https://files.example/b", "bucket_name": "bbb"},
        "contains the bucket 'bbb'",
    ),
    "provider": ("E016", "provider", {"provider": "aw"}, {"provider": "aws"}, "Did you mean 'aws'?"),
    "provider-by-its-name": ("E016", "provider", {"provider": "Amazon"}, {"provider": None}, "Did you mean 'aws'?"),
    "provider-unheard-of": ("E016", "provider", {"provider": "?"}, {"provider": ""}, "Use one of aws, r2, b2"),
    "acl": (
        "E007",
        "default_acl",
        {"default_acl": "public"},
        {"default_acl": "public-read"},
        "'public' is not a canned ACL",
    ),
    "acl-of-buckets": (
        "E007",
        "default_acl",
        {"default_acl": "log-delivery-write"},
        {"default_acl": "private"},
        "canned",
    ),
    "parameter": (
        "E008",
        "object_parameters",
        {"object_parameters": {"CacheControll": "x"}},
        {"object_parameters": {"CacheControl": "x"}},
        "Did you mean 'CacheControl'?",
    ),
    "parameter-of-request": (
        "E008",
        "object_parameters",
        {"object_parameters": {"Body": b""}},
        {"object_parameters": {"Metadata": {"a": "b"}}},
        "'Body' is not an object parameter",
    ),
    "parameter-strange": (
        "E008",
        "object_parameters",
        {"object_parameters": {5: "x"}},
        {"object_parameters": {}},
        "See PutObject",
    ),
    "parameter-newline": (
        "E008",
        "object_parameters",
        {"object_parameters": {"CacheControl": "a\r\nX-Evil: 1"}},
        {"object_parameters": {"CacheControl": "a"}},
        "control character",
    ),
    "parameter-acl": (
        "E008",
        "object_parameters",
        {"object_parameters": {"ACL": "public"}},
        {"object_parameters": {"ACL": None}},
        "ACL: 'public' is not",
    ),
    "parameter-metadata": (
        "E008",
        "object_parameters",
        {"object_parameters": {"Metadata": {"a": "é"}}},
        {"object_parameters": {"Metadata": None}},
        "not ASCII",
    ),
    "headers-unknown": (
        "E008",
        "headers",
        {"headers": {"*.css": {"CacheControll": "x"}}},
        {"headers": {"*.css": {"CacheControl": "x"}}},
        "'*.css': 'CacheControll' is not an object parameter",
    ),
    "headers-flat": (
        "E008",
        "headers",
        {"headers": {"CacheControl": "x"}},
        {"headers": {}},
        "the value of 'CacheControl' is not a dict",
    ),
    "parameter-metadata-type": (
        "E008",
        "object_parameters",
        {"object_parameters": {"Metadata": "a=b"}},
        {"object_parameters": {"Metadata": {}}},
        "not a dict",
    ),
    "bucket-url": ("E009", "bucket_name", {"bucket_name": "s3://b"}, {"bucket_name": "my-bucket"}, "without s3://"),
    "bucket-newline": (
        "E009",
        "bucket_name",
        {"bucket_name": "bucket\n"},
        {"bucket_name": "bucket"},
        "is not a bucket name",
    ),
    "bucket-long": (
        "E009",
        "bucket_name",
        {"bucket_name": "b" * 256, "endpoint_url": "https://h"},
        {"bucket_name": "B_b" * 85, "endpoint_url": "https://h"},
        "is not a bucket name",
    ),
    "style": (
        "E010",
        "addressing_style",
        {"addressing_style": "host"},
        {"addressing_style": "virtual"},
        "'virtual', 'path'",
    ),
    "signature": (
        "E010",
        "signature_version",
        {"signature_version": "s3"},
        {"signature_version": "s3v4"},
        "'s3v4', None",
    ),
    "checksums": (
        "E010",
        "checksums",
        {"checksums": "never"},
        {"checksums": "when_required"},
        "'never' is not a valid value",
    ),
    "protocol": ("E010", "url_protocol", {"url_protocol": "https"}, {"url_protocol": "http:"}, "'https:', 'http:'"),
    "charset": ("E010", "file_name_charset", {"file_name_charset": "latin-1"}, {"file_name_charset": "utf-8"}, "utf-8"),
    "timeout-0": ("E011", "read_timeout", {"read_timeout": 0}, {"read_timeout": 0.1}, "Default: 20.0"),
    "attempts-0": ("E011", "max_attempts", {"max_attempts": 0}, {"max_attempts": 1}, "0 is not positive"),
    "memory-negative": ("E011", "max_memory_size", {"max_memory_size": -1}, {"max_memory_size": 0}, "-1 is negative"),
    "domain-scheme": (
        "E012",
        "custom_domain",
        {"custom_domain": "https://cdn.example/", "querystring_auth": False},
        {"custom_domain": "cdn.example:8443/media", "querystring_auth": False},
        "Write 'cdn.example'",
    ),
    "domain-slash": (
        "E012",
        "custom_domain",
        {"custom_domain": "cdn.example/", "querystring_auth": False},
        {"custom_domain": "cdn.example", "querystring_auth": False},
        "Write 'cdn.example'",
    ),
    "domain-port": (
        "E012",
        "custom_domain",
        {"custom_domain": " http://localhost:8000/", "querystring_auth": False},
        {"custom_domain": "[::1]:8000/a/b%20c", "querystring_auth": False},
        "Write 'localhost:8000'",
    ),
    "domain-port-alone": (
        "E012",
        "custom_domain",
        {"custom_domain": "localhost:8000/", "querystring_auth": False},
        {"custom_domain": "localhost:8000", "querystring_auth": False},
        "Write 'localhost:8000'",
    ),
    "domain-wildcard": (
        "E012",
        "custom_domain",
        {"custom_domain": "*.example.com", "querystring_auth": False},
        {"custom_domain": "my_cdn.example.com", "querystring_auth": False},
        "Write cdn.example.com or",
    ),
    "domain-path-wildcard": (
        "E012",
        "custom_domain",
        {"custom_domain": "cdn.example/*", "querystring_auth": False},
        {"custom_domain": "cdn.example/-", "querystring_auth": False},
        "is not a host, optionally with a path",
    ),
    "domain-query": (
        "E012",
        "custom_domain",
        {"custom_domain": "cdn.example/a?b", "querystring_auth": False},
        {"custom_domain": "cdn.example/a/b", "querystring_auth": False},
        "Write cdn.example.com or",
    ),
    "domain-newline": (
        "E012",
        "custom_domain",
        {"custom_domain": "cdn.example\n", "querystring_auth": False},
        {"custom_domain": "cdn.example.", "querystring_auth": False},
        "Write 'cdn.example'",
    ),
    "domain-umlaut": (
        "E012",
        "custom_domain",
        {"custom_domain": "bücher.example", "querystring_auth": False},
        {"custom_domain": "xn--bcher-kva.example", "querystring_auth": False},
        "in punycode (xn--",
    ),
    "domain-path-umlaut": (
        "E012",
        "custom_domain",
        {"custom_domain": "cdn.example/bücher", "querystring_auth": False},
        {"custom_domain": "cdn.example/b%C3%BCcher", "querystring_auth": False},
        "percent-encode the path",
    ),
}

# The value, and the line that says what it means.
CORRECTIONS = {
    ("file_overwrite", "False"): "Write AWS_S3_FILE_OVERWRITE = False.",
    ("gzip", " yes "): "Write AWS_IS_GZIPPED = True.",
    ("max_attempts", "3"): "Write AWS_S3_MAX_ATTEMPTS = 3.",
    ("read_timeout", "2.5"): "Write AWS_S3_READ_TIMEOUT = 2.5.",
    ("querystring_expire", "3600"): "Write AWS_QUERYSTRING_EXPIRE = 3600.",
    ("querystring_expire", "2.5"): "Write AWS_QUERYSTRING_EXPIRE = 3600 for the default.",
    ("region_name", 5): "Write AWS_S3_REGION_NAME = None, or remove it.",
    ("verify", "no"): "Write AWS_S3_VERIFY = False.",
}


@pytest.mark.parametrize(("option", "value"), CORRECTIONS, ids=str)
def test_a_value_of_a_wrong_type_has_a_line_to_write(option: str, value: Any) -> None:
    """In the words of the place that has to be changed."""
    setting = FIELDS[option].metadata["settings"][0]
    with override_settings(**{setting: value}):
        (problem,) = rules.problems(S3Storage().resolve())
    assert problem.message.startswith(f"settings.{setting}: {value!r} is not ")
    assert problem.hint == CORRECTIONS[option, value]
    if option != "region_name":
        (problem,) = rules.problems(Resolved(options=Options(**{option: value}), sources={}))
        assert problem.hint == CORRECTIONS[option, value].replace(f"{setting} = ", f"{option}=")


def test_a_large_number_is_written_in_digits() -> None:
    """Thirty days are 2592000 seconds."""
    (problem,) = rules.problems(Resolved(options=Options(querystring_expire=2_592_000), sources={}))
    assert "2592000 seconds" in problem.message


def test_the_arguments_of_client_config_are_botocores() -> None:
    """A newer botocore may have more: then the list is extended."""
    from botocore.config import Config

    assert set(Config.OPTION_DEFAULTS) <= set(rules.values._CLIENT_ARGUMENTS)


def test_a_region_is_corrected_where_it_can_be() -> None:
    """The spelling of the console becomes the name of the region."""
    for given, meant in (("EU Central 1 ", "eu-central-1"), ("us_east_1", "us-east-1"), ("eu-west-1\n", "eu-west-1")):
        (problem,) = rules.problems(Resolved(options=Options(region_name=given), sources={}))
        assert problem.hint == f"Write region_name={meant!r}."


SN_08 = ["../x", "/x", "a//b", "a/../b", "a//"]

WARNINGS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], str]] = {
    "domain-unsigned": (
        "W002",
        "custom_domain",
        {"custom_domain": "cdn.example"},
        {"custom_domain": "cdn.example", "cloudfront_key": "PEM", "cloudfront_key_id": "K"},
        "CloudFront does not accept",
    ),
    "domain-other-signer": (
        "W002",
        "custom_domain",
        {"custom_domain": "cdn.example"},
        {"custom_domain": "cdn.example", "cloudfront_signer": object()},
        "CloudFront does not accept",
    ),
    "domain-global-host": (
        "W002",
        "custom_domain",
        {"custom_domain": "bucket.s3.amazonaws.com"},
        {"custom_domain": "bucket.s3.amazonaws.com", "querystring_auth": False},
        "Remove it",
    ),
    "region-unknown": (
        "W007",
        "region_name",
        {"region_name": "frankfurt"},
        {"region_name": "frankfurt", "endpoint_url": "https://s3.example.com"},
        "AWS has no region 'frankfurt'",
    ),
    "region-zone": (
        "W007",
        "region_name",
        {"region_name": "eu-central-1a"},
        {"region_name": "ap-southeast-2"},
        "a zone is not a region",
    ),
    "client-argument": (
        "W008",
        "client_config",
        {"client_config": {"read_timeuot": 3}},
        {"client_config": {"read_timeout": 3}},
        "Did you mean 'read_timeout'?",
    ),
    "checksum-ignored": (
        "W042",
        "upload_checksum",
        {"upload_checksum": "crc32", "provider": "minio", "endpoint_url": "https://minio.example"},
        {"upload_checksum": "crc32", "endpoint_url": "https://s3.example"},
        "MinIO does not document",
    ),
    "ca-bundle": ("W009", "verify", {"verify": "/no/such/ca.pem"}, {"verify": __file__}, "does not exist here"),
    "bucket-dots": (
        "W003",
        "bucket_name",
        {"bucket_name": "my.bucket"},
        {"bucket_name": "my.bucket", "addressing_style": "path"},
        "addressing_style='path'",
    ),
    "bucket-upper-case": (
        "W003",
        "bucket_name",
        {"bucket_name": "MyBucket"},
        {"bucket_name": "MyBucket", "endpoint_url": "https://minio.example"},
        "naming rules",
    ),
    "provider-elsewhere": (
        "W004",
        "endpoint_url",
        {"provider": "r2", "endpoint_url": "https://r2.cloudflarestorage.com.example"},
        {"provider": "r2", "endpoint_url": "https://abc.eu.r2.cloudflarestorage.com"},
        "does not belong to Cloudflare R2",
    ),
    "provider-aws-elsewhere": (
        "W004",
        "endpoint_url",
        {"provider": "aws", "endpoint_url": "https://minio.example"},
        {"provider": "aws", "endpoint_url": "https://s3.eu-central-1.amazonaws.com"},
        "does not belong to Amazon S3",
    ),
    "provider-account": (
        "W004",
        "account_id",
        {"provider": "minio", "endpoint_url": "https://minio.example", "account_id": "abc"},
        {"provider": "r2", "endpoint_url": "https://abc.r2.cloudflarestorage.com", "account_id": "abc"},
        "MinIO does not use it",
    ),
    "provider-style": (
        "W004",
        "addressing_style",
        {"provider": "tigris", "endpoint_url": "https://t3.storage.dev", "addressing_style": "path"},
        {"provider": "tigris", "endpoint_url": "https://t3.storage.dev", "addressing_style": "auto"},
        "does not support 'path'",
    ),
    "provider-region": (
        "W004",
        "region_name",
        {"provider": "b2", "endpoint_url": "https://s3.us-west-004.backblazeb2.com", "region_name": "us-east-1"},
        {"provider": "b2", "endpoint_url": "https://s3.us-west-004.backblazeb2.com"},
        "is in 'us-west-004'",
    ),
    "provider-region-elsewhere": (
        "W004",
        "region_name",
        {"provider": "ovh", "endpoint_url": "https://s3.gra.io.cloud.ovh.net", "region_name": "GRA"},
        {"provider": "ovh", "endpoint_url": "https://s3.gra.perf.cloud.ovh.net", "region_name": "sbg"},
        "is in 'gra'",
    ),
    "provider-acl": (
        "W005",
        "default_acl",
        {"provider": "minio", "endpoint_url": "https://minio.example", "default_acl": "public-read"},
        {"provider": "ceph", "endpoint_url": "https://ceph.example", "default_acl": "public-read"},
        "MinIO have no ACL",
    ),
    "provider-acl-parameter": (
        "W005",
        "object_parameters",
        {"provider": "minio", "endpoint_url": "https://minio.example", "object_parameters": {"ACL": "private"}},
        {"provider": "minio", "endpoint_url": "https://minio.example", "object_parameters": lambda name: {}},
        "MinIO have no ACL",
    ),
}

SC_08: dict[str, tuple[dict[str, Any], str | None]] = {
    "verify-off": ({"verify": False}, "verify"),
    "verify-off-elsewhere": ({"verify": False, "endpoint_url": "https://minio.example"}, "verify"),
    "verify-off-here": ({"verify": False, "endpoint_url": "https://127.0.0.1:9000"}, None),
    "verify-file": ({"verify": __file__}, None),
    "http": ({"endpoint_url": "http://minio.example:9000"}, "endpoint_url"),
    "http-whatever-use_ssl": ({"endpoint_url": "http://minio.example", "use_ssl": True}, "endpoint_url"),
    "http-loopback": ({"endpoint_url": "http://127.0.0.1:9000"}, None),
    "http-loopback-6": ({"endpoint_url": "http://[::1]:9000"}, None),
    "http-localhost": ({"endpoint_url": "http://localhost:9000"}, None),
    "http-looks-local": ({"endpoint_url": "http://127.example.com"}, "endpoint_url"),
    "https": ({"endpoint_url": "https://minio.example"}, None),
    "https-whatever-use_ssl": ({"endpoint_url": "https://minio.example", "use_ssl": False}, None),
    "no-ssl": ({"use_ssl": False}, "use_ssl"),
    "public-http": ({"public_endpoint_url": "http://files.example.com"}, "public_endpoint_url"),
    "public-http-before-https": (
        {"endpoint_url": "https://minio.example", "public_endpoint_url": "HTTP://files.example.com:9000"},
        "public_endpoint_url",
    ),
    "public-http-before-loopback": (
        {"endpoint_url": "http://127.0.0.1:9000", "public_endpoint_url": "http://files.example.com"},
        "public_endpoint_url",
    ),
    "public-http-loopback": ({"public_endpoint_url": "http://127.0.0.1:9000"}, None),
    "public-http-localhost": ({"public_endpoint_url": "http://localhost:9000"}, None),
    "public-https": ({"public_endpoint_url": "https://files.example.com"}, None),
    "public-https-whatever-use_ssl": (
        {
            "endpoint_url": "https://minio.example",
            "public_endpoint_url": "https://files.example.com",
            "use_ssl": False,
        },
        None,
    ),
    "domain-http": (
        {"custom_domain": "cdn.example", "querystring_auth": False, "url_protocol": "http:"},
        "url_protocol",
    ),
    "domain-http-port": (
        {"custom_domain": "cdn.example:8000/media", "querystring_auth": False, "url_protocol": "http:"},
        "url_protocol",
    ),
    "domain-http-loopback": (
        {"custom_domain": "127.0.0.1:8000/media", "querystring_auth": False, "url_protocol": "http:"},
        None,
    ),
    "domain-http-loopback-6": (
        {"custom_domain": "[::1]:8000", "querystring_auth": False, "url_protocol": "http:"},
        None,
    ),
    "domain-https": ({"custom_domain": "cdn.example", "querystring_auth": False}, None),
    "protocol-without-a-domain": ({"url_protocol": "http:"}, None),
    "nothing": ({}, None),
}

rows = pytest.mark.parametrize(("rule", "option", "bad", "good", "text"), ROWS.values(), ids=ROWS)


@rows
def test_a_rule_is_broken_by_what_breaks_it(
    rule: str, option: str, bad: dict[str, Any], good: dict[str, Any], text: str
) -> None:
    """Each rule names its option, and leaves what is right alone."""
    assert (rule, option) in broken(**bad)
    assert broken(**good) == []


@rows
def test_a_keyword_argument_is_refused_on_construction(
    rule: str, option: str, bad: dict[str, Any], good: dict[str, Any], text: str
) -> None:
    """The traceback points at the line that gives it."""
    with pytest.raises(ImproperlyConfigured) as caught:
        S3Storage(**bad)
    message = str(caught.value)
    assert message.startswith(f"OPTIONS or keyword argument {option}: ")
    assert text in message
    assert message.endswith(f"(s3store.{rule})")
    S3Storage(**good)


def as_settings(options: dict[str, Any]) -> dict[str, Any]:
    return {FIELDS[name].metadata["settings"][0]: value for name, value in options.items()}


@rows
def test_a_setting_is_refused_on_first_use(
    rule: str, option: str, bad: dict[str, Any], good: dict[str, Any], text: str
) -> None:
    """Making the storage, importing models and writing migrations work; using it says which setting is wrong."""
    with override_settings(**as_settings(bad)):
        storage = S3Storage()
        assert repr(storage) == "S3Storage()"
        with pytest.raises(ImproperlyConfigured) as caught:
            storage.url("a.txt")
    message = str(caught.value)
    assert message.startswith(f"settings.{FIELDS[option].metadata['settings'][0]}: ")
    assert text in message
    assert message.endswith(f"(s3store.{rule})")


@pytest.mark.parametrize("location", SN_08)
def test_sn_08_a_hostile_location_is_refused_on_construction(location: str) -> None:
    """E005: a location that is not plain is nobody's, whether it comes from OPTIONS, a class or a setting."""
    with pytest.raises(ImproperlyConfigured, match=r"keyword argument location: .*\(s3store\.E005\)"):
        S3Storage(location=location)
    subclass: Any = type("Elsewhere", (S3Storage,), {"location": location})
    with pytest.raises(ImproperlyConfigured, match=r"class attribute Elsewhere\.location: .*\(s3store\.E005\)"):
        subclass().url("a.txt")
    with (
        override_settings(AWS_LOCATION=location),
        pytest.raises(ImproperlyConfigured, match=r"settings\.AWS_LOCATION: .*\(s3store\.E005\)"),
    ):
        S3Storage().url("a.txt")


@pytest.mark.parametrize("location", ["", "media", "media/", "a/b", "a.b/..c"])
def test_a_plain_location_is_accepted(location: str) -> None:
    """One slash at the end does no harm."""
    assert broken(location=location) == []
    assert not S3Storage(location=location).location.endswith("/")


@pytest.mark.parametrize(("rule", "option", "bad", "good", "text"), WARNINGS.values(), ids=WARNINGS)
def test_a_warning_is_reported_and_not_raised(
    rule: str, option: str, bad: dict[str, Any], good: dict[str, Any], text: str
) -> None:
    """What is unwise works, and the checks say so."""
    assert broken(**bad) == [(rule, option)]
    assert broken(**good) == []
    storage = S3Storage(**bad)
    assert storage.options
    assert list(rules.problems(storage.resolve())) == []
    (problem,) = rules.problems(storage.resolve(), warnings=True)
    assert problem.message.startswith(f"OPTIONS or keyword argument {option}: ")
    assert text in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize(("options", "named"), SC_08.values(), ids=SC_08)
def test_sc_08_an_open_line_is_reported(options: dict[str, Any], named: str | None) -> None:
    """W001: TLS is off only towards this machine without a warning."""
    assert broken(**options) == ([("W001", named)] if named else [])
    assert S3Storage(**options).options


def test_the_default_of_an_option_is_a_place() -> None:
    """A rule that blames an option nobody gave says so."""
    (problem,) = rules.problems(Resolved(options=Options(querystring_expire=0), sources={}))
    assert problem.message.startswith("the default of querystring_expire: ")


def test_the_defaults_break_no_rule() -> None:
    """A storage without any option is possible; it has no bucket yet."""
    assert broken() == []


def test_every_rule_has_a_row_an_id_and_a_sentence() -> None:
    """Ids are unique, warnings and errors are told apart by them, and the docs list the sentences."""
    ids = [rule.id for rule in rules.RULES]
    assert len(ids) == len(set(ids))
    tested = {row[0] for row in (*ROWS.values(), *WARNINGS.values())} | {"E005", "E013", "E017", "W001", "W006"}
    assert {id_.removeprefix("s3store.") for id_ in ids} == tested
    assert all(rule.summary.endswith(".") for rule in rules.RULES)
    assert all(id_.startswith(("s3store.E0", "s3store.W0")) for id_ in ids)


def test_every_rule_is_asked_and_the_types_come_first() -> None:
    """A rule that stands in a module and not in the list would never be broken."""
    modules = (rules.credentials, rules.delivery, rules.server, rules.values)
    written = [thing for module in modules for thing in vars(module).values() if isinstance(thing, rules.Rule)]
    assert sorted(written, key=id) == sorted(rules.RULES, key=id)
    assert rules.RULES[0].id == "s3store.E001"


STRANGE = [5, 1.5, True, b"x", "x", [], {}, {5: 5}, {"ACL": []}, {"Metadata": 5}, object(), None, float("nan")]


@pytest.mark.parametrize("option", FIELDS)
def test_no_value_breaks_the_rules_themselves(option: str) -> None:
    """The checks report every option of a wrong type; they do not fail on one."""
    for value in STRANGE:
        broken(**{option: value})


def test_the_life_of_a_url_is_seven_days() -> None:
    """AWS: "Authenticating requests: using query parameters"."""
    assert sigv4.MAX_EXPIRES == 604_800
    assert broken(querystring_expire=604_800) == []


def test_all_object_parameters_are_allowed() -> None:
    """The rule knows every parameter that the requests can take."""
    given = dict.fromkeys(parameters.OBJECT_PARAMETERS - {"ACL", "Metadata"}, "x")
    assert broken(object_parameters=given) == []


def test_sc_01_no_rule_quotes_a_secret() -> None:
    """An error about credentials names options, never values; nor does one about an endpoint quote its password."""
    found = [
        problem
        for options in (
            {"secret_key": "hunter2"},
            {"secret_key": b"hunter2"},
            {"access_key": ["hunter2"]},
            {"security_token": "hunter2"},
            {"cloudfront_key": "hunter2"},
            {"cloudfront_key": ["hunter2"]},
            {"proxies": "http://ann:hunter2@proxy"},
            {"object_parameters": {"SSECustomerKey": "hunter2\n"}},
            {"endpoint_url": "https://ann:hunter2@s3.example"},
            {"endpoint_url": "ann:hunter2@s3.example"},
            {"public_endpoint_url": "https://ann:hunter2@s3.example"},
            {"provider": "r2", "endpoint_url": "https://ann:hunter2@s3.example"},
        )
        for problem in rules.problems(Resolved(options=Options(**options), sources={}), warnings=True)
    ]
    assert len(found) >= 8
    assert [problem for problem in found if "hunter2" in problem.message + problem.hint] == []


@pytest.mark.parametrize(
    ("settings", "present", "missing"),
    [
        ({"AWS_CLOUDFRONT_KEY": "PEM"}, "cloudfront_key", "cloudfront_key_id"),
        ({"AWS_CLOUDFRONT_KEY_ID": "K1"}, "cloudfront_key_id", "cloudfront_key"),
    ],
)
def test_half_a_cloudfront_pair_is_refused(settings: dict[str, Any], present: str, missing: str) -> None:
    """E013: a URL that nobody could verify is not made."""
    with (
        override_settings(**settings),
        pytest.raises(ImproperlyConfigured, match=rf"{present} is set without {missing}\..*\(s3store\.E013\)"),
    ):
        S3Storage().url("a.txt")


def test_a_cloudfront_key_may_be_in_another_place_than_its_id() -> None:
    """The id in OPTIONS and the PEM in a setting are one pair, as they are in django-storages."""
    with override_settings(AWS_CLOUDFRONT_KEY="PEM"):
        options = S3Storage(cloudfront_key_id="K1").options
    assert (options.cloudfront_key_id, options.cloudfront_key) == ("K1", "PEM")


LOST: dict[str, tuple[dict[str, Any], list[tuple[str, str]], str]] = {
    "r2": ({"provider": "r2"}, [("E017", "provider")], "'r2' needs account_id. Set account_id, or endpoint_url."),
    "region": ({"provider": "b2"}, [("E017", "provider")], "'b2' needs region_name. Set region_name, or"),
    "own": ({"provider": "minio"}, [("E017", "provider")], "'minio' needs endpoint_url. Set endpoint_url."),
    "url": (
        {"provider": "r2", "account_id": "https://abc.r2.cloudflarestorage.com"},
        [("E017", "account_id")],
        "cannot be part of a host name",
    ),
    "switched-off": (
        {"provider": "r2", "account_id": "abc", "endpoint_url": None},
        [("E017", "endpoint_url")],
        "switches the endpoint of Cloudflare R2 off",
    ),
    "hyphen": ({"provider": "r2", "account_id": "-"}, [("E017", "account_id")], "cannot be part of a host name"),
    "long": ({"provider": "r2", "account_id": "a" * 64}, [("E017", "account_id")], "cannot be part of a host name"),
    "gcs-switched-off": ({"provider": "gcs", "endpoint_url": None}, [("E017", "endpoint_url")], "of Google Cloud"),
}


@pytest.mark.parametrize(("options", "found", "text"), LOST.values(), ids=LOST)
def test_a_provider_without_an_endpoint_is_refused(
    options: dict[str, Any], found: list[tuple[str, str]], text: str
) -> None:
    """E017: what is meant for a provider is never sent to AWS; what is missing may stand in the settings."""
    assert broken(**options) == found
    storage = S3Storage(**options)
    with pytest.raises(ImproperlyConfigured, match=r"\(s3store\.E017\)") as caught:
        storage.url("a.txt")
    assert text in str(caught.value)


UNSIGNED_DOMAIN = {
    "provider": "r2",
    "endpoint_url": "https://abc.r2.cloudflarestorage.com",
    "custom_domain": "files.example.com",
}
SPACES = {"provider": "spaces", "endpoint_url": "https://fra1.digitaloceanspaces.com", "bucket_name": "my-bucket"}


@pytest.mark.parametrize(
    ("others", "warned"),
    [
        ({}, True),
        ({"querystring_auth": False}, False),
        ({"anonymous": True}, False),
        ({"cloudfront_signer": object()}, False),
        ({"provider": "gcs", "endpoint_url": "https://storage.googleapis.com"}, False),
        ({"custom_domain": None}, False),
        ({**SPACES, "custom_domain": "my-bucket.fra1.digitaloceanspaces.com"}, False),
        ({**SPACES, "custom_domain": "fra1.digitaloceanspaces.com/my-bucket"}, False),
        ({**SPACES, "custom_domain": "my-bucket.fra1.cdn.digitaloceanspaces.com"}, True),
        ({**SPACES, "custom_domain": "other-bucket.fra1.digitaloceanspaces.com"}, True),
        ({"endpoint_url": "http://[::1:9000"}, True),
    ],
)
def test_a_domain_without_signatures_is_reported(others: dict[str, Any], warned: bool) -> None:
    """W006: R2, B2, Spaces and Hetzner refuse a private file's link to any domain but the bucket's at the endpoint."""
    assert (("W006", "custom_domain") in broken(**{**UNSIGNED_DOMAIN, **others})) is warned


UNSIGNED_PUBLIC = {
    "provider": "r2",
    "endpoint_url": "https://abc.r2.cloudflarestorage.com",
    "public_endpoint_url": "https://files.example.com",
}


@pytest.mark.parametrize(
    ("others", "warned"),
    [
        ({}, True),
        ({"cloudfront_signer": object(), "custom_domain": "cdn.example.com"}, True),
        ({"querystring_auth": False}, False),
        ({"anonymous": True}, False),
        ({"provider": "minio", "endpoint_url": "http://minio:9000"}, False),
        ({"public_endpoint_url": None}, False),
        ({"public_endpoint_url": "https://abc.eu.r2.cloudflarestorage.com"}, False),
        ({"public_endpoint_url": "https://r2.cloudflarestorage.com.example"}, True),
        ({"public_endpoint_url": "http://[::1:9000"}, False),
    ],
)
def test_a_public_endpoint_without_signatures_is_reported(others: dict[str, Any], warned: bool) -> None:
    """W006: links and uploads signed for a host that is none of R2's would all be refused."""
    assert (("W006", "public_endpoint_url") in broken(**{**UNSIGNED_PUBLIC, **others})) is warned


def test_an_endpoint_that_is_no_url_is_one_problem() -> None:
    """The rule about providers leaves it to the one about URLs."""
    assert broken(provider="r2", endpoint_url="http://[::1:9000") == [("E006", "endpoint_url")]


EDGES: dict[str, tuple[dict[str, Any], bool]] = {
    "expiry-1": ({"querystring_expire": 1}, True),
    "expiry-0": ({"querystring_expire": 0}, False),
    "expiry-7-days": ({"querystring_expire": 604_800}, True),
    "expiry-7-days-and-1": ({"querystring_expire": 604_801}, False),
    "expiry-timedelta": ({"querystring_expire": timedelta(days=7)}, True),
    "bucket-255": (
        {"bucket_name": "b" * 255, "addressing_style": "path", "endpoint_url": "https://s3.example.com"},
        True,
    ),
    "bucket-256": (
        {"bucket_name": "b" * 256, "addressing_style": "path", "endpoint_url": "https://s3.example.com"},
        False,
    ),
    "window-0": ({"url_window": 0}, True),
    "window-half": ({"url_window": 0.5}, True),
    "window-more": ({"url_window": 0.5001}, False),
    "window-less": ({"url_window": -0.1}, False),
    **{
        f"{name}-{value}": ({name: value}, value > 0)
        for name in ("connect_timeout", "read_timeout")
        for value in (0, 0.001, 1)
    },
    **{
        f"{name}-{value}": ({name: value}, value > 0)
        for name in ("max_attempts", "max_pool_connections")
        for value in (0, 1)
    },
    **{
        f"{name}-{value}": ({name: value}, value >= 0)
        for name in ("max_memory_size", "max_inflated_size")
        for value in (-1, 0, 1)
    },
}


@pytest.mark.parametrize(("options", "possible"), EDGES.values(), ids=EDGES)
def test_the_edges_of_numbers(options: dict[str, Any], possible: bool) -> None:
    """The first impossible value is refused, and the last possible one is not."""
    first = next(iter(options))
    assert [option for _, option in broken(**options)] == ([] if possible else [first])


def test_each_pattern_of_headers_is_checked() -> None:
    """Also those after a pattern whose value is not a dict."""
    headers: dict[str, Any] = {"*.a": 5, "*.b": {"Unknown": "x"}, "*.c": {"ACL": "nobody"}}
    assert broken(headers=headers) == [("E008", "headers")] * 3


@pytest.mark.parametrize("name", [name for name in signature(TransferConfig).parameters if name != "self"])
def test_each_argument_of_a_transfer_config_can_be_given(name: str) -> None:
    """boto3 says which there are."""
    assert broken(transfer_config={name: 1}) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"access_key": "AK"}, ["access_key"]),
        ({"secret_key": "SK"}, ["secret_key"]),
        ({"security_token": "T"}, ["security_token"]),
        ({"access_key": "AK", "security_token": "T"}, ["access_key"]),
        ({"secret_key": "SK", "security_token": "T"}, ["secret_key"]),
        ({"access_key": "AK", "secret_key": "SK", "security_token": "T"}, []),
        ({"cloudfront_key_id": "K"}, ["cloudfront_key_id"]),
        ({"cloudfront_key": "PEM"}, ["cloudfront_key"]),
        ({"cloudfront_key_id": "K", "cloudfront_key": {}}, ["cloudfront_key_id"]),
        ({"cloudfront_key_id": "K", "cloudfront_key": {"K": ""}}, ["cloudfront_key_id"]),
        ({"cloudfront_key_id": "K", "cloudfront_key": {"K": "PEM"}}, []),
        ({"cloudfront_key_id": "K", "cloudfront_key": "PEM"}, []),
        ({"session_profile": "p"}, []),
        ({"session_profile": "p", "anonymous": True}, ["session_profile"]),
        ({"access_key": "AK", "secret_key": "SK", "anonymous": True}, ["access_key"]),
        ({"anonymous": True}, []),
    ],
    ids=str,
)
def test_credentials_are_given_whole_and_once(options: dict[str, Any], named: list[str]) -> None:
    """One problem for each mistake, at the option that is there."""
    assert [option for _, option in broken(**options)] == named


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, True),
        ({"endpoint_url": "https://s3.eu-central-1.amazonaws.com"}, True),
        ({"endpoint_url": "https://s3.example.com"}, False),
        ({"querystring_auth": False}, False),
        ({"cloudfront_signer": "signer"}, False),
        ({"cloudfront_key_id": "K", "cloudfront_key": "PEM"}, False),
        ({"custom_domain": "bucket.s3.eu-central-1.amazonaws.com"}, False),
        ({"custom_domain": None}, False),
    ],
    ids=str,
)
def test_a_domain_in_front_of_aws_needs_a_signer_of_its_own(options: dict[str, Any], warned: bool) -> None:
    """A warning for signed URLs that CloudFront could not check, and only for those."""
    found = broken(**{"custom_domain": "cdn.example.com", **options})
    assert found == ([("W002", "custom_domain")] if warned else [])


def test_options_that_are_not_complete_are_checked_as_far_as_they_are() -> None:
    """Rules about several options wait for all of them; other rules after those are asked on construction."""
    assert S3Storage(cloudfront_key_id="K", provider="r2")
    with pytest.raises(ImproperlyConfigured, match="E005"):
        S3Storage(cloudfront_key_id="K", location="/x")
    with pytest.raises(ImproperlyConfigured, match="E015"):
        S3Storage(cloudfront_key_id="K", provider="r2", transfer_config={"nothing": 1})
    with pytest.raises(ImproperlyConfigured, match="E016"):
        S3Storage(cloudfront_key_id="K", provider="nobody")


@pytest.mark.parametrize(
    ("url", "possible"),
    [
        ("https://my-bucket.s3.example.com", False),
        ("https://s3.example.com/my-bucket", False),
        ("https://s3.example.com/my-bucket/", False),
        ("https://my-bucket-2.s3.example.com", True),
        ("https://s3.my-bucket.example.com", True),
        ("https://s3.example.com/my-buckets", True),
    ],
)
@pytest.mark.parametrize("name", ["endpoint_url", "public_endpoint_url"])
def test_an_endpoint_does_not_hold_the_bucket(name: str, url: str, possible: bool) -> None:
    """Neither as the first part of the host nor in the path."""
    assert (("E006", name) in broken(bucket_name="my-bucket", **{name: url})) is not possible
