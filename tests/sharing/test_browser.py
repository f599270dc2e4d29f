"""The pages of shares in a real browser, with a bucket of another origin and a strict policy."""

from __future__ import annotations

import io
import os
import time
import uuid
import wave

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from tests.browser import axe
from tests.browser.running import CHROMIUM, browser, noted, wait_for_views
from tests.optional import needs
from tests.sharing import browser_site
from tests.sharing.conftest import at, path_of
from tests.sharing.site import Place, root_folder

needs("playwright")
image = needs("PIL.Image")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
    pytest.mark.timeout(180),  # a browser that hangs; with all processors busy, the longest takes 27 s
]
PLAYS = """() => {
  const player = document.querySelector("audio");
  return player.readyState >= 2 && !player.seeking && player.currentTime >= 199;
}"""
SHOTS = os.environ.get("S3STORE_SHOTS")


@pytest.fixture(scope="module")
def chromium():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with browser() as found:
            yield found


@pytest.fixture(scope="module")
def live_server(request):
    """The server of pytest-django with our middleware, which it reads at its start."""
    request.getfixturevalue("django_db_setup")
    middleware = [f"{noted.__module__}.noted", f"{browser_site.__name__}.middleware", *django_settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=browser_site.__name__):
        server = LiveServer("localhost")
        yield server
        server.stop()


def picture():
    target = io.BytesIO()
    image.new("RGB", (320, 200), (11, 101, 92)).save(target, "PNG")
    return target.getvalue()


def sound(seconds):
    """Return a sound too long for a browser to load at once."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(44100 * 4 * seconds))
    return target.getvalue()


@pytest.fixture
def folder(seaweedfs, live_server):
    """The company's files on SeaweedFS."""
    found = S3Storage(**options_for(seaweedfs), location=uuid.uuid4().hex)
    rule = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": [live_server.url], "AllowedHeaders": ["*"]}
    found.client.put_bucket_cors(Bucket=found.options.bucket_name, CORSConfiguration={"CORSRules": [rule]})
    files = {
        "offer.pdf": b"%PDF-1.4",
        "docs/plan.txt": b"the plan",
        "docs/roof.png": picture(),
        "docs/sub/deep.txt": b"deep",
    }
    for name, content in files.items():
        found.save(f"north/{name}", ContentFile(content))
    Place.storage = found
    yield root_folder()
    wait_for_views()
    Place.storage, Place.roles, Place.verified = None, {}, set()


@pytest.fixture
def page(chromium, live_server):
    """A page that keeps what its console and its policy complain about."""
    context = chromium.new_context(locale="en-US", accept_downloads=True)
    found = context.new_page()
    found.errors = []
    found.on("console", lambda message: message.type == "error" and found.errors.append(message.text))
    found.on("pageerror", lambda error: found.errors.append(str(error)))
    found.set_default_timeout(30_000)
    yield found
    context.close()


def test_sh_12_and_sh_13_a_click_downloads_from_the_bucket(share, page, live_server):
    """The policy allows the redirect of the form, the CSRF check accepts it, and the bucket gets no referrer."""
    made, link = share("docs/plan.txt", max_downloads=2)
    sent = []
    page.on("request", lambda request: sent.append((request.url, request.headers.get("referer"))))
    page.goto(live_server.url + path_of(link))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "plan.txt"
    with open(download.value.path(), "rb") as file:
        assert file.read() == b"the plan"
    made.refresh_from_db()
    assert made.downloads == 1
    assert page.errors == []
    to_bucket = [referrer for url, referrer in sent if not url.startswith(live_server.url)]
    assert to_bucket
    assert set(to_bucket) == {None}


def test_pages_show_pictures_of_the_bucket(share, page, live_server):
    """Under the policy, with the stable URL in the page."""
    made, link = share()
    page.goto(live_server.url + path_of(link))
    page.get_by_role("link", name="roof.png").click()
    page.wait_for_function("() => document.querySelector('img.preview')?.naturalWidth === 320")
    assert page.locator("img.preview").get_attribute("src") == at(made, "view/", "roof.png")
    assert page.errors == []


def test_sh_19_a_player_goes_on_after_its_url_has_ended(share, page, live_server, folder, settings):
    """It loads the stable URL again, which checks the share once more, and restores the position."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "guest_seconds": 1}
    folder.storage.save("north/docs/long.wav", ContentFile(sound(240)))
    made, link = share("docs/long.wav")
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(live_server.url + path_of(link))
    page.wait_for_function("() => document.querySelector('audio').readyState > 0")
    time.sleep(2.2)
    stable = f"{live_server.url}{at(made, 'view/')}"
    before = urls.count(stable)
    page.evaluate("document.querySelector('audio').currentTime = 200")
    page.wait_for_function(PLAYS)
    assert urls.count(stable) > before


def test_sh_19_without_scripts_django_sends_the_film(share, chromium, live_server, folder):
    """The element in the page has the URL of the stream."""
    folder.storage.save("north/docs/short.wav", ContentFile(sound(1)))
    _, link = share("docs/short.wav")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + path_of(link))
    playing = page.locator("audio[src$='?stream']")
    playing.wait_for()
    assert page.locator("audio:visible").count() == 1
    context.close()


def test_sh_30_a_guest_uploads_directly(share, page, live_server, folder):
    """The widget sends the bytes to the bucket, and the form stores the file in the shared folder."""
    _, link = share(can_edit=True)
    page.goto(live_server.url + path_of(link))
    page.wait_for_selector(".s3store-ready")
    page.set_input_files("input[type=file]", {"name": "new.txt", "mimeType": "text/plain", "buffer": b"from a browser"})
    page.wait_for_selector("input[type=hidden][name=files]", state="attached")
    page.get_by_role("button", name="Add files", exact=True).click()
    page.get_by_text("“new.txt” was uploaded.").wait_for()
    assert folder.storage.read_bytes("north/docs/new.txt") == b"from a browser"
    assert page.errors == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_every_page_is_accessible(share, chromium, live_server, lena, width, scheme):
    """axe finds nothing, nothing is wider than the screen, and no policy is violated."""
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale="en-US")
    page = context.new_page()
    errors = []
    page.on(
        "console",
        lambda message: message.type == "error" and "status of" not in message.text and errors.append(message.text),
    )
    made, link = share(can_edit=True)
    _, file_link = share("docs/roof.png")
    _, locked_link = share("docs/plan.txt", password="pw")
    ended, ended_link = share("docs/sub")
    ended.revoke()
    client = Client()
    client.force_login(lena)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    member = ["/shared-by-us/", "/shared-with-me/", at(made, "stop/"), at(made, "log/"), "/share/docs"]
    pages = [path_of(one) for one in (link, file_link, locked_link, ended_link)] + ["/s/unknown/", *member]
    for number, url in enumerate(pages):
        page.goto(live_server.url + url)
        assert axe.violations(page) == [], url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/sharing-{number:02}-{width}-{scheme}.png", full_page=True)
    assert errors == []
    context.close()
