"""What rarely happens in a run of sync: disks and servers that fail in the middle, and races with other processes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from s3store import errors
from s3store.core.info import DIGEST, ObjectInfo
from s3store.core.parts import MIB
from s3store.operations.landing import Landing
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Watcher
from s3store.operations.sync import deletes, down, in_parts, journal, local, look, sync, up
from s3store.operations.sync.decide import How
from s3store.operations.sync.look import ObjectLook
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found, Row
from s3store.operations.sync.work import Work
from s3store.operations.unfinished import Spot, open_part
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from s3store.wire.deleting import Deleted
from tests.operations.sync_places import files_in, fill, objects_in, place
from tests.operations.sync_places import local as directory


@pytest.fixture
def storage(moto, request):
    """An empty storage on moto."""
    return S3Storage(**options_for(moto), location=request.node.name.partition("[")[0])


def test_deletes_go_in_batches(storage, tmp_path, monkeypatch):
    """Of as many as one request can name."""
    monkeypatch.setattr(deletes, "MAX_DELETE_KEYS", 2)
    tree = fill(tmp_path / "tree", {"a": "a"})
    for number in range(4):
        storage.save(f"old-{number}", b"1")
    summary = sync(directory(tree), place(storage), delete=True)
    assert (summary.deleted, set(objects_in(storage))) == (4, {"a"})


def test_objects_that_s3_does_not_delete_are_failures(storage, tmp_path, monkeypatch):
    """With the code of S3."""
    tree = fill(tmp_path / "tree", {"a": "a"})
    storage.save("old", b"1")

    def refuse(self, wanted, params, **more):
        failure = errors.Failure(key=wanted[0].key, code="AccessDenied", message="no")
        return [Deleted(deletion=wanted[0], failure=failure)]

    monkeypatch.setattr(type(storage.objects.bucket), "delete_listed", refuse)
    summary = sync(directory(tree), place(storage), delete=True)
    assert [(failure.name, failure.code) for failure in summary.failed] == [("old", "AccessDenied")]
    assert summary.deleted == 0


def test_a_small_download_that_breaks_leaves_nothing(storage, tmp_path, monkeypatch):
    """It is not worth continuing."""
    storage.save("a", b"content")

    class Breaks(Watcher):
        def moved(self, size):
            if size:
                raise errors.S3TimeoutError("slow")

    summary = sync(place(storage), directory(tmp_path / "target"), watcher=Breaks())
    assert [failure.code for failure in summary.failed] == ["S3TimeoutError"]
    assert files_in(tmp_path / "target") == {}


def test_a_temporary_file_that_was_published_meanwhile_is_not_opened_again(tmp_path, monkeypatch):
    """Another process has renamed it between opening and locking: writing to it would destroy the file."""
    target = fill(tmp_path / "target", {".a.s3store-part": "published"})
    descriptor = os.open(target, os.O_RDONLY)
    real = fcntl.flock

    def publish(file, how):
        (target / ".a.s3store-part").rename(target / "a")
        return real(file, how)

    monkeypatch.setattr(fcntl, "flock", publish)
    file, name, locked = open_part(Spot(target, (), descriptor), ".a.s3store-part")
    with file:
        file.write(b"mine")
    assert (locked, name != ".a.s3store-part") == (False, True)
    assert files_in(target) == {"a": b"published", name: b"mine"}
    Spot(target, (), descriptor).unlink(name)
    Spot(target, (), descriptor).unlink(name)
    os.close(descriptor)


def test_an_object_without_a_time_or_with_a_wrong_one():
    """The file gets the time 0, or that of the object."""
    assert down._time_of(ObjectInfo(key="k", size=1)) == 0.0
    assert down._time_of(ObjectInfo(key="k", size=1, all_metadata={"s3store-mtime": "1.5"})) == 1.5


def test_a_source_that_fails_in_the_middle(storage):
    """No part and no memory stays occupied."""

    class Fails:
        def __init__(self):
            self.blocks = [b"x" * 5 * MIB]

        def read(self, size):
            if self.blocks:
                return self.blocks.pop()
            raise OSError("disk")

    for threaded in (True, False):
        work = Work(threaded=threaded, bandwidth=None, moved=lambda _: None)
        with pytest.raises(OSError, match="disk"):
            in_parts.send_in_parts(storage.objects.bucket, "k", Fails(), {}, part_size=5 * MIB, work=work)
        assert work.budget._used == 0
        work.close()


def test_a_failed_part_ends_the_upload_at_once(storage, monkeypatch):
    """The rest of the file is not read."""
    bucket = storage.objects.bucket
    read = []

    class Source:
        def read(self, size):
            read.append(size)
            return b"x" * size

    def refuse(*_, **__):
        raise errors.AccessDeniedError("no")

    monkeypatch.setattr(type(bucket), "upload_part", refuse)
    work = Work(threaded=False, bandwidth=None, moved=lambda _: None)
    with pytest.raises(errors.AccessDeniedError):
        in_parts.send_in_parts(bucket, "k", Source(), {}, part_size=5 * MIB, work=work)
    assert len(read) == 1


def test_directories_that_cannot_be_read(tmp_path, monkeypatch):
    """One below is a failure of its own; the first one is an error."""
    tree = fill(tmp_path / "tree", {"a": "a", "d/b": "b"})
    real = os.scandir

    def refuse(path):
        if Path(path).name in refused:
            raise PermissionError(13, "no", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused, found = ["d"], Found()
    assert [row.name for row in local.Walk(root=tree).rows(found)] == ["a"]
    assert [failure.code for failure in found.failed.values()] == ["PermissionError"]
    refused = ["tree"]
    with pytest.raises(PermissionError):
        list(local.Walk(root=tree).rows(found))


def test_a_directory_that_is_no_directory_any_more(tmp_path):
    """Other errors than those of links are told as they are."""
    tree = Landing(fill(tmp_path / "tree", {"d/a": "a"}))
    with pytest.raises(FileNotFoundError), tree.open("x/a"):
        pass
    with pytest.raises(FileNotFoundError), tree.open("d/b"):
        pass
    with pytest.raises(IsADirectoryError), tree.open("d"):
        pass


def test_two_threads_create_the_same_directory(tmp_path, monkeypatch):
    """The one that is later uses it."""
    tree = Landing(fill(tmp_path / "tree", {"a": "a"}))
    real = os.mkdir

    def late(path, *more, **named):
        real(path, *more, **named)
        return real(path, *more, **named)

    monkeypatch.setattr(os, "mkdir", late)
    tree.make_directory("x/y")
    assert (tmp_path / "tree" / "x" / "y").is_dir()


@pytest.mark.parametrize(
    ("one", "two", "op"),
    [
        ({"all_metadata": {DIGEST: "a"}}, {"all_metadata": {DIGEST: "a"}}, "skip"),
        ({"all_metadata": {DIGEST: "a"}}, {"all_metadata": {DIGEST: "b"}}, "send"),
        ({"etag": f'"{"a" * 32}"'}, {"etag": f'"{"a" * 32}"'}, "skip"),
        ({"etag": f'"{"a" * 32}"'}, {"etag": f'"{"b" * 32}"'}, "send"),
        ({"etag": f'"{"a" * 32}"'}, {"all_metadata": {DIGEST: "a" * 32}}, "skip"),
        ({}, {}, "send"),
        (None, {}, "send"),
        ({}, None, "send"),
    ],
)
def test_what_two_objects_tell(storage, monkeypatch, one, two, op):
    """Their digests, where they have some."""
    found = {"one": one, "two": two}

    def head(remote, name):
        facts = found[remote.path]
        return None if facts is None else ObjectInfo(key=name, size=1, **facts)

    monkeypatch.setattr(look, "_head", head)
    compared = ObjectLook(Remote(place(storage, "one")), Remote(place(storage, "two")), How())
    assert compared.verdict(Row("a", 1, 0, "x"), Row("a", 1, 0, "y")).op == op
    assert compared.verdict(Row("a", 1), Row("a", 2)).op == "send"


def test_contents_of_two_storages_are_compared(storage, tmp_path):
    """With verify, whatever their ETags are: here of parts of other sizes."""
    for path, size in (("one", 5), ("two", 6), ("three", 6)):
        other = S3Storage(
            **options_for_(storage), location=storage.location, transfer_config={"multipart_chunksize": size * MIB}
        )
        other.save(f"{path}/a", bytes(9 * MIB) + path.encode()[:1])
    steps = sync(place(storage, "two"), place(storage, "three"), verify=True, dry_run=True)
    assert steps.skipped == 1
    differ = sync(place(storage, "one"), place(storage, "two"), verify=True, dry_run=True)
    assert [(step.name, step.reason) for step in differ.plan] == [("a", "the content differs")]


def options_for_(storage):
    names = ("bucket_name", "endpoint_url", "access_key", "secret_key", "region_name")
    return {name: getattr(storage, name) for name in names}


def test_large_files_with_sse_kms_note_their_digest(storage, tmp_path):
    """Their ETag is none: the digest is computed before the first part is sent."""
    encrypted = S3Storage(
        **options_for_(storage), location=storage.location, object_parameters={"ServerSideEncryption": "aws:kms"}
    )
    tree = fill(tmp_path / "tree", {"large": bytes(9 * MIB)})
    sync(directory(tree), place(encrypted))
    info = encrypted.objects.bucket.head(f"{storage.location}/large", {})
    assert str(info.internal(DIGEST)).endswith("-2")
    assert up._is_opaque({"ServerSideEncryption": "aws:kms:dsse"})
    assert not up._is_opaque({"ServerSideEncryption": "AES256"})


def test_encryption_keys_are_not_part_of_a_note():
    """They are secrets."""
    known = up._known({"SSECustomerKey": "secret", "SSECustomerKeyMD5": "m", "ContentType": "a/b"})
    assert known == {"ContentType": "a/b"}


def test_a_note_that_is_not_a_note(tmp_path, settings, storage):
    """Another document, or nothing, tells nothing; a note that is not written leaves no file."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    how = {"path": "p", "stamp": (1,), "params": {}}
    with journal.noted(storage.objects.options, "k", **how) as note:
        assert note.found is None
        note.write("u", "t")
    with journal.noted(storage.objects.options, "k", **how) as note:
        assert note.found["upload_id"] == "u"
    (file,) = next(tmp_path.iterdir()).iterdir()
    file.write_text("[]")
    with journal.noted(storage.objects.options, "k", **how) as note:
        assert note.found is None
        note.forget()
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")
    with journal.noted(storage.objects.options, "k", **how) as note:
        note.write("u", "t")
        note.forget()
        assert note.found is None


def test_a_remote_place_is_in_a_storage(tmp_path):
    """Anything else is refused."""
    with pytest.raises(PlaceError, match="is not in a storage"):
        Remote(Place(path=str(tmp_path)))


def test_a_run_that_was_stopped_takes_no_more_work(storage, tmp_path):
    """Files that wait for their turn are not sent."""
    tree = fill(tmp_path / "tree", {f"{number:03}": "x" for number in range(50)})

    class Interrupts(Watcher):
        def step(self, step):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(directory(tree), place(storage), watcher=Interrupts(), threads=2)
    assert 1 <= len(objects_in(storage)) < 20
    assert sync(directory(tree), place(storage)).failed == []


def test_the_parts_of_a_large_file_end_soon_when_a_run_is_stopped(storage, tmp_path):
    """No further part is sent, and the next run continues."""
    tree = fill(tmp_path / "tree", {"0": "x", "large": os.urandom(40 * MIB)})

    class Interrupts(Watcher):
        def moved(self, size):
            nonlocal parts
            parts += size > 1

        def step(self, step):
            raise KeyboardInterrupt

    parts = 0
    with pytest.raises(KeyboardInterrupt):
        sync(directory(tree), place(storage), watcher=Interrupts(), threads=2)
    assert set(objects_in(storage)) <= {"0", "large"}
    assert sync(directory(tree), place(storage)).failed == []
    assert objects_in(storage) == files_in(tree)
