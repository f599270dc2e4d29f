"""What each call costs in requests, counted on the wire by a proxy between the client and SeaweedFS."""

import contextlib
import io
import json
import os
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.http import FileResponse

from s3store.core.parts import KIB, MIB
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.filling import fill
from tests.optional import needs


@pytest.fixture
def wire(seaweedfs_options):
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        yield proxy


@pytest.fixture
def storage(seaweedfs_options, wire):
    return S3Storage(**{**seaweedfs_options, "endpoint_url": wire.url})


@pytest.fixture
def sent(storage, wire):
    """Give the methods of the requests that a block sends; count them twice, at the client and on the wire."""

    @contextlib.contextmanager
    def block():
        methods = []
        wire.clear()
        with counted_requests(storage) as counted:
            yield methods
        methods += [exchange.method for exchange in wire.log]
        assert sorted(counted.methods) == sorted(methods)

    return block


@pytest.fixture
def large(storage):
    """A file of 20 MiB and its content."""
    content = os.urandom(20 * MIB)
    return storage.save("large.bin", content), content


def test_a_save_is_one_put_in_one_round_trip(storage, sent, wire):
    """Neither an exists() before it nor an Expect: 100-continue within it."""
    with sent() as methods:
        storage.save("a.txt", ContentFile(b"x"))
    assert methods == ["PUT"]
    assert not any(exchange.expect_continue for exchange in wire.log)
    assert dict(wire.log[0].request_headers)["if-none-match"] == "*"


def test_a_save_with_overwriting_is_one_put(seaweedfs_options, wire):
    """Overwriting costs the same."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": wire.url}, file_overwrite=True)
    storage.save("a.txt", b"x")
    storage.save("a.txt", b"y")
    assert [exchange.method for exchange in wire.log] == ["PUT", "PUT"]
    assert not any(exchange.expect_continue for exchange in wire.log)


def test_a_taken_name_costs_one_put_more(storage, sent):
    """The refusal is the question."""
    storage.save("a.txt", b"x")
    with sent() as methods:
        storage.save("a.txt", b"y")
    assert methods == ["PUT", "PUT"]


def test_without_conditional_writes_a_save_asks_first(seaweedfs_options, wire):
    """The fallback costs a HEAD."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": wire.url}, conditional_writes=False)
    storage.save("a.txt", b"x")
    assert [exchange.method for exchange in wire.log] == ["HEAD", "PUT"]


def test_exists(storage, sent):
    """1 for a file; 1 for `dir/`; 2 for `dir`, which could be a file; 2 for nothing."""
    storage.save("dir/a.txt", b"x")
    for name, expected in {
        "dir/a.txt": (True, ["HEAD"]),
        "dir/": (True, ["GET"]),
        "dir": (True, ["HEAD", "GET"]),
        "none": (False, ["HEAD", "GET"]),
        "": (True, ["GET"]),
    }.items():
        with sent() as methods:
            found = storage.exists(name)
        assert (found, methods) == expected, name


@pytest.mark.parametrize("verb", ["size", "get_modified_time", "stat"])
def test_facts_cost_one_head(seaweedfs_options, storage, sent, verb):
    """Facts that nothing has told yet cost one HEAD."""
    S3Storage(**seaweedfs_options).save("a.txt", b"x")
    with sent() as methods:
        getattr(storage, verb)("a.txt")
    assert methods == ["HEAD"]


def test_size_after_save_is_free(storage, sent):
    """save knows the size."""
    storage.save("a.txt", b"abc")
    with sent() as methods:
        assert storage.size("a.txt") == 3
    assert methods == []


@pytest.mark.parametrize(
    "tell",
    [
        lambda storage: storage.open("a.txt").close(),
        lambda storage: storage.stat("a.txt"),
        lambda storage: storage.listdir(""),
        lambda storage: list(storage.scan()),
        lambda storage: storage.exists("a.txt"),
    ],
    ids=["open", "stat", "listdir", "scan", "exists"],
)
def test_facts_that_were_just_told_are_free(storage, sent, tell):
    """size and get_modified_time cost nothing right after a call that brought them."""
    storage.save("a.txt", b"abc")
    tell(storage)
    with sent() as methods:
        assert storage.size("a.txt") == 3
        storage.get_modified_time("a.txt")
    assert methods == []


def test_open_and_read_small_is_one_get(storage, sent):
    """The first request is check, size, ETag and content."""
    storage.save("a.txt", b"abc")
    with sent() as methods, storage.open("a.txt") as file:
        assert file.read() == b"abc"
        assert file.size == 3
    assert methods == ["GET"]


def test_a_missing_object_costs_one_get(storage, sent):
    """And raises at open."""
    storage.save("other", b"x")
    with sent() as methods, pytest.raises(FileNotFoundError):
        storage.open("missing.txt")
    assert methods == ["GET"]


def test_the_last_64_kib_of_a_large_file(storage, sent, wire, large):
    """Two GETs, and less than 1 MiB on the wire."""
    name, content = large
    with sent() as methods, storage.open(name) as file:
        file.seek(-64 * KIB, io.SEEK_END)
        assert file.read() == content[-64 * KIB :]
    assert methods == ["GET", "GET"]
    assert sum(exchange.response_bytes_sent_to_client for exchange in wire.log) < MIB


@pytest.mark.parametrize(
    "read",
    [
        lambda file: b"".join(file.chunks()),
        lambda file: file.read(),
        lambda file: b"".join(iter(lambda: file.read(100_000), b"")),
        lambda file: b"".join(file),
        lambda file: b"".join(FileResponse(file).streaming_content),
    ],
    ids=["chunks", "read", "read in pieces", "lines", "FileResponse"],
)
def test_reading_a_large_file_in_sequence_is_one_get(storage, sent, large, read):
    """One answer stays open, however it is read."""
    name, content = large
    with sent() as methods, storage.open(name) as file:
        assert read(file) == content
    assert methods == ["GET"]


def test_small_gaps_are_read_over(storage, sent, large):
    """A reader that skips a little stays on its answer."""
    name, content = large
    with sent() as methods, storage.open(name) as file:
        for position in range(0, 12 * MIB, 3 * MIB // 2):
            file.seek(position)
            assert file.read(MIB + MIB // 3) == content[position : position + MIB + MIB // 3]
    assert methods == ["GET"]


def test_rr_09_a_zip_is_listed_and_read_in_few_requests(storage, sent):
    """The directory is at the end: the first answer is given up, the rest is one window each."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(20):
            packed.writestr(f"{number}.bin", os.urandom(MIB))
    storage.save("a.zip", archive)
    with sent() as methods, storage.open("a.zip") as file, zipfile.ZipFile(file) as packed:
        assert len(packed.namelist()) == 20
    assert methods == ["GET"] * 2
    with sent() as methods, storage.open("a.zip") as file, zipfile.ZipFile(file) as packed:
        packed.read("10.bin")
    assert len(methods) <= 4


def test_rr_09_an_image_is_measured_in_one_request(storage, sent):
    """Pillow reads the header of a large picture."""
    image = needs("PIL.Image")
    picture = io.BytesIO()
    image.effect_noise((2000, 2000), 100).save(picture, "PNG")
    assert picture.tell() > MIB
    storage.save("a.png", picture)
    with sent() as methods, storage.open("a.png") as file:
        assert image.open(file).size == (2000, 2000)
    assert methods == ["GET"]


def test_rr_09_json_and_csv_are_one_request(storage, sent):
    """Text formats read in sequence."""
    storage.save("a.json", json.dumps(list(range(100_000))))
    with sent() as methods, storage.open("a.json", "r") as file:
        assert json.load(file)[-1] == 99_999
    assert methods == ["GET"]


def test_a_small_write_through_open_is_one_put(storage, sent):
    """open does not ask, close writes once."""
    with sent() as methods, storage.open("a.txt", "wb") as file:
        file.write(b"one")
        file.write(b"two")
    assert methods == ["PUT"]


def test_a_write_that_fails_sends_nothing(storage, sent):
    """An exception within the first part costs no request."""
    with sent() as methods, contextlib.suppress(ZeroDivisionError), storage.open("a.txt", "wb") as file:
        file.write(b"one")
        1 / 0  # noqa: B018
    assert methods == []


def test_a_large_save_is_a_multipart_upload(storage, sent):
    """20 MiB: the name is asked for, then create, three parts, an empty object with the name, complete."""
    with sent() as methods:
        storage.save("large.bin", os.urandom(20 * MIB))
    assert sorted(methods) == ["HEAD", "POST", "POST", "PUT", "PUT", "PUT", "PUT"]


def test_listings_cost_a_request_per_1000(storage, sent, seaweedfs_options):
    """1,001 files are two pages, for listdir, scan and walk; delete_tree adds one request per 1,000."""
    fill(S3Storage(**seaweedfs_options), [f"d/{number}" for number in range(1001)])
    for verb in (storage.listdir, lambda path: list(storage.scan(path)), lambda path: list(storage.walk(path))):
        with sent() as methods:
            verb("d")
        assert methods == ["GET", "GET"]
    with sent() as methods:
        assert storage.delete_tree("d") == 1001
    assert methods == ["GET", "POST", "GET", "POST"]


def test_verbs_cost_what_they_must(storage, sent):
    """One request each, one more where overwriting is to be avoided or the old state is needed."""
    storage.save("a.txt", b"abc")
    # The first copy finds out what the server refuses.
    storage.copy("a.txt", "first.txt")
    for verb, expected in [
        (lambda: storage.delete("none"), ["DELETE"]),
        (lambda: storage.copy("a.txt", "b.txt", overwrite=True), ["PUT"]),
        (lambda: storage.copy("a.txt", "c.txt"), ["PUT"]),
        (lambda: storage.move("c.txt", "d.txt", overwrite=True), ["PUT", "DELETE"]),
        (lambda: storage.read_bytes("a.txt"), ["GET"]),
        (lambda: storage.get_metadata("a.txt"), ["HEAD"]),
        (lambda: storage.set_metadata("a.txt", {"k": "v"}), ["HEAD", "PUT"]),
        (lambda: storage.create_folder("folder"), ["PUT"]),
        (lambda: storage.url("a.txt"), []),
    ]:
        with sent() as methods:
            verb()
        assert methods == expected
