"""Direct uploads in a real browser, to a bucket of another origin that checks signatures and policies."""

import os
import uuid

import pytest
from django.test import Client

from s3store.testing.fixtures import options_for
from tests.app.models import Upload
from tests.browser import upload_site
from tests.browser.running import CHROMIUM, browser
from tests.faults.proxy import FaultProxy
from tests.optional import needs

needs("playwright")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
]

MIB = 1 << 20


@pytest.fixture(scope="module")
def chromium():
    with pytest.MonkeyPatch.context() as patch:
        # Playwright has an event loop in this thread, and Django would take the tests for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with browser() as found:
            yield found


@pytest.fixture
def proxy(seaweedfs, settings, live_server):
    """A proxy before the bucket, and the settings of a project whose files are there."""
    settings.ROOT_URLCONF = upload_site.__name__
    with FaultProxy(seaweedfs.endpoint_url) as found:
        options = options_for(seaweedfs)
        settings.AWS_STORAGE_BUCKET_NAME = options["bucket_name"]
        settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = options["access_key"], options["secret_key"]
        settings.AWS_S3_REGION_NAME = options["region_name"]
        settings.AWS_S3_ENDPOINT_URL = found.url
        settings.MEDIAFILES_LOCATION = uuid.uuid4().hex
        rule = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": [live_server.url]}
        rule |= {"AllowedHeaders": ["content-type", "if-none-match"], "MaxAgeSeconds": 7200}
        storage().client.put_bucket_cors(Bucket=options["bucket_name"], CORSConfiguration={"CORSRules": [rule]})
        upload_site.posted.clear()
        yield found


def storage():
    return Upload._meta.get_field("file").storage


@pytest.fixture
def page(chromium, proxy, live_server, django_user_model):
    """A page of a user who is logged in; the console and the policy have nothing to say."""
    user = django_user_model.objects.create_superuser("ann")
    client = Client()
    client.force_login(user)
    context = chromium.new_context(locale="en-US")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    found = context.new_page()
    found.errors = []
    found.on("console", lambda message: message.type == "error" and found.errors.append(message.text))
    found.on("pageerror", lambda error: found.errors.append(str(error)))
    found.goto(live_server.url)
    yield found
    context.close()


def choose(page, name, content, kind="application/octet-stream", field="id_file"):
    page.set_input_files(f"#{field}", {"name": name, "mimeType": kind, "buffer": content})


def saved(page):
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/done/")


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_small_file(page, proxy, size):
    """Two requests to Django and one to the bucket; the bytes never pass through Django."""
    choose(page, "note.txt", b"x" * size, "text/plain")
    page.get_by_text("Uploaded", exact=True).wait_for()
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"x" * size
    [(_, files, length)] = upload_site.posted
    assert not files
    assert int(length) < 8192
    assert page.errors == []


def test_a_large_file(page, proxy, tmp_path):
    """Parts go in parallel, and the form waits until they are there."""
    content = os.urandom(MIB) * 40
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    page.fill("#id_title", "a")
    page.set_input_files("#id_file", path)
    saved(page)
    assert Upload.objects.get().file.read() == content
    assert page.errors == []
