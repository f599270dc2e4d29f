"""Fixtures: a logged-in client, and destinations in a storage on each of the servers.

What only a server can refuse is tested on SeaweedFS, or on the server in the environment: CONTRIBUTING.rst.
"""

import os
import uuid
import weakref

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import FileField

from s3store.local import FakeS3Storage
from s3store.local import storage as local
from s3store.storage import S3Storage
from s3store.testing.fixtures import BUCKET, options_for
from s3store.testing.servers import Server
from s3store.uploads import Destination, destinations, register
from tests.uploads.site import configure

ON_EACH = pytest.mark.parametrize("model_storage", ["moto", "seaweedfs", "twin"], indirect=True)

ON_A_SERVER = pytest.mark.parametrize("model_storage", ["seaweedfs"], indirect=True)
"""For tests that count requests, and for what only a server does. The twin sends no requests."""


@pytest.fixture(scope="session")
def seaweedfs(request):
    """SeaweedFS, or in its place the server in the environment."""
    if "S3STORE_TEST_ENDPOINT_URL" not in os.environ:
        yield request.getfixturevalue("seaweedfs")
        return
    server = Server(
        name="another server",
        endpoint_url=os.environ["S3STORE_TEST_ENDPOINT_URL"],
        access_key=os.environ["S3STORE_TEST_ACCESS_KEY"],
        secret_key=os.environ["S3STORE_TEST_SECRET_KEY"],
        region_name=os.environ.get("S3STORE_TEST_REGION", "us-east-1"),
    )
    storage = S3Storage(**options_for(server))
    storage.client.create_bucket(Bucket=BUCKET)
    yield server
    storage.delete_tree("", force=True)
    storage.client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def is_seaweedfs(seaweedfs):
    """Whether the server is SeaweedFS: it refuses some requests that others take, and takes some that they refuse."""
    return seaweedfs.name == "seaweedfs"


@pytest.fixture
def user(db):
    return User.objects.create_user("ann")


@pytest.fixture
def client(client, user):
    client.force_login(user)
    return client


@pytest.fixture(params=["moto", "seaweedfs", "twin"])
def files(request):
    """A destination without limits of its own, registered as "files", on each of the servers and on the twin."""
    if request.param == "twin":
        storage = request.getfixturevalue("twin")
    else:
        options = options_for(request.getfixturevalue(request.param))
        storage = S3Storage(**options, location=uuid.uuid4().hex)
    yield register("files", Destination(storage=storage, max_size=64 << 20))
    del destinations._declared["files"]


@pytest.fixture
def declare():
    """A function that registers a destination for the length of the test."""
    labels = []

    def declared(label, **facts):
        labels.append(label)
        return register(label, Destination(**facts))

    yield declared
    for label in labels:
        destinations._declared.pop(label, None)


@pytest.fixture
def far_away():
    """A storage at AWS, for tests that send nothing there."""
    return S3Storage(bucket_name="some-bucket", access_key="key", secret_key="secret", region_name="eu-central-1")


@pytest.fixture
def twin(tmp_path, monkeypatch):
    """An empty development twin, the only one of the process."""
    monkeypatch.setattr(local, "_living", weakref.WeakValueDictionary())
    return FakeS3Storage(tmp_path / "twin", allow_without_debug=True)


@pytest.fixture(params=["seaweedfs", "twin"])
def model_storage(request, settings, monkeypatch):
    """The storage of the models: on a server, configured by settings as a project does it, and as the twin."""
    if request.param != "twin":
        options = options_for(request.getfixturevalue(request.param))
        return configure(settings, {**options, "location": uuid.uuid4().hex})
    twin = request.getfixturevalue("twin")
    for model in apps.get_app_config("app").get_models():
        for field in model._meta.local_fields:
            if isinstance(field, FileField):
                monkeypatch.setattr(field, "storage", twin)
    return twin


@pytest.fixture
def strict(declare, seaweedfs_options):
    """A destination on the server that checks policies and signatures."""
    return declare("strict", storage=S3Storage(**seaweedfs_options), max_size=64 << 20)
