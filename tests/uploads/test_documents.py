"""What the README of seed C mentions (C01 to C32), where no other test is about it."""

import re
from datetime import datetime

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import FileExtensionValidator

from s3store.fields import S3FileField
from s3store.forms import S3FileField as FormField
from s3store.local import FakeS3Storage
from s3store.testing.counting import counted_requests
from s3store.uploads import acting_for
from s3store.uploads.destinations import signed_label
from s3store.uploads.texts import texts
from tests.app.models import Upload
from tests.local.sending import form_of, request
from tests.uploads.client import begin, post, send
from tests.uploads.conftest import ON_A_SERVER
from tests.uploads.site import names
from tests.uploads.test_forms import UploadForm

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "app.Upload.file"


@pytest.fixture
def storage(model_storage):
    return model_storage


@pytest.fixture
def field():
    """The field of the model, to be changed for a test."""
    return Upload._meta.get_field("file")


def uploaded_as_the_page_does(client, content, name):
    """Begin, send, and return the receipt. The twin takes files at the site itself."""
    begun = begin(client, FILE, name, len(content))
    if begun["url"].startswith("/"):
        body, content_type = form_of(begun["fields"], content)
        assert request("POST", begun["url"], body, {"Content-Type": content_type}).status == 201
    else:
        assert send(begun, content) == 201
    return begun["receipt"]


@pytest.mark.parametrize("kind", ["server", "twin"])
def test_c06_the_field_works_the_same_with_the_twin(client, user, storage, field, kind, monkeypatch, tmp_path):
    """A form uploads, saves, replaces and deletes on a server and on the file system."""
    if kind == "twin":
        storage = FakeS3Storage(tmp_path, allow_without_debug=True)
        monkeypatch.setattr(field, "storage", storage)
    row = None
    for name in ("a.txt", "b.txt"):
        receipt = uploaded_as_the_page_does(client, name.encode(), name)
        with acting_for(user):
            form = UploadForm({"title": "a", "file": receipt}, instance=row)
            assert form.is_valid(), form.errors
            row = form.save()
    assert Upload.objects.get().file.read() == b"b.txt"
    assert names(storage) == ["files/b.txt"]
    row.delete()
    assert names(storage) == []


def test_c09_a_field_has_a_size_of_its_own(client, storage, field, settings, monkeypatch):
    """Without one, the setting counts for it."""
    settings.AWS_S3_MAX_UPLOAD_SIZE = 10
    body = {"destination": signed_label(FILE), "name": "a.txt", "size": 11}
    monkeypatch.setattr(field, "max_size", 20)
    assert post(client, "begin", body).status_code == 201
    monkeypatch.setattr(field, "max_size", None)
    answer = post(client, "begin", body)
    assert (answer.status_code, answer.json()["error"]) == (413, {"code": "too_large", "max_size": 10})


def test_c10_the_widget_finds_the_endpoints(storage):
    """Wherever the project includes them: no script contains their place."""
    page = UploadForm().as_p()
    assert 'data-endpoint="/s3store/"' in page


def test_c13_the_field_takes_the_arguments_of_a_file_field():
    """max_length, null, blank, a name for people, help and validators."""
    validator = FileExtensionValidator(["pdf"])
    field = S3FileField("scan", max_length=7, null=True, blank=True, help_text="A PDF.", validators=[validator])
    assert (field.verbose_name, field.max_length, field.null, field.blank) == ("scan", 7, True, True)
    assert field.help_text == "A PDF."
    assert validator in field.validators


def named_after_its_row(row, filename):
    return f"{row.title}/{filename}"


@pytest.mark.parametrize(
    ("upload_to", "name"),
    [("scans", "scans/a.txt"), ("%Y", "{now:%Y}/a.txt"), (named_after_its_row, "mine/a.txt"), ("", "a.txt")],
    ids=["text", "date", "function", "nothing"],
)
def test_c14_upload_to_decides_when_the_row_is_saved(client, user, storage, field, monkeypatch, upload_to, name):
    """A function gets the row: the upload itself has a key of the server."""
    monkeypatch.setattr(field, "upload_to", upload_to)
    receipt = uploaded_as_the_page_does(client, b"text", "a.txt")
    assert not names(storage)[0].endswith("/a.txt")
    before = datetime.now()
    with acting_for(user):
        form = UploadForm({"title": "mine", "file": receipt})
        assert form.is_valid(), form.errors
        row = form.save()
    assert row.file.name in {name.format(now=moment) for moment in (before, datetime.now())}
    assert row.file.read() == b"text"


@ON_A_SERVER
def test_c16_a_file_is_downloaded_when_it_is_read(storage):
    """Loading the row, its name and its URL send nothing."""
    Upload.objects.create(file=ContentFile(b"text", name="a.txt"))
    with counted_requests(storage) as requests:
        row = Upload.objects.get()
        assert (row.file.name, bool(row.file.url)) == ("files/a.txt", True)
        assert len(requests) == 0
        assert row.file.read() == b"text"
    assert requests.methods == ["GET"]


def test_c18_the_media_of_a_form_are_a_module_and_a_style_sheet(storage):
    """And nothing in the page that a content security policy would have to allow."""
    form = UploadForm()
    media = str(form.media)
    assert re.findall(r"<script ([^>]*)></script>", media) == ['type="module" src="/static/s3store/widget.js"']
    assert '<link href="/static/s3store/widget.css"' in media
    page = form.as_p()
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page)


@pytest.mark.parametrize("form", ["json", "form"])
@ON_A_SERVER
def test_c19_signed_url_takes_json_and_forms(client, storage, settings, form):
    """With the name of the file as `key`."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3MediaStorage"}}
    if form == "json":
        answer = post(client, "signed-url", {"key": "file.txt"})
    else:
        answer = client.post("/s3store/signed-url/", {"key": "file.txt"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["fields"]["key"].endswith(".txt")


@ON_A_SERVER
def test_c20_signed_url_answers_with_a_form(client, storage, settings):
    """The URL and the fields that the README lists, and how long they work."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3MediaStorage"}}
    found = post(client, "signed-url", {"key": "file.txt"}).json()
    listed = {"key", "x-amz-credential", "policy", "x-amz-date", "x-amz-algorithm", "x-amz-signature"}
    assert {"url", "fields", "receipt", "expires_in"} <= set(found)
    assert listed <= set(found["fields"])
    body, content_type = form_of(found["fields"], b"text")
    assert request("POST", found["url"], body, {"Content-Type": content_type}).status == 201


def test_c22_the_server_chooses_the_key(client, storage):
    """It is another one each time, and keeps the extension, in lower case, and nothing else of the name."""
    keys = [begin(client, FILE, "../My Scan.PDF", 5)["key"] for _ in range(2)]
    assert all(key.endswith(".pdf") for key in keys)
    assert not any("Scan" in key or ".." in key for key in keys)
    assert keys[0] != keys[1]
    assert re.fullmatch(r"[0-9a-f]{32}\.pdf", keys[0].rpartition("/")[2])


def test_c24_types_are_accepted_by_the_server(client, storage):
    """What the page cannot be trusted to check: by `begin`, and by S3, which compares the type with the policy."""
    body = {"destination": signed_label("app.Upload.image"), "name": "a.gif", "size": 5, "type": "image/gif"}
    answer = post(client, "begin", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "type_refused"
    begun = begin(client, "app.Upload.image", "a.png", 5)
    assert begun["fields"]["Content-Type"] == "image/png"
    lie, content_type = form_of({**begun["fields"], "Content-Type": "text/html"}, b"<svg>")
    assert request("POST", begun["url"], lie, {"Content-Type": content_type}).status == 403


@pytest.mark.parametrize(
    ("name", "declared", "found"),
    [
        ("a.csv", "application/vnd.ms-excel", "text/csv"),
        ("a.md", "", "text/markdown"),
        ("A.JPG", "", "image/jpeg"),
        ("a.unknown", "", "application/octet-stream"),
    ],
)
def test_c25_the_extension_decides_on_the_type(client, storage, name, declared, found):
    """Browsers say what their operating system knows, or nothing."""
    begun = begin(client, FILE, name, 5, type=declared)
    assert begun["type"] == begun["fields"]["Content-Type"] == found


def test_c27_errors_of_s3_are_sentences():
    """By their codes, with the limit where one is too large."""
    said = texts()
    assert "{size}" in said["EntityTooLarge"]
    known = ("EntityTooSmall", "AccessDenied", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "NoSuchUpload")
    assert all(said[code].endswith(".") for code in (*known, "SlowDown", "QuotaExceeded"))
    assert "{code}" in said["storage_refused"]


def test_c28_a_file_can_be_cleared(client, user, storage):
    """By Django's own checkbox. Together with an upload it is a contradiction."""
    row = Upload.objects.create(title="a", file=ContentFile(b"text", name="a.txt"))
    form = UploadForm({"title": "a", "file-clear": "on"}, instance=row)
    assert form.is_valid(), form.errors
    form.save()
    assert not Upload.objects.get().file
    assert names(storage) == []

    class Optional(forms.Form):
        file = FormField(destination=FILE, required=False)

    both = Optional({"file-clear": "on", "file": "receipt"})
    assert not both.is_valid()
    assert isinstance(both.errors.as_data()["file"][0], ValidationError)
    assert both.errors.as_data()["file"][0].code == "contradiction"
