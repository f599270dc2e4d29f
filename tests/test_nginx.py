"""The nginx configuration of the documentation, in nginx, in front of Django and SeaweedFS."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path

from s3store.core.info import DIGEST, PLAIN_SIZE, WRITE_TOKEN
from s3store.core.presentation import SHOWN
from s3store.serving import file_response
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy

PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PAGE = Path(__file__).parents[1] / "docs" / "howto" / "serving-private-files.rst"
CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/socket;
        {locations}
    }}
}}
"""
CONTENT = os.urandom(100_000)
NAMES = ["a.png", "Übersicht 2026.png", "1 + 1 = 2 & 50%?#;:@.png", "%2Fx%20y.png", "/".join(["漢" * 80] * 3) + ".png"]

pytestmark = pytest.mark.skipif(not PROGRAM, reason="nginx is not installed")


def served(request, name):
    """The view of a site."""
    return file_response(request, "private", name, mode="accelerate", inline=True)


urlpatterns = [path("files/<path:name>", served)]


class Quiet(WSGIRequestHandler):
    """Keeps no log."""

    def log_message(self, *_):
        pass


class Local(http.client.HTTPConnection):
    """A connection to a socket in a folder."""

    def __init__(self, folder):
        super().__init__("testserver", timeout=60)
        self._path = f"{folder}/socket"

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


@contextlib.contextmanager
def django_server():
    """Django in a thread; yields its port."""
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def nginx_before(port):
    """The documentation's nginx, in front of a port; yields the folder of its socket."""
    block = re.search(r"code-block:: nginx\n\n((?: {3}.*\n|\n)+)", PAGE.read_text(encoding="utf-8"))[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(
            CONFIGURATION.format(
                folder=folder,
                user="user root;" if os.geteuid() == 0 else "",
                locations=block.replace("127.0.0.1:8000", f"127.0.0.1:{port}"),
            )
        )
        command = [PROGRAM, "-e", f"{folder}/error.log", "-p", folder, "-c", str(file)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            try:
                while not _listens(folder):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.02)
                        pytest.fail(process.stderr.read().decode() + (Path(folder) / "error.log").read_text())
                yield folder
            finally:
                process.terminate()


def _listens(folder):
    with contextlib.suppress(OSError), contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.connect(f"{folder}/socket")
        return True
    return False


@pytest.fixture(scope="module")
def nginx():
    """One nginx for all tests."""
    with django_server() as port, nginx_before(port) as folder:
        yield folder


@pytest.fixture
def ask(nginx, settings, seaweedfs_options):
    """A function that sends nginx a request for a file, and gives the answer and its content."""
    settings.ROOT_URLCONF = __name__

    def ask(name, method="GET", *, address=None, **headers):
        connection = Local(nginx)
        connection.request(method, address or f"/files/{quote(name)}", headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    with FaultProxy(seaweedfs_options["endpoint_url"]) as ask.proxy:
        cached = {"CacheControl": "public, max-age=9"}
        options = {**seaweedfs_options, "endpoint_url": ask.proxy.url, "object_parameters": cached}
        settings.STORAGES = {
            **settings.STORAGES,
            "private": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
        }
        ask.storage = S3Storage(**options)
        yield ask


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])
def test_nginx_fetches_what_was_signed(ask, name):
    """Whatever characters are in the name, and however long it is; the headers are those of a safe answer."""
    ask.storage.save(name, CONTENT, content_type="text/html")
    answer, content = ask(name)
    assert (answer.status, content) == (200, CONTENT), content[:500]
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == "100000"
    assert answer.headers.get_all("Content-Disposition")[0].startswith("inline; filename=")
    assert answer.headers.get_all("Content-Security-Policy") == [SHOWN]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.get_all("Referrer-Policy") == ["no-referrer"]
    assert answer.headers.get_all("Cache-Control") == ["private, no-store"]
    assert "X-Accel-Redirect" not in answer.headers


def test_ranges_heads_and_conditions_reach_s3(ask):
    """And the browser's own credentials do not."""
    ask.storage.save("ä.png", CONTENT)
    headers = {"Cookie": "sessionid=1", "Authorization": "Basic eDp5"}
    answer, content = ask("ä.png", Range="bytes=10-19", **headers)
    assert (answer.status, content) == (206, CONTENT[10:20])
    assert answer.headers["Content-Range"] == "bytes 10-19/100000"
    answer, content = ask("ä.png", "HEAD", **headers)
    assert (answer.status, content, answer.headers["Content-Length"]) == (200, b"", "100000")
    again, _ = ask("ä.png", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    for exchange in ask.proxy.requests("GET") + ask.proxy.requests("HEAD"):
        assert not {"cookie", "authorization"} & set(exchange.request_headers)


def test_a_missing_file_is_404(ask):
    """S3 says so."""
    assert ask("none.png")[0].status == 404


def test_what_s3_says_of_itself_stays_inside(ask):
    """Its own headers, and what s3store notes beside a file; all that the package notes is in the configuration."""
    hidden = {
        "x-amz-version-id": "v1",
        "x-amz-request-id": "r1",
        **{f"x-amz-meta-{note}": "1" for note in (WRITE_TOKEN, PLAIN_SIZE, DIGEST)},
    }
    ask.proxy.respond = lambda *_: (200, {"Content-Type": "image/png", "ETag": '"e"', **hidden}, b"x")
    answer, content = ask("a.png")
    assert (answer.status, content, answer.headers["ETag"]) == (200, b"x", '"e"')
    assert [name for name in answer.headers if name.lower().startswith("x-amz-")] == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_s3_redirects_nobody(ask, status):
    """Neither the address nor the document that holds it is passed on."""
    elsewhere = "https://bucket.s3.eu-west-1.amazonaws.com/a.png?X-Amz-Signature=1"
    ask.proxy.respond = lambda *_: (status, {"Location": elsewhere}, f"<Endpoint>{elsewhere}</Endpoint>".encode())
    answer, content = ask("a.png")
    assert answer.status == 502
    assert "Location" not in answer.headers
    assert b"amazonaws" not in content + bytes(answer.headers)


def test_the_location_is_closed_to_browsers(ask):
    """Only Django can send nginx there."""
    endpoint = ask.storage.options.endpoint_url.replace("://", "/")
    assert ask("", address=f"/s3store-internal/{endpoint}/bucket/a.png")[0].status == 404
