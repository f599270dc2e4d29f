"""Which configurations share a client, and how it is set up."""

from __future__ import annotations

import os
from typing import Any

import pytest

from s3store.conf.options import Options
from s3store.wire import sessions
from s3store.wire.client import get_client

KEYS: dict[str, Any] = {
    "bucket_name": "some-bucket",
    "access_key": "key",
    "secret_key": "secret",
    "region_name": "us-east-1",
}


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
