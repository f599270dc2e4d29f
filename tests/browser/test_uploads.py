"""Direct uploads in a real browser, to a bucket of another origin that checks signatures and policies."""

import contextlib
import io
import json
import os
import socket
import time
import uuid

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client, override_settings
from PIL import ExifTags, Image
from pytest_django.live_server_helper import LiveServer

from s3store.core.parts import GIB, MIB
from s3store.testing.fixtures import options_for
from s3store.uploads import requests, service
from s3store.uploads.refusals import UploadRefusedError
from tests.app.models import Album, Note, Photo, Upload
from tests.browser import upload_site
from tests.browser.axe import violations
from tests.browser.running import CHROMIUM, browser, noted, until, wait_for_views
from tests.faults.proxy import FaultProxy
from tests.optional import needs

needs("playwright")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
    pytest.mark.timeout(180),  # a browser that hangs; with all processors busy, the longest takes 27 s
]

# Continues the upload of the file in another input, as a page does after a reload, and returns how much is there.
RESUME = """async () => {
  const { Uploader } = await import("/static/s3store/engine.js");
  const { endpoint, destination } = document.querySelector("[data-s3store-upload]").dataset;
  const csrfToken = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
  const uploader = new Uploader({ endpoint, destination, csrfToken });
  const [file] = document.querySelector("#plain").files;
  const { name, size } = file;
  const { ticket } = await uploader.call("begin", { destination, name, size });
  const task = uploader.add(file, { ticket });
  await task.result;
  return task.answered;
}"""

PART = r"partNumber=\d+"
BYTES = r"^PUT .*partNumber|^POST /[^/?]+/?$"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"

# What the page says to screen readers, with the time; the policy's violations; and the events of the widget.
WATCH = """
  window.said = []; window.violations = []; window.events = []; window.longest = 0;
  addEventListener("securitypolicyviolation", (event) => violations.push(event.blockedURI));
  for (const name of ["start", "progress", "success", "error", "abort"])
    document.addEventListener(`s3store:${name}`, (event) => events.push([name, event.detail.name]));
  new PerformanceObserver((list) => list.getEntries().forEach((entry) =>
    (longest = Math.max(longest, entry.duration)))).observe({ entryTypes: ["longtask"] });
  document.addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
    for (const { target } of changes) {
      const region = target.nodeType === 1 && target.closest("[role=status]");
      if (region && region.textContent) said.push([performance.now(), region.textContent]);
    }
  }).observe(document.body, { subtree: true, childList: true }));
"""

# How many bytes of the last request the browser says it has sent, and how many requests it has sent as a whole.
HEARD = """
  window.heard = window.whole = 0;
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    this.upload.addEventListener("progress", (event) => { heard = event.loaded; });
    this.upload.addEventListener("load", () => { whole += 1; });
    send.call(this, body);
  };
"""

# A drop of the files of `make`, which is JavaScript, on the element of a selector.
DROP = """([selector, kind, names]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File(["dropped"], name, { type: "text/plain" }));
  const options = { bubbles: true, cancelable: true, dataTransfer: data };
  return document.querySelector(selector).dispatchEvent(new DragEvent(kind, options));
}"""


@pytest.fixture(scope="module")
def chromium(live_server):
    """The browser, which ends before the server so that no connection outlives it."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright has an event loop in this thread, and Django would take the tests for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with browser(ignore_default_args=["--disable-back-forward-cache"]) as found:
            yield found


@pytest.fixture(scope="module")
def live_server(request):
    """The server of pytest-django with the pages and the middleware of our site, which it reads at its start."""
    request.getfixturevalue("django_db_setup")
    middleware = [f"{noted.__module__}.noted", f"{upload_site.__name__}.middleware", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=upload_site.__name__):
        server = LiveServer("localhost")
        yield server
        server.stop()


@pytest.fixture
def proxy(seaweedfs, settings, live_server):
    """A proxy before the bucket, and the settings of a project whose files are there."""
    with FaultProxy(seaweedfs.endpoint_url, match=BYTES) as found:
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
        found.clear()
        yield found


@pytest.fixture
def small_parts(monkeypatch):
    """Files above 5 MiB go in parts of 5 MiB, the smallest that S3 takes."""
    monkeypatch.setattr(service, "MULTIPART_FROM", 5 * MIB)
    monkeypatch.setattr(service, "browser_part_size", lambda size: 5 * MIB)


@pytest.fixture
def film(tmp_path, small_parts):
    """A file of three parts."""
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(MIB) * 11)
    return path


def storage():
    return Upload._meta.get_field("file").storage


def log_in(context, live_server, user):
    """Give the browser a session of this user."""
    client = Client()
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])


def watched(page):
    """Return the page, with lists of what its console and its policy complain about."""
    page.errors = []
    page.on("console", lambda message: message.type == "error" and page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.set_default_timeout(60_000)
    return page


@pytest.fixture
def user(django_user_model, db):
    return django_user_model.objects.create_superuser("ann")


@pytest.fixture
def context(chromium, proxy, live_server, user):
    """A browser of a user who is logged in."""
    found = chromium.new_context(locale="en-US")
    found.add_init_script(WATCH)
    log_in(found, live_server, user)
    yield found
    found.close()
    wait_for_views()


@pytest.fixture
def page(context, live_server):
    """The page with the form of a new row."""
    found = watched(context.new_page())
    found.goto(live_server.url)
    upload_site.calls.clear()
    return found


def choose(page, name, content, kind="application/octet-stream", field="id_file"):
    page.set_input_files(f"#{field}", {"name": name, "mimeType": kind, "buffer": content})


def shows(page, text, count=1):
    """Wait until this text is in the page."""
    page.get_by_text(text).nth(count - 1).wait_for()


def uploaded(page, count=1):
    page.locator("[data-state=done]").nth(count - 1).wait_for()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def saved(page):
    button(page, "Save").click()
    page.wait_for_url("**/done/")


def slow(page, bytes_per_second, *, offline=False):
    """Limit the speed of the page's uploads, 0 for none, or take the page offline."""
    if not hasattr(page, "session"):
        page.session = page.context.new_cdp_session(page)
        page.session.send("Network.enable")
    limits = {"offline": offline, "latency": 0, "downloadThroughput": -1}
    page.session.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": bytes_per_second or -1})


def heap(page):
    """Return how many bytes the scripts of the page hold, buffers included."""
    found = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")
    return found["usedSize"] + found["backingStorageSize"]


def parts_that_arrived(proxy):
    """Return the presigned PUTs of parts. Django's copy of the file, as the part of an upload, is signed otherwise."""
    found = [exchange for exchange in proxy.requests("PUT", PART) if "X-Amz-Signature" in exchange.target]
    return [exchange for exchange in found if exchange.status == 200 and not exchange.fault]


def upload_until_one_part_is_there(page, proxy, film):
    """Upload a file of three parts. The first two wait at the proxy, until it releases them."""
    proxy.hold(r"^PUT .*partNumber=[12]\b")
    page.set_input_files("#id_file", film)
    until(page, lambda: parts_that_arrived(proxy))


def open_uploads():
    client, name = storage().client, storage().options.bucket_name
    return client.list_multipart_uploads(Bucket=name, Prefix=storage().options.location).get("Uploads", [])


def objects():
    return [stat.name for stat in storage().scan()]


def quiet(page):
    """Neither the console nor the policy has anything to say."""
    assert page.errors == []
    assert page.evaluate("violations") == []


# The way of a file


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_small_file(page, proxy, size):
    """Two requests to Django and one to the bucket; the bytes never pass through Django."""
    choose(page, "note.txt", b"x" * size, "text/plain")
    assert page.input_value("#id_file") == ""
    uploaded(page)
    assert [(request.method, request.status) for request in proxy.requests(target="^/[^/?]+/?$")] == [("POST", 201)]
    page.fill("#id_title", "a")
    saved(page)
    assert upload_site.calls == ["/s3store/begin/", "/", "/done/"]
    assert Upload.objects.get().file.read() == b"x" * size
    [(_, files, length)] = upload_site.posted
    assert not files
    assert int(length) < 8192
    quiet(page)


def test_a_large_file(page, proxy, tmp_path, monkeypatch):
    """100 MiB go in parallel parts while the form waits, with three requests to Django and none of it in memory."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "max_size", 200 * MIB)
    page.reload()
    upload_site.calls.clear()
    piece = os.urandom(MIB)
    path = tmp_path / "film.mp4"
    path.write_bytes(piece * 100)
    page.fill("#id_title", "a")
    page.set_input_files("#id_file", path)
    button(page, "Save").click()
    until(page, lambda: len(parts_that_arrived(proxy)) > 6)
    assert heap(page) < 16 * MIB
    assert page.locator(".s3store-hold").inner_text() == "The form is sent when the uploads are complete."
    page.wait_for_url("**/done/")
    assert upload_site.calls == ["/s3store/begin/", "/s3store/complete/", "/", "/done/"]
    assert len(parts_that_arrived(proxy)) == len(proxy.requests("OPTIONS")) == 13
    with Upload.objects.get().file.open() as file:
        assert all(file.read(MIB) == piece for _ in range(100))
        assert not file.read(1)
    quiet(page)


def test_types_and_names(page, live_server, proxy):
    """Django decides on types by extensions, names may have any characters, and headers stay ASCII."""
    page.goto(f"{live_server.url}/many/")
    types = {
        "data.npz": "application/octet-stream",
        "table.CSV": "text/csv",
        "no extension": "application/octet-stream",
        "Zürich %2F + 'q' \u202egnp.txt": "text/plain",
        "数据.tar.gz": "application/gzip",
        "end.": "application/octet-stream",
        "x" * 60 + ".pdf": "application/pdf",
    }
    files = [{"name": name, "mimeType": "", "buffer": b"x"} for name in types]
    page.set_input_files("#id_files", files)
    uploaded(page, len(types))
    saved(page)
    assert upload_site.posted == [[(name, 1, kind) for name, kind in types.items()]]
    assert all(exchange.target.isascii() for exchange in proxy.log)
    quiet(page)


def test_small_files_need_no_preflight(page, live_server, proxy):
    """Ten files are ten requests to the bucket, of which no more than five are open at a time."""
    page.goto(f"{live_server.url}/many/")
    begun, at_once = [], []

    def count(method, *_):
        if method == "POST":
            begun.append(method)
            at_once.append(len(begun) - len([each for each in proxy._log if each.method == "POST"]))

    proxy.respond = count
    page.set_input_files("#id_files", [{"name": f"{n}.txt", "mimeType": "", "buffer": b"x"} for n in range(10)])
    uploaded(page, 10)
    assert max(at_once) <= 5
    assert [request.method for request in proxy.requests(target="^/[^/?]+/?$")] == ["POST"] * 10
    assert page.locator("input[type=hidden][name=files]").count() == 10


def test_a_directory(page, live_server, tmp_path):
    """Of the files of a directory only the names count, and equal names are different files."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note.txt").write_text(name)
    page.goto(f"{live_server.url}/many/")
    page.evaluate("document.querySelector('#id_files').webkitdirectory = true")
    page.set_input_files("#id_files", tmp_path)
    uploaded(page, 2)
    saved(page)
    assert upload_site.posted == [[("note.txt", 1, "text/plain")] * 2]


@pytest.mark.campaign
def test_six_gibibytes(page, proxy, tmp_path, monkeypatch):
    """The first and the last part of a file above the limit of one request are where they belong."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "max_size", 10 * GIB)
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(6 * GIB + 12_345)
    listed = []

    def most_have_arrived(route):
        found = route.fetch().json()
        listed.append(found["part_count"])
        numbers = range(2, found["part_count"])
        route.fulfill(json=found | {"parts": [{"number": n, "size": found["part_size"]} for n in numbers]})

    page.route("**/parts/", most_have_arrived)
    page.route("**/complete/", lambda route: route.fulfill(json={"receipt": "x"}))
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'plain' }))")
    page.set_input_files("#plain", path)
    assert page.evaluate(RESUME) == 6 * GIB + 12_345
    assert listed == [769]
    sent = {part.target.split("partNumber=")[1].split("&")[0]: part for part in parts_that_arrived(proxy)}
    sizes = {number: int(part.request_headers["content-length"]) for number, part in sent.items()}
    assert sizes == {"1": 8 * MIB, "769": 12_345}


# Pictures


def test_a_picture_is_shown_upright_and_sent_unchanged(page):
    """The preview is turned as the camera notes, the bytes arrive unchanged, and what cannot be shown is sent."""
    for kind in ("image/heic", ""):
        choose(page, "photo.heic", b"not for browsers", kind)
        uploaded(page)
    assert page.locator("canvas").count() == 0
    file = io.BytesIO()
    notes = Image.Exif()
    notes[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (60, 20)).save(file, "JPEG", exif=notes)
    choose(page, "photo.jpg", file.getvalue(), "image/jpeg")
    width, height = page.locator("canvas").evaluate("(canvas) => [canvas.width, canvas.height]")
    assert height > width
    page.locator("[data-state=done]", has_text="photo.jpg").wait_for()
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == file.getvalue()
    quiet(page)


def test_two_hundred_pictures(page, live_server):
    """Twenty previews are made, one after another and small, and no picture gets a URL."""
    page.goto(f"{live_server.url}/many/")
    page.route("**/begin/", lambda route: None)
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    file = io.BytesIO()
    Image.new("RGB", (2000, 1000)).save(file, "PNG")
    page.evaluate(
        """(bytes) => {
          const real = createImageBitmap;
          window.open_ = window.most = 0;
          window.createImageBitmap = async (...given) => {
            most = Math.max(most, (open_ += 1));
            return real(...given).finally(() => (open_ -= 1));
          };
          const data = new DataTransfer();
          const content = Uint8Array.from(bytes);
          for (let n = 0; n < 200; n += 1) data.items.add(new File([content], `${n}.png`, { type: "image/png" }));
          const input = document.querySelector("#id_files");
          input.files = data.files;
          input.dispatchEvent(new Event("change"));
        }""",
        list(file.getvalue()),
    )
    page.locator("canvas").nth(19).wait_for()
    page.wait_for_timeout(200)
    assert page.locator("canvas").count() == 20
    assert page.evaluate("most") == 1
    assert page.locator("canvas").first.evaluate("(canvas) => canvas.width") == 160
    assert not [url for url in urls if url.startswith(("blob:", "data:"))]
    quiet(page)


# Refusals


def test_a_wrong_type_is_refused_before_a_request(page):
    """The row says what is wrong, and a form that would lose the file is not sent."""
    page.evaluate("document.querySelector('#id_image').closest('[data-accept]').dataset.accept = '.png,image/*'")
    choose(page, "note.txt", b"hello", "text/plain", field="id_image")
    shows(page, "Files of this type are not accepted.")
    assert page.get_attribute("#id_image", "aria-invalid") == "true"
    page.fill("#id_title", "a")
    button(page, "Save").click()
    shows(page, "The form was not sent")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove note.txt"
    assert upload_site.calls == []
    button(page, "Remove note.txt").click()
    assert page.get_attribute("#id_image", "aria-invalid") is None
    saved(page)
    quiet(page)


def test_django_refuses_what_the_page_allows(page):
    """Without the limits in the page Django's answer is shown, and nothing is sent to the bucket."""
    page.evaluate("document.querySelector('#id_image').closest('[data-accept]').dataset.accept = ''")
    choose(page, "note.txt", b"hello", "text/plain", field="id_image")
    shows(page, "Files of this type are not accepted.")
    assert not button(page, "Retry note.txt").is_visible()
    assert upload_site.steps() == ["begin"]


def test_a_file_that_is_too_large(page, monkeypatch):
    """The page says so before a request; without its limit Django says so."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "max_size", 1000)
    page.reload()
    upload_site.calls.clear()
    choose(page, "note.txt", b"x" * 1001)
    shows(page, "The file is too large.")
    assert upload_site.calls == []
    page.evaluate("document.querySelector('#id_file').closest('[data-max-size]').dataset.maxSize = 5000")
    choose(page, "note.txt", b"x" * 1001)
    shows(page, "The file is too large.")
    assert upload_site.steps() == ["begin"]
    assert page.locator(".s3store-file").count() == 1


def test_s3_refuses_a_file_larger_than_announced(page):
    """A page that lies about the size gets S3's refusal, in words."""

    def lie(route):
        body = json.loads(route.request.post_data)
        route.continue_(post_data=json.dumps({**body, "size": 10}))

    page.route("**/begin/", lie)
    choose(page, "note.txt", b"x" * 1001)
    shows(page, "The file is too large. Choose one of at most 64 MB.")
    assert objects() == []


def test_an_empty_video_is_refused(page):
    """Phones report no size for what is in their cloud: the user has to open it first."""
    choose(page, "holiday.mov", b"", "video/quicktime")
    shows(page, "The file is empty or not on this device yet.")
    assert upload_site.calls == []


def test_a_file_that_changes_is_not_sent_again(page, proxy, film):
    """A changed file is a final error, and what arrived of it is deleted."""
    slow(page, 2 * MIB)
    page.set_input_files("#id_file", film)
    until(page, lambda: page.evaluate("events.length") > 2)
    film.write_bytes(b"changed" * MIB)
    slow(page, 0)
    shows(page, "The file was changed or removed. Choose it again.")
    assert not page.get_by_role("button", name="Retry").is_visible()
    until(page, lambda: not open_uploads())


# Cancel, pause, and replace


def test_cancel_while_it_begins(page, film):
    """Cancel waits for the answer that names the upload, and deletes it."""
    waiting = []
    page.route("**/begin/", lambda route: waiting.append(route))
    page.set_input_files("#id_file", film)
    until(page, lambda: waiting)
    button(page, "Cancel film.mp4").click()
    shows(page, "Cancelling")
    waiting[0].continue_()
    page.locator(".s3store-file").wait_for(state="detached")
    assert upload_site.steps() == ["begin", "abort"]
    assert open_uploads() == []


@pytest.mark.parametrize("paused", [False, True])
def test_cancel_while_it_uploads(page, proxy, film, paused):
    """Nothing is left in the bucket, the input is ready again, and no dialog keeps the visitor in the page."""
    upload_until_one_part_is_there(page, proxy, film)
    if paused:
        button(page, "Pause film.mp4").click()
        shows(page, "Paused")
    button(page, "Cancel film.mp4").click()
    page.locator(".s3store-file").wait_for(state="detached")
    assert open_uploads() == []
    assert page.evaluate("document.activeElement.id") == "id_file"
    assert page.evaluate("events.at(-1)") == ["abort", "film.mp4"]
    page.goto("about:blank")


def test_cancel_while_it_is_queued(page, live_server):
    """Files that have not begun are not begun any more."""
    page.goto(f"{live_server.url}/many/")
    upload_site.calls.clear()
    held = []
    page.route("**/begin/", lambda route: held.append(route))
    page.set_input_files("#id_files", [{"name": f"{n}.txt", "mimeType": "", "buffer": b"x"} for n in range(9)])
    until(page, lambda: len(held) == 7)
    assert page.locator("[data-state=queued]").count() == 2
    for number in (7, 8):
        button(page, f"Cancel {number}.txt").click()
    for route in held:
        route.continue_()
    uploaded(page, 7)
    assert page.locator(".s3store-file").count() == 7
    assert upload_site.steps() == ["begin"] * 7


def test_pause_and_continue(page, proxy, film):
    """Parts that have arrived are not sent again, and a paused upload sends nothing."""
    upload_until_one_part_is_there(page, proxy, film)
    button(page, "Pause film.mp4").click()
    shows(page, "Paused")
    proxy.release()
    until(page, lambda: len(proxy.requests("PUT", PART)) == 3)
    page.wait_for_timeout(300)
    assert len(proxy.requests("PUT", PART)) == 3
    button(page, "Continue film.mp4").click()
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3


def test_another_file_replaces_the_first(page, proxy, film):
    """In a field for one file the later choice counts, also while the first one still uploads."""
    upload_until_one_part_is_there(page, proxy, film)
    choose(page, "note.txt", b"hello")
    uploaded(page)
    assert page.locator(".s3store-name").all_inner_texts() == ["note.txt"]
    until(page, lambda: not open_uploads())
    choose(page, "holiday.mov", b"", "video/quicktime")
    shows(page, "The file is empty")
    assert page.locator(".s3store-name").all_inner_texts() == ["note.txt", "holiday.mov"]
    button(page, "Remove holiday.mov").click()
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"


# What goes wrong on the way


def test_a_cut_connection(page, proxy, film):
    """A part whose connection breaks is sent again; the others are not."""
    proxy.harm({"reset": 1.0})
    page.set_input_files("#id_file", film)
    until(page, lambda: len(proxy.requests("PUT", PART)) >= 2)
    proxy.harm({})
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3


@pytest.mark.parametrize("readable", [True, False])
def test_a_busy_storage(page, live_server, proxy, film, readable):
    """503s are retried, also those without CORS headers, which the page cannot read."""
    headers = {"Access-Control-Allow-Origin": live_server.url} if readable else {}
    left = [1, 1, 1]

    def busy(method, target, _):
        return (503, headers, SLOW_DOWN) if "partNumber" in target and method == "PUT" and left and left.pop() else None

    proxy.respond = busy
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert not left
    assert len(parts_that_arrived(proxy)) == 3


@pytest.mark.campaign
def test_eighty_parts_of_which_many_fail(page, live_server, proxy, tmp_path, monkeypatch):
    """Parts that the storage refuses for a moment are sent again, from no more memory than before."""
    monkeypatch.setattr(service, "MULTIPART_FROM", 5 * MIB)
    monkeypatch.setattr(service, "browser_part_size", lambda size: 320 * 1024)
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(80 * 320 * 1024))
    answers = {number: [(503, SLOW_DOWN) if number % 2 else (500, b"")] for number in range(1, 81) if number % 5 < 2}
    arrived = []

    def storage_of_a_bad_day(method, target, _):
        allowed = {"Access-Control-Allow-Origin": live_server.url, "Access-Control-Allow-Methods": "PUT"}
        if method == "OPTIONS":
            return 200, allowed, b""
        if method != "PUT":
            return None
        number = int(target.split("partNumber=")[1].split("&")[0])
        status, body = answers[number].pop() if answers.get(number) else (200, b"")
        if status == 200:
            arrived.append(number)
        return status, allowed, body

    proxy.respond = storage_of_a_bad_day
    page.route("**/complete/", lambda route: route.fulfill(json={"receipt": "x"}))
    page.evaluate("() => { Math.random = () => 0 }")
    page.set_input_files("#id_file", path)
    uploaded(page)
    assert sorted(arrived) == list(range(1, 81))
    assert upload_site.steps() == ["begin", "sign"]
    assert heap(page) < 16 * MIB


def test_a_refusal_that_the_page_cannot_read(page, proxy):
    """It may be an old signature: there is a new one before the upload is given up."""
    left = [403, 403, 403]
    proxy.respond = lambda method, *_: (left.pop(), {}, b"") if method == "POST" and left else None
    page.evaluate("() => { Math.random = () => 0 }")
    choose(page, "note.txt", b"hello")
    uploaded(page)
    assert upload_site.steps() == ["begin", "begin"]


def test_a_policy_that_does_not_allow_the_storage(page, live_server, proxy):
    """The row says that it is the policy of the page."""
    page.goto(f"{live_server.url}/?closed")
    page.evaluate("() => { Math.random = () => 0 }")
    choose(page, "note.txt", b"hello")
    shows(page, f"The security policy of this page does not allow {proxy.url.removeprefix('http://')}.")


def test_ub_25_an_origin_without_a_rule_is_named(page, live_server, proxy, film):
    """The row says which origin the bucket does not allow, and the command that allows it."""
    rule = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": ["https://another.example"], "AllowedHeaders": ["*"]}
    storage().client.put_bucket_cors(Bucket=storage().options.bucket_name, CORSConfiguration={"CORSRules": [rule]})
    page.evaluate("() => { Math.random = () => 0 }")
    page.set_input_files("#id_file", film)
    shows(page, "CORS rules. Try again. If you run this site, allow it with: manage.py s3 setup")
    shows(page, f"--cors-origin {live_server.url}")


def test_a_storage_without_forms(page, settings, proxy):
    """A PUT that creates only: if its answer is lost, the second one finds the file, and the upload is complete."""
    settings.AWS_S3_UPLOAD_METHOD = "put"
    settings.AWS_S3_CONDITIONAL_WRITES = True
    proxy._limits = ("^PUT", 1, None)
    proxy.harm({"lost": 1.0})
    choose(page, "note.txt", b"hello", "text/plain")
    uploaded(page)
    assert [(put.status, put.request_headers["content-type"]) for put in proxy.requests("PUT")] == [
        (200, "text/plain"),
        (412, "text/plain"),
    ]
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"


@pytest.fixture
def sums(settings, proxy, live_server):
    """Uploads with checksums, and a rule of the bucket that allows their header."""
    settings.AWS_S3_UPLOAD_CHECKSUM = "crc32"
    rule = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": [live_server.url], "MaxAgeSeconds": 7200}
    rule |= {"AllowedHeaders": ["content-type", "if-none-match", "x-amz-checksum-crc32"]}
    storage().client.put_bucket_cors(Bucket=storage().options.bucket_name, CORSConfiguration={"CORSRules": [rule]})


def statuses(proxy):
    """Return the statuses of the requests with a checksum, as the bucket answered them."""
    sent = proxy.requests("PUT", "/incoming/")
    return [one.status for one in sent if "x-amz-checksum-crc32" in one.request_headers]


def test_ub_21_bytes_that_change_on_their_way_are_sent_again(sums, page, proxy):
    """The bucket compares the checksum: a flipped byte is refused, and the upload goes on."""
    proxy._limits = ("^PUT", 1, None)
    proxy.harm({"flip_up": 1.0})
    choose(page, "note.txt", b"hello" * 100)
    uploaded(page)
    assert statuses(proxy) == [400, 200]
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello" * 100


def test_ub_21_bytes_that_always_change_are_refused(sums, page, proxy):
    """The row says so after three attempts, and nothing is in the bucket."""
    proxy._limits = ("^PUT", None, None)
    proxy.harm({"flip_up": 1.0})
    choose(page, "note.txt", b"hello" * 100)
    shows(page, "The storage refused the file (BadDigest).")
    assert statuses(proxy) == [400, 400, 400]
    assert objects() == []


def test_ub_21_each_part_has_a_checksum(sums, page, proxy, film, user):
    """A damaged part is sent again, and the others are not."""
    proxy._limits = ("partNumber=2", 1, None)
    proxy.harm({"flip_up": 1.0})
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert sorted(statuses(proxy)) == [200, 200, 200, 400]
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.size == film.stat().st_size
    assert [error for error in page.errors if "400" not in error] == []


def test_an_answer_that_is_lost(page, proxy):
    """The same bytes are sent again, and the form gets one file."""
    proxy.harm({"lost": 1.0})
    choose(page, "note.txt", b"hello")
    until(page, lambda: proxy.requests("POST"))
    proxy.harm({})
    uploaded(page)
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"


def test_django_fails_for_a_moment(page, film):
    """Requests to Django are repeated as those to the bucket are, also one whose answer is lost."""
    failures = {"begin": [502, 503], "complete": [0]}

    def fail(route):
        step = route.request.url.split("/")[-2]
        status = failures[step].pop() if failures.get(step) else None
        if status == 0:
            route.fetch()
            route.abort()
        elif status:
            route.fulfill(status=status, body="<h1>Bad gateway</h1>", content_type="text/html")
        else:
            route.continue_()

    page.route("**/s3store/**", fail)
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert upload_site.steps() == ["begin", "complete", "complete"]


def test_offline_and_on_again(page, proxy, film):
    """The row says that it waits, and the upload goes on by itself; parts that arrived are not sent again."""
    upload_until_one_part_is_there(page, proxy, film)
    proxy.harm({"reset": 1.0})
    slow(page, 0, offline=True)
    proxy.release()
    shows(page, "You are offline.")
    proxy.harm({})
    slow(page, 0)
    uploaded(page)
    numbers = [exchange.target.split("partNumber=")[1].split("&")[0] for exchange in parts_that_arrived(proxy)]
    assert sorted(numbers) == ["1", "2", "3"]


def test_cancelled_offline(page, film):
    """The row is gone at once, and the upload is deleted when the connection is back."""
    slow(page, MIB)
    page.set_input_files("#id_file", film)
    until(page, lambda: page.evaluate("events.length") > 1)
    slow(page, MIB, offline=True)
    shows(page, "You are offline.")
    button(page, "Cancel film.mp4").click()
    page.locator(".s3store-file").wait_for(state="detached")
    slow(page, 0)
    until(page, lambda: not open_uploads())


def test_the_storage_cannot_be_reached(page, proxy, monkeypatch):
    """After some tries the row names the host and offers another one."""
    page.evaluate("() => { Math.random = () => 0 }")
    proxy.harm({"reset": 1.0})
    choose(page, "note.txt", b"hello")
    shows(page, f"The storage ({proxy.url.removeprefix('http://')}) cannot be reached")
    assert len(proxy.requests("POST")) == 5
    proxy.harm({})
    button(page, "Retry note.txt").click()
    uploaded(page)
    assert page.locator(".s3store-alert").all_inner_texts() == ["", ""]


def test_sent_with_the_form_instead(page, live_server, proxy):
    """A file that cannot reach the storage can go with the form, while it is tried again and after it failed."""
    choose(page, "note.txt", b"hello")
    uploaded(page)
    assert not page.get_by_role("button", name="Send note.txt with the form instead").is_visible()
    proxy.harm({"reset": 1.0})
    choose(page, "other.txt", b"other")
    button(page, "Send other.txt with the form instead").click()
    shows(page, "Is sent with the form")
    assert page.evaluate("document.activeElement.id") == "id_file"
    assert page.locator(".s3store-name").all_inner_texts() == ["other.txt"]
    page.fill("#id_title", "a")
    saved(page)
    row = Upload.objects.get()
    assert (row.file.name, row.file.read()) == ("files/other.txt", b"other")
    page.goto(f"{live_server.url}/many/")
    page.evaluate("() => { Math.random = () => 0 }")
    choose(page, "a.txt", b"a", field="id_files")
    shows(page, "cannot be reached")
    button(page, "Send a.txt with the form instead").click()
    proxy.harm({})
    choose(page, "b.txt", b"b", field="id_files")
    uploaded(page)
    assert page.get_attribute("#id_files", "required") is None
    saved(page)
    assert upload_site.posted[-1] == [("b.txt", 1, "text/plain"), ("a.txt", 1, "application/octet-stream")]


def test_a_firewall_that_allows_no_uploads(page, live_server, proxy):
    """A refusal that is not S3's is not tried again, and offers the form unless the page does without."""
    allowed = {"Access-Control-Allow-Origin": live_server.url}
    proxy.respond = lambda method, *_: (405, allowed, b"<p>Not here</p>") if method == "POST" else None
    choose(page, "note.txt", b"hello")
    shows(page, f"The storage ({proxy.url.removeprefix('http://')}) cannot be reached")
    assert button(page, "Retry note.txt").is_visible()
    instead = page.get_by_role("button", name="with the form instead")
    assert instead.is_visible()
    page.evaluate("document.querySelector('[data-s3store-upload]').dataset.form = 'off'")
    choose(page, "note.md", b"again")
    button(page, "Retry note.md").wait_for()
    assert not instead.is_visible()
    assert len(proxy.requests("POST")) == 2


def test_a_file_that_was_chosen_before_the_script_ran(page, live_server):
    """It is uploaded directly all the same."""
    waiting = []
    page.route("**/widget.js", lambda route: waiting.append(route))
    page.goto(live_server.url, wait_until="commit")
    choose(page, "note.txt", b"hello")
    until(page, lambda: waiting)
    waiting[0].continue_()
    uploaded(page)
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"
    assert not upload_site.posted[0][1]


@pytest.fixture
def clocked(page):
    """The page again, with clocks and timers that the test moves."""
    page.clock.install(time=time.time() + 7200)
    page.add_init_script(HEARD)
    page.reload()
    upload_site.calls.clear()
    return page


def failed_requests(page):
    """Return a list that gets the requests to the bucket that fail or are given up."""
    found = []
    page.on("requestfailed", lambda request: "/s3store/" not in request.url and found.append(request))
    return found


def later(page, expression):
    """Return what the page says half a second later."""
    page.wait_for_timeout(500)
    return page.evaluate(expression)


@pytest.fixture
def large(tmp_path):
    """A file as large as one request may be."""
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(32 * MIB))
    return path


def test_a_stalled_upload(clocked, proxy, large):
    """Without a byte for 30 seconds a request is sent again, by a clock that sleep does not stop."""
    failed = failed_requests(clocked)
    # Otherwise the system takes all of the file at once.
    proxy._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    # Of the two clocks one stands still, as on phones that sleep.
    clocked.evaluate("() => { const start = performance.now(); performance.now = () => start }")
    proxy.harm({"freeze": 1.0})
    clocked.set_input_files("#id_file", large)
    # Bytes that move later would begin the 30 seconds again.
    until(clocked, lambda: (before := clocked.evaluate("heard")) and before == later(clocked, "heard"))
    clocked.clock.fast_forward(25_000)
    clocked.wait_for_timeout(100)
    assert not failed
    proxy.harm({})
    clocked.clock.fast_forward(10_000)
    until(clocked, lambda: failed)
    clocked.clock.fast_forward(10_000)
    uploaded(clocked)
    assert len(proxy.requests("POST", "^/[^/?]+/?$")) == 1


def test_a_slow_upload(clocked, large):
    """However long it takes, an upload whose bytes move is not given up."""
    failed = failed_requests(clocked)
    slow(clocked, 4 * MIB)
    clocked.set_input_files("#id_file", large)
    for _ in range(8):
        before = clocked.evaluate("heard")
        until(clocked, lambda before=before: clocked.evaluate("heard") > before)
        clocked.clock.fast_forward(20_000)
    assert clocked.locator("[data-state=uploading]").count() == 1
    slow(clocked, 0)
    uploaded(clocked)
    assert not failed


@pytest.mark.parametrize(("seconds", "requests"), [(60, 3), pytest.param(125, 6, marks=pytest.mark.campaign)])
def test_an_answer_that_is_held(clocked, proxy, film, seconds, requests):
    """After the last byte the storage has two minutes for its answer."""
    proxy.stall_seconds = 2
    proxy.harm({"stall": 1.0})
    failed = failed_requests(clocked)
    clocked.set_input_files("#id_file", film)
    until(clocked, lambda: clocked.evaluate("whole") == 3)
    clocked.clock.fast_forward(seconds * 1000)
    proxy.harm({})
    uploaded(clocked)
    assert len(failed) == requests - 3


def test_timers_that_never_fire(clocked, film):
    """An upload in a page whose timers stand still, and whose clock is hours off, is complete all the same."""
    clocked.clock.pause_at(time.time() + 7300)
    clocked.set_input_files("#id_file", film)
    uploaded(clocked)
    assert upload_site.steps() == ["begin", "complete"]
    quiet(clocked)


def test_a_hidden_page(page, proxy, film):
    """Nothing is drawn while nobody looks, and the upload goes on."""
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => !window.looked })")
    upload_until_one_part_is_there(page, proxy, film)
    page.wait_for_timeout(800)
    assert page.evaluate("events") == [["start", "film.mp4"]]
    page.evaluate("window.looked = true")
    proxy.release()
    until(page, lambda: page.evaluate("events.length") > 1)
    uploaded(page)


def test_requests_that_something_else_aborts(page, proxy, film):
    """A phone that aborts the requests of a page is a network error: the parts are sent again."""
    page.evaluate(
        """() => {
          const real = XMLHttpRequest.prototype.send;
          let left = 2;
          XMLHttpRequest.prototype.send = function (body) {
            real.call(this, body);
            if ((left -= 1) >= 0) setTimeout(() => this.abort(), 20);
          };
        }"""
    )
    slow(page, 20 * MIB)
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3
    assert "abort" not in str(page.evaluate("events"))


def test_a_service_worker_that_relays(page, proxy, live_server, film):
    """Behind a worker of the site there is no progress to hear: parts that arrived are the progress."""
    page.evaluate(
        """async () => {
          const policy = trustedTypes.createPolicy("worker", { createScriptURL: (url) => url });
          await navigator.serviceWorker.register(policy.createScriptURL("/worker.js"));
          await navigator.serviceWorker.ready;
        }"""
    )
    page.reload()
    assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
    page.evaluate("() => addEventListener('s3store:progress', (event) => (window.loaded = event.detail.loaded))")
    upload_until_one_part_is_there(page, proxy, film)
    # The third part. Of the other two, the worker tells nothing.
    until(page, lambda: page.evaluate("window.loaded") == MIB)
    proxy.release()
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3


def test_reload_and_choose_the_file_again(page, context, proxy, film):
    """The upload continues after a reload: each part is sent once, and leaving the page asked first."""
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
    page.click("#id_title")
    upload_until_one_part_is_there(page, proxy, film)
    page.reload()
    assert dialogs == ["beforeunload"]
    assert len(parts_that_arrived(proxy)) == 1
    proxy.release()
    assert "film" not in page.evaluate("JSON.stringify(localStorage)")
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3
    assert upload_site.steps() == ["begin", "parts", "sign", "complete"]
    assert page.evaluate("localStorage.length") == 0
    page.fill("#id_title", "a")
    saved(page)
    assert len(dialogs) == 1
    assert Upload.objects.get().file.read() == film.read_bytes()


def test_another_content_of_the_same_name_and_size(page, proxy, film):
    """A file with the name, size and date of the first one is a new upload."""
    page.on("dialog", lambda dialog: dialog.accept())
    upload_until_one_part_is_there(page, proxy, film)
    page.reload()
    proxy.release()
    stat = film.stat()
    content = b"y" * stat.st_size
    film.write_bytes(content)
    os.utime(film, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    page.set_input_files("#id_file", film)
    uploaded(page)
    page.fill("#id_title", "a")
    saved(page)
    assert upload_site.steps() == ["begin", "begin", "complete"]
    assert Upload.objects.get().file.read() == content


def test_nothing_can_be_remembered(page, film):
    """A full or forbidden memory of the browser does not matter to the upload."""
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full') } }")
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert page.errors == []


def test_two_tabs(page, context, proxy, film, live_server):
    """Both upload the same file at the same time, each its own, and both forms are saved."""
    other = watched(context.new_page())
    other.goto(live_server.url)
    upload_site.calls.clear()
    for each in (page, other):
        slow(each, 6 * MIB)
        each.set_input_files("#id_file", film)
    for each in (page, other):
        uploaded(each)
        each.fill("#id_title", "a")
        saved(each)
        quiet(each)
    assert upload_site.steps().count("begin") == 2
    assert {row.file.read() for row in Upload.objects.all()} == {film.read_bytes()}
    assert len({row.file.name for row in Upload.objects.all()}) == 2


def test_an_expired_ticket_is_renewed(page, film, monkeypatch):
    """The upload goes on with a new ticket, and the user sees nothing of it."""
    real, renewed = service.read_ticket, []

    def read_ticket(text, *, renew=False):
        if renew:
            renewed.append(text)
        elif not renewed:
            raise UploadRefusedError("ticket_expired", "The upload took too long.", status=403)
        return real(text, renew=renew)

    monkeypatch.setattr(service, "read_ticket", read_ticket)
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert upload_site.steps() == ["begin", "complete", "parts", "complete"]


def test_expired_urls_are_signed_again(page, proxy, film, monkeypatch):
    """A part that S3 refuses is signed once more, together with the others."""
    monkeypatch.setattr(requests, "PART_SECONDS", 1)

    def late(route):
        answer = route.fetch()
        monkeypatch.setattr(requests, "PART_SECONDS", 3600)
        page.wait_for_timeout(2500)
        route.fulfill(response=answer)

    page.route("**/begin/", late)
    page.set_input_files("#id_file", film)
    uploaded(page)
    assert sorted(exchange.status for exchange in proxy.requests("PUT", PART)) == [200, 200, 200, 403, 403, 403]
    assert upload_site.steps().count("sign") <= 3


def test_an_upload_that_is_gone(page, proxy, film):
    """What was deleted in the bucket half way begins again by itself."""
    upload_until_one_part_is_there(page, proxy, film)
    [found] = open_uploads()
    client, name = storage().client, storage().options.bucket_name
    client.abort_multipart_upload(Bucket=name, Key=found["Key"], UploadId=found["UploadId"])
    proxy.release()
    uploaded(page)
    assert upload_site.steps()[-2:] == ["begin", "complete"]
    assert open_uploads() == []


def test_a_login_in_another_tab(page, context, live_server):
    """A new CSRF token is fetched, and the form of the page gets it too."""
    old = page.input_value("[name=csrfmiddlewaretoken]")
    context.add_cookies([{"name": "csrftoken", "value": "x" * 32, "url": live_server.url}])
    choose(page, "note.txt", b"hello")
    uploaded(page)
    assert page.input_value("[name=csrfmiddlewaretoken]") != old
    assert upload_site.steps() == ["begin", "token", "begin"]
    page.fill("#id_title", "a")
    saved(page)


def test_the_session_ends_half_way(page, context, live_server, user, proxy, film):
    """The upload waits for a login in another tab, and goes on: parts that arrived are not sent again."""
    upload_until_one_part_is_there(page, proxy, film)
    Session.objects.all().delete()
    proxy.release()
    shows(page, "You are logged out. Log in in another tab, then continue.", 2)
    log_in(context, live_server, user)
    button(page, "Continue film.mp4").click()
    uploaded(page)
    assert len(parts_that_arrived(proxy)) == 3


# The form


def test_a_form_with_another_error_keeps_the_upload(page):
    """The file is in the page that comes back, with name and size, and is not uploaded again."""
    choose(page, "note.txt", b"hello")
    uploaded(page)
    page.evaluate("document.querySelector('#id_title').removeAttribute('maxlength')")
    page.fill("#id_title", "x" * 21)
    button(page, "Save").click()
    shows(page, "at most 20 characters")
    assert page.locator("[data-state=done] .s3store-name").inner_text() == "note.txt"
    page.fill("#id_title", "a")
    saved(page)
    assert upload_site.steps() == ["begin"]
    assert Upload.objects.get().file.read() == b"hello"
    quiet(page)


def test_without_javascript(chromium, proxy, live_server, user):
    """The same form uploads through Django."""
    context = chromium.new_context(java_script_enabled=False)
    log_in(context, live_server, user)
    page = context.new_page()
    page.goto(live_server.url)
    choose(page, "note.txt", b"hello")
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"
    assert list(upload_site.posted[0][1]) == ["file"]
    context.close()


def test_a_double_click_on_a_button(page, proxy, film):
    """The form is sent once, with the button that was pressed first, when the upload is complete."""
    page.fill("#id_title", "a")
    proxy.hold(f"PUT .*{PART}")
    page.set_input_files("#id_file", film)
    button(page, "Save and add another").dblclick()
    assert page.get_attribute("form", "aria-busy") == "true"
    button(page, "Save").click()
    proxy.release()
    page.wait_for_url("**/done/")
    [(fields, _, _)] = upload_site.posted
    assert "_again" in fields
    assert "_save" not in fields
    assert len([text for text in fields["file"] if text]) == 1


def test_cancelling_releases_the_form(page, proxy, film):
    """A form that waited for a cancelled file is not sent without it."""
    page.fill("#id_title", "a")
    upload_until_one_part_is_there(page, proxy, film)
    button(page, "Save").click()
    button(page, "Cancel film.mp4").click()
    page.locator(".s3store-file").wait_for(state="detached")
    assert page.get_attribute("form", "aria-busy") is None
    assert not page.locator(".s3store-hold").count()
    assert upload_site.posted == []
    saved(page)


def test_the_back_button(page, live_server):
    """A page that comes back out of the browser's cache still has its file, and works."""
    choose(page, "note.txt", b"hello")
    uploaded(page)
    page.evaluate("addEventListener('pageshow', (event) => { window.persisted = event.persisted })")
    page.goto(f"{live_server.url}/done/")
    page.go_back(wait_until="commit")
    assert page.evaluate("window.persisted") is True
    assert page.locator("[data-state=done]").count() == 1
    page.fill("#id_title", "a")
    saved(page)
    assert Upload.objects.get().file.read() == b"hello"


def test_a_required_field(page, live_server):
    """The browser asks for the file at the visible input, until one is on its way."""
    page.goto(f"{live_server.url}/many/")
    button(page, "Save").click()
    assert page.evaluate("document.activeElement.id") == "id_files"
    choose(page, "a.txt", b"a", field="id_files")
    uploaded(page)
    assert page.get_attribute("#id_files", "required") is None
    button(page, "Remove a.txt").click()
    assert page.get_attribute("#id_files", "required") is not None
    assert upload_site.posted == []


def test_several_files_and_one_of_them_removed(page, live_server):
    """Receipts are sent in the order of the files, without the one that was removed."""
    page.goto(f"{live_server.url}/many/")
    for name in "abc":
        choose(page, f"{name}.txt", name.encode(), field="id_files")
    uploaded(page, 3)
    button(page, "Remove b.txt").click()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove c.txt"
    choose(page, "b.txt", b"again", field="id_files")
    uploaded(page, 3)
    saved(page)
    assert [name for name, *_ in upload_site.posted[0]] == ["a.txt", "c.txt", "b.txt"]
    quiet(page)


LOOP = """() => {
  const begun = performance.now();
  let sum = 0;
  for (let n = 0; n < 2e7; n += 1) sum = (sum + n * 7) % 1000003;
  return performance.now() - begun + (sum < 0);
}"""


def test_two_thousand_files(page, live_server, proxy):
    """The page stays usable: no long task, a hundred rows, and seven files at a time."""
    page.goto(f"{live_server.url}/many/")
    # About a tenth of a second, and the limit half a second. A busy machine delays both.
    unit = max(page.evaluate(LOOP) for _ in range(3))
    upload_site.calls.clear()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n < 2000; n += 1) data.items.add(new File(["x"], `${n}.txt`));
          const input = document.querySelector("#id_files");
          input.files = data.files;
          setTimeout(() => { longest = 0; input.dispatchEvent(new Event("change")); }, 100);
        }"""
    )
    uploaded(page, 20)
    assert page.locator(".s3store-file").count() == 100
    shows(page, "Not shown: 1,900")
    assert page.evaluate("longest") < 5 * unit
    begun = len(upload_site.steps())
    stored = [exchange for exchange in proxy.requests("POST") if exchange.status == 201]
    assert begun <= len(stored) + 7
    quiet(page)


# Other ways into the field


def test_drop(page, context, live_server):
    """A file dropped on the field is uploaded, and one beside it is not opened in place of the page."""
    assert page.evaluate(DROP, [".s3store-upload", "dragenter", ["a.txt"]])
    assert page.locator(".s3store-over .s3store-dropping").inner_text() == "Drop to upload"
    assert page.locator(".s3store-drop:visible").all_inner_texts() == ["or drop a file here"]
    assert page.evaluate(DROP, [".s3store-upload", "drop", ["a.txt"]]) is False
    uploaded(page)
    assert not page.locator(".s3store-over").count()
    for kind in ("dragover", "drop"):
        assert page.evaluate(DROP, ["body", kind, ["b.txt"]]) is False
    assert page.locator(".s3store-file").count() == 1
    page.evaluate("document.querySelector('#id_file').disabled = true")
    assert page.evaluate(DROP, [".s3store-upload", "drop", ["c.txt"]]) is False
    assert page.locator(".s3store-name").all_inner_texts() == ["a.txt"]
    quiet(page)


FOLDER = """(selector) => {
  const file = (name) => ({ isFile: true, file: (found) => found(new File(["x"], name)) });
  const folder = (entries) => ({
    isDirectory: true,
    createReader: () => ({ readEntries: (found) => found(entries.splice(0, 100)) }),
  });
  const names = Array.from({ length: 103 }, (_, index) => file(`${index}.txt`));
  const entry = folder([...names, folder([file("deep.txt")])]);
  const event = new Event("drop", { bubbles: true, cancelable: true });
  event.dataTransfer = { types: ["Files"], files: [], items: [{ webkitGetAsEntry: () => entry }] };
  document.querySelector(selector).dispatchEvent(event);
}"""


def test_a_folder(page, live_server):
    """A field for several files takes what is in a folder, of which browsers list 100 entries at a time."""
    page.evaluate(FOLDER, ".s3store-upload")
    shows(page, "Folders cannot be uploaded here. Choose files.")
    page.goto(f"{live_server.url}/many/")
    page.route("**/begin/", lambda route: None)
    page.evaluate(FOLDER, ".s3store-upload")
    shows(page, "Not shown: 4")


def test_paste(page):
    """A pasted picture gets a name with the date; pasted text is left alone."""
    page.focus("#id_file")
    paste = """(name) => {
      const data = new DataTransfer();
      if (name) data.items.add(new File(["x"], name, { type: "image/png" }));
      else data.setData("text/plain", "hello");
      const options = { bubbles: true, cancelable: true, clipboardData: data };
      return document.activeElement.dispatchEvent(new ClipboardEvent("paste", options));
    }"""
    assert page.evaluate(paste, "") is True
    assert page.evaluate(paste, "image.png") is False
    uploaded(page)
    assert page.locator(".s3store-name").inner_text().startswith("pasted-20")


def test_events(page):
    """Scripts of the site hear what happens, and can refuse a file."""
    choose(page, "a.txt", b"a")
    uploaded(page)
    # On a slow machine there is time for progress between them.
    heard = [event for event in page.evaluate("events") if event[0] != "progress"]
    assert heard == [["start", "a.txt"], ["success", "a.txt"]]
    page.evaluate("addEventListener('s3store:start', (event) => event.preventDefault())")
    button(page, "Remove a.txt").click()
    choose(page, "b.txt", b"b")
    assert page.locator(".s3store-file").count() == 0
    assert upload_site.steps() == ["begin"]


def test_what_screen_readers_hear(clocked, film):
    """Start, half and end, never two texts within ten seconds, and the newest wins; errors come at once."""
    page = clocked
    slow(page, 4 * MIB)
    page.set_input_files("#id_file", film)
    uploaded(page)
    said = page.evaluate("said")
    assert [text for _, text in said] == ["Uploading film.mp4"]
    page.clock.fast_forward(10_000)
    until(page, lambda: len(page.evaluate("said")) > 1)
    (first, _), (second, text) = page.evaluate("said")
    assert text == "film.mp4 is uploaded"
    assert second - first > 9000
    choose(page, "holiday.mov", b"", "video/quicktime")
    assert page.get_by_role("alert").first.inner_text().startswith("holiday.mov: The file is empty")


def test_progress_never_goes_back(page, film):
    """The bar of the file only grows, and stays below 100 % until the last answer."""
    slow(page, 4 * MIB)
    page.evaluate(
        """() => { window.seen = []; document.addEventListener("s3store:progress",
          (event) => seen.push(event.detail.loaded / event.detail.size)) }"""
    )
    page.set_input_files("#id_file", film)
    uploaded(page)
    seen = page.evaluate("seen")
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert max(seen[:-1]) < 1


# Other scripts, and the admin


def test_a_field_that_another_script_inserts(page):
    """A form that a script puts into the page works, and an upload in the one that it replaces is cancelled."""
    choose(page, "note.txt", b"hello")
    uploaded(page)
    page.evaluate(
        """async () => {
          const text = await (await fetch("/")).text();
          const policy = trustedTypes.createPolicy("test", { createHTML: (html) => html });
          document.body.innerHTML = policy.createHTML(text.slice(text.indexOf("<form"), text.indexOf("</form>")));
        }"""
    )
    assert page.locator(".s3store-file").count() == 0
    choose(page, "other.txt", b"other")
    uploaded(page)
    # As a script does that adds a row: it has what the first widget made, and is one of its own.
    page.evaluate(
        """() => {
          const copy = document.querySelector(".s3store-upload").cloneNode(true);
          copy.querySelector("input[type=file]").id = "copy";
          document.querySelector("form").prepend(copy);
        }"""
    )
    assert page.locator(".s3store-hint").count() == 3
    assert page.locator("[data-state=done]").count() == 2
    choose(page, "third.txt", b"third", field="copy")
    page.get_by_text("third.txt", exact=True).wait_for()
    assert page.locator(".s3store-name").all_inner_texts() == ["third.txt", "other.txt"]
    quiet(page)


def test_rows_that_the_admin_adds(page, live_server):
    """In stacked and tabular rows that the admin's script adds, files upload directly."""
    page.goto(f"{live_server.url}/admin/app/album/add/")
    page.fill("#id_title", "a")
    page.locator(".add-row a").nth(0).click()
    page.locator(".add-row a").nth(1).click()
    for field in ("id_photo_set-0-file", "id_photo_set-1-file", "id_note_set-1-file"):
        choose(page, f"{field}.txt", b"hello", field=field)
    uploaded(page, 3)
    page.locator("#photo_set-0 .inline-deletelink, #note_set-1 .inline-deletelink").first.click()
    page.click("[name=_save]")
    page.wait_for_url("**/album/")
    assert Album.objects.count() == 1
    assert [row.file.read() for row in [*Photo.objects.all(), *Note.objects.all()]].count(b"hello") >= 2
    assert page.errors == []


# Django's: an empty header of the tables, and links in the line of links.
OF_DJANGO = ("empty-table-header", "link-in-text-block")


def test_axe_finds_nothing(page, live_server, proxy):
    """The pages are accessible by what axe-core checks: with files of several states, in narrow and wide rows."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.evaluate("() => { Math.random = () => 0 }")
    choose(page, "photo.png", b"", "image/png", field="id_image")
    proxy.harm({"reset": 1.0})
    choose(page, "a name of some length for a small window.txt", b"hello")
    shows(page, "cannot be reached")
    proxy.harm({})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert violations(page) == []
    page.goto(f"{live_server.url}/admin/app/album/add/")
    page.locator(".add-row a").nth(1).click()
    choose(page, "note.txt", b"hello", field="id_note_set-1-file")
    choose(page, "holiday.mov", b"", "video/quicktime", field="id_photo_set-0-file")
    uploaded(page)
    assert violations(page, without=OF_DJANGO) == []


def test_the_popup_of_the_admin(page, live_server):
    """The window that adds a related row uploads directly, tells its opener the new row, and closes."""
    page.goto(f"{live_server.url}/admin/app/upload/add/")
    page.evaluate(
        """() => {
            const link = document.createElement("a");
            link.id = "add_id_title";
            link.className = "related-widget-wrapper-link";
            link.dataset.popup = "yes";
            link.href = "?_popup=1";
            link.textContent = "Add another";
            document.querySelector("#content").append(link);
        }"""
    )
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Add another").click()
    popup = watched(opened.value)
    popup.fill("#id_title", "a")
    choose(popup, "note.txt", b"hello")
    uploaded(popup)
    quiet(popup)
    with popup.expect_event("close"):
        popup.click("[name=_save]")
    row = Upload.objects.get()
    assert row.file.read() == b"hello"
    assert page.input_value("#id_title") == str(row.pk)
    quiet(page)


def test_users_who_may_only_look(page, context, live_server, django_user_model):
    """Read-only pages of the admin show the file, and load nothing."""
    row = Upload.objects.create(title="a")
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    eve.user_permissions.add(Permission.objects.get(codename="view_upload"))
    log_in(context, live_server, eve)
    page.goto(f"{live_server.url}/admin/app/upload/{row.pk}/change/")
    assert page.get_by_text("Image").first.is_visible()
    assert page.locator("[data-s3store-upload], script[src*=s3store]").count() == 0


def test_clear_and_replace_in_the_admin(page, live_server):
    """The change form shows the file that is there; another one replaces it, and the checkbox clears the field."""
    with contextlib.suppress(Upload.DoesNotExist):
        page.fill("#id_title", "a")
        choose(page, "note.txt", b"hello")
        saved(page)
    row = Upload.objects.get()
    page.goto(f"{live_server.url}/admin/app/upload/{row.pk}/change/")
    choose(page, "new.txt", b"new")
    page.click("[name=_continue]")
    shows(page, "was changed successfully")
    row.refresh_from_db()
    assert row.file.read() == b"new"
    assert objects() == [row.file.name]
    page.check("#file-clear_id")
    page.click("[name=_continue]")
    shows(page, "was changed successfully")
    row.refresh_from_db()
    assert not row.file
    assert objects() == []
