"""Archived files that S3 makes readable again."""

import io
import json
import uuid
from datetime import datetime, timezone

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.core.archive import Access, access_of
from s3store.core.info import ObjectInfo
from s3store.operations.archive import look_archived, restore_archived
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.faults.proxy import FaultProxy

UNTIL = datetime(2030, 12, 21, tzinfo=timezone.utc)


@pytest.fixture
def options(moto):
    """The options of a storage on moto, which archives files and restores them at once."""
    return {**options_for(moto), "location": f"archive-{uuid.uuid4().hex}"}


@pytest.fixture
def storage(options, settings):
    return used(settings, options)


def used(settings, options):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}}
    return S3Storage(**options)


def save(options, name, storage_class):
    S3Storage(**options, object_parameters={"StorageClass": storage_class}).save(name, b"12345")


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "restore", "--archived", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def test_archived_files_become_readable(storage, options):
    """One request for each of them, after a question; files of other storage classes are not touched."""
    for name, storage_class in (
        ("a/1", "GLACIER"),
        ("a/2", "DEEP_ARCHIVE"),
        ("a/instant", "GLACIER_IR"),
        ("a-1", "GLACIER"),
        ("incoming/x", "GLACIER"),
        ("a/standard", "STANDARD"),
        ("a/tiering", "INTELLIGENT_TIERING"),
    ):
        save(options, name, storage_class)
    with pytest.raises(PermissionError, match="s3 restore --archived"):
        storage.read_bytes("a/1")
    with counted_requests(storage) as sent:
        said = run("a", "--dry-run", "--days", "1")
    assert sorted(sent.methods) == ["GET", "HEAD", "HEAD", "HEAD"]
    assert "restore a/1: from GLACIER for 1 day\n" in said
    assert "Dry run: 3 files: 2 to restore, 0 failed" in said
    with pytest.raises(CommandError, match="2 files, 10 B:\n  a/1\n  a/2\nS3 charges for restoring") as caught:
        run("a")
    assert caught.value.returncode == 2
    assert look_archived(storage, "a").more["archived"] == 2
    with counted_requests(storage) as sent:
        said = run("a", "--yes")
    assert sorted(sent.methods) == ["GET", "HEAD", "POST", "POST"]
    assert "3 files: 2 begun, 0 failed" in said
    assert "readable within 12 hours. Look again with s3 restore a --archived --status." in said
    assert storage.read_bytes("a/1") == b"12345"
    assert look_archived(storage).more == {
        "begun": 0,
        "extended": 0,
        "under_way": 0,
        "readable": 2,
        "archived": 1,
        "readable_until": look_archived(storage, "a/1").more["readable_until"],
        "ready_in": None,
    }


def test_a_file_that_is_readable_stays_so_for_longer(storage, options):
    """S3 counts the days from now; a dry run says so too."""
    save(options, "a", "GLACIER")
    summary = restore_archived(storage, "a", days=2)
    assert (summary.sent, summary.size, summary.more["begun"], summary.more["ready_in"]) == (1, 5, 1, 5 * 3600)
    first = datetime.fromisoformat(look_archived(storage).more["readable_until"])
    assert "extend  a: for 9 days" in run("--days", "9", "--dry-run")
    assert "1 file: 0 begun, 1 readable for longer, 0 failed" in run("--days", "9", "--yes")
    said = run("--status")
    assert "1 file: 1 readable, 0 failed" in said
    assert "The first of the readable files is archived again after 20" in said
    again = datetime.fromisoformat(look_archived(storage).more["readable_until"])
    assert (again - first).days == 7


def test_files_that_are_under_way_are_not_failures(storage, options, settings):
    """S3 refuses to begin twice; `--status` ends with 3 until everything is readable."""
    save(options, "a", "GLACIER")
    save(options, "b", "DEEP_ARCHIVE")
    save(options, "unheard", "GLACIER")

    def respond(method, target, headers):
        name = target.partition("?")[0].rpartition("/")[2]
        if name == "b" and method == "POST":
            return 409, {"Content-Type": "application/xml"}, b"<Error><Code>RestoreAlreadyInProgress</Code></Error>"
        if name == "b" and method == "HEAD":
            said = {"x-amz-storage-class": "DEEP_ARCHIVE", "x-amz-restore": 'ongoing-request="true"'}
            return 200, {**said, "Content-Length": "5", "ETag": '"e"'}, b""
        return None

    with FaultProxy(options["endpoint_url"], respond=respond) as proxy:
        used(settings, {**options, "endpoint_url": proxy.url})
        said = json.loads(run("--yes", "--json", "--exclude", "un*", "--tier", "bulk"))
        assert (said["sent"], said["skipped"], said["under_way"], said["failed"]) == (1, 1, 1, [])
        assert said["ready_in"] == 12 * 3600
        planned = json.loads(run("--dry-run", "--json"))
        found = sorted((step["op"], step["name"]) for step in planned["plan"])
        assert found == [("extend", "a"), ("restore", "unheard"), ("skip", "b")]
        with pytest.raises(CommandError, match="2 files cannot be read yet") as caught:
            run("--status", "-v", "2")
        assert caught.value.returncode == 3
    assert "skip    b: its restoration from DEEP_ARCHIVE is under way" in run.out
    assert "skip    unheard: it is archived in GLACIER" in run.out
    assert "3 files: 1 under way, 1 readable, 1 archived, 0 failed" in run.out


def tiering(archive):
    """The response to a HEAD of an object in INTELLIGENT_TIERING, which moto does not archive."""
    found = {"x-amz-storage-class": "INTELLIGENT_TIERING", "Content-Length": "5", "ETag": '"e"'}
    return 200, {**found, **({"x-amz-archive-status": archive} if archive else {})}, b""


def test_intelligent_tiering_has_no_days(storage, options, settings):
    """Its files come back for good: S3 refuses a number of days for them. Only a HEAD tells which are archived."""
    bodies = []
    for name in ("a", "deep", "hot"):
        save(options, name, "INTELLIGENT_TIERING")

    def respond(method, target, headers):
        name = target.partition("?")[0].rpartition("/")[2]
        if method == "HEAD":
            return tiering({"a": "ARCHIVE_ACCESS", "deep": "DEEP_ARCHIVE_ACCESS", "hot": ""}[name])
        if method == "POST":
            return 202, {}, b""
        return None

    with FaultProxy(options["endpoint_url"], respond=respond) as proxy:
        storage = used(settings, {**options, "endpoint_url": proxy.url})
        storage.client.meta.events.register(
            "before-call.s3.RestoreObject", lambda params, **_: bodies.append(params["body"])
        )
        assert "restore a: from ARCHIVE_ACCESS\n" in run("--dry-run")
        summary = restore_archived(storage, tier="expedited")
        assert [(failed.name, failed.code) for failed in summary.failed] == [("deep", "NoTier")]
        assert summary.failed[0].why.startswith("S3 has no expedited tier for DEEP_ARCHIVE_ACCESS.")
        assert (summary.sent, summary.objects, summary.more["ready_in"]) == (1, 3, 300)
        assert "readable within 5 minutes" in run("a", "--tier", "expedited", "--yes")
    assert len(bodies) == 2
    assert all(b"Expedited" in body and b"Days" not in body for body in bodies)


def test_a_file_that_left_the_archive_meanwhile(storage, options, settings):
    """It is readable, and no failure; if S3 contradicts itself, the file is one."""
    save(options, "a", "GLACIER")
    save(options, "b", "GLACIER")
    save(options, "c", "GLACIER")
    save(options, "denied", "GLACIER")

    def respond(method, target, headers):
        name = target.partition("?")[0].rpartition("/")[2]
        if method == "HEAD" and name == "a":
            return 200, {"Content-Length": "5", "ETag": '"e"'}, b""
        if method == "HEAD" and name == "c":
            return 404, {}, b""
        if method == "POST":
            code = b"AccessDenied" if name == "denied" else b"InvalidObjectState"
            return 403, {"Content-Type": "application/xml"}, b"<Error><Code>%s</Code></Error>" % code
        return None

    with FaultProxy(options["endpoint_url"], respond=respond) as proxy:
        storage = used(settings, {**options, "endpoint_url": proxy.url})
        summary = restore_archived(storage)
        with pytest.raises(CommandError, match="'c' failed: "):
            run("--status")
    assert (summary.sent, summary.skipped, summary.more["readable"]) == (0, 1, 1)
    codes = {failed.name: failed.code for failed in summary.failed}
    assert codes.pop("c") in ("404", "NoSuchKey")
    assert codes == {"b": "StillArchived", "denied": "AccessDenied"}


def test_servers_without_archives(seaweedfs_options):
    """Nothing is archived there."""
    storage = S3Storage(**{**seaweedfs_options, "location": uuid.uuid4().hex})
    storage.save("a", b"1")
    assert restore_archived(storage).objects == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "0"], "must be 1 or more, not 0"),
        (["--at", "2026-01-31T12:00Z"], "give one of them"),
        (["--include", "[z-a]"], "is not a pattern"),
    ],
)
def test_what_is_refused(storage, arguments, said):
    """Before any request, with the exit status 2."""
    with pytest.raises(CommandError, match=said) as caught, counted_requests(storage) as sent:
        run(*arguments)
    assert (caught.value.returncode, sent.methods) == (2, [])


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--tier", "bulk"], ["--status"]])
def test_options_of_archived_files_alone(storage, arguments):
    """They need --archived: without it, the command is about versions."""
    with pytest.raises(CommandError, match=f"{arguments[0]} needs --archived") as caught:
        call_command("s3", "restore", *arguments)
    assert caught.value.returncode == 2


def test_a_tier_that_does_not_exist(storage):
    """The message names those that do."""
    with pytest.raises(ValueError, match="'fast' is not a tier: use standard, bulk, expedited"):
        restore_archived(storage, tier="fast")


def test_stat_says_whether_a_file_is_restored(storage, options):
    """It shows what S3 says."""
    save(options, "a", "GLACIER")
    restore_archived(storage)
    out = io.StringIO()
    call_command("s3", "stat", "default:a", stdout=out)
    assert 'ongoing-request="false", expiry-date=' in out.getvalue()
    assert storage.stat("a").archive_status is None


RESTORED = 'ongoing-request="false", expiry-date="Sat, 21 Dec 2030 00:00:00 GMT"'


@pytest.mark.parametrize(
    ("facts", "access"),
    [
        ({}, Access(state="readable")),
        ({"storage_class": "GLACIER_IR"}, Access(state="readable")),
        ({"storage_class": "GLACIER"}, Access(state="archived", archive="GLACIER")),
        ({"storage_class": "GLACIER", "restore": "nonsense"}, Access(state="archived", archive="GLACIER")),
        (
            {"storage_class": "GLACIER", "restore": 'ongoing-request="true"'},
            Access(state="under way", archive="GLACIER"),
        ),
        (
            {"storage_class": "DEEP_ARCHIVE", "restore": RESTORED},
            Access(state="readable", archive="DEEP_ARCHIVE", until=UNTIL),
        ),
        (
            {"storage_class": "GLACIER", "restore": 'ongoing-request="false"'},
            Access(state="readable", archive="GLACIER"),
        ),
        (
            {"storage_class": "GLACIER", "restore": 'ongoing-request="false", expiry-date="soon"'},
            Access(state="readable", archive="GLACIER"),
        ),
        ({"storage_class": "INTELLIGENT_TIERING"}, Access(state="readable")),
        (
            {"storage_class": "INTELLIGENT_TIERING", "archive_status": "ARCHIVE_ACCESS"},
            Access(state="archived", archive="ARCHIVE_ACCESS"),
        ),
    ],
)
def test_what_s3_says_about_access(facts, access):
    """The headers of a HEAD, as AWS documents them; without a usable time, there is none."""
    assert access_of(ObjectInfo(key="k", size=1, **facts)) == access
