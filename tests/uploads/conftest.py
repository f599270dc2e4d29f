"""Fixtures: a logged-in client, and destinations in a storage on each of the servers."""

import pytest
from django.contrib.auth.models import User

from s3store.storage import S3Storage
from s3store.uploads import Destination, destinations, register


@pytest.fixture
def user(db):
    return User.objects.create_user("ann")


@pytest.fixture
def client(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def files(s3_storage):
    """A destination without limits of its own, registered as "files"."""
    yield register("files", Destination(storage=s3_storage, max_size=64 << 20))
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
def strict(declare, seaweedfs_options):
    """A destination on the server that checks policies and signatures."""
    return declare("strict", storage=S3Storage(**seaweedfs_options), max_size=64 << 20)
