"""The model fields: images, URLs that are assigned, fixtures, and migrations."""

import copy
import io
import json
import pickle
import socket

import pytest
from django import forms
from django.core import serializers
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import models, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.template import Context, Engine

from s3store.fields import S3FileField, S3ImageField
from s3store.storage import S3MediaStorage
from s3store.testing.counting import counted_requests
from tests.app.models import Avatar, Draft, Scan, Upload
from tests.uploads.conftest import ON_A_SERVER
from tests.uploads.site import names, png

pytestmark = pytest.mark.django_db

FIELD = Upload._meta.get_field("file")


@pytest.fixture
def storage(model_storage):
    return model_storage


def image(width=3, height=2, name="a.png"):
    return ContentFile(png(width, height), name=name)


def size(row):
    return row.width, row.height


# Images


@ON_A_SERVER
def test_an_assigned_image_is_measured(storage):
    """Its size is stored with the row. Saving sends one request, the PUT."""
    with counted_requests(storage) as requests:
        row = Upload.objects.create(image=image())
    assert size(row) == size(Upload.objects.get()) == (3, 2)
    assert requests.methods == ["PUT"]


@ON_A_SERVER
def test_a_replaced_image_is_measured(storage):
    """When it is assigned, and without reading it from S3."""
    row = Upload.objects.create(image=image())
    with counted_requests(storage) as requests:
        row.image = image(5, 4, "b.png")
        assert size(row) == (5, 4)
        row.save()
    assert size(Upload.objects.get()) == (5, 4)
    assert requests.methods == ["PUT"]


@ON_A_SERVER
def test_an_image_that_is_saved_directly_is_measured(storage):
    """`row.image.save()` with content that was not assigned before, with and without saving the row."""
    row = Upload.objects.create(image=image())
    with counted_requests(storage) as requests:
        row.image.save("b.png", image(5, 4))
        assert size(row) == size(Upload.objects.get()) == (5, 4)
        row.image.save("c.png", image(7, 6), save=False)
    assert size(row) == (7, 6)
    assert row.image.name == "images/c.png"
    assert requests.methods == ["PUT", "PUT"]


def test_a_cleared_image_has_no_size(storage):
    """In the row that is saved, too."""
    row = Upload.objects.create(image=image())
    row.image = ""
    row.save()
    assert size(row) == size(Upload.objects.get()) == (None, None)


def test_a_deleted_image_has_no_size(storage):
    """`row.image.delete()`."""
    row = Upload.objects.create(image=image())
    row.image.delete()
    assert size(Upload.objects.get()) == (None, None)
    assert names(storage) == []


@ON_A_SERVER
def test_showing_an_image_sends_no_request(storage):
    """Neither loading the row nor its width, height and URL in a template."""
    Upload.objects.create(image=image())
    template = Engine().from_string("{{ row.image.width }}x{{ row.image.height }} {{ row.image.url }}")
    with counted_requests(storage) as requests:
        text = template.render(Context({"row": Upload.objects.get()}))
    assert text.startswith("3x2 http")
    assert len(requests) == 0


def test_a_row_without_stored_size_reads_the_image_on_demand(storage):
    """Only when its size is asked for: loading and saving the row does not."""
    Upload.objects.create(image=image())
    Upload.objects.update(width=None, height=None)
    with counted_requests(storage) as requests:
        row = Upload.objects.get()
        row.save()
        assert len(requests) == 0
        assert (row.image.width, row.image.height) == (3, 2)
    assert size(row) == (None, None)


def test_refreshing_a_row_reads_no_image(storage):
    """The size comes from the database, also if only the image is refreshed."""
    row, other = Upload.objects.create(image=image()), Upload.objects.get()
    other.image = image(5, 4, "b.png")
    other.save()
    with counted_requests(storage) as requests:
        row.refresh_from_db(fields=["image"])
        assert size(row) == (5, 4)
        row.image = image(9, 9)
        row.refresh_from_db()
    assert (size(row), row.image.name) == ((5, 4), "images/b.png")
    assert len(requests) == 0


def test_an_assigned_name_is_measured(storage):
    """As Django does: the image is read once. A missing one is an error."""
    name = storage.save("images/other.png", image(5, 4))
    row = Upload.objects.create(image=image())
    row.image = name
    assert size(row) == (5, 4)
    with pytest.raises(FileNotFoundError):
        row.image = "images/missing.png"
    assert size(row) == (None, None)


def test_the_same_file_is_not_read_again(storage):
    """Forms assign the file that is there if nothing was sent."""
    row = Upload.objects.create(image=image())
    with counted_requests(storage) as requests:
        row.image = row.image
        row.image = row.image.name
        row.save()
    assert size(row) == (3, 2)
    assert len(requests) == 0


def test_the_image_of_another_row(storage):
    """Its size is known."""
    first, second = Upload.objects.create(image=image()), Upload.objects.create(image=image(5, 4))
    with counted_requests(storage) as requests:
        second.image = first.image
        assert size(second) == (3, 2)
    assert len(requests) == 0


@pytest.mark.parametrize("model", [Scan, Draft])
def test_models_that_inherit_measure_too(storage, model):
    """When an instance is created, as in the model itself."""
    row = model.objects.create(image=image())
    assert size(model.objects.get()) == size(row) == (3, 2)


def test_a_deferred_image_is_measured_when_it_is_replaced(storage):
    """Though the row does not know its old image. Loading the old one changes nothing."""
    Upload.objects.create(image=image())
    row = Upload.objects.defer("image").get()
    row.image = image(5, 4)
    assert size(row) == (5, 4)
    with counted_requests(storage) as requests:
        row = Upload.objects.defer("image").get()
        assert row.image.name.startswith("images/a")
    assert size(row) == (3, 2)
    assert len(requests) == 0


def test_one_dimension(storage):
    """A model can store only the width. The height is read from the image."""
    row = Avatar.objects.create(photo=image(5, 4))
    assert Avatar.objects.get().width == 5
    assert (row.photo.width, row.photo.height) == (5, 4)
    empty = Avatar.objects.create()
    empty.photo = image()
    assert empty.width == 3


@ON_A_SERVER
def test_without_dimensions(storage):
    """A field can store none."""
    field = S3ImageField(storage=storage)

    class Plain(models.Model):
        image = field

        class Meta:
            app_label = "plain"

    row = Plain(image=image())
    row.image.save("b.png", image(5, 4), save=False)
    assert row.image.width == 5


def test_what_is_no_image_has_no_size(storage):
    """Forms refuse it; a field takes it, as in Django."""
    row = Upload.objects.create(image=ContentFile(b"text", name="a.png"))
    assert size(row) == (None, None)


# URLs


@pytest.fixture
def aws(settings):
    settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_REGION_NAME = "bbb", "eu-central-1"


@pytest.fixture
def no_connections(monkeypatch):
    """Every attempt to find a host or to connect to one fails, and is remembered."""
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise OSError("no connections in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    yield tried
    assert tried == []


LOOK_ALIKES = [
    "https://bbb.s3.amazonaws.com.evil.example/media/k",
    "https://bbb.s3.amazonaws.com@evil.example/media/k",
    "https://evil.example@bbb.s3.amazonaws.com/media/k",
    "https://bbb.s3.amazonaws.com./media/k",
    "https://bbb。s3.amazonaws.com/media/k",
    "https://evil.example/bbb/media/k",
    "https://evil.example/media/k#https://bbb.s3.amazonaws.com/media/k",
    "https://evil.example?https://bbb.s3.amazonaws.com/media/k",
    "//bbb.s3.amazonaws.com/media/k",
    "https:///bbb.s3.amazonaws.com/media/k",
    "https://s3.amazonaws.com/b2/media/k",
    "https://s3.amazonaws.com/bbb/../b2/media/k",
    "https://s3.amazonaws.com/bbb/%2e%2e/b2/media/k",
    "https://s3.amazonaws.com/bbb/..%2fb2/media/k",
    "https://s3.amazonaws.com/bbb/..%5cb2/media/k",
    "https://s3.amazonaws.com/bbb/media/../secret",
    "https://s3.amazonaws.com/bbb/media/%2E%2E/secret",
    "https://s3.amazonaws.com/bbb/media-evil/k",
    "https://s3.amazonaws.com/bbb/media",
    "https://s3.amazonaws.com/bbb/media/",
    "https://s3.amazonaws.com/bbb/media//k",
    "https://s3.amazonaws.com/bbb",
    "https://b2.s3.amazonaws.com/media/k",
    "http://bbb.s3.amazonaws.com/media/k",
    "https://bbb.s3.amazonaws.com:8443/media/k",
    "https://bbb.s3.amazonaws.com:notaport/media/k",
    "https://bbb.s3.amazonaws.com/media/k%00",
    "https://bbb.s3.amazonaws.com/media/k\x00",
    "https://bbb.s3.amazonaws.com/media/%FF",
    "https://bbb.s3.amazonaws.com\\media/k",
    "https:\\\\bbb.s3.amazonaws.com/media/k://",
    "ht\ttps://bbb.s3.amazonaws.com/media/k",
    " https://bbb.s3.amazonaws.com/media/k",
    "https://bbb.s3.amazonaws.com/media/k\n",
    "javascript://bbb.s3.amazonaws.com/media/k",
    "data://bbb.s3.amazonaws.com/media/k",
    "s3://bbb/media/k",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "http://[::ffff:169.254.169.254]/",
    "http://[bbb/",
    "http://0x7f000001/",
    "://",
]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://BBB.S3.AMAZONAWS.COM/media/k", "k"),
        ("HTTPS://bbb.s3.amazonaws.com:443/media/k", "k"),
        ("https://bbb.s3.eu-central-1.amazonaws.com/media/a%20b.txt?X-Amz-Signature=1#page=2", "a b.txt"),
        ("https://s3.eu-central-1.amazonaws.com/bbb/media/a/k", "a/k"),
    ],
)
def test_a_url_of_the_storage_is_its_name(aws, no_connections, url, name):
    """C15, SF-06: in `from_url`, in the constructor and assigned. Nothing is asked."""
    assert FIELD.from_url(url) == name
    assert Upload(file=url).file.name == name
    row = Upload()
    row.file = url
    assert row.file.name == name


def test_the_urls_of_the_storage_itself(aws, no_connections, settings):
    """Signed ones, and those of a custom domain."""
    settings.AWS_S3_ACCESS_KEY_ID, settings.AWS_S3_SECRET_ACCESS_KEY = "id", "secret"
    assert FIELD.from_url(FIELD.storage.url("a/ä b.txt")) == "a/ä b.txt"
    settings.AWS_S3_CUSTOM_DOMAIN = "cdn.example.com"
    assert FIELD.from_url(FIELD.storage.url("a/ä b.txt")) == "a/ä b.txt"
    assert FIELD.from_url("https://cdn.example.com/media/k") == "k"
    assert FIELD.from_url("https://bbb.s3.amazonaws.com/media/k") == "k"


@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_look_alikes_are_refused(aws, no_connections, url):
    """SF-06, SF-07, SF-08: by `from_url`, and before a row is saved. Nobody is asked, nothing is stored."""
    with pytest.raises(SuspiciousFileOperation, match="is not the URL of a file in the storage"):
        FIELD.from_url(url)
    row = Upload(file=url)
    with pytest.raises(SuspiciousFileOperation), transaction.atomic():
        row.save()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "mailto:a@b"])
def test_other_schemes_are_refused_as_urls_and_harmless_as_names(aws, no_connections, text):
    """A name is a key below the location, whatever it looks like."""
    with pytest.raises(SuspiciousFileOperation):
        FIELD.from_url(text)
    assert FIELD.storage.url(text, signed=False).startswith("https://bbb.s3.eu-central-1.amazonaws.com/media/")


def test_a_field_without_s3_knows_no_urls(tmp_path):
    """Its storage has other ones."""
    from django.core.files.storage import FileSystemStorage

    field = S3FileField(storage=FileSystemStorage(tmp_path))
    assert field.name_in_url("http://testserver/media/k") is None
    assert field.destination is None
    assert type(field.formfield()) is forms.FileField


# Fixtures, serializers, pickles, migrations


@pytest.mark.django_db(transaction=True)
def test_a_fixture_is_loaded_as_it_is(storage, tmp_path):
    """Fixtures are trusted: names are stored without asking S3, and nothing is measured or deleted."""
    row = Upload.objects.create(file=ContentFile(b"text", name="a.txt"), image=image())
    fixture = tmp_path / "uploads.json"
    out = io.StringIO()
    call_command("dumpdata", "app.upload", stdout=out)
    (dumped,) = json.loads(out.getvalue())
    assert dumped["fields"]["file"] == "files/a.txt"
    dumped["fields"] |= {"file": "files/of-the-fixture.txt", "image": "images/missing.png"}
    fixture.write_text(json.dumps([dumped]))
    with counted_requests(storage) as requests:
        call_command("loaddata", fixture, verbosity=0)
    row.refresh_from_db()
    assert (row.file.name, row.image.name, size(row)) == ("files/of-the-fixture.txt", "images/missing.png", (3, 2))
    assert len(requests) == 0
    assert names(storage) == ["files/a.txt", "images/a.png"]


@pytest.mark.parametrize("form", ["json", "xml", "python"])
def test_rows_survive_serializers(storage, form):
    """As names. Nothing is asked of S3."""
    Upload.objects.create(file=ContentFile(b"text", name="a.txt"), image=image())
    with counted_requests(storage) as requests:
        data = serializers.serialize(form, Upload.objects.all())
        (found,) = serializers.deserialize(form, data)
        found.save()
    assert Upload.objects.get().file.read() == b"text"
    assert len(requests) == 0


def test_rows_survive_pickles_and_copies(storage):
    """The storage is found again by the field."""
    row = Upload.objects.create(file=ContentFile(b"text", name="a.txt"), image=image())
    for made in (pickle.loads(pickle.dumps(row)), copy.copy(row), copy.deepcopy(row)):
        assert made.file.read() == b"text"
        assert size(made) == (3, 2)


def changes(before, after):
    """Return the migrations between two versions of a model with these fields."""

    def state(field):
        found = ProjectState()
        found.add_model(ModelState("app", "Thing", [("id", models.BigAutoField(primary_key=True)), ("file", field)]))
        return found

    return MigrationAutodetector(state(before), state(after))._detect_changes()


@pytest.mark.parametrize("kind", [S3FileField, S3ImageField])
def test_what_may_be_uploaded_is_not_in_migrations(kind):
    """Changing a limit, a permission or what is deleted needs no migration."""
    before = kind(storage=S3MediaStorage())
    after = kind(
        storage=S3MediaStorage(),
        max_size=7,
        min_size=1,
        accept=(".pdf",),
        permission=lambda request: True,
        throttle=lambda request: None,
        delete_replaced=True,
        delete_with_row=True,
    )
    assert changes(before, after) == {}


def test_what_the_database_needs_is_in_migrations():
    """As for Django's FileField."""
    before, after = S3FileField(storage=S3MediaStorage()), S3FileField(storage=S3MediaStorage(), max_length=200)
    assert [type(one).__name__ for one in changes(before, after)["app"][0].operations] == ["AlterField"]


def test_a_migration_is_written_with_the_public_path():
    """It survives releases, and names no secret."""
    field = S3FileField(upload_to="files", storage=S3MediaStorage(access_key="key", secret_key="hidden"), max_size=7)
    text, _ = MigrationWriter.serialize(field)
    assert text.startswith("s3store.fields.S3FileField(")
    assert "hidden" not in text
    assert "max_size" not in text


def test_makemigrations_finds_nothing_after_such_a_change(tmp_path, settings, monkeypatch):
    """`makemigrations --check` ends with status 0."""
    package = tmp_path / "migrations_of_the_test"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    settings.MIGRATION_MODULES = {"app": package.name}
    call_command("makemigrations", "app", verbosity=0)
    monkeypatch.setattr(FIELD, "max_size", 7)
    monkeypatch.setattr(FIELD, "accept", (".pdf",))
    monkeypatch.setattr(FIELD, "delete_replaced", False)
    call_command("makemigrations", "app", check_changes=True, dry_run=True, verbosity=0)
    monkeypatch.setattr(FIELD, "max_length", 50)
    with pytest.raises(SystemExit):
        call_command("makemigrations", "app", check_changes=True, dry_run=True, verbosity=0)


def test_accept_must_be_a_tuple():
    """A string would be taken for its letters."""
    with pytest.raises(TypeError, match=r"\('\.pdf',\)"):
        S3FileField(accept=".pdf")
