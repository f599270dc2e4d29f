"""Requests are counted inside the block, and only there."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from s3store.storage import S3Storage
from s3store.wire.counting import Request, Requests, noting


def test_requests_are_counted_inside_the_block(seaweedfs_options: dict[str, Any]) -> None:
    """In the order of sending, with method, path and query."""
    storage = S3Storage(**seaweedfs_options)
    storage.exists("before")
    with noting(storage.client, Requests()) as sent:
        storage.save("a.txt", b"x")
        storage.exists("a.txt")
        list(storage.scan())
    storage.exists("after")
    path = f"/{storage.bucket_name}/{storage.location}/a.txt"
    assert sent.methods == ["PUT", "HEAD", "GET"]
    assert [request.path for request in sent] == [path, path, f"/{storage.bucket_name}"]
    assert "list-type=2" in sent[2].query


def test_a_block_that_fails_stops_counting(seaweedfs_options: dict[str, Any]) -> None:
    """The next request is not counted."""
    storage = S3Storage(**seaweedfs_options)
    with pytest.raises(LookupError), noting(storage.client, Requests()) as sent:
        raise LookupError
    storage.exists("a.txt")
    assert sent == []


def test_a_request_that_was_counted_stays_as_it_is() -> None:
    """It cannot be changed."""
    request: Any = Request(method="GET", path="/", query="")
    with pytest.raises(FrozenInstanceError):
        request.method = "PUT"
