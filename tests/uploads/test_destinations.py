"""Destinations: what can be one, where their files are, and what the page of a form says about them."""

import json

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import modelform_factory
from django.test import override_settings
from django.urls import path

from s3store.forms import S3FileField
from s3store.storage import S3Storage
from s3store.uploads import Destination, destinations, register, register_family, script_settings, service, signed_label
from s3store.widgets import ModuleScript, S3FileInput
from tests.app.models import Upload
from tests.uploads.client import begin, post
from tests.uploads.site import configure, use_by_default

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}

urlpatterns = [path("", lambda request: None)]


class Form(forms.Form):
    file = S3FileField(destination="place")


@pytest.fixture
def default(settings):
    """The default storage, at AWS."""
    use_by_default(settings, KEYS)
    return S3Storage(**KEYS)


@pytest.mark.parametrize(
    "storage", [S3Storage(**KEYS), "default", default_storage, lambda: "default", lambda: default_storage], ids=range(5)
)
def test_a_storage_can_be_named_in_many_ways(default, storage):
    """Itself, its alias, Django's default storage, or a function that returns one of them."""
    assert Destination(storage=storage).find_storage() == default


def test_another_storage_cannot_have_direct_uploads(tmp_path):
    """The error says what can."""
    with pytest.raises(ImproperlyConfigured, match="FakeS3Storage"):
        Destination(storage=FileSystemStorage(tmp_path)).find_storage()


@pytest.mark.parametrize("label", ["", "app.Model.field", "a.b"])
def test_labels_with_dots_are_those_of_fields(label):
    """So that none is taken for the other."""
    with pytest.raises(ValueError, match="dots"):
        register(label, Destination())


@pytest.mark.parametrize("prefix", ["", "app.Model."])
def test_labels_of_families_have_no_dots(prefix):
    """They are not those of fields either."""
    with pytest.raises(ValueError, match="dots"):
        register_family(prefix, lambda label: None)


def test_a_family_has_a_destination_for_each_label(client, far_away, monkeypatch):
    """A function finds it in each step; a label that it does not know is nowhere."""
    monkeypatch.setattr(destinations, "_families", {})
    closed = Destination(storage=far_away, permission=lambda _: False)
    rows = {"room-1": Destination(storage=far_away), "room-2": closed}
    register_family("room-", rows.get)
    begun = begin(client, "room-1", "a.txt", 5)
    assert begun["key"].startswith("incoming/room-1/")
    for label in ("room-2", "room-3", "other-1"):
        body = {"destination": signed_label(label), "name": "a.txt", "size": 5}
        assert post(client, "begin", body).status_code == 404


@pytest.mark.parametrize(
    ("options", "mode", "condition"),
    [
        ({}, "post", None),
        ({"upload_method": "put"}, "put", "*"),
        ({"upload_method": "put", "conditional_writes": False}, "put", None),
        ({"endpoint_url": "https://abc.r2.cloudflarestorage.com"}, "put", None),
        ({"endpoint_url": "https://s3.eu-central-003.backblazeb2.com"}, "put", None),
        ({"endpoint_url": "https://storage.googleapis.com", "upload_method": "post"}, "post", None),
    ],
)
def test_the_server_decides_how_a_file_is_sent(client, declare, options, mode, condition):
    """A form where the server knows them, otherwise a PUT, under a condition if the server knows that."""
    declare("place", storage=S3Storage(**{**KEYS, **options}))
    begun = begin(client, "place", "a.txt", 5)
    assert begun["mode"] == mode
    if condition:
        assert begun["headers"]["If-None-Match"] == condition


def test_names_are_short(declare, far_away):
    """As on the file systems that they come from."""
    destination = declare("place", storage=far_away)
    with pytest.raises(service.UploadRefusedError, match="too long"):
        service.begin("place", destination, owner="x", name="x" * 256, size=1)


def test_the_page_says_what_is_accepted(declare, far_away):
    """To the browser, by its attribute, and to the script."""
    declare("place", storage=far_away, accept=(".pdf", "image/*"), max_size=1_000_000, min_size=1)
    page = Form().as_p()
    assert 'accept=".pdf,image/*"' in page
    assert 'data-accept=".pdf,image/*"' in page
    assert 'data-max-size="1000000"' in page
    assert 'data-min-size="1"' in page


def test_without_endpoints_the_field_is_djangos(declare, far_away):
    """The script finds nothing to do."""
    declare("place", storage=far_away)
    with override_settings(ROOT_URLCONF=__name__):
        page = Form().as_p()
    assert "data-s3store-upload" not in page
    assert 'type="file"' in page


def test_another_widget_can_be_used(declare, far_away):
    """It gets the attribute, and Django's uploads."""
    declare("place", storage=far_away, accept=(".pdf",))
    field = S3FileField(destination="place", widget=forms.FileInput)
    assert field.widget.attrs["accept"] == ".pdf"


def test_scripts_are_modules():
    """Each of them is in the page once."""
    media = Form().media + Form().media
    assert str(media).count('type="module"') == str(media).count('rel="modulepreload"') == 1
    assert repr(ModuleScript("a.js")) == "ModuleScript('a.js')"
    assert ModuleScript("a.js") != ModuleScript("b.js")
    assert Form().fields["file"].widget.value_omitted_from_data({}, {}, "file")
    assert not Form().fields["file"].widget.value_omitted_from_data({"file": "x"}, {}, "file")


FIELD = Upload._meta.get_field("file")


@pytest.mark.parametrize(
    ("upload_to", "name", "known"),
    [
        ("files", "x" * 21, {"code": "name_refused", "max_length": 20}),
        ("files", "x" * 20, None),
        ("files", "a.b23456789012345", {"code": "name_refused"}),
        ("%Y/%m/%d/more/of/it", "a.txt", {"code": "name_refused"}),
        ("files", "\U0001f600", {"code": "name_refused"}),
        (lambda instance, name: f"files/{instance.pk}", "\U0001f600.b2345678901234", None),
    ],
    ids=["too long", "shortened", "long extension", "long directory", "nothing left", "function"],
)
def test_a_name_that_the_row_cannot_have_is_refused_before_the_upload(
    client, settings, monkeypatch, upload_to, name, known
):
    """By the endpoint and, without JavaScript, by the form: not by saving. Nothing is sent to S3."""
    configure(settings, {**KEYS, "location": "media", "endpoint_url": None})
    monkeypatch.setattr(FIELD, "max_length", 20)
    monkeypatch.setattr(FIELD, "upload_to", upload_to)
    body = {"destination": signed_label("app.Upload.file"), "name": name, "size": 1}
    answer = post(client, "begin", body)
    form = modelform_factory(Upload, fields=["file"])({}, {"file": SimpleUploadedFile(name, b"x")})
    assert (answer.status_code, answer.json().get("error")) == ((400, known) if known else (201, None))
    assert form.has_error("file") is bool(known)


def test_names_that_code_makes_are_not_foreseen(client, settings, monkeypatch):
    """A storage or a field with a way of its own to names may shorten them."""
    configure(settings, {**KEYS, "location": "media", "endpoint_url": None})
    monkeypatch.setattr(FIELD, "max_length", 20)
    long = {"destination": signed_label("app.Upload.file"), "name": "a.b23456789012345", "size": 1}

    class Own(type(FIELD.storage)):
        def get_available_name(self, name, max_length=None):
            return name[:max_length]

    monkeypatch.setattr(FIELD, "storage", Own())
    assert post(client, "begin", long).status_code == 201

    class OwnField(type(FIELD)):
        def generate_filename(self, instance, filename):
            return f"{instance.pk}.txt"

    field = OwnField(upload_to="files", max_length=20, storage=S3Storage(**KEYS))
    assert field.destination.fits("\U0001f600")


def test_a_script_gets_what_the_widget_gets(default):
    """The settings for a script of one's own are those of the widget. A destination must exist."""
    shown = S3FileInput(destination="app.Upload.file")._settings()
    settings = script_settings("app.Upload.file")
    assert shown["texts"] == json.dumps(settings.pop("texts"), ensure_ascii=False)
    assert settings.items() <= shown.items()
    assert set(settings) == {"endpoint", "destination", "engine"}
    with pytest.raises(LookupError, match=r"'app\.Upload\.nothing' is not a destination\. Register it"):
        script_settings("app.Upload.nothing")
