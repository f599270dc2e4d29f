"""The bucket of the twin: what lies on disk, its verbs, several processes, and what a crash leaves."""

from __future__ import annotations

import inspect
import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from s3store import errors
from s3store.core.info import Grant
from s3store.core.parameters import OBJECT_ACLS
from s3store.local import FakeS3Storage, layout, sweep
from s3store.local.bucket import LocalBucket
from s3store.local.incoming import Incoming
from s3store.local.index import Index
from s3store.wire.bucket import Bucket
from s3store.wire.in_parts import Part
from s3store.wire.multipart import copy_in_parts

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024


@pytest.fixture
def bucket(twin):
    return twin.objects.bucket


def files(twin):
    """Return the relative paths of the content on disk."""
    root = twin.objects.bucket.store.root
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.endswith("index.sqlite3"))


def content_of(bucket, key):
    """Return the content of an object of at most 2,000 bytes."""
    body, buffer = bucket.get(key, {}).body, memoryview(bytearray(2000))
    count = body.readinto(buffer)
    body.close()
    return bytes(buffer[:count])


# The verbs


def test_every_verb_works_on_files():
    """A verb that the twin inherits would send a request: only those that call other verbs may be inherited."""
    theirs = {name: vars(cls)[name] for cls in reversed(Bucket.__mro__[:-1]) for name in vars(cls)}
    inherited = {name for name in theirs if not name.startswith("_") and name not in vars(LocalBucket)}
    assert inherited == {
        "known",
        "refuse_existing",
        "create",
        "reserved",
        "refuse_changed",
        "changing",
        "moment",
        "owned",
    }
    overridden = [name for name in set(theirs) & set(vars(LocalBucket)) if not name.startswith("_")]
    functions = [name for name in overridden if inspect.isfunction(theirs[name])]
    assert "copy_part" in functions
    for name in functions:
        wanted, ours = (list(inspect.signature(verbs[name]).parameters) for verbs in (theirs, vars(LocalBucket)))
        assert wanted == ours, name


def test_no_boto3_is_imported(tmp_path):
    """Neither to save, read, list, copy and sign, nor by the endpoint."""
    code = f"""
        import os, sys
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django
        django.setup()
        from django.test import Client
        from s3store.local import FakeS3Storage
        storage = FakeS3Storage({str(tmp_path)!r}, allow_without_debug=True)
        storage.save("a.txt", b"x" * 20_000_000)
        storage.copy("a.txt", "b.txt")
        storage.set_metadata("b.txt", {{"a": "1"}})
        list(storage.scan())
        storage.delete_many(["b.txt"])
        upload = storage.upload_url("c.txt")
        headers = {{"HTTP_IF_NONE_MATCH": "*"}}
        assert Client().put(upload.url, b"x", content_type="text/plain", **headers).status_code == 200
        assert sum(map(len, Client().get(storage.url("a.txt")).streaming_content)) == 20_000_000
        storage.upload_post("d.txt", max_size=1)
        try:
            storage.open("missing.txt")
        except FileNotFoundError:
            pass
        found = {{name.partition(".")[0] for name in sys.modules}} & {{"boto3", "botocore", "s3transfer", "urllib3"}}
        assert not found, found
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_there_is_no_client(twin):
    """The error names the alternative."""
    with pytest.raises(NotImplementedError, match=r"s3store\.testing\.servers"):
        _ = twin.client
    with pytest.raises(NotImplementedError, match=r"s3store\.testing\.servers"):
        _ = twin.bucket


def test_errors_are_those_of_s3(twin, bucket):
    """With operation, bucket, key, code and status."""
    with pytest.raises(errors.ObjectNotFoundError) as caught:
        twin.stat("missing.txt")
    error = caught.value
    assert (error.operation, error.bucket, error.key) == ("head_object", "uploads", "missing.txt")
    assert (error.code, error.status) == ("NoSuchKey", 404)
    assert str(error).startswith("head_object of key 'missing.txt' in bucket 'uploads' failed: NoSuchKey, ")
    with pytest.raises(errors.ObjectChangedError):
        twin.save("a.txt", b"x")
        bucket.get("a.txt", {}, etag='"other"')
    for start, stop in ((1, None), (5, 9)):
        with pytest.raises(errors.ObjectChangedError):
            bucket.get("a.txt", {}, start=start, stop=stop)


def test_an_empty_object_can_be_read_but_has_no_range(bucket):
    """As on S3."""
    bucket.put("a", b"", {})
    assert content_of(bucket, "a") == b""
    with pytest.raises(errors.ObjectChangedError):
        bucket.get("a", {}, start=0, stop=1)


def test_conditions_of_a_write(bucket):
    """Create once, and replace one version."""
    first = bucket.put("a", b"1", {}, IfNoneMatch="*")
    with pytest.raises(errors.ObjectExistsError):
        bucket.put("a", b"2", {}, IfNoneMatch="*")
    with pytest.raises(errors.ObjectExistsError):
        bucket.put("a", b"2", {}, IfMatch='"other"')
    with pytest.raises(errors.ObjectNotFoundError):
        bucket.put("b", b"2", {}, IfMatch=first.etag)
    second = bucket.put("a", b"2", {}, IfMatch=first.etag)
    assert bucket.head("a", {}).etag == second.etag != first.etag


def test_all_headers_are_kept(bucket):
    """And those that belong to the request are not."""
    params = {
        "ACL": "private",
        "CacheControl": "no-store",
        "ContentDisposition": "inline",
        "ContentEncoding": "br",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "Expires": datetime(2030, 1, 1, tzinfo=timezone.utc),
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key",
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/b",
        "Metadata": {"A": "1"},
        "ExpectedBucketOwner": "1",
        "RequestPayer": "requester",
        "Tagging": None,
    }
    bucket.put("a", b"x", params)
    info = bucket.head("a", {})
    assert (info.cache_control, info.content_disposition, info.content_encoding) == ("no-store", "inline", "br")
    assert (info.content_language, info.content_type) == ("de", "text/plain")
    assert info.expires == "Tue, 01 Jan 2030 00:00:00 GMT"
    assert (info.encryption, info.kms_key_id, info.storage_class) == ("aws:kms", "key", "STANDARD_IA")
    assert (info.redirect_location, info.metadata) == ("/b", {"a": "1"})
    assert not [name for name in bucket.store.get("a").headers if "owner" in name or "payer" in name]


def test_customer_keys_are_named_and_not_stored(bucket, tmp_path):
    """The twin does not encrypt, and does not keep the key."""
    bucket.put("a", b"x", {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32})
    assert bucket.head("a", {}).encryption == "SSE-C"
    assert b"k" * 32 not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_copies(bucket):
    """They keep headers or replace them, and check the source and the target."""
    etag = bucket.put("a", b"x", {"ContentType": "text/x-a", "Metadata": {"a": "1"}, "ACL": "public-read"}).etag
    bucket.copy("a", "b", {"StorageClass": "STANDARD_IA"}, etag=etag)
    info = bucket.head("b", {})
    assert (info.content_type, info.metadata, info.storage_class) == ("text/x-a", {"a": "1"}, "STANDARD_IA")
    assert bucket.get_acl("b", {}) == (Grant(permission="FULL_CONTROL", grantee="s3store-local"),)
    bucket.copy("a", "a", {"ContentType": "text/x-b"}, MetadataDirective="REPLACE")
    assert (bucket.head("a", {}).content_type, bucket.head("a", {}).metadata) == ("text/x-b", {})
    with pytest.raises(errors.ObjectChangedError):
        bucket.copy("a", "c", {}, etag='"other"')
    with pytest.raises(errors.ObjectChangedError):
        bucket.copy("a", "b", {}, IfNoneMatch="*")
    with pytest.raises(errors.InvalidRequestError):
        bucket.copy("a", "a", {})
    with pytest.raises(errors.ObjectNotFoundError):
        bucket.copy("missing", "c", {})
    assert bucket.find("c", {}) is None


def test_acls(twin, bucket):
    """Canned ones and single grants, of new and of existing objects."""
    everyone = "http://acs.amazonaws.com/groups/global/AllUsers"
    for acl in OBJECT_ACLS:
        bucket.put("a", b"x", {"ACL": acl})
        assert twin.get_acl("a")[0] == Grant(permission="FULL_CONTROL", grantee="s3store-local")
        assert bucket.store.get("a").is_public == acl.startswith("public-read")
    bucket.put("a", b"x", {"GrantReadACP": f'uri="{everyone}"', "GrantFullControl": 'id="1", emailAddress="a@b.c"'})
    found = {(grant.permission, grant.grantee) for grant in twin.get_acl("a")[1:]}
    assert found == {("READ_ACP", everyone), ("FULL_CONTROL", "1"), ("FULL_CONTROL", "a@b.c")}
    etag = twin.stat("a").etag
    twin.set_acl("a", "public-read")
    assert twin.get_acl("a")[1:] == (Grant(permission="READ", grantee=everyone),)
    assert twin.stat("a").etag == etag
    for call in (lambda: twin.set_acl("missing", "private"), lambda: twin.get_acl("missing")):
        with pytest.raises(errors.ObjectNotFoundError):
            call()
    with pytest.raises(ValueError, match="canned"):
        twin.set_acl("a", "public")


def test_listings_have_the_order_of_s3(bucket):
    """By the bytes of the keys, in pages, with common prefixes."""
    keys = ["a", "a-b", "a/", "a/b", "a/b/c", "a0", "A", "é", "z/1", "\U0001f600", "\uffee"]
    for key in keys:
        bucket.put(key, b"x", {})
    assert bucket.delete_many(["missing"], {}) == 1
    pages = list(bucket.pages("", {}, flat=False, limit=4))
    assert [len(page.objects) for page in pages] == [4, 4, 3]
    assert [info.key for page in pages for info in page.objects] == sorted(keys, key=str.encode)
    info = pages[0].objects[0]
    assert (info.storage_class, info.content_type, info.all_metadata) == ("STANDARD", None, None)
    (page,) = bucket.pages("", {}, flat=True)
    assert [info.key for info in page.objects] == ["A", "a", "a-b", "a0", "é", "\uffee", "\U0001f600"]
    assert page.prefixes == ("a/", "z/")
    (page,) = bucket.pages("a/", {}, flat=True)
    assert ([info.key for info in page.objects], page.prefixes) == (["a/", "a/b"], ("a/b/",))
    (page,) = bucket.pages("nothing", {}, flat=False)
    assert (page.objects, page.prefixes) == ((), ())
    first = next(bucket.pages("", {}, flat=False, limit=1))
    assert [info.key for info in first.objects] == ["A"]


# Multipart uploads


def parts_of(bucket, upload_id, *blocks):
    return [bucket.upload_part("a", upload_id, number, block, {}) for number, block in enumerate(blocks, start=1)]


def test_uploads_in_parts_are_checked_as_by_s3(bucket):
    """Order, ETags, sizes, and that there are parts; a refused completion leaves the upload open."""
    upload_id = bucket.start_upload("a", {})
    assert bucket.count_uploads("", {}, limit=9) == bucket.count_uploads("a", {}, limit=9) == 1
    assert bucket.count_uploads("b", {}, limit=9) == bucket.count_uploads("a", {}, limit=0) == 0
    one, two, three = parts_of(bucket, upload_id, b"a" * 5 * MIB, b"b", b"c")
    for sent, code in (
        ([], "MalformedXML"),
        ([two, one], "InvalidPartOrder"),
        ([one, one], "InvalidPartOrder"),
        ([one, Part(number=2, etag=one.etag)], "InvalidPart"),
        ([one, Part(number=9, etag=two.etag)], "InvalidPart"),
        ([two, three], "EntityTooSmall"),
    ):
        with pytest.raises(errors.InvalidRequestError) as caught:
            bucket.complete_upload("a", upload_id, sent, {}, size=0)
        assert caught.value.code == code
    bucket.put("a", b"taken", {})
    with pytest.raises(errors.ObjectExistsError):
        bucket.complete_upload("a", upload_id, [one, two], {}, size=0, create=True)
    again = bucket.upload_part("a", upload_id, 2, b"B", {})
    assert bucket.complete_upload("a", upload_id, [one, again], {}, size=0).size == 5 * MIB + 1
    for call in (
        lambda: bucket.complete_upload("a", upload_id, [one, again], {}, size=0),
        lambda: bucket.upload_part("a", upload_id, 1, b"x", {}),
        lambda: bucket.list_parts("a", upload_id, {}),
        lambda: bucket.abort_upload("a", upload_id, {}),
    ):
        with pytest.raises(errors.ObjectNotFoundError):
            call()


def test_an_aborted_upload_leaves_nothing(twin, bucket):
    """And an upload belongs to its key."""
    upload_id = bucket.start_upload("a", {})
    parts_of(bucket, upload_id, b"x")
    with pytest.raises(errors.ObjectNotFoundError):
        bucket.abort_upload("b", upload_id, {})
    bucket.abort_upload("a", upload_id, {})
    assert files(twin) == []
    assert bucket.count_uploads("", {}, limit=9) == 0


def test_a_part_that_arrives_after_the_abort_is_deleted(twin, bucket, monkeypatch):
    """S3 would keep it, invisible and paid for."""
    upload_id = bucket.start_upload("a", {})
    move = Incoming.move_to

    def aborted_meanwhile(incoming, path):
        monkeypatch.setattr(Incoming, "move_to", move)
        bucket.abort_upload("a", upload_id, {})
        incoming.move_to(path)

    monkeypatch.setattr(Incoming, "move_to", aborted_meanwhile)
    with pytest.raises(errors.ObjectNotFoundError):
        bucket.upload_part("a", upload_id, 1, b"x", {})
    assert files(twin) == []


def test_an_upload_is_completed_once(bucket, monkeypatch):
    """Of two completions at once, the second finds that the upload is gone, and changes nothing."""
    upload_id = bucket.start_upload("a", {})
    sent = parts_of(bucket, upload_id, b"x")
    publish = bucket.store.publish

    def completed_meanwhile(*arguments, **named):
        monkeypatch.setattr(bucket.store, "publish", publish)
        bucket.complete_upload("a", upload_id, sent, {}, size=1)
        bucket.put("a", b"newer", {})
        return publish(*arguments, **named)

    monkeypatch.setattr(bucket.store, "publish", completed_meanwhile)
    with pytest.raises(errors.ObjectNotFoundError):
        bucket.complete_upload("a", upload_id, sent, {}, size=1)
    assert bucket.head("a", {}).size == 5


def test_a_part_that_is_sent_again_during_the_completion(bucket, monkeypatch):
    """Its file is gone: the completion is refused."""
    upload_id = bucket.start_upload("a", {})
    sent = parts_of(bucket, upload_id, b"x")
    receive = bucket.store.receive

    def sent_again(*arguments):
        monkeypatch.setattr(bucket.store, "receive", receive)
        bucket.upload_part("a", upload_id, 1, b"other", {})
        return receive(*arguments)

    monkeypatch.setattr(bucket.store, "receive", sent_again)
    with pytest.raises(errors.InvalidRequestError, match="InvalidPart"):
        bucket.complete_upload("a", upload_id, sent, {}, size=1)


def test_copies_in_parts(bucket):
    """Of one version; another one is refused."""
    info = bucket.put("a", b"0123456789", {"ContentType": "text/x-a"})
    copied = copy_in_parts(bucket, info, "b", {"ContentType": "text/x-b"})
    assert (copied.size, copied.etag.endswith('-1"'), bucket.head("b", {}).content_type) == (10, True, "text/x-b")
    upload_id = bucket.start_upload("c", {})
    part = bucket.copy_part("a", "c", upload_id, 1, {}, first=2, last=4, etag=info.etag)
    assert bucket.complete_upload("c", upload_id, [part], {}, size=3).size == 3
    with pytest.raises(errors.ObjectChangedError):
        bucket.copy_part("a", "c", upload_id, 1, {}, first=2, last=4, etag='"other"')


# What lies on disk


def test_files_can_be_found(twin):
    """Paths are like the keys: parts that every file system allows are kept, others become readable."""
    twin.save("photos/2026/cat.jpg", b"x")
    twin.save("Ünï/日本 語.TXT", b"x")
    twin.save("a?b/..x..", b"x")
    names = [path.rpartition("~")[0] for path in files(twin)]
    assert sorted(names) == sorted(["photos/2026/cat", f"{layout.folder('Ünï')}/日本_語", f"{layout.folder('a?b')}/x"])
    assert layout.folder("Ünï").startswith("Ünï~")


KEYS = {
    "prefix of each other": ["a", "a/b", "a/b/c", "a/"],
    "case": ["A", "a", "Dir/x", "dir/x", "x.TXT", "x.txt"],
    "normal forms": ["é", unicodedata.normalize("NFD", "é"), "é/x", unicodedata.normalize("NFD", "é") + "/x"],
    "names of Windows": ["con", "aux.txt", "nul/x", "com1/x", "x./y", "x /y", "x", 'a"b', "a:b", "a|b", "a*b?"],
    "names of our own": [".s3store/index.sqlite3", ".s3store", "~long/x", "a~0123456789ab/x"],
    "long": ["x" * 1024, "y" * 500 + "/" + "y" * 500, "/".join("z" * 500), "x" * 1019 + ".txt", "ü" * 512],
    "odd": ["\\", "a\nb", "..", "../x", "/x", "//", " ", "日本語" * 100, "\U0001f600"],
}


@pytest.mark.parametrize("name", KEYS)
def test_any_key_is_an_object_of_its_own(twin, bucket, name):
    """Whatever the file system thinks of it."""
    for key in KEYS[name]:
        bucket.put(key, key.encode(), {})
    for key in KEYS[name]:
        assert content_of(bucket, key) == key.encode()
    assert {info.key for page in bucket.pages("", {}, flat=False) for info in page.objects} == set(KEYS[name])
    lowered = [unicodedata.normalize("NFC", path).lower() for path in files(twin)]
    assert len(set(lowered)) == len(KEYS[name])
    assert max(len(part.encode()) for path in files(twin) for part in path.split("/")) <= 200
    assert max(map(len, files(twin))) <= 250
    bucket.delete_many(KEYS[name], {})
    root = bucket.store.root
    assert [path.name for path in root.iterdir()] == [".s3store"]


def test_old_content_is_deleted(twin):
    """A file that is replaced or deleted leaves nothing, and no empty directory."""
    twin.save("d/e/a.txt", b"1")
    storage = FakeS3Storage(twin.directory, allow_without_debug=True, file_overwrite=True)
    storage.save("d/e/a.txt", b"2")
    assert len(files(twin)) == 1
    twin.delete("d/e/a.txt")
    twin.delete("d/e/a.txt")
    assert files(twin) == []


def test_looking_creates_nothing(twin, tmp_path):
    """A storage that is only read does not create a directory."""
    assert not twin.exists("a.txt")
    assert twin.listdir("") == ([], [])
    twin.delete("a.txt")
    assert list(tmp_path.iterdir()) == []


def test_files_that_were_deleted_by_hand(twin, bucket):
    """They do not exist, and their names are free."""
    twin.save("a.txt", b"1")
    twin.save("b.txt", b"2")
    for path in files(twin):
        if path.startswith("a"):
            (bucket.store.root / path).unlink()
    assert not twin.exists("a.txt")
    assert twin.listdir("") == ([], ["b.txt"])
    with pytest.raises(FileNotFoundError):
        twin.open("a.txt")
    with pytest.raises(FileNotFoundError):
        twin.set_acl("a.txt", "private")
    assert twin.save("a.txt", b"new") == "a.txt"
    assert twin.read_bytes("a.txt") == b"new"


def test_an_object_that_is_replaced_while_it_is_opened(twin, bucket, monkeypatch):
    """The new content is read."""
    bucket.put("a", b"old", {})
    get = bucket.store.get

    def replaced_meanwhile(key):
        monkeypatch.setattr(bucket.store, "get", get)
        found = get(key)
        bucket.put("a", b"new", {})
        return found

    monkeypatch.setattr(bucket.store, "get", replaced_meanwhile)
    assert twin.read_bytes("a") == b"new"


def test_an_object_that_is_replaced_while_it_is_listed(bucket):
    """It is listed once, with the new facts."""
    bucket.put("a", b"1", {})
    bucket.put("b", b"1", {})
    walk = bucket.store.walk("", flat=False)
    assert next(walk).key == "a"
    bucket.put("b", b"newer", {})
    assert [(record.key, record.size) for record in walk] == [("b", 5)]


def test_files_that_cannot_be_deleted_yet(twin, bucket, monkeypatch):
    """Windows keeps files that are open: deleting succeeds all the same."""
    twin.save("a.txt", b"1")

    def refuse(path, missing_ok=False):
        raise PermissionError("in use")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(PermissionError):
            Path("x").unlink()
        bucket.store.discard(files(twin)[0])
    assert len(files(twin)) == 1


@pytest.mark.parametrize(("times", "works"), [(3, True), (10, False)])
def test_a_directory_that_disappears_is_made_again(tmp_path, monkeypatch, times, works):
    """Another process removes it because it is empty; after ten times, something else is wrong."""
    replace, failures = Path.replace, []

    def disappearing(path, target):
        if len(failures) < times:
            failures.append(target)
            raise FileNotFoundError(target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", disappearing)
    with Incoming(tmp_path / "partial") as incoming:
        incoming.write(b"x")
        if works:
            incoming.move_to(tmp_path / "d" / "a")
        else:
            with pytest.raises(FileNotFoundError):
                incoming.move_to(tmp_path / "d" / "a")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"] * works


# Crashes


def test_what_a_crash_leaves_is_swept(twin, bucket):
    """Temporary files and content without an object, after a day; uploads after a week. Other files stay."""
    twin.save("kept.txt", b"kept")
    root, now = bucket.store.root, bucket.store.now
    stale = [root / layout.PARTIAL / "0123", root / f"d/a~{'0' * 32}.txt"]
    fresh = [root / layout.PARTIAL / "4567", root / f"d/b~{'1' * 32}.txt"]
    foreign = [root / "d/notes.txt", root / "d/a~b.txt"]
    for path in (*stale, *fresh, *foreign):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        age = 0 if path in fresh else 25 * 3600
        os.utime(path, (now - age, now - age))
    old = files(twin)
    upload_id = bucket.start_upload("a", {})
    parts_of(bucket, upload_id, b"x")
    sweep.sweep(root, bucket.store.index, now)
    gone = {path.relative_to(root).as_posix() for path in stale}
    assert set(old) - set(files(twin)) == gone
    assert bucket.list_parts("a", upload_id, {})
    sweep.sweep(root, bucket.store.index, now + 8 * 86400)
    assert bucket.count_uploads("", {}, limit=9) == 0
    assert twin.read_bytes("kept.txt") == b"kept"
    assert all(path.exists() for path in foreign)


def test_a_crash_before_the_end_leaves_the_old_file(twin, tmp_path):
    """A process that dies while it saves publishes nothing; the next write works."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, file_overwrite=True)
    storage.save("a.txt", b"old")
    code = """
        content = storage.objects.bucket.store.receive()
        content.write(b"half")
        with storage.objects.bucket.store.index.writing() as change:
            change.remove("a.txt")
            os.kill(os.getpid(), 9)
    """
    with in_process(tmp_path, code) as process:
        process.communicate()
    assert process.returncode == -9
    assert storage.read_bytes("a.txt") == b"old"
    storage.save("a.txt", b"new")
    assert storage.read_bytes("a.txt") == b"new"


def test_an_error_publishes_nothing(twin, bucket, monkeypatch):
    """If the index cannot be written, the content is deleted again."""

    def fail(change):
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"), bucket.store.receive() as incoming:
        incoming.write(b"x")
        bucket.store.publish("a.txt", incoming, {}, claim=fail)
    assert files(twin) == []
    assert not twin.exists("a.txt")


# Several processes and threads


def in_process(directory, code):
    """Run code in a process of its own, with `storage`, a twin that overwrites."""
    start = f"""
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from s3store.local import FakeS3Storage
storage = FakeS3Storage({str(directory)!r}, allow_without_debug=True, file_overwrite=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", start + textwrap.dedent(code)]
    return subprocess.Popen(arguments, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_of_several_processes_one_creates(twin, tmp_path):
    """A conditional write has exactly one winner, and all other processes are told."""
    code = """
        from s3store import errors
        print("ready", flush=True)
        while not storage.exists("go"):
            time.sleep(0.001)
        for number in range(30):
            try:
                storage.objects.bucket.put(f"{number}", str(os.getpid()).encode(), {}, IfNoneMatch="*")
                print(number)
            except errors.ObjectExistsError:
                pass
    """
    running = [in_process(tmp_path, code) for _ in range(3)]
    for process in running:
        assert process.stdout.readline() == b"ready\n"
    twin.save("go", b"")
    won = {process.pid: [int(line) for line in process.communicate()[0].split()] for process in running}
    assert [process.returncode for process in running] == [0] * 3
    assert sorted(number for numbers in won.values() for number in numbers) == list(range(30))
    for pid, numbers in won.items():
        assert all(twin.read_bytes(str(number)) == str(pid).encode() for number in numbers)


def test_a_new_index_has_all_tables_or_none(tmp_path, monkeypatch):
    """At every moment of its creation: another process can open it meanwhile."""
    path, connect, seen = tmp_path / "index.sqlite3", sqlite3.connect, set()

    def look(_):
        with closing(connect(path)) as other:
            seen.add(other.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def watched(*arguments, **named):
        connection = connect(*arguments, **named)
        connection.set_trace_callback(look)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    with Index(path).writing() as change:
        assert change.find("a") is None
    assert seen == {0, 3}


def test_readers_never_see_half_a_file(tmp_path):
    """While other processes replace a file, each read returns the content and the metadata of one write."""
    code = """
        print("ready", flush=True)
        end = time.monotonic() + 3
        number = 0
        while time.monotonic() < end:
            number += 1
            size = 1 + (number * 7919) % 3_000_000
            letter = b"abc"[number % 3 : number % 3 + 1]
            storage.save("a.bin", letter * size, metadata={"size": str(size), "letter": letter.decode()})
        print(number)
    """
    storage = FakeS3Storage(tmp_path, allow_without_debug=True)
    storage.save("a.bin", b"a", metadata={"size": "1", "letter": "a"})
    running = [in_process(tmp_path, code) for _ in range(2)]
    for process in running:
        process.stdout.readline()
    bucket, seen = storage.objects.bucket, set()
    while any(process.poll() is None for process in running):
        response = bucket.get("a.bin", {})
        buffer = memoryview(bytearray(3_000_001))
        count = response.body.readinto(buffer)
        response.body.close()
        wanted = response.info.metadata
        assert count == int(wanted["size"]) == response.info.size
        assert set(bytes(buffer[:count]).decode()) == {wanted["letter"]}
        assert [info.key for page in bucket.pages("", {}, flat=False) for info in page.objects] == ["a.bin"]
        assert storage.exists("a.bin")
        seen.add(response.info.etag)
    written = [int(process.communicate()[0]) for process in running]
    assert min(written) > 3
    assert len(seen) > 3
    assert len(files(storage)) == 1


def test_threads_share_a_storage(twin):
    """Saves of the same name get names of their own, in directories that come and go."""

    def save(number):
        name = twin.save("d/e/same.txt", str(number).encode())
        content = twin.read_bytes(name)
        if number % 2:
            twin.delete(name)
        return content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(save, range(60))) == [str(number).encode() for number in range(60)]
    assert len(twin.listdir("d/e")[1]) == 30


def test_a_forked_child_uses_the_storage(twin, tmp_path):
    """Nothing that is open is shared with it."""
    code = """
        storage.save("a.txt", b"parent")
        pid = os.fork()
        if pid == 0:
            storage.save("b.txt", storage.read_bytes("a.txt"))
            os._exit(0)
        os.waitpid(pid, 0)
        storage.save("c.txt", storage.read_bytes("b.txt"))
    """
    with in_process(tmp_path, code) as process:
        process.communicate()
    assert twin.read_bytes("c.txt") == b"parent"


# The storage as a value


def test_a_twin_is_a_value(tmp_path):
    """It is compared, hashed, pickled, shown and written into migrations as other storages, with its own options."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, location="media")
    again = pickle.loads(pickle.dumps(storage))
    again.save("a.txt", b"x")
    assert storage.read_bytes("a.txt") == b"x"
    assert storage == again
    assert hash(storage) == hash(again)
    assert storage != FakeS3Storage(tmp_path / "other", allow_without_debug=True, location="media")
    assert storage != FakeS3Storage(tmp_path, allow_without_debug=True)
    assert storage != "a storage"
    assert repr(storage) == f"FakeS3Storage(directory={tmp_path!r}, allow_without_debug=True, location='media')"
    assert repr(FakeS3Storage()) == "FakeS3Storage()"
    assert repr(FakeS3Storage(location="a")) == "FakeS3Storage(location='a')"
    options = {"directory": tmp_path, "allow_without_debug": True, "location": "media"}
    assert storage.deconstruct() == ("s3store.local.FakeS3Storage", (), options)


def test_settings_for_production_stay(tmp_path, settings):
    """The server, the keys and the domain of production have no effect: nothing leaves the machine."""
    settings.AWS_STORAGE_BUCKET_NAME = "my-bucket"
    settings.AWS_S3_ACCESS_KEY_ID, settings.AWS_S3_SECRET_ACCESS_KEY = "AKIAREAL", "real-secret"
    settings.AWS_SESSION_TOKEN = "real-token"
    settings.AWS_S3_CUSTOM_DOMAIN = "cdn.example.com"
    settings.AWS_CLOUDFRONT_KEY_ID, settings.AWS_CLOUDFRONT_KEY = "K1", "-----BEGIN"
    settings.AWS_S3_ENDPOINT_URL = "https://s3.example.com"
    settings.AWS_S3_PUBLIC_ENDPOINT_URL = "https://public.example.com"
    settings.AWS_S3_PROVIDER = "r2"
    settings.AWS_LOCATION = "media"
    storage = FakeS3Storage(tmp_path, allow_without_debug=True)
    url = storage.url(storage.save("a.txt", b"x"))
    assert url.startswith("/media/s3/my-bucket/media/a.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local-")
    assert "AKIAREAL" not in url
    assert "real" not in repr(storage.options)
    assert storage.upload_post("b.txt", max_size=1).url == "/media/s3/my-bucket"


def test_urls_of_another_project_do_not_work(tmp_path, settings):
    """The keys follow from SECRET_KEY and the directory."""
    first = FakeS3Storage(tmp_path / "a", allow_without_debug=True)
    second = FakeS3Storage(tmp_path / "b", allow_without_debug=True)
    assert first.options.access_key != second.options.access_key
    assert first.options.secret_key != second.options.secret_key
    secret = first.options.secret_key
    settings.SECRET_KEY = "another"
    assert FakeS3Storage(tmp_path / "a", allow_without_debug=True).options.secret_key != secret


def test_media_root_is_the_default(tmp_path, settings):
    """Without it, and without a directory, the error says what to set."""
    settings.MEDIA_ROOT = str(tmp_path)
    storage = FakeS3Storage(allow_without_debug=True)
    storage.save("a.txt", b"x")
    assert (tmp_path / "s3" / "uploads").is_dir()
    settings.MEDIA_ROOT = ""
    with pytest.raises(ImproperlyConfigured, match="MEDIA_ROOT"):
        storage.save("a.txt", b"x")


def test_urls_need_the_urls_of_the_twin(twin, settings):
    """The error says what to add to the project."""
    settings.ROOT_URLCONF = "tests.app.urls"
    with pytest.raises(ImproperlyConfigured, match=r'include\("s3store.local.urls"\)'):
        twin.url("a.txt")
    assert twin.save("a.txt", b"x") == "a.txt"


def test_time_is_in_whole_seconds(twin):
    """As S3 stores it."""
    before = int(time.time())
    modified = twin.stat(twin.save("a.txt", b"x")).modified
    assert modified.microsecond == 0
    assert before <= modified.timestamp() <= time.time()
