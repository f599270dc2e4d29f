"""Fixtures for the tests of folders."""

import uuid

import pytest

from s3store.folders import Folder
from s3store.local import FakeS3Storage
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from tests.buckets import server_in_place_of


@pytest.fixture(scope="session")
def seaweedfs(request):
    """SeaweedFS, or in its place the server in the environment."""
    yield from server_in_place_of(request)


@pytest.fixture(autouse=True)
def shares(db):
    """The app of shares follows what folders announce, in the database."""


@pytest.fixture(params=["moto", "seaweedfs", "twin"])
def storage(request, tmp_path):
    """An empty storage: on both servers, and on the twin."""
    if request.param == "twin":
        return FakeS3Storage(tmp_path, allow_without_debug=True, location=uuid.uuid4().hex)
    server = request.getfixturevalue(request.param)
    return S3Storage(**options_for(server), location=uuid.uuid4().hex)


@pytest.fixture
def folder(storage):
    """An empty folder on each of the three."""
    return Folder(storage, "acme")


@pytest.fixture
def twin(tmp_path):
    """An empty storage of the twin."""
    return FakeS3Storage(tmp_path / "twin", allow_without_debug=True)


@pytest.fixture
def local(twin):
    """An empty folder on the twin."""
    return Folder(twin, "acme")
