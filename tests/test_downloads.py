"""Large files to local paths: in pieces, several at a time, and never a mixture of two versions."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import zlib

import pytest

from s3store import errors
from s3store.core.parts import MIB
from s3store.files import download as downloads
from s3store.files.download import Helpers
from s3store.files.file import S3File
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy

CONTENT = hashlib.shake_128(b"large").digest(33 * MIB + 5)


@pytest.fixture
def wire(s3_options):
    """A proxy before the server, with a storage behind it that holds a large file."""
    with FaultProxy(s3_options["endpoint_url"]) as proxy:
        proxy.storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
        proxy.storage.save("large", CONTENT)
        proxy.clear()
        yield proxy


def ranges(wire):
    return sorted(one.request_headers.get("range") or "" for one in wire.requests("GET", "large"))


def test_a_large_file_arrives_in_pieces(wire, tmp_path):
    """Of the sizes of its parts, each of the ETag of the first response, in a few connections."""
    path = wire.storage.download_path("large", tmp_path / "new" / "large")
    assert path.read_bytes() == CONTENT
    found = ranges(wire)
    assert found[0] == ""
    assert len(found) > 1
    starts = {int(each.removeprefix("bytes=").partition("-")[0]) for each in found[1:]}
    assert starts <= {8 * MIB * number for number in range(5)}
    later = [one for one in wire.requests("GET", "large") if "range" in one.request_headers]
    assert {one.request_headers["if-match"] for one in later} == {wire.storage.stat("large").etag}
    assert os.listdir(tmp_path / "new") == ["large"]


@pytest.mark.parametrize("config", [{"use_threads": False}, {"max_concurrency": 1}, {"multipart_threshold": 64 * MIB}])
def test_one_stream_where_the_options_say_so(wire, tmp_path, monkeypatch, config):
    """One request, and no thread."""
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (started.append(thread.name), start(thread)))
    storage = S3Storage(**config_of(wire, config))
    assert storage.download_path("large", tmp_path / "large").read_bytes() == CONTENT
    assert ranges(wire) == [""]
    # The proxy has threads too.
    assert [name for name in started if name.startswith("s3store")] == []
    assert wire.storage.download_path("large", tmp_path / "again").read_bytes() == CONTENT
    assert [name for name in started if name.startswith("s3store")]


def config_of(wire, config):
    options = wire.storage.objects.options
    names = ("bucket_name", "endpoint_url", "access_key", "secret_key", "region_name", "location")
    return {**{name: getattr(options, name) for name in names}, "transfer_config": config}


@pytest.mark.parametrize("how", ["200 for a range", "another total", "another version"])
def test_a_server_that_ignores_what_was_asked(wire, tmp_path, how):
    """The object is read once more as one stream, which is consistent."""
    etag = wire.storage.stat("large").etag
    head = {"ETag": etag, "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}

    def respond(method, target, headers):
        if method != "GET" or "range" not in headers:
            return None
        first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
        part = bytes(last - first + 1)
        if how == "200 for a range":
            return 200, head, bytes(len(CONTENT))
        total = len(CONTENT) + (how == "another total")
        changed = {"ETag": '"other"'} if how == "another version" else {}
        return 206, {**head, **changed, "Content-Range": f"bytes {first}-{last}/{total}"}, part

    wire.respond = respond
    assert wire.storage.download_path("large", tmp_path / "large").read_bytes() == CONTENT
    assert ranges(wire).count("") == 2


def test_a_file_that_is_replaced_meanwhile_is_never_a_mixture(wire, tmp_path):
    """The new version arrives, as one stream."""
    other = CONTENT[::-1]
    replaced = []
    lock = threading.Lock()

    def respond(method, target, headers):
        with lock:
            if method == "GET" and "range" in headers and not replaced:
                replaced.append(target)
                return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
        return None

    wire.respond = respond
    assert wire.storage.download_path("large", tmp_path / "large").read_bytes() == CONTENT
    assert replaced
    replaced.clear()

    opened = wire.storage.open("large")
    wire.respond = None
    storage = S3Storage(**config_of(wire, {}), file_overwrite=True)
    with opened, (tmp_path / "other").open("w+b") as target:
        storage.save("large", other)
        arrived = downloads.download(opened, target, again=lambda: storage.open("large"))
    assert (tmp_path / "other").read_bytes() == other
    assert arrived.info.etag == storage.stat("large").etag


def test_the_error_of_a_helper_ends_the_download(wire, tmp_path):
    """And nothing is left, neither a file nor a thread."""

    def respond(method, target, headers):
        if method == "GET" and "range" in headers:
            return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        return None

    wire.respond = respond
    with pytest.raises(errors.AccessDeniedError):
        wire.storage.download_path("large", tmp_path / "large")
    assert os.listdir(tmp_path) == []
    assert not [one for one in threading.enumerate() if one.name.startswith("s3store-piece")]


def test_the_crc_of_the_whole_object_is_compared(wire, tmp_path):
    """It is combined from the CRCs of the pieces, which arrive in any order."""
    crc = base64.b64encode(zlib.crc32(CONTENT).to_bytes(4, "big")).decode()
    body = wire.storage.read_bytes("large")
    etag = wire.storage.stat("large").etag

    def respond(method, target, headers):
        if method == "GET" and "range" not in headers:
            told = {"ETag": etag, "x-amz-checksum-crc32": wanted, "x-amz-checksum-type": "FULL_OBJECT"}
            return 200, told, body
        return None

    wire.respond = respond
    wanted = crc
    assert wire.storage.download_path("large", tmp_path / "large").read_bytes() == CONTENT
    wanted = base64.b64encode(bytes(4)).decode()
    with pytest.raises(errors.ChecksumError, match="damaged in transfer"):
        wire.storage.download_path("large", tmp_path / "again")
    assert os.listdir(tmp_path) == ["large"]
    wanted = "AAAAAA==-5"
    assert wire.storage.download_path("large", tmp_path / "parts").read_bytes() == CONTENT


def test_files_of_a_subclass_are_read_as_it_reads_them(s3_options, tmp_path):
    """A class that decrypts, for example, has to see all bytes."""

    class Reversed(S3File):
        def chunks(self, chunk_size=None):
            yield self.read()[::-1]

    class Storage(S3Storage):
        def _open(self, name, mode="rb", **extra):
            file = super()._open(name, mode, **extra)
            file.__class__ = Reversed
            return file

    storage = Storage(**s3_options)
    storage.save("large", CONTENT)
    assert storage.download_path("large", tmp_path / "large").read_bytes() == CONTENT[::-1]


def test_compressed_files_are_decompressed(s3_options, tmp_path):
    """As one stream: a piece of them cannot be."""
    storage = S3Storage(**s3_options, gzip=True)
    text = CONTENT.hex().encode()[: 40 * MIB]
    storage.save("large.css", text)
    assert storage.stat("large.css").size > 8 * MIB
    assert storage.download_path("large.css", tmp_path / "large").read_bytes() == text


def test_a_crew_has_the_threads_that_it_needs():
    """None for none."""
    with Helpers(0) as crew:
        assert crew.helpers == 0
        crew.pace(1)
        crew.moved(1)
