"""Multipart uploads that nobody finished."""

import io
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store import errors
from s3store.local import FakeS3Storage
from s3store.operations import multipart
from s3store.operations.multipart import abort_uploads, find_uploads
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.memory import forget_peak, peak
from tests.operations.told import Told

MIB = 1 << 20


@pytest.fixture
def storage(settings, s3_options):
    """The default storage, on each of the servers."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": s3_options},
    }
    return S3Storage(**s3_options)


def start(storage, name, *sizes):
    """Begin an upload, send parts of these sizes, and return its id."""
    bucket, key = storage.objects.bucket, storage.objects.key(name)
    upload_id = bucket.start_upload(key, {})
    for number, size in enumerate(sizes, start=1):
        bucket.upload_part(key, upload_id, number, b"x" * size, {})
    return upload_id


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "multipart", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def test_sk_04_uploads_are_listed(storage):
    """With age, size of the parts and name; nothing but reads is sent."""
    start(storage, "a/one", 5 * MIB, 10)
    start(storage, "two")
    with counted_requests(storage) as sent:
        said = run()
    assert sent.methods == ["GET"] * 3
    lines = [" ".join(line.split()) for line in said.splitlines()]
    # moto says that each upload began in 2010.
    first, second = sorted(lines[:2], key=lambda line: line.partition("part")[2])
    assert re.fullmatch(r"(\ds|\d{4}d) ago 5\.0 MiB 2 parts a/one( by \S+)?", first)
    assert re.fullmatch(r"(\ds|\d{4}d) ago 0 B 0 parts two( by \S+)?", second)
    assert lines[2].startswith("2 unfinished uploads (5.0 MiB), 3 requests, ")


def test_sk_04_old_uploads_are_aborted(storage, monkeypatch):
    """Only those below the location, or the directory: after a question, and with a dry run none."""
    beside = S3Storage(**{**options_of(storage), "location": f"{storage.location}-beside"})
    start(storage, "a/one", 10)
    start(storage, "a-b", 10)
    start(beside, "three", 10)
    assert "0 unfinished uploads" in run("--abort")
    assert "0 unfinished uploads" in run("--older-than", "1h")
    monkeypatch.setattr(multipart, "moment", lambda *_: datetime.now(timezone.utc) + timedelta(days=7, minutes=1))
    with counted_requests(storage) as sent:
        assert "Dry run: 2 unfinished uploads" in run("--abort", "--dry-run")
    assert set(sent.methods) == {"GET"}
    assert "0 unfinished uploads" in run("--abort", "--older-than", "8d")
    with pytest.raises(CommandError, match="1 file, 10 B:\n  a/one\nAbort these uploads") as caught:
        run("a", "--abort")
    assert caught.value.returncode == 2
    assert "1 unfinished upload (10 B), 1 aborted, 0 kept" in run("a", "--abort", "--yes")
    assert [upload.name for upload in find_uploads(storage)] == ["a-b"]
    run("--abort", "--yes")
    assert (find_uploads(storage), len(find_uploads(beside))) == ([], 1)
    abort_uploads(beside, find_uploads(beside))


def options_of(storage):
    """Return the options with which a storage was created."""
    return dict(storage.deconstruct()[2]) | {
        "access_key": storage.access_key,
        "secret_key": storage.secret_key,
    }


def test_an_upload_that_continues_is_not_old(storage):
    """The age is that of its last part: somebody may take days for it."""
    upload_id = start(storage, "slow", 10)
    (upload,) = find_uploads(storage)
    later = upload.active + timedelta(hours=1)
    assert find_uploads(storage, older_than=timedelta(hours=1), now=later) == [upload]
    storage.objects.bucket.upload_part(upload.key, upload_id, 2, b"more", {})
    assert upload.parts == 1
    told = abort_uploads(storage, [upload])
    assert (told.deleted, told.skipped) == (0, 1)
    assert [(upload.parts, upload.size) for upload in find_uploads(storage)] == [(2, 14)]
    abort_uploads(storage, find_uploads(storage))


def test_uploads_that_end_meanwhile(storage):
    """They are neither listed nor aborted, and are no failures. Each upload is told about."""
    start(storage, "ends", 10)
    found, told = find_uploads(storage), Told()
    with counted_requests(storage) as sent:
        done = abort_uploads(storage, found, watcher=told)
    assert (done.objects, done.deleted, done.skipped, done.size) == (1, 1, 0, 10)
    assert (told.steps, told.expected, told.moved_bytes) == ([("abort", "ends", "")], (1, 10), 10)
    assert done.requests == len(sent) == 2
    assert 0 < done.seconds < 600
    done = abort_uploads(storage, found, watcher=told)
    assert (done.objects, done.deleted, done.skipped, done.size) == (1, 0, 1, 0)
    assert told.steps[1:] == [("keep", "ends", "it has continued or ended since it was listed")]
    assert told.moved_bytes == 10


def test_a_part_that_was_sent_again_counts_once(storage):
    """Some servers list both, of which only one is kept."""
    upload_id = start(storage, "a", 10)
    storage.objects.bucket.upload_part(storage.objects.key("a"), upload_id, 1, b"y" * 10, {})
    (upload,) = find_uploads(storage)
    assert (upload.parts, upload.size) == (1, 10)
    abort_uploads(storage, [upload])


def test_json(storage):
    """Times are in UTC, sizes in bytes."""
    upload_id = start(storage, "a", 10)
    found = json.loads(run("--json"))
    (upload,) = found["uploads"]
    assert (upload["name"], upload["upload_id"], upload["parts"], upload["bytes"]) == ("a", upload_id, 1, 10)
    assert upload["started"].endswith("+00:00")
    assert (found["objects"], found["bytes"], found["requests"]) == (1, 10, 2)
    abort_uploads(storage, find_uploads(storage))


def test_failures(settings, s3_options, monkeypatch):
    """A list that fails is the error; an abort that fails is named, and the others are done."""

    def respond(method, target, headers):
        return (403, {}, b"") if method == respond.method and "/one" in target else None

    respond.method = "GET"
    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        options = {**s3_options, "endpoint_url": proxy.url}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
        }
        storage = S3Storage(**options)
        start(storage, "one")
        start(storage, "two")
        with pytest.raises(errors.AccessDeniedError):
            find_uploads(storage)
        respond.method = "DELETE"
        in_reach = find_uploads(storage)
        told = Told()
        done = abort_uploads(storage, [upload for upload in in_reach if upload.name == "one"], watcher=told)
        assert ([failed.name for failed in done.failed], done.deleted) == (["one"], 0)
        assert told.steps == [("fail", "one", done.failed[0].why)]
        with pytest.raises(CommandError, match="'one' failed: "):
            run("--abort", "--older-than", "0s", "--yes")
        assert [upload.name for upload in find_uploads(storage)] == ["one"]
        respond.method = None
        abort_uploads(storage, find_uploads(storage))


def test_an_abort_that_somebody_else_did(storage, monkeypatch):
    """Between the look and the abort: it is not a failure."""
    start(storage, "a")
    found = find_uploads(storage)
    abort_uploads(storage, found)
    monkeypatch.setattr(multipart, "_looked", lambda *_: found[0])
    done = abort_uploads(storage, found)
    # SeaweedFS and moto say it differently.
    assert (done.deleted + done.skipped, done.failed) == (1, [])


PAGE = """<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>{after}<Upload><Key>{key}</Key>
<UploadId>1</UploadId></Upload></ListMultipartUploadsResult>"""


@pytest.mark.parametrize("after", ["", "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>"])
def test_a_list_without_an_end(moto, s3_options, after):
    """A server that repeats itself does not keep the command busy for ever."""

    def respond(method, target, headers):
        return 200, {"Content-Type": "application/xml"}, PAGE.format(more="true", after=after, key="k").encode()

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url, "location": ""})
        with pytest.raises(errors.InvalidResponseError, match="has no end"):
            find_uploads(storage)


def test_a_server_that_says_little(s3_options):
    """No times, no initiator, other prefixes: without a time, nothing is old."""
    pages = iter(
        [
            PAGE.format(more="true", after="<NextKeyMarker>k</NextKeyMarker>", key="media/a//b"),
            PAGE.format(more="false", after="", key="other"),
        ]
    )

    def respond(method, target, headers):
        body = b"<ListPartsResult></ListPartsResult>" if "uploadId" in target else next(pages).encode()
        return 200, {"Content-Type": "application/xml"}, body

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url, "location": "media"})
        (upload,) = find_uploads(storage)
        assert (upload.name, upload.active, upload.initiator) == ("media/a//b", None, None)
        pages = iter([PAGE.format(more="false", after="", key="media/a")])
        assert find_uploads(storage, older_than=timedelta(days=1)) == []


def crowd(count):
    """Return what responds like a server with so many open uploads, of which each thousandth is old and has a part."""
    page = "<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated><NextKeyMarker>{next}</NextKeyMarker>{uploads}"
    entry = (
        "<Upload><Key>films/{0:09}/of-a-camera.mov</Key><UploadId>{0:060}</UploadId>"
        "<Initiated>{1}-01-01T00:00:00.000Z</Initiated></Upload>"
    )
    part = "<Part><PartNumber>1</PartNumber><ETag>x</ETag><Size>7</Size></Part>"

    def respond(method, target, headers):
        if "uploadId" in target:
            body = f"<ListPartsResult>{part}</ListPartsResult>"
        else:
            after = re.search(r"key-marker=films%2F(\d+)", target)
            start = int(after[1]) + 1 if after else 0
            uploads = "".join(entry.format(n, 2099 if n % 1000 else 2020) for n in range(start, start + 1000))
            last = start + 999
            more = str(last < count - 1).lower()
            body = page.format(more=more, next=f"films/{last:09}/of-a-camera.mov", uploads=uploads)
            body += "</ListMultipartUploadsResult>"
        return 200, {"Content-Type": "application/xml"}, body.encode()

    return respond


def used_for(settings, options, count):
    """Return how many KiB listing so many uploads takes, in words, and the requests."""
    with FaultProxy("http://127.0.0.1:9", respond=crowd(count)) as proxy:
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options, "endpoint_url": proxy.url}},
        }
        forget_peak()
        before = peak()
        said = run("--older-than", "30d")
        return peak() - before, said


NOWHERE = {"bucket_name": "films", "access_key": "a", "secret_key": "b", "region_name": "us-east-1"}


def test_uploads_that_began_later_are_not_looked_at(settings):
    """They cannot be old. 3,000 uploads, of which 3 are: a request for each of these, and for each page."""
    said = used_for(settings, NOWHERE, 3000)[1]
    assert "3 unfinished uploads (21 B), 6 requests" in said
    assert [line.split()[-1] for line in said.splitlines()[:3]] == [
        f"films/{number:09}/of-a-camera.mov" for number in (0, 1000, 2000)
    ]


@pytest.mark.campaign
def test_memory_does_not_grow_with_the_number_of_uploads(settings):
    """200,000 take no more than 20,000."""
    used_for(settings, NOWHERE, 2000)
    few, many = used_for(settings, NOWHERE, 20_000), used_for(settings, NOWHERE, 200_000)
    assert ("20 unfinished uploads" in few[1], "200 unfinished uploads (1.4 KiB), 400 requests" in many[1]) == (
        True,
        True,
    )
    assert many[0] < few[0] + 8 * 1024, (few[0], many[0])


def test_the_oldest_uploads_are_first(s3_options):
    """By the time of the last part; uploads without a time are the last ones, by their keys."""
    started = {"none-2": None, "third": 1, "second": 3, "none-1": None, "first": 2}
    entries = "".join(
        f"<Upload><Key>{key}</Key><UploadId>1</UploadId>"
        + (f"<Initiated>2026-01-0{day}T00:00:00Z</Initiated>" if day else "")
        + "</Upload>"
        for key, day in started.items()
    )
    part = "<PartNumber>1</PartNumber><LastModified>2026-01-05T00:00:00Z</LastModified><ETag>e</ETag><Size>3</Size>"

    def respond(method, target, headers):
        if "uploadId" not in target:
            body = f"<ListMultipartUploadsResult>{entries}</ListMultipartUploadsResult>"
        else:
            body = f"<ListPartsResult>{f'<Part>{part}</Part>' if '/third' in target else ''}</ListPartsResult>"
        return 200, {"Content-Type": "application/xml"}, body.encode()

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url, "location": ""})
        found = find_uploads(storage)
        assert [upload.name for upload in found] == ["first", "second", "third", "none-1", "none-2"]
        assert [upload.active.day for upload in found[:3]] == [2, 3, 5]
        # Between the start of the third one and its last part.
        now = datetime(2026, 1, 4, tzinfo=timezone.utc)
        assert [upload.name for upload in find_uploads(storage, older_than=timedelta(days=1), now=now)] == [
            "first",
            "second",
        ]


def test_the_development_twin(tmp_path):
    """It has the same uploads."""
    storage = FakeS3Storage(tmp_path / "twin", allow_without_debug=True)
    start(storage, "a/one", 10)
    start(storage, "two")
    (upload,) = find_uploads(storage, "a")
    assert (upload.name, upload.parts, upload.size) == ("a/one", 1, 10)
    assert abort_uploads(storage, [upload]).deleted == 1
    assert [upload.name for upload in find_uploads(storage)] == ["two"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s ago"), (61, "1m ago"), (7200, "2h ago"), (86400 * 9, "9d ago"), (None, "?")]
)
def test_ages(seconds, said):
    """In the largest whole unit."""
    from s3store.management.verbs.multipart import _age

    now = datetime.now(timezone.utc)
    assert _age(now, None if seconds is None else now - timedelta(seconds=seconds)) == said
