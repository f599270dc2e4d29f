"""Files as answers: redirects, streams with all that HTTP says of them, and nginx."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import threading
import tracemalloc
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

import django
import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage
from django.core.handlers.asgi import ASGIHandler
from django.http import Http404
from django.middleware.common import CommonMiddleware
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncClient, RequestFactory
from django.urls import path
from django.utils.http import http_date

from s3store import errors
from s3store.core.parts import KIB, MIB
from s3store.core.presentation import SAVED, SHOWN
from s3store.files.pieces import PartReader
from s3store.serving import file_response, internal_uri
from s3store.storage import S3Storage
from s3store.streaming.chunks import AsyncChunks
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.optional import needs

# Django looks after its database at the ends of requests.
pytestmark = pytest.mark.django_db

CONTENT = bytes(range(100))
LONG_AGO = http_date(1_000_000_000)
NAME = "Übersicht 2026 +1 50%.bin"


def serve(storage, name="a.bin", *, method="get", query="", headers=None, **words):
    """Return the response to a request of a browser."""
    extra = {f"HTTP_{header.upper().replace('-', '_')}": value for header, value in (headers or {}).items()}
    request = getattr(RequestFactory(), method)(f"/file{query}", **extra)
    return file_response(request, storage, name, **words)


def stream(storage, name="a.bin", **words):
    """Return the response of the `stream` mode."""
    return serve(storage, name, mode="stream", **words)


def body(response):
    """Return the content that is left, and end the response as a server does."""
    content = b"".join(response.streaming_content)
    response.close()
    return content


def streamed(request, name):
    """A view of a site."""
    return file_response(request, "private", name, mode="stream")


urlpatterns = [path("streamed/<path:name>", streamed)]


@pytest.fixture
def site(settings):
    """Make a storage the one of the site's views."""

    def make(options):
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = []
        settings.STORAGES = {
            **settings.STORAGES,
            "private": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
        }
        return S3Storage(**options)

    return make


@pytest.fixture
def storage(s3_storage):
    """A storage with a file of 100 bytes."""
    s3_storage.save("a.bin", CONTENT)
    return s3_storage


# Redirects


def test_b21_a_redirect_leads_to_a_fresh_signed_url(seaweedfs_options):
    """S3 takes the signature, and answers with the file under the name that was given; nothing is sent before."""
    storage = S3Storage(**seaweedfs_options)
    storage.save(NAME, CONTENT)
    with counted_requests(storage) as requests:
        response = serve(storage, NAME, download_as="Übersicht.bin")
    assert (response.status_code, len(requests)) == (302, 0)
    with urllib.request.urlopen(response.url) as answer:
        assert answer.read() == CONTENT
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"Ubersicht.bin\"; filename*=UTF-8''%C3%9Cbersicht.bin"
        )


def test_a_redirect_is_signed_where_other_urls_are_not(s3_options):
    """A file that is asked permission for is not public."""
    storage = S3Storage(**s3_options, querystring_auth=False)
    assert "X-Amz-Signature=" in serve(storage).url


def test_a_head_is_redirected_to_a_url_for_head(seaweedfs_options):
    """A signature is for one method, and clients follow a redirect with the method they began with."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.bin", CONTENT)
    url = serve(storage, method="head").url
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
        assert answer.headers["Content-Length"] == "100"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)


@pytest.mark.parametrize(("expire", "seconds"), [(None, "120"), (30, "30"), (timedelta(minutes=5), "300")])
def test_b20_a_redirect_lives_shortly(storage, expire, seconds):
    """120 seconds unless the code says otherwise: seconds or a timedelta."""
    words = {} if expire is None else {"expire": expire}
    assert parse_qs(urlsplit(serve(storage, **words).url).query)["X-Amz-Expires"] == [seconds]


@pytest.mark.parametrize("mode", ["redirect", "accelerate"])
def test_su_14_a_link_is_given_to_the_browser_alone(storage, mode):
    """No cache keeps it, no other site is told, and no cookie is set beside it."""
    response = serve(storage, mode=mode)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies


@pytest.mark.parametrize("mode", ["redirect", "accelerate", "stream"])
def test_su_04_the_query_of_a_request_changes_nothing(storage, mode, monkeypatch):
    """What S3 is to answer is the code's to say."""
    monkeypatch.setattr("s3store.mixins.linked.time.time", lambda: 1_700_000_000.0)
    query = (
        "?response-content-type=text/html&response-content-disposition=inline&ResponseContentType=text/html"
        "&download_as=evil.exe&inline=1&content_type=text/html&expire=604800&mode=stream&name=other"
    )
    plain, asked = serve(storage, mode=mode), serve(storage, mode=mode, query=query)
    assert {**asked.headers} == {**plain.headers}
    assert asked.status_code == plain.status_code
    for response in (plain, asked):
        response.close()


@pytest.mark.parametrize(
    ("name", "words", "content_type", "disposition"),
    [
        ("a.png", {"inline": True}, "image/png", "inline"),
        ("a.png", {}, "image/png", "attachment"),
        ("a.html", {"inline": True}, "application/octet-stream", "attachment"),
        ("a.svg", {"inline": True}, "application/octet-stream", "attachment"),
        ("a.zip", {"inline": True}, "application/zip", "attachment"),
        ("a", {"inline": True, "content_type": "image/png"}, "image/png", "inline"),
        ("a.png", {"inline": True, "content_type": "text/html"}, "application/octet-stream", "attachment"),
        ("sw.js", {"inline": True}, "application/octet-stream", "attachment"),
    ],
)
@pytest.mark.parametrize("mode", ["redirect", "stream"])
def test_sp_10_su_16_the_server_decides_the_type(s3_storage, mode, name, words, content_type, disposition):
    """A service worker or a page among uploads is saved as plain bytes, and pictures are shown when that is wanted."""
    s3_storage.save(name, b"GIF89a/*<script>*/=1")
    response = serve(s3_storage, name, mode=mode, **words)
    if mode == "redirect":
        query = parse_qs(urlsplit(response.url).query)
        found = (query["response-content-type"][0], query["response-content-disposition"][0])
    else:
        found = (response.headers["Content-Type"], response.headers["Content-Disposition"])
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == (SHOWN if disposition == "inline" else SAVED)
        response.close()
    assert found == (content_type, f'{disposition}; filename="{name}"')


def test_sp_10_a_stream_trusts_the_stored_type_no_further(s3_storage):
    """A page that was uploaded as a picture's name, or with a page's type, does not run."""
    s3_storage.save("a.png", b"<script>", content_type="text/html")
    s3_storage.save("b.png", b"<script>", content_type="Text/XML; charset=utf-8")
    for name in ("a.png", "b.png"):
        response = stream(s3_storage, name, inline=True)
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")
        response.close()


# Streams


def test_a38_b22_a_stream_says_all_about_the_file(storage):
    """The content, its length, type, name, time and ETag; one request."""
    stat = storage.stat("a.bin")
    with counted_requests(storage) as requests:
        response = stream(storage)
        assert body(response) == CONTENT
    assert requests.methods == ["GET"]
    assert response.status_code == 200
    assert {**response.headers} == {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'attachment; filename="a.bin"',
        "Content-Length": "100",
        "Content-Security-Policy": SAVED,
        "Content-Type": "application/octet-stream",
        "ETag": stat.etag,
        "Last-Modified": http_date(stat.modified.timestamp()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@pytest.mark.parametrize("size", [0, 1, 256 * KIB, 3 * MIB + 1])
def test_a_stream_is_the_content(s3_storage, size):
    """Of any size; also the empty file."""
    content = os.urandom(size)
    s3_storage.save("any.bin", content)
    response = stream(s3_storage, "any.bin")
    assert response.headers["Content-Length"] == str(size)
    assert body(response) == content


def test_a_head_costs_one_head(storage):
    """And says what a GET says."""
    with counted_requests(storage) as requests:
        head = stream(storage, method="head")
    assert (requests.methods, body(head)) == (["HEAD"], b"")
    get = stream(storage)
    get.close()
    assert {**head.headers} == {**get.headers}
    # What Django itself would say of an empty answer does not replace the file's length.
    again = CommonMiddleware(lambda request: stream(storage, method="head"))(RequestFactory().head("/"))
    assert again.headers["Content-Length"] == "100"


@pytest.mark.parametrize(
    ("header", "first", "stop", "requests"),
    [
        ("bytes=0-9", 0, 10, ["GET"]),
        ("bytes=10-", 10, 100, ["GET"]),
        ("bytes=0-", 0, 100, ["GET"]),
        ("bytes=90-1000", 90, 100, ["GET"]),
        ("bytes=99-99", 99, 100, ["GET"]),
        ("bytes=-10", 90, 100, ["HEAD", "GET"]),
        ("bytes=-1000", 0, 100, ["HEAD", "GET"]),
    ],
)
def test_a_range_is_a_part_of_the_file(storage, header, first, stop, requests):
    """One GET of these bytes alone; a range from the end needs to know where that is."""
    with counted_requests(storage) as sent:
        response = stream(storage, headers={"Range": header})
        assert body(response) == CONTENT[first:stop]
    assert sent.methods == requests
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{stop - 1}/100"
    assert response.headers["Content-Length"] == str(stop - first)


@pytest.mark.parametrize(
    "header",
    ["bytes=-0", "bytes=9-1", "bytes=a-b", "bytes=100-", "bytes=100-200", "bytes=" + ",".join(["0-0"] * 5000)],
    ids=lambda header: header[:12],
)
def test_su_15_bad_ranges_are_416(storage, header):
    """Several ranges, impossible ones and those behind the end; the answer says how long the file is."""
    response = stream(storage, headers={"Range": header})
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["Content-Range"] == "bytes */100"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_range(s3_storage, header):
    """Not even of its first byte."""
    s3_storage.save("empty", b"")
    response = stream(s3_storage, "empty", headers={"Range": header})
    assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */0")


def test_units_other_than_bytes_are_ignored(storage):
    """The whole file is sent."""
    response = stream(storage, headers={"Range": "lines=0-1"})
    assert (response.status_code, body(response)) == (200, CONTENT)


@pytest.mark.parametrize(
    ("header", "first", "stop"),
    [("bytes=0-", 0, 16), ("bytes=10-99", 10, 26), ("bytes=10-12", 10, 13), ("bytes=-20", 80, 96)],
)
def test_su_15_max_range_caps_what_one_request_gets(storage, header, first, stop):
    """The client asks again for what is missing."""
    response = stream(storage, headers={"Range": header}, max_range=16)
    assert body(response) == CONTENT[first:stop]
    assert response.headers["Content-Range"] == f"bytes {first}-{stop - 1}/100"


def test_if_range_joins_parts_of_one_version_only(storage):
    """The part comes while the ETag or the date is the file's; else the whole of the new version."""
    stat = storage.stat("a.bin")
    for current in (stat.etag, http_date(stat.modified.timestamp())):
        response = stream(storage, headers={"Range": "bytes=10-19", "If-Range": current})
        assert (response.status_code, body(response)) == (206, CONTENT[10:20])
    for other in ('"other"', f"W/{stat.etag}", LONG_AGO, "nonsense"):
        for header in ("bytes=10-19", "bytes=200-"):
            response = stream(storage, headers={"Range": header, "If-Range": other})
            assert (response.status_code, body(response)) == (200, CONTENT)


@pytest.mark.parametrize("method", ["get", "head"])
def test_what_s3_has_told_is_remembered(s3_options, storage, method):
    """Asking the storage for the size afterwards sends nothing."""
    anew = S3Storage(**s3_options)
    stream(anew, method=method).close()
    with counted_requests(anew) as requests:
        assert anew.size("a.bin") == 100
    assert requests == []


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_revalidation_costs_one_request(storage, method):
    """304 for the same ETag or date, with the headers that caches refresh."""
    stat = storage.stat("a.bin")
    modified = http_date(stat.modified.timestamp())
    for condition in ({"If-None-Match": f'"x", {stat.etag}'}, {"If-None-Match": "*"}, {"If-Modified-Since": modified}):
        with counted_requests(storage) as requests:
            response = stream(storage, method=method, headers=condition)
        assert (response.status_code, requests.methods, response.content) == (304, ["HEAD"], b"")
        assert response.headers["ETag"] == stat.etag
        assert response.headers["Last-Modified"] == modified
        assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_changed_file_is_sent_anew(storage):
    """Conditions that hold cost one request more."""
    for condition in ({"If-None-Match": '"other"'}, {"If-Modified-Since": LONG_AGO}):
        response = stream(storage, headers=condition)
        assert (response.status_code, body(response)) == (200, CONTENT)
    response = stream(storage, headers={"If-None-Match": '"other"', "Range": "bytes=0-9"})
    assert (response.status_code, body(response)) == (206, CONTENT[:10])


def test_a_version_that_is_gone_fails_the_precondition(storage):
    """If-Match and If-Unmodified-Since: 412."""
    for condition in ({"If-Match": '"other"'}, {"If-Unmodified-Since": LONG_AGO}):
        assert stream(storage, headers=condition).status_code == 412


def test_a_server_without_times_and_etags_is_served_all_the_same(moto):
    """What S3 did not say is not said; conditions that rest on it do not hold."""

    def respond(method, target, headers):
        return 200, {"Content-Type": "text/plain"}, b"content" if method == "GET" else b""

    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        options = {"bucket_name": "b", "access_key": "k", "secret_key": "s", "region_name": "us-east-1"}
        bare = S3Storage(**options, endpoint_url=proxy.url)
        response = stream(bare, "a.txt", headers={"If-Modified-Since": LONG_AGO})
        assert not {"ETag", "Last-Modified"} & set(response.headers)
        assert body(response) == b"content"


def test_the_encoding_of_an_upload_is_no_encoding_of_the_file(moto):
    """Some servers keep the aws-chunked that a body was sent with; browsers would take it for theirs."""

    def respond(method, target, headers):
        return 200, {"Content-Type": "text/plain", "Content-Encoding": "aws-chunked"}, b"content"

    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        options = {"bucket_name": "b", "access_key": "k", "secret_key": "s", "region_name": "us-east-1"}
        response = stream(S3Storage(**options, endpoint_url=proxy.url), "a.txt")
        assert "Content-Encoding" not in response.headers
        assert body(response) == b"content"


def test_a_part_of_nothing_keeps_no_connection(moto, monkeypatch):
    """Where a server answers a range of an empty object with the whole of it."""

    def respond(method, target, headers):
        return 200, {"Content-Type": "text/plain"}, b""

    readers = []

    class Kept(PartReader):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            readers.append(self)

    monkeypatch.setattr("s3store.streaming.stream.PartReader", Kept)
    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        options = {"bucket_name": "b", "access_key": "k", "secret_key": "s", "region_name": "us-east-1"}
        response = stream(S3Storage(**options, endpoint_url=proxy.url), "a.txt", headers={"Range": "bytes=0-9"})
    assert response.status_code == 416
    assert [reader.closed for reader in readers] == [True]


# What is not there


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-"}, {"Range": "bytes=-1"}, {"If-None-Match": "*"}], ids=str)
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_missing_file_is_404(s3_storage, method, headers):
    """Whatever was asked of it."""
    with pytest.raises(Http404, match=r"The file 'none\.bin'"):
        stream(s3_storage, "none.bin", method=method, headers=headers)


def test_other_errors_of_s3_are_errors(s3_options):
    """A missing bucket is no missing file."""
    storage = S3Storage(**{**s3_options, "bucket_name": "no-such-bucket-here"})
    with pytest.raises(errors.BucketNotFoundError):
        stream(storage)


@pytest.mark.parametrize("mode", ["redirect", "stream", "accelerate"])
def test_names_stay_inside_the_location(s3_storage, mode):
    """Django answers 400."""
    with pytest.raises(SuspiciousFileOperation):
        serve(s3_storage, "../other/a.bin", mode=mode)


@pytest.mark.parametrize("mode", ["redirect", "stream", "accelerate"])
@pytest.mark.parametrize("name", ["a.png", "./x//a.png", "x\\a.png", PurePosixPath("x/a.png")], ids=str)
def test_a_name_is_cleaned_before_anything_is_decided_by_it(s3_options, mode, name):
    """The type, the name for the browser, and the object parameters are those of the file that is served."""
    asked = []
    storage = S3Storage(**s3_options, object_parameters=lambda name: asked.append(name) or {})
    clean = "a.png" if name == "a.png" else "x/a.png"
    storage.save(clean, CONTENT, content_type="image/png")
    asked.clear()
    response = serve(storage, name, mode=mode, inline=True)
    if mode == "stream":
        assert body(response) == CONTENT
        # One more request, for the same name: of a size that is not known yet.
        stream(storage, name, headers={"Range": "bytes=-1"}).close()
        assert set(asked) == {clean}
    else:
        url = response.url if mode == "redirect" else response.headers["X-Accel-Redirect"]
        assert f"/{clean}?" in url
        assert parse_qs(urlsplit(url).query)["response-content-disposition"] == ['inline; filename="a.png"']
        assert parse_qs(urlsplit(url).query)["response-content-type"] == ["image/png"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_files_are_read_only(s3_storage, method):
    """405 for whatever is neither GET nor HEAD."""
    response = serve(s3_storage, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_b23_mistakes_in_the_code_say_what_to_do(s3_storage, tmp_path):
    """A mode that does not exist, parts without a byte, and a storage that is not in S3."""
    with pytest.raises(ImproperlyConfigured, match="Use one of redirect, stream, accelerate"):
        serve(s3_storage, mode="proxy")
    for mode in ("stream", "redirect"):
        for count in (0, -1):
            with pytest.raises(ImproperlyConfigured, match=f"max_range={count} must be at least 1 byte"):
                serve(s3_storage, mode=mode, max_range=count)
    with pytest.raises(ImproperlyConfigured, match="an S3Storage"):
        serve(FileSystemStorage(tmp_path))


# Stored gzipped


@pytest.fixture
def zipped(s3_options):
    """A storage that compresses, with a text in it."""
    storage = S3Storage(**s3_options, gzip=True)
    storage.save("a.txt", TEXT)
    return storage


TEXT = b"Some text. " * 10_000


def test_gzipped_bytes_go_as_they_are_to_who_takes_them(zipped):
    """With their encoding, their length, and ranges of them."""
    response = stream(zipped, "a.txt", headers={"Accept-Encoding": "gzip, br"})
    content = body(response)
    assert gzip.decompress(content) == TEXT
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Accept-Ranges"] == "bytes"
    part = stream(zipped, "a.txt", headers={"Accept-Encoding": "gzip", "Range": "bytes=5-9"})
    assert (part.status_code, part.headers["Content-Encoding"], body(part)) == (206, "gzip", content[5:10])


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "identity"}, {"Range": "bytes=5-9"}], ids=str)
def test_gzipped_bytes_are_inflated_for_others(zipped, headers):
    """Whole, since a range of what is stored is none of what they get; the ETag is weak, the bytes being others."""
    response = stream(zipped, "a.txt", headers=headers)
    assert (response.status_code, body(response)) == (200, TEXT)
    assert "Content-Encoding" not in response.headers
    assert "Content-Length" not in response.headers
    assert response.headers["Accept-Ranges"] == "none"
    assert response.headers["Vary"] == "Accept-Encoding"
    etag = response.headers["ETag"]
    assert etag == f"W/{zipped.stat('a.txt').etag}"
    assert stream(zipped, "a.txt", headers={"If-None-Match": etag}).status_code == 304


def test_what_others_have_gzipped_has_no_length_before_it_is_inflated(s3_options):
    """No wrong length is promised, neither by GET nor by HEAD."""
    storage = S3Storage(**s3_options, object_parameters={"ContentEncoding": "gzip"})
    storage.save("a.txt", gzip.compress(TEXT))
    response = stream(storage, "a.txt")
    assert "Content-Length" not in response.headers
    assert body(response) == TEXT
    head = CommonMiddleware(lambda request: stream(storage, "a.txt", method="head"))(RequestFactory().head("/"))
    assert "Content-Length" not in head.headers


@pytest.mark.parametrize("encoding", ["zstd", "deflate", "compress", "identity", "ZSTD", "gzip, zstd"])
def test_other_encodings_are_passed_on(s3_options, encoding):
    """Only gzip and Brotli are unpacked here; what the encoding is, the browser has to be told."""
    storage = S3Storage(**s3_options, object_parameters={"ContentEncoding": encoding})
    storage.save("a.txt", b"zstd")
    response = stream(storage, "a.txt", inline=True)
    assert (response.headers["Content-Encoding"], body(response)) == (encoding, b"zstd")
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("encoding", ["x-evil", "gzip, x-evil", "utf-8"])
def test_sp_10_encodings_that_no_browser_knows_are_not_passed_on(s3_options, encoding):
    """Nobody can tell what these bytes are: they are saved. Who uploads a file may have made the encoding up."""
    storage = S3Storage(**s3_options, object_parameters={"ContentEncoding": encoding})
    storage.save("a.txt", b"text")
    for words in ({}, {"content_type": "image/png"}):
        response = stream(storage, "a.txt", inline=True, **words)
        assert "Content-Encoding" not in response.headers
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"] == 'attachment; filename="a.txt"'
        assert body(response) == b"text"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"x" * 1000)[:-9]),
        ("gzip", gzip.compress(b"x" * 1000)[:10] + b"\xff" * 100),
        ("gzip", gzip.compress(b"x" * 1000)[:-8] + bytes(8)),
        ("br", b"\xff" * 100),
        ("br", b""),
    ],
    ids=["other", "cut-off", "damaged", "checksum", "brotli-other", "brotli-nothing"],
)
def test_sp_10_bytes_that_are_not_of_their_encoding_are_an_error_of_ours(s3_options, encoding, content):
    """It names the file and what to do. Who takes the encoding gets the bytes as they are."""
    if encoding == "br":
        needs("brotli")
    storage = S3Storage(**s3_options, object_parameters={"ContentEncoding": encoding})
    storage.save("a.txt", content)
    response = stream(storage, "a.txt")
    with pytest.raises(errors.ChecksumError, match=f"is not {encoding}, or is damaged: .* Content-Encoding") as caught:
        list(response)
    response.close()
    assert (caught.value.operation, caught.value.key) == ("get_object", storage.objects.key("a.txt"))
    assert body(stream(storage, "a.txt", headers={"Accept-Encoding": encoding})) == content


def test_middleware_that_compresses_leaves_parts_alone(s3_storage):
    """A part that was compressed would not be as long as its Content-Range says."""
    s3_storage.save("a.txt", TEXT)
    request = RequestFactory().get("/", HTTP_RANGE="bytes=0-4999", HTTP_ACCEPT_ENCODING="gzip")
    middleware = GZipMiddleware(lambda request: file_response(request, s3_storage, "a.txt", mode="stream"))
    response = middleware(request)
    assert (response.status_code, body(response)) == (206, TEXT[:5000])


def test_sx_04_an_object_that_unpacks_without_end_is_stopped(s3_options):
    """As where it is opened: this is no damage."""
    storage = S3Storage(**s3_options, object_parameters={"ContentEncoding": "gzip"}, max_inflated_size=MIB)
    storage.save("a.txt", gzip.compress(bytes(2 * MIB)))
    response = stream(storage, "a.txt")
    with pytest.raises(SuspiciousFileOperation, match="max_inflated_size"):
        list(response)
    response.close()


def test_a_connection_that_breaks_is_no_damage(seaweedfs_options, monkeypatch):
    """While an object is unpacked, S3's errors stay what they are."""
    monkeypatch.setattr("s3store.files.reader.RESUMES", 0)
    S3Storage(**seaweedfs_options, object_parameters={"ContentEncoding": "gzip"}).save(
        "a.bin", gzip.compress(os.urandom(2 * MIB), 0)
    )
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        response = stream(storage, "a.bin")
        with pytest.raises(errors.S3ConnectionError):
            list(response)
        response.close()


# Connections


@pytest.mark.parametrize("header", [None, "bytes=1000000-9000000"])
def test_a_broken_answer_of_s3_is_resumed(seaweedfs_options, header):
    """The browser sees nothing of it; what is asked for again ends where the part ends."""
    content = os.urandom(10 * MIB)
    S3Storage(**seaweedfs_options).save("a.bin", content)
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET", max_faults=3, seed=5
    ) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        response = stream(storage, headers={"Range": header} if header else {})
        assert body(response) == (content[1000000:9000001] if header else content)
        resumed = [exchange.request_headers for exchange in proxy.log][1:]
    assert len(resumed) == 3
    assert all("if-match" in headers for headers in resumed)
    assert all(headers["range"].endswith("-9000000" if header else "-") for headers in resumed)


def test_a_part_that_breaks_before_its_first_byte_is_resumed(seaweedfs_options):
    """Also one close to the end, where a reader that jumps would fetch all the rest."""
    content = os.urandom(MIB)
    S3Storage(**seaweedfs_options).save("a.bin", content)
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET", max_faults=1) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        response = stream(storage, headers={"Range": "bytes=1048000-1048000"})
        assert body(response) == content[1048000:1048001]
        assert [exchange.request_headers["range"] for exchange in proxy.log] == ["bytes=1048000-1048000"] * 2


@pytest.mark.parametrize("header", [None, "bytes=1-"])
def test_a_browser_that_goes_away_frees_the_connection(seaweedfs_options, header):
    """What it did not want is not fetched."""
    S3Storage(**seaweedfs_options).save("a.bin", os.urandom(24 * MIB))
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        response = stream(storage, headers={"Range": header} if header else {})
        assert next(iter(response))
        response.close()
        assert list(response) == []
        # The proxy writes an exchange down when its connection has ended.
        storage.exists("a.bin")
        (sent,) = proxy.requests("GET", r"a\.bin$") or proxy.requests("GET")
    assert sent.response_bytes_sent_to_client < 20 * MIB


def test_su_15_memory_stays_flat(seaweedfs_options):
    """Whatever the size of the file or the range."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.bin", os.urandom(24 * MIB))
    for headers in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=5-"}):
        tracemalloc.start()
        for chunk in stream(storage, headers=headers):
            assert len(chunk) <= 128 * KIB
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * MIB


# ASGI


def test_asgi_gets_what_wsgi_gets(seaweedfs_options, site):
    """The same bytes and headers, for the whole and for a part."""
    storage = site(seaweedfs_options)
    content = os.urandom(MIB)
    storage.save("a.bin", content)

    async def get(**headers):
        response = await AsyncClient().get("/streamed/a.bin", headers=headers)
        assert response.is_async
        return response, b"".join([chunk async for chunk in response])

    for headers in ({}, {"Range": "bytes=5-500000"}):
        response, found = asyncio.run(get(**headers))
        twin = stream(storage, headers=headers)
        assert found == body(twin)
        assert {**response.headers} == {**twin.headers}


async def talk(path, *, gone_after_first=False):
    """Speak ASGI as a server does; return the bytes that were sent, and the largest piece of them."""
    gone, asked = asyncio.Event(), False
    total = largest = 0

    async def receive():
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal total, largest
        if found := message.get("body"):
            total, largest = total + len(found), max(largest, len(found))
            if gone_after_first:
                gone.set()

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await ASGIHandler()(scope, receive, send)
    return total, largest


def test_asgi_memory_stays_flat(seaweedfs_options, site):
    """Each chunk is sent before the next is read."""
    site(seaweedfs_options).save("a.bin", os.urandom(24 * MIB))
    tracemalloc.start()
    total, largest = asyncio.run(talk("/streamed/a.bin"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 24 * MIB
    assert largest <= 128 * KIB
    assert peak < 8 * MIB


@pytest.mark.skipif(django.VERSION < (5, 0), reason="Django 4.2 does not listen for a client that goes away")
def test_asgi_clients_that_go_away_free_the_connection(seaweedfs_options, site):
    """Also while a thread is reading from it."""
    S3Storage(**seaweedfs_options).save("a.bin", os.urandom(24 * MIB))
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        storage = site({**seaweedfs_options, "endpoint_url": proxy.url})
        total, _ = asyncio.run(talk("/streamed/a.bin", gone_after_first=True))
        storage.exists("a.bin")
        (sent,) = proxy.requests("GET", "a.bin")
    assert total < 20 * MIB
    assert sent.response_bytes_sent_to_client < 20 * MIB


class Stalled(io.RawIOBase):
    """A file whose bytes do not come before they may."""

    def __init__(self, may):
        self.may = may

    def readinto(self, buffer):
        self.may.wait()
        return 0


def test_asgi_streams_that_stall_hold_up_no_other():
    """They wait in threads of their own: a healthy stream goes on, and so does what uses asyncio's threads."""
    may = threading.Event()

    async def read(file):
        return b"".join([chunk async for chunk in AsyncChunks(file, None)])

    async def scene():
        stalled = [asyncio.create_task(read(Stalled(may))) for _ in range(60)]
        await asyncio.sleep(0)
        try:
            healthy = await asyncio.wait_for(read(io.BytesIO(b"x" * MIB)), 60)
            other = await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 60)
        finally:
            may.set()
        return healthy, other, await asyncio.gather(*stalled)

    assert asyncio.run(scene()) == (b"x" * MIB, "free", [b""] * 60)


# nginx


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("https://b.s3.amazonaws.com/a.txt?X=1&Y=%2F", "/s3store-internal/https/b.s3.amazonaws.com/a.txt?X=1&Y=%2F"),
        (
            "http://127.0.0.1:9000/b/%C3%BC%20%2B?s=1",
            "/s3store-internal/http/127.0.0.1:9000/b/%25C3%25BC%2520%252B?s=1",
        ),
    ],
)
def test_the_internal_uri_is_encoded_once_more(url, uri):
    """nginx decodes the path once, and nothing else."""
    assert internal_uri(url) == uri
    assert internal_uri(url, "/s3store-internal") == uri


def test_nginx_is_told_the_url_and_the_policy(storage):
    """Nothing is sent to S3; type and name are in the signed URL."""
    with counted_requests(storage) as requests:
        response = serve(storage, "a.png", mode="accelerate", inline=True, internal_location="/inside/")
    assert (requests, response.content) == ([], b"")
    assert response.headers["X-Accel-Redirect"].startswith("/inside/http/127.0.0.1:")
    assert "response-content-type=image%2Fpng" in response.headers["X-Accel-Redirect"]
    assert response.headers["Content-Security-Policy"] == SHOWN
    assert not {"Content-Type", "Content-Disposition"} & set(response.headers)
