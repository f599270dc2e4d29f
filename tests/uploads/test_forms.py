"""Forms: a receipt becomes a file, and the file becomes the row's."""

import io

import pytest
from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from s3store import errors
from s3store import forms as our_forms
from s3store.uploads import acting_for
from s3store.widgets import AdminS3FileInput
from tests.app.models import Upload
from tests.uploads.client import begin, send
from tests.uploads.conftest import ON_EACH

FILE = "app.Upload.file"


class UploadForm(forms.ModelForm):
    class Meta:
        model = Upload
        fields = ["title", "file", "image"]


@pytest.fixture
def storage(model_storage):
    return model_storage


def uploaded(client, content, name="note.txt", label=FILE):
    begun = begin(client, label, name, len(content))
    assert send(begun, content) in (200, 201)
    return begun["receipt"]


def png(width=3, height=2):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


@ON_EACH
def test_a_receipt_becomes_the_file_of_the_row(client, user, storage, django_capture_on_commit_callbacks):
    """The form checks it in S3, saving copies it inside S3, and after commit the upload is gone."""
    receipt = uploaded(client, b"hello")
    with acting_for(user), django_capture_on_commit_callbacks(execute=True):
        form = UploadForm({"title": "a", "file": receipt})
        assert form.is_valid(), form.errors
        row = form.save()
    assert row.file.name == "files/note.txt"
    assert Upload.objects.get().file.read() == b"hello"
    assert [stat.name for stat in storage.scan()] == ["files/note.txt"]


@ON_EACH
def test_a_form_that_comes_back_keeps_the_upload(client, user, storage):
    """The receipt is in the page again, with the name and the size of the file."""
    receipt = uploaded(client, b"hello")
    with acting_for(user):
        form = UploadForm({"title": "x" * 21, "file": receipt})
        assert not form.is_valid()
        page = form.as_p()
    assert f'value="{receipt}" data-name="note.txt" data-size="5"' in page


@ON_EACH
def test_another_user_cannot_use_a_receipt(client, user, storage, django_user_model):
    """A receipt belongs to who uploaded the file."""
    receipt = uploaded(client, b"hello")
    with acting_for(django_user_model.objects.create_user("eve")):
        form = UploadForm({"title": "a", "file": receipt})
        assert "file" in form.errors


@ON_EACH
def test_replacing_deletes_the_old_file(client, user, storage, django_capture_on_commit_callbacks):
    """After commit, and only if no other row names it."""
    row = Upload.objects.create(title="a", file=SimpleUploadedFile("old.txt", b"old"))
    receipt = uploaded(client, b"new")
    with acting_for(user), django_capture_on_commit_callbacks(execute=True):
        UploadForm({"title": "a", "file": receipt}, instance=row).save()
    assert [stat.name for stat in storage.scan()] == ["files/note.txt"]
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
    assert not list(storage.scan())


@ON_EACH
def test_an_image_is_measured_once(client, user, storage, django_capture_on_commit_callbacks, monkeypatch):
    """Width and height are stored with the row, and loading it asks nobody."""
    receipt = uploaded(client, png(), "a.png", "app.Upload.image")
    with acting_for(user), django_capture_on_commit_callbacks(execute=True):
        form = UploadForm({"title": "a", "image": receipt})
        assert form.is_valid(), form.errors
        form.save()
    monkeypatch.setattr(type(storage), "open", None)
    row = Upload.objects.get()
    assert (row.width, row.height) == (3, 2)


def test_the_admin_uploads_directly():
    """A registered model needs no code: the admin's own widget is replaced by ours."""
    field = admin.ModelAdmin(Upload, admin.site).formfield_for_dbfield(Upload._meta.get_field("file"), request=None)
    assert isinstance(field.widget, AdminS3FileInput)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://BBB.S3.AMAZONAWS.COM/media/k", "k"),
        ("https://bbb.s3.eu-central-1.amazonaws.com/media/a%20b.txt?X-Amz-Signature=1", "a b.txt"),
        ("https://s3.eu-central-1.amazonaws.com/bbb/media/k", "k"),
        ("https://bbb.s3.amazonaws.com.evil.example/media/k", None),
        ("https://bbb.s3.amazonaws.com@evil.example/media/k", None),
        ("https://evil.example/bbb/media/k", None),
        ("//bbb.s3.amazonaws.com/media/k", None),
        ("https://s3.amazonaws.com/b2/media/k", None),
        ("https://s3.amazonaws.com/bbb/../b2/media/k", None),
        ("https://s3.amazonaws.com/bbb/..%2fb2/media/k", None),
        ("http://bbb.s3.amazonaws.com/media/k", None),
        ("https://bbb.s3.amazonaws.com:8443/media/k", None),
        ("https://bbb.s3.amazonaws.com/media/k%00", None),
        ("https://bbb.s3.amazonaws.com\\media/k", None),
        ("ht\ttps://bbb.s3.amazonaws.com/media/k", None),
        ("javascript://bbb.s3.amazonaws.com/media/k", None),
        ("file:///etc/passwd", None),
        ("http://169.254.169.254/", None),
    ],
)
def test_only_urls_of_the_storage_name_files(settings, url, name):
    """SF-06, SF-07: look-alikes name nothing, and nothing is asked."""
    settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_REGION_NAME = "bbb", "eu-central-1"
    field = Upload._meta.get_field("file")
    assert field.name_in_url(url) == name
    row = Upload(title="a", file=url)
    assert row.file.name == (name or url)


def test_an_image_must_be_one_and_can_fail_to_be_read(monkeypatch, files):
    """What Pillow cannot read is refused, and a storage that cannot be reached is no fault of the image."""
    field = our_forms.S3ImageField(destination="files")
    sent = SimpleUploadedFile("a.png", b"no image", content_type="image/png")
    with pytest.raises(forms.ValidationError) as refused:
        field.clean(sent)
    assert [error.code for error in refused.value.error_list] == ["invalid_image"]

    def unreachable(file):
        raise errors.S3TimeoutError("away")

    monkeypatch.setattr(our_forms, "verified_image", unreachable)
    with pytest.raises(forms.ValidationError) as failed:
        field.clean(sent)
    assert [error.code for error in failed.value.error_list] == ["storage_busy"]
