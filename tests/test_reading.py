"""Reading: every way to read a file, objects that change, connections that break."""

import gc
import io
import os
import random
import subprocess
import sys
import threading

import pytest
from django.core.exceptions import SuspiciousFileOperation

from s3store import errors
from s3store.core.parts import KIB, MIB
from s3store.files import reader
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy
from tests.memory import forget_peak, peak


@pytest.fixture
def storage(seaweedfs_options):
    return S3Storage(**seaweedfs_options)


@pytest.fixture
def through(seaweedfs_options):
    """Make a storage whose requests pass a fault proxy."""

    def make(proxy, **options):
        return S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url, "max_attempts": 3, **options})

    return make


@pytest.mark.parametrize("size", [0, 1, 256 * KIB, 256 * KIB + 1, 3 * MIB])
def test_an_open_file_behaves_as_bytes_io(storage, size):
    """Any sequence of seeks and reads gives what it gives on the same bytes in memory."""
    content = random.Random(size).randbytes(size)
    storage.save("any.bin", content)
    twin = io.BytesIO(content)
    chance = random.Random(1)
    with storage.open("any.bin") as file:
        assert (file.size, file.seekable(), file.readable(), file.writable()) == (size, True, True, False)
        for _ in range(60):
            match chance.randrange(6):
                case 0:
                    position = chance.randrange(size + 10)
                    assert file.seek(position) == twin.seek(position)
                case 1:
                    back = chance.randrange(size + 1)
                    assert file.seek(-back, io.SEEK_END) == twin.seek(-back, io.SEEK_END)
                case 2:
                    assert file.readline() == twin.readline()
                case 3:
                    into, twins = bytearray(1000), bytearray(1000)
                    assert file.readinto(into) == twin.readinto(twins)
                    assert into == twins
                case 4:
                    assert file.peek(1)[:1] == twin.getvalue()[twin.tell() : twin.tell() + 1]
                case _:
                    count = chance.choice([0, 1, 100, 70_000, -1])
                    assert file.read(count) == twin.read(count)
            assert file.tell() == twin.tell()
    assert file.closed
    with pytest.raises(ValueError):
        file.read()


def test_seeking_before_the_start_is_refused(storage):
    """As on the file system."""
    storage.save("a", b"abc")
    with storage.open("a") as file, pytest.raises((OSError, ValueError)):
        file.seek(-4, io.SEEK_END)


@pytest.mark.parametrize("method", ["readinto", "seek"])
def test_a_closed_reader_says_so(storage, method):
    """The raw reader is as strict as the standard library's."""
    storage.save("a", b"abc")
    file = storage.open("a")
    raw = file._raw
    file.close()
    with pytest.raises(ValueError, match="closed"):
        getattr(raw, method)(*([bytearray(1)] if method == "readinto" else [0]))


def test_text_mode_knows_encoding_and_newline(storage):
    """Text files decode as asked, and translate line ends as the built-in open does."""
    storage.save("latin.txt", "häßlich\r\nzwei".encode("latin-1"))
    with storage.open("latin.txt", "r", encoding="latin-1") as file:
        assert file.readlines() == ["häßlich\n", "zwei"]
        assert file.encoding == "latin-1"
    with storage.open("latin.txt", "rt", encoding="latin-1", newline="") as file:
        assert file.readline() == "häßlich\r\n"


def test_read1_returns_what_is_at_hand(storage):
    """read1 is there for text wrappers of one's own."""
    storage.save("a.txt", b"abc")
    with storage.open("a.txt") as file:
        assert file.read1(2) == b"ab"
        assert io.TextIOWrapper(file, "ascii").read() == "c"


def test_a_file_can_be_opened_again(storage):
    """File.open rewinds an open file, opens a closed one, and changes the mode."""
    storage.save("a.txt", b"abc")
    file = storage.open("a.txt")
    assert file.read() == b"abc"
    assert file.open().read() == b"abc"
    file.close()
    assert file.open().read() == b"abc"
    assert file.open("r").read() == "abc"
    with file.open("w") as writing:
        assert writing is file
        writing.write("new")
        assert writing.size == writing.tell() == 3
    assert storage.read_bytes("a.txt") == b"new"


def test_rr_04_an_object_that_changes_is_never_spliced(storage):
    """A reader that needs another request finds the old version gone and says so."""
    old, new = os.urandom(3 * MIB), os.urandom(3 * MIB)
    storage.save("a.bin", old)
    file = storage.open("a.bin")
    assert file.read(10) == old[:10]
    storage.client.put_object(Bucket=storage.bucket_name, Key=storage.objects.key("a.bin"), Body=new)
    file.seek(2 * MIB)
    with pytest.raises(errors.ObjectChangedError, match="Open it again"):
        file.read(10)
    file.close()


def test_rr_05_an_object_that_is_deleted_raises_file_not_found(storage):
    """The next request finds nothing."""
    storage.save("a.bin", os.urandom(3 * MIB))
    with storage.open("a.bin") as file:
        storage.delete("a.bin")
        file.seek(2 * MIB)
        with pytest.raises(FileNotFoundError):
            file.read(10)


def test_rr_04_a_server_without_if_match_is_not_trusted(seaweedfs_options):
    """Another size is another version, whatever the server thinks of If-Match."""

    def respond(method, target, headers):
        if method == "GET" and "range" in {name.lower() for name in dict(headers)}:
            return 206, {"Content-Range": "bytes 10-14/400000", "ETag": '"new"'}, b"other"
        return None

    S3Storage(**seaweedfs_options).save("a.bin", bytes(300_000))
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        file = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}).open("a.bin")
        file.read(5)
        file._raw.seek(10)
        file._raw._drop()
        with pytest.raises(errors.ObjectChangedError, match="replaced"):
            file._raw.readinto(bytearray(5))
        file.close()


@pytest.mark.parametrize("fault", ["cut", "short"])
@pytest.mark.parametrize("size", [200 * KIB, 5 * MIB])
def test_rr_01_02_a_broken_answer_is_resumed(through, seaweedfs_options, fault, size):
    """Three breaks in a row, at any point: the bytes are whole, and the rest is asked for from where it broke."""
    content = os.urandom(size)
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        through(proxy).save("a.bin", content)
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={fault: 1.0}, match="^GET", max_faults=3, seed=5
    ) as proxy:
        assert through(proxy).read_bytes("a.bin") == content
        resumed = [dict(exchange.request_headers) for exchange in proxy.log][1:]
    assert len(resumed) == 3
    if size > 256 * KIB:
        assert all("if-match" in headers for headers in resumed)
        assert all("range" in headers for headers in resumed)


def test_rr_01_breaks_without_end_are_an_error(through, seaweedfs_options, monkeypatch):
    """Six breaks in a row without a byte in between, and the reader gives up."""
    monkeypatch.setattr(reader.time, "sleep", lambda seconds: None)
    S3Storage(**seaweedfs_options).save("a.bin", os.urandom(100))
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET") as proxy:
        with pytest.raises(errors.S3ConnectionError):
            through(proxy).open("a.bin")
        assert len(proxy.log) == reader.RESUMES + 1


def test_rr_01_breaks_are_bounded_in_time(through, seaweedfs_options, monkeypatch):
    """A minute without a byte is enough, whatever the number of tries."""
    monkeypatch.setattr(reader, "RESUME_SECONDS", 0.0)
    S3Storage(**seaweedfs_options).save("a.bin", os.urandom(100))
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET") as proxy:
        with pytest.raises(errors.S3ConnectionError):
            through(proxy).open("a.bin")
        assert len(proxy.log) == 1


@pytest.mark.parametrize("size", [100 * KIB, 4 * MIB], ids=["small", "large"])
def test_rr_03_a_flipped_byte_is_noticed(through, seaweedfs_options, size):
    """A small object is asked for again; a large one, of which bytes were handed out, raises."""
    content = os.urandom(size)
    S3Storage(**seaweedfs_options).save("a.bin", content)
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"flip": 1.0}, match="^GET", max_faults=1) as proxy:
        if size < MIB:
            assert through(proxy).read_bytes("a.bin") == content
        else:
            with pytest.raises(errors.ChecksumError, match="damaged"):
                through(proxy).read_bytes("a.bin")


def test_rr_03_a_crc_is_checked_where_there_is_one(seaweedfs_options, through):
    """An object that was stored with a CRC32 is checked against it, multipart or not, whole or resumed."""
    plain = S3Storage(**seaweedfs_options)
    content = os.urandom(9 * MIB)
    plain.client.put_object(
        Bucket=plain.bucket_name, Key=plain.objects.key("a.bin"), Body=content, ChecksumAlgorithm="CRC32"
    )
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"flip": 1.0}, match="^GET", max_faults=1) as proxy:
        with pytest.raises(errors.ChecksumError):
            through(proxy).read_bytes("a.bin")
        assert through(proxy).read_bytes("a.bin") == content


def test_rr_06_a_stall_ends_with_the_read_timeout(through, seaweedfs_options):
    """A server that stops answering is asked again; one stall costs the read timeout once."""
    content = os.urandom(100 * KIB)
    S3Storage(**seaweedfs_options).save("a.bin", content)
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={"stall": 1.0}, match="^GET", max_faults=1, stall_seconds=300
    ) as proxy:
        assert through(proxy, read_timeout=1.0).read_bytes("a.bin") == content


_MEMORY = """
import django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from s3store.storage import S3Storage
from tests.memory import peak
storage = S3Storage(**{options!r})
storage.read_bytes("small")
before = peak()
with storage.open("large") as file:
    total = sum(len(chunk) for chunk in file.chunks())
print(total, peak() - before)
"""


def test_rr_07_memory_is_bounded(storage, seaweedfs_options):
    """48 MiB in chunks take less than 16 MiB of memory."""
    storage.save("small", b"x")
    storage.save("large", os.urandom(48 * MIB))
    ran = subprocess.run(
        [sys.executable, "-c", _MEMORY.format(options=seaweedfs_options)], capture_output=True, text=True, check=True
    )
    total, growth = map(int, ran.stdout.split())
    assert total == 48 * MIB
    assert growth < 16 * 1024


def test_rr_08_descriptors_do_not_grow(storage):
    """Files that are opened and dropped, or read by half, leave no sockets behind."""
    storage.save("a.bin", os.urandom(MIB))

    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    for _ in range(3):
        storage.open("a.bin").close()
    before = descriptors()
    for _ in range(20):
        storage.open("a.bin")
        with storage.open("a.bin") as file:
            file.read(MIB // 2)
    assert descriptors() <= before + 2


def test_sx_04_a_gzip_bomb_is_stopped(seaweedfs_options):
    """An object that inflates past the limit raises, in little memory; a smaller one is read whole."""
    import gzip

    storage = S3Storage(**seaweedfs_options, gzip=True, max_inflated_size=20 * MIB)
    bomb = gzip.compress(bytes(120 * MIB), 9)
    for name, body in {"bomb.txt": bomb, "fine.txt": gzip.compress(b"fine" * 1000)}.items():
        storage.client.put_object(
            Bucket=storage.bucket_name, Key=storage.objects.key(name), Body=body, ContentEncoding="gzip"
        )
    assert storage.size("fine.txt") == 4000
    with storage.open("bomb.txt") as file:
        assert file.read(10) == bytes(10)
        forget_peak()
        before = peak()
        with pytest.raises(SuspiciousFileOperation, match="max_inflated_size"):
            for _ in file.chunks():
                pass
        assert peak() - before < 64 * 1024


def test_gzipped_objects_are_read_as_they_were(seaweedfs_options):
    """A storage that compresses gives back what was saved, with its size, lines, seeks and text mode."""
    storage = S3Storage(**seaweedfs_options, gzip=True)
    text = "".join(f"line {number}\n" for number in range(1000))
    storage.save("a.txt", text)
    stat = storage.stat("a.txt")
    assert (stat.content_encoding, stat.metadata) == ("gzip", {})
    assert stat.size < len(text) == storage.size("a.txt")
    with storage.open("a.txt", "r") as file:
        assert file.readlines()[-1] == "line 999\n"
    with storage.open("a.txt") as file:
        assert file.size == len(text)
        file.seek(-9, io.SEEK_END)
        assert file.read() == b"line 999\n"
        file.seek(0)
        assert file.readline() == b"line 0\n"
        file.seek(7 * 9000)
        file.seek(0)
        file.seek(len(text) - 9)
        assert file.readline() == b"line 999\n"
    assert S3Storage(**seaweedfs_options).read_bytes("a.txt") != text.encode()
    [listed] = S3Storage(**seaweedfs_options).scan()
    assert listed.size == stat.size
    list(storage.scan())
    assert storage.size("a.txt") == len(text)


def test_threads_read_one_storage(storage):
    """32 threads read through one client."""
    contents = {f"{number}": os.urandom(1000 * number) for number in range(32)}
    for name, content in contents.items():
        storage.save(name, content)
    wrong = []

    def read(name):
        if storage.read_bytes(name) != contents[name]:
            wrong.append(name)

    threads = [threading.Thread(target=read, args=(name,)) for name in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
