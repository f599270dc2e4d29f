"""How often and how long a call is tried."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import HTTPClientError

from s3store.storage import S3Storage
from s3store.wire.effort import Effort, counted_attempts, patient


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
