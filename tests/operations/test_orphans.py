"""Files that no row refers to."""

import io
import json
import sys
import types
import unicodedata
from datetime import datetime, timedelta, timezone

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import models, transaction

from s3store.core.globs import Filter
from s3store.core.parts import MIB
from s3store.operations import rows
from s3store.operations.orphans import delete_orphans, find, find_orphans, move_orphans, remove
from s3store.operations.places import Place, PlaceError, place_of
from s3store.operations.references import NAME
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage, S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.app.models import Letter, Upload
from tests.docs.blocks import DOCS, blocks_of
from tests.faults.proxy import FaultProxy
from tests.operations.told import Told
from tests.uploads.site import configure, names

LATER = timedelta(days=2)


@pytest.fixture
def storage(settings, s3_options, db):
    """The default storage, which is that of the models too, on each of the servers."""
    configure(settings, s3_options)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3MediaStorage"},
        "archive": {
            "BACKEND": "s3store.storage.S3Storage",
            "OPTIONS": {"location": f"{s3_options['location']}-archive"},
        },
    }
    return S3MediaStorage()


@pytest.fixture
def later(monkeypatch):
    """All files are two days old."""
    monkeypatch.setattr(find, "moment", lambda objects, now=None: datetime.now(timezone.utc) + LATER)


@pytest.fixture
def files(storage, later):
    """Three files with rows, and two without."""
    for name in ("files/1", "files/2", "files/3", "files/4", "other/5"):
        storage.save(name, name.encode())
    for name in ("files/1", "files/3"):
        Letter(file=name).save()
    Upload(title="u", file="files/4").save()
    return storage


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "orphans", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def found_in(storage, path="", **options):
    """Return the names of the orphans, all files being two days old."""
    with find_orphans(storage, path, now=datetime.now(timezone.utc) + LATER, **options) as found:
        return [orphan.name for orphan in found]


# What is an orphan


def test_files_without_a_row(files):
    """They are listed with their size, and with what was counted; nothing but a listing is sent."""
    with counted_requests(files) as sent:
        said = run()
    assert sent.methods == ["GET"]
    lines = said.splitlines()
    assert [line.split() for line in lines[-3:-1]] == [["7", "B", "files/2"], ["7", "B", "other/5"]]
    assert lines[-1].startswith("5 files, 3 referenced, 0 too young, 2 orphans (14 B), 1 request, ")
    assert any(line.startswith("app.Letter.file (files: ") and line.endswith(": 2 references") for line in lines)
    assert names(files) == ["files/1", "files/2", "files/3", "files/4", "other/5"]


def test_a_rolled_back_row_rd_09(storage, later):
    """The file of a save whose transaction is rolled back is an orphan, and files of committed rows are none."""
    kept = Letter()
    kept.file.save("kept.txt", io.BytesIO(b"kept"))
    with pytest.raises(RuntimeError), transaction.atomic():
        Letter().file.save("lost.txt", io.BytesIO(b"lost"))
        raise RuntimeError
    assert found_in(storage) == ["files/lost.txt"]
    run("--delete", "--yes")
    assert names(storage) == [kept.file.name]


def test_young_files(storage):
    """The row of a file that was just saved may not be committed yet: one day, and never less without --force."""
    storage.save("new", b"")
    with find_orphans(storage) as found:
        assert (list(found), found.young, found.objects, found.doubts) == ([], 1, 1, [])
    with pytest.raises(CommandError, match="must be 1d or more") as caught:
        run("--older-than", "23h")
    assert caught.value.returncode == 2
    assert "1 orphan (0 B)" in run("--older-than", "0s", "--force")


def test_the_clock_of_the_server_counts_where_it_is_behind(storage, monkeypatch):
    """A machine whose clock is fast would take new files for old ones."""
    storage.save("new", b"")

    class Fast(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + LATER

    monkeypatch.setattr(find, "datetime", Fast)
    with find_orphans(storage) as found:
        assert (found.count, found.young) == (0, 1)
    # A time that the caller chooses is not compared with the server's.
    with find_orphans(storage, now=datetime.now(timezone.utc) + LATER) as found:
        assert (found.count, found.young) == (1, 0)


def test_what_belongs_to_something_else(storage, settings, later):
    """Direct uploads, s3store's own files in any folder, other storages below, and a manifest of static files.

    A storage of another bucket protects nothing in this one, and neither does its manifest.
    """
    below = {"location": f"{storage.location}/static"}
    settings.STORAGES = {
        **settings.STORAGES,
        "static-below": {"BACKEND": "s3store.storage.S3StaticStorage", "OPTIONS": below},
        "staticfiles": {"BACKEND": "tests.operations.test_orphans.WithManifestInMedia"},
        "broken": {"BACKEND": "nowhere.Storage"},
        "elsewhere": {
            "BACKEND": "s3store.storage.S3ManifestStaticStorage",
            "OPTIONS": {"bucket_name": "another", "location": f"{storage.location}/x"},
        },
    }
    settings.STATICFILES_LOCATION = f"{storage.location}-static"
    own = ["incoming/a/b/c", ".s3store/trash/x/a", "team/.S3Store/undo/1.json", "static/a.css", "staticfiles.json"]
    others = ["incoming.txt", "static.txt", "orphan", "x/a", "x/staticfiles.json"]
    for name in [*own, *others]:
        storage.save(name, b"1")
    with find_orphans(storage, now=datetime.now(timezone.utc) + LATER) as found:
        left = {orphan.name for orphan in found}
    assert left == set(others)
    assert found.protected == 5


class WithManifestInMedia(S3ManifestStaticStorage):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, manifest_storage=S3MediaStorage(), **kwargs)


def test_static_files_are_not_looked_at(storage, settings):
    """No row refers to them: prune deletes those of old releases."""
    static = {"BACKEND": "s3store.storage.S3StaticStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": static}
    with pytest.raises(CommandError, match="s3 prune") as caught:
        run("--storage", "staticfiles")
    assert caught.value.returncode == 2


def test_a_directory_and_rules(files):
    """Only what is below it, and what the rules choose; the number of files is that of these."""
    assert found_in(files, "files") == ["files/2"]
    assert found_in(files, rules=Filter.of([("other/", False)])) == ["files/2"]
    assert "2 files, 2 referenced" in run("--include", "nothing", "--exclude", "*", "--include", "[13]")
    with pytest.raises(CommandError, match="is not a pattern") as caught:
        run("--include", "[z-a]")
    assert caught.value.returncode == 2


def test_names_that_no_storage_would_write(storage, later):
    """Rows with a slash at the start, or two, refer to the file that they mean."""
    for name in ("files/a", "files/b", "files/c"):
        storage.save(name, b"")
    Letter.objects.bulk_create([Letter(file="/files/a"), Letter(file="files//b"), Letter(file="../c")])
    assert found_in(storage) == ["files/c"]


def test_many_files_in_any_order(storage, later, monkeypatch):
    """Servers list in different orders, and large listings are sorted on disk."""
    monkeypatch.setattr("s3store.operations.spool.RUN", 7)
    every = [f"{d}{c}{n}" for d in ("a", "a-b", "a b") for c in "/!.-0" for n in range(4)]
    for name in every:
        storage.save(name, b"")
    used = [name for number, name in enumerate(sorted(every, reverse=True)) if number % 3]
    Letter.objects.bulk_create([Letter(file=name) for name in used])
    assert found_in(storage) == sorted(set(every) - set(used))


def test_a_field_whose_rows_choose_their_storage(files, monkeypatch):
    """Its names count as names in this storage: nobody knows better."""
    monkeypatch.setattr(rows, "_storage_of", lambda field: None)
    Letter(file="other/5").save()
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        assert [orphan.name for orphan in found] == ["files/2"]
        assert {counted.storage for counted in found.counted} == {"chosen by each row"}


# References that are no FileField


def test_references_of_the_project(files, settings):
    """Functions, or their paths: names of files, and directories with everything below them."""
    settings.S3STORE_REFERENCES = [lambda storage: ["/files/2", "", "files/../x"]]
    assert found_in(files) == ["other/5"]
    settings.S3STORE_REFERENCES = ["tests.operations.test_orphans.in_other"]
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        assert [orphan.name for orphan in found] == ["files/2"]
        assert (found.counted[-1].source, found.counted[-1].rows) == (NAME, 1)
    settings.S3STORE_REFERENCES = [lambda storage: ["/"]]
    assert found_in(files) == []


def in_other(storage):
    """Yield a directory."""
    assert isinstance(storage, S3Storage)
    yield "other/"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a.b", "must be a list"),
        (["nowhere.function"], "cannot be imported"),
        ([3], "is not a function"),
        ([lambda storage: [b"a"]], "must yield names, which are str, not bytes"),
    ],
)
def test_references_that_are_wrong(files, settings, given, said):
    """The command stops: without them, files that are in use would be orphans."""
    settings.S3STORE_REFERENCES = given
    with pytest.raises(ImproperlyConfigured, match=said):
        found_in(files)


# Deleting


def test_orphans_are_deleted(files):
    """After a question that names them; nothing else goes, and a second run finds none."""
    with pytest.raises(CommandError, match="2 files, 14 B:\n  files/2\n  other/5\n--move-to would") as caught:
        run("--delete")
    assert caught.value.returncode == 2
    assert "2 deleted, 0 kept" in run("--delete", "--yes")
    assert names(files) == ["files/1", "files/3", "files/4"]
    assert "0 orphans" in run("--delete")


@pytest.mark.parametrize("action", [("--delete",), ("--move-to", "archive:x/")])
def test_a_dry_run_only_reads(files, action):
    """It prints the same list as the command without an action."""
    with counted_requests(files) as sent:
        assert "Dry run: 5 files" in run("--dry-run", *action)
    assert set(sent.methods) == {"GET"}
    assert len(names(files)) == 5


def test_json(files):
    """One document with the plan and the counts, or a line for each step."""
    found = json.loads(run("--json", "--dry-run", "--move-to", "archive:x"))
    assert found["plan"] == [{"op": "move", "name": name, "size": 7, "reason": ""} for name in ("files/2", "other/5")]
    assert (found["files"], found["referenced"], found["objects"], found["bytes"]) == (5, 3, 2, 14)
    (letters,) = [counted for counted in found["counted"] if counted["source"] == "app.Letter.file"]
    assert letters == {
        "source": "app.Letter.file",
        "database": "default",
        "storage": f"{files.bucket_name}/{files.location}/",
        "rows": 2,
        "error": None,
    }
    lines = [json.loads(line) for line in run("--jsonl").splitlines()]
    assert [(line.get("op"), line.get("dry_run")) for line in lines] == [
        ("delete", None),
        ("delete", None),
        (None, False),
    ]
    lines = [json.loads(line) for line in run("--jsonl", "--delete", "--yes").splitlines()]
    assert [line.get("op") for line in lines] == ["delete", "delete", None]
    assert lines[0] == {"op": "delete", "name": "files/2", "size": 7, "reason": ""}
    assert lines[-1]["deleted"] == 2


def test_check_is_for_scripts(files):
    """Status 3 if there are orphans."""
    with pytest.raises(CommandError, match="2 orphans found") as caught:
        run("--check")
    assert caught.value.returncode == 3
    run("--delete", "--yes")
    run("--check")


# Doubts


def test_nothing_is_deleted_if_no_row_refers_to_the_storage(storage, later):
    """A wrong location, or another bucket, looks like this."""
    storage.save("a", b"")
    with pytest.raises(CommandError, match="Nothing was done") as caught:
        run("--delete", "--yes")
    assert caught.value.returncode == 2
    assert "No row refers to a file in this storage" in run.err
    assert names(storage) == ["a"]
    run("--delete", "--yes", "--force")
    assert names(storage) == []


def test_nothing_is_deleted_if_more_than_half_are_orphans(storage, later):
    """Half is no doubt, one more is."""
    for name in ("files/1", "a"):
        storage.save(name, b"")
    Letter(file="files/1").save()
    with find_orphans(storage, now=datetime.now(timezone.utc) + LATER) as found:
        assert (found.count, found.doubts) == (1, [])
    storage.save("b", b"")
    with pytest.raises(CommandError, match="Nothing was done"):
        run("--delete", "--yes")
    assert "2 of 3 files are orphans, more than half" in run.err


def test_nothing_is_deleted_beside_static_files(files, settings):
    """No row refers to them."""
    for location in (files.location, ""):
        options = {"location": location}
        settings.STORAGES = {
            **settings.STORAGES,
            "staticfiles": {"BACKEND": "s3store.storage.S3StaticStorage", "OPTIONS": options},
        }
        with pytest.raises(CommandError, match="Nothing was done"):
            run("--delete", "--yes")
        assert (
            f"Static files are in the same place: the location of S3StaticStorage is {location or 'empty'}." in run.err
        )
    assert len(names(files)) == 5


def test_nothing_is_deleted_if_a_table_cannot_be_read(files):
    """Its rows could refer to any file. With --force, it is left out, also at the last look."""
    meta = type("Meta", (), {"app_label": "app"})
    file = models.FileField(storage=S3MediaStorage())
    type("Unread", (models.Model,), {"__module__": __name__, "Meta": meta, "file": file})
    try:
        with pytest.raises(CommandError, match="Nothing was done"):
            run("--delete", "--yes")
        assert "The table 'app_unread' of app.Unread cannot be read in the database 'default'" in run.err
        assert len(names(files)) == 5
        told = Told()
        with find_orphans(files, watcher=told) as found:
            assert [text for text in told.warnings if "app_unread" in text] == found.doubts[:1]
        run("--delete", "--yes", "--force")
        assert names(files) == ["files/1", "files/3", "files/4"]
    finally:
        del apps.all_models["app"]["unread"]
        apps.clear_cache()


# What changes meanwhile


def test_a_row_that_is_committed_after_the_listing(files):
    """Just before a file is deleted its row is looked up once more, in each form of Unicode that its name can have."""
    composed = unicodedata.normalize("NFC", "files/é")
    files.save(unicodedata.normalize("NFD", composed), b"")
    told = Told()
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        assert found.count == 3
        Letter.objects.bulk_create([Letter(file="files/2"), Letter(file=composed)])
        done = delete_orphans(found, watcher=told)
    assert (done.deleted, done.skipped) == (1, 2)
    assert sorted(step[2] for step in told.steps) == ["", "a row names it now", "a row names it now"]
    assert len(names(files)) == 5
    assert "other/5" not in names(files)


def test_a_row_with_a_slash_at_the_start_that_is_committed_after_the_listing(files):
    """It means the same file: the last look finds it too."""
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        Letter.objects.bulk_create([Letter(file="/files/2")])
        done = delete_orphans(found)
    assert (done.deleted, done.skipped) == (1, 1)
    assert names(files) == ["files/1", "files/2", "files/3", "files/4"]


def test_a_reference_that_appears_after_the_listing(files, settings):
    """S3STORE_REFERENCES is asked once more before the first file is deleted."""
    told, in_use = Told(), []
    settings.S3STORE_REFERENCES = [lambda storage: in_use]
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        in_use += ["other/", "files/2"]
        assert delete_orphans(found, watcher=told).deleted == 0
    assert told.steps == [("keep", "files/2", "it is in use now"), ("keep", "other/5", "it is in use now")]


@pytest.mark.parametrize("keeps", [True, False], ids=["conditions", "no conditions"])
def test_a_file_that_is_replaced_after_the_listing(files, settings, keeps):
    """It is another file, whose row may come later."""
    settings.AWS_S3_CONDITIONAL_WRITES = keeps
    told = Told()
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        files.delete("files/2")
        files.save("files/2", b"new")
        files.delete("other/5")
        done = delete_orphans(found, watcher=told)
    assert files.read_bytes("files/2") == b"new"
    assert ("keep", "files/2", "it was replaced") in told.steps
    assert done.failed == []


def test_failures_of_single_files(files, settings, s3_options):
    """They are named, and the others are deleted: a HEAD that is refused, and a key that S3 keeps."""
    refused = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    def respond(method, target, headers):
        if method == "HEAD" and target.endswith("/files/2") and not respond.body:
            return 403, {}, b""
        if method == "POST" and "delete" in target and respond.body:
            return 200, {"Content-Type": "application/xml"}, respond.body
        return None

    def refuse(method, target, headers):
        answer = (403, {"Content-Type": "application/xml"}, refused)
        return answer if method == "POST" and "delete" in target else None

    respond.body = None
    settings.AWS_S3_CONDITIONAL_WRITES = False
    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        settings.AWS_S3_ENDPOINT_URL = proxy.url
        with pytest.raises(CommandError, match=r"'files/2' failed: .*403"):
            run("--delete", "--yes")
        assert names(files) == ["files/1", "files/2", "files/3", "files/4"]
        key = f"<Key>{files.objects.key('files/2')}</Key>".encode()
        respond.body = b"<DeleteResult>" + refused.replace(b"<Error>", b"<Error>" + key) + b"</DeleteResult>"
        with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
            done = delete_orphans(found)
        with (
            FaultProxy(s3_options["endpoint_url"], respond=refuse) as refusing,
            find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found,
        ):
            settings.AWS_S3_ENDPOINT_URL = refusing.url
            assert {failed.code for failed in delete_orphans(found).failed} == {"AccessDenied"}
    (failed,) = done.failed
    assert (failed.name, failed.code) == ("files/2", "AccessDenied")
    assert "failed: AccessDenied, no. The request needs the permission s3:DeleteObject." in failed.why


def test_batches(files, monkeypatch):
    """The rows are looked up for each batch, just before it goes."""
    monkeypatch.setattr(remove, "BATCH", 1)
    looked = []
    real = find.Orphans.__iter__

    def slowly(self):
        for orphan in real(self):
            looked.append(orphan.name)
            if orphan.name == "other/5":
                Letter(file="other/5").save()
            yield orphan

    monkeypatch.setattr(find.Orphans, "__iter__", slowly)
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        done = delete_orphans(found)
    assert (looked, done.deleted, done.skipped) == (["files/2", "other/5"], 1, 1)


# Moving


@pytest.mark.parametrize("place", ["default:.s3store/orphans/", "archive:2026", "archive:"])
def test_orphans_are_moved(files, place):
    """To a directory that is not looked at, or to another storage: under their names, with their headers."""
    files.save("files/2.json", b"{}", content_type="application/x-own", metadata={"a": "b"})
    assert "3 moved, 0 kept" in run("--move-to", place, "--yes")
    assert names(files)[-3:] == ["files/1", "files/3", "files/4"]
    target = place_of(place)
    root = target.path.rstrip("/")
    below = f"{root}/" if root else ""
    assert sorted(stat.name for stat in target.storage.scan(root)) == [
        f"{below}{name}" for name in ("files/2", "files/2.json", "other/5")
    ]
    moved = target.storage.stat(f"{below}files/2.json")
    assert (moved.content_type, moved.metadata) == ("application/x-own", {"a": "b"})


def test_orphans_are_moved_to_the_same_location_of_another_bucket(files, settings):
    """No run for this bucket can find them there."""
    options = {"bucket_name": "orphans-elsewhere", "location": files.location}
    settings.STORAGES = {
        **settings.STORAGES,
        "elsewhere": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
    }
    elsewhere = place_of("elsewhere:").storage
    elsewhere.client.create_bucket(Bucket="orphans-elsewhere")
    run("--move-to", "elsewhere:", "--yes")
    assert names(elsewhere) == ["files/2", "other/5"]
    assert names(files) == ["files/1", "files/3", "files/4"]


def test_a_move_tells_of_each_file_and_counts_it(files):
    """As moved. A deletion counts none as sent."""
    told = Told()
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        done = move_orphans(found, place_of("archive:2026"), watcher=told)
    assert (done.objects, done.sent, done.deleted, done.skipped, done.size) == (2, 2, 2, 0, 14)
    assert (told.expected, told.moved_bytes) == ((2, 14), 14)
    assert done.requests > 4
    assert 0 < done.seconds < 600
    assert told.steps == [("move", "files/2", ""), ("move", "other/5", "")]
    files.save("files/6", b"x")
    with find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found:
        done = delete_orphans(found, watcher=told)
    assert (done.sent, done.deleted) == (0, 1)
    assert told.steps[-1] == ("delete", "files/6", "")


def test_orphans_are_moved_to_another_server(files, settings, moto):
    """Through this machine."""
    settings.STORAGES = {
        **settings.STORAGES,
        "far": {
            "BACKEND": "s3store.storage.S3Storage",
            "OPTIONS": {
                **options_for(moto),
                "location": f"far-{files.location}",
                "endpoint_url": moto.endpoint_url + "/",
            },
        },
    }
    files.save("files/2.json", b"{}", content_type="application/x-own", metadata={"a": "b"})
    target = place_of("far:x/")
    target.storage.save("x/files/2", b"files/2")
    target.storage.save("x/other/5", b"another file")
    with pytest.raises(CommandError, match="'other/5' failed: 'x/other/5' exists in the target, with other content"):
        run("--move-to", "far:x/", "--yes")
    assert names(files) == ["files/1", "files/3", "files/4", "other/5"]
    assert target.storage.read_bytes("x/files/2") == b"files/2"
    assert names(target.storage) == ["x/files/2", "x/files/2.json", "x/other/5"]
    moved = target.storage.stat("x/files/2.json")
    assert (moved.content_type, moved.metadata) == ("application/x-own", {"a": "b"})


def test_orphans_are_moved_to_a_directory(files, tmp_path):
    """Files there are never replaced, a run that was interrupted continues, and links lead nowhere else."""
    (tmp_path / "here/files").mkdir(parents=True)
    (tmp_path / "here/files/2").write_bytes(b"files/2")
    (tmp_path / "here/other").symlink_to(tmp_path)
    with pytest.raises(CommandError, match="because a directory is a symbolic link"):
        run("--move-to", str(tmp_path / "here"), "--yes")
    assert names(files) == ["files/1", "files/3", "files/4", "other/5"]
    (tmp_path / "here/other").unlink()
    (tmp_path / "here/other").mkdir()
    (tmp_path / "here/other/5").write_bytes(b"other/6")
    with pytest.raises(CommandError, match="exists in the target, with other content"):
        run("--move-to", str(tmp_path / "here"), "--yes")
    (tmp_path / "here/other/5").unlink()
    run("--move-to", str(tmp_path / "here"), "--yes")
    assert (tmp_path / "here/other/5").read_bytes() == b"other/5"
    assert "other/5" not in names(files)
    files.save("b", b"")
    with pytest.raises(CommandError, match="is a file") as caught:
        run("--move-to", str(tmp_path / "here/other/5"), "--yes")
    assert caught.value.returncode == 2
    run("--move-to", str(tmp_path / "new/deep"), "--yes")
    assert (tmp_path / "new/deep/b").read_bytes() == b""
    assert "b" not in names(files)


@pytest.mark.parametrize("rest", [b"2", b"", b"12"], ids=["other", "shorter", "longer"])
def test_a_file_that_differs_after_its_first_mebibyte_is_not_the_same(files, tmp_path, rest):
    """It is compared to its end before the orphan is deleted."""
    content = b"x" * MIB
    files.save("large", content + b"1")
    (tmp_path / "large").write_bytes(content + rest)
    with find_orphans(files, "", rules=Filter.of([("*", False), ("large", True)]), now=later_now()) as found:
        done = move_orphans(found, place_of(str(tmp_path)))
        assert ([failed.name for failed in done.failed], done.deleted) == (["large"], 0)
        assert files.exists("large")
        (tmp_path / "large").write_bytes(content + b"1")
        assert move_orphans(found, place_of(str(tmp_path))).deleted == 1
    assert not files.exists("large")


def later_now():
    """A time at which all files are two days old."""
    return datetime.now(timezone.utc) + LATER


@pytest.mark.parametrize("place", ["default:old/", "default:", "above:"])
def test_a_place_where_the_next_run_would_look(files, settings, place):
    """It is refused: the files would be orphans again."""
    settings.STORAGES = {
        **settings.STORAGES,
        "above": {"BACKEND": "s3store.storage.S3Storage"},
    }
    with pytest.raises(CommandError, match="is in the storage itself") as caught:
        run("--move-to", place, "--yes")
    assert caught.value.returncode == 2
    assert f"such as {place.partition(':')[0]}:.s3store/orphans/" in str(caught.value)
    with (
        find_orphans(files, now=datetime.now(timezone.utc) + LATER) as found,
        pytest.raises(PlaceError, match=r"such as default:\.s3store/orphans/"),
    ):
        move_orphans(found, Place(path="x", storage=files))
    assert len(names(files)) == 5


def test_a_name_that_is_taken_in_the_same_bucket(files):
    """The same object is left by an interrupted run; another one stays, and so does the orphan."""
    target = place_of("archive:x")
    target.storage.save("x/files/2", b"files/2")
    target.storage.save("x/other/5", b"different")
    with pytest.raises(CommandError, match="'other/5' failed: 'x/other/5' exists"):
        run("--move-to", "archive:x", "--yes")
    assert names(files) == ["files/1", "files/3", "files/4", "other/5"]
    assert target.storage.read_bytes("x/other/5") == b"different"


# The documentation


def test_the_examples_of_the_documentation(files, monkeypatch, settings):
    """The settings, the functions of the project, and the functions in Python."""
    first, functions, derived = (
        block.text for block in blocks_of(DOCS / "howto/orphans.rst") if block.language == "python"
    )
    given = {}
    exec(first, given)
    article = types.ModuleType("shop.models")
    article.Article = types.SimpleNamespace(objects=FakeTexts(['<img src="/media/files/2?x=1">']))
    monkeypatch.setitem(sys.modules, "shop.models", article)
    shop = types.ModuleType("shop.references")
    exec(functions, shop.__dict__)
    monkeypatch.setitem(sys.modules, "shop", types.ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.references", shop)
    settings.S3STORE_REFERENCES = given["S3STORE_REFERENCES"]
    files.save("companies/x", b"")
    assert found_in(files) == ["other/5"]
    compile(derived, "derived", "exec")
    settings.S3STORE_REFERENCES = []
    blocks = [block for block in blocks_of(DOCS / "reference/operations.rst") if "orphans" in block.classes]
    assert len(blocks) == 2
    for block in blocks:
        exec(block.text.replace("days=30", "days=0"), {})
    assert names(files) == ["files/1", "files/3", "files/4"]


class FakeTexts:
    """What the example asks a manager for."""

    def __init__(self, texts):
        self.texts = texts

    def values_list(self, *_, flat):
        return self

    def iterator(self):
        return iter(self.texts)
