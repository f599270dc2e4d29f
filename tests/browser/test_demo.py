"""The demo in a real browser: from the first start to the second."""

import base64
import os
import re
import signal
import struct
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.running import CHROMIUM, Demo, browser, log_in
from tests.optional import needs

needs("playwright")
needs("PIL")

SAMPLES = 8
PICTURES = 6

pytestmark = [
    pytest.mark.browser,
    pytest.mark.no_cover,  # s3store runs in the demo's process
    pytest.mark.xdist_group("demo"),  # one demo and one browser for all tests
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo on its first start."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.kill()


@pytest.fixture
def start_demo():
    """A function that starts a demo, which is stopped at the latest when the test ends."""
    started = []

    def start(data):
        started.append(Demo(data))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests."""
    with browser() as running:
        yield running


@pytest.fixture
def new_page(chromium):
    """A function that opens a page of its own session; what the console complains about fails the test.

    A page that is `refused` something may say so.
    """
    complaints, contexts = [], []

    def complain(*what):
        if "net::ERR_ABORTED" not in what:  # an icon that was still on its way when the test went on
            complaints.append(what)

    def open_page(*, refused=False, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)

        def listen(message):
            if message.type == "error" and not (refused and "status of 403" in message.text):
                complain(message.text, message.location)

        page.on("console", listen)
        page.on("pageerror", complain)
        page.on("requestfailed", lambda request: complain(request.url, request.failure))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def png(colour: tuple[int, int, int], size: int = 300) -> bytes:
    """Return a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * size) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def fetch(url: str) -> tuple[int, bytes, str]:
    """Fetch *url* without cookies; return status, body and content type."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as response:
            return response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["Content-Type"]


def choose(page, name: str, mime: str, content: bytes) -> None:
    """Choose a file in the upload form."""
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": mime, "buffer": content})


def uploaded(page, name: str) -> None:
    """Wait until the page says that the file is in the bucket."""
    page.locator(".s3store-file[data-state=done]", has_text=name).wait_for()


def signed_link(page) -> str:
    """Return the signed link that the page shows."""
    return page.locator("[data-signed-link]").get_attribute("href")


def natural_widths(page, selector: str) -> list[int]:
    """Wait until the pictures are there or failed; return their widths, 0 for a failed one."""
    pictures = page.locator(selector)
    pictures.first.wait_for()
    page.wait_for_function(
        "selector => [...document.querySelectorAll(selector)].every(each => each.complete)", arg=selector
    )
    return pictures.evaluate_all("pictures => pictures.map(each => each.naturalWidth)")


def test_a_document_from_upload_to_deletion(demo, new_page):
    """Upload, look, open, replace and delete a picture; each time the bucket has what the page says."""
    page = new_page()
    log_in(page, demo)
    assert all(natural_widths(page, ".gallery img")), "the samples have pictures"
    assert page.locator(".gallery .card").count() == SAMPLES

    page.get_by_role("link", name="Upload").click()
    red = png((200, 40, 40))
    choose(page, "Red square.png", "image/png", red)
    uploaded(page, "Red square.png")  # the module from the bucket runs
    assert page.locator(".s3store-preview").count() == 1
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("“Red square” was added to the library.").wait_for()
    assert natural_widths(page, ".detail-picture img") == [300]
    text = page.locator(".properties").inner_text()
    assert f"{len(red)}\xa0bytes" in text
    assert "300 × 300" in text
    assert "image/png" in text
    key = page.locator("[data-storage-key]").inner_text()
    assert key.startswith("media/documents/")

    first = signed_link(page)
    assert key in first
    assert "X-Amz-Signature=" in first
    assert fetch(first) == (200, red, "image/png")
    assert fetch(first.partition("?")[0])[0] == 403, "media is private"
    with page.context.expect_page() as opened:
        page.locator("[data-signed-link]").click()
    opened.value.wait_for_load_state()
    assert opened.value.url == first
    opened.value.close()

    page.get_by_role("link", name="Replace").click()
    blue = png((30, 60, 190), size=200)
    choose(page, "blue.png", "image/png", blue)
    page.get_by_role("button", name="Replace", exact=True).click()  # waits for the upload
    page.get_by_text("has a new file").wait_for()
    second = signed_link(page)
    assert page.locator("h1").inner_text() == "Red square"
    assert fetch(second)[:2] == (200, blue)
    assert fetch(first)[0] == 404, "the old object is gone"
    thumbnail = page.locator(".detail-picture img").get_attribute("src")
    assert fetch(thumbnail)[2] == "image/webp"

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("“Red square” was deleted.").wait_for()
    assert page.locator(".gallery .card").count() == SAMPLES
    assert [fetch(second)[0], fetch(thumbnail)[0]] == [404, 404]


class Downloads(list):
    """The addresses that a page fetches over the network, and not out of the browser's cache."""

    def __init__(self, page) -> None:
        self._cached = set()
        session = page.context.new_cdp_session(page)
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on("Network.responseReceived", self._note)
        session.send("Network.enable")

    def _note(self, event) -> None:
        if event["requestId"] not in self._cached and not event["response"]["fromDiskCache"]:
            self.append(event["response"]["url"])


def look_at_gallery(page) -> dict:
    """Return what the open gallery shows."""
    assert all(natural_widths(page, ".pictures img"))
    return {
        "until": page.locator("[data-stay-until]").get_attribute("datetime"),
        "sources": page.locator(".pictures img").evaluate_all("pictures => pictures.map(each => each.src)"),
        "content": page.locator("main").inner_html(),
    }


def test_the_gallery_stays_the_same_while_it_is_reloaded(demo, new_page):
    """Same page, same links; over the network each picture comes once, and Django asks S3 for nothing."""
    page = new_page()
    downloads = Downloads(page)
    log_in(page, demo)
    for _ in range(2):  # should a window end between the two looks, the second time is well inside the next
        page.get_by_role("link", name="Gallery").click()
        page.get_by_role("heading", name="Gallery").wait_for()
        first = look_at_gallery(page)
        page.reload()
        second = look_at_gallery(page)
        if first["until"] == second["until"]:
            break
    assert second == first
    assert first["until"][14:19] in {"00:00", "30:00"}, "windows are half hours"
    assert len(first["sources"]) == PICTURES
    assert all("X-Amz-Signature=" in source for source in first["sources"])
    assert [downloads.count(source) for source in first["sources"]] == [1] * PICTURES
    assert page.locator("[data-requests-sent]").inner_text() == "0"
    page.get_by_role("link", name="Reload").click()
    page.get_by_role("heading", name="Gallery").wait_for()
    assert all(natural_widths(page, ".pictures img"))


def test_a_private_file_is_for_its_owner(demo, new_page):
    """The permanent link leads the owner to S3, shows a guest a page that says no, and asks strangers who they are."""
    page = new_page()
    log_in(page, demo)
    page.get_by_role("link", name="Dusk, not for everyone", exact=True).click()
    link = page.locator("[data-permanent-link]").get_attribute("href")
    assert page.locator("[data-signed-link]").count() == 0
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open (opens in a new tab)", exact=True).click()
    opened.value.wait_for_load_state()
    assert opened.value.url.startswith(demo.s3_url)
    assert "X-Amz-Expires=120&" in opened.value.url
    assert natural_widths(opened.value, "img") == [1800]

    guest = new_page(refused=True)
    log_in(guest, demo, guest=True)
    assert guest.locator(".gallery .card").count() == SAMPLES - 2
    answer = guest.goto(link)
    assert (answer.status, guest.url) == (403, link)
    guest.get_by_role("heading", name="This document is private").wait_for()
    assert "You are logged in as guest." in guest.locator("main").inner_text()
    assert "Dusk" not in guest.content()
    guest.get_by_role("link", name="Go to the library").click()

    page.get_by_role("button", name="Share it").click()
    page.get_by_text("is now shared with everyone").wait_for()
    guest.goto(link)
    assert natural_widths(guest, "img") == [1800]
    page.get_by_role("button", name="Make it private").click()
    page.get_by_text("is now private").wait_for()
    assert guest.goto(link).status == 403

    stranger = new_page()
    stranger.goto(link)
    stranger.get_by_role("heading", name="Log in").wait_for()


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_download_has_its_name_with_umlauts(demo, new_page, javascript):
    """The object's name is plain; the browser saves what the document is called, to the letter."""
    page = new_page(java_script_enabled=javascript)
    log_in(page, demo)
    page.get_by_role("link", name="Übersicht 2026", exact=True).click()
    assert page.locator("[data-storage-key]").inner_text().endswith("/ubersicht-2026.pdf")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename == "Übersicht 2026.pdf"
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF-")


def test_the_form_works_without_javascript_and_explains_itself(demo, new_page):
    """A refused file is explained in the page; a PDF is accepted, shown as a tile and served as a PDF."""
    page = new_page(java_script_enabled=False)
    log_in(page, demo)
    page.get_by_role("link", name="Upload").click()
    choose(page, "page.png", "image/png", b"<html>")
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("neither a picture").wait_for()
    choose(page, "minutes.pdf", "application/pdf", PDF)
    page.get_by_label("Title").fill("Minutes")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("heading", name="Minutes").wait_for()
    assert "/static/library/tile-pdf." in page.locator(".detail-picture img").get_attribute("src")
    assert fetch(signed_link(page)) == (200, PDF, "application/pdf")


def test_several_files_are_dropped_and_a_large_one_is_refused_before_the_upload(demo, new_page):
    """Each file has its row and its picture. Django gets no byte of a file, and each becomes a document."""
    page = new_page()
    bodies = []
    page.on("request", lambda request: bodies.append(request) if request.url.startswith(demo.url) else None)
    log_in(page, demo)
    page.get_by_role("link", name="Upload").click()
    zone = page.locator(".s3store-ready")
    zone.wait_for()
    drop = """(zone, files) => {
        const dataTransfer = new DataTransfer();
        for (const [name, content] of files) {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name, {type: "image/png"}));
        }
        zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
    }"""
    pictures = [(f"dropped-{n}.png", base64.b64encode(png((n * 80, 90, 120))).decode()) for n in range(3)]
    zone.evaluate(drop, pictures)
    for name, _ in pictures:
        uploaded(page, name)
    page.wait_for_function("() => document.querySelectorAll('.s3store-preview').length === 3")
    large = """zone => {
        const file = new File(["x"], "large.pdf", {type: "application/pdf"});
        Object.defineProperty(file, "size", {value: 201 * 1024 * 1024});
        const dataTransfer = {files: [file], items: [], types: ["Files"]};
        const event = new DragEvent("drop", {bubbles: true, cancelable: true});
        Object.defineProperty(event, "dataTransfer", {value: dataTransfer});
        zone.dispatchEvent(event);
    }"""
    zone.evaluate(large)
    row = page.locator(".s3store-file", has_text="large.pdf")
    row.get_by_text("too large").wait_for()
    row.get_by_role("button", name="Remove").click()
    page.get_by_label("Private").check()
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("3 documents were added to the library.").wait_for()
    sent = [request for request in bodies if request.method == "POST" and request.url.endswith("/upload/")]
    assert [len(request.post_data_buffer or b"") < 8192 for request in sent] == [True]
    for name, _ in pictures:
        page.get_by_role("link", name=name.removesuffix(".png"), exact=True).click()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete").click()


def test_a_large_upload_shows_its_progress(demo, new_page):
    """A bar grows and the form waits; a file that is refused is named, and the form keeps it until it is removed."""
    page = new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}upload/")
    page.locator(".s3store-ready").wait_for()
    choose(page, "broken.png", "image/png", b"no picture" * 200)
    uploaded(page, "broken.png")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("broken.png: The content of this file is neither a picture").wait_for()
    uploaded(page, "broken.png")
    page.get_by_role("button", name="Remove broken.png").click()

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    session.send("Network.emulateNetworkConditions", slow)
    choose(page, "large.pdf", "application/pdf", PDF + b"%" * 4_000_000)
    page.wait_for_function("() => 0 < document.querySelector('.s3store-file progress')?.value")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("form[aria-busy=true]").wait_for()
    page.get_by_text("“large” was added to the library.").wait_for()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("“large” was deleted.").wait_for()


def test_a_url_is_copied(demo, new_page):
    """The button says so and the clipboard has the whole URL."""
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    log_in(page, demo)
    page.locator(".card-link").first.click()
    page.get_by_role("button", name="Copy the signed URL").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == signed_link(page)


def test_the_admin_is_dressed_from_the_bucket(demo, new_page):
    """Every style sheet and script of the admin's pages comes from the bucket, and works."""
    page = new_page()
    answers = []
    page.on("response", lambda response: answers.append(response))
    log_in(page, demo)
    page.goto(demo.admin_url + "library/document/")
    assert all(natural_widths(page, ".library-preview"))
    page.goto(demo.admin_url + "library/document/add/")
    wanted = [each for each in answers if each.request.resource_type in {"stylesheet", "script"}]
    # The first answers: later ones may be 304, out of the browser's cache.
    files = {each.url: each.status for each in reversed(wanted)}
    files.pop(f"{demo.admin_url}jsi18n/")  # made by a view
    assert len(files) > 10
    assert {urlsplit(url)._replace(path="", query="").geturl() for url in files} == {demo.s3_url}
    assert set(files.values()) == {200}
    assert any(re.search(r"/static/admin/css/base\.[0-9a-f]{12}\.css$", url) for url in files)
    header = page.locator("#header").evaluate("header => getComputedStyle(header).backgroundColor")
    assert header != "rgba(0, 0, 0, 0)"


def test_static_files_come_under_hashed_names_and_stay(demo, new_page):
    """Browsers keep the page's style sheet for good; a page tells what is in the bucket, and what a check costs."""
    page = new_page()
    sheets = []
    page.on("response", lambda each: sheets.append(each) if each.request.resource_type == "stylesheet" else None)
    log_in(page, demo)
    sheet = sheets[0]
    hashed = re.fullmatch(rf"{demo.s3_url}/s3store-demo/static/(library/site\.[0-9a-f]{{12}}\.css)", sheet.url)[1]
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["content-encoding"] == "gzip"

    page.get_by_role("link", name="Delivery").click()
    row = page.get_by_role("row").filter(has_text="library/site.css")
    assert row.get_by_role("link").get_attribute("href") == sheet.url
    name, size, encoding, caching = (each.strip() for each in row.inner_text().split("\t"))
    assert name.split() == ["library/site.css", hashed, "(opens", "in", "a", "new", "tab)"]
    assert re.fullmatch(r"[\d.]+\xa0KB of [\d.]+\xa0KB", size)
    assert (encoding, caching) == ("gzip", "public, max-age=31536000, immutable")
    assert int(page.locator("[data-run=sent] [data-requests]").inner_text()) > 100
    page.get_by_role("button", name="Check").click()
    page.get_by_text("1 request: nothing to send.").wait_for()
    assert page.locator("[data-run=unchanged] [data-requests]").inner_text() == "1"
    page.get_by_role("link", name="Next").click()
    page.get_by_text("Page 2 of").wait_for()


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_is_wider_than_the_window(demo, new_page, width):
    """Nothing has to be scrolled sideways, from a small phone to a large screen."""
    page = new_page(viewport={"width": width, "height": 800})
    log_in(page, demo)
    too_wide = []
    detail = page.locator(".card-link").first.get_attribute("href")
    for path in ("/", "/gallery/", "/delivery/", "/upload/", detail, f"{detail}replace/", f"{detail}delete/"):
        page.goto(demo.url.rstrip("/") + path)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(path)
    assert too_wide == []


def test_the_demo_stops_cleanly_and_remembers(tmp_path, new_page, start_demo):
    """Ctrl-C and SIGTERM end everything without a traceback; the next start has the documents, at the same places.

    It sends no static file again.
    """
    first = start_demo(tmp_path)
    page = new_page()
    log_in(page, first)
    page.goto(f"{first.url}upload/")
    choose(page, "kept.png", "image/png", png((10, 120, 60)))
    uploaded(page, "kept.png")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="kept").wait_for()
    link = signed_link(page)
    page.goto("about:blank")
    assert first.stop(signal.SIGINT) == 0
    assert first.is_listening() == []
    assert "Traceback" not in first.output
    assert "Warning" not in first.output
    assert re.search(r"^Static files: [1-9]\d+ objects written, ", first.output, re.MULTILINE)

    second = start_demo(tmp_path)
    assert second.s3_url == first.s3_url
    assert re.search(r"^Static files: 0 objects written, 0 deleted, 0 bytes, 1 request", second.output, re.MULTILINE)
    page.goto(second.url)  # still logged in
    assert page.locator(".gallery .card").count() == SAMPLES + 1
    assert all(natural_widths(page, ".gallery img"))
    assert fetch(link)[0] == 200, "links that were made before the restart still work"
    with pytest.raises(RuntimeError, match="another demo uses the data"):
        start_demo(tmp_path)
    page.goto("about:blank")
    assert second.stop(signal.SIGTERM) == 0
    assert second.is_listening() == []
    assert "Traceback" not in second.output
