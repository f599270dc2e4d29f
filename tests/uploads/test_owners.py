"""Files belong to rows: they go when their row gets another file or is deleted, after commit and not before."""

import contextlib
import copy
import pickle

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.db import IntegrityError, connections, models, transaction
from django.db.models.signals import post_save, pre_delete

from s3store import uploads
from s3store.fields import S3FileField
from s3store.storage import S3MediaStorage
from s3store.testing.counting import counted_requests
from s3store.uploads.after_commit import pending_of
from s3store.uploads.owners import owner_of_user
from tests.app.models import Avatar, Document, Draft, Invoice, Letter, Scan, Upload
from tests.uploads.conftest import ON_A_SERVER
from tests.uploads.site import names, uploaded

# Commits happen, and with them what follows from them.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage(model_storage):
    return model_storage


def text(name="a.txt", content=b"text"):
    return ContentFile(content, name=name)


def incoming(client, user, content=b"hello"):
    """A file that a browser uploaded."""
    receipt, label = uploaded(client, content), "app.Upload.file"
    field = Upload._meta.get_field("file")
    return uploads.claim(receipt, label=label, destination=field.destination, owner=owner_of_user(user))


class CancelledError(Exception):
    pass


@contextlib.contextmanager
def rolled_back():
    """A transaction that fails at its end."""
    with contextlib.suppress(CancelledError), transaction.atomic():
        yield
        raise CancelledError


# Replaced files


def test_the_replaced_file_is_deleted(storage):
    """Without a transaction, too: the row is written first."""
    row = Upload.objects.create(file=text())
    row.file = text("b.txt")
    row.save()
    assert names(storage) == ["files/b.txt"]


def test_nothing_is_deleted_before_the_commit(storage):
    """The transaction can still fail."""
    row = Upload.objects.create(file=text())
    with transaction.atomic():
        row.file = text("b.txt")
        row.save()
        assert names(storage) == ["files/a.txt", "files/b.txt"]
    assert names(storage) == ["files/b.txt"]


def test_a_rollback_deletes_nothing(storage):
    """The row still names its old file."""
    row = Upload.objects.create(file=text())
    with rolled_back():
        row.file = text("b.txt")
        row.save()
    row.refresh_from_db()
    assert row.file.read() == b"text"
    row.save()
    assert "files/a.txt" in names(storage)


def test_a_savepoint_that_is_rolled_back_deletes_nothing(storage):
    """Although the transaction around it is committed."""
    row = Upload.objects.create(file=text())
    with transaction.atomic(), rolled_back():
        row.file = text("b.txt")
        row.save()
    assert "files/a.txt" in names(storage)


def test_a_row_that_is_refused_keeps_its_file(storage):
    """The database refuses the row after the new file was saved."""
    Upload.objects.create(pk=2, file=text("c.txt"))
    row = Upload.objects.create(pk=1, file=text())
    row.file = text("b.txt")
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    assert "files/a.txt" in names(storage)


@pytest.mark.parametrize("nothing", ["", None, False])
def test_a_cleared_file_is_deleted(storage, nothing):
    """The form's False, an empty name, and None of a serializer."""
    row = Upload.objects.create(file=text())
    Upload._meta.get_field("file").save_form_data(row, nothing)
    if nothing is None:
        row.file = None
    row.save()
    assert names(storage) == []
    assert not Upload.objects.get().file


def test_saving_twice_deletes_each_replaced_file(storage):
    """In one transaction."""
    row = Upload.objects.create(file=text())
    with transaction.atomic():
        for name in ("b.txt", "c.txt"):
            row.file = text(name)
            row.save()
    assert names(storage) == ["files/c.txt"]


def test_saving_again_deletes_nothing(storage):
    """The file is the same. Saving it sends no request."""
    row = Upload.objects.create(file=text())
    with counted_requests(storage) as requests:
        row.save()
        row.refresh_from_db()
        row.save()
    assert len(requests) == 0
    assert names(storage) == ["files/a.txt"]


def test_other_fields_leave_the_file(storage):
    """`update_fields` without the file saves neither the new file nor its name."""
    row = Upload.objects.create(title="a", file=text())
    row.file = text("b.txt")
    row.title = "b"
    row.save(update_fields=["title"])
    assert Upload.objects.get().file.name == "files/a.txt"
    assert names(storage) == ["files/a.txt"]
    row.save(update_fields=["file"])
    assert names(storage) == ["files/b.txt"]


def test_a_deferred_file_stays(storage):
    """Its row is saved without it."""
    Upload.objects.create(title="a", file=text())
    row = Upload.objects.defer("file").get()
    row.title = "b"
    row.save()
    assert names(storage) == ["files/a.txt"]


def test_a_deferred_file_is_replaced(storage):
    """What the row named is read from the database."""
    Upload.objects.create(file=text())
    row = Upload.objects.defer("file").get()
    row.file = text("b.txt")
    row.save()
    assert names(storage) == ["files/b.txt"]


def test_an_older_instance_deletes_what_the_row_names_now(storage):
    """Not what the instance knew: that file is gone already."""
    row = Upload.objects.create(file=text())
    older = Upload.objects.get()
    row.file = text("b.txt")
    row.save()
    older.file = text("c.txt")
    older.save()
    assert names(storage) == ["files/c.txt"]


def test_an_instance_that_was_not_loaded_replaces_the_file(storage):
    """The row exists, so that saving updates it."""
    Upload.objects.create(pk=7, file=text())
    Upload(pk=7, file=text("b.txt")).save()
    assert names(storage) == ["files/b.txt"]


def test_what_was_assigned_and_never_saved_is_not_deleted(storage):
    """SF-11: only the database says what a row owned."""
    storage.save("files/of-another.txt", text())
    row = Upload.objects.create(file=text())
    row.file = "files/of-another.txt"
    row.file = text("b.txt")
    row.save()
    assert names(storage) == ["files/b.txt", "files/of-another.txt"]
    row.file = "files/of-another.txt"
    row.delete()
    assert names(storage) == ["files/of-another.txt"]


def test_refreshing_forgets_what_was_assigned(storage):
    """Saving then replaces nothing."""
    row = Upload.objects.create(file=text())
    row.file = text("b.txt")
    row.refresh_from_db()
    row.save()
    assert names(storage) == ["files/a.txt"]


def test_the_default_is_never_deleted(storage):
    """New rows name it, without asking whether it is there."""
    storage.save("defaults/nobody.png", text())
    row = Avatar.objects.create()
    row.picture = text("me.png")
    row.save()
    assert names(storage) == ["defaults/nobody.png", "me.png"]


def test_a_name_that_the_storage_refuses_is_not_deleted(storage):
    """Other programs wrote it, and it could lead out of the location."""
    row = Upload.objects.create(file=text())
    Upload.objects.update(file="../a.txt")
    row.file = text("b.txt")
    row.save()
    assert names(storage) == ["files/a.txt", "files/b.txt"]


def test_replacing_in_a_storage_without_s3(storage, tmp_path, monkeypatch):
    """The field deletes in any storage."""
    from django.core.files.storage import FileSystemStorage

    monkeypatch.setattr(Upload._meta.get_field("file"), "storage", FileSystemStorage(tmp_path))
    row = Upload.objects.create(file=text())
    row.file = text("b.txt")
    row.save()
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["b.txt"]


@ON_A_SERVER
def test_a_failed_deletion_is_logged(storage, caplog, monkeypatch):
    """The row is saved already: an error would say that it is not."""
    row = Upload.objects.create(file=text())
    row.file = text("b.txt")
    monkeypatch.setattr(S3MediaStorage, "delete", lambda self, name: 1 / 0)
    row.save()
    assert "ZeroDivisionError" in caplog.text


# Files that other rows name


def named_by_a_row_of_the_model():
    Upload.objects.create(file="files/a.txt")


def named_by_another_model():
    Letter.objects.create(file="files/a.txt")


def named_by_another_column():
    Upload.objects.create(image="files/a.txt")


def named_by_djangos_own_field():
    Document.objects.create(normal="files/a.txt")


NAMED = [
    named_by_a_row_of_the_model,
    named_by_another_model,
    named_by_another_column,
    named_by_djangos_own_field,
]


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_another_row_names_stays(storage, name):
    """Whichever model and field names it, when it is replaced and when its row is deleted."""
    first, second = Upload.objects.create(file=text()), Upload.objects.create(file="files/a.txt")
    name()
    first.file = text("b.txt")
    first.save()
    second.delete()
    assert names(storage) == ["files/a.txt", "files/b.txt"]


@ON_A_SERVER
def test_a_file_that_a_storage_of_another_location_names_stays(storage, settings, monkeypatch):
    """Names differ, and the key is the same."""
    bucket = S3MediaStorage(location="")
    monkeypatch.setattr(Document._meta.get_field("normal"), "storage", bucket)
    row = Upload.objects.create(file=text())
    Document.objects.create(normal=f"{settings.MEDIAFILES_LOCATION}/files/a.txt")
    row.delete()
    assert names(storage) == ["files/a.txt"]


def test_a_file_of_that_name_in_another_bucket_does_not_count(storage, monkeypatch):
    """It is another file."""
    monkeypatch.setattr(Document._meta.get_field("normal"), "storage", S3MediaStorage(bucket_name="another"))
    row = Upload.objects.create(file=text())
    Document.objects.create(normal="files/a.txt")
    row.delete()
    assert names(storage) == []


def test_rows_that_a_manager_hides_count(storage, monkeypatch):
    """A base manager that filters does not know all rows."""
    row = Upload.objects.create(file=text())
    Upload.objects.create(file="files/a.txt")
    hiding = models.Manager()
    hiding.model = Upload
    monkeypatch.setattr(hiding, "get_queryset", Upload.objects.none)
    monkeypatch.setitem(Upload._meta.__dict__, "base_manager", hiding)
    row.delete()
    assert names(storage) == ["files/a.txt"]


# Deleted rows


def test_the_file_of_a_deleted_row_is_deleted_after_the_commit(storage):
    """Not before, and not after a rollback."""
    row = Upload.objects.create(file=text())
    with rolled_back():
        Upload.objects.get().delete()
    assert names(storage) == ["files/a.txt"]
    with transaction.atomic():
        row.delete()
        assert names(storage) == ["files/a.txt"]
    assert names(storage) == []


def test_deleting_a_queryset_deletes_the_files(storage):
    """Of each row, and only once if several name it."""
    Upload.objects.create(file=text())
    Upload.objects.create(file=text("b.txt"))
    Upload.objects.create(file="files/b.txt")
    kept = Upload.objects.create(file=text("c.txt"))
    Upload.objects.exclude(pk=kept.pk).delete()
    assert names(storage) == ["files/c.txt"]


def test_deleting_rows_with_a_deferred_file(storage):
    """The name is read before the row is gone."""
    Upload.objects.create(file=text())
    Upload.objects.only("pk").get().delete()
    assert names(storage) == []


def test_deleting_a_row_without_a_file(storage):
    """Nothing is asked of S3."""
    row = Upload.objects.create()
    with counted_requests(storage) as requests:
        row.delete()
    assert len(requests) == 0


def test_without_the_option_files_stay(storage):
    """As always in Django."""
    row = Document.objects.create(rich=text())
    row.rich = text("b.txt")
    row.save()
    row.delete()
    assert names(storage) == ["rich/a.txt", "rich/b.txt"]


# Inheritance


@pytest.mark.parametrize("model", [Letter, Invoice, Scan, Draft])
def test_models_that_inherit_the_field(storage, model):
    """From an abstract model, from a model with a table, and as a proxy."""
    row = model.objects.create(file=text())
    row.file = text("b.txt")
    row.save()
    assert names(storage) == ["files/b.txt"]
    model.objects.all().delete()
    assert names(storage) == []


def test_the_parent_of_a_deleted_row_can_stay(storage):
    """With `keep_parents` its row still names the file."""
    row = Scan.objects.create(file=text())
    row.delete(keep_parents=True)
    assert names(storage) == ["files/a.txt"]
    assert Upload.objects.get().file.name == "files/a.txt"


def test_a_field_that_is_added_to_a_finished_model(storage):
    """Packages do that: its rows are watched, too."""
    assert not post_save.has_listeners(Permission)
    field = S3FileField(storage=storage, delete_with_row=True)
    field.contribute_to_class(Permission, "proof", private_only=True)
    try:
        assert post_save.has_listeners(Permission)
        assert pre_delete.has_listeners(Permission)
    finally:
        Permission._meta.private_fields.remove(field)
        Permission._meta._expire_cache()
        del Permission.proof


# Two databases


@pytest.fixture
def other(db):
    """A second database with only the table of Upload, and of the model that inherits from it."""
    connections.settings["other"] = connections.configure_settings(
        {"default": {}, "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    )["other"]
    connection = connections["other"]
    connection.connect()
    with connection.schema_editor() as editor:
        editor.create_model(Upload)
        editor.create_model(Scan)
    yield "other"
    # Django does not close databases in memory, and Python 3.13 reports it.
    connection.connection.close()
    del connections["other"], connections.settings["other"]


def test_a_row_in_another_database_keeps_the_file(storage, other):
    """A copy of the row names it, too. The last of them deletes it."""
    row = Upload.objects.create(file=text())
    row.save(using=other)
    Upload.objects.get().delete()
    assert names(storage) == ["files/a.txt"]
    Upload.objects.using(other).get().delete()
    assert names(storage) == []


def test_a_row_is_replaced_in_the_database_where_it_is_saved(storage, other):
    """What it named there is deleted, after the commit there."""
    Upload.objects.using(other).create(pk=1, file=text())
    row = Upload.objects.create(pk=1, file=text("b.txt"))
    row.file = text("c.txt")
    with transaction.atomic(using=other):
        row.save(using=other)
        assert names(storage) == ["files/a.txt", "files/b.txt", "files/c.txt"]
    assert names(storage) == ["files/b.txt", "files/c.txt"]


def test_replicas_are_not_asked(storage, other):
    """They have the same rows, a moment later."""
    connections[other].settings_dict["TEST"]["MIRROR"] = "default"
    row = Upload.objects.create(file=text())
    row.save(using=other)
    Upload.objects.using("default").get().delete()
    assert names(storage) == []


# Uploads


def test_an_upload_is_deleted_when_its_row_is_written(storage, client, user):
    """Not earlier: a row that the database refuses can be saved again with the same upload."""
    Upload.objects.create(pk=1)
    file = incoming(client, user)
    with pytest.raises(IntegrityError):
        Upload(pk=1, file=file).save(force_insert=True)
    assert len(names(storage)) == 2
    Upload(pk=2, file=file).save()
    assert Upload.objects.get(pk=2).file.read() == b"hello"
    assert not [name for name in names(storage) if name.startswith("incoming/")]


def test_a_rollback_keeps_the_upload(storage, client, user):
    """The form can be sent again."""
    file = incoming(client, user)
    with rolled_back():
        Upload.objects.create(file=file)
    assert [name for name in names(storage) if name.startswith("incoming/")]


def test_an_upload_that_is_saved_before_its_row(storage, client, user):
    """`file.save(…, save=False)` copies it. It is deleted with the commit of the row."""
    row = Upload()
    row.file.save("n.txt", incoming(client, user), save=False)
    assert len(names(storage)) == 2
    row.save()
    assert names(storage) == ["files/n.txt"]
    assert "_s3store_pending" not in row.__dict__


def test_saving_a_file_saves_its_row(storage, client, user):
    """As Django's FieldFile does."""
    row = Upload()
    row.file.save("n.txt", incoming(client, user))
    assert Upload.objects.get().file.name == "files/n.txt"
    assert names(storage) == ["files/n.txt"]


def test_bulk_create_deletes_uploads_after_its_commit(storage, client, user):
    """Although no signal says that it is done. The rows have their files."""
    rows = [Upload(file=incoming(client, user)), Upload(title="none")]
    with transaction.atomic():
        Upload.objects.bulk_create(rows)
        assert len(names(storage)) == 2
    assert Upload.objects.exclude(file="").get().file.read() == b"hello"
    assert names(storage) == ["files/note.txt"]


def test_bulk_create_that_is_rolled_back_keeps_uploads(storage, client, user):
    """The form can be sent again."""
    with rolled_back():
        Upload.objects.bulk_create([Upload(file=incoming(client, user))])
    assert [name for name in names(storage) if name.startswith("incoming/")]


def test_a_row_that_is_written_in_bulk_without_a_transaction_keeps_its_upload(storage, client, user):
    """Nothing says when it is written: Django 6.1 opens no transaction for one insert. The next save deletes it."""
    row = Upload()
    row.file.save("n.txt", incoming(client, user), save=False)
    assert Upload._meta.get_field("file").get_db_prep_save(row.file, connections["default"]) == "files/n.txt"
    assert len(names(storage)) == 2
    row.save()
    assert names(storage) == ["files/n.txt"]


def test_bulk_update_writes_only_names(storage, client, user):
    """An upload is saved before: otherwise the row would name a file that does not exist."""
    row = Upload.objects.create()
    row.file = incoming(client, user)
    with pytest.raises(TypeError, match=r"file\.save\(name, file, save=False\)"):
        Upload.objects.bulk_update([row], ["file"])
    with pytest.raises(TypeError, match=r"'note\.txt' of app\.Upload\.file"):
        Upload.objects.update(file=row.file.file)
    row.file.save("n.txt", row.file.file, save=False)
    Upload.objects.bulk_update([row], ["file"])
    assert Upload.objects.get().file.read() == b"hello"
    assert names(storage) == ["files/n.txt"]
    Upload.objects.update(file=row.file)
    Upload.objects.update(file="files/n.txt")
    assert Upload.objects.get().file.name == "files/n.txt"


def test_pickles_of_rows_contain_no_uploads(storage, client, user):
    """They would contain the credentials of the storage. The error says what to do."""
    row = Upload(file=incoming(client, user))
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(row)
    assert row.file.name == "note.txt"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(row)
    row.save()
    assert pickle.loads(pickle.dumps(row)).file.read() == b"hello"


def test_a_pickle_of_a_row_has_nothing_to_do(storage, client, user):
    """The row itself deletes the upload, not its copy."""
    row = Upload()
    row.file.save("n.txt", incoming(client, user), save=False)
    for other in (pickle.loads(pickle.dumps(row)), copy.deepcopy(row)):
        assert other.file.name == "files/n.txt"
        assert pending_of(other).tasks == []
    assert len(pending_of(row).tasks) == 1


@ON_A_SERVER
def test_tenants_with_places_of_their_own(storage, settings):
    """A file is deleted in the location in which it was saved, though another tenant is active at the commit."""
    first, second = settings.MEDIAFILES_LOCATION, f"{settings.MEDIAFILES_LOCATION}-2"
    settings.MEDIAFILES_LOCATION = second
    storage.save("files/a.txt", text())
    settings.MEDIAFILES_LOCATION = first
    row = Upload.objects.create(file=text())
    with transaction.atomic():
        row.delete()
        settings.MEDIAFILES_LOCATION = second
    assert names(storage) == ["files/a.txt"]
    settings.MEDIAFILES_LOCATION = first
    assert names(storage) == []
