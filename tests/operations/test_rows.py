"""The rows that name files."""

import pytest
from django.apps import apps
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, connections, models

from s3store.operations.rows import Column, RowsError, columns, name_in, rows
from s3store.storage import S3MediaStorage, S3Storage
from tests.app.models import Album, Draft, Letter, Note, Photo, Scan, Upload


@pytest.fixture
def made():
    """A function that makes a model, and its table, for the length of the test."""
    names = []

    def make(name, table=True, managed=True, **attributes):
        meta = type("Meta", (), {"app_label": "app", "managed": managed, "db_table": f"app_{name.lower()}"})
        names.append(name.lower())
        model = type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **attributes})
        if table:
            held = ", ".join(f'"{field.column}" text' for field in model._meta.local_fields if not field.primary_key)
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE TABLE "{model._meta.db_table}" (id integer PRIMARY KEY, {held})')
        return model

    yield make
    for name in names:
        del apps.all_models["app"][name]
    apps.clear_cache()


class ListField(models.TextField):
    """Names with commas, as ArrayField has them in a column of its own kind."""

    def __init__(self, base_field=None, **options):
        super().__init__(**options)
        self.base_field = base_field

    def from_db_value(self, value, *_):
        return value.split(",") if value else []


def test_each_column_is_there_once():
    """Inherited columns belong to the table that has them; proxies and children repeat none."""
    found = [str(column) for column in columns()]
    assert len(found) == len(set(found))
    assert {"app.Document.dated", "app.Upload.file", "app.Upload.image", "app.Letter.file", "app.Invoice.file"} <= {
        *found
    }
    assert not [name for name in found if name.startswith(("app.Draft", "app.Scan"))]


def test_rows_with_their_names(db):
    """Rows of proxies and of models that inherit are rows of their table. Empty names are left out."""
    album = Album.objects.create(title="a")
    Photo(album=album, file="photos/1.jpg").save()
    Note(album=album, file="").save()
    Draft(title="d", file="files/d").save()
    Scan(title="s", file="files/s", image="images/s").save()
    Letter(file="files/l").save()
    found = [(row.model, row.field.name, row.database, row.pk, row.name) for row in rows()]
    draft, scan = Upload.objects.order_by("pk").values_list("pk", flat=True)
    assert sorted(found, key=lambda row: row[-1]) == [
        (Upload, "file", "default", draft, "files/d"),
        (Letter, "file", "default", Letter.objects.get().pk, "files/l"),
        (Upload, "file", "default", scan, "files/s"),
        (Upload, "image", "default", scan, "images/s"),
        (Photo, "file", "default", Photo.objects.get().pk, "photos/1.jpg"),
    ]
    assert str(next(rows())).startswith("app.")


def test_what_a_manager_hides_is_read(db, made):
    """Rows that are deleted softly still have their files."""

    class Hiding(models.Manager):
        def get_queryset(self):
            return super().get_queryset().none()

    hidden = made("Hidden", file=models.FileField(storage=S3MediaStorage()), objects=Hiding())
    hidden(file="soft.txt").save(force_insert=True)
    assert hidden.objects.count() == 0
    assert [row.name for row in rows() if row.model is hidden] == ["soft.txt"]


def test_lists_histories_and_unmanaged_tables(db, made):
    """Fields with several names, text fields of django-simple-history, and tables that Django does not make."""
    several = made("Several", files=ListField(models.FileField(storage=S3MediaStorage())))
    past = made("HistoricalUpload", file=models.TextField(), title=models.TextField(), instance_type=Upload)
    old = made("Old", managed=False, file=models.FileField(storage=S3MediaStorage()))
    made("Nowhere", table=False, managed=False, file=models.FileField(storage=S3MediaStorage()))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO app_several (files) VALUES ('a.txt,b.txt'), ('')")
    past(file="files/before.txt", title="not a name").save(force_insert=True)
    old(file="old.txt").save(force_insert=True)
    assert sorted((row.model, row.name) for row in rows() if row.model is several) == [
        (several, "a.txt"),
        (several, "b.txt"),
    ]
    assert [row.name for row in rows() if row.model is past] == ["files/before.txt"]
    assert [row.name for row in rows() if row.model is old] == ["old.txt"]
    for column in columns():
        if column.model in (several, past, old):
            assert column.named(["a.txt", "files/before.txt", "old.txt", "none.txt"])
            assert column.storage == S3MediaStorage()


def test_a_lookup_of_many_names(db):
    """Of those that the column names now: 500 a query."""
    Letter.objects.bulk_create(Letter(file=f"files/{n}") for n in range(0, 1200, 2))
    (column,) = (column for column in columns() if column.model is Letter)
    names = [f"files/{n}" for n in range(1200)]
    assert column.named(names) == set(names[::2])


def test_rows_that_cannot_be_read(db, made):
    """The error names the table: nobody may take its files for orphans."""
    unmigrated = made("Unmigrated", table=False, file=models.FileField(storage=S3MediaStorage()))
    (column,) = (column for column in columns() if column.model is unmigrated)
    for ask in (lambda: list(column.rows()), lambda: column.named(["a"])):
        with pytest.raises(
            RowsError, match=r"'app_unmigrated' of app.Unmigrated cannot be read in the database 'default'"
        ):
            ask()


def test_fields_whose_files_choose_their_storage(made):
    """Their files can be anywhere."""

    class Choosing(models.fields.files.FieldFile):
        storage = property(lambda self: default_storage, lambda self, value: None)

    class ChoosingField(models.FileField):
        attr_class = Choosing

    chosen = made("Chosen", table=False, file=ChoosingField())
    assert [column.storage for column in columns() if column.model is chosen] == [None]


class Other(FileSystemStorage):
    """A storage that could keep its files anywhere."""


@pytest.mark.parametrize(
    ("storage", "name", "found"),
    [
        (S3Storage(bucket_name="b", location="media"), "a//b.txt", "a/b.txt"),
        (S3Storage(bucket_name="b"), "media/a.txt", "a.txt"),
        (S3Storage(bucket_name="b"), "a.txt", None),
        (S3Storage(bucket_name="b", location="media/photos"), "a.txt", "photos/a.txt"),
        (S3Storage(bucket_name="other", location="media"), "a.txt", None),
        (FileSystemStorage(), "a.txt", None),
        (Other(), "a.txt", "a.txt"),
        (None, "/a.txt", "a.txt"),
        (None, "../a.txt", None),
        (None, "/../a.txt", None),
    ],
)
def test_names_in_another_storage(storage, name, found):
    """Storages with the same bucket share files; the disk of this machine has none of them."""
    column = Column(model=Letter, field=Letter._meta.get_field("file"), database="default", storage=storage)
    assert name_in(S3Storage(bucket_name="b", location="media").objects, column, name) == found


# More than one database


@pytest.fixture
def second(db):
    """A function that adds a database to the project."""
    added = []

    def add(alias, **options):
        given = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", **options}
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: given})[alias]
        added.append(alias)
        connection = connections[alias]

        def connect():
            # Tests may only use the databases of the settings; this one is not among them.
            if connection.connection is None:
                with connection.wrap_database_errors:
                    connection.connect()

        connection.ensure_connection = connect
        return connection

    yield add
    for alias in added:
        if connections[alias].connection:
            connections[alias].connection.close()
        del connections[alias], connections.settings[alias]


def test_every_database_is_read(second):
    """Only the tables that it has; a replica repeats the rows of its primary."""
    with second("other").schema_editor() as editor:
        editor.create_model(Letter)
    second("replica", TEST={"MIRROR": "default"})
    Letter(file="files/here").save()
    Letter(file="files/there").save(using="other")
    assert {(row.database, row.name) for row in rows()} == {("default", "files/here"), ("other", "files/there")}
    assert [str(column) for column in columns() if column.database == "other"] == ["app.Letter.file"]


def test_a_database_that_cannot_be_reached(second, tmp_path):
    """It could have rows, so that nobody knows what is an orphan."""
    second("gone", NAME=str(tmp_path / "missing" / "db.sqlite3"))
    with pytest.raises(RowsError, match="The tables of the database 'gone' cannot be listed"):
        list(columns())


def test_an_unmanaged_table_of_another_schema(db, made):
    """No list of tables has it; reading it tells."""
    apart = made("Apart", table=False, managed=False, file=models.FileField(storage=S3MediaStorage()))
    apart._meta.db_table = '"elsewhere"."app_apart"'
    (column,) = (column for column in columns() if column.model is apart)
    with pytest.raises(RowsError, match="elsewhere"):
        next(column.rows())
