"""URLs in Django's templates: a page of a thousand of them stays the same for a while, and costs no request."""

import html
import re

import pytest
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.template import Context, Engine

from s3store.storage import S3Storage
from s3store.wire import client
from s3store.wire.recent import Recent
from tests.clock import standing_at
from tests.optional import needs

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}
NAMES = [f"2026/{number % 12 + 1:02}/Foto {number:04} (groß).jpg" for number in range(1000)]
WINDOW = 1800
"""Seconds: a half of the hour for which URLs live by default."""
START = 1_000_000 * WINDOW


@pytest.fixture
def clients(monkeypatch):
    """The clients that are made from now on."""
    made = Recent(client.MAX_CLIENTS)
    monkeypatch.setattr(client, "_clients", made)
    return made


@pytest.fixture(scope="module")
def key():
    """A private key for CloudFront."""
    rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")
    pem = needs("cryptography.hazmat.primitives.serialization")
    made = rsa.generate_private_key(65537, 2048)
    return made.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()).decode()


@pytest.fixture(
    params=[
        {},
        {"security_token": "a/token+of=AWS"},
        {"endpoint_url": "http://minio:9000", "public_endpoint_url": "https://files.example.com"},
        {"custom_domain": "cdn.example.com", "cloudfront_key_id": "K1"},
    ],
    ids=["AWS", "session token", "public endpoint", "CloudFront"],
)
def storage(request):
    by_cloudfront = {"cloudfront_key": request.getfixturevalue("key")} if "cloudfront_key_id" in request.param else {}
    return S3Storage(**KEYS, **request.param, **by_cloudfront)


def render(storage, now):
    """Return the HTML of a page with the images of a file field in `storage`, as it is at a moment."""
    field = FileField(storage=storage)
    template = Engine().from_string('{% for file in files %}<img src="{{ file.url }}">\n{% endfor %}')
    with standing_at(now):
        return template.render(Context({"files": [FieldFile(None, field, name) for name in NAMES]}))


def test_a_page_stays_the_same_within_a_window(storage, clients):
    """From its first second to its last, so that browsers need not load the images again; no client is made for it."""
    first = render(storage, START)
    assert render(storage, START + WINDOW - 0.5) == first
    assert len(set(first.splitlines())) == len(NAMES)
    assert len(clients) == 0


def test_every_url_of_a_page_changes_with_the_window(storage, clients):
    """In the next one, all have a new signature; that costs no request either."""
    first = render(storage, START).splitlines()
    assert set(first).isdisjoint(render(storage, START + WINDOW).splitlines())
    assert len(clients) == 0


def test_a_template_escapes_urls_and_browsers_read_them_as_they_were(storage):
    """The `&` between the parameters of a signature is an entity in the HTML, and the URL as before out of it."""
    sources = re.findall(r'<img src="([^"]*)">', render(storage, START))
    assert all("&amp;" in source for source in sources)
    with standing_at(START):
        assert [html.unescape(source) for source in sources] == [storage.url(name) for name in NAMES]
