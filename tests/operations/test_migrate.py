"""The files of a project move from its disk to a storage."""

import gc
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import models

from s3store.operations import clearing, migrate, named, spool
from s3store.operations.migrate import migrate_media, texts_with
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Step, Watcher
from s3store.operations.rows import Column
from s3store.operations.spool import Side, Spool
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.app.models import Album, Document, Letter, Upload
from tests.faults.proxy import FaultProxy
from tests.memory import forget_peak, peak
from tests.uploads.site import names

FILES = {"files/1.txt": b"one", "files/2.txt": b"two", "images/ä b.png": b"three", "unknown/4.txt": b"four"}


@pytest.fixture
def disk(tmp_path, settings, monkeypatch, db):
    """MEDIA_ROOT with files, and rows in models whose storage is Django's own."""
    root = tmp_path / "media"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    settings.MEDIA_ROOT = str(root)
    storage = FileSystemStorage(root)
    for model in apps.get_app_config("app").get_models():
        for field in model._meta.local_fields:
            if isinstance(field, models.FileField):
                monkeypatch.setattr(field, "storage", storage)
    Letter(file="files/1.txt").save()
    Letter(file="files/1.txt").save()
    Upload.objects.bulk_create([Upload(title="u", file="files/2.txt", image="images/ä b.png")])
    Document.objects.bulk_create([Document(normal="docs/lost.txt"), Document(normal="../outside.txt")])
    return root


@pytest.fixture
def storage(settings, s3_options):
    """The new storage, on each of the servers."""
    settings.STORAGES = {
        **settings.STORAGES,
        "s3": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": s3_options},
    }
    return S3Storage(**s3_options)


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "migrate-media", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def test_e27_the_files_of_all_rows_are_copied(disk, storage):
    """Under their names. Rows without a file and files without a row are reported, and a second run sends nothing."""
    said = run("s3:")
    assert "missing docs/lost.txt: named by app.Document " in said
    assert "app.Letter.file: 2 rows" in said
    assert "5 rows, 3 files, 3 sent (11 B), 0 unchanged, 1 missing, 1 unknown, 0 deleted, 0 failed" in said
    assert {name: storage.read_bytes(name) for name in names(storage)} == {
        name: FILES[name] for name in FILES if name != "unknown/4.txt"
    }
    assert storage.stat("images/ä b.png").content_type == "image/png"
    assert "0 sent (0 B), 3 unchanged" in run("s3:")
    assert (disk / "unknown/4.txt").exists()


def test_a_dry_run_and_a_check_only_read(disk, storage):
    """The check ends with 3 as long as a file is missing, or not in the target."""
    with counted_requests(storage) as sent:
        said = run("s3:media", "--dry-run", "--delete-source")
        with pytest.raises(CommandError, match="not in the target") as caught:
            run("s3:media", "--check")
    assert caught.value.returncode == 3
    assert set(sent.methods) <= {"GET", "HEAD"}
    assert names(storage) == []
    assert "Dry run: 5 rows, 3 files, 3 sent" in said
    run("s3:media")
    assert names(storage) == ["media/files/1.txt", "media/files/2.txt", "media/images/ä b.png"]
    with pytest.raises(CommandError, match="not in the target"):
        run("s3:media", "--check")
    Document.objects.all().delete()
    run("s3:media", "--check")


def test_json(disk, storage):
    """With the names of both reports."""
    found = json.loads(run("s3:", "--json", "--texts"))
    assert (found["command"], found["rows"], found["unknown"]) == ("migrate-media", 5, ["unknown/4.txt"])
    assert [each["name"] for each in found["missing"]] == ["docs/lost.txt"]
    assert found["texts"] == []


def test_the_source_is_deleted_where_it_was_compared(disk, storage, monkeypatch):
    """After a question, and only files whose content is in the target; the unknown one stays."""
    run("s3:")
    storage.delete("files/1.txt")
    storage.save("files/1.txt", b"eno")
    with pytest.raises(CommandError, match=r"there is no terminal\. Give --yes to agree") as caught:
        run("s3:", "--delete-source")
    assert (caught.value.returncode, run.out, storage.read_bytes("files/1.txt")) == (2, "", b"eno")
    terminal = io.StringIO("n\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert "1 sent" in run("s3:", "--delete-source")
    assert "3 files:\n  files/1.txt\n  files/2.txt\n" in run.err
    assert "Delete them in the source? [y/N] Nothing was deleted.\n" in run.err
    assert len([path for path in disk.rglob("*") if path.is_file()]) == 4
    assert storage.read_bytes("files/1.txt") == b"one"
    assert "3 unchanged, 1 missing, 1 unknown, 3 deleted" in run("s3:", "--delete-source", "--yes")
    assert [path.name for path in disk.rglob("*") if path.is_file()] == ["4.txt"]
    # The files are not missing: they have moved.
    assert "0 files, 0 sent (0 B), 0 unchanged, 1 missing, 1 unknown" in run("s3:", "--delete-source", "--yes")


def test_a_file_that_is_written_during_the_run_stays(disk, storage, monkeypatch):
    """Also if its old content was compared."""

    def confirm(names):
        (disk / "files/1.txt").write_bytes(b"new")
        (disk / "files/2.txt").unlink()
        return True

    done = migrate_media(Place(path=str(disk)), Place(path="", storage=storage), delete_source=True, confirm=confirm)
    assert (disk / "files/1.txt").read_bytes() == b"new"
    assert (done.deleted, [failed.name for failed in done.failed]) == (1, ["files/2.txt"])


def test_nothing_is_deleted_if_a_file_failed(disk, storage):
    """A name that S3 cannot have, for example."""
    (disk / "files/\x01.txt").write_bytes(b"x")
    Letter(file="files/\x01.txt").save()
    with pytest.raises(CommandError, match="failed: "):
        run("s3:", "--delete-source", "--yes")
    assert [line for line in run.out.splitlines() if line.startswith("missing")] == [
        f"missing docs/lost.txt: named by app.Document {Document.objects.get(normal='docs/lost.txt').pk} (normal)"
    ]
    assert "Nothing was deleted in the source, because 1 file failed" in run.err
    assert len([path for path in disk.rglob("*") if path.is_file()]) == 5


def test_from_one_storage_to_another(disk, storage, settings, moto):
    """After the switch too: the rows of both storages count."""
    from s3store.testing.fixtures import options_for

    old = S3Storage(**{**options_for(moto), "location": f"old-{storage.location}"})
    for name, content in FILES.items():
        old.save(name, content)
    old.save("docs/lost.txt", b"found")
    for model in (Letter, Upload, Document):
        for field in model._meta.local_fields:
            if isinstance(field, models.FileField):
                field.storage = old if model is Letter else storage
    told = []
    source, target = Place(path="", storage=old), Place(path="", storage=storage)
    first = migrate_media(source, target)
    assert (first.sent, first.more["missing"], first.more["unknown"]) == (4, [], ["unknown/4.txt"])
    # Files of the second in which the run begins could have been written during it.
    begun = int(time.time())
    while time.time() < begun + 1.1:
        pass
    kept = migrate_media(source, target, delete_source=True, confirm=lambda found: told.append(found) or True)
    assert (len(told[0]), kept.deleted, kept.failed) == (4, 4, [])
    assert names(old) == ["unknown/4.txt"]


def test_files_of_the_second_in_which_the_run_begins_stay(disk, storage, monkeypatch):
    """The times of a server are whole seconds: a file of this one could have been written after it was compared."""
    old = S3Storage(**{**options_of(storage), "location": f"{storage.location}-old"})
    switch(storage)
    for name, content in FILES.items():
        old.save(name, content)
    moment = max(old.get_modified_time(name) for name in FILES)
    monkeypatch.setattr("s3store.operations.migrate._clock", lambda place: moment.replace(microsecond=999))
    older = [name for name in FILES if old.get_modified_time(name) < moment and name != "unknown/4.txt"]
    done = migrate_media(Place(path="", storage=old), Place(path="", storage=storage), delete_source=True)
    assert (done.deleted, done.failed) == (len(older), [])
    assert set(names(old)) == set(FILES) - set(older)


def switch(storage):
    """Let all fields use a storage."""
    for model in apps.get_app_config("app").get_models():
        for field in model._meta.local_fields:
            if isinstance(field, models.FileField):
                field.storage = storage


@pytest.mark.parametrize("kind", ["disk", "storage"])
def test_e27_a_file_that_the_site_has_replaced_since_the_switch(disk, storage, kind):
    """It is the current one and stays; one that was written to the source after the copy is sent."""
    run("s3:")
    source = Place(path=str(disk))
    if kind == "storage":
        source = Place(path="", storage=S3Storage(**{**options_of(storage), "location": f"{storage.location}-old"}))
        for name, content in FILES.items():
            source.storage.save(name, content)
        time.sleep(1.1)
    late = time.time() + 1000
    (disk / "files/2.txt").write_bytes(b"TWO")
    os.utime(disk / "files/2.txt", (late, late))
    switch(storage)
    os.utime(disk / "files/1.txt", (1, 1))
    storage.delete("files/1.txt")
    storage.save("files/1.txt", b"the new one")
    done = migrate_media(source, Place(path="", storage=storage), delete_source=True)
    assert storage.read_bytes("files/1.txt") == b"the new one"
    assert done.more["replaced"] == ["files/1.txt"]
    if kind == "disk":
        assert storage.read_bytes("files/2.txt") == b"TWO"
        assert (disk / "files/1.txt").exists()


def options_of(storage):
    """Return the options with which a storage was created."""
    return {**storage.deconstruct()[2], "access_key": storage.access_key, "secret_key": storage.secret_key}


def test_files_of_a_storage_are_deleted(disk, storage, monkeypatch):
    """Those that were there before; what S3 does not delete is a failure."""
    old = Place(path="old/", storage=storage)
    storage.save("old/a", b"a")
    storage.save("old/b", b"b")
    later = datetime.now(timezone.utc) + timedelta(seconds=5)
    delete = clearing.from_storage(old, later)
    assert (delete("a", ""), names(storage)) == ("", ["old/b"])
    assert clearing.from_storage(old, later - timedelta(days=1))("b", "") == clearing.CHANGED
    assert delete("a", "") == clearing.CHANGED

    def respond(method, target, headers):
        error = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        return (403, {"Content-Type": "application/xml"}, error) if method == "DELETE" else None

    with FaultProxy(storage.endpoint_url, respond=respond) as proxy:
        through = S3Storage(**{**options_of(storage), "endpoint_url": proxy.url})
        with pytest.raises(OSError, match=r"AccessDenied, no\. .* s3:DeleteObject\."):
            clearing.from_storage(Place(path="old/", storage=through), later)("b", "")


def test_all_requests_are_counted(db, storage, s3_options, monkeypatch):
    """Also those that find files without a row, and those that delete the source."""
    for name in ("a", "b", "unknown"):
        storage.save(name, b"content")
    Letter.objects.bulk_create([Letter(file=name) for name in "ab"])
    target = S3Storage(**{**s3_options, "location": "moved"})
    monkeypatch.setattr(Letter._meta.get_field("file"), "storage", storage)
    with counted_requests(storage) as sent:
        done = migrate_media(Place(path="", storage=storage), Place(path="", storage=target), delete_source=True)
    assert (done.sent, done.more["unknown"], done.requests) == (2, ["unknown"], len(sent))


def test_a_file_that_is_replaced_just_before_its_delete_stays(storage):
    """The server refuses to delete what has another ETag than the file that was looked at."""
    storage.save("a", b"old")

    def respond(method, target, headers):
        if method == "DELETE":
            storage.client.put_object(Bucket=storage.bucket_name, Key=storage.objects.key("a"), Body=b"new")

    with FaultProxy(storage.endpoint_url, respond=respond) as proxy:
        through = S3Storage(**{**options_of(storage), "endpoint_url": proxy.url})
        later = datetime.now(timezone.utc) + timedelta(seconds=5)
        assert clearing.from_storage(Place(path="", storage=through), later)("a", "") == clearing.CHANGED
        assert [exchange.method for exchange in proxy.log] == ["HEAD", "DELETE", "HEAD"]
    assert storage.read_bytes("a") == b"new"


@pytest.mark.parametrize("before", ["new to the target", "equal in the target"])
def test_a_file_that_was_not_compared_stays_whatever_its_time_is(db, storage, s3_options, monkeypatch, before):
    """AWS dates an upload in parts by its start, which can be before the run: the ETag decides."""
    old = S3Storage(**{**s3_options, "location": f"{storage.location}-old"})
    for name in "ab":
        old.save(name, b"old")
        if before == "equal in the target":
            storage.save(name, b"old")
    Letter.objects.bulk_create([Letter(file=name) for name in "ab"])
    monkeypatch.setattr(Letter._meta.get_field("file"), "storage", old)
    later = datetime.now(timezone.utc) + timedelta(minutes=1)
    monkeypatch.setattr("s3store.operations.migrate._clock", lambda place: later)

    def confirm(names):
        old.objects.bucket.put(old.objects.key("a"), b"new", {})
        return True

    source, target = Place(path="", storage=old), Place(path="", storage=storage)
    done = migrate_media(source, target, delete_source=True, confirm=confirm)
    assert (done.deleted, done.failed, names(old), old.read_bytes("a")) == (1, [], ["a"], b"new")


def test_what_is_refused(disk, storage, settings):
    """The target is a storage, and the source is known."""
    with pytest.raises(PlaceError, match="must be a storage"):
        migrate_media(Place(path=str(disk)), Place(path=str(disk)))
    settings.MEDIA_ROOT = ""
    with pytest.raises(CommandError, match="MEDIA_ROOT is not set") as caught:
        run("s3:")
    assert caught.value.returncode == 2
    assert "3 sent" in run("s3:", "--source", str(disk), "-v", "2")
    assert "unknown unknown/4.txt" in run.out


def test_a_table_that_cannot_be_read(disk, storage, monkeypatch):
    """Nothing is moved: files of its rows would stay behind."""
    monkeypatch.setattr(Letter._meta, "db_table", "missing")
    with pytest.raises(CommandError, match="'missing' of app"):
        run("s3:")
    assert names(storage) == []


def test_the_names_to_delete_are_not_in_memory():
    """Half a million names take no more memory than a hundred thousand; a file whose last step failed is left out."""
    growth = []
    for count in (100_000, 500_000):
        with Spool() as steps:
            forget_peak()
            before = peak()
            told = migrate._Compared(Watcher(), steps)
            for number in range(count):
                told.step(Step(op="skip", name=f"photos/2026/{number:012}/picture.jpg"))
            told.step(Step(op="fail", name=f"photos/2026/{1:012}/picture.jpg"))
            found = clearing.Names(steps)
            assert (len(found), sum(1 for _ in found)) == (count - 1, count - 1)
            growth.append(peak() - before)
    assert growth[1] < growth[0] + 20 * 1024, growth


PAGE = """<ListBucketResult><IsTruncated>{more}</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>
{objects}</ListBucketResult>"""

OBJECT = (
    "<Contents><Key>pictures/2026/{0:08}.jpg</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"{0:032x}"</ETag><Size>4711</Size><StorageClass>STANDARD</StorageClass></Contents>'
)


def crowd(count):
    """Return what responds like a server whose buckets all have so many pictures."""

    def respond(method, target, headers):
        token = re.search(r"continuation-token=(\d+)", target)
        start = int(token[1]) if token else 0
        stop = min(start + 1000, count)
        objects = "".join(OBJECT.format(number) for number in range(start, stop))
        body = PAGE.format(more=str(stop < count).lower(), next=stop, objects=objects)
        return 200, {"Content-Type": "application/xml", "Date": formatdate(usegmt=True)}, body.encode()

    return respond


def migrated(monkeypatch, count):
    """Return the summary of a run over so many rows with files in both buckets, and the peak of its objects in KiB.

    The resident memory would be that of the database of the tests, too, and of what earlier runs have freed.
    """
    first = Letter.objects.count()
    for start in range(first, count, 10_000):
        numbers = range(start, min(start + 10_000, count))
        Letter.objects.bulk_create([Letter(file=f"pictures/2026/{number:08}.jpg") for number in numbers])
    with FaultProxy("http://127.0.0.1:9", respond=crowd(count)) as proxy:
        here = {"access_key": "a", "secret_key": "b", "region_name": "us-east-1", "endpoint_url": proxy.url}
        old, new = (S3Storage(**here, bucket_name=name) for name in ("old-media", "new-media"))
        monkeypatch.setattr(Letter._meta.get_field("file"), "storage", old)
        gc.collect()
        tracemalloc.start()
        try:
            done = migrate_media(Place(path="", storage=old), Place(path="", storage=new))
            most = tracemalloc.get_traced_memory()[1] // 1024
        finally:
            tracemalloc.stop()
        assert done.requests == len(proxy.requests())
        return done, most


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.campaign)])
def test_memory_does_not_grow_with_the_number_of_rows(db, monkeypatch, count):
    """As many rows again, whose files are all there, take no more. Nothing but the listings is requested."""
    monkeypatch.setattr(spool, "_BLOCK", 16)
    monkeypatch.setattr(Spool.__init__, "__kwdefaults__", {**Spool.__init__.__kwdefaults__, "run": 1000})
    monkeypatch.setattr(Side.__init__, "__kwdefaults__", {**Side.__init__.__kwdefaults__, "run": 1000})
    migrated(monkeypatch, 1000)
    (_, few), (done, many) = migrated(monkeypatch, count // 2), migrated(monkeypatch, count)
    assert (done.more["rows"], done.objects, done.skipped, done.sent) == (count, count, count, 0)
    assert (done.more["missing"], done.more["unknown"], done.failed) == ([], [], [])
    # The clock, the source and the target in sync, and the source once more to find files that no row names.
    assert done.requests == 1 + 3 * count // 1000
    # A name takes 80 bytes. Of each sorted run on the disk, one block is in memory.
    assert many < few + count // 2 * 45 // 1024, (few, many, done.seconds)


def test_links_are_not_followed(disk, storage):
    """The warning names them, and their files are not copied."""
    (disk / "files/link.txt").symlink_to(disk / "files/1.txt")
    Letter(file="files/link.txt").save()
    assert "3 sent" in run("s3:")
    assert "'files/link.txt' was skipped: it is a symbolic link" in run.err


@pytest.mark.parametrize(
    ("column", "place", "name", "found"),
    [
        ("/srv/media", "/srv/media", "a/b.txt", "a/b.txt"),
        ("/srv/media/photos", "/srv/media", "a.txt", "photos/a.txt"),
        ("/srv/media", "/srv/media/photos", "photos/a.txt", "a.txt"),
        ("/srv/media", "/srv/media/photos", "docs/a.txt", None),
        ("/srv/media", "/srv/media", "/etc/passwd", "etc/passwd"),
        ("/srv/media", "/srv/media", "../media/", None),
        ("/srv/media", "s3:old", "a.txt", None),
        ("s3", "/srv/media", "a.txt", None),
        ("s3", "s3:old", "old/a.txt", "a.txt"),
        ("s3", "s3:old", "older/a.txt", None),
        ("s3", "s3:", "a//b.txt", "a/b.txt"),
    ],
)
def test_names_of_rows_in_a_place(column, place, name, found):
    """Where the files of a field and the place overlap."""
    s3 = S3Storage(bucket_name="b")
    storage = s3 if column == "s3" else FileSystemStorage(column)
    field = Letter._meta.get_field("file")
    of = Column(model=Letter, field=field, database="default", storage=storage)
    where = Place(path=place.removeprefix("s3:"), storage=s3 if place.startswith("s3:") else None)
    assert named.name_at_place(where, of, name) == found


def test_texts_that_contain_the_url(disk, storage, settings, monkeypatch):
    """They are counted and not changed; a table that cannot be read is named."""
    settings.MEDIA_URL = "/media/"
    Album.objects.create(title="see /media/x.png")
    Album.objects.create(title="nothing")
    assert "texts   app.Album.title: 1 row with /media/" in run("s3:", "--texts")
    assert texts_with("/") == []
    monkeypatch.setattr(Album._meta, "db_table", "missing")
    (found,) = texts_with("/media/")
    assert (found.rows, "missing" in found.error) == (0, True)


# As a project does it


SETTINGS = """
SECRET_KEY = "tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}}}}}
MEDIA_ROOT = {media!r}
STORAGES = {{
    "default": {{"BACKEND": {backend!r}, "OPTIONS": {options!r}}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    "s3": {{"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {s3!r}}},
}}
INSTALLED_APPS = ["s3store", "django.contrib.contenttypes", "shop"]
"""

MODELS = """
from django.db import models

class Picture(models.Model):
    file = models.FileField()
"""


class Project:
    """A project in a directory, whose commands are processes."""

    def __init__(self, root, s3):
        self.root, self.s3 = root, s3
        (root / "shop").mkdir()
        (root / "shop/__init__.py").write_text("")
        (root / "shop/models.py").write_text(MODELS)
        self.use("django.core.files.storage.FileSystemStorage", {})
        status, said = self.run("migrate", "--run-syncdb")
        assert status == 0, said

    def use(self, backend, options):
        facts = {"database": str(self.root / "db.sqlite3"), "media": str(self.root / "media")}
        text = SETTINGS.format(**facts, backend=backend, options=options, s3=self.s3)
        (self.root / "project_settings.py").write_text(text)

    def start(self, *arguments):
        path = os.pathsep.join([str(self.root), str(Path(__file__).parents[2])])
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project_settings", "PYTHONPATH": path}
        return subprocess.Popen(
            [sys.executable, "-m", "django", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments):
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=120)
        return process.returncode, out

    def add(self, number):
        (self.root / "media").mkdir(exist_ok=True)
        (self.root / f"media/{number:03}.bin").write_bytes(bytes([number % 256]) * 3000)
        with sqlite3.connect(self.root / "db.sqlite3") as connection:
            connection.execute("INSERT INTO shop_picture (file) VALUES (?)", [f"{number:03}.bin"])


def test_e27_a_project_moves_and_loses_nothing(tmp_path, seaweedfs_options):
    """Copy while the site runs, killed in the middle, switch, copy again, and delete: each file is there once."""
    project = Project(tmp_path, {**seaweedfs_options, "max_attempts": 2})
    for number in range(60):
        project.add(number)
    with FaultProxy(seaweedfs_options["endpoint_url"], delay=0.02) as proxy:
        project.s3 = {**seaweedfs_options, "endpoint_url": proxy.url}
        project.use("django.core.files.storage.FileSystemStorage", {})
        process = project.start("s3", "migrate-media", "s3:", "--threads", "2", "-v", "2")
        for _ in range(12):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    project.s3 = seaweedfs_options
    storage = S3Storage(**seaweedfs_options)
    assert 0 < len(names(storage)) < 60
    project.use("django.core.files.storage.FileSystemStorage", {})
    status, said = project.run("s3", "migrate-media", "s3:")
    assert (status, "60 rows, 60 files" in said) == (0, True), said
    project.add(60)
    project.use("s3store.storage.S3Storage", seaweedfs_options)
    status, said = project.run("s3", "migrate-media", "default:", "--check")
    assert status == 3, said
    status, said = project.run("s3", "migrate-media", "default:", "--delete-source", "--yes")
    assert (status, "61 rows, 61 files, 1 sent" in said, "61 deleted" in said) == (0, True, True), said
    assert {name: storage.read_bytes(name) for name in names(storage)} == {
        f"{number:03}.bin": bytes([number]) * 3000 for number in range(61)
    }
    assert list((tmp_path / "media").iterdir()) == []
    assert project.run("s3", "migrate-media", "default:", "--check")[0] == 0
