"""An object in parts: in order, in bounded memory, and with no parts left behind."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

import pytest

from s3store import errors
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Params
from s3store.storage import S3Storage
from s3store.wire.bucket import Bucket
from s3store.wire.in_parts import Part
from s3store.wire.multipart import MultipartUpload


class Receiver(Bucket):
    """A bucket that keeps parts in memory, and can refuse one of them."""

    def __init__(self, refused: int = 0) -> None:
        super().__init__(S3Storage(bucket_name="some-bucket").objects.options)
        self.refused = refused
        self.lock = threading.Lock()
        self.begun: list[int] = []
        self.finished: list[int] = []
        self.most = 0
        self.aborted: list[str] = []
        self.offered = 0

    def start_upload(self, key: str, params: Params) -> str:
        return f"upload of {key}"

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes, params: Params) -> Part:
        with self.lock:
            self.begun.append(number)
            self.most = max(self.most, self.offered - len(self.finished))
        sum(range(20_000))
        with self.lock:
            self.finished.append(number)
        if number == self.refused:
            raise errors.InvalidRequestError("refused")
        return Part(number=number, etag=f"{number}")

    def copy_part(
        self,
        source: str,
        key: str,
        upload_id: str,
        number: int,
        params: Params,
        *,
        first: int,
        last: int,
        etag: str,
        origin: Any,
        version_id: Any,
    ) -> Part:
        self.copied = source, number, first, last, etag, origin, version_id
        return Part(number=number, etag=etag)

    def complete_upload(self, key: str, upload_id: str, sent: Any, params: Params, **named: Any) -> ObjectInfo:
        self.completed = [part.number for part in sent], named
        return ObjectInfo(key=key, size=named["size"], all_metadata=params["Metadata"])

    def abort_upload(self, key: str, upload_id: str, params: Params) -> None:
        self.aborted.append(upload_id)


def upload_to(bucket: Bucket, key: str = "k", *, create: bool = False, threads: int = 2) -> MultipartUpload:
    return MultipartUpload(bucket, key, {"Metadata": {"a": "b"}}, create=create, part_size=5, threads=threads)


def test_parts_are_numbered_in_order_and_at_most_so_many_are_held_as_there_are_threads() -> None:
    """One more is offered while all threads are busy, and waits."""
    bucket = Receiver()
    upload = upload_to(bucket, threads=2)
    for _ in range(60):
        bucket.offered += 1
        upload.send(b"12345")
    info = upload.complete()
    assert bucket.completed == (list(range(1, 61)), {"size": 300, "create": False})
    assert (sorted(bucket.begun), bucket.most <= 3) == (list(range(1, 61)), True)
    assert info.size == 300
    assert info.all_metadata is not None
    assert (info.all_metadata["a"], len(info.all_metadata[WRITE_TOKEN])) == ("b", 16)
    upload.abort()
    assert bucket.aborted == []


def test_copied_bytes_count() -> None:
    """Both ends of a range are part of it."""
    bucket = Receiver()
    upload = upload_to(bucket)
    upload.copy(ObjectInfo(key="source", size=30, etag="v1"), 10, 19)
    assert upload.complete().size == 10
    assert bucket.copied == ("source", 1, 10, 19, "v1", None, None)


def test_a_part_on_its_way_arrives_before_the_parts_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that arrives later would stay in the bucket."""
    events: list[str] = []
    gate, join = threading.Event(), threading.Thread.join

    class Slow(Receiver):
        def upload_part(self, *arguments: Any) -> Part:
            gate.wait(10)
            events.append("part")
            return Part(number=1, etag="x")

        def abort_upload(self, key: str, upload_id: str, params: Params) -> None:
            events.append("abort")

    def wait_for(thread: threading.Thread, *timeout: Any) -> None:
        gate.set()
        join(thread, *timeout)

    upload = upload_to(Slow())
    upload.send(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", wait_for)
        upload.abort()
    found = list(events)
    gate.set()
    assert found == ["part", "abort"]


def test_an_upload_of_nothing_has_no_bytes() -> None:
    """Its size is the sum of its parts."""
    bucket = Receiver()
    assert upload_to(bucket, create=True).complete().size == 0
    assert bucket.completed == ([], {"size": 0, "create": True})


def test_a_failed_part_is_the_error_of_each_part_after_it() -> None:
    """None of them waits for a place."""
    bucket = Receiver(refused=1)
    upload = upload_to(bucket, threads=2)
    upload.send(b"1")
    upload._futures[0].exception()  # waits for it
    for _ in range(3):
        with pytest.raises(errors.InvalidRequestError):
            upload.send(b"2")
    with pytest.raises(errors.InvalidRequestError):
        upload.complete()
    upload.abort()
    assert (bucket.begun, bucket.aborted) == ([1], ["upload of k"])
    upload.abort()
    assert bucket.aborted == ["upload of k"]


def test_an_upload_that_is_forgotten_is_aborted_by_the_process_that_began_it() -> None:
    """A forked child forgets it too, and deletes no parts of its parent."""
    bucket = Receiver()
    upload = upload_to(bucket)
    if hasattr(os, "fork"):
        child = os.fork()
        if not child:  # pragma: no cover
            del upload
            os._exit(len(bucket.aborted))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    del upload
    assert bucket.aborted == ["upload of k"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("error", "logged"), [(errors.ObjectNotFoundError, False), (errors.ServerError, True)], ids=["gone", "refused"]
)
def test_parts_that_cannot_be_deleted_are_a_warning(
    caplog: pytest.LogCaptureFixture, error: type[errors.S3StoreError], logged: bool
) -> None:
    """It names key and bucket; parts that are gone are no reason for one."""

    class Stubborn(Receiver):
        def abort_upload(self, key: str, upload_id: str, params: Params) -> None:
            raise error("said no")

    with caplog.at_level(logging.WARNING, logger="s3store"):
        upload_to(Stubborn()).abort()
    assert bool(caplog.records) is logged
    assert all(word in caplog.text for word in ("'k'", "'some-bucket'", "said no") if logged)


def test_the_parts_of_an_object_arrive(seaweedfs_options: dict[str, Any]) -> None:
    """In the order in which they are sent, with their metadata."""
    storage = S3Storage(**seaweedfs_options)
    bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
    upload = upload_to(bucket, key, threads=3)
    for number in range(4):
        upload.send(bytes([number]) * (5 << 20))
    info = upload.complete()
    assert (info.size, storage.size("a.bin")) == (20 << 20, 20 << 20)
    assert storage.get_metadata("a.bin") == {"a": "b"}
    with storage.open("a.bin") as file:
        for number in range(4):
            file.seek(number * (5 << 20))
            assert file.read(3) == bytes([number]) * 3
