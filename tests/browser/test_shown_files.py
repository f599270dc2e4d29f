"""What a real browser does with files that pass through Django: shows them, or saves them, and runs none."""

import io
import os
import threading
import time
import wave
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path

from s3store.serving import file_response
from s3store.storage import S3Storage
from tests.browser.running import CHROMIUM, browser
from tests.optional import needs

needs("playwright")
image = needs("PIL.Image")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
]

urlpatterns = [
    path("<str:name>", lambda request, name: file_response(request, "shown", name, mode="stream", inline=True))
]


class Quiet(WSGIRequestHandler):
    """Keeps no log."""

    def log_message(self, *_):
        pass


def picture(kind):
    """Return a red picture, or a page of a document with one."""
    target = io.BytesIO()
    image.new("RGB", (200, 100), (255, 0, 0)).save(target, kind)
    return target.getvalue()


def sound():
    """Return a second of silence."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes([128]) * 8000)
    return target.getvalue()


def is_red(page):
    """Whether much of the page is red."""
    shot = image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return sum(count for count, (red, green, _) in shot.getcolors(1 << 24) if red > 200 and green < 60) > 10_000


@pytest.fixture
def site(seaweedfs_options, settings):
    """A site that streams the files of a storage; yields the storage and the site's address."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    settings.STORAGES = {
        **settings.STORAGES,
        "shown": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": seaweedfs_options},
    }
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield S3Storage(**seaweedfs_options), f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_sp_10_su_16_files_are_shown_and_none_runs(site):
    """Pictures, sound and text show under their policy; a page among the uploads is saved instead."""
    storage, url = site
    script = b"<script>document.title = 'it ran'</script>"
    storage.save("a.png", picture("PNG"))
    storage.save("a.wav", sound())
    storage.save("a.txt", script)
    storage.save("a.html", script)
    storage.save("b.png", script, content_type="text/html")
    with browser() as chromium:
        page = chromium.new_page()
        page.goto(f"{url}/a.png")
        assert page.evaluate("document.images[0].naturalWidth") == 200
        page.goto(f"{url}/a.wav")
        page.wait_for_function("document.querySelector('video, audio').readyState == 4")
        page.goto(f"{url}/a.txt")
        assert page.inner_text("pre") == script.decode()
        assert page.title() != "it ran"
        page.goto("about:blank")
        for name in ("a.html", "b.png"):
            with page.expect_download() as download:
                page.evaluate("address => { location.href = address }", f"{url}/{name}")
            assert download.value.suggested_filename == name
            assert page.url == "about:blank"
        page.close()


def test_pdf_is_shown_by_the_viewer(site):
    """Which does not start in a sandbox, and so has no policy."""
    storage, url = site
    storage.save("a.pdf", picture("PDF"))
    with browser() as chromium:
        page = chromium.new_page()
        page.goto(f"{url}/a.pdf")
        end = time.monotonic() + 120
        while not is_red(page):
            assert time.monotonic() < end
        page.close()
