"""Files whose names the new storage refuses get other names, and their rows with them."""

import errno
import json
import os

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management.base import CommandError
from django.db import DatabaseError

from s3store.core.renaming import accepted_name, name_of_row
from s3store.operations import renames
from s3store.operations.migrate import migrate_media
from s3store.operations.named import refused_at
from s3store.operations.places import Place
from s3store.operations.rows import Column, RowsError, columns
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.app.models import Document, Letter, Upload
from tests.operations.test_migrate import FILES, disk, options_of, run, storage, switch  # noqa: F401 (fixtures)
from tests.uploads.site import names

BAD = "files/a\x01b.txt"
NEW = accepted_name(BAD, valid=FileSystemStorage().get_valid_name, characters=100, above="")


@pytest.fixture
def bad(disk):  # noqa: F811
    """A file whose name S3 cannot have, and two rows of different models that name it."""
    (disk / BAD).write_bytes(b"bad")
    Letter(file=BAD).save()
    Upload.objects.bulk_create([Upload(title="x", file=BAD, image="")])
    return disk


def rows_named(name):
    return Letter.objects.filter(file=name).count(), Upload.objects.filter(file=name).count()


def test_without_the_option_such_a_file_is_a_failure(bad, storage):  # noqa: F811
    """And no row changes. The message names the option."""
    with pytest.raises(CommandError, match="--rewrite-names"):
        run("s3:")
    assert rows_named(BAD) == (1, 1)
    assert (bad / BAD).exists()
    assert NEW not in names(storage)


def test_a_dry_run_says_the_new_name(bad, storage):  # noqa: F811
    """It only reads."""
    with counted_requests(storage) as sent:
        said = json.loads(run("s3:", "--rewrite-names", "--dry-run", "--json"))
    assert set(sent.methods) <= {"GET", "HEAD"}
    assert said["renamed"] == [{"name": BAD, "to": NEW, "rows": 2}]
    assert (said["failed"], said["unknown"]) == ([], ["unknown/4.txt"])
    assert (rows_named(BAD), (bad / NEW).exists()) == ((1, 1), False)


@pytest.mark.parametrize("switched", [False, True], ids=["before the switch", "after it"])
def test_e27_the_file_and_all_its_rows_get_a_new_name(bad, storage, switched):  # noqa: F811
    """Both storages have the file under its new name, so that the site finds it; a second run changes nothing."""
    if switched:
        switch(storage)
    said = run("s3:", "--rewrite-names")
    assert f"renamed files/a\\x01b.txt: {NEW}, in 2 rows\n" in said
    assert (rows_named(BAD), rows_named(NEW)) == ((0, 0), (1, 1))
    assert storage.read_bytes(NEW) == (bad / NEW).read_bytes() == (bad / BAD).read_bytes() == b"bad"
    again = json.loads(run("s3:", "--rewrite-names", "--json"))
    assert (again["renamed"], again["failed"], again["sent"]) == ([], [], 0)
    # Nobody names the old file any more.
    assert set(again["unknown"]) == {"unknown/4.txt", BAD}


def test_a_file_with_such_a_name_that_no_row_has_is_no_failure(bad, storage):  # noqa: F811
    """Its step says so. That of a file with a row is a failure."""
    (bad / "files/c\x02d.txt").write_bytes(b"nobody's")
    with pytest.raises(CommandError):
        run("s3:", "--jsonl")
    *steps, summary = map(json.loads, run.out.splitlines())
    ops = {step["name"]: step["op"] for step in steps}
    assert (ops["files/c\x02d.txt"], ops[BAD]) == ("unknown", "fail")
    assert sorted(summary["unknown"]) == ["files/c\x02d.txt", "unknown/4.txt"]
    assert [failed["name"] for failed in summary["failed"]] == [BAD]


@pytest.mark.parametrize("moment", ["appeared", "copied", "changed"])
def test_an_interrupted_run_is_continued(bad, storage, monkeypatch, moment):  # noqa: F811
    """Whenever it ends, each row names a file that exists where the site reads it; the next run does the rest."""
    calls = []
    first = Column.rename

    def rename(column, *arguments):
        calls.append(column)
        return first(column, *arguments) if moment == "changed" and len(calls) == 1 else interrupted()

    with monkeypatch.context() as patched:
        patched.setattr(*((renames, "sync", interrupted) if moment == "appeared" else (Column, "rename", rename)))
        with pytest.raises(SystemExit):
            run("s3:", "--rewrite-names")
    assert len(calls) == {"appeared": 0, "copied": 1, "changed": 2}[moment]
    # One transaction: both rows, or none.
    assert rows_named(BAD) == (1, 1)
    assert (bad / BAD).read_bytes() == b"bad"
    migrate_media(Place(path=str(bad)), Place(path="", storage=storage), rewrite_names=True)
    assert rows_named(NEW) == (1, 1)
    assert [name for name in names(storage) if name.startswith("files/a")] == [NEW]


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_a_row_that_changes_meanwhile_stays(bad, storage, monkeypatch):  # noqa: F811
    """The site has given it another file."""
    copied = renames.sync

    def slow(*arguments, **how):
        found = copied(*arguments, **how)
        Upload.objects.filter(file=BAD).update(file="files/2.txt")
        return found

    monkeypatch.setattr(renames, "sync", slow)
    done = migrate_media(Place(path=str(bad)), Place(path="", storage=storage), rewrite_names=True)
    assert done.more["renamed"] == [{"name": BAD, "to": NEW, "rows": 1}]
    assert Upload.objects.filter(file="files/2.txt").count() == 2


@pytest.mark.parametrize("error", [DatabaseError("read only"), RowsError("lists")])
def test_rows_that_cannot_be_changed(bad, storage, monkeypatch, error):  # noqa: F811
    """The file is a failure, and keeps its name in all rows. The others are copied, and nothing is deleted."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(Column, "rename", refuse)
    place = Place(path=str(bad))
    done = migrate_media(place, Place(path="", storage=storage), rewrite_names=True, delete_source=True)
    assert [(failed.name, failed.why) for failed in done.failed] == [(BAD, str(error))]
    assert (rows_named(BAD), done.deleted, done.sent) == ((1, 1), 0, 4)


def broken(*_):
    raise OSError("broken")


@pytest.mark.parametrize("kind", ["directory", "broken"])
def test_a_file_that_cannot_be_copied_keeps_its_name(bad, storage, monkeypatch, kind):  # noqa: F811
    """Its rows follow only after its content was compared."""
    whole = renames.sync

    def failing(source, target, **how):
        (bad / NEW).unlink()
        if kind == "directory":
            (bad / NEW).mkdir()
        else:
            # Bytes that nobody may read fail, and do not vanish.
            (bad / NEW).write_bytes(b"unreadable")
            monkeypatch.setattr("s3store.operations.sync.up.Sender.send", broken)
        return whole(source, target, **how)

    monkeypatch.setattr(renames, "sync", failing)
    done = migrate_media(Place(path=str(bad)), Place(path="", storage=storage), rewrite_names=True)
    assert rows_named(BAD) == (1, 1)
    assert done.more["renamed"] == []
    assert (kind == "broken") == (NEW in {failed.name for failed in done.failed})


def test_without_hard_links_the_file_is_copied(bad, storage, monkeypatch):  # noqa: F811
    """It keeps its time."""

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "no links here")

    os.utime(bad / BAD, (1_000_000, 1_000_000))
    monkeypatch.setattr(os, "link", refuse)
    migrate_media(Place(path=str(bad)), Place(path="", storage=storage), rewrite_names=True)
    assert (bad / NEW).stat().st_mtime == 1_000_000
    assert rows_named(NEW) == (1, 1)


def test_another_file_with_the_new_name_is_not_replaced(bad, storage):  # noqa: F811
    """The file is a failure; a missing file is reported as others are; a link is not followed."""
    (bad / NEW).write_bytes(b"another")
    (bad / "files/\x02link").symlink_to(bad / "files/1.txt")
    Letter(file="files/\x02link").save()
    Letter(file="files/\x03missing").save()
    done = migrate_media(Place(path=str(bad)), Place(path="", storage=storage), rewrite_names=True)
    assert "the source has another file there" in {failed.name: failed.why for failed in done.failed}[BAD]
    assert (bad / NEW).read_bytes() == b"another"
    assert rows_named(BAD) == (1, 1)
    assert Letter.objects.filter(file__in=["files/\x02link", "files/\x03missing"]).count() == 2


def test_from_a_storage_with_a_shorter_location(disk, storage):  # noqa: F811
    """A key has at most 1,024 bytes, and the location of the new storage is longer."""
    old = S3Storage(**{**options_of(storage), "location": "o"})
    room = 1024 - len("o/")
    directories = "/".join(["d" * 200] * 4)
    long = f"{directories}/{'n' * (room - len(directories) - 5)}.txt"
    Document.objects.all().delete()
    Letter(file=long).save()
    switch(old)
    for name in (*FILES, long):
        old.save(name, name.encode())
    source, target = Place(path="", storage=old), Place(path="", storage=storage)
    try:
        done = migrate_media(source, target, rewrite_names=True)
        assert done.failed == []
        (renamed,) = done.more["renamed"]
        new = renamed["to"]
        assert (renamed["name"], len(storage.objects.key(new)) <= 1024) == (long, True)
        assert old.read_bytes(new) == storage.read_bytes(new) == long.encode()
        assert Letter.objects.get(file=new).file.name == new
        Letter(file=long).save()
        assert migrate_media(source, target, rewrite_names=True).more["renamed"] == [renamed]
        old.delete(new)
        old.save(new, b"another")
        Letter(file=long).save()
        assert [failed.name for failed in migrate_media(source, target, rewrite_names=True).failed] == [long]
        old.delete(long)
        assert migrate_media(source, target, rewrite_names=True).more["renamed"] == []
    finally:
        old.delete_tree("", force=True)


@pytest.mark.parametrize(
    ("column", "path", "name", "found"),
    [
        ("media", "", "a/\x01", "a/\x01"),
        ("media", "", "../\x01", None),
        ("media", "", "/\x01", None),
        ("media", "photos", "photos/\x01", "\x01"),
        ("media", "photos", "docs/\x01", None),
        ("other", "", "\x01", None),
        (None, "", "\x01", None),
    ],
)
def test_the_name_of_a_row_that_the_storage_refuses(column, path, name, found):
    """It is relative to the place, if the column has its files there."""
    ours = S3Storage(bucket_name="b", location="media")
    theirs = FileSystemStorage("/srv") if column is None else S3Storage(bucket_name="b", location=column)
    of = Column(model=Letter, field=Letter._meta.get_field("file"), database="default", storage=theirs)
    assert refused_at(Place(path=path, storage=ours), of, name) == found


def test_a_local_target_refuses_no_names():
    """Only storages do."""
    storage = S3Storage(bucket_name="b")  # noqa: F811
    of = Column(model=Letter, field=Letter._meta.get_field("file"), database="default", storage=storage)
    assert refused_at(Place(path="/srv"), of, "\x01") is None


@pytest.mark.django_db
def test_lists_of_names_are_not_changed(monkeypatch):
    """The message says what to do."""
    column = next(each for each in columns() if each.model is Letter)
    monkeypatch.setattr(column.field, "base_field", column.field, raising=False)
    with pytest.raises(RowsError, match="Change the row yourself"):
        column.rename(1, "a", "b")


def valid(name):
    return FileSystemStorage().get_valid_name(name)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("a/b\x01c d.txt", "a/bc_d_", ".txt"),
        ("a\\b.txt", "a/b_", ".txt"),
        ("\x01/b.txt", "file/b_", ".txt"),
        ("../b.txt", "file/b_", ".txt"),
        ("a/\x01", "a/file_", ""),
        ("ä b/" + "n" * 2000 + ".txt", "ä b/nnn", ".txt"),
        ("d" * 1010 + "/a.txt", "a_", ".txt"),
        ("./b.txt", "file/b_", ".txt"),
        ("a." + "e" * 50 + "\x01", "a.eee", ""),
    ],
)
def test_new_names(name, start, end):
    """Only parts that must change do. The key fits, and the name is the same in each run."""
    found = accepted_name(name, valid=valid, characters=None, above="media/old/")
    assert found.startswith(start)
    assert found.endswith(end)
    assert len(f"media/old/{found}".encode()) <= 1024
    assert found == accepted_name(name, valid=valid, characters=None, above="media/old/")
    assert found != accepted_name(f"x{name}", valid=valid, characters=None, above="media/old/")


def test_new_names_fit_into_the_column():
    """A name is cut where the column of a row is short; no name at all fits into a few characters."""
    found = accepted_name("files/a long name\x01.txt", valid=valid, characters=20, above="")
    assert (len(found), found[:7], found[-4:]) == (20, "files/a", ".txt")
    assert "/" not in accepted_name("files/a\x01.txt", valid=valid, characters=13, above="")
    with pytest.raises(ValueError, match="No name of at most 5 characters"):
        accepted_name("files/a\x01.txt", valid=valid, characters=5, above="")


def test_the_directory_of_a_row():
    """The names of a row and of a place can begin in different directories."""
    assert name_of_row("a", "a", "b") == "b"
    assert name_of_row("photos/a", "a", "b") == "photos/b"
    assert name_of_row("a", "photos/a", "photos/b") == "b"
    for row, old, new in (("a", "photos\x01/a", "photos/b"), ("x//a", "x/a", "x/b")):
        with pytest.raises(ValueError, match="Change the row yourself"):
            name_of_row(row, old, new)
