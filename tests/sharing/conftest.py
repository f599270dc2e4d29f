"""Fixtures: a company's files in the development twin, its members, and visitors with links."""

from __future__ import annotations

import os
import re
import urllib.request
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import now

from s3store.folders import signals as folder_signals
from s3store.local import FakeS3Storage
from s3store.sharing import create, wiring
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from tests.buckets import server_in_place_of
from tests.sharing.site import Place, Policy, root_folder

FILES = {
    "offer.pdf": b"%PDF-1.4 offer",
    "docs/plan.txt": b"the plan",
    "docs/roof.jpg": b"\xff\xd8\xff roof",
    "docs/film.webm": b"film" * 100,
    "docs/sub/deep.txt": b"deep",
    "docs/secret/salaries.txt": b"salaries",
    "docs-2/other.txt": b"a neighbour",
    "docs.txt": b"a neighbour's text",
    "Docs/upper.txt": b"upper case",
    "private.txt": b"nobody's business",
}
SECRETS = [content for name, content in FILES.items() if not name.startswith("docs/") and name != "offer.pdf"]


@pytest.fixture(scope="session")
def seaweedfs(request):
    """SeaweedFS, or in its place the server in the environment."""
    yield from server_in_place_of(request)


@pytest.fixture(autouse=True)
def following():
    """Shares follow their files, as the app connects it."""
    wiring.connect()
    yield
    for name in ("moved", "deleted", "restored"):
        getattr(folder_signals, name).disconnect(dispatch_uid=f"s3store_sharing.{name}")


@pytest.fixture
def storage(request, tmp_path, settings):
    """A storage for both companies: in the development twin, or on the server in the environment."""
    if "S3STORE_TEST_ENDPOINT_URL" in os.environ:
        found = S3Storage(**options_for(request.getfixturevalue("seaweedfs")), location=uuid.uuid4().hex)
    else:
        found = FakeS3Storage(directory=str(tmp_path / "bucket"), allow_without_debug=True)
    Place.storage = found
    Policy.asked = []
    yield found
    Place.storage, Place.closed, Place.managers, Place.roles, Place.verified = None, False, frozenset(), {}, set()


@pytest.fixture
def folder(storage):
    """The folder of the company, with files."""
    for name, content in FILES.items():
        storage.save(f"north/{name}", ContentFile(content))
    storage.save("south/north.txt", ContentFile(b"of another company"))
    return root_folder()


def person(name, role, *, verified=False):
    """Create a user with a role in the company."""
    Place.roles[name] = role
    if verified:
        Place.verified.add(name)
    return User.objects.create_user(name, f"{name}@nordlicht-solar.example", first_name=name.title(), last_name="Vogt")


@pytest.fixture
def moto_folder(moto):
    """The same files on a server, whose requests can be counted."""
    options = {**options_for(moto), "location": uuid.uuid4().hex}
    Place.storage = S3Storage(**options)
    for name in ("docs/plan.txt", "docs/sub/deep.txt", "offer.pdf"):
        Place.storage.save(f"north/{name}", ContentFile(FILES[name]))
    return root_folder()


@pytest.fixture
def lena(db):
    """The member who shares."""
    return person("lena", "editor")


@pytest.fixture
def share(folder, lena):
    """A function that shares a path, and returns the share and its link."""

    def shared(path="docs", within=None, **facts):
        given = {"email": "priya@printworks.example", "expires_at": now() + timedelta(days=14), **facts}
        given.setdefault("created_by", lena)
        return create(within or folder, path, **given)

    return shared


class Visitor(Client):
    """A browser that opens links."""

    def open(self, link, **headers):
        """Open a link and follow the redirect to the page."""
        return self.get(path_of(link), follow=True, **headers)


def path_of(link):
    """Return the path of a link in a mail."""
    return re.sub(r"^https://portal\.example", "", link)


@pytest.fixture
def guest():
    """A visitor without an account, whose forms need their CSRF tokens only where a test says so."""
    return Visitor()


def at(share, route="", path=""):
    """Return the URL of a route of a share."""
    return f"/shared/{share.pk}/{route}{path}"


def body_of(response):
    """Return all bytes of a response."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    # Not response.close(): it ends the request, and Django closes the connection to the database then.
    for close in response._resource_closers:
        close()
    return content


def fetched(visitor, url):
    """Return the response behind the URL of a redirect: the visitor asks the twin, and a server by HTTP."""
    if not url.startswith("http"):
        return visitor.get(url)
    with urllib.request.urlopen(url) as answer:
        return HttpResponse(answer.read(), headers=dict(answer.headers))


class Moment:
    """The time of the counters, which a test can move."""

    def __init__(self):
        self.now = 1_800_000_000

    def time(self):
        """Return the seconds since 1970."""
        return self.now


@pytest.fixture
def moment(monkeypatch):
    """A clock for the limits that stands still."""
    clock = Moment()
    monkeypatch.setattr("s3store.sharing.models.attempt.time", clock)
    return clock
