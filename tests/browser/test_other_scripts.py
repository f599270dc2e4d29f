"""Direct uploads with scripts of others, from npm: Uppy 5 and 6 with the code of the how-to, htmx and Turbo."""

import os
import uuid

import pytest
from django.conf import settings
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from s3store.core.parts import MIB
from s3store.testing.fixtures import options_for
from tests.app.models import Upload
from tests.browser import other_site
from tests.browser.npm import bundled, installed
from tests.browser.running import CHROMIUM, browser, noted, until, wait_for_views
from tests.docs.blocks import DOCS, blocks_of
from tests.optional import needs
from tests.uploads.site import configure

needs("playwright")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
    pytest.mark.xdist_group("npm"),  # one browser, and packages that are installed once
]

FIELD = Upload._meta.get_field("file")

COMMON, UPPY_5, UPPY_6, UPPY_6_ANY_SIZE = range(4)
UPPY = {
    5: ("@uppy/core@5.2.0", "@uppy/aws-s3@5.1.0", "@uppy/dashboard@5.1.1", "esbuild@0.25.12"),
    6: ("@uppy/core@6.3.1", "@uppy/aws-s3@6.3.1", "@uppy/dashboard@6.0.3", "esbuild@0.25.12"),
}
HTMX = "htmx.org@2.0.11"
TURBO = "@hotwired/turbo@8.0.23"


@pytest.fixture(scope="module")
def chromium():
    with pytest.MonkeyPatch.context() as patch:
        # Playwright has an event loop in this thread, and Django would take the tests for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with browser() as found:
            yield found


@pytest.fixture(scope="module")
def live_server(request):
    """The server of pytest-django with our pages."""
    request.getfixturevalue("django_db_setup")
    middleware = [f"{noted.__module__}.noted", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=other_site.__name__):
        server = LiveServer("localhost")
        yield server
        server.stop()


@pytest.fixture
def storage(seaweedfs, settings, live_server, monkeypatch):
    """The storage of the model, in a bucket of another origin whose CORS rule is that of the how-to."""
    found = configure(settings, {**options_for(seaweedfs), "location": uuid.uuid4().hex})
    rule = {
        "AllowedMethods": ["POST", "PUT"],
        "AllowedOrigins": [live_server.url],
        "ExposeHeaders": ["ETag", "Location"],
    }
    rule |= {"AllowedHeaders": ["content-type", "if-none-match"]}
    found.client.put_bucket_cors(Bucket=found.options.bucket_name, CORSConfiguration={"CORSRules": [rule]})
    monkeypatch.setattr(FIELD, "max_size", 100 * MIB)
    other_site.sizes.clear()
    return found


@pytest.fixture
def page(chromium, storage, live_server, django_user_model, db):
    """A page of a user who is logged in. The test fails if the page reports errors."""
    client = Client()
    client.force_login(django_user_model.objects.create_user("ann"))
    context = chromium.new_context()
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    found, wrong = context.new_page(), []
    found.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.set_default_timeout(60_000)
    yield found
    context.close()
    wait_for_views()
    # SeaweedFS exposes no Location of a form, which Uppy 5 reports and does not need.
    assert [text for text in wrong if "read the Location header" not in text] == []


def row_with(content):
    """Check that one row has the content, without a byte of it through Django, and nothing else is in the bucket."""
    row = Upload.objects.get()
    assert row.file.read() == content
    assert [stat.name for stat in FIELD.storage.scan()] == [row.file.name]
    assert other_site.sizes[-1] < 3000


@pytest.mark.parametrize(
    ("version", "blocks", "size"),
    [
        (5, [COMMON, UPPY_5], 1000),
        (5, [COMMON, UPPY_5], 70_000_000),
        (6, [COMMON, UPPY_6], 1000),
        (6, [COMMON, UPPY_6_ANY_SIZE], 1000),
        (6, [COMMON, UPPY_6_ANY_SIZE], 70_000_000),
    ],
    ids=["5 small", "5 parts", "6 small", "6 engine small", "6 engine parts"],
)
def test_uppy_uploads(page, live_server, monkeypatch, tmp_path, version, blocks, size):
    """With the code of the how-to, as it is there: the form gets a receipt."""
    page_of_docs = DOCS / "howto" / "uploads-uppy.rst"
    code = [block.text for block in blocks_of(page_of_docs) if "uppy" in block.classes]
    monkeypatch.setattr(other_site, "script", bundled(installed(*UPPY[version]), "\n".join(code[n] for n in blocks)))
    content = (os.urandom(MIB) * (size // MIB + 1))[:size]
    path = tmp_path / "film.bin"
    path.write_bytes(content)
    page.goto(f"{live_server.url}/uppy/")
    page.set_input_files(".uppy-Dashboard-input >> nth=0", path)
    page.locator(".uppy-StatusBar-actionBtn--upload").click()
    page.locator("form > input[name=file]").wait_for(state="attached")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Done").wait_for()
    row_with(content)


FILE = {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"content"}

# When both have answered, a widget that is ready has asked for its upload.
FENCE = """async () => {
  await import("/static/s3store/engine.js");
  await fetch("/done/");
}"""


@pytest.fixture
def begun(page, live_server, monkeypatch):
    """A page with a form that htmx can insert: the list of the uploads that the page begins."""
    script = (installed(HTMX) / "node_modules/htmx.org/dist/htmx.min.js").read_text(encoding="utf-8")
    monkeypatch.setattr(other_site, "script", script)
    found = []
    page.on("request", lambda request: request.url.endswith("/begin/") and found.append(request))
    page.goto(f"{live_server.url}/htmx/")
    return found


def test_a_form_that_htmx_sends_before_the_script_runs_is_not_uploaded_too(page, begun):
    """Its file is on the way through Django: a direct upload would stay in the bucket, because no form names it."""
    scripts, posts = [], []
    page.route("**/widget.js", lambda route: scripts.append(route))
    page.route("**/save/", lambda route: posts.append(route))
    page.get_by_text("Add").click()
    page.fill("#id_title", "a")
    page.set_input_files("#id_file", FILE)
    page.get_by_role("button", name="Save", exact=True).click()
    until(page, lambda: scripts and posts)
    scripts[0].continue_()
    page.locator(".s3store-ready").first.wait_for()
    page.evaluate(FENCE)
    posts[0].continue_()
    page.get_by_text("Done").wait_for()
    row_with(FILE["buffer"])
    assert begun == []


def test_a_form_that_is_removed_while_the_script_loads_uploads_nothing(page, begun, storage):
    """As one whose upload runs: no form is left that could name the upload."""
    engines, removed = [], []
    page.route("**/engine.js", lambda route: route.continue_() if removed else engines.append(route))
    page.get_by_text("Add").click()
    page.locator(".s3store-ready").first.wait_for()
    page.set_input_files("#id_file", FILE)
    page.locator(".s3store-file").wait_for()
    until(page, lambda: engines)
    page.evaluate("() => document.querySelector('#place').replaceChildren()")
    removed.append(True)
    for route in engines:
        route.continue_()
    page.evaluate(FENCE)
    assert begun == []
    assert list(storage.scan()) == []


@pytest.mark.parametrize("name", ["htmx", "turbo", "link"])
def test_forms_that_others_insert_upload(page, live_server, monkeypatch, name):
    """htmx swaps the form in, Turbo loads it into a frame or as the next page: no code, and it waits if sent early."""
    turbo = (TURBO, "@hotwired/turbo/dist/turbo.es2017-umd.js")
    package, file = (HTMX, "htmx.org/dist/htmx.min.js") if name == "htmx" else turbo
    script = (installed(package) / "node_modules" / file).read_text(encoding="utf-8")
    monkeypatch.setattr(other_site, "script", script)
    page.goto(f"{live_server.url}/{name}/")
    page.get_by_text("Add").click()
    page.fill("#id_title", "a")
    content = os.urandom(1000)
    page.set_input_files("#id_file", {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": content})
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Done").wait_for()
    row_with(content)
