"""Files that were deleted or replaced, and come back."""

import io
import json
import time
import uuid
from datetime import datetime, timezone

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store import errors
from s3store.core import parts
from s3store.core.globs import Filter
from s3store.operations.restore import _decided, find_versions, restore_versions
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.wire.deleting import Version
from tests.faults.proxy import FaultProxy
from tests.operations.told import Told
from tests.uploads.site import names


@pytest.fixture
def options(s3_options):
    """The options of a storage in a bucket that keeps versions, on each of the servers."""
    options = {**s3_options, "bucket_name": f"versions-{uuid.uuid4().hex}", "file_overwrite": True}
    client = S3Storage(**options).client
    client.create_bucket(Bucket=options["bucket_name"])
    client.put_bucket_versioning(Bucket=options["bucket_name"], VersioningConfiguration={"Status": "Enabled"})
    return options


@pytest.fixture
def storage(settings, options):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
    }
    return S3Storage(**options)


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "restore", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def second_later():
    """Wait until the next second, and return a time of this one: servers know no less."""
    end = int(time.time()) + 1
    while time.time() < end:
        pass
    return datetime.fromtimestamp(end - 0.5, timezone.utc)


def test_deleted_files_come_back(storage):
    """Their delete markers go, and nothing is copied. Files that exist stay as they are."""
    for name in ("a/1", "a/2", "a.txt", "incoming/x/y/z", "team/.s3store/undo/1.json"):
        storage.save(name, name.encode())
    storage.save("a/2", b"newer")
    for name in ("a/1", "a/2", "incoming/x/y/z", "team/.s3store/undo/1.json"):
        storage.delete(name)
    storage.delete("a/1")
    with counted_requests(storage) as sent:
        said = run("--dry-run")
    assert set(sent.methods) == {"GET"}
    assert said.splitlines()[:2] == [f"restore a/{n}: delete its delete marker" for n in (1, 2)]
    with pytest.raises(CommandError, match="2 files, 8 B:\n  a/1\n  a/2\nRestore these files") as caught:
        run()
    assert caught.value.returncode == 2
    with counted_requests(storage) as sent:
        assert "2 files to restore (8 B), 2 restored" in run("--yes")
    assert "PUT" not in sent.methods
    assert names(storage) == ["a.txt", "a/1", "a/2"]
    assert (storage.read_bytes("a/1"), storage.read_bytes("a/2")) == (b"a/1", b"newer")
    assert "0 files to restore" in run("--yes")


def test_the_files_of_a_time(storage):
    """Replaced files are copied from their version; files that came later stay, and no version is lost."""
    storage.save("replaced.json", b"old", metadata={"by": "ann"}, content_type="text/x-old")
    storage.save("deleted", b"old")
    storage.save("same", b"same")
    storage.save("gone-before", b"x")
    storage.delete("gone-before")
    at = second_later()
    storage.save("replaced.json", b"new")
    storage.save("replaced.json", b"newer")
    storage.delete("deleted")
    storage.save("later", b"later")
    storage.save("gone-before", b"again")
    storage.save("deleted-later", b"later")
    storage.delete("deleted-later")
    found = json.loads(run("--at", at.isoformat(), "--dry-run", "--json"))
    assert [step["name"] for step in found["plan"]] == ["deleted", "replaced.json"]
    assert "2 restored" in run("--at", at.isoformat(), "--yes")
    assert names(storage) == ["deleted", "gone-before", "later", "replaced.json", "same"]
    stat = storage.stat("replaced.json")
    assert (storage.read_bytes("replaced.json"), stat.metadata, stat.content_type) == (
        b"old",
        {"by": "ann"},
        "text/x-old",
    )
    bucket, key = storage.objects.bucket, storage.objects.key("replaced.json")
    assert len(list(bucket.versions(key, {}))) == 4
    assert storage.read_bytes("gone-before") == b"again"


def test_a_file_or_a_directory(storage):
    """Names that only begin in the same way are others; rules choose; what s3store keeps comes only if it is named."""
    for name in ("a/1", "a/b/2", "a-b", "ab", "c", "incoming/x"):
        storage.save(name, b"")
        storage.delete(name)
    assert [each.name for each in find_versions(storage, "a")] == ["a/1", "a/b/2"]
    assert [each.name for each in find_versions(storage, "c")] == ["c"]
    assert [each.name for each in find_versions(storage, "incoming")] == ["incoming/x"]
    assert "1 file to restore" in run("--dry-run", "--exclude", "*", "--include", "ab")
    assert [each.name for each in find_versions(storage, rules=Filter.of([("*", False), ("ab", True)]))] == ["ab"]
    with pytest.raises(CommandError, match="is not a pattern") as caught:
        run("--include", "[z-a]")
    assert caught.value.returncode == 2
    with pytest.raises(ValueError, match="time zone"):
        find_versions(storage, at=datetime(2026, 1, 1))


def test_keys_that_are_not_those_of_files_are_left_out(storage):
    """Objects of other programs whose keys cannot be names, and the empty objects that stand for folders."""
    bucket, root = storage.bucket_name, storage.objects.prefix("")
    storage.save("a", b"")
    for key in (f"{root}b\x85c", f"{root}folder/", f"{root}a"):
        storage.client.put_object(Bucket=bucket, Key=key, Body=b"")
        storage.client.delete_object(Bucket=bucket, Key=key)
    assert [each.name for each in find_versions(storage)] == ["a"]


def test_a_file_that_changes_meanwhile(storage):
    """It is not touched: somebody has saved it again."""
    storage.save("a", b"old")
    storage.delete("a")
    found = find_versions(storage)
    storage.save("a", b"new")
    done = restore_versions(storage, found)
    assert [failed.code for failed in done.failed] == ["ChangedError"]
    assert storage.read_bytes("a") == b"new"


def test_a_run_tells_of_each_file_and_counts_it(storage):
    """With what was done. Failures are in the order of names."""
    for name in ("replaced", "gone-2", "gone-1"):
        storage.save(name, name.encode())
    at = second_later()
    storage.save("replaced", b"x")
    for name in ("gone-1", "gone-2"):
        storage.delete(name)
    found, told = find_versions(storage, at=at), Told()
    with counted_requests(storage) as sent:
        done = restore_versions(storage, found, at=at, watcher=told)
    assert (done.objects, done.sent, done.size, done.failed) == (3, 3, 20, [])
    assert (told.expected, told.moved_bytes) == ((3, 20), 20)
    assert sorted(told.steps) == [
        ("restore", "gone-1", "delete its delete marker"),
        ("restore", "gone-2", "delete its delete marker"),
        ("restore", "replaced", f"copy version {found[2].version_id}"),
    ]
    assert done.requests == len(sent) == 6
    assert 0 < done.seconds < 600
    told = Told()
    done = restore_versions(storage, [found[1], found[0]], at=at, threads=1, watcher=told)
    assert ([failed.name for failed in done.failed], done.sent, done.size) == (["gone-1", "gone-2"], 0, 0)
    assert [(op, name) for op, name, _ in told.steps] == [("fail", "gone-2"), ("fail", "gone-1")]
    assert told.moved_bytes == 0


def test_failures(storage, options, settings):
    """They are named, and the next run does the rest."""

    def respond(method, target, headers):
        if method == "POST":
            key = storage.objects.key("a")
            body = f"<DeleteResult><Error><Key>{key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
            return 200, {"Content-Type": "application/xml"}, f"{body}</DeleteResult>".encode()
        return None

    storage.save("a", b"old")
    storage.delete("a")
    with FaultProxy(options["endpoint_url"], respond=respond) as proxy:
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "s3store.storage.S3Storage",
                "OPTIONS": {**options, "endpoint_url": proxy.url},
            },
        }
        with pytest.raises(
            CommandError,
            match=r"'a' failed: .*/a' .*: AccessDenied, no. .* s3:DeleteObjectVersion\.",
        ):
            run("--yes")


def test_a_version_of_more_than_5_gib(storage, monkeypatch):
    """S3 does not copy it in one request: it is copied in parts, with headers, metadata and tags of that version."""
    content = bytes(range(256)) * 4096 * 11
    storage.save("a", content, content_type="text/x-old", metadata={"by": "ann"})
    target = storage.objects.target("a")
    storage.objects.bucket.put_tags(target.key, {"old": "1"}, target.params)
    at = second_later()
    storage.save("a", b"new")
    storage.objects.bucket.put_tags(target.key, {"new": "1"}, target.params)
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 2)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * parts.MIB)
    with counted_requests(storage) as sent:
        done = restore_versions(storage, find_versions(storage, at=at), at=at)
    assert done.failed == []
    assert sorted(sent.methods) == sorted(["GET", "GET", "HEAD", "GET", "POST", "PUT", "PUT", "PUT", "POST"])
    stat = storage.stat("a")
    assert (stat.size, stat.content_type, stat.metadata) == (len(content), "text/x-old", {"by": "ann"})
    assert storage.read_bytes("a") == content
    assert storage.objects.bucket.tags(target.key, target.params) == "old=1"


def test_a_bucket_without_versions(s3_options):
    """Nothing can be restored, and nothing fails."""
    storage = S3Storage(**s3_options)
    storage.save("a", b"")
    storage.delete("a")
    storage.save("b", b"")
    assert find_versions(storage) == []


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--at", "2026-01-31T12:00Z", "--json")])
def test_the_command_names_a_bucket_without_versions(settings, s3_options, arguments):
    """Nothing can come back, now or later: the exit status is 1, and the message says how to keep versions."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**s3_options, "location": "none"}},
    }
    with pytest.raises(CommandError, match=r"s3store-tests keeps no versions: .* s3 setup --versioning$") as caught:
        run(*arguments)
    assert (caught.value.returncode, run.out) == (1, "")
    settings.STORAGES = {**settings.STORAGES, "old": settings.STORAGES["default"]}
    with pytest.raises(CommandError, match=r"s3 setup --versioning --storage old$"):
        run("--storage", "old")


def test_the_command_names_a_bucket_that_keeps_versions_no_longer(storage):
    """Older versions still come back, so it is a warning, and only where there is nothing to restore."""
    storage.save("a", b"a")
    storage.delete("a")
    suspended = {"Status": "Suspended"}
    storage.client.put_bucket_versioning(Bucket=storage.bucket_name, VersioningConfiguration=suspended)
    assert ("1 file to restore" in run("--dry-run"), run.err) == (True, "")
    storage.save("a", b"a")
    assert "0 files to restore" in run()
    assert "since versioning was suspended" in run.err
    assert "since versioning was suspended" in json.loads(run("--json"))["warnings"][0]


def test_the_development_twin_keeps_no_versions(settings, tmp_path):
    """Its directory has one version of each file."""
    twin = {"BACKEND": "s3store.local.FakeS3Storage", "OPTIONS": {"directory": tmp_path, "allow_without_debug": True}}
    settings.STORAGES = {**settings.STORAGES, "default": twin}
    with pytest.raises(CommandError, match="keeps no versions"):
        run()


def test_a_server_that_does_not_tell_of_versions(moto, settings):
    """It may keep them: nothing is said."""
    refused = (403, {}, b"<Error><Code>AccessDenied</Code></Error>")
    with FaultProxy(
        moto.endpoint_url, respond=lambda _, target, __: refused if "versioning" in target else None
    ) as proxy:
        options = {**options_for(moto), "endpoint_url": proxy.url, "location": "none"}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
        }
        assert "0 files to restore" in run()
    assert run.err == ""


def moment(minute):
    return datetime(2026, 1, 1, 12, minute, tzinfo=timezone.utc)


def version(identifier, minute, *, is_marker=False, is_latest=False):
    return Version(key="k", version_id=identifier, is_latest=is_latest, is_marker=is_marker, modified=moment(minute))


@pytest.mark.parametrize(
    ("versions", "at", "found"),
    [
        ([version("1", 1, is_latest=True)], None, None),
        ([version("m", 2, is_marker=True, is_latest=True)], None, None),
        ([version("1", 1), version("m", 2, is_marker=True, is_latest=True)], None, ("1", ("m",))),
        ([version("1", 2), version("m", 2, is_marker=True, is_latest=True)], 2, None),
        ([version("1", 1), version("m", 2, is_marker=True), version("2", 3, is_latest=True)], 1, ("1", ())),
        ([version("1", 1), version("m", 2, is_marker=True), version("2", 3, is_latest=True)], 2, None),
        ([version("1", 1), version("m", 1, is_marker=True), version("2", 2, is_latest=True)], 1, None),
        ([version("1", 1), version("2", 2, is_latest=True)], 0, None),
        ([version("1", 1), version("2", 2, is_latest=True)], 2, None),
    ],
)
def test_what_restores_a_file(versions, at, found):
    """The version of the time, and the markers above it; nothing for a file that did not exist then, or is the same."""
    decided = _decided("k", versions, at if at is None else moment(at))
    assert (decided and (decided.version_id, decided.markers)) == found


@pytest.mark.parametrize("after", ["", "<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>"])
def test_a_list_of_versions_without_an_end(moto, s3_options, after):
    """A listing that is not complete restores nothing, and a server that repeats itself does not keep the command."""
    page = f"<ListVersionsResult><IsTruncated>true</IsTruncated>{after}</ListVersionsResult>"

    def respond(method, target, headers):
        return 200, {"Content-Type": "application/xml"}, page.encode()

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url, "location": ""})
        with pytest.raises(errors.InvalidResponseError, match="has no end"):
            find_versions(storage)
