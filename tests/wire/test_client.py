"""Clients and their attempts: which configurations share a client, and how often and how long a call is tried."""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import HTTPClientError

from s3store.conf.options import Options
from s3store.storage import S3Storage
from s3store.wire import sessions
from s3store.wire.client import Effort, counted_attempts, get_client, patient

KEYS: dict[str, Any] = {
    "bucket_name": "some-bucket",
    "access_key": "key",
    "secret_key": "secret",
    "region_name": "us-east-1",
}


@pytest.mark.parametrize(("seconds", "exhausted"), [(0, False), (25, False), (25.1, True)])
def test_attempts_start_within_a_limit_of_time(seconds: float, exhausted: bool) -> None:
    """It begins with the call."""
    now = [1000.0]
    effort = Effort(total=25, clock=lambda: now[0])
    now[0] += seconds
    assert effort.exhausted() is exhausted


def test_commands_have_a_longer_limit_of_time() -> None:
    """Nobody waits for a page meanwhile. A higher option stays."""
    now = [1000.0]
    with patient():
        short, long = (Effort(total=total, clock=lambda: now[0]) for total in (25, 900))
    now[0] += 301
    assert (short.exhausted(), long.exhausted()) == (True, False)
    now[0] -= 2
    assert not short.exhausted()


def test_a_call_may_have_four_requests_beyond_its_attempts() -> None:
    """botocore needs them to find a bucket in another region."""
    with counted_attempts(3, 25) as effort:
        assert (effort.attempts, effort.limit) == (0, 7)


def test_the_attempts_of_a_call_do_not_count_for_the_next_one(seaweedfs_options: dict[str, Any]) -> None:
    """The client of a storage can be used directly, for any number of requests, after a call of the storage."""
    storage = S3Storage(**seaweedfs_options, max_attempts=1)
    storage.exists("a.txt")
    with counted_attempts(1, 25) as effort:
        assert not storage.exists("a.txt")
    for _ in range(8):
        storage.client.list_objects_v2(Bucket=storage.bucket_name, Prefix=storage.location)
    assert effort.attempts == 0


def test_a_server_that_redirects_without_end_is_asked_a_bounded_number_of_times(
    seaweedfs_options: dict[str, Any],
) -> None:
    """The limit of a call ends its requests, whoever sends them."""
    storage = S3Storage(**seaweedfs_options)
    client: Any = storage.client
    where = {"Bucket": storage.bucket_name, "Prefix": storage.location}
    with counted_attempts(1, 25) as effort:
        for _ in range(5):
            client.list_objects_v2(**where)
        with pytest.raises(HTTPClientError, match="redirects again and again"):
            client.list_objects_v2(**where)
    assert effort.attempts == 5


@pytest.mark.parametrize(
    ("options", "region", "style"),
    [
        ({"region_name": "eu-central-1"}, "eu-central-1", "virtual"),
        ({"region_name": "eu-central-1", "addressing_style": "auto"}, "eu-central-1", "virtual"),
        ({"region_name": "eu-central-1", "addressing_style": "path"}, "eu-central-1", "path"),
        ({"region_name": None, "endpoint_url": "https://s3.example.com"}, "us-east-1", None),
        ({"endpoint_url": "https://s3.example.com", "addressing_style": "auto"}, "us-east-1", "auto"),
        ({"endpoint_url": "https://s3.example.com", "addressing_style": "virtual"}, "us-east-1", "virtual"),
        ({"region_name": None}, "aws-global", "virtual"),
    ],
    ids=["aws", "aws-auto", "aws-path", "other-without-region", "other-auto", "other-virtual", "aws-without-region"],
)
def test_region_and_addressing_style_of_a_client(options: dict[str, Any], region: str, style: str | None) -> None:
    """AWS gets the host of the bucket in its region; other servers get what the options say, and some region."""
    found = get_client(Options(**{**KEYS, **options})).meta
    assert found.region_name == region
    config: Any = found.config
    assert config.s3["addressing_style"] == style
    assert config.s3["us_east_1_regional_endpoint"] == "regional"


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ({"connect_timeout": 2.5}, {"connect_timeout": float("2.5")}, {"connect_timeout": 2.6}),
        ({"max_pool_connections": 3000}, {"max_pool_connections": int("3000")}, {"max_pool_connections": 3001}),
        ({"endpoint_url": "https://a.example"}, {"endpoint_url": "".join(["https://", "a.example"])}, {}),
        ({"proxies": {"http": "http://a"}}, {"proxies": {"http": "".join(["http:", "//a"])}}, {"proxies": None}),
        ({"use_ssl": False}, {"use_ssl": bool(0)}, {"use_ssl": True}),
        ({"bucket_name": "one-bucket"}, {"bucket_name": "another-bucket"}, {"anonymous": True, "access_key": None}),
    ],
    ids=["float", "int", "text", "mapping", "bool", "bucket"],
)
def test_equal_configurations_share_a_client(one: dict[str, Any], same: dict[str, Any], other: dict[str, Any]) -> None:
    """Equal values are enough: each new object would mean new connections."""
    found = get_client(Options(**{**KEYS, **one}))
    assert get_client(Options(**{**KEYS, **same})) is found
    assert get_client(Options(**{**KEYS, **other})) is not found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of forks beside threads
def test_a_forked_child_starts_with_its_own_client_and_session() -> None:
    """It must not share TLS connections with its parent."""
    options = Options(**KEYS)
    client = get_client(options)
    with sessions.lend(options) as session:
        pass
    child = os.fork()
    if not child:  # pragma: no cover
        with sessions.lend(options) as own:
            os._exit((get_client(options) is client) + 2 * (own is session))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert get_client(options) is client
