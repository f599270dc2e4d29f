"""Fixtures: a logged-in client, and destinations in a storage on each of the servers."""

import pytest
from django.contrib.auth.models import User

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
