"""The requests to several buckets are counted once each."""

from __future__ import annotations

import pytest

from s3store.operations.command import counting
from s3store.storage import S3Storage


@pytest.mark.parametrize("timeout", [None, 7], ids=["one client", "two clients"])
def test_each_request_is_counted_once(s3_options, timeout):
    """Two storages with the same connection have one client, which sends the requests of both."""
    one = S3Storage(**s3_options)
    other = S3Storage(**{**s3_options, "location": "other", **({"read_timeout": timeout} if timeout else {})})
    assert (one.client is other.client) == (timeout is None)
    with counting(storage.objects.bucket for storage in (one, other, one)) as counted:
        one.listdir("")
        other.listdir("")
        other.listdir("")
    assert sum(map(len, counted)) == 3
    one.listdir("")
    assert sum(map(len, counted)) == 3
