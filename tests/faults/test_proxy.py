"""The fault proxy itself: it is transparent unless told otherwise, each fault is what it says, the log is true."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import http.client
import http.server
import itertools
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
import urllib3
from botocore.config import Config

from s3store.testing.servers import moto_server, seaweedfs_available, seaweedfs_server
from tests.optional import needs

from .injure import FAULTS
from .proxy import FaultProxy

MIB = 1024 * 1024
SLOW_DOWN = b"<Code>SlowDown</Code>"


def pattern(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /SIZE answers that many bytes, /SIZE/chunked in chunks, /SIZE/close up to the end of the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_GET(self) -> None:
        size, _, manner = self.path.partition("?")[0].strip("/").partition("/")
        body = pattern(int(size))
        self.note()
        self.send_response(200)
        if manner == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for begin in range(0, len(body), 1000):
                chunk = body[begin : begin + 1000]
                self.wfile.write(b"%x;note=1\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\nX-Trailer: here\r\n\r\n")
        elif manner == "close":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_header("Content-Length", size)
            self.end_headers()
            if self.command == "GET":
                for begin in range(0, len(body), MIB):
                    self.wfile.write(body[begin : begin + MIB])
                    self.server.sent += min(MIB, len(body) - begin)

    do_HEAD = do_GET  # noqa: N815 - the name http.server asks for

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.note(body)
        self.send_response(200)
        self.send_header("Content-Length", "64")
        self.end_headers()
        self.wfile.write(hashlib.sha256(body).hexdigest().encode())

    do_POST = do_PUT  # noqa: N815

    def do_DELETE(self) -> None:
        self.note()
        self.send_response(204)
        self.end_headers()

    def handle_expect_100(self) -> bool:
        if self.path == "/refused":
            self.note()
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return super().handle_expect_100()

    def note(self, body: bytes = b"") -> None:
        self.server.seen.append((self.command, self.path, self.headers["Host"], body))

    def log_message(self, *args: object) -> None:
        pass


class Upstream(http.server.ThreadingHTTPServer):
    """A tiny server that remembers (method, path, host, body) of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.sent = 0
        self.broken = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *args: object) -> None:
        self.broken.set()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def connect(proxy: FaultProxy) -> Iterator[http.client.HTTPConnection]:
    netloc = urllib.parse.urlsplit(proxy.url).netloc
    with contextlib.closing(http.client.HTTPConnection(netloc, timeout=60)) as connection:
        yield connection


def fetch(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    connection.request(method, target, body, dict(headers or {}))
    with connection.getresponse() as response:
        return response.status, response.read()


@contextlib.contextmanager
def plug_in(proxy: FaultProxy) -> Iterator[socket.socket]:
    parts = urllib.parse.urlsplit(proxy.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as raw:
        yield raw


def read_all(raw: socket.socket) -> tuple[bytes, str]:
    """Return what arrives and how the connection ends: FIN or RST."""
    data = b""
    try:
        while piece := raw.recv(65536):
            data += piece
    except ConnectionResetError:
        return data, "RST"
    return data, "FIN"


def send(raw: socket.socket, method: str, target: str, *fields: str, body: bytes = b"") -> None:
    lines = [f"{method} {target} HTTP/1.1", "Host: h", *fields, "", ""]
    raw.sendall("\r\n".join(lines).encode() + body)


# Transparency


def test_every_kind_of_message_passes_on_one_connection(upstream: Upstream) -> None:
    """Lengths, chunks, no body at all: all are passed on untouched over a connection that stays open."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        assert fetch(connection, "GET", "/1000000") == (200, pattern(1_000_000))
        assert fetch(connection, "HEAD", "/1000000") == (200, b"")
        assert fetch(connection, "GET", "/5500/chunked") == (200, pattern(5500))
        assert fetch(connection, "GET", "/0/chunked") == (200, b"")
        assert fetch(connection, "GET", "/0") == (200, b"")
        assert fetch(connection, "DELETE", "/k") == (204, b"")
        assert fetch(connection, "PUT", "/k", b"")[0] == 200
        large = pattern(3 * MIB)
        assert fetch(connection, "PUT", "/k", large) == (200, hashlib.sha256(large).hexdigest().encode())
        chunks = [b"a" * 70_000, b"b", b"c" * 500]
        joined = b"".join(chunks)
        assert fetch(connection, "POST", "/k", iter(chunks)) == (200, hashlib.sha256(joined).hexdigest().encode())

        assert proxy.connections == 1
        assert [(e.method, e.target, e.status, e.request_bytes) for e in proxy.log] == [
            ("GET", "/1000000", 200, 0),
            ("HEAD", "/1000000", 200, 0),
            ("GET", "/5500/chunked", 200, 0),
            ("GET", "/0/chunked", 200, 0),
            ("GET", "/0", 200, 0),
            ("DELETE", "/k", 204, 0),
            ("PUT", "/k", 200, 0),
            ("PUT", "/k", 200, 3 * MIB),
            ("POST", "/k", 200, 70_501),
        ]
        assert [e.response_bytes_sent_to_client for e in proxy.log if "chunked" not in e.target] == [
            1_000_000, 0, 0, 0, 64, 64, 64,
        ]  # fmt: skip
        assert {(e.connection_number, e.fault, e.expect_continue) for e in proxy.log} == {(1, None, False)}
        assert proxy.log[0].at_monotonic < proxy.log[1].at_monotonic < time.monotonic()


def test_a_body_without_a_length_ends_with_the_connection(upstream: Upstream) -> None:
    """An answer that is delimited by its connection's end is passed on with that end."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        assert fetch(connection, "GET", "/200000/close") == (200, pattern(200_000))
        assert fetch(connection, "GET", "/5") == (200, b"01234")
        assert [e.connection_number for e in proxy.log] == [1, 2]


def test_the_host_header_is_the_clients(upstream: Upstream) -> None:
    """What the client signed is what the upstream verifies."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        fetch(connection, "GET", "/1", headers={"X-Odd": "one"})
        assert proxy.log[0].request_headers["x-odd"] == "one"
        assert [host for _, _, host, _ in upstream.seen] == [urllib.parse.urlsplit(proxy.url).netloc]


def test_pipelined_requests_are_answered_in_order(upstream: Upstream) -> None:
    """Bytes that arrive with the request before are not lost."""
    with FaultProxy(upstream.url) as proxy, plug_in(proxy) as raw:
        for size in (1, 2):
            send(raw, "GET", f"/{size}")
        send(raw, "GET", "/3", "Connection: close")
        data, end = read_all(raw)
        assert (data.count(b"200 OK"), end) == (3, "FIN")
        assert data.endswith(b"012")


def test_the_log_knows_what_its_reader_has_seen(upstream: Upstream) -> None:
    """An exchange is in the log as soon as the client has its last byte."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        for number in range(1, 200):
            fetch(connection, "GET", "/70000")
            assert len(proxy.log) == number
            assert proxy.log[-1].response_bytes_sent_to_client == 70_000


def test_the_log_can_be_asked_and_cleared(upstream: Upstream) -> None:
    """Requests are found by method and target; clearing forgets them and the count of connections."""
    with FaultProxy(upstream.url) as proxy:
        for _ in range(2):
            with connect(proxy) as connection:
                fetch(connection, "GET", "/1?list-type=2")
                fetch(connection, "PUT", "/1", b"x")
        assert (len(proxy.requests()), len(proxy.requests("PUT")), len(proxy.requests(target="list-type"))) == (4, 2, 2)
        assert proxy.connections == 2
        proxy.clear()
        assert (proxy.log, proxy.connections) == ([], 0)
        with connect(proxy) as connection:
            fetch(connection, "GET", "/1")
        assert (proxy.connections, proxy.log[0].connection_number) == (1, 3)
    assert len(proxy.log) == 1


def test_an_abandoned_download_moves_little(upstream: Upstream) -> None:
    """A client that reads a little and leaves is charged for little, and the upstream is cut off."""
    with FaultProxy(upstream.url) as proxy:
        with connect(proxy) as connection:
            connection.request("GET", f"/{64 * MIB}")
            assert len(connection.getresponse().read(1000)) == 1000
        assert upstream.broken.wait(10)
        (exchange,) = wait_for_log(proxy, 1)
        assert 1000 <= exchange.response_bytes_sent_to_client < MIB
        assert upstream.sent < 16 * MIB


def wait_for_log(proxy: FaultProxy, count: int) -> list[Any]:
    """A client that leaves cannot know when the proxy notices: ask until it has."""
    deadline = time.monotonic() + 60
    while len(proxy.log) < count and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return proxy.log


# Expect: 100-continue


def test_the_upstream_decides_about_100_continue(upstream: Upstream) -> None:
    """The client's question is passed on: yes lets it send the body."""
    with FaultProxy(upstream.url) as proxy, plug_in(proxy) as raw:
        send(raw, "PUT", "/k", "Expect: 100-continue", "Content-Length: 5", "Connection: close")
        assert raw.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(b"hello")
        data, _ = read_all(raw)
        assert data.endswith(hashlib.sha256(b"hello").hexdigest().encode())
        (exchange,) = proxy.log
        assert (exchange.expect_continue, exchange.request_bytes, exchange.status) == (True, 5, 200)
        assert exchange.response_bytes_sent_to_client == 64


def test_the_upstream_may_refuse_an_upload(upstream: Upstream) -> None:
    """A refusal before the body ends the connection, for nobody knows whether the body will come."""
    with FaultProxy(upstream.url) as proxy, plug_in(proxy) as raw:
        send(raw, "PUT", "/refused", "Expect: 100-continue", "Content-Length: 5")
        data, end = read_all(raw)
        assert data.startswith(b"HTTP/1.1 403 ")
        assert b"\r\nConnection: close\r\n" in data
        assert end == "FIN"
        (exchange,) = wait_for_log(proxy, 1)
        assert (exchange.status, exchange.request_bytes) == (403, 0)


# Faults


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("slow503", 503, b"SlowDown"), ("err500", 500, b"InternalError")]
)
def test_errors_as_s3_words_them(upstream: Upstream, fault: str, status: int, code: bytes) -> None:
    """The client gets S3's error and may go on; the upstream sees nothing."""
    with FaultProxy(upstream.url, faults={fault: 1.0}, max_faults=2) as proxy, connect(proxy) as connection:
        for method, body in (("PUT", b"x" * 100_000), ("GET", None)):
            found, text = fetch(connection, method, "/10", body)
            assert found == status
            assert b"<Code>%s</Code>" % code in text
        assert upstream.seen == []
        assert fetch(connection, "GET", "/10") == (200, b"0123456789")
        assert [(e.fault, e.status, e.connection_number) for e in proxy.log] == [
            (fault, status, 1),
            (fault, status, 1),
            (None, 200, 1),
        ]
        assert proxy.log[0].request_bytes == 100_000


def test_an_error_answers_the_question_for_100_continue(upstream: Upstream) -> None:
    """As S3 does, the error comes at once and the body is never asked for."""
    with FaultProxy(upstream.url, faults={"slow503": 1.0}) as proxy, plug_in(proxy) as raw:
        send(raw, "PUT", "/k", "Expect: 100-continue", "Content-Length: 1000000")
        data, end = read_all(raw)
        assert data.startswith(b"HTTP/1.1 503 ")
        assert SLOW_DOWN in data
        assert end == "FIN"


def test_reset_comes_before_the_upstream_knows(upstream: Upstream) -> None:
    """The connection is reset; of an upload a part has been read by then, though never all of it."""
    with FaultProxy(upstream.url, faults={"reset": 1.0}) as proxy:
        with plug_in(proxy) as raw:
            send(raw, "GET", "/10")
            assert read_all(raw) == (b"", "RST")
        with plug_in(proxy) as raw:
            send(raw, "PUT", "/k", "Content-Length: 4000000", "Expect: 100-continue")
            assert raw.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            with contextlib.suppress(ConnectionError):
                raw.sendall(pattern(4_000_000))
            with contextlib.suppress(ConnectionError):
                raw.recv(1)
        first, second = wait_for_log(proxy, 2)
        assert upstream.seen == []
        assert (first.fault, first.status, second.fault, second.status) == ("reset", None, "reset", None)
        assert 0 < second.request_bytes < 4_000_000


def test_freeze_leaves_the_request_unread(upstream: Upstream) -> None:
    """Nothing is answered, and at last the connection is reset."""
    with FaultProxy(upstream.url, faults={"freeze": 1.0}, stall_seconds=0.1) as proxy, plug_in(proxy) as raw:
        send(raw, "PUT", "/k", "Content-Length: 5", body=b"hello")
        assert read_all(raw) == (b"", "RST")
        assert upstream.seen == []
        (exchange,) = wait_for_log(proxy, 1)
        assert (exchange.fault, exchange.status) == ("freeze", None)


def test_lost_happens_after_the_upstream_has_worked(upstream: Upstream) -> None:
    """The write is done, its reply is not seen."""
    with FaultProxy(upstream.url, faults={"lost": 1.0}) as proxy, plug_in(proxy) as raw:
        send(raw, "PUT", "/k", "Content-Length: 5", body=b"hello")
        assert read_all(raw) == (b"", "RST")
        assert [(method, body) for method, _, _, body in upstream.seen] == [("PUT", b"hello")]
        (exchange,) = proxy.log
        assert (exchange.fault, exchange.status, exchange.response_bytes_sent_to_client) == ("lost", 200, 0)


@pytest.mark.parametrize(("fault", "end"), [("cut", "RST"), ("short", "FIN")])
@pytest.mark.parametrize("manner", ["", "/chunked", "/close"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bodies_that_end_early(upstream: Upstream, fault: str, end: str, manner: str, seed: int) -> None:
    """A part of the body arrives and nothing after it, by a reset or by a clean close."""
    with FaultProxy(upstream.url, faults={fault: 1.0}, seed=seed) as proxy, plug_in(proxy) as raw:
        send(raw, "GET", f"/300000{manner}")
        data, found = read_all(raw)
        assert found == end
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        (exchange,) = proxy.log
        assert exchange.fault == fault
        sent = exchange.response_bytes_sent_to_client
        assert len(body) <= sent if end == "RST" else len(body) == sent  # an RST overtakes bytes under way
        assert sent < 300_000
        assert not body.endswith(b"X-Trailer: here\r\n\r\n")


@pytest.mark.parametrize("target", ["/300000", "/300000/chunked", "/1"])
def test_flip_harms_one_byte_of_the_response(upstream: Upstream, target: str) -> None:
    """The length is right, one byte is not, and the connection goes on."""
    size = int(target.split("/")[1])
    with FaultProxy(upstream.url, faults={"flip": 1.0}, seed=4) as proxy, connect(proxy) as connection:
        for _ in range(3):
            status, body = fetch(connection, "GET", target)
            assert (status, len(body)) == (200, size)
            assert sum(a != b for a, b in zip(body, pattern(size), strict=True)) == 1
        assert [(e.fault, e.connection_number) for e in proxy.log] == [("flip", 1)] * 3


@pytest.mark.parametrize("chunked", [False, True])
def test_flip_up_harms_one_byte_of_the_request(upstream: Upstream, chunked: bool) -> None:
    """The upstream receives as many bytes as were sent, one of them wrong."""
    body = pattern(200_000)
    with FaultProxy(upstream.url, faults={"flip_up": 1.0}) as proxy, connect(proxy) as connection:
        fetch(connection, "PUT", "/k", iter([body]) if chunked else body)
        fetch(connection, "GET", "/1")
        received = upstream.seen[0][3]
        assert sum(a != b for a, b in zip(body, received, strict=True)) == 1
        assert [e.fault for e in proxy.log] == ["flip_up", None]


def test_stall_holds_the_reply(upstream: Upstream) -> None:
    """The client's own timeout is what ends the wait; the upstream has done its work."""
    with FaultProxy(upstream.url, faults={"stall": 1.0}) as proxy:
        with plug_in(proxy) as raw:
            raw.settimeout(0.2)
            send(raw, "DELETE", "/k")
            with pytest.raises(TimeoutError):
                raw.recv(1)
        (exchange,) = wait_for_log(proxy, 1)
        assert (exchange.fault, exchange.status) == ("stall", 204)
        assert upstream.seen[0][0] == "DELETE"


def test_stall_ends(upstream: Upstream) -> None:
    """After its time the reply is delivered after all."""
    begin = time.monotonic()
    with FaultProxy(upstream.url, faults={"stall": 1.0}, stall_seconds=0.15) as proxy, connect(proxy) as connection:
        assert fetch(connection, "GET", "/5") == (200, b"01234")
    assert time.monotonic() - begin >= 0.15


def test_mpu200_is_for_completions_only(upstream: Upstream) -> None:
    """CompleteMultipartUpload answers 200 with an error; every other POST passes."""
    with FaultProxy(upstream.url, faults={"mpu200": 1.0}) as proxy, connect(proxy) as connection:
        assert fetch(connection, "POST", "/k?uploads", b"")[0] == 200
        assert fetch(connection, "PUT", "/k?partNumber=1&uploadId=u", b"part")[0] == 200
        status, body = fetch(connection, "POST", "/k?uploadId=u", b"<parts/>")
        assert status == 200
        assert b"<Error><Code>InternalError</Code>" in body
        assert [e.fault for e in proxy.log] == [None, None, "mpu200"]
        assert len(upstream.seen) == 2


def test_a_fault_that_cannot_happen_is_not_counted(upstream: Upstream) -> None:
    """An empty body cannot be cut; the fault is kept for a body that can."""
    with FaultProxy(upstream.url, faults={"cut": 1.0}, max_faults=1, max_faults_per_request=1) as proxy:
        with connect(proxy) as connection:
            assert fetch(connection, "HEAD", "/10")[0] == 200
            assert fetch(connection, "GET", "/0")[0] == 200
            assert fetch(connection, "DELETE", "/k")[0] == 204
            with pytest.raises((ConnectionError, http.client.IncompleteRead)):
                fetch(connection, "GET", "/1000")
        assert [e.fault for e in proxy.log] == [None, None, None, "cut"]


# Which requests


def faults_of(upstream: Upstream, count: int, **options: Any) -> list[str | None]:
    with FaultProxy(upstream.url, **options) as proxy, connect(proxy) as connection:
        for _ in range(count):
            fetch(connection, "GET", "/1")
        return [exchange.fault for exchange in proxy.log]


def test_the_same_seed_means_the_same_faults(upstream: Upstream) -> None:
    """A run can be repeated, another seed is another run, and the rate is about what was asked for."""
    faults = {"slow503": 0.2, "err500": 0.1}
    first = faults_of(upstream, 300, faults=faults, seed=1)
    assert first == faults_of(upstream, 300, faults=faults, seed=1)
    assert first != faults_of(upstream, 300, faults=faults, seed=2)
    assert 40 <= first.count("slow503") <= 80
    assert 15 <= first.count("err500") <= 45


def test_threads_do_not_change_how_many_are_harmed(upstream: Upstream) -> None:
    """The n-th request is harmed or not whoever sends it."""

    def run(workers: int) -> int:
        with FaultProxy(upstream.url, faults={"err500": 0.3}, seed=7) as proxy:

            def work() -> None:
                with connect(proxy) as connection:
                    for _ in range(80 // workers):
                        fetch(connection, "GET", "/1")

            threads = [threading.Thread(target=work) for _ in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return sum(exchange.fault is not None for exchange in proxy.log)

    assert run(1) == run(4) == run(8)


def test_faults_are_aimed_and_limited(upstream: Upstream) -> None:
    """`match` picks requests by method and target; the two limits bound the hits in all and for each of them."""
    with (
        FaultProxy(
            upstream.url, faults={"err500": 1.0}, match=r"^PUT /[ab]", max_faults=3, max_faults_per_request=2
        ) as proxy,
        connect(proxy) as connection,
    ):
        for target, method in itertools.product(("/a", "/b", "/c"), ("PUT", "DELETE")):
            for _ in range(3):
                fetch(connection, method, target)
        assert [e.target for e in proxy.log if e.fault] == ["/a", "/a", "/b"]
        assert {e.method for e in proxy.log if e.fault} == {"PUT"}


def test_faults_can_be_exchanged(upstream: Upstream) -> None:
    """A test prepares its objects in peace and harms what comes after."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        assert fetch(connection, "PUT", "/k", b"x")[0] == 200
        proxy.harm({"slow503": 1.0})
        assert fetch(connection, "PUT", "/k", b"x")[0] == 503
        proxy.harm({})
        assert fetch(connection, "PUT", "/k", b"x")[0] == 200


@pytest.mark.parametrize(
    ("faults", "message"),
    [({"explode": 0.1}, "explode"), ({"lost": 0.6, "cut": 0.6}, "probabilities"), ({"lost": -0.1}, "probabilities")],
)
def test_nonsense_is_refused(faults: dict[str, float], message: str) -> None:
    """A misspelt fault would be a test that tests nothing."""
    with pytest.raises(ValueError, match=message):
        FaultProxy("http://127.0.0.1:1", faults=faults)
    with pytest.raises(ValueError, match="upstream"):
        FaultProxy("https://127.0.0.1:1")


# Requests that wait


def test_requests_are_held_until_they_are_released(upstream: Upstream) -> None:
    """Others pass meanwhile; the upstream sees what is held only after the release."""
    with FaultProxy(upstream.url) as proxy, plug_in(proxy) as raw, connect(proxy) as connection:
        proxy.hold("^PUT .*part=2")
        send(raw, "PUT", "/k?part=2", body=b"abc")
        assert fetch(connection, "PUT", "/k?part=1", b"x")[0] == 200
        assert [exchange.target for exchange in proxy.log] == ["/k?part=1"]
        assert len(upstream.seen) == 1
        proxy.release()
        wait_for_log(proxy, 2)
        assert [exchange.status for exchange in proxy.requests("PUT", "part=2")] == [200]
        assert fetch(connection, "PUT", "/k?part=2", b"x")[0] == 200


def test_a_client_may_go_away_while_its_request_is_held(upstream: Upstream) -> None:
    """What nobody waits for is not sent to the upstream later."""
    with FaultProxy(upstream.url) as proxy, connect(proxy) as connection:
        proxy.hold("^PUT")
        with plug_in(proxy) as raw:
            send(raw, "PUT", "/k", body=b"abc")
            assert fetch(connection, "GET", "/1")[0] == 200
        wait_for_log(proxy, 2)
        proxy.release()
        assert [exchange.status for exchange in proxy.requests("PUT")] == [None]
    assert [method for method, *_ in upstream.seen] == ["GET"]


# The hook


def test_respond_answers_in_place_of_the_upstream(upstream: Upstream) -> None:
    """A hook plays a server that behaves as none of ours does; what it declines is passed on."""
    refusal = b"<Error><Code>AccessControlListNotSupported</Code></Error>"

    def respond(method: str, target: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes] | None:
        return (400, {"X-Amz-Request-Id": "r"}, refusal) if "x-amz-acl" in headers else None

    with FaultProxy(upstream.url, respond=respond, faults={"err500": 1.0}, match="/harmed") as proxy:
        with connect(proxy) as connection:
            assert fetch(connection, "PUT", "/k", b"x", {"X-Amz-Acl": "public-read"}) == (400, refusal)
            assert fetch(connection, "HEAD", "/k", headers={"X-Amz-Acl": "public-read"}) == (400, b"")
            assert fetch(connection, "PUT", "/k", b"x")[0] == 200
            assert fetch(connection, "PUT", "/harmed", b"x")[0] == 500
        assert [(e.status, e.fault) for e in proxy.log] == [(400, None), (400, None), (200, None), (500, "err500")]
        assert len(upstream.seen) == 1


def test_a_hook_that_fails_fails_the_test(upstream: Upstream) -> None:
    """An error in the hook is not mistaken for a fault of the network."""

    def respond(*args: object) -> None:
        raise ZeroDivisionError

    with (
        pytest.raises(RuntimeError, match="proxy itself failed") as caught,
        FaultProxy(upstream.url, respond=respond) as proxy,
        connect(proxy) as connection,
        contextlib.suppress(ConnectionError),
    ):
        fetch(connection, "GET", "/1")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


# Delay


def timed(connection: http.client.HTTPConnection, *request: Any) -> float:
    begin = time.monotonic()
    assert fetch(connection, *request)[0] == 200
    return time.monotonic() - begin


def test_the_delay_is_that_of_a_long_line(upstream: Upstream) -> None:
    """A request costs a round trip, one on a new connection two."""
    with FaultProxy(upstream.url, delay=0.02) as proxy, connect(proxy) as connection:
        assert timed(connection, "GET", "/1") >= 0.08
        # Other work on the machine makes some of them slower, but not all.
        took: list[float] = []
        while len(took) < 10 or (min(took) >= 0.08 and len(took) < 200):
            took.append(timed(connection, "GET", "/1"))
        assert 0.04 <= min(took) < 0.08
        assert timed(connection, "PUT", "/1", b"x" * 100_000) >= 0.04
        assert [e.response_bytes_sent_to_client for e in proxy.log] == [1] * (1 + len(took)) + [64]


def test_100_continue_costs_its_round_trip(upstream: Upstream) -> None:
    """The question travels as far as the body would."""
    with FaultProxy(upstream.url, delay=0.02) as proxy, plug_in(proxy) as raw:
        send(raw, "DELETE", "/k")
        assert raw.recv(1000).endswith(b"\r\n\r\n")
        begin = time.monotonic()
        send(raw, "PUT", "/k", "Expect: 100-continue", "Content-Length: 5", "Connection: close")
        assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")
        assert time.monotonic() - begin >= 0.04
        raw.sendall(b"hello")
        assert read_all(raw)[1] == "FIN"
        assert time.monotonic() - begin >= 0.08


def test_the_delay_does_not_limit_the_bandwidth(upstream: Upstream) -> None:
    """Many bytes are under way at once: 32 MiB take little longer than one, in both directions."""
    body = pattern(32 * MIB)
    with FaultProxy(upstream.url, delay=0.05) as proxy, connect(proxy) as connection:
        begin = time.monotonic()
        assert fetch(connection, "GET", f"/{32 * MIB}") == (200, body)
        assert fetch(connection, "PUT", "/k", body)[0] == 200
        # With a window of 64 KiB for each round trip it would be 100 s.
        assert time.monotonic() - begin < 60


@pytest.mark.parametrize(("fault", "end"), [("lost", "RST"), ("cut", "RST"), ("short", "FIN")])
def test_faults_travel_as_long_as_bytes(upstream: Upstream, fault: str, end: str) -> None:
    """What was written before the end arrives before it."""
    with FaultProxy(upstream.url, delay=0.02, faults={fault: 1.0}, seed=5) as proxy, plug_in(proxy) as raw:
        begin = time.monotonic()
        send(raw, "GET", "/100000")
        data, found = read_all(raw)
        assert found == end
        assert time.monotonic() - begin >= 0.08
        assert bool(data) == (fault != "lost")


# TLS


def test_tls_towards_the_client(upstream: Upstream, tmp_path: Path) -> None:
    """Some of S3's dialect is spoken over TLS only; faults and the log work there as well."""
    authority = needs("trustme").CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with (
        FaultProxy(upstream.url, tls=server_context, faults={"cut": 1.0}, match="/2000000") as proxy,
        urllib3.PoolManager(ca_certs=str(bundle), retries=False) as pool,
    ):
        assert proxy.url.startswith("https://")
        large = pattern(5 * MIB)
        assert pool.request("GET", f"{proxy.url}/{5 * MIB}").data == large
        assert pool.request("PUT", f"{proxy.url}/k", body=large).data == hashlib.sha256(large).hexdigest().encode()
        with pytest.raises((urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError)):
            pool.request("GET", f"{proxy.url}/2000000")
        assert [e.fault for e in proxy.log] == [None, None, "cut"]
        with plug_in(proxy), plug_in(proxy) as raw:  # the one never begins its handshake, the other speaks no TLS
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            read_all(raw)


# Trouble of its own


def test_an_upstream_that_is_not_there(upstream: Upstream) -> None:
    """The proxy says so, in the voice of a gateway."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, and not listening
        with FaultProxy(f"http://127.0.0.1:{closed.getsockname()[1]}") as proxy, connect(proxy) as connection:
            assert fetch(connection, "PUT", "/k", b"x")[0] == 502


def test_an_upstream_that_hangs_up() -> None:
    """The client's connection ends as the upstream's did, and the log has no status."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        with FaultProxy(f"http://127.0.0.1:{listener.getsockname()[1]}") as proxy, plug_in(proxy) as raw:
            send(raw, "GET", "/1")
            assert read_all(raw) == (b"", "RST")
            assert [(e.status, e.fault) for e in proxy.log] == [(None, None)]
        thread.join()


@pytest.mark.parametrize(
    "message",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"PUT /k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"x" * 200_000,
    ],
    ids=["no request", "no length", "no chunk", "no end"],
)
def test_what_is_not_http_is_cut_off(upstream: Upstream, message: bytes) -> None:
    """Nonsense ends its own connection, not the proxy."""
    with FaultProxy(upstream.url) as proxy:
        with plug_in(proxy) as raw:
            with contextlib.suppress(ConnectionError):
                raw.sendall(message)
            assert read_all(raw)[0] == b""
        with connect(proxy) as connection:
            assert fetch(connection, "GET", "/1") == (200, b"0")


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_it_stops_in_the_middle_of_things(upstream: Upstream, delay: float) -> None:
    """Idle, stalled and half-read connections do not keep it, and nothing is left of its thread and sockets."""
    proxy = FaultProxy(upstream.url, faults={"stall": 1.0}, match="/stalled", delay=delay)
    with contextlib.ExitStack() as sockets:
        with proxy:
            idle, stalled, half, silent = (sockets.enter_context(plug_in(proxy)) for _ in range(4))
            send(stalled, "PUT", "/stalled", "Content-Length: 0")
            send(half, "GET", f"/{64 * MIB}")
            half.recv(1000)
            send(idle, "GET", "/1")
            idle.recv(1000)
            begin = time.monotonic()
        assert time.monotonic() - begin < 50  # a stall takes 60
        for client in (idle, stalled, silent):
            assert read_all(client)[0] in (b"", b"0")
        with pytest.raises(ConnectionRefusedError):
            sockets.enter_context(plug_in(proxy))
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-proxy"]
    gc.collect()


# With real S3 clients and servers


@contextlib.contextmanager
def client_of(proxy: FaultProxy, **config: Any) -> Iterator[Any]:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=proxy.url,
        aws_access_key_id="s3store-demo",
        aws_secret_access_key="s3store-demo-secret",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, **config),
    )
    with contextlib.closing(client):
        yield client


def test_boto3_retries_what_the_proxy_does() -> None:
    """Each fault of a write is met by botocore's retries, and the object is right in the end."""
    with (
        moto_server() as server,
        FaultProxy(server.endpoint_url, match="^PUT .*/k", max_faults=1) as proxy,
        client_of(proxy, retries={"total_max_attempts": 3}) as client,
    ):
        # Servers of moto in one process have the same buckets.
        client.create_bucket(Bucket="retried")
        for number, fault in enumerate(("slow503", "err500", "reset", "lost")):
            proxy.clear()
            proxy.harm({fault: 1.0})
            client.put_object(Bucket="retried", Key=f"k{number}", Body=b"body")
            assert [e.fault for e in proxy.requests("PUT")] == [fault, None]
        assert [entry["Size"] for entry in client.list_objects_v2(Bucket="retried")["Contents"]] == [4] * 4


def test_a_reply_lost_on_create_only_makes_the_writer_its_own_rival() -> None:
    """The case s3store must untangle: the retry of a write that happened is told 412."""
    with (
        moto_server() as server,
        FaultProxy(server.endpoint_url, faults={"lost": 1.0}, match="^PUT /bucket/k", max_faults=1) as proxy,
        client_of(proxy) as client,
    ):
        client.create_bucket(Bucket="bucket")
        with pytest.raises(botocore.exceptions.ClientError, match="PreconditionFailed"):
            client.put_object(Bucket="bucket", Key="k", Body=b"body", IfNoneMatch="*")
        assert [(e.fault, e.status) for e in proxy.requests("PUT", "/k$")] == [("lost", 200), (None, 412)]


@pytest.mark.skipif(not seaweedfs_available(), reason="no weed binary")
def test_signatures_stay_valid(tmp_path: Path) -> None:
    """A server that verifies accepts what was signed for the proxy's address, headers and URLs alike."""
    with (
        seaweedfs_server(tmp_path) as server,
        FaultProxy(server.endpoint_url) as proxy,
        client_of(proxy, signature_version="s3v4") as client,
        connect(proxy) as connection,
    ):
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="k", Body=pattern(MIB))
        url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
        assert fetch(connection, "GET", url.removeprefix(proxy.url)) == (200, pattern(MIB))
        assert proxy.requests("PUT", "/k$")[0].expect_continue


def test_every_fault_is_tested_above() -> None:
    """A fault added without a test would go unnoticed."""
    text = Path(__file__).read_text()
    assert [fault for fault in FAULTS if text.count(f'"{fault}"') == 0] == []
