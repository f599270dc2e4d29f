"""How long the content of a file can take: servers that drip, pause or stop."""

import contextlib
import socketserver
import threading
import time

import pytest

from s3store import errors
from s3store.files import reader
from s3store.storage import S3Storage

HEAD = b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 500000\r\n\r\n'


@pytest.fixture
def slow():
    """Make a storage on a server that sends these bytes at once, then one byte each 20 ms, or nothing."""
    with contextlib.ExitStack() as stack:

        def make(first=b"", *, drip=False, **options):
            ended = threading.Event()
            connections = []

            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    connections.append(self.client_address)
                    self.request.recv(65536)
                    self.request.sendall(first)
                    with contextlib.suppress(OSError):
                        while not ended.wait(0.02):
                            if drip:
                                self.request.sendall(b"x")

            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.shutdown)
            stack.callback(ended.set)
            storage = S3Storage(
                bucket_name="some-bucket",
                endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
                access_key="k",
                secret_key="s",
                region_name="us-east-1",
                **options,
            )
            storage.connections = connections
            return storage

        yield make


def test_a_response_that_drips_is_an_error(slow, monkeypatch):
    """A server that sends a byte now and then does not hold a thread forever; another response would be as slow."""
    monkeypatch.setattr(reader, "SPEED_SECONDS", 0.3)
    storage = slow(HEAD + bytes(10), drip=True)
    began = time.monotonic()
    with pytest.raises(errors.S3TimeoutError, match="slower than 1024 bytes per second"):
        storage.read_bytes("a.bin")
    # The limit of the package is 30 seconds, and a busy machine takes some until the client is there.
    assert time.monotonic() - began < 20
    assert len(storage.connections) == 1


def test_a_small_file_that_drips_is_an_error(slow, monkeypatch):
    """While it is opened."""
    monkeypatch.setattr(reader, "SPEED_SECONDS", 0.3)
    storage = slow(HEAD.replace(b"500000", b"5000"), drip=True)
    with pytest.raises(errors.S3TimeoutError, match="slower than"):
        storage.open("a.bin")
    assert len(storage.connections) == 1


def test_a_body_that_stops_says_so(slow, monkeypatch):
    """The error names no endpoint "None"."""
    monkeypatch.setattr(reader, "RESUMES", 0)
    storage = slow(HEAD + bytes(10), read_timeout=0.2)
    with pytest.raises(errors.S3TimeoutError, match="stopped sending the content") as caught:
        storage.read_bytes("a.bin")
    assert "None" not in str(caught.value)
    assert caught.value.key == "a.bin"


def test_a_pause_is_no_slow_speed():
    """What arrives before and after it counts."""
    now = [0.0]
    pace = reader._Pace(lambda: now[0])
    for seconds, count in ((29.0, 0), (1.0, 40_000), (29.0, 0), (0.5, 1), (0.4, 1)):
        with pace.measured():
            now[0] += seconds
        assert not pace.is_too_slow(count)
    with pace.measured():
        now[0] += 1.0
    assert pace.is_too_slow(1)
