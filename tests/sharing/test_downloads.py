"""What a link sends: the file itself, by a URL that ends with the share or through Django, and how often."""

from __future__ import annotations

import asyncio
import io
import time
import urllib.request
import uuid
import zipfile
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.handlers.asgi import ASGIRequest
from django.test import RequestFactory
from django.utils.timezone import now

from s3store.sharing import AccessLog, Share, create
from s3store.sharing.views import ZipView
from s3store.sharing.views.archives import archive_response
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.sharing.conftest import FILES, Visitor, at, body_of, fetched, path_of, person
from tests.sharing.site import Place, root_folder

pytestmark = pytest.mark.django_db


def seconds_of(url):
    """Return the lifetime of a signed URL."""
    return int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])


@pytest.mark.parametrize(("path", "inside"), [("offer.pdf", ""), ("docs", "plan.txt")])
def test_b19_a_download_is_a_temporary_url(share, guest, path, inside):
    """The button is a POST: it is counted, logged and redirected to the bucket, where the browser saves the file."""
    made, link = share(path)
    guest.open(link)
    answer = guest.post(at(made, "download/", inside))
    assert answer.status_code == 303
    sent = fetched(guest, answer["Location"])
    assert "attachment" in sent["Content-Disposition"]
    assert body_of(sent) == FILES["offer.pdf" if not inside else f"docs/{inside}"]
    made.refresh_from_db()
    assert made.downloads == 1
    row = AccessLog.objects.get(action="downloaded")
    assert (row.path, row.actor, row.user) == ("/".join(filter(None, (path, inside))), f"guest of {made.email}", None)


def test_b20_and_b21_members_get_120_seconds_and_each_access_is_checked(share, guest):
    """A recipient with an account gets 120 s, a guest 60; the URL of the site asks again each time."""
    made, link = share(email="mara@nordlicht-solar.example")
    mara = Visitor()
    mara.force_login(person("mara", "", verified=True))
    guest.open(link)
    for visitor, seconds in ((mara, 120), (guest, 60)):
        answer = visitor.get(at(made, "view/", "plan.txt"))
        assert answer.status_code == 302
        assert seconds_of(answer["Location"]) == seconds
        assert answer["Cache-Control"] == "private, no-store"
    made.revoke()
    for visitor in (mara, guest):
        assert visitor.get(at(made, "view/", "plan.txt")).status_code == 410
    rows = AccessLog.objects.filter(action="viewed")
    assert {(row.user and row.user.username, row.actor) for row in rows} == {
        ("mara", "Mara Vogt"),
        (None, f"guest of {made.email}"),
    }


def test_b22_and_b23_a_project_chooses_to_stream(share, guest, settings):
    """The content comes through Django, with ranges."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "mode": "stream"}
    made, link = share()
    guest.open(link)
    answer = guest.post(at(made, "download/", "plan.txt"))
    assert (answer.status_code, body_of(answer)) == (200, b"the plan")
    assert "attachment" in answer["Content-Disposition"]
    part = guest.get(at(made, "view/", "film.webm"), headers={"Range": "bytes=4-7"})
    assert (part.status_code, body_of(part)) == (206, b"film")


@pytest.mark.parametrize("left", [5, 30, 59])
def test_sh_18_and_st_05_a_url_ends_with_its_share(share, guest, left):
    """It lives 60 s at most, and never past the end of the share."""
    made, link = share()
    guest.open(link)
    Share.objects.filter(pk=made.pk).update(expires_at=now() + timedelta(seconds=left + 0.9))
    answer = guest.post(at(made, "download/", "plan.txt"))
    assert left - 2 <= seconds_of(answer["Location"]) <= left


@pytest.mark.parametrize("path", ["docs", "docs/plan.txt"], ids=["folder", "file"])
def test_sh_18_a_url_leads_to_the_version_that_was_asked_for(moto, storage, lena, guest, settings, path):
    """In a bucket that keeps versions, a file that gets the name later is not behind the URL."""
    options = {**options_for(moto), "bucket_name": f"v-{uuid.uuid4().hex}"}
    Place.storage = S3Storage(**options)
    Place.storage.client.create_bucket(Bucket=options["bucket_name"])
    status = {"Status": "Enabled"}
    Place.storage.client.put_bucket_versioning(Bucket=options["bucket_name"], VersioningConfiguration=status)
    Place.storage.save("north/docs/plan.txt", ContentFile(b"the plan"))
    made, link = create(
        root_folder(), path, email="priya@printworks.example", expires_at=now() + timedelta(days=1), created_by=lena
    )
    guest.open(link)
    routes = [at(made, route, "plan.txt" if path == "docs" else "") for route in ("download/", "view/")]
    urls = [guest.post(routes[0])["Location"], guest.get(routes[1])["Location"]]
    Place.storage.delete("north/docs/plan.txt")
    Place.storage.save("north/docs/plan.txt", ContentFile(b"not for guests"))
    for url in urls:
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"the plan"
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "pin_versions": False}
    with urllib.request.urlopen(guest.get(routes[1])["Location"]) as answer:
        assert answer.read() == b"not for guests"


def test_st_05_no_setting_makes_it_longer(share, guest, settings):
    """For guests, 60 s are the most."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "guest_seconds": 86400}
    made, link = share()
    guest.open(link)
    assert seconds_of(guest.post(at(made, "download/", "plan.txt"))["Location"]) == 60


def test_sh_11_downloads_are_counted_by_the_button_only(share, guest):
    """GET is not allowed, the last download is the last, and then the link has ended."""
    made, link = share(max_downloads=2)
    guest.open(link)
    assert guest.get(at(made, "download/", "plan.txt")).status_code == 405
    assert guest.post(at(made, "download/", "missing.txt")).status_code == 404
    assert guest.post(at(made, "download/", "sub")).status_code == 404
    answers = [guest.post(at(made, "download/", "plan.txt")).status_code for _ in range(3)]
    assert answers == [303, 303, 410]
    assert Visitor().open(link).status_code == 410
    made.refresh_from_db()
    assert (made.downloads, made.state) == (2, "used_up")


def test_sh_11_the_last_download_is_taken_once(share):
    """Also by two requests that have seen the same row."""
    made, _ = share(max_downloads=1)
    copies = [Share.objects.get(pk=made.pk) for _ in range(3)]
    assert [copy.take_download() for copy in copies] == [True, False, False]


def test_sh_11_between_the_check_and_the_count_a_share_can_end(share, guest, monkeypatch):
    """The count decides."""
    made, link = share(max_downloads=1)
    guest.open(link)
    monkeypatch.setattr(Share, "take_download", lambda self: False)
    assert guest.post(at(made, "download/", "plan.txt")).status_code == 410
    assert not AccessLog.objects.filter(action="downloaded").exists()


def test_sh_11_no_preview_where_downloads_are_counted(share, guest):
    """It is the content."""
    made, link = share("docs/plan.txt", max_downloads=3)
    page = guest.open(link).content
    assert b"the plan" not in page
    assert b"/view/" not in page
    assert guest.get(at(made, "view/")).status_code == 403


def test_sh_11_forms_need_a_csrf_token(share):
    """A page of another site cannot use up a download."""
    made, link = share()
    visitor = Visitor(enforce_csrf_checks=True)
    visitor.open(link)
    assert visitor.post(at(made, "download/", "plan.txt")).status_code == 403
    made.refresh_from_db()
    assert made.downloads == 0


def test_st_11_a_download_that_runs_may_finish(share, guest, settings):
    """Stopping the share refuses the next request; what is being sent goes on."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "mode": "stream"}
    made, link = share()
    guest.open(link)
    running = guest.post(at(made, "download/", "film.webm"))
    made.revoke()
    assert guest.post(at(made, "download/", "film.webm")).status_code == 410
    assert body_of(running) == FILES["docs/film.webm"]


KINDS = {
    "plan.txt": b"<pre",
    "data.json": b"<pre",
    "letter.docx": b"Download</button>",
    "roof.jpg": b'<img class="preview"',
    "film.webm": b"<video",
}


@pytest.mark.parametrize(("name", "element"), KINDS.items())
def test_a_page_shows_what_can_be_shown(share, guest, storage, name, element):
    """Pictures, films and text, but no documents of Word. Without the script, a film has another URL."""
    for added in ("data.json", "letter.docx"):
        storage.save(f"north/docs/{added}", ContentFile(b"{}"))
    made, link = share()
    guest.open(link)
    page = guest.get(at(made, "in/", name))
    assert element in page.content
    assert (b"<pre" in page.content) == (element == b"<pre")
    if name == "film.webm":
        url = at(made, "view/", name)
        assert f'data-s3store-player="{url}" data-seconds="60"' in page.content.decode()
        assert (
            f'<noscript><video class="preview" controls preload="metadata" src="{url}?stream"' in page.content.decode()
        )
        streamed = guest.get(f"{url}?stream", headers={"Range": "bytes=0-3"})
        assert (streamed.status_code, body_of(streamed)) == (206, b"film")


def test_sh_19_a_player_is_one_row_in_the_log(share, guest):
    """It asks for a film in many parts."""
    made, link = share()
    guest.open(link)
    url = at(made, "view/", "film.webm")
    for header in ("bytes=0-", "bytes=100-", "bytes=200-300"):
        assert guest.get(url, headers={"Range": header}).status_code == 302
    assert guest.head(url).status_code == 302
    assert AccessLog.objects.filter(action="viewed").count() == 1


HOSTILE = {
    "page.html": b"<script>alert(1)</script>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "feed.xml": b"<?xml version='1.0'?><x/>",
    "style.xsl": b"<xsl/>",
    "code.js": b"alert(1)",
    "mail.eml": b"Content-Type: text/html\n\n<script>alert(1)</script>",
    "old.mht": b"MIME-Version: 1.0\n\n<script>alert(1)</script>",
    "cache.appcache": b"CACHE MANIFEST",
    "book.epub": b"PK",
    "notes.md": b"<script>alert(1)</script> ![x](https://evil.example/x.png)",
    "table.csv": b"=cmd|'/C calc'!A0,<script>alert(1)</script>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_sh_38_hostile_files_are_saved_or_escaped(share, guest, storage, settings, name):
    """No browser runs them: neither from the bucket nor from Django, and the page escapes what it shows."""
    storage.save(f"north/docs/{name}", ContentFile(HOSTILE[name]))
    made, link = share()
    guest.open(link)
    page = guest.get(at(made, "in/", name)).content
    assert b"<script>alert" not in page
    assert b"onload=" not in page
    assert b"evil.example" not in page or b"<img" not in page
    redirect = guest.get(at(made, "view/", name))
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "mode": "stream"}
    streamed = guest.get(at(made, "view/", name))
    for answer in (fetched(guest, redirect["Location"]), streamed):
        content_type = answer["Content-Type"].partition(";")[0]
        if answer is streamed or not redirect["Location"].startswith("http"):
            # A bucket does not send it.
            assert answer["X-Content-Type-Options"] == "nosniff"
        shown = answer["Content-Disposition"].startswith("inline")
        assert content_type in ("application/octet-stream", "application/epub+zip", "text/markdown", "text/csv") or (
            shown and content_type == "text/plain"
        )
        assert not shown or content_type == "text/plain"
        assert body_of(answer) == HOSTILE[name]
        if answer is streamed:
            assert "sandbox" in answer["Content-Security-Policy"]


def test_sh_38_a_text_is_shown_up_to_256_kib(share, guest, storage):
    """And bytes that are no UTF-8 are replaced."""
    storage.save("north/docs/long.txt", ContentFile(b"\xff" + b"x" * (300 * 1024)))
    made, link = share()
    guest.open(link)
    page = guest.get(at(made, "in/", "long.txt")).content.decode()
    assert "�x" in page
    assert 256 * 1024 - 10 < page.count("x") < 256 * 1024 + 500


def test_a_folder_is_sent_as_zip_and_counts_once(share, guest):
    """With its exact size, without the folder that the policy denies; a selection has only what was chosen."""
    made, link = share(max_downloads=3)
    guest.open(link)
    for path, chosen, names in (
        ("", [], {"plan.txt", "roof.jpg", "film.webm", "sub/deep.txt"}),
        ("", ["plan.txt", "sub"], {"plan.txt", "sub/deep.txt"}),
        ("sub", [], {"deep.txt"}),
    ):
        answer = guest.post(at(made, "zip/", path), {"names": chosen})
        content = body_of(answer)
        assert (answer["Content-Type"], int(answer["Content-Length"])) == ("application/zip", len(content))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            found = [name for name in archive.namelist() if name[-1] != "/"]
            assert len(found) == len(names), found
            assert all(any(one.endswith(name) for one in found) for name in names), found
    assert 'filename="sub.zip"' in answer["Content-Disposition"]
    assert guest.post(at(made, "zip/")).status_code == 410
    assert AccessLog.objects.filter(action="downloaded").count() == 3


def test_a_zip_that_is_too_large_is_refused_with_words(share, guest, monkeypatch):
    """On the page, before a byte is sent; it counts no download."""
    monkeypatch.setattr(ZipView, "limits", {"max_files": 2})
    made, link = share(max_downloads=1)
    guest.open(link)
    assert guest.post(at(made, "zip/"))["Location"] == at(made)
    assert "too much for one ZIP" in guest.get(at(made)).content.decode()
    made.refresh_from_db()
    assert made.downloads == 0


class Archived:
    """An archive whose blocks are known, and which notices when nobody reads on."""

    name, size = "a.zip", 6

    def __init__(self):
        self.stopped = False

    def __iter__(self):
        try:
            yield from (b"abc", b"", b"def")
        finally:
            self.stopped = True


def test_zips_are_streamed_under_asgi():
    """Block by block, also after an empty one; and the work stops when the client goes."""
    request = ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": []}, io.BytesIO())
    response = archive_response(request, Archived())

    async def read():
        return [block async for block in response.streaming_content]

    assert asyncio.run(read()) == [b"abc", b"def"]
    left = Archived()
    broken = archive_response(RequestFactory().post("/"), left)
    assert next(iter(broken)) == b"abc"
    for close in broken._resource_closers:
        close()
    assert left.stopped


def test_a_page_costs_few_requests(share, guest, moto_folder):
    """A file: 1 HEAD. A folder: 1 LIST for what it is, 1 for what is in it. A download: 1 HEAD."""
    made, link = share("docs", within=moto_folder)
    guest.get(path_of(link))
    costs = {}
    for url, method in (("in/sub", guest.get), ("in/plan.txt", guest.get), ("download/plan.txt", guest.post)):
        with counted_requests(moto_folder.storage) as requests:
            assert method(at(made, url)).status_code in (200, 303)
        costs[url] = len(requests)
    assert costs["download/plan.txt"] == 1
    assert costs["in/plan.txt"] <= 3
    assert costs["in/sub"] <= 3


def test_sh_07_unknown_links_take_as_long_as_known_ones(share, guest):
    """A link is looked up by its hash: nothing is compared letter by letter."""
    _, link = share()
    began = time.perf_counter()
    for number in range(20):
        guest.get(f"/s/{number}/")
    unknown = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(20):
        Visitor().get(path_of(link))
    assert unknown < 20 * (time.perf_counter() - began)
