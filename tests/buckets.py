"""Buckets of their own for tests that change the settings of a bucket, on each server that is there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from s3store.storage import S3Storage
from s3store.testing.fixtures import BUCKET, options_for
from s3store.testing.servers import Server

EACH_SERVER = pytest.mark.parametrize("fresh", ["moto", "seaweedfs", "environment"], indirect=True)
"""On moto, on SeaweedFS, and on the server in the environment, which CONTRIBUTING.rst describes."""

ENVIRONMENT = pytest.mark.parametrize("fresh", ["environment"], indirect=True)
"""For what only a server does that enforces policies and ACLs, such as Ceph RGW."""


def server_named(name: str, request: pytest.FixtureRequest) -> Server:
    """Return a server, or skip the test if it is not there."""
    if name != "environment":
        server: Server = request.getfixturevalue(name)
        return server
    if "S3STORE_TEST_ENDPOINT_URL" not in os.environ:
        pytest.skip("S3STORE_TEST_ENDPOINT_URL names no server")
    return Server(
        name="environment",
        endpoint_url=os.environ["S3STORE_TEST_ENDPOINT_URL"],
        access_key=os.environ["S3STORE_TEST_ACCESS_KEY"],
        secret_key=os.environ["S3STORE_TEST_SECRET_KEY"],
        region_name=os.environ.get("S3STORE_TEST_REGION", "us-east-1"),
    )


def server_in_place_of(request: pytest.FixtureRequest, name: str = "seaweedfs") -> Iterator[Server]:
    """Yield the server of a fixture, or in its place the server in the environment, with the bucket of the tests."""
    if "S3STORE_TEST_ENDPOINT_URL" not in os.environ:
        yield request.getfixturevalue(name)
        return
    server = server_named("environment", request)
    storage = S3Storage(**options_for(server))
    storage.client.create_bucket(Bucket=BUCKET)
    yield server
    for stat in storage.objects.bucket.versions("", {}):
        storage.client.delete_object(Bucket=BUCKET, Key=stat.key, VersionId=stat.version_id)
    storage.client.delete_bucket(Bucket=BUCKET)


@contextmanager
def fresh_options(server: Server, *, create: bool = True) -> Iterator[dict[str, Any]]:
    """Yield the options of a storage for a new bucket, or the name of one that does not exist, and delete it."""
    options = options_for(server, f"setup-{uuid.uuid4().hex[:12]}")
    storage = S3Storage(**options)
    if create:
        storage.client.create_bucket(Bucket=options["bucket_name"])
    yield options
    if options["bucket_name"] in names_of_buckets(storage):
        delete_bucket(storage)


def names_of_buckets(storage: S3Storage) -> set[str]:
    """Return the names of all buckets on the server of a storage."""
    return {bucket["Name"] for bucket in storage.client.list_buckets()["Buckets"]}


def delete_bucket(storage: S3Storage) -> None:
    """Delete the bucket of a storage, with all versions that are in it."""
    name = storage.bucket_name
    if storage.objects.bucket.settings.read("policy").state == "set":
        storage.client.delete_bucket_policy(Bucket=name)
    for version in storage.objects.bucket.versions("", {}):
        storage.client.delete_object(Bucket=name, Key=version.key, VersionId=version.version_id)
    storage.client.delete_bucket(Bucket=name)


@pytest.fixture(params=["moto", "seaweedfs"])
def fresh(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The options of a storage with a bucket of its own, on each server, or on those that a test names."""
    with fresh_options(server_named(request.param, request)) as options:
        yield options
