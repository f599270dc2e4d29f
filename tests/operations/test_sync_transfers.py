"""What sync does with the content: large files, resumed ones, changed ones, compressed ones."""

from __future__ import annotations

import hashlib
import os
import threading
from types import SimpleNamespace

import pytest

from s3store import errors
from s3store.core.parts import MIB
from s3store.files.pieces import Pieces, write_at
from s3store.operations import landing
from s3store.operations.sync import journal, sync, up
from s3store.operations.sync.work import Bandwidth, Budget, StoppedError, Work
from s3store.operations.unfinished import Spot, open_part, part_name
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.operations.sync_places import Steps, files_in, fill, local, objects_in, place, storage_at


def noise(size, seed=0):
    """Bytes that do not repeat."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


LARGE = noise(17 * MIB)


@pytest.fixture(autouse=True)
def temporary(tmp_path, settings):
    """The notes about uploads are in a directory of the test."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def wire(s3_options):
    """A proxy before the server, and options of a storage behind it."""
    with FaultProxy(s3_options["endpoint_url"]) as proxy:
        proxy.options = {**s3_options, "endpoint_url": proxy.url}
        yield proxy


def interrupt_at(wire, number, match, method="PUT"):
    """Refuse the n-th such request, and all after it, until `wire.respond` is None."""
    seen = []

    def respond(verb, target, headers):
        if verb == method and match in target:
            seen.append(target)
            if len(seen) >= number:
                return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        return None

    wire.respond = respond


def break_at(wire, number, match, method="PUT"):
    """Answer the n-th such request, and all after it, with 503."""
    seen = []

    def respond(verb, target, headers):
        if verb == method and match in target:
            seen.append(target)
            if len(seen) >= number:
                return 503, {}, b"<Error><Code>SlowDown</Code></Error>"
        return None

    wire.respond = respond


def uploads(storage):
    return storage.client.list_multipart_uploads(Bucket=storage.bucket_name).get("Uploads", [])


def own_uploads(storage):
    return [each for each in uploads(storage) if each["Key"].startswith(storage.location)]


def test_large_files_are_sent_in_parts(s3_storage, tmp_path, temporary):
    """And recognised by the ETag of their parts, without a request; no note stays."""
    tree = fill(tmp_path / "tree", {"large": LARGE, "small": "s"})
    with counted_requests(s3_storage) as sent:
        summary = sync(local(tree), place(s3_storage))
    assert (summary.sent, summary.size) == (2, len(LARGE) + 1)
    assert sent.methods.count("PUT") == 4
    assert objects_in(s3_storage) == files_in(tree)
    assert own_uploads(s3_storage) == []
    (notes,) = temporary.iterdir()
    assert list(notes.iterdir()) == []
    assert notes.stat().st_mode & 0o777 == 0o700
    with counted_requests(s3_storage) as sent:
        summary = sync(local(tree), place(s3_storage))
    assert (summary.skipped, sent.methods) == (2, ["GET"])


@pytest.mark.parametrize("size", [100, 17 * MIB], ids=["whole", "in parts"])
def test_the_md5_of_what_is_sent_is_computed_once(s3_storage, tmp_path, monkeypatch, size):
    """It is the Content-MD5, for the server, and the ETag, for the next run: MD5 takes longest of all."""
    hashed = []
    real = hashlib.md5

    def counted(block=b"", **options):
        hashed.append(len(block))
        return real(block, **options)

    source = fill(tmp_path / "source", {"a": LARGE[:size]})
    monkeypatch.setattr("s3store.core.digests.hashlib", SimpleNamespace(md5=counted))
    assert sync(local(source), place(s3_storage)).sent == 1
    assert size <= sum(hashed) < size + 100
    monkeypatch.undo()
    assert objects_in(s3_storage) == {"a": LARGE[:size]}
    assert sync(local(source), place(s3_storage)).sent == 0


def test_an_upload_that_broke_is_continued(wire, tmp_path):
    """The next run sends only the parts that S3 does not have."""
    storage = storage_at(wire.options, max_attempts=1)
    tree = fill(tmp_path / "tree", {"large": LARGE})
    break_at(wire, 3, "partNumber")
    summary = sync(local(tree), place(storage))
    assert [failure.name for failure in summary.failed] == ["large"]
    assert len(own_uploads(storage)) == 1
    wire.respond = None
    wire.clear()
    summary = sync(local(tree), place(storage))
    assert summary.failed == []
    assert len(wire.requests("PUT")) == 1
    assert len(wire.requests("POST")) == 1
    assert objects_in(storage) == files_in(tree)
    assert own_uploads(storage) == []


@pytest.mark.parametrize("change", ["content", "headers", "upload"])
def test_an_upload_of_something_else_is_not_continued(wire, tmp_path, change):
    """Of another content or headers, or one that is no longer open."""
    options = {**wire.options, "max_attempts": 1}
    storage = storage_at(options)
    tree = fill(tmp_path / "tree", {"large": LARGE})
    break_at(wire, 3, "partNumber")
    assert len(sync(local(tree), place(storage)).failed) == 1
    wire.respond = None
    wire.clear()
    if change == "content":
        fill(tree, {"large": LARGE[::-1]})
    elif change == "headers":
        storage = storage_at(options, object_parameters={"CacheControl": "no-store"})
    else:
        (upload,) = own_uploads(storage)
        storage.client.abort_multipart_upload(
            Bucket=storage.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"]
        )
        wire.clear()
    assert sync(local(tree), place(storage)).failed == []
    assert len(wire.requests("PUT")) == 3
    assert objects_in(storage) == files_in(tree)
    assert change != "headers" or storage.stat("large").cache_control == "no-store"
    for upload in own_uploads(storage):
        storage.client.abort_multipart_upload(
            Bucket=storage.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"]
        )


def test_an_upload_that_s3_refuses_leaves_nothing(wire, tmp_path, temporary):
    """Neither parts nor a note."""
    storage = storage_at(wire.options, max_attempts=1)
    tree = fill(tmp_path / "tree", {"large": LARGE})
    interrupt_at(wire, 2, "partNumber")
    summary = sync(local(tree), place(storage))
    assert [failure.code for failure in summary.failed] == ["AccessDenied"]
    wire.respond = None
    assert own_uploads(storage) == []
    assert [list(each.iterdir()) for each in temporary.iterdir()] == [[]]


def test_parts_that_cannot_be_deleted(wire, tmp_path):
    """The error that led to it is told."""
    storage = storage_at(wire.options, max_attempts=1)
    tree = fill(tmp_path / "tree", {"large": LARGE})

    def respond(method, target, headers):
        refused = (method == "PUT" and "partNumber=2" in target) or method == "DELETE"
        return (403, {}, b"<Error><Code>Refused</Code></Error>") if refused else None

    wire.respond = respond
    summary = sync(local(tree), place(storage))
    assert "upload_part" in summary.failed[0].why
    wire.respond = None
    for upload in own_uploads(storage):
        storage.client.abort_multipart_upload(
            Bucket=storage.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"]
        )


@pytest.mark.parametrize("what", ["file", "foreign", "locked", "damaged", "unwritable"])
def test_notes_that_cannot_be_used(s3_storage, tmp_path, temporary, what, monkeypatch):
    """The file is sent all the same."""
    tree = fill(tmp_path / "tree", {"large": LARGE})
    notes = temporary / f"s3store-uploads-{os.getuid()}"
    key = s3_storage.objects.key("large")
    options = s3_storage.objects.options
    with journal.noted(options, key, path="x", stamp=(1,), params={}) as note:
        note.write("u", "t")
        (file,) = notes.iterdir()
        if what == "locked":
            assert sync(local(tree), place(s3_storage)).failed == []
    if what == "file":
        file.unlink()
        notes.rmdir()
        notes.touch()
    elif what == "foreign":
        notes.chmod(0o755)
    elif what == "damaged":
        file.write_text("{")
    elif what == "unwritable":
        file.unlink()
        file.mkdir()
    assert sync(local(tree), place(s3_storage)).failed == []
    assert objects_in(s3_storage) == files_in(tree)


def test_a_download_that_broke_is_continued(wire, tmp_path):
    """By a range of the same version; what was there is compared with the ETag."""
    storage = storage_at(wire.options, max_attempts=1)
    tree = fill(tmp_path / "tree", {"large": LARGE})
    sync(local(tree), place(storage))
    target = tmp_path / "target"

    class Stops(Steps):
        def moved(self, size):
            raise errors.S3ConnectionError("broken")

    assert len(sync(place(storage), local(target), watcher=Stops()).failed) == 1
    (part,) = target.iterdir()
    assert part.name.startswith(".large.")
    assert part.name.endswith(".s3store-part")
    note_pieces(part, LARGE, [0, 2])
    wire.clear()
    summary = sync(place(storage), local(target))
    assert (summary.failed, files_in(target)) == ([], files_in(tree))
    # The response without a range is for the facts about the object.
    ranges = {one.request_headers.get("range") for one in wire.requests("GET", "large")}
    assert ranges == {None, f"bytes={8 * MIB}-{16 * MIB - 1}"}
    conditions = {one.request_headers.get("if-match") for one in wire.requests("GET", "large")}
    assert conditions == {None, storage.stat("large").etag}


def note_pieces(part, content, numbers):
    """Write some pieces, as an interrupted download would have done."""
    with part.open("w+b") as file:
        pieces = Pieces(file, len(LARGE), 8 * MIB, noted=True)
        for number in numbers:
            start, stop = pieces.place(number)
            write_at(file, content[start:stop], start)
            pieces.arrived(number)


@pytest.mark.parametrize("pieces", [[0], [1, 2], [0, 1, 2]])
def test_pieces_that_an_earlier_run_damaged_are_downloaded_again(s3_storage, tmp_path, pieces):
    """A crash can leave zeros where a piece is noted: the ETag shows it."""
    tree = fill(tmp_path / "tree", {"large": LARGE})
    sync(local(tree), place(s3_storage))
    target = tmp_path / "target"
    target.mkdir()
    note_pieces(target / part_name("large", s3_storage.stat("large").etag), bytes(len(LARGE)), pieces)
    summary = sync(place(s3_storage), local(target))
    assert (summary.failed, files_in(target)) == ([], files_in(tree))


def test_what_an_earlier_run_did_not_note_is_downloaded_again(s3_storage, tmp_path):
    """Also a note about pieces of another size, and a file that was cut."""
    tree = fill(tmp_path / "tree", {"large": LARGE})
    sync(local(tree), place(s3_storage))
    etag = s3_storage.stat("large").etag
    for number, damaged in enumerate((bytes(9 * MIB), bytes(30 * MIB), LARGE, bytes(len(LARGE) + 28), LARGE + b"s")):
        target = tmp_path / f"target-{number}"
        target.mkdir()
        (target / part_name("large", etag)).write_bytes(damaged)
        summary = sync(place(s3_storage), local(target))
        assert (summary.failed, files_in(target)) == ([], files_in(tree))


def test_a_stopped_download_notes_the_pieces_that_are_complete(wire, tmp_path):
    """Their content is in the file, and the next run requests the others."""
    storage = storage_at(wire.options, max_attempts=1)
    tree = fill(tmp_path / "tree", {"large": LARGE})
    sync(local(tree), place(storage))
    target = tmp_path / "target"

    class Stops(Steps):
        arrived = 0

        def moved(self, size):
            self.arrived += size
            if self.arrived > 12 * MIB:
                raise errors.S3TimeoutError("slow")

    assert len(sync(place(storage), local(target), watcher=Stops()).failed) == 1
    (part,) = target.iterdir()
    with part.open("r+b") as file:
        pieces = Pieces(file, len(LARGE), 8 * MIB, noted=True)
        assert pieces.found
        for number in pieces.found:
            start, stop = pieces.place(number)
            assert os.pread(file.fileno(), stop - start, start) == LARGE[start:stop]
    wire.clear()
    assert sync(place(storage), local(target)).failed == []
    assert files_in(target) == files_in(tree)
    starts = {one.request_headers.get("range", "").partition("-")[0] for one in wire.requests("GET", "large")}
    assert not starts & {f"bytes={number * 8 * MIB}" for number in pieces.found}


def test_what_was_downloaded_of_another_version_is_deleted(s3_storage, tmp_path):
    """And what belongs to other files stays."""
    tree = fill(tmp_path / "tree", {"large": LARGE})
    sync(local(tree), place(s3_storage))
    target = tmp_path / "target"
    target.mkdir()
    other = part_name("large.x", "e")
    for name in (part_name("large", "old"), other, ".large.s3store-part"):
        (target / name).write_bytes(b"x")
    sync(place(s3_storage), local(target), delete=True)
    assert sorted(os.listdir(target)) == sorted([other, ".large.s3store-part", "large"])


def test_two_processes_never_write_the_same_temporary_file(s3_storage, tmp_path):
    """The second one takes another name; neither publishes a mixture."""
    s3_storage.save("a", b"content")
    target = tmp_path / "target"
    target.mkdir()
    directory = os.open(target, os.O_RDONLY)
    file, name, locked = open_part(Spot(target, (), directory), part_name("a", None))
    assert (name, locked) == (".a.s3store-part", True)
    assert sync(place(s3_storage), local(target)).failed == []
    assert sorted(os.listdir(target)) == [".a.s3store-part", "a"]
    # What was published meanwhile is not opened again by its old name.
    os.unlink(".a.s3store-part", dir_fd=directory)
    (target / "b").write_bytes(b"published")
    with file:
        os.link("b", ".b.s3store-part", src_dir_fd=directory, dst_dir_fd=directory)
    os.close(directory)


def test_a_long_name_has_a_short_temporary_one(s3_storage, tmp_path):
    """A file system allows 255 bytes."""
    name = "ü" * 127
    s3_storage.save(name, b"content")
    assert sync(place(s3_storage), local(tmp_path / "target")).failed == []
    assert files_in(tmp_path / "target") == {name: b"content"}


def test_files_get_the_permissions_of_the_umask(s3_storage, tmp_path):
    """Which is not changed."""
    s3_storage.save("d/a", b"content")
    before = os.umask(0o027)
    try:
        sync(place(s3_storage), local(tmp_path / "target"))
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (tmp_path / "target" / "d" / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "target" / "d").stat().st_mode & 0o777 == 0o750


def test_a_file_that_is_created_meanwhile_is_not_replaced(s3_storage, tmp_path, monkeypatch):
    """So it is in a directory that ignores case: the second of two spellings is named."""
    for name in "ab":
        s3_storage.save(name, b"content")
    target = tmp_path / "target"

    class Creates(Steps):
        def expect(self, objects, size):
            fill(target, {"a": "own"})

    for links in (True, False):
        if not links:
            (target / "a").unlink()
            (target / "b").unlink()

            def refuse(*_, **__):
                raise OSError(landing._NO_LINKS[0], "no links")

            monkeypatch.setattr(os, "link", refuse)
        summary = sync(place(s3_storage), local(target), watcher=Creates())
        assert [failure.name for failure in summary.failed] == ["a"]
        assert "another spelling" in summary.failed[0].why
        assert files_in(target) == {"a": b"own", "b": b"content"}


def test_a_disk_that_fails_while_publishing(s3_storage, tmp_path, monkeypatch):
    """The error is told, and no temporary file stays."""
    s3_storage.save("a", b"content")

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    summary = sync(place(s3_storage), local(tmp_path / "target"))
    assert [failure.name for failure in summary.failed] == ["a"]
    assert files_in(tmp_path / "target") == {}


@pytest.mark.parametrize("size", [1000, 20 * MIB], ids=["small", "large"])
def test_rd_04_a_file_that_changes_meanwhile_is_sent_again(s3_storage, tmp_path, size, monkeypatch):
    """Once; if it changes again, it is reported, and nothing mixed is stored."""
    tree = fill(tmp_path / "tree", {"a": b"0" * size})
    changes = []
    lock = threading.Lock()

    def look(descriptor):
        found = up_look(descriptor)
        with lock:
            if len(changes) < wanted:
                changes.append(1)
                (tree / "a").write_bytes(str(len(changes)).encode() * size)
        return found

    up_look, wanted = up.look, 1
    monkeypatch.setattr(up, "look", look)
    summary = sync(local(tree), place(s3_storage))
    assert (summary.failed, summary.sent) == ([], 1)
    assert set(s3_storage.read_bytes("a")) == {ord("1")}
    changes.clear()
    wanted = 2
    fill(tree, {"a": b"7" * size})
    summary = sync(local(tree), place(s3_storage))
    assert [failure.code for failure in summary.failed] == ["FileChangedError"]
    assert "was changed while it was being saved" in summary.failed[0].why
    assert set(s3_storage.read_bytes("a")) == {ord("1")}
    assert own_uploads(s3_storage) == []


@pytest.mark.parametrize("encoding", ["gzip", "brotli"])
def test_compressed_files_are_recognised(s3_options, tmp_path, encoding):
    """Up and down: the sizes differ, and the content does not."""
    storage = storage_at(s3_options, **{encoding: True})
    tree = fill(tmp_path / "tree", {"a.css": "a" * 5000, "b.css": "b", "c.bin": noise(100), "d.css": b"d" * 9 * MIB})
    summary = sync(local(tree), place(storage))
    assert (summary.sent, summary.failed) == (4, [])
    assert storage.stat("a.css").size < 1000
    assert objects_in(storage) == files_in(tree)
    assert sync(local(tree), place(storage)).sent == 0
    assert sync(place(storage), local(tmp_path / "down")).failed == []
    assert files_in(tmp_path / "down") == files_in(tree)
    assert sync(place(storage), local(tmp_path / "down")).sent == 0
    fill(tree, {"a.css": "x" * 5000})
    assert sync(local(tree), place(storage)).sent == 1
    assert objects_in(storage) == files_in(tree)


def test_compressed_files_of_the_size_of_parts(s3_options, tmp_path):
    """They are sent in parts, and continued as others are."""
    storage = storage_at(s3_options, gzip=True)
    content = noise(9 * MIB).hex().encode()
    tree = fill(tmp_path / "tree", {"a.css": content})
    assert sync(local(tree), place(storage)).failed == []
    assert MIB * 8 < storage.stat("a.css").size < len(content)
    assert objects_in(storage) == {"a.css": content}
    assert sync(local(tree), place(storage)).skipped == 1


def test_without_threads_nothing_is_started(s3_options, tmp_path):
    """As the options say."""
    storage = storage_at(s3_options, use_threads=False)
    tree = fill(tmp_path / "tree", {"large": LARGE, "a": "a"})
    before = set(threading.enumerate())
    started = []

    class Counts(Steps):
        def step(self, step):
            started.extend(one for one in set(threading.enumerate()) - before if one.name.startswith("s3store"))

    assert sync(local(tree), place(storage), watcher=Counts()).sent == 2
    assert started == []
    assert objects_in(storage) == files_in(tree)


# What transfers share


def test_the_memory_of_all_threads_is_limited():
    """Content above the limit is allowed alone."""
    budget = Budget(10)
    budget.take(20)
    order = []

    def second():
        with budget.holding(5):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    order.append("first")
    budget.give(20)
    thread.join()
    assert order == ["first", "second"]


def test_bandwidth():
    """Each thread waits for its turn; None does not wait."""
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    limit = Bandwidth(1000, clock=lambda: now[0], sleep=sleep)
    for size in (500, 1000, 0):
        limit.take(size)
    assert slept == [0.5, 1.0]
    Bandwidth(None, sleep=sleep).take(10**9)
    assert len(slept) == 2


def test_the_bandwidth_limits_a_run(s3_storage, tmp_path):
    """Both ways."""
    tree = fill(tmp_path / "tree", {name: noise(40_000, name) for name in "abc"})
    for source, target in ((local(tree), place(s3_storage)), (place(s3_storage), local(tmp_path / "target"))):
        summary = sync(source, target, bandwidth=400_000)
        assert (summary.sent, summary.failed) == (3, [])
        assert summary.seconds > 0.2


def test_work_that_was_stopped():
    """Nothing more is done, and nothing waits for its turn."""
    work = Work(threaded=False, bandwidth=1, moved=lambda _: None)
    work.pace(1000)
    threading.Timer(0.05, work.stop).start()
    with pytest.raises(StoppedError):
        work.pace(1)
    work.close()
    work = Work(threaded=False, bandwidth=None, moved=lambda _: None)
    work.pace(1)
    work.stop()
    with pytest.raises(StoppedError):
        work.pace(1)
    work.close()
