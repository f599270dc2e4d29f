"""Moves delete exactly what was copied: a version that somebody writes meanwhile stays."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from s3store import errors
from s3store.core import parts
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parts import MIB
from s3store.local import FakeS3Storage
from s3store.local.bucket import LocalBucket
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.servers import Server
from s3store.wire import moving
from s3store.wire.copies import Copied
from tests.buckets import fresh_options, server_named
from tests.faults.proxy import FaultProxy

Answer = tuple[int, dict[str, str], bytes] | None


def in_parts(storage: S3Storage, name: str, *contents: bytes, metadata: dict[str, str] | None = None) -> None:
    """Upload a file in parts, as other programs do: without a token of s3store."""
    bucket, key = storage.objects.bucket, storage.objects.key(name)
    params = {"Metadata": metadata} if metadata else {}
    upload_id = bucket.start_upload(key, params)
    sent = [bucket.upload_part(key, upload_id, number, body, {}) for number, body in enumerate(contents, start=1)]
    bucket.complete_upload(key, upload_id, sent, {}, size=sum(map(len, contents)))


class Race:
    """Calls `change` before the first request with a method about the file `a.bin` arrives."""

    def __init__(self, change: Callable[[], object], method: str = "DELETE") -> None:
        self.change = change
        self.method = method
        self.done = False

    def __call__(self, method: str, target: str, headers: Any) -> Answer:
        if method == self.method and target.partition("?")[0].endswith("/a.bin") and not self.done:
            self.done = True
            self.change()
        return None


def names_in(storage: S3Storage) -> list[str]:
    return [stat.name for stat in storage.scan()]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_source_that_is_replaced_after_the_copy_stays(s3_options: dict[str, Any], overwrite: bool) -> None:
    """Both files exist, and the error says what to do."""
    theirs = S3Storage(**s3_options)
    theirs.save("a.bin", b"old")
    race = Race(lambda: theirs.objects.bucket.put(theirs.objects.key("a.bin"), b"new", {}))
    with FaultProxy(s3_options["endpoint_url"], respond=race) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
        with pytest.raises(errors.ObjectChangedError) as caught:
            storage.move("a.bin", "b.bin", overwrite=overwrite)
    assert (theirs.read_bytes("a.bin"), theirs.read_bytes("b.bin")) == (b"new", b"old")
    assert (caught.value.operation, caught.value.key) == ("move", theirs.objects.key("a.bin"))
    assert (caught.value.code, caught.value.status) == ("PreconditionFailed", 412)
    assert "PreconditionFailed, it may have been replaced after it was copied" in str(caught.value)
    assert str(caught.value).endswith(
        ". Both files exist: 'b.bin' has the content that was copied. Compare them. Then delete one of them, or move "
        "again with overwrite=True."
    )


def test_the_usual_move_is_two_requests(s3_options: dict[str, Any]) -> None:
    """Whether the file is known or not: the ETag of the copy is that of the source."""
    theirs = S3Storage(**s3_options)
    theirs.save("a.bin", b"one")
    storage = S3Storage(**s3_options)
    for source, target in (("a.bin", "b.bin"), ("b.bin", "c.bin")):
        with counted_requests(storage) as sent:
            storage.move(source, target, overwrite=True)
        assert sent.methods == ["PUT", "DELETE"]
    assert names_in(theirs) == ["c.bin"]


def test_a_source_that_is_gone_after_the_copy_is_no_error(s3_options: dict[str, Any]) -> None:
    """Another process has deleted it, or the response to the first attempt was lost."""
    theirs = S3Storage(**s3_options)
    theirs.save("a.bin", b"old")
    with FaultProxy(s3_options["endpoint_url"], respond=Race(lambda: theirs.delete("a.bin"))) as proxy:
        S3Storage(**{**s3_options, "endpoint_url": proxy.url}).move("a.bin", "b.bin")
    assert names_in(theirs) == ["b.bin"]


class TestInParts:
    """On AWS and moto, a copy of an upload in parts has another ETag. On SeaweedFS, it has the same one."""

    @pytest.fixture
    def theirs(self, s3_options: dict[str, Any]) -> S3Storage:
        storage = S3Storage(**s3_options, transfer_config={"multipart_threshold": 6 * MIB})
        storage.save("a.bin", b"a" * 7 * MIB)
        return storage

    def test_a_known_file_costs_two_requests(self, theirs: S3Storage) -> None:
        """Its ETag was told a moment ago."""
        with counted_requests(theirs) as sent:
            theirs.move("a.bin", "b.bin", overwrite=True)
        assert sent.methods == ["PUT", "DELETE"]
        assert names_in(theirs) == ["b.bin"]

    def test_a_file_that_was_saved_by_s3store_has_a_token(
        self, theirs: S3Storage, s3_server: Server, s3_options: dict[str, Any]
    ) -> None:
        """The source and its copy are compared, and then the source is deleted."""
        with counted_requests(S3Storage(**s3_options)) as sent:
            S3Storage(**s3_options).move("a.bin", "b.bin", overwrite=True)
        more = {"moto": ["HEAD", "HEAD", "DELETE"], "seaweedfs": []}[s3_server.name]
        assert sent.methods == ["PUT", "DELETE", *more]
        assert names_in(theirs) == ["b.bin"]

    @pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
    def test_where_the_name_is_reserved_the_etag_is_known(self, s3_options: dict[str, Any]) -> None:
        """The source is looked at before."""
        for number in range(2):
            in_parts(S3Storage(**s3_options), "a.bin", b"one")
            storage = S3Storage(**s3_options)
            with counted_requests(storage) as sent:
                storage.move("a.bin", f"{number}.bin")
            assert sent.methods == ["HEAD", "HEAD", "PUT", "PUT", "DELETE"]
        assert names_in(storage) == ["0.bin", "1.bin"]

    @pytest.mark.parametrize("known", [False, True])
    def test_it_is_replaced_by_another_upload_in_parts(
        self, theirs: S3Storage, s3_options: dict[str, Any], known: bool
    ) -> None:
        """Of the same size: the new one stays."""
        new = b"b" * 7 * MIB

        def replace() -> None:
            theirs.delete("a.bin")
            theirs.save("a.bin", new)

        race = Race(replace)
        with FaultProxy(s3_options["endpoint_url"], respond=race) as proxy:
            storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
            if known:
                storage.stat("a.bin")
            with pytest.raises(errors.ObjectChangedError):
                storage.move("a.bin", "b.bin", overwrite=True)
        assert (theirs.read_bytes("a.bin") == new, theirs.read_bytes("b.bin")[:1]) == (True, b"a")

    @pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
    def test_it_is_replaced_before_the_second_delete(self, theirs: S3Storage, s3_options: dict[str, Any]) -> None:
        """That one is conditional too."""
        deletes = []

        def respond(method: str, target: str, headers: Any) -> Answer:
            if method == "DELETE":
                deletes.append(target)
                if len(deletes) == 2:
                    theirs.objects.bucket.put(theirs.objects.key("a.bin"), b"new", {})
            return None

        with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
            storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
            with pytest.raises(errors.ObjectChangedError, match="Both files exist"):
                storage.move("a.bin", "b.bin", overwrite=True)
        assert (len(deletes), theirs.read_bytes("a.bin")) == (2, b"new")

    def test_what_was_known_can_be_stale(self, theirs: S3Storage, s3_options: dict[str, Any]) -> None:
        """Another process has replaced the file before the copy: the ETag of the copy tells."""
        storage = S3Storage(**s3_options)
        storage.stat("a.bin")
        theirs.objects.bucket.put(theirs.objects.key("a.bin"), b"new", {})
        with counted_requests(storage) as sent:
            storage.move("a.bin", "b.bin", overwrite=True)
        assert sent.methods == ["PUT", "DELETE", "HEAD", "DELETE"]
        assert (names_in(theirs), theirs.read_bytes("b.bin")) == (["b.bin"], b"new")

    @pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
    def test_of_another_program_it_must_be_older_than_its_copy(self, s3_options: dict[str, Any]) -> None:
        """A file without a token that was written in the second of the copy may be a newer one."""
        theirs = S3Storage(**s3_options)
        in_parts(theirs, "a.bin", b"content")
        key = theirs.objects.key("a.bin")
        info = theirs.objects.bucket.head(key, {})
        ages = [timedelta(hours=-1), timedelta(hours=1)]

        def respond(method: str, target: str, headers: Any) -> Answer:
            if method != "HEAD" or not target.endswith("/a.bin"):
                return None
            date = (datetime.now(timezone.utc) + ages[-1]).strftime("%a, %d %b %Y %H:%M:%S GMT")
            return 200, {"ETag": str(info.etag), "Last-Modified": date, "Content-Length": "7"}, b""

        with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
            storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
            with pytest.raises(errors.ObjectChangedError):
                storage.move("a.bin", "b.bin", overwrite=True)
            assert names_in(theirs) == ["a.bin", "b.bin"]
            ages.pop()
            storage.move("a.bin", "b.bin", overwrite=True)
        assert names_in(theirs) == ["b.bin"]


@pytest.fixture(params=["moto", "seaweedfs"])
def versioned(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The options of a storage in a bucket that keeps versions."""
    with fresh_options(server_named(request.param, request)) as options:
        storage = S3Storage(**options)
        storage.client.put_bucket_versioning(Bucket=storage.bucket_name, VersioningConfiguration={"Status": "Enabled"})
        yield options


class TestVersions:
    """S3 names the version that it has copied."""

    @pytest.mark.parametrize("versioned", ["moto"], indirect=True)
    def test_an_upload_in_parts_is_its_version(self, versioned: dict[str, Any]) -> None:
        """The copy need not be looked at, and the second of the write does not matter."""
        theirs = S3Storage(**versioned)
        in_parts(theirs, "a.bin", b"old")
        storage = S3Storage(**versioned)
        with counted_requests(storage) as sent:
            storage.move("a.bin", "b.bin", overwrite=True)
        assert sent.methods == ["PUT", "DELETE", "HEAD", "DELETE"]
        assert names_in(theirs) == ["b.bin"]

    @pytest.mark.parametrize("new", ["in one request", "in parts"])
    def test_a_newer_version_stays(self, versioned: dict[str, Any], new: str) -> None:
        """It is the newest, without a delete marker."""
        theirs = S3Storage(**versioned)
        key = theirs.objects.key("a.bin")
        in_parts(theirs, "a.bin", b"old")
        change = {
            "in one request": lambda: theirs.objects.bucket.put(key, b"new", {}),
            "in parts": lambda: in_parts(theirs, "a.bin", b"new"),
        }[new]
        with FaultProxy(versioned["endpoint_url"], respond=Race(change)) as proxy:
            storage = S3Storage(**{**versioned, "endpoint_url": proxy.url})
            with pytest.raises(errors.ObjectChangedError):
                storage.move("a.bin", "b.bin", overwrite=True)
        assert (theirs.read_bytes("a.bin"), theirs.read_bytes("b.bin")) == (b"new", b"old")
        versions = list(theirs.objects.bucket.versions(key, {}))
        assert [one.is_marker for one in versions] == [False, False]


@pytest.mark.parametrize("raced", [False, True])
def test_an_object_above_one_copy_is_deleted_by_its_own_etag(
    seaweedfs_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, raced: bool
) -> None:
    """The source was looked at before the parts were copied."""
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 5 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    theirs = S3Storage(**seaweedfs_options)
    in_parts(theirs, "a.bin", b"a" * 5 * MIB, b"a")
    race = Race(lambda: raced and theirs.objects.bucket.put(theirs.objects.key("a.bin"), b"new", {}))

    def respond(method: str, target: str, headers: Any) -> Answer:
        names = {name.lower() for name in dict(headers)}
        if "x-amz-copy-source" in names and "x-amz-copy-source-range" not in names:
            body = b"<Error><Code>InvalidRequest</Code><Message>too large to copy</Message></Error>"
            return 400, {"Content-Type": "application/xml"}, body
        return race(method, target, headers)

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        if raced:
            with pytest.raises(errors.ObjectChangedError):
                storage.move("a.bin", "b.bin", overwrite=True)
        else:
            storage.move("a.bin", "b.bin", overwrite=True)
        deletes = proxy.requests("DELETE", "/a.bin$")
    assert [exchange.status for exchange in deletes] == ([412] if raced else [204])
    assert names_in(theirs) == (["a.bin", "b.bin"] if raced else ["b.bin"])


@pytest.mark.parametrize(
    ("given", "statuses"),
    [({}, [501, 204]), ({"conditional_writes": False}, [204])],
    ids=["unknown to the server", "not wanted"],
)
def test_without_conditional_deletes_the_source_is_deleted(
    seaweedfs_options: dict[str, Any], given: dict[str, Any], statuses: list[int]
) -> None:
    """As it is."""
    theirs = S3Storage(**seaweedfs_options)
    theirs.save("a.bin", b"old")

    def respond(method: str, target: str, headers: Any) -> Answer:
        if method == "DELETE" and "if-match" in {name.lower() for name in dict(headers)}:
            return 501, {"Content-Type": "application/xml"}, b"<Error><Code>NotImplemented</Code></Error>"
        return None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        S3Storage(**{**seaweedfs_options, **given, "endpoint_url": proxy.url}).move("a.bin", "b.bin", overwrite=True)
        assert [exchange.status for exchange in proxy.requests("DELETE", "/a.bin$")] == statuses
    assert names_in(theirs) == ["b.bin"]


def test_a_move_that_may_not_delete_says_so(seaweedfs_options: dict[str, Any]) -> None:
    """Both files exist, and the error names the permission."""
    theirs = S3Storage(**seaweedfs_options)
    theirs.save("a.bin", b"old")

    def respond(method: str, target: str, headers: Any) -> Answer:
        error = b"<Error><Code>AccessDenied</Code></Error>"
        return (403, {"Content-Type": "application/xml"}, error) if method == "DELETE" else None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with pytest.raises(PermissionError, match="s3:DeleteObject"):
            storage.move("a.bin", "b.bin", overwrite=True)
    assert names_in(theirs) == ["a.bin", "b.bin"]


NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
NOW = ObjectInfo(key="a", size=3, etag='"1-1"', modified=NOON)
COPIED = Copied(etag='"2"', modified=NOON.replace(second=1, microsecond=500))
THERE = ObjectInfo(key="b", size=3, etag='"2"', modified=NOON)


def facts(of: ObjectInfo, **changes: Any) -> ObjectInfo:
    values = {"key": of.key, "size": of.size, "etag": of.etag, "modified": of.modified}
    if token := changes.pop("token", None):
        values["all_metadata"] = {WRITE_TOKEN: token}
    return ObjectInfo(**{**values, **changes})


@pytest.mark.parametrize(
    ("now", "copied", "there", "expected"),
    [
        (NOW, COPIED, THERE, True),
        (facts(NOW, etag="2"), COPIED, None, True),
        (facts(NOW, modified=NOON.replace(second=1)), COPIED, THERE, False),
        (facts(NOW, modified=None), COPIED, THERE, False),
        (NOW, Copied(etag='"2"'), THERE, False),
        (NOW, COPIED, None, False),
        (NOW, COPIED, facts(THERE, etag='"3"'), False),
        (NOW, COPIED, facts(THERE, size=4), False),
        (facts(NOW, token="x", modified=None), COPIED, facts(THERE, token="x"), True),
        (facts(NOW, token="x"), COPIED, facts(THERE, token="y"), False),
        (facts(NOW, token="x"), COPIED, THERE, False),
        (NOW, COPIED, facts(THERE, token="x"), False),
        (facts(NOW, version_id="v1", modified=None), Copied(etag='"2"', source_version="v1"), None, True),
        (facts(NOW, version_id="v2"), Copied(etag='"2"', modified=COPIED.modified, source_version="v1"), THERE, False),
        (facts(NOW, version_id="null"), Copied(etag='"2"', source_version="null"), THERE, False),
        (NOW, Copied(etag='"2"', modified=COPIED.modified, source_version="v1"), THERE, True),
    ],
    ids=[
        "older than its copy",
        "the ETag of the copy",
        "the second of the copy",
        "no time",
        "no time of the copy",
        "the copy is gone",
        "the copy was replaced",
        "another size",
        "the same write",
        "another write",
        "a write by s3store",
        "a write by another program",
        "the version",
        "another version",
        "no versions",
        "a version that the server does not repeat",
    ],
)
def test_only_what_was_certainly_copied_is_deleted(
    now: ObjectInfo, copied: Copied, there: ObjectInfo | None, expected: bool
) -> None:
    """In any doubt, the source stays."""
    assert moving._is_source(now, copied=copied, find_copy=lambda: there) is expected


class TestTwin:
    """The bucket on local files."""

    @pytest.mark.parametrize("upload", ["one request", "in parts"])
    def test_moves(self, tmp_path: Path, upload: str) -> None:
        """An upload in parts is known by its own ETag."""
        storage = FakeS3Storage(tmp_path, allow_without_debug=True)
        in_parts(storage, "a.bin", b"old") if upload == "in parts" else storage.save("a.bin", b"old")
        storage.move("a.bin", "b.bin")
        assert (names_in(storage), storage.read_bytes("b.bin")) == (["b.bin"], b"old")

    def test_a_source_that_is_replaced_after_the_copy_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a server."""
        storage = FakeS3Storage(tmp_path, allow_without_debug=True)
        storage.save("a.bin", b"old")
        original = LocalBucket.copy

        def copy(self: LocalBucket, source: str, *arguments: Any, **named: Any) -> Copied:
            copied = original(self, source, *arguments, **named)
            self.put(source, b"new", {})
            return copied

        monkeypatch.setattr(LocalBucket, "copy", copy)
        with pytest.raises(errors.ObjectChangedError, match="Both files exist"):
            storage.move("a.bin", "b.bin")
        assert (storage.read_bytes("a.bin"), storage.read_bytes("b.bin")) == (b"new", b"old")
