"""The twin behind a real HTTP server: what browsers and Django's development server do to requests."""

from __future__ import annotations

import http.client
import tracemalloc
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.local.sending import form_of, request, send

MIB = 1024 * 1024


@pytest.fixture
def site(live_server, settings):
    """The URL of a running site."""
    return live_server.url


def at(site, upload):
    return replace(upload, url=site + upload.url)


def test_uploads_and_downloads_over_http(site, twin):
    """A form, a PUT and a GET, with names that have to be quoted."""
    name = "ü ä/100% +&b.png"
    assert send(at(site, twin.upload_post(name, max_size=10)), b"posted").status == 201
    answer = request("GET", site + twin.url(name))
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"posted", "image/png")
    assert send(at(site, twin.upload_url("b.bin", size=3)), b"abc").status == 200
    assert send(at(site, twin.upload_url("b.bin", size=3)), b"abc").said == (412, "PreconditionFailed")
    assert twin.read_bytes("b.bin") == b"abc"


def test_a_refused_upload_gets_its_answer(site, twin, tmp_path):
    """The rest of the body is read: a browser that cannot send it would show a broken connection."""
    answer = send(at(site, twin.upload_post("a.bin", max_size=10)), b"x" * 20 * MIB)
    assert answer.said == (400, "EntityTooLarge")
    put = at(site, twin.upload_url("a.bin", expire=60, size=5))
    assert send(put, b"x" * 20 * MIB).said == (403, "SignatureDoesNotMatch")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "sqlite" not in path.name]


def test_a_body_without_a_length_is_refused(site, twin):
    """Chunked bodies have none. The response does not wait for the body."""
    upload = at(site, twin.upload_url("a.bin"))
    parts = urlsplit(upload.url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=20)) as connection:
        connection.putrequest("PUT", f"{parts.path}?{parts.query}")
        for name, value in {**upload.headers, "Transfer-Encoding": "chunked"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, b"MissingContentLength" in response.read()) == (411, True)
    assert not twin.exists("a.bin")


def test_a_client_that_disappears_leaves_nothing(site, twin, tmp_path):
    """The connection is closed in the middle of the file."""
    upload = at(site, twin.upload_url("a.bin"))
    parts = urlsplit(upload.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    for name, value in {**upload.headers, "Content-Length": "1000000"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"x" * 1000)
    connection.sock.shutdown(1)
    assert connection.getresponse().status == 400
    connection.close()
    assert not twin.exists("a.bin")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "sqlite" not in path.name]


def test_sl_09_memory_does_not_grow_with_the_file(site, twin, tmp_path):
    """SL-09: uploads and downloads are streamed."""
    content = tmp_path / "content.bin"
    body, content_type = form_of(twin.upload_post("a.bin", max_size=64 * MIB).fields, b"x" * 48 * MIB)
    content.write_bytes(body)
    size = len(body)
    del body
    parts = urlsplit(site)
    tracemalloc.start()
    try:
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        with content.open("rb") as file:
            headers = {"Content-Type": content_type, "Content-Length": str(size)}
            connection.request("POST", "/media/s3/uploads", file, headers)
            response = connection.getresponse()
            assert (response.status, response.read()[:5]) == (201, b"<?xml")
        connection.request("GET", twin.url("a.bin"))
        response, received = connection.getresponse(), 0
        while block := response.read(MIB):
            received += len(block)
        connection.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received == 48 * MIB
    assert peak < 12 * MIB
