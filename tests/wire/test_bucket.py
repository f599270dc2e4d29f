"""The verbs on a bucket: what they ask the server, how often, and what they make of its answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from s3store import errors
from s3store.core.info import Grant
from s3store.core.parts import MIB
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server
from s3store.wire.multipart import copy_in_parts
from tests.faults.proxy import FaultProxy

Answer = tuple[int, Mapping[str, str], bytes]
Make = Callable[..., S3Storage]


class Script:
    """Answers requests with `answers`, the last one again and again, and keeps what it was asked."""

    def __init__(self, *answers: Answer | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def __call__(self, method: str, target: str, headers: Any) -> Answer | None:
        self.asked.append((method, target, {name.lower(): value for name, value in dict(headers).items()}))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.asked]


@pytest.fixture
def behind(moto: Server) -> Iterator[Callable[..., S3Storage]]:
    """Make a storage whose requests a function sees, and can answer in place of the server."""
    with ExitStack() as stack:

        def make(respond: Any, **options: Any) -> S3Storage:
            proxy = stack.enter_context(FaultProxy(moto.endpoint_url, respond=respond))
            return S3Storage(
                **{**options_for(moto), "endpoint_url": proxy.url, "location": uuid.uuid4().hex, **options}
            )

        yield make


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which are skipped."""
    slept: list[float] = []
    monkeypatch.setattr("s3store.wire.backoff.time.sleep", slept.append)
    return slept


def xml(text: str, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/xml"}, text.encode()


def error(status: int, code: str) -> Answer:
    return xml(f"<Error><Code>{code}</Code><Message>m</Message></Error>", status)


DONE = (200, {"ETag": '"x"'}, b"")
CONFLICT = error(409, "ConditionalRequestConflict")


# Attempts


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted"])
def test_keys_of_a_batch_for_which_the_server_is_busy_are_sent_again(
    behind: Make, waits: list[float], code: str
) -> None:
    """After a wait, and only those."""
    busy = xml(f"<DeleteResult><Error><Key>b</Key><Code>{code}</Code></Error></DeleteResult>")
    script = Script(busy, busy, xml("<DeleteResult></DeleteResult>"))
    assert behind(script, location="").delete_many(["a", "b"]) == 2
    assert (script.methods, len(waits)) == (["POST"] * 3, 2)


@pytest.mark.parametrize(("conflicts", "saved"), [(0, True), (1, True), (3, True), (4, False)])
def test_a_conflict_of_conditional_writes_is_tried_four_times(
    behind: Make, waits: list[float], conflicts: int, saved: bool
) -> None:
    """A wait separates two attempts; the last one is not followed by a wait."""
    script = Script(*[CONFLICT] * conflicts, DONE)
    storage = behind(script)
    if saved:
        assert storage.save("a.txt", b"x") == "a.txt"
    else:
        with pytest.raises(errors.ConflictError):
            storage.save("a.txt", b"x")
    requests = min(conflicts + 1, 4)
    assert (script.methods, len(waits)) == (["PUT"] * requests, requests - 1)


@pytest.mark.parametrize(("status", "attempts", "requests"), [(500, 1, 1), (500, 3, 3), (503, 2, 2), (403, 3, 1)])
def test_a_call_ends_with_its_last_attempt(
    behind: Make, waits: list[float], status: int, attempts: int, requests: int
) -> None:
    """Attempts that botocore does not make are made after a wait each, and none if another one cannot succeed."""
    script = Script(error(status, "AccessDenied" if status == 403 else "InternalError"))
    storage = behind(script, max_attempts=attempts, client_config={"retries": {"total_max_attempts": 1}})
    with pytest.raises(OSError) as caught:
        storage.size("a.txt")
    assert (len(script.asked), len(waits)) == (requests, requests - 1)
    assert caught.value.attempts == requests  # type: ignore[attr-defined]


def test_an_attempt_after_a_failed_one_can_succeed(behind: Make, waits: list[float]) -> None:
    """The call then returns its response."""
    script = Script(error(500, "InternalError"), (200, {"Content-Length": "3"}, b"abc"))
    storage = behind(script, client_config={"retries": {"total_max_attempts": 1}})
    assert storage.size("a.txt") == 3
    assert (script.methods, len(waits)) == (["HEAD"] * 2, 1)


# Writes whose outcome is in doubt


def test_a_refused_write_costs_one_request(seaweedfs_options: dict[str, Any]) -> None:
    """An object that was there before the only attempt cannot be of the same write."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"theirs")
    target = storage.objects.target("a.txt")
    with counted_requests(storage) as sent, pytest.raises(errors.ObjectExistsError):
        storage.objects.bucket.create(target.key, b"ours", target.params)
    assert sent.methods == ["PUT"]


@pytest.mark.parametrize("ours", [True, False])
def test_a_write_that_is_refused_at_its_second_attempt_is_compared(
    seaweedfs_options: dict[str, Any], ours: bool
) -> None:
    """The object is of the write whose response was lost, or of another writer."""
    plain = S3Storage(**seaweedfs_options)
    key = plain.objects.key("a.txt")
    if not ours:
        plain.objects.bucket.create(key, b"theirs", {})
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"lost": 1.0}, match="^PUT", max_faults=1) as proxy:
        bucket = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}).objects.bucket
        if ours:
            assert bucket.create(key, b"ours", {}).size == 4
        else:
            with pytest.raises(errors.ObjectExistsError):
                bucket.create(key, b"ours", {})
        assert [exchange.method for exchange in proxy.log if exchange.fault is None] == ["PUT", "HEAD"]
    assert plain.read_bytes("a.txt") == (b"ours" if ours else b"theirs")


def test_a_refused_completion_costs_one_request(seaweedfs_options: dict[str, Any]) -> None:
    """The same for an object in parts."""
    storage = S3Storage(**seaweedfs_options)
    bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
    upload_id = bucket.start_upload(key, {})
    part = bucket.upload_part(key, upload_id, 1, b"ours", {})
    bucket.abort_upload(key, upload_id, {})
    with counted_requests(storage) as sent, pytest.raises(errors.ObjectNotFoundError):
        bucket.complete_upload(key, upload_id, [part], {}, size=4)
    assert sent.methods == ["POST"]


def test_a_completion_replaces_an_object_unless_it_creates_one(seaweedfs_options: dict[str, Any]) -> None:
    """`create` refuses the completion if the object exists."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.bin", b"theirs")
    bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
    upload_id = bucket.start_upload(key, {})
    part = bucket.upload_part(key, upload_id, 1, b"ours", {})
    with pytest.raises(errors.ObjectExistsError):
        bucket.complete_upload(key, upload_id, [part], {}, size=4, create=True)
    assert storage.read_bytes("a.bin") == b"theirs"
    info = bucket.complete_upload(key, upload_id, [part], {}, size=4)
    assert (info.key, info.size) == (key, 4)
    assert bucket.known(key, "size") == info
    assert storage.read_bytes("a.bin") == b"ours"


# Reads


def test_a_read_of_a_version_asks_for_that_version(behind: Make) -> None:
    """A server refuses the request if the object has changed, and sends none of its bytes."""
    script = Script(None)
    storage = behind(script)
    storage.save("a.bin", bytes(3 * MIB))
    with storage.open("a.bin") as file:
        file.seek(2 * MIB)
        file.read(10)
        etag = storage.objects.bucket.head(storage.objects.key("a.bin"), {}).etag
    reads = [headers for method, _, headers in script.asked if method == "GET"]
    assert len(reads) == 2
    assert ("if-match" in reads[0], reads[1]["if-match"]) == (False, etag)
    assert ("range" in reads[0], reads[1]["range"].startswith(f"bytes={2 * MIB}-")) == (False, True)
    assert (reads[0].get("x-amz-checksum-mode"), reads[1].get("x-amz-checksum-mode")) == ("ENABLED", None)


def test_a_part_from_the_start_is_a_range(behind: Make) -> None:
    """Only the whole object is read without a range."""
    storage = behind(None)
    storage.save("a.bin", b"0123456789")
    bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
    for start, stop, content in [(0, 4, b"0123"), (4, None, b"456789"), (4, 6, b"45"), (0, None, b"0123456789")]:
        answer = bucket.get(key, {}, start=start, stop=stop)
        buffer = bytearray(20)
        assert bytes(buffer[: answer.body.readinto(memoryview(buffer))]) == content
        assert (answer.start, answer.info.size) == (start, 10)
        answer.body.close()


def test_bytes_that_break_off_are_an_error_of_the_read(behind: Make, seaweedfs_options: dict[str, Any]) -> None:
    """It names the bucket and the key."""
    S3Storage(**seaweedfs_options).save("a.bin", bytes(3 * MIB))
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"cut": 1.0}, match="^GET", max_faults=1) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
        body = bucket.get(key, {}).body
        buffer = memoryview(bytearray(MIB))
        with pytest.raises(errors.S3ConnectionError) as caught:
            while body.readinto(buffer):
                pass
        body.close()
    found = caught.value
    assert (found.operation, found.bucket, found.key) == ("get_object", bucket.name, key)


def test_the_facts_about_a_missing_object_say_what_is_missing(s3_options: dict[str, Any]) -> None:
    """The bucket, if it does not exist, and the object otherwise."""
    with pytest.raises(errors.ObjectNotFoundError):
        S3Storage(**s3_options).objects.bucket.head("missing", {})
    with pytest.raises(errors.BucketNotFoundError):
        S3Storage(**{**s3_options, "bucket_name": "no-such-bucket-here"}).objects.bucket.head("missing", {})


@pytest.mark.parametrize(
    ("grantee", "named"),
    [
        ("<ID>i</ID><DisplayName>d</DisplayName>", "i"),
        ("<URI>u</URI>", "u"),
        ("<EmailAddress>e</EmailAddress>", "e"),
        ("<DisplayName>d</DisplayName>", ""),
    ],
    ids=["id", "group", "mail", "other"],
)
def test_a_grant_names_its_grantee(behind: Make, grantee: str, named: str) -> None:
    """By URI, mail address or id, or not at all if the server sends none of them."""
    kind = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grant = f"<Grant><Grantee {kind}>{grantee}</Grantee><Permission>READ</Permission></Grant>"
    answer = xml(f"<AccessControlPolicy><AccessControlList>{grant}</AccessControlList></AccessControlPolicy>")
    assert list(behind(Script(answer)).get_acl("a.txt")) == [Grant(permission="READ", grantee=named)]


def test_a_listing_continues_where_the_page_before_ended(behind: Make) -> None:
    """Each request has the token of the page before, until a page says that it is the last."""

    def page(key: str, token: str = "") -> Answer:
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        entry = f"<Contents><Key>{key}</Key><Size>1</Size></Contents>"
        return xml(f"<ListBucketResult>{more if token else ''}{entry}</ListBucketResult>")

    script = Script(page("a", "first"), page("b", "second"), page("c"))
    assert [stat.name for stat in behind(script, location="").scan()] == ["a", "b", "c"]
    tokens = [target.partition("continuation-token=")[2].partition("&")[0] for _, target, _ in script.asked]
    assert tokens == ["", "first", "second"]


def test_a_flat_listing_has_files_and_directories(s3_options: dict[str, Any]) -> None:
    """Files below a directory are not in it."""
    storage = S3Storage(**s3_options)
    for name in ("a.txt", "d/b.txt", "e/f/c.txt"):
        storage.save(name, b"x")
    (page,) = storage.objects.bucket.pages(storage.objects.prefix(""), {}, flat=True)
    root = storage.objects.prefix("")
    assert ([info.key for info in page.objects], page.prefixes) == ([f"{root}a.txt"], (f"{root}d/", f"{root}e/"))


# Checksums of what is sent

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("options", "md5", "payload"),
    [
        ({}, True, "UNSIGNED-PAYLOAD"),
        ({"client_config": {"s3": {"payload_signing_enabled": True}}}, True, EMPTY_SHA256),
        ({"checksums": "when_supported"}, False, None),
    ],
    ids=["md5", "signed", "crc"],
)
def test_an_upload_is_protected_by_one_checksum(
    behind: Make, options: dict[str, Any], md5: bool, payload: str | None
) -> None:
    """Content-MD5 for servers that may not know others; a body is hashed a second time only if that is asked for."""
    script = Script(DONE)
    behind(script, **options).save("a.txt", b"")
    ((_, _, headers),) = script.asked
    crc = any(name.startswith("x-amz-checksum-") for name in headers) or "x-amz-trailer" in headers
    assert ("content-md5" in headers, crc) == (md5, not md5)
    assert payload in (None, headers["x-amz-content-sha256"])


def test_a_batch_has_the_checksum_that_older_servers_require(behind: Make) -> None:
    """Content-MD5."""
    script = Script(xml("<DeleteResult></DeleteResult>"))
    behind(script).delete_many(["a"])
    ((_, _, headers),) = script.asked
    assert len(headers["content-md5"]) == 24


def keys_of(storage: S3Storage) -> list[str]:
    return [stat.name for stat in storage.scan()]


def test_a_copy_of_another_version_is_refused(s3_storage: S3Storage) -> None:
    """SeaweedFS refuses it. moto and Ceph RGW 16 ignore the condition: then the ETag of a temporary copy tells."""
    bucket, params = s3_storage.objects.bucket, {"ContentType": "text/plain"}
    source, target = s3_storage.objects.key("a"), s3_storage.objects.key("b")
    first = bucket.put(source, b"clean", {})
    for changes in ({"MetadataDirective": "REPLACE"}, {}):
        bucket.copy(source, target, params, etag=first.etag, **changes)
        assert s3_storage.read_bytes("b") == b"clean"
        s3_storage.delete("b")
    bucket.put(source, b"evil!", {})
    for reserved in (False, True):
        with pytest.raises(errors.ObjectChangedError):
            bucket.copy(source, target, params, etag=first.etag, reserved=reserved)
        assert keys_of(s3_storage) == ["a"]


def test_a_copy_of_another_version_leaves_the_object_in_its_place(s3_storage: S3Storage) -> None:
    """An object that exists is neither deleted nor replaced, also on a server that ignores the condition."""
    bucket = s3_storage.objects.bucket
    source, target = s3_storage.objects.key("a"), s3_storage.objects.key("b")
    first = bucket.put(source, b"clean", {})
    s3_storage.save("b", b"precious")
    bucket.put(source, b"evil!", {})
    with pytest.raises(errors.ObjectChangedError):
        bucket.copy(source, target, {}, etag=first.etag)
    bucket.delete(source, {})
    with pytest.raises((errors.ObjectChangedError, errors.ObjectNotFoundError)):
        bucket.copy(source, target, {}, etag=first.etag)
    assert (keys_of(s3_storage), s3_storage.read_bytes("b")) == (["b"], b"precious")


@pytest.mark.parametrize("reserved", [False, True])
def test_an_upload_in_parts_is_compared_too(s3_storage: S3Storage, reserved: bool) -> None:
    """The ETag of its copy is another one: where the server ignores the condition, the source is asked again."""
    bucket = s3_storage.objects.bucket
    source, target = s3_storage.objects.key("a"), s3_storage.objects.key("b")

    def upload(body: bytes) -> str:
        upload_id = bucket.start_upload(source, {})
        part = bucket.upload_part(source, upload_id, 1, body, {})
        return str(bucket.complete_upload(source, upload_id, [part], {}, size=len(body)).etag)

    etag = upload(b"clean")
    bucket.copy(source, target, {}, etag=etag, reserved=reserved)
    assert s3_storage.read_bytes("b") == b"clean"
    upload(b"evil!")
    with pytest.raises(errors.ObjectChangedError):
        bucket.copy(source, target, {}, etag=etag, reserved=reserved)
    # A server that respects the condition has not touched the reserved object.
    assert keys_of(s3_storage) in ([["a"], ["a", "b"]] if reserved else [["a", "b"]])


def test_parts_of_another_version_are_not_combined(s3_storage: S3Storage) -> None:
    """Also where the server ignores the condition of each part."""
    bucket = s3_storage.objects.bucket
    info = bucket.put(s3_storage.objects.key("a"), b"clean", {})
    s3_storage.save("b", b"precious")
    bucket.put(info.key, b"evil!", {})
    with pytest.raises(errors.ObjectChangedError):
        copy_in_parts(bucket, info, s3_storage.objects.key("b"), {})
    assert s3_storage.read_bytes("b") == b"precious"


def test_a_temporary_copy_that_cannot_be_deleted_is_named_in_the_log(
    behind: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """The copy is made all the same."""

    def respond(method: str, target: str, headers: Any) -> Answer | None:
        return error(403, "AccessDenied") if method == "DELETE" else None

    storage = behind(respond)
    info = storage.objects.bucket.put(storage.objects.key("a"), b"hello", {})
    storage.objects.bucket.copy(info.key, storage.objects.key("b"), {}, etag=info.etag)
    assert storage.read_bytes("b") == b"hello"
    # The one with which the server was asked, and the one that was copied.
    assert [record.getMessage().startswith("The temporary object") for record in caplog.records] == [True, True]


def test_a_copy_can_have_another_etag(seaweedfs: Server, seaweedfs_options: dict[str, Any]) -> None:
    """With some encryptions. The server is asked once whether it respects the condition, which SeaweedFS does."""
    source = S3Storage(**seaweedfs_options)
    info = source.objects.bucket.put(source.objects.key("a"), b"hello", {})

    def respond(method: str, target: str, headers: Any) -> Any:
        condition = next((headers[name] for name in headers if name.lower() == "x-amz-copy-source-if-match"), "")
        body = b"<CopyObjectResult><ETag>another</ETag></CopyObjectResult>"
        return (200, {"Content-Type": "application/xml"}, body) if condition == info.etag else None

    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        for _ in range(2):
            storage.objects.bucket.copy(info.key, storage.objects.key("b"), {}, etag=info.etag)
        assert len(proxy.requests("PUT")) == 3
